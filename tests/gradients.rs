//! Gradients against central differences in double precision: every term, every pooling, every norm.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    data::ImageShape,
    distill::terms::{TermsSpec, Weight},
    nn::{ConvNet, ConvNetSpec, Network, Norm, Pooling, init::Init},
};

const STEP: f64 = 1e-5;

fn random(shape: &[usize], seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The largest gap between the gradient of `f` at `at` and central differences, over the largest entry.
fn gap(at: &Tensor, mut f: impl FnMut(&Tensor) -> Result<Tensor>) -> f64 {
    let var = Var::from_tensor(at).unwrap();
    let gradient = f(var.as_tensor()).unwrap().backward().unwrap();
    let gradient = gradient.get(&var).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let values = at.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let mut at_moved = |index: usize, by: f64| {
        let mut moved = values.clone();
        moved[index] += by;
        f(&Tensor::from_vec(moved, at.dims(), &Device::Cpu).unwrap()).unwrap().to_scalar::<f64>().unwrap()
    };
    let differences: Vec<f64> =
        (0..values.len()).map(|index| (at_moved(index, STEP) - at_moved(index, -STEP)) / (2.0 * STEP)).collect();
    let largest = |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).fold(0.0, f64::max);
    largest(&mut gradient.iter().zip(&differences).map(|(a, b)| a - b)) / largest(&mut differences.iter().copied())
}

#[test]
fn every_term_has_the_gradient_of_its_value() {
    let all = TermsSpec { mean: Some(Weight { weight: 1.0 }) };
    let (real, synthetic) = (random(&[2, 5, 12], 1), random(&[2, 3, 12], 2));
    for (mut term, _) in all.build() {
        let error = gap(&synthetic, |synthetic| term.penalty(&real, synthetic)?.sum_all());
        assert!(error < 1e-8, "{}: {error}", term.id());
    }
}

#[test]
fn a_term_gives_each_class_what_it_gives_that_class_alone() {
    let all = TermsSpec { mean: Some(Weight { weight: 1.0 }) };
    let (real, synthetic) = (random(&[3, 5, 12], 3), random(&[3, 4, 12], 4));
    for (mut term, _) in all.build() {
        let together = term.penalty(&real, &synthetic).unwrap().to_vec1::<f64>().unwrap();
        for (class, together) in together.into_iter().enumerate() {
            let one = |tensor: &Tensor| tensor.narrow(0, class, 1).unwrap();
            let alone = term.penalty(&one(&real), &one(&synthetic)).unwrap().to_vec1::<f64>().unwrap()[0];
            assert!((alone - together).abs() < 1e-12, "{}", term.id());
        }
    }
}

#[test]
fn convnets_of_every_kind_have_the_gradient_of_their_features() {
    let norms = [Norm::None, Norm::Instance, Norm::Layer, Norm::Group];
    let poolings = [Pooling::None, Pooling::Avg, Pooling::Max];
    for (norm, pooling) in norms.into_iter().flat_map(|norm| poolings.map(|pooling| (norm, pooling))) {
        // Odd sides: pooling drops the edge, which is where gradients go wrong.
        let shape = ImageShape { channels: 2, height: 7, width: 5 };
        let spec = ConvNetSpec { width: 4, depth: 2, norm, pooling, padding: Some(1) };
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let init = Init::frozen(&mut rng, &Device::Cpu).with_dtype(DType::F64);
        let network = ConvNet::new(&spec, shape, 3, init).unwrap();
        let cotangent = random(&[2, network.embedding_len()], 5);
        let error = gap(&random(&[2, 2, 7, 5], 6), |images| (network.embed(images)? * &cotangent)?.sum_all());
        assert!(error < 1e-5, "{norm:?} {pooling:?}: {error}");
    }
}
