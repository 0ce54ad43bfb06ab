//! Gradients against central differences in double precision: every term, every pooling, every norm.

use candle_core::{DType, Result, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    data::ImageShape,
    methods::{
        Scope, energy,
        matching::terms::{Ball, Energy, Entry, Information, Term, TermInput, TermsSpec},
    },
    nn::Device,
    nn::{
        Autoencoder, AutoencoderSpec, ConvNet, ConvNetSpec, Denoiser, DenoiserSpec, Network, Norm, Pooling, init::Init,
    },
};

const STEP: f64 = 1e-5;

fn random(shape: &[usize], seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::CPU).unwrap()
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
        f(&Tensor::from_vec(moved, at.dims(), &Device::CPU).unwrap()).unwrap().to_scalar::<f64>().unwrap()
    };
    let differences: Vec<f64> =
        (0..values.len()).map(|index| (at_moved(index, STEP) - at_moved(index, -STEP)) / (2.0 * STEP)).collect();
    let largest = |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).fold(0.0, f64::max);
    largest(&mut gradient.iter().zip(&differences).map(|(a, b)| a - b)) / largest(&mut differences.iter().copied())
}

fn seen(real: Option<Tensor>, synthetic: Tensor) -> TermInput {
    // Some of the features here lie inside a ball of this size and some outside.
    // Features stand in for class scores.
    let (scores, labels) = (Some(synthetic.clone()), vec![2; synthetic.dim(0).unwrap()]);
    TermInput { real, synthetic, logits: scores, labels, accuracy: 0.3, channels: 3, typical_distance: 1.7 }
}

/// Every term there is, shown these features.
fn penalties(real: &Tensor, synthetic: &Tensor) -> Vec<(&'static str, Tensor)> {
    let show = |Entry { mut term, parameters, .. }: Entry| {
        let seen = seen(Some(real.clone()), synthetic.clone());
        (term.id(), term.penalty(&seen, &parameters).unwrap())
    };
    TermsSpec::default().build().into_iter().map(show).collect()
}

#[test]
fn every_term_has_the_gradient_of_its_value() {
    let (real, synthetic) = (random(&[2, 5, 12], 1), random(&[2, 3, 12], 2));
    for (position, (id, penalty)) in penalties(&real, &synthetic).into_iter().enumerate() {
        let value = penalty.sum_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(value != 0.0, "{id} is zero here and shows nothing");
        let error = gap(&synthetic, |synthetic| penalties(&real, synthetic).swap_remove(position).1.sum_all());
        assert!(error < 1e-7, "{id}: {error}");
    }
}

#[test]
fn a_term_gives_each_class_what_it_gives_that_class_alone() {
    let (real, synthetic) = (random(&[3, 5, 12], 3), random(&[3, 4, 12], 4));
    let of_classes = |real: &Tensor, synthetic: &Tensor| {
        let scopes = TermsSpec::default().build().into_iter().map(|entry| entry.term.scope());
        let all = penalties(real, synthetic).into_iter().zip(scopes);
        all.filter(|(_, scope)| *scope == Scope::Class).map(|(one, _)| one).collect::<Vec<_>>()
    };
    let together = of_classes(&real, &synthetic);
    assert_eq!(together.len() + 1, TermsSpec::default().build().len(), "the energy alone joins all classes");
    for (class, one) in (0..3).map(|class| (class, move |tensor: &Tensor| tensor.narrow(0, class, 1).unwrap())) {
        for ((id, alone), (_, together)) in of_classes(&one(&real), &one(&synthetic)).into_iter().zip(&together) {
            let (alone, together) = (alone.to_vec1::<f64>().unwrap()[0], together.to_vec1::<f64>().unwrap()[class]);
            assert!((alone - together).abs() < 1e-12, "{id}");
        }
    }
}

#[test]
fn the_energy_of_images_is_that_of_points() {
    let synthetic = random(&[2, 3, 4], 12);
    let values = synthetic.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let mut sum = 0.0;
    for (one, other) in (0..6).flat_map(|one| (one + 1..6).map(move |other| (one, other))) {
        let square: f64 = (0..4).map(|at| (values[one * 4 + at] - values[other * 4 + at]).powi(2)).sum();
        let gamma = if one / 3 == other / 3 { 1.0 } else { 0.25 };
        sum += energy::energy(gamma * square.sqrt() / 1.7 + 0.3);
    }
    let penalty = Energy.penalty(&seen(None, synthetic), &[0.25]).unwrap().to_vec1::<f64>().unwrap();
    assert!((penalty.iter().sum::<f64>() / 2.0 - sum / 15.0).abs() < 1e-12);
}

#[test]
fn the_constraints_of_iid_and_cmi_have_no_gradient_with_one_image_in_each_class() {
    let (real, synthetic) = (random(&[2, 5, 12], 5), random(&[2, 1, 12], 6));
    let vanishing = TermsSpec::default().build().into_iter().filter(|entry| entry.term.vanishes_alone());
    let vanishing: Vec<&str> = vanishing.map(|entry| entry.term.id()).collect();
    assert_eq!(vanishing, ["covariance", "centralization", "ball", "information"]);
    for id in vanishing {
        let var = Var::from_tensor(&synthetic).unwrap();
        let (_, penalty) = penalties(&real, var.as_tensor()).into_iter().find(|(other, _)| *other == id).unwrap();
        let gradients = penalty.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(&var).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!(gradient.iter().all(|&value| value == 0.0), "{id}: {gradient:?}");
    }
}

