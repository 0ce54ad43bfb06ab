//! The version of the arithmetic: results that lie in the cache are found again only by programs of the same version
//! (`nn::ARITHMETIC`), so it has to be raised whenever the bits of a trained network change.

use std::sync::Arc;

use candle_core::{Tensor, Var};
use spiritsafe::{
    data::DataSpec,
    evaluate::{Chosen, Recipe, Training},
    fingerprint::Fingerprint,
    latent::{LatentSpec, LatentTraining},
    nn::Device,
    nn::{ARITHMETIC, NetworkSpec, augment::Family},
};

/// Where the digests below were taken; on other machines bits differ by right, and only their repetition is checked.
const TAKEN_ON: &str = "CPU, x86_64, kernels avx512, libraries avx512";

/// The version, and what each training leaves.
const VERSION: u32 = 2;
const DIGESTS: [(&str, &str); 4] = [
    ("ConvNet", "4364a03430605328"),
    ("ResNet18", "c5096a536c2e09e9"),
    ("AdamW, layers and CutMix", "510c3df55485f2d0"),
    ("latent space", "8cbfe131b3d941ad"),
];

fn digest<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> String {
    let all = tensors.into_iter().fold(Fingerprint::default(), |all, tensor| {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        values.iter().fold(all, |all, value| all.of(&value.to_le_bytes()))
    });
    all.finish()[..16].to_owned()
}

/// What a few batches leave of a network that learns digits.
fn trained(recipe: Recipe, images: usize) -> String {
    let data = Arc::new("digits".parse::<DataSpec>().unwrap().load(0).unwrap());
    let examples = Arc::new(Chosen::new(data.clone(), (0..images as u32).collect()));
    let mut training = Training::new(recipe, examples, data.classes(), &Device::CPU, 7, 0).unwrap();
    while training.advance().unwrap() {}
    let parameters: Vec<Tensor> = training.network().variables().iter().map(Var::as_detached_tensor).collect();
    digest(&parameters)
}

fn latent() -> String {
    let data = Arc::new("digits".parse::<DataSpec>().unwrap().load(0).unwrap());
    let spec = LatentSpec { width: 4, dimensions: 4, batches: 3, batch: 16, prior_width: 8, prior_batches: 3 };
    let mut training = LatentTraining::new(&spec, &data, &Device::CPU, 7).unwrap();
    while training.advance().unwrap() {}
    let learned = training.parameters().unwrap();
    digest(learned.autoencoder.iter().chain(&learned.prior))
}

fn all() -> [(&'static str, String); 4] {
    let convnet: NetworkSpec =
        serde_json::from_str(r#"{"kind": "convnet", "width": 32, "depth": 2, "padding": 1}"#).unwrap();
    let layered = Recipe { batch: 32, ..Recipe::ncfm(convnet.clone(), 5, &Family::ALL) };
    let dm = Recipe { batch: 32, ..Recipe::dm(convnet, 4, Family::WITHOUT_FLIP.to_vec()) };
    let resnet = Recipe { batch: 8, ..Recipe::dm("resnet18".parse().unwrap(), 1, Vec::new()) };
    [
        ("ConvNet", trained(dm, 100)),
        ("ResNet18", trained(resnet, 16)),
        ("AdamW, layers and CutMix", trained(layered, 100)),
        ("latent space", latent()),
    ]
}

#[test]
fn the_bits_of_trained_networks_are_those_of_the_version() {
    let found = all();
    if Device::CPU.instructions() != TAKEN_ON {
        assert_eq!(found, all(), "equal trainings leave equal bits");
        return;
    }
    let same = DIGESTS.iter().zip(&found).all(|(kept, found)| kept.0 == found.0 && kept.1 == found.1);
    assert!(
        same && VERSION == ARITHMETIC,
        "the arithmetic has changed (kept: version {VERSION} {DIGESTS:?}; now: version {ARITHMETIC} {found:?}). If that is \
         meant, raise nn::ARITHMETIC by one, so that networks and accuracies in the cache are made again, and put version and \
         digests into this file"
    );
}
