//! The kernels of every instruction set against the same network in candle's own operations, in float64.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::isa::{Kernels, available};
use super::operation::{Wanted, backward, forward};
use super::plan::Plan;
use super::{Blocks, conv_blocks};

const BOTH: Wanted = Wanted { images: true, parameters: true };
const FORWARD: Wanted = Wanted { images: false, parameters: false };

fn blocks(channels: usize, height: usize, width: usize, filters: usize, depth: usize, first_padding: usize) -> Blocks {
    Blocks { channels, height, width, filters, depth, first_padding }
}

/// The same blocks in basic operations. Also returns the smallest distance of an activation from the kink of the ReLU.
fn reference(blocks: &Blocks, images: &Tensor, parameters: &Tensor) -> Result<(Tensor, f64)> {
    let (mut x, mut at, mut kink) = (images.clone(), 0, f64::INFINITY);
    let f = blocks.filters;
    for d in 0..blocks.depth {
        let c = x.dim(1)?;
        let mut next = |shape: &[usize]| {
            let len = shape.iter().product();
            at += len;
            parameters.narrow(0, at - len, len)?.reshape(shape)
        };
        let weight = next(&[f, c, 3, 3])?;
        let [bias, gamma, beta] = [next(&[1, f, 1, 1])?, next(&[1, f, 1, 1])?, next(&[1, f, 1, 1])?];
        let padding = if d == 0 { blocks.first_padding } else { 1 };
        x = x.conv2d(&weight, padding, 1, 1, 1)?.broadcast_add(&bias)?;
        x = x.broadcast_sub(&x.mean_keepdim((2, 3))?)?;
        let deviation = (x.sqr()?.mean_keepdim((2, 3))? + 1e-5)?.sqrt()?;
        x = x.broadcast_div(&deviation)?.broadcast_mul(&gamma)?.broadcast_add(&beta)?;
        kink = kink.min(x.detach().abs()?.flatten_all()?.min(0)?.to_scalar()?);
        let (n, _, h, w) = x.dims4()?;
        let (h, w) = (h / 2, w / 2);
        let even = x.relu()?.narrow(2, 0, 2 * h)?.narrow(3, 0, 2 * w)?.contiguous()?;
        x = even.reshape((n, f, h, 2, w, 2))?.mean((3, 5))?;
    }
    Ok((x, kink))
}

/// Images, parameters and the gradient of the result for `n` images.
struct Case {
    blocks: Blocks,
    n: usize,
    images: Vec<f32>,
    parameters: Vec<f32>,
    gradient: Vec<f32>,
}

impl Case {
    fn new(blocks: Blocks, n: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |len: usize, scale: f32| -> Vec<f32> {
            (0..len).map(|_| scale * random.random_range(-1.0_f32..1.0)).collect()
        };
        let (f, h, w) = blocks.output_shape();
        let mut parameters = Vec::new();
        for d in 0..blocks.depth {
            let inputs = if d == 0 { blocks.channels } else { f };
            parameters.extend(draw(f * inputs * 9, (inputs as f32 * 9.0).sqrt().recip()));
            parameters.extend(draw(f, 0.5));
            parameters.extend(draw(f, 0.7).into_iter().map(|gamma| 1.0 + gamma));
            parameters.extend(draw(f, 0.5));
        }
        let images = draw(n * blocks.channels * blocks.height * blocks.width, 1.5);
        Self { blocks, n, images, parameters, gradient: draw(n * f * h * w, 1.0) }
    }

    fn tensors(&self) -> Result<[Tensor; 3]> {
        let Blocks { channels, height, width, .. } = self.blocks;
        let (f, h, w) = self.blocks.output_shape();
        Ok([
            Tensor::new(self.images.as_slice(), &Device::Cpu)?.reshape((self.n, channels, height, width))?,
            Tensor::new(self.parameters.as_slice(), &Device::Cpu)?,
            Tensor::new(self.gradient.as_slice(), &Device::Cpu)?.reshape((self.n, f, h, w))?,
        ])
    }

