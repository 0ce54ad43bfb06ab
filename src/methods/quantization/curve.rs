//! How the distortion falls with the number of points, and what that says about the dimension of the data.

use crate::math::Codebook;
use crate::random::{Purpose, stream};

/// Numbers of points.
const COUNTS: [usize; 8] = [1, 2, 5, 10, 20, 50, 100, 200];
/// Samples that are quantized, at most, and how many of them there must be for each point.
const SAMPLES: usize = 1000;
const LEAST_PER_POINT: usize = 8;
/// Rounds of Lloyd.
const ROUNDS: usize = 12;

/// Distortion against the number of points: `(K, E min_i |X - x_i|^2)` of quantizers that Lloyd's rounds settle, over some of the samples
/// `(n, dimensions)`.
pub fn curve(samples: &[f32], dimensions: usize, seed: u64, class: u32) -> Vec<(usize, f64)> {
    let some = &samples[..samples.len().min(SAMPLES * dimensions)];
    let fits = |count: &usize| count * LEAST_PER_POINT * dimensions <= some.len();
    let distortion = |count: usize| {
        let mut rng = stream(seed, Purpose::QuantizerStart, u64::MAX - count as u64, u64::from(class));
        let book = Codebook::start(some, dimensions, count, &mut rng).lloyd(some, ROUNDS);
        (count, book.cells(some).distortion)
    };
    COUNTS.into_iter().filter(fits).map(distortion).collect()
}

/// The slope of a curve on logarithmic axes, by least squares from two points on; none for fewer than two. By Zador's theorem it tends to
/// `-2 / d` in `d` dimensions, so that `-2 / slope` estimates the dimension that the data really have.
pub fn slope(curve: &[(usize, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> = curve
        .iter()
        .filter(|(count, value)| *count > 1 && *value > 0.0)
        .map(|&(count, value)| ((count as f64).ln(), value.ln()))
        .collect();
    if logs.len() < 2 {
        return None;
    }
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / logs.len() as f64;
    let (x, y) = (mean(&|log| log.0), mean(&|log| log.1));
    let along: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
    Some(along / logs.iter().map(|log| (log.0 - x).powi(2)).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_tells_the_dimension() {
        // A line and a square, in three dimensions.
        let noise = |at: usize| ((at * 7919 + 13) % 9973) as f32 / 9973.0;
        let line: Vec<f32> = (0..1000).flat_map(|at| [noise(at), 2.0 * noise(at), -noise(at)]).collect();
        let square: Vec<f32> = (0..1000).flat_map(|at| [noise(at), noise(at * 31 + 7), 0.5]).collect();
        for (samples, dimension) in [(line, 1.0), (square, 2.0)] {
            let found = -2.0 / slope(&curve(&samples, 3, 0, 0)).unwrap();
            assert!((found - dimension).abs() < 0.25 * dimension, "{found} for {dimension}");
        }
        assert_eq!(slope(&[(1, 1.0), (2, 0.5)]), None);
    }
}
