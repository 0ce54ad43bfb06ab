//! The networks of the field against stored PyTorch outputs (`tests/fixtures/networks.py` made them), against central
//! differences and against the library's own operations.

use std::collections::HashMap;

use candle_core::{DType, Tensor, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    data::ImageShape,
    nn::Device,
    nn::{Activation, ConvNetSpec, Network, NetworkSpec, Norm, Pooling, init::Init},
};

fn shape(channels: usize, side: usize) -> ImageShape {
    ImageShape { channels, height: side, width: side }
}

/// The numbers of the fixture's rule, in [-1, 1).
fn rule(t: u32, count: usize) -> Vec<f64> {
    let number = |position: usize| {
        let mut x = (position as u32).wrapping_mul(2_654_435_761).wrapping_add((t + 1).wrapping_mul(40503 * 65537));
        x = (x ^ (x >> 15)).wrapping_mul(2_246_822_519);
        x = (x ^ (x >> 13)).wrapping_mul(3_266_489_917);
        f64::from(x ^ (x >> 16)) / 2_147_483_648.0 - 1.0
    };
    (0..count).map(number).collect()
}

fn tensor(t: u32, shape: &[usize], dtype: DType) -> Tensor {
    Tensor::from_vec(rule(t, shape.iter().product()), shape, &Device::CPU).unwrap().to_dtype(dtype).unwrap()
}

fn draw(spec: &NetworkSpec, shape: ImageShape, dtype: DType, known: Option<Vec<Tensor>>) -> Box<dyn Network> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let init = Init::trainable(&mut rng, &Device::CPU).with_dtype(dtype);
    let init = match known {
        Some(known) => init.with_known(known),
        None => init,
    };
    spec.build(shape, 10, init).unwrap()
}

/// The network whose parameters follow the rule.
fn ruled(spec: &NetworkSpec, shape: ImageShape, dtype: DType) -> Box<dyn Network> {
    let packed = matches!(spec, NetworkSpec::ConvNet(_));
    let fill = |(t, variable): (usize, &Var)| {
        let dims = variable.dims();
        let numbers = tensor(t as u32, dims, DType::F64);
        let fan_in: usize = dims[1..].iter().product();
        let numbers = match dims.len() {
            1 if packed && t == 0 => numbers * 0.2,
            1 => numbers.affine(0.4, 0.5),
            _ => numbers / (fan_in as f64).sqrt(),
        };
        numbers.unwrap().to_dtype(dtype).unwrap()
    };
    let known = draw(spec, shape, dtype, None).variables().iter().enumerate().map(fill).collect();
    draw(spec, shape, dtype, Some(known))
}

/// What both sides call a network.
fn named(name: &str, grey: bool) -> NetworkSpec {
    let small = ConvNetSpec { width: 8, ..ConvNetSpec::default() };
    NetworkSpec::ConvNet(match name {
        "vgg11" if grey => return "vgg11bn".parse().unwrap(),
        "convnet-batch" => ConvNetSpec { norm: Norm::Batch, ..small },
        "convnet-group" => ConvNetSpec { norm: Norm::Group, ..small },
        "convnet-max" => ConvNetSpec { pooling: Pooling::Max, ..small },
        "convnet-none" => ConvNetSpec { norm: Norm::None, pooling: Pooling::None, ..small },
        "convnet-swish" => ConvNetSpec { activation: Activation::Swish, ..small },
        "convnet-sigmoid" => ConvNetSpec { activation: Activation::Sigmoid, ..small },
        "convnet-leaky" => ConvNetSpec { activation: Activation::Leaky, ..small },
        name => return name.parse().unwrap(),
    })
}

fn relative_error(ours: &Tensor, theirs: &Tensor) -> f64 {
    let wide = |tensor: &Tensor| tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap();
    let largest = |tensor: &Tensor| tensor.abs().unwrap().max(0).unwrap().to_scalar::<f64>().unwrap();
    largest(&(wide(ours) - wide(theirs)).unwrap()) / largest(&wide(theirs))
}

fn fixture() -> HashMap<String, Tensor> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/networks.safetensors");
    candle_core::safetensors::load(path, &Device::CPU).unwrap()
}

#[test]
fn every_network_agrees_with_pytorch_in_features_scores_and_gradients() {
    let fixture = fixture();
    let mut seen = 0;
    for scores in fixture.keys().filter(|key| key.ends_with(".scores")) {
        let entry = scores.strip_suffix(".scores").unwrap();
        let (name, side) = entry.split_once('.').unwrap();
        let grey = side == "28";
        let shape = if grey { shape(1, 28) } else { shape(3, 32) };
        let network = ruled(&named(name, grey), shape, DType::F64);
        let [channels, height, width] = shape.dims();
        let images = Var::from_tensor(&tensor(1000, &[2, channels, height, width], DType::F64)).unwrap();
        let features = network.embed(images.as_tensor()).unwrap();
        assert_eq!(features.dim(1).unwrap(), network.embedding_len(), "{entry}");
        let scores = network.classify(&features).unwrap();
        let gradients = (&scores * tensor(1001, &[2, 10], DType::F64)).unwrap().sum_all().unwrap().backward().unwrap();
        let product = |(t, variable): (usize, &Var)| {
            let numbers = tensor(t as u32, variable.dims(), DType::F64);
            (gradients.get(variable).unwrap() * numbers).unwrap().sum_all().unwrap()
        };
        let products: Vec<Tensor> = network.variables().iter().enumerate().map(product).collect();
        let products = Tensor::stack(&products, 0).unwrap();
        for (what, ours) in [
            ("features", &features),
            ("scores", &scores),
            ("gradient", gradients.get(&images).unwrap()),
            ("products", &products),
        ] {
            let error = relative_error(ours, &fixture[&format!("{entry}.{what}")]);
            assert!(error < 1e-6, "{entry} {what}: {error}");
        }
        if let Some(after) = fixture.get(&format!("{entry}.scores_after")) {
            network.set_training(false);
            let error = relative_error(&network.forward(images.as_tensor()).unwrap(), after);
            assert!(error < 1e-6, "{entry} after training: {error}");
        }
        let single = ruled(&named(name, grey), shape, DType::F32);
        let error = relative_error(
            &single.forward(&images.as_tensor().to_dtype(DType::F32).unwrap()).unwrap(),
            &fixture[&format!("{entry}.scores")],
        );
        assert!(error < 1e-4, "{entry} in single precision: {error}");
        seen += 1;
    }
    assert_eq!(seen, 21);
}

