//! The fused blocks against what PyTorch computed, as stored by `tests/fixtures/kernels.py`.

use candle_core::npy::NpzTensors;
use candle_core::{Result, Tensor, Var};
use spiritsafe::nn::kernels::{Blocks, conv_blocks, instruction_set, pin_instruction_set};

/// max |a - b| / max |b|
fn distance(a: &Tensor, b: &Tensor) -> Result<f32> {
    let largest = |tensor: &Tensor| tensor.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>();
    Ok(largest(&(a - b)?)? / largest(b)?)
}

fn agrees_with_pytorch(name: &str) -> Result<()> {
    let stored = NpzTensors::new("tests/fixtures/kernels.npz")?;
    let get = |key: &str| Ok::<_, candle_core::Error>(stored.get(&format!("{name}.{key}"))?.expect("a stored tensor"));
    let shape: Vec<usize> = get("shape")?.to_vec1::<i64>()?.into_iter().map(|side| side as usize).collect();
    let [channels, height, width, filters, depth, first_padding] = shape[..] else { panic!("six numbers: {shape:?}") };
    let blocks = Blocks { channels, height, width, filters, depth, first_padding };

    let images = Var::from_tensor(&get("images")?)?;
    let parameters = Var::from_tensor(&get("parameters")?)?;
    assert_eq!(parameters.dims1()?, blocks.parameter_count());
    let result = conv_blocks(&blocks, images.as_tensor(), parameters.as_tensor(), false)?;
    assert_eq!(
        result.dims4()?,
        (images.dim(0)?, blocks.output_shape().0, blocks.output_shape().1, blocks.output_shape().2)
    );
    assert!(distance(&result, &get("result")?)? < 1e-4);
    let gradients = (&result * get("gradient")?)?.sum_all()?.backward()?;
    for (var, key) in [(&images, "image_gradient"), (&parameters, "parameter_gradient")] {
        let distance = distance(gradients.get(var.as_tensor()).expect("a gradient"), &get(key)?)?;
        assert!(distance < 1e-4, "{name}: {key} off by {distance:e}");
    }
    Ok(())
}

#[test]
fn digits_agree_with_pytorch() -> Result<()> {
    agrees_with_pytorch("digits")
}

#[test]
fn odd_sizes_and_padding_three_agree_with_pytorch() -> Result<()> {
    agrees_with_pytorch("odd")
}

#[test]
fn three_blocks_agree_with_pytorch() -> Result<()> {
    agrees_with_pytorch("deep")
}

#[test]
fn the_instruction_set_is_fixed_by_its_first_use() {
    let used = instruction_set();
    assert!(pin_instruction_set(used).is_ok());
    assert!(pin_instruction_set("abacus").unwrap_err().contains("choose one of"));
    let other = if used == "portable" { "avx2" } else { "portable" };
    assert!(pin_instruction_set(other).is_err());
}
