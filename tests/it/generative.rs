//! The networks that make images and points, once they have learned: a prior that knows its classes, a space that is one's own.

use std::sync::Arc;

use candle_core::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use spiritsafe::{
    data::DataSpec,
    latent::{Latent, LatentSpec, LatentTraining},
    nn::Device,
    nn::{Adam, Denoiser, DenoiserSpec, init::Init},
};

fn normal(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    StandardNormal.sample_iter(rng).take(count).collect()
}

fn place(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, (values.len() / 2, 2), &Device::CPU).unwrap()
}

/// Two classes, one round (-1.5, 0) and one round (1.5, 0.5), each as wide as 0.3.
#[test]
fn a_prior_brings_noise_back_to_the_class_that_it_is_told() {
    const COUNT: usize = 128;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let spec = DenoiserSpec { width: 32, depth: 2 };
    let prior = Denoiser::new(&spec, 2, 2, Init::trainable(&mut rng, &Device::CPU)).unwrap();
    let centres = [[-1.5_f32, 0.0], [1.5, 0.5]];
    let mut adam = Adam::new(prior.variables().to_vec(), 3e-3).unwrap();
    for _ in 0..1200 {
        let classes: Vec<u32> = (0..COUNT).map(|_| rng.random_range(0..2)).collect();
        let told: Vec<Option<u32>> =
            classes.iter().map(|&class| (rng.random::<f64>() > 0.1).then_some(class)).collect();
        let times: Vec<f64> = (0..COUNT).map(|_| rng.random()).collect();
        let spread = normal(2 * COUNT, &mut rng);
        let points: Vec<f32> =
            (0..2 * COUNT).map(|at| centres[classes[at / 2] as usize][at % 2] + 0.3 * spread[at]).collect();
        let noise = place(&normal(2 * COUNT, &mut rng));
        adam.step(&prior.loss(&place(&points), &times, &told, &noise).unwrap().backward().unwrap()).unwrap();
    }
    for class in 0..2 {
        // Points of the wrong class, noised away completely.
        let start = place(&[centres[1 - class as usize]; 200].concat());
        let guided = |guidance: f64, time: f64, steps| {
            let noise = place(&normal(400, &mut ChaCha8Rng::seed_from_u64(7)));
            prior.denoise(&start, (class, guidance), time, &noise, steps).unwrap().to_vec2::<f32>().unwrap()
        };
        let back = |time: f64, steps| guided(1.0, time, steps);
        let found = back(1.0, 24);
        // Without guidance the class has no say, and both are found; with much of it points go beyond their class.
        let side = |points: &[Vec<f32>]| points.iter().filter(|point| (point[0] > 0.0) == (class == 1)).count();
        let (null, driven) = (side(&guided(0.0, 1.0, 24)), guided(3.0, 1.0, 24));
        assert!((40..160).contains(&null), "class {class}: {null} of 200 by the null class");
        let reach = |points: &[Vec<f32>]| points.iter().map(|point| point[0].abs()).sum::<f32>() / 200.0;
        assert!(side(&driven) > 190 && reach(&driven) > reach(&found), "{} and {}", reach(&driven), reach(&found));
        for axis in 0..2 {
            let mean = found.iter().map(|point| point[axis]).sum::<f32>() / 200.0;
            let deviation = (found.iter().map(|point| (point[axis] - mean).powi(2)).sum::<f32>() / 200.0).sqrt();
            let goal = centres[class as usize][axis];
            assert!((mean - goal).abs() < 0.15, "class {class}, axis {axis}: {mean} for {goal}");
            assert!((0.15..0.5).contains(&deviation), "class {class}, axis {axis}: deviation {deviation} for 0.3");
        }
        // A little noise moves a point little.
        let near = back(0.02, 1);
        assert!(near.iter().all(|point| (point[0] - centres[1 - class as usize][0]).abs() < 0.5));
    }
}

#[test]
fn a_space_is_the_same_for_one_seed_and_another_for_another() {
    let data = Arc::new("digits".parse::<DataSpec>().unwrap().load(0).unwrap().with_holdout(0.1, 0));
    let spec = LatentSpec { width: 4, dimensions: 5, batches: 60, batch: 32, prior_width: 16, prior_batches: 30 };
    let trained = |seed: u64| {
        let mut training = LatentTraining::new(&spec, &data, &Device::CPU, seed).unwrap();
        assert!(training.parameters().is_none());
        while training.advance().unwrap() {}
        assert_eq!(training.done(), (1.0, true));
        Latent::new(&spec, &data, training.parameters().unwrap(), &Device::CPU).unwrap()
    };
    let images = data.gather(data.test(), &(0..40).collect::<Vec<u32>>());
    let [one, again, other] = [3, 3, 4].map(trained);
    let points = one.encode(&images).unwrap();
    assert_eq!(points.len(), 40 * 5);
    assert_eq!(points, again.encode(&images).unwrap());
    assert_ne!(points, other.encode(&images).unwrap());
    // As wide as standard normal points, on average over the dimensions.
    let square = points.iter().map(|value| value * value).sum::<f32>() / points.len() as f32;
    assert!((0.5..2.5).contains(&square), "{square}");
    assert_eq!(one.decode(&points).unwrap().len(), images.len());
    assert_eq!(one.denoise(&points, (3, 8.0), 0.0, 0).unwrap(), points, "at time 0 nothing moves");
    let back = one.denoise(&points, (3, 1.0), 0.5, 0).unwrap();
    assert_eq!(back, one.denoise(&points, (3, 1.0), 0.5, 0).unwrap());
    assert_ne!(back, one.denoise(&points, (3, 1.0), 0.5, 1).unwrap());
}