#[test]
fn networks_have_the_published_number_of_parameters() {
    let count = |name: &str, shape: ImageShape| -> usize {
        let network = draw(&name.parse().unwrap(), shape, DType::F32, None);
        network.variables().iter().map(|variable| variable.elem_count()).sum()
    };
    assert_eq!(count("alexnet", shape(3, 32)), 1_872_202);
    assert_eq!(count("vgg11", shape(3, 32)), 9_231_114);
    assert_eq!(count("resnet18", shape(3, 32)), 11_173_962);
    assert_eq!(count("convnet", shape(3, 32)), 320_010);
    assert_eq!(count("mlp", shape(1, 28)), 784 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10);
}

#[test]
fn one_image_says_the_same_in_any_batch_and_on_any_number_of_threads() {
    for (name, tolerance) in [("lenet", 1e-6), ("alexnet", 1e-6), ("vgg11", 1e-5), ("resnet18", 1e-5)] {
        let network = ruled(&name.parse().unwrap(), shape(1, 28), DType::F32);
        let images = tensor(7, &[9, 1, 28, 28], DType::F32);
        let together = network.forward(&images).unwrap();
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let again = one_thread.install(|| network.forward(&images).unwrap());
        assert_eq!(together.to_vec2::<f32>().unwrap(), again.to_vec2::<f32>().unwrap(), "{name}");
        let alone = network.forward(&images.narrow(0, 6, 1).unwrap()).unwrap();
        assert!(relative_error(&alone, &together.narrow(0, 6, 1).unwrap()) < tolerance, "{name}");
    }
}

#[test]
fn gradients_do_not_depend_on_the_number_of_threads() {
    let gradient = || {
        let network = ruled(&"resnet18bn".parse().unwrap(), shape(3, 32), DType::F32);
        let scores = network.forward(&tensor(8, &[5, 3, 32, 32], DType::F32)).unwrap();
        let gradients = scores.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let flat = |variable: &Var| gradients.get(variable).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        network.variables().iter().map(flat).collect::<Vec<_>>()
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert_eq!(pool(1).install(gradient), pool(3).install(gradient));
}

#[test]
fn small_images_are_enlarged_by_whole_factors_and_tiny_ones_refused_with_a_reason() {
    for (channels, height, width) in [(1, 8, 8), (3, 9, 20), (1, 28, 31), (3, 48, 48), (3, 64, 64)] {
        let shape = ImageShape { channels, height, width };
        for name in ["lenet", "alexnet", "vgg11", "resnet18"] {
            let spec: NetworkSpec = name.parse().unwrap();
            spec.check(shape).unwrap();
            let network = draw(&spec, shape, DType::F32, None);
            let images = tensor(9, &[2, channels, height, width], DType::F32);
            assert_eq!(network.forward(&images).unwrap().dims(), [2, 10], "{name} {shape:?}");
        }
    }
    let reason = "resnet18".parse::<NetworkSpec>().unwrap().check(shape(1, 6)).unwrap_err();
    assert!(reason.contains("5 times"), "{reason}");
}

/// Central differences of a few coordinates of the images of a small network of odd sizes.
#[test]
fn gradients_on_odd_sizes_are_those_of_central_differences() {
    let shape = ImageShape { channels: 2, height: 29, width: 31 };
    for name in ["lenet", "resnet18"] {
        let network = ruled(&name.parse().unwrap(), shape, DType::F64);
        let cotangent = tensor(11, &[1, 10], DType::F64);
        let value = |images: &Tensor| (network.forward(images).unwrap() * &cotangent).unwrap().sum_all().unwrap();
        let images = Var::from_tensor(&tensor(12, &[1, 2, 29, 31], DType::F64)).unwrap();
        let gradient = value(images.as_tensor()).backward().unwrap();
        let gradient = gradient.get(&images).unwrap();
        // Along a direction all coordinates count at once.
        let direction = tensor(13, &[1, 2, 29, 31], DType::F64);
        let along = (gradient * &direction).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        let moved = |by: f64| value(&(images.as_tensor() + (&direction * by).unwrap()).unwrap());
        let difference = |by: f64| moved(by).to_scalar::<f64>().unwrap() - moved(-by).to_scalar::<f64>().unwrap();
        let slope = difference(1e-7) / 2e-7;
        assert!((along / slope - 1.0).abs() < 1e-4, "{name}: {along} and {slope}");
    }
}