    /// Result, gradients of images and parameters, kink distance; in float64.
    fn expected(&self) -> Result<([Vec<f64>; 3], f64)> {
        let [images, parameters, gradient] = self.tensors()?;
        let images = Var::from_tensor(&images.to_dtype(DType::F64)?)?;
        let parameters = Var::from_tensor(&parameters.to_dtype(DType::F64)?)?;
        let (result, kink) = reference(&self.blocks, images.as_tensor(), parameters.as_tensor())?;
        let grads = (&result * gradient.to_dtype(DType::F64)?)?.sum_all()?.backward()?;
        let of = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f64>();
        let gradient = |var: &Var| of(grads.get(var.as_tensor()).expect("a gradient"));
        Ok(([of(&result)?, gradient(&images)?, gradient(&parameters)?], kink))
    }

    fn computed(&self, kernels: &Kernels, wanted: Wanted) -> [Vec<f32>; 3] {
        let plan = Plan::new(&self.blocks).expect("a valid stack");
        let (result, mut kept) = forward(kernels, &plan, &self.images, &self.parameters, wanted);
        let gradients = |kept| backward(kernels, &plan, &self.images, &self.parameters, &self.gradient, wanted, kept);
        let again = gradients(None);
        let (images, parameters) = gradients(kept.as_mut());
        assert!((&images, &parameters) == (&again.0, &again.1), "what was kept is not what is computed again");
        [result, images.unwrap_or_default(), parameters.unwrap_or_default()]
    }
}

fn distance(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let top = b.iter().fold(0.0_f64, |top, b| top.max(b.abs()));
    let worst = a.iter().zip(b).fold(0.0_f64, |worst, (a, b)| {
        assert!(a.is_finite());
        worst.max((f64::from(*a) - b).abs())
    });
    worst / top
}

/// Compares values and gradients, on inputs that stay off the kinks of the ReLU.
fn check(blocks: Blocks, n: usize) {
    for seed in 0.. {
        let case = Case::new(blocks, n, seed);
        let (expected, kink) = case.expected().expect("the reference");
        if kink < 3e-6 {
            continue;
        }
        for kernels in available() {
            let computed = case.computed(kernels, BOTH);
            for (name, (a, b)) in ["result", "images", "parameters"].iter().zip(computed.iter().zip(&expected)) {
                let distance = distance(a, b);
                assert!(distance < 1e-4, "{blocks:?}, {n} images, {}: {name} off by {distance:e}", kernels.name);
            }
        }
        return;
    }
}

#[test]
fn one_block_agrees() {
    check(blocks(3, 8, 8, 16, 1, 1), 2);
    check(blocks(1, 5, 7, 32, 1, 3), 3);
    check(blocks(20, 6, 4, 5, 1, 1), 1);
}

#[test]
fn usual_stacks_agree() {
    check(blocks(1, 8, 8, 32, 2, 1), 5);
    check(blocks(3, 32, 32, 16, 3, 1), 2);
    check(blocks(1, 28, 28, 32, 3, 3), 2);
    check(blocks(3, 16, 16, 64, 3, 1), 2);
    check(blocks(3, 16, 16, 128, 2, 1), 2);
    check(blocks(3, 32, 32, 48, 4, 1), 1);
}

#[test]
fn odd_sizes_agree() {
    check(blocks(1, 7, 9, 16, 2, 1), 3);
    check(blocks(2, 13, 5, 16, 2, 3), 2);
    check(blocks(3, 15, 15, 7, 3, 1), 2);
    check(blocks(4, 11, 14, 33, 2, 1), 2);
    check(blocks(1, 2, 2, 3, 1, 1), 1);
    check(blocks(1, 5, 37, 3, 2, 3), 1);
}

#[test]
fn random_stacks_agree() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..24 {
        let depth = random.random_range(1..=3);
        let side = |random: &mut ChaCha8Rng| random.random_range((2 << depth) - 1..=20.max(2 << depth));
        let (height, width) = (side(&mut random), side(&mut random));
        let shape = blocks(
            random.random_range(1..=5),
            height,
            width,
            random.random_range(1..=40),
            depth,
            if random.random() { 1 } else { 3 },
        );
        let n = random.random_range(1..=6);
        if Plan::new(&shape).is_ok() {
            check(shape, n);
        }
    }
}

#[test]
fn a_thousand_images_agree() {
    check(blocks(1, 8, 8, 8, 2, 1), 1000);
}

