//! What brings noisy points back: a small diffusion model (Ho et al., NeurIPS 2020) that knows the class.
//!
//! A point `z` at time `t` from 0 to 1 is `cos(pi t / 2) z + sin(pi t / 2) e`, with standard normal `e`. The network is asked for the
//! velocity `v = cos(pi t / 2) e - sin(pi t / 2) z` (Salimans and Ho, ICLR 2022), from which both `z` and `e` follow.
//!
//! It also knows a null class, which stands for all points. On the way back the velocity of the class may be driven away from that of
//! the null class: `v0 + g (v - v0)` (classifier-free guidance, Ho and Salimans, 2022); at `g = 1` it is that of the class alone.

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

/// Steps of the noise schedule of Stable Diffusion, and its first and last `beta`.
const SCHEDULE: usize = 1000;
const BETA: [f64; 2] = [0.000_85, 0.012];

/// The time that is as noisy as Stable Diffusion's image-to-image strength, from 0 to 1: there a point is noised by the first
/// `strength * 1000` steps, whose `beta` goes from 0.00085 to 0.012 linearly in its square root, and the point keeps the share
/// `sqrt(alpha-bar) = cos(pi t / 2)`. The released strength 0.7 of D4M is the time 0.81.
pub fn time_of_strength(strength: f64) -> f64 {
    let steps = (strength.clamp(0.0, 1.0) * SCHEDULE as f64).round() as usize;
    let [first, last] = BETA.map(f64::sqrt);
    let beta = |step: usize| (first + (last - first) * step as f64 / (SCHEDULE - 1) as f64).powi(2);
    let kept: f64 = (0..steps).map(|step| 1.0 - beta(step)).product();
    kept.sqrt().acos() / FRAC_PI_2
}

/// The strength that is as noisy as a time from 0 to 1; the largest there is where the time goes beyond it.
pub fn strength_of_time(time: f64) -> f64 {
    let strengths = (0..=SCHEDULE).map(|step| step as f64 / SCHEDULE as f64);
    let off = |strength: &f64| (time_of_strength(*strength) - time).abs();
    strengths.min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or_default()
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

    /// The velocity of points `(n, dimensions)` at `times`, each of its class, or of the null class: `(n, dimensions)`.
    fn velocity(&self, points: &Tensor, times: &[f64], classes: &[Option<u32>]) -> Result<Tensor> {
        let len = 2 * WAVES + self.classes;
        let mut told = vec![0.0_f32; times.len() * len];
        for ((row, &time), &class) in told.chunks_exact_mut(len).zip(times).zip(classes) {
            for wave in 0..WAVES {
                let angle = PI * time * 2.0_f64.powi(wave as i32 - 1);
                (row[2 * wave], row[2 * wave + 1]) = (angle.sin() as f32, angle.cos() as f32);
            }
            if let Some(class) = class {
                row[2 * WAVES + class as usize] = 1.0;
            }
        }
        let told = Tensor::from_vec(told, (times.len(), len), points.device())?.to_dtype(points.dtype())?;
        let mut x = self.first.forward(&Tensor::cat(&[points, &told], 1)?)?; // (n, width)
        for [one, other] in &self.blocks {
            x = (&x + other.forward(&one.forward(&x.relu()?)?.relu()?)?)?;
        }
        self.last.forward(&x.relu()?)
    }

    /// What training makes smaller: the mean squared error of the velocity. Points and noise are `(n, dimensions)`.
    pub fn loss(&self, points: &Tensor, times: &[f64], classes: &[Option<u32>], noise: &Tensor) -> Result<Tensor> {
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
    /// (DDIM, Song et al., ICLR 2021); at time 0 the points as they are. With a `guidance` of 1 the null class has no say.
    pub fn denoise(
        &self,
        points: &Tensor,
        (class, guidance): (u32, f64),
        time: f64,
        noise: &Tensor,
        steps: usize,
    ) -> Result<Tensor> {
        let count = points.dim(0)?;
        let [kept, mixed] = shares(time);
        let mut z = ((points * kept)? + (noise * mixed)?)?;
        for step in (1..=steps).rev() {
            let at = |step: usize| time * step as f64 / steps as f64;
            let ([now_kept, now_mixed], [next_kept, next_mixed]) = (shares(at(step)), shares(at(step - 1)));
            let of = |class| self.velocity(&z, &vec![at(step); count], &vec![class; count]);
            let mut velocity = of(Some(class))?;
            if guidance != 1.0 {
                let null = of(None)?;
                velocity = (&null + ((velocity - &null)? * guidance)?)?;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_are_the_times_of_the_released_schedule() {
        let table = [0.21, 0.33, 0.44, 0.55, 0.65, 0.74, 0.81, 0.88, 0.92, 0.96];
        for (at, expected) in table.into_iter().enumerate() {
            let strength = (at + 1) as f64 / 10.0;
            let time = time_of_strength(strength);
            assert!((time - expected).abs() < 0.005, "strength {strength}: {time} instead of {expected}");
            assert!((strength_of_time(time) - strength).abs() < 2e-3, "strength {strength}");
        }
        assert_eq!((time_of_strength(0.0), strength_of_time(0.0), strength_of_time(1.0)), (0.0, 0.0, 1.0));
        let weak = strength_of_time(0.1);
        assert!(weak < 0.05, "time 0.1 is a strength of {weak}, not of 0.1");
    }
}