#[test]
fn information_lies_between_zero_and_the_logarithm_of_the_number_of_images() {
    for (scale, seed) in [(1e-3, 7), (1.0, 8), (40.0, 9), (1e4, 10)] {
        let features = (random(&[4, 3, 12], seed) * scale).unwrap();
        for value in Information.penalty(&seen(None, features), &[]).unwrap().to_vec1::<f64>().unwrap() {
            assert!((-1e-12..=3.0_f64.ln() + 1e-12).contains(&value), "{value} at scale {scale}");
        }
    }
    // Images that say quite different things reach the bound.
    let apart = Tensor::eye(3, DType::F64, &Device::CPU).unwrap().unsqueeze(0).unwrap();
    let most = Information.penalty(&seen(None, (apart * 1e3).unwrap()), &[]).unwrap().to_vec1::<f64>().unwrap()[0];
    assert!((most - 3.0_f64.ln()).abs() < 1e-12, "{most}");
}

#[test]
fn the_ball_spares_what_lies_inside_and_stays_finite_far_outside() {
    let cost = |distance: f64, radius: f64| {
        let synthetic = Tensor::from_vec(vec![-distance, distance], (1, 2, 1), &Device::CPU).unwrap();
        let seen = TermInput { typical_distance: radius, channels: 1, ..seen(None, synthetic) };
        Ball.penalty(&seen, &[1.0]).unwrap().to_vec1::<f64>().unwrap()[0]
    };
    assert_eq!(cost(3.0, 3.5), 0.0);
    let two_outside = 2.0 * ((0.02_f64 * 25.0).exp() - (0.02_f64 * 9.0).exp());
    assert!((cost(5.0, 3.0) - two_outside).abs() < 1e-12);
    assert!(cost(1e4, 3.0).is_finite() && (cost(1e4, 3.0) as f32).is_finite());
    // The tangent goes on where the exponential ends: no jump in value.
    let edge = (30.0_f64 / 0.02).sqrt();
    assert!((cost(edge + 1e-7, 0.0) / cost(edge - 1e-7, 0.0) - 1.0).abs() < 1e-4);
}

#[test]
fn convnets_of_every_kind_have_the_gradient_of_their_features() {
    let norms = [Norm::None, Norm::Instance, Norm::Layer, Norm::Group];
    let poolings = [Pooling::None, Pooling::Avg, Pooling::Max];
    for (norm, pooling) in norms.into_iter().flat_map(|norm| poolings.map(|pooling| (norm, pooling))) {
        // Odd sides: pooling drops the edge, which is where gradients go wrong.
        let shape = ImageShape { channels: 2, height: 7, width: 5 };
        let spec = ConvNetSpec { width: 4, depth: 2, norm, pooling, padding: Some(1), ..ConvNetSpec::default() };
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let init = Init::frozen(&mut rng, &Device::CPU).with_dtype(DType::F64);
        let network = ConvNet::new(&spec, shape, 3, init).unwrap();
        let cotangent = random(&[2, network.embedding_len()], 5);
        let error = gap(&random(&[2, 2, 7, 5], 6), |images| (network.embed(images)? * &cotangent)?.sum_all());
        assert!(error < 1e-5, "{norm:?} {pooling:?}: {error}");
    }
}

/// The largest gap of the gradient of a loss in a parameter to central differences, over the largest entry.
fn gap_in(variable: &Var, loss: impl Fn() -> Result<Tensor>) -> f64 {
    let before = variable.as_tensor().copy().unwrap();
    let gap = gap(&before, |moved| {
        // The graph goes through the variable itself.
        variable.set(&moved.detach())?;
        let loss = loss()?;
        let gradient = loss.backward()?;
        let along = gradient.get(variable).expect("it counts").detach();
        // A value with the gradient of the loss: what `gap` differentiates is the loss, what it is given is this.
        loss.detach() + ((moved - moved.detach())? * along)?.sum_all()?
    });
    variable.set(&before).unwrap();
    gap
}

#[test]
fn autoencoders_have_the_gradient_of_their_loss() {
    for (height, width) in [(9, 8), (4, 5)] {
        let shape = ImageShape { channels: 2, height, width };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let init = Init::trainable(&mut rng, &Device::CPU).with_dtype(DType::F64);
        let autoencoder = Autoencoder::new(&AutoencoderSpec { width: 4, dimensions: 3 }, shape, init).unwrap();
        let (images, noise) = (random(&[3, 2, height, width], 1), random(&[3, 3], 2));
        assert_eq!(autoencoder.decode(&noise).unwrap().dims(), images.dims());
        let in_images = gap(&images, |images| autoencoder.loss(images, &noise));
        assert!(in_images < 1e-6, "{height}x{width}, images: {in_images}");
        for (position, variable) in autoencoder.variables().iter().enumerate() {
            let gap = gap_in(variable, || autoencoder.loss(&images, &noise));
            assert!(gap < 1e-6, "{height}x{width}, parameter {position}: {gap}");
        }
    }
}

/// Points become `cos(pi t / 2) z + sin(pi t / 2) e`; a network that knew the velocity would bring them back exactly.
#[test]
fn denoisers_have_the_gradient_of_their_loss() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let init = Init::trainable(&mut rng, &Device::CPU).with_dtype(DType::F64);
    let denoiser = Denoiser::new(&DenoiserSpec { width: 7, depth: 2 }, 3, 4, init).unwrap();
    let (points, noise) = (random(&[5, 3], 1), random(&[5, 3], 2));
    let (times, classes) = ([0.0, 0.3, 0.5, 0.9, 1.0], [Some(0), Some(3), None, Some(1), Some(2)]);
    let in_points = gap(&points, |points| denoiser.loss(points, &times, &classes, &noise));
    assert!(in_points < 1e-6, "points: {in_points}");
    for (position, variable) in denoiser.variables().iter().enumerate() {
        let gap = gap_in(variable, || denoiser.loss(&points, &times, &classes, &noise));
        assert!(gap < 1e-6, "parameter {position}: {gap}");
    }
}