#[test]
fn small_images_are_refused_with_a_reason() {
    let blocks = blocks(3, 7, 7, 16, 3, 1);
    let images = Tensor::zeros((1, 3, 7, 7), DType::F32, &Device::Cpu).unwrap();
    let parameters = Tensor::zeros(blocks.parameter_count(), DType::F32, &Device::Cpu).unwrap();
    let error = conv_blocks(&blocks, &images, &parameters, true).unwrap_err().to_string();
    assert!(error.contains("too small for 3 blocks"), "{error}");
    assert_eq!(blocks.output_shape(), (16, 0, 0));
}

/// The bits do not depend on what else is in the batch.
#[test]
fn an_image_is_alone_in_its_batch() {
    // Tiles of 2x2, and of 4x4 in two blocks.
    for blocks in [blocks(3, 12, 10, 24, 2, 1), blocks(1, 16, 18, 32, 3, 1)] {
        stays_the_same_in_any_batch(&Case::new(blocks, 37, 1));
    }
}

fn stays_the_same_in_any_batch(case: &Case) {
    let plan = Plan::new(&case.blocks).unwrap();
    for kernels in available() {
        let [result, gradient, _] = case.computed(kernels, BOTH);
        for (start, end) in [(0, 1), (3, 4), (0, 18), (18, 37), (36, 37), (5, 22)] {
            let part = Case {
                blocks: case.blocks,
                n: end - start,
                images: case.images[start * plan.image_len()..end * plan.image_len()].to_vec(),
                parameters: case.parameters.clone(),
                gradient: case.gradient[start * plan.output_len()..end * plan.output_len()].to_vec(),
            };
            let [part_result, part_gradient, _] = part.computed(kernels, Wanted { images: true, parameters: false });
            assert_eq!(part_result, result[start * plan.output_len()..end * plan.output_len()]);
            assert_eq!(part_gradient, gradient[start * plan.image_len()..end * plan.image_len()]);
        }
    }
}

/// The bits of every gradient do not depend on the number of threads.
#[test]
fn threads_change_nothing() {
    let case = Case::new(blocks(1, 9, 12, 32, 2, 3), 75, 2);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    for kernels in available() {
        let one = pool(1).install(|| case.computed(kernels, BOTH));
        for threads in [2, 3] {
            assert_eq!(one, pool(threads).install(|| case.computed(kernels, BOTH)));
        }
    }
}

/// Through candle: the gradients arrive, and a frozen network has none.
#[test]
fn candle_differentiates_the_operation() -> Result<()> {
    let case = Case::new(blocks(2, 8, 8, 16, 2, 1), 3, 3);
    let [images, parameters, gradient] = case.tensors()?;
    let (images, parameters) = (Var::from_tensor(&images)?, Var::from_tensor(&parameters)?);
    let expected = case.computed(super::isa::kernels(), BOTH);
    for frozen in [false, true] {
        let result = conv_blocks(&case.blocks, images.as_tensor(), parameters.as_tensor(), frozen)?;
        let grads = (&result * &gradient)?.sum_all()?.backward()?;
        assert_eq!(result.flatten_all()?.to_vec1::<f32>()?, expected[0]);
        let of_images = grads.get(images.as_tensor()).expect("a gradient of the images");
        assert_eq!(of_images.flatten_all()?.to_vec1::<f32>()?, expected[1]);
        match grads.get(parameters.as_tensor()) {
            Some(of_parameters) if !frozen => assert_eq!(of_parameters.to_vec1::<f32>()?, expected[2]),
            None if frozen => {}
            other => panic!("frozen {frozen}, but {other:?}"),
        }
    }
    Ok(())
}

