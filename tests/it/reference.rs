//! Numbers that others computed: the golden values of the method, parameter counts, layers and networks against stored
//! PyTorch outputs (`tests/fixtures/reference.py` made them and names every entry).

use std::collections::HashMap;

use candle_core::{DType, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    data::ImageShape,
    methods::matching::terms::{Centralization, Covariance, CrossEntropy, Information, Mean, Term, TermInput},
    nn::Device,
    nn::{ConvNet, ConvNetSpec, Network, Norm, Pooling, init::Init},
};

/// Real features `R_ij = sin(0.7 (4i + j) + 0.1)`, 6 x 4, and synthetic ones `S_ij = 1.3 sin(0.7 (4i + j) + 0.9)`,
/// 3 x 4, as maps of two channels with two positions.
fn fixture() -> TermInput {
    let rows = |count: usize, factor: f64, shift: f64| {
        let values: Vec<f64> = (0..count * 4).map(|index| factor * (0.7 * index as f64 + shift).sin()).collect();
        Tensor::from_vec(values, (1, count, 4), &Device::CPU).unwrap()
    };
    let (real, synthetic) = (Some(rows(6, 1.0, 0.1)), rows(3, 1.3, 0.9));
    // Features stand in for class scores.
    let (scores, labels) = (Some(synthetic.clone()), vec![1]);
    TermInput { real, synthetic, logits: scores, labels, accuracy: 0.5, channels: 2, typical_distance: 1.0 }
}

#[test]
fn the_terms_give_the_golden_numbers_of_dm_iid_cmi_and_idm() {
    let terms: [(&mut dyn Term, f64); 5] = [
        (&mut Mean, 0.136_707_086_426_794_74),
        (&mut Covariance, 5.136_246_219_460_633),
        (&mut Centralization, 10.262_207_379_515_507),
        (&mut Information, 0.051_822_545_820_416_29),
        // Mean of `-log softmax(s)_1`, times 50 percent.
        (&mut CrossEntropy, 67.842_713_096_679_89),
    ];
    for (term, golden) in terms {
        let penalty = term.penalty(&fixture(), &[]).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(penalty.len(), 1);
        assert!((penalty[0] - golden).abs() < 1e-12, "{}: {penalty:?}", term.id());
    }
}

#[test]
fn convnets_have_the_published_number_of_parameters() {
    let shape = |channels, side| ImageShape { channels, height: side, width: side };
    let deep = |depth| ConvNetSpec { depth, ..ConvNetSpec::default() };
    for (spec, shape, classes, parameters, embedding) in [
        (deep(3), shape(1, 28), 10, 317_706, 2048),
        (deep(3), shape(3, 32), 10, 320_010, 2048),
        (deep(3), shape(3, 32), 100, 504_420, 2048),
        (deep(3), shape(3, 64), 200, 1_938_120, 8192),
        (deep(4), shape(3, 64), 200, 857_160, 2048),
    ] {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let network = ConvNet::new(&spec, shape, classes, Init::frozen(&mut rng, &Device::CPU)).unwrap();
        assert_eq!(network.parameter_count(), parameters);
        assert_eq!(network.embedding_len(), embedding);
    }
}

#[test]
fn drawn_parameters_follow_the_default_law_of_pytorch() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut init = Init::frozen(&mut rng, &Device::CPU);
    let (fan_in, count) = (27_usize, 40_000);
    let values = init.draw(count, fan_in);
    let bound = 1.0 / (fan_in as f32).sqrt();
    assert!(values.iter().all(|value| (-bound..bound).contains(value)));
    let mean = values.iter().sum::<f32>() / count as f32;
    let variance = values.iter().map(|value| value * value).sum::<f32>() / count as f32;
    assert!(mean.abs() < 0.01 * bound, "{mean}");
    assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.02, "{variance}");
}

/// The entries of the fixture file; they are stored in single or in double precision.
struct Reference(HashMap<String, Tensor>);

impl Reference {
    fn load() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reference.safetensors");
        Self(candle_core::safetensors::load(path, &Device::CPU).unwrap())
    }

    fn get(&self, name: &str, dtype: DType) -> Tensor {
        let entry = self.0.get(name).unwrap_or_else(|| panic!("the fixture has no {name}"));
        entry.to_dtype(dtype).unwrap()
    }

    /// Weight, bias, gamma, beta of block after block, as the network packs them.
    fn packed(&self, network: &str, depth: usize, dtype: DType) -> Tensor {
        let blocks = (0..depth).flat_map(|block| {
            ["conv.B.weight", "conv.B.bias", "norm.B.weight", "norm.B.bias"]
                .map(|name| self.get(&format!("{network}.{}", name.replace('B', &block.to_string())), dtype))
        });
        let flat: Vec<Tensor> = blocks.map(|tensor| tensor.flatten_all().unwrap()).collect();
        Tensor::cat(&flat, 0).unwrap()
    }
}

fn relative_error(a: &Tensor, b: &Tensor) -> f64 {
    let largest = |tensor: &Tensor| {
        tensor.to_dtype(DType::F64).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f64>()
    };
    largest(&(a - b).unwrap()).unwrap() / largest(b).unwrap()
}

#[test]
fn convnets_agree_with_pytorch_in_features_scores_and_gradients() {
    let reference = Reference::load();
    let shape = |channels, side| ImageShape { channels, height: side, width: side };
    for (name, shape, width, depth, padding) in [
        ("convnet.28x28x1.d3w16", shape(1, 28), 16, 3, None),
        ("convnet.32x32x3.d3w16", shape(3, 32), 16, 3, None),
        ("convnet.8x8x1.d2w8", shape(1, 8), 8, 2, Some(1)),
    ] {
        for (dtype, tolerance) in [(DType::F32, 1e-4), (DType::F64, 1e-6)] {
            let get = |entry: &str| reference.get(&format!("{name}.{entry}"), dtype);
            let spec = ConvNetSpec {
                width,
                depth,
                padding,
                norm: Norm::Instance,
                pooling: Pooling::Avg,
                ..ConvNetSpec::default()
            };
            let classifier = candle_nn::Linear::new(get("classifier.weight"), Some(get("classifier.bias")));
            let blocks = reference.packed(name, depth, dtype);
            let network = ConvNet::with_parameters(&spec, shape, blocks, classifier);
            let input = candle_core::Var::from_tensor(&get("input")).unwrap();
            let features = network.embed(&input).unwrap();
            let logits = network.classify(&features).unwrap();
            let product = (&features * get("cotangent")).unwrap().sum_all().unwrap();
            let gradients = product.backward().unwrap();
            for (what, ours, theirs) in [
                ("features", &features, get("features")),
                ("logits", &logits, get("logits")),
                ("gradient", gradients.get(&input).unwrap(), get("gradient")),
            ] {
                let error = relative_error(ours, &theirs);
                assert!(error < tolerance, "{name} {dtype:?} {what}: {error}");
            }
        }
    }
}
