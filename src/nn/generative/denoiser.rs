//! What brings noisy points back: a small diffusion model (Ho et al., NeurIPS 2020) that knows the class.
//!
//! A point `z` at time `t` from 0 to 1 is `cos(pi t / 2) z + sin(pi t / 2) e`, with standard normal `e`. The network is asked for the
//! velocity `v = cos(pi t / 2) e - sin(pi t / 2) z` (Salimans and Ho, ICLR 2022), from which both `z` and `e` follow.

use std::f64::consts::{FRAC_PI_2, PI};

use candle_core::{DType, Result, Tensor, Var};
use candle_nn::{Linear, Module};
use serde::{Deserialize, Serialize};

use crate::nn::init::Init;

/// Waves by which a time is told, each as sine and cosine.
const WAVES: usize = 8;

/// The choices that make a denoiser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenoiserSpec {
    /// Numbers between the layers.
    pub width: usize,
    /// Blocks of two layers.
    pub depth: usize,
}

impl Default for DenoiserSpec {
    fn default() -> Self {
        Self { width: 128, depth: 3 }
    }
}

/// A denoiser with its parameters.
pub struct Denoiser {
    dimensions: usize,
    classes: usize,
    /// Of point, time and class together.
    first: Linear,
    blocks: Vec<[Linear; 2]>,
    last: Linear,
    variables: Vec<Var>,
}

/// `cos(pi t / 2)` and `sin(pi t / 2)`: how much of a point and of the noise there is at time `t`.
fn shares(time: f64) -> [f64; 2] {
    [(FRAC_PI_2 * time).cos(), (FRAC_PI_2 * time).sin()]
}

impl Denoiser {
    /// Draws a denoiser of points with so many dimensions, of so many classes.
    pub fn new(spec: &DenoiserSpec, dimensions: usize, classes: usize, mut init: Init<'_>) -> Result<Self> {
        let first = init.linear(dimensions + 2 * WAVES + classes, spec.width)?;
        let mut blocks = Vec::new();
        for _ in 0..spec.depth {
            blocks.push([init.linear(spec.width, spec.width)?, init.linear(spec.width, spec.width)?]);
        }
        let last = init.linear(spec.width, dimensions)?;
        Ok(Self { dimensions, classes, first, blocks, last, variables: init.into_variables() })
    }

    /// The velocity of points `(n, dimensions)` at `times`, each of its class: `(n, dimensions)`.
    fn velocity(&self, points: &Tensor, times: &[f64], classes: &[u32]) -> Result<Tensor> {
        let len = 2 * WAVES + self.classes;
        let mut told = vec![0.0_f32; times.len() * len];
        for ((row, &time), &class) in told.chunks_exact_mut(len).zip(times).zip(classes) {
            for wave in 0..WAVES {
                let angle = PI * time * 2.0_f64.powi(wave as i32 - 1);
                (row[2 * wave], row[2 * wave + 1]) = (angle.sin() as f32, angle.cos() as f32);
            }
            row[2 * WAVES + class as usize] = 1.0;
        }
        let told = Tensor::from_vec(told, (times.len(), len), points.device())?.to_dtype(points.dtype())?;
        let mut x = self.first.forward(&Tensor::cat(&[points, &told], 1)?)?; // (n, width)
        for [one, other] in &self.blocks {
            x = (&x + other.forward(&one.forward(&x.relu()?)?.relu()?)?)?;
        }
        self.last.forward(&x.relu()?)
    }

    /// What training makes smaller: the mean squared error of the velocity. Points and noise are `(n, dimensions)`.
    pub fn loss(&self, points: &Tensor, times: &[f64], classes: &[u32], noise: &Tensor) -> Result<Tensor> {
        let column = |part: usize| {
            let values: Vec<f32> = times.iter().map(|&time| shares(time)[part] as f32).collect();
            Tensor::from_vec(values, (times.len(), 1), points.device())?.to_dtype(points.dtype())
        };
        let [kept, mixed] = [column(0)?, column(1)?];
        let noisy = (points.broadcast_mul(&kept)? + noise.broadcast_mul(&mixed)?)?;
        let wanted = (noise.broadcast_mul(&kept)? - points.broadcast_mul(&mixed)?)?;
        (self.velocity(&noisy, times, classes)? - wanted)?.sqr()?.mean_all()
    }

    /// Points of one class `(n, dimensions)` noised to `time` and brought back in `steps` equal steps without further noise
    /// (DDIM, Song et al., ICLR 2021); at time 0 the points as they are.
    pub fn bring_back(&self, points: &Tensor, class: u32, time: f64, noise: &Tensor, steps: usize) -> Result<Tensor> {
        let count = points.dim(0)?;
        let [kept, mixed] = shares(time);
        let mut z = ((points * kept)? + (noise * mixed)?)?;
        for step in (1..=steps).rev() {
            let at = |step: usize| time * step as f64 / steps as f64;
            let ([now_kept, now_mixed], [next_kept, next_mixed]) = (shares(at(step)), shares(at(step - 1)));
            let velocity = self.velocity(&z, &vec![at(step); count], &vec![class; count])?;
            let clean = ((&z * now_kept)? - (&velocity * now_mixed)?)?;
            let noise = ((&z * now_mixed)? + (&velocity * now_kept)?)?;
            z = ((clean * next_kept)? + (noise * next_mixed)?)?;
        }
        z.to_dtype(DType::F32)
    }

    /// The parameters that can be trained; empty for a frozen one.
    pub fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// Numbers of a point.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }
}