/// Central differences of the reference, in float64, one coordinate at a time: independent of any backward.
#[test]
fn gradients_are_central_differences() -> Result<()> {
    const STEP: f64 = 1e-6;
    let blocks = blocks(2, 9, 11, 8, 2, 1);
    let case = (0..1000)
        .map(|seed| Case::new(blocks, 2, seed))
        .find(|case| case.expected().is_ok_and(|(_, kink)| kink > 1e-4));
    let case = case.expect("a case off the kinks");
    let [images, parameters, gradient] = case.tensors()?;
    let (shape, gradient) = (images.shape(), gradient.to_dtype(DType::F64)?);
    let value = |images: &[f64], parameters: &[f64]| -> Result<f64> {
        let images = Tensor::new(images, &Device::Cpu)?.reshape(shape)?;
        let (result, _) = reference(&blocks, &images, &Tensor::new(parameters, &Device::Cpu)?)?;
        (result * &gradient)?.sum_all()?.to_scalar()
    };
    let doubles = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let inputs = [doubles(&case.images), doubles(&parameters.to_vec1()?)];
    let computed: Vec<_> = available().iter().map(|kernels| case.computed(kernels, BOTH)).collect();
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for (which, input) in inputs.iter().enumerate() {
        let top = computed[0][which + 1].iter().fold(0.0_f32, |top, value| top.max(value.abs()));
        for _ in 0..60 {
            let at = random.random_range(0..input.len());
            let moved = |by: f64| {
                let mut inputs = inputs.clone();
                inputs[which][at] += by;
                value(&inputs[0], &inputs[1])
            };
            let expected = (moved(STEP)? - moved(-STEP)?) / (2.0 * STEP);
            for computed in &computed {
                let off = (f64::from(computed[which + 1][at]) - expected).abs() / f64::from(top);
                assert!(off < 1e-4, "input {which}, coordinate {at}: off by {off:e}");
            }
        }
    }
    Ok(())
}

/// A run that diverges must be seen: the ReLU does not turn a NaN into a zero.
#[test]
fn nan_is_not_hidden() {
    let mut case = Case::new(blocks(1, 8, 8, 16, 2, 1), 2, 4);
    case.images[10] = f32::NAN;
    let plan = Plan::new(&case.blocks).unwrap();
    for kernels in available() {
        let (result, _) = forward(kernels, &plan, &case.images, &case.parameters, FORWARD);
        let (first, second) = result.split_at(plan.output_len());
        assert!(first.iter().all(|value| value.is_nan()) && second.iter().all(|value| value.is_finite()));
    }
}

/// The bias and the mean of an image are taken out by the norm, even where they are large.
#[test]
fn a_large_mean_does_no_harm() -> Result<()> {
    let mut case = Case::new(blocks(1, 12, 12, 16, 1, 1), 1, 5);
    for value in &mut case.images {
        *value += 100.0;
    }
    let ([expected, ..], _) = case.expected()?;
    for kernels in available() {
        let [result, ..] = case.computed(kernels, FORWARD);
        assert!(distance(&result, &expected) < 1e-4);
    }
    Ok(())
}

#[test]
fn an_empty_batch_has_an_empty_result() -> Result<()> {
    let blocks = blocks(3, 8, 8, 16, 2, 1);
    let images = Tensor::zeros((0, 3, 8, 8), DType::F32, &Device::Cpu)?;
    let parameters = Tensor::zeros(blocks.parameter_count(), DType::F32, &Device::Cpu)?;
    assert_eq!(conv_blocks(&blocks, &images, &parameters, true)?.dims(), [0, 16, 2, 2]);
    Ok(())
}

#[test]
fn strided_images_are_read_right() -> Result<()> {
    let case = Case::new(blocks(2, 8, 8, 16, 1, 1), 3, 6);
    let [images, parameters, _] = case.tensors()?;
    let turned = images.transpose(2, 3)?;
    let expected = conv_blocks(&case.blocks, &turned.copy()?, &parameters, true)?;
    let result = conv_blocks(&case.blocks, &turned, &parameters, true)?;
    assert_eq!(result.flatten_all()?.to_vec1::<f32>()?, expected.flatten_all()?.to_vec1::<f32>()?);
    Ok(())
}

/// Scratch memory is used again with whatever is in it, here the NaN of a run that diverged.
#[test]
fn memory_of_a_diverged_run_is_harmless() {
    let blocks = blocks(2, 11, 16, 24, 2, 1);
    let mut diverged = Case::new(blocks, 9, 8);
    diverged.images.fill(f32::NAN);
    diverged.parameters.fill(f32::NAN);
    let plan = Plan::new(&blocks).unwrap();
    for kernels in available() {
        let Case { images, parameters, gradient, .. } = &diverged;
        let (_, mut kept) = forward(kernels, &plan, images, parameters, BOTH);
        backward(kernels, &plan, images, parameters, gradient, BOTH, kept.as_mut());
    }
    check(blocks, 9);
}
