//! A linear map that is learned by Adam from the potential energy of what it maps.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Cloud, Law, pull};
use crate::math::lanes::dot;
use crate::random::{Purpose, stream};

/// Adam, as PyTorch has it.
const BETAS: [f32; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

/// A map `(rows, columns)` without bias, which no distance feels.
#[derive(Clone, Debug, Default)]
pub struct LinearMap {
    /// Weights, and the first and second moment of their gradient.
    pub(super) parts: [Vec<f32>; 3],
    pub(super) columns: usize,
    /// Steps of Adam.
    pub(super) steps: u64,
}

/// The features that a step leaves out, drawn for each sample.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Their share.
    pub share: f64,
    /// Where everything random comes from.
    pub seed: u64,
    /// The step.
    pub step: u64,
}

impl LinearMap {
    /// A fresh map, by PyTorch's law for linear layers: uniform within `1 / sqrt(columns)`.
    pub fn new(rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Self {
        let bound = 1.0 / (columns.max(1) as f32).sqrt();
        let weights = (0..rows * columns).map(|_| (2.0 * rng.random::<f32>() - 1.0) * bound).collect();
        let zeros = vec![0.0; rows * columns];
        Self { parts: [weights, zeros.clone(), zeros], columns, steps: 0 }
    }

    /// The weights, row by row.
    pub fn weights(&self) -> &[f32] {
        &self.parts[0]
    }

    fn rows(&self) -> usize {
        self.weights().len() / self.columns.max(1)
    }

    /// `z = W x` for features `(n, columns)` in a row.
    pub fn apply(&self, features: &[f32]) -> Vec<f32> {
        let samples = features.par_chunks_exact(self.columns);
        samples.flat_map_iter(|row| self.weights().chunks_exact(self.columns).map(move |part| dot(row, part))).collect()
    }

    /// Values of the energy within classes, between classes, and of half the squared size of the map, with the gradient of
    /// each on the map. Features are those of samples class after class; `starts` says where each class begins.
    pub fn look(&self, features: &[f32], starts: &[usize], law: Law, dropout: Dropout) -> ([f64; 3], [Vec<f32>; 3]) {
        let features = dropout.apply(features, self.columns);
        let cloud = Cloud { values: self.apply(&features), dimensions: self.rows(), starts: starts.to_vec() };
        let pulled = pull(&cloud, law);
        let on_map = |gradient: &[f32]| -> Vec<f32> {
            // dW = dz^T x, row by row in the order of the samples.
            let mut map = vec![0.0; self.weights().len()];
            map.par_chunks_exact_mut(self.columns).enumerate().for_each(|(row, weights)| {
                for (gradient, features) in
                    gradient.chunks_exact(cloud.dimensions).zip(features.chunks_exact(self.columns))
                {
                    let pull = gradient[row];
                    weights.iter_mut().zip(features).for_each(|(sum, value)| *sum += pull * value);
                }
            });
            map
        };
        let size = 0.5 * self.weights().iter().map(|&weight| f64::from(weight).powi(2)).sum::<f64>();
        let [within, between] = pulled.energy;
        let gradients = [on_map(&pulled.gradient[0]), on_map(&pulled.gradient[1]), self.weights().to_vec()];
        ([within, between, size], gradients)
    }

    /// `m <- b1 m + (1 - b1) g`, `v <- b2 v + (1 - b2) g^2`, `w <- w - rate m' / (sqrt(v') + eps)` with `m'`, `v'` freed of their
    /// start at zero.
    #[must_use]
    pub fn moved(&self, gradient: &[f32], rate: f64) -> Self {
        let steps = self.steps + 1;
        let unbias = BETAS.map(|beta| 1.0 - beta.powi(steps as i32));
        let [mut weights, mut first, mut second] = self.parts.clone();
        for (((weight, first), second), &gradient) in weights.iter_mut().zip(&mut first).zip(&mut second).zip(gradient)
        {
            *first = BETAS[0] * *first + (1.0 - BETAS[0]) * gradient;
            *second = BETAS[1] * *second + (1.0 - BETAS[1]) * gradient * gradient;
            *weight -= rate as f32 * (*first / unbias[0]) / ((*second / unbias[1]).sqrt() + EPSILON);
        }
        Self { parts: [weights, first, second], columns: self.columns, steps }
    }
}

impl Dropout {
    /// Features with some left out, the others as much larger: `f m / (1 - share)`.
    fn apply(self, features: &[f32], columns: usize) -> Vec<f32> {
        let mut dropped = features.to_vec();
        if self.share > 0.0 {
            let (threshold, scale) = ((self.share * 65536.0) as u16, (1.0 / (1.0 - self.share)) as f32);
            dropped.par_chunks_exact_mut(columns).enumerate().for_each(|(sample, row)| {
                let mut rng = stream(self.seed, Purpose::EnergyDropout, self.step, sample as u64);
                for value in row {
                    *value *= if rng.random::<u16>() < threshold { 0.0 } else { scale };
                }
            });
        }
        dropped
    }
}

/// The sum of some gradients, each times its weight.
pub fn weighted(gradients: &[Vec<f32>; 3], weights: &[f64]) -> Vec<f32> {
    let mut sum = vec![0.0; gradients[0].len()];
    for (gradient, &weight) in gradients.iter().zip(weights) {
        sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += weight as f32 * value);
    }
    sum
}
