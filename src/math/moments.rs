//! Mean and covariance of a class, and the sigma points that stand for them: the Unscented Transform.

use faer::{Mat, Side};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Share of the mean variance that is added to every variance, so that a square root exists.
const JITTER: f64 = 1e-6;

/// Mean `(d,)` and covariance `(d, d)` of points, in double precision.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Mean.
    pub mean: Vec<f64>,
    /// Covariance, row by row, symmetric.
    pub covariance: Vec<f64>,
}

/// How sigma points are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// By the Cholesky root of the covariance, all `2 d + 1` points: their weighted moments are those of the class. Our
    /// reading of the paper.
    #[default]
    Exact,
    /// As the released code does it, for comparison: the root is taken number by number of squared numbers, the first row is
    /// never used, two points stay at the origin, and a sample is near to a point where their differences add up to
    /// little.
    Released,
}

/// Points with weights, which add up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct SigmaPoints {
    /// `(2 d + 1, d)`, the mean first.
    pub points: Vec<Vec<f64>>,
    /// Weight of each point.
    pub weights: Vec<f64>,
}

impl Moments {
    /// Of points `(n, d)` in a row, each with the same weight (divisor `n`).
    pub fn of(points: &[f32], dimensions: usize) -> Self {
        let rows: Vec<Vec<f64>> =
            points.chunks_exact(dimensions).map(|row| row.iter().copied().map(f64::from).collect()).collect();
        let weights = vec![1.0 / rows.len().max(1) as f64; rows.len()];
        Self::weighted(&rows, &weights)
    }

    /// `mean = sum w x`, `covariance = sum w (x - mean)(x - mean)^T` for weights that add up to 1.
    pub fn weighted(points: &[Vec<f64>], weights: &[f64]) -> Self {
        let dimensions = points.first().map_or(0, Vec::len);
        let mut mean = vec![0.0; dimensions];
        for (point, weight) in points.iter().zip(weights) {
            mean.iter_mut().zip(point).for_each(|(sum, value)| *sum += weight * value);
        }
        let mut covariance = vec![0.0; dimensions * dimensions];
        for (point, weight) in points.iter().zip(weights) {
            let gaps: Vec<f64> = point.iter().zip(&mean).map(|(value, mean)| value - mean).collect();
            for (row, gap) in covariance.chunks_exact_mut(dimensions).zip(&gaps) {
                row.iter_mut().zip(&gaps).for_each(|(sum, other)| *sum += weight * gap * other);
            }
        }
        Self { mean, covariance }
    }

    /// Number of dimensions.
    pub fn dimensions(&self) -> usize {
        self.mean.len()
    }

    /// What is added to every variance before a root is taken: a millionth of their mean.
    pub fn jitter(&self) -> f64 {
        (JITTER * self.trace() / self.dimensions().max(1) as f64).max(f64::MIN_POSITIVE)
    }

    /// Sum of the variances.
    pub fn trace(&self) -> f64 {
        (0..self.dimensions()).map(|at| self.covariance[at * (self.dimensions() + 1)]).sum()
    }

    /// Lower triangle `A` with `A A^T = scale (covariance + jitter I)`.
    fn root(&self, scale: f64) -> Result<Mat<f64>> {
        let (dimensions, jitter) = (self.dimensions(), self.jitter());
        let value = |row: usize, column: usize| {
            scale * (self.covariance[row * dimensions + column] + if row == column { jitter } else { 0.0 })
        };
        let matrix = Mat::from_fn(dimensions, dimensions, value);
        let root = matrix.llt(Side::Lower).map_err(|_| {
            Error::Data("the covariance of a class has no root: use fewer dimensions or more points".into())
        })?;
        Ok(root.L().to_owned())
    }

    /// The sigma points with `lambda = alpha^2 (d + kappa) - d`: the mean with the weight `lambda / (d + lambda)`, and the mean
    /// plus and minus each column of the root of `(d + lambda) (covariance + jitter I)` with `1 / (2 (d + lambda))`.
    pub fn sigma_points(&self, transform: Transform, alpha: f64, kappa: f64) -> Result<SigmaPoints> {
        let n = self.dimensions();
        let sum = alpha * alpha * (n as f64 + kappa); // d + lambda
        let side = 1.0 / (2.0 * sum);
        let mut weights = vec![side; 2 * n + 1];
        weights[0] = 1.0 - 2.0 * n as f64 * side;
        let moved = |sign: f64, step: &dyn Fn(usize) -> f64| -> Vec<f64> {
            self.mean.iter().enumerate().map(|(at, mean)| mean + sign * step(at)).collect()
        };
        let mut points = vec![self.mean.clone()];
        match transform {
            Transform::Exact => {
                let root = self.root(sum)?;
                for sign in [1.0, -1.0] {
                    points.extend((0..n).map(|column| moved(sign, &|row| root[(row, column)])));
                }
            }
            Transform::Released => {
                points.resize(2 * n + 1, vec![0.0; n]);
                for at in 1..n {
                    let step = |column: usize| sum.sqrt() * self.covariance[at * n + column].abs();
                    points[at] = moved(1.0, &step);
                    points[n + 1 + at] = moved(-1.0, &step);
                }
            }
        }
        Ok(SigmaPoints { points, weights })
    }

    /// `count` points of the Gaussian with these moments, in a row.
    pub fn draw(&self, count: usize, rng: &mut ChaCha8Rng) -> Result<Vec<f32>> {
        let (n, root) = (self.dimensions(), self.root(1.0)?);
        let mut values = Vec::with_capacity(count * n);
        for _ in 0..count {
            let normal: Vec<f64> = StandardNormal.sample_iter(&mut *rng).take(n).collect();
            values.extend((0..n).map(|row| {
                let step: f64 = (0..=row).map(|column| root[(row, column)] * normal[column]).sum();
                (self.mean[row] + step) as f32
            }));
        }
        Ok(values)
    }

    /// How far other moments are from these: `|mean - mean'|`, and `|C - C'|_F / |C|_F`.
    pub fn errors(&self, other: &Self) -> [f64; 2] {
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
        let gap = |one: &[f64], other: &[f64]| norm(&mut one.iter().zip(other).map(|(a, b)| a - b));
        let size = norm(&mut self.covariance.iter().copied()).max(f64::MIN_POSITIVE);
        [gap(&self.mean, &other.mean), gap(&self.covariance, &other.covariance) / size]
    }
}

impl SigmaPoints {
    /// How near a sample is to a point: the distance, or what the released code takes for it.
    pub fn nearness(transform: Transform, point: &[f64], sample: &[f32]) -> f64 {
        let gaps = point.iter().zip(sample).map(|(point, &value)| point - f64::from(value));
        match transform {
            Transform::Exact => gaps.map(|gap| gap * gap).sum::<f64>().sqrt(),
            Transform::Released => gaps.sum::<f64>().abs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    fn points(count: usize, dimensions: usize) -> Vec<f32> {
        (0..count * dimensions).map(|at| ((at * at * 7 + at * 3) % 101) as f32 / 20.0 - 2.0).collect()
    }

    #[test]
    fn sigma_points_have_the_moments_of_their_class() {
        for (dimensions, alpha, kappa) in [(2, 1.0, 1.0), (5, 1.0, -2.0), (10, 1.0, 20.0), (10, 0.5, 40.0)] {
            let moments = Moments::of(&points(80, dimensions), dimensions);
            let SigmaPoints { points, weights } = moments.sigma_points(Transform::Exact, alpha, kappa).unwrap();
            assert_eq!(points.len(), 2 * dimensions + 1);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let mut expected = moments.clone();
            (0..dimensions).for_each(|at| expected.covariance[at * (dimensions + 1)] += moments.jitter());
            let [mean, covariance] = expected.errors(&Moments::weighted(&points, &weights));
            assert!(mean < 1e-5 && covariance < 1e-5, "{dimensions} dimensions: {mean} {covariance}");
        }
    }

    #[test]
    fn the_published_setting_has_the_published_weights() {
        let moments = Moments::of(&points(60, 10), 10);
        let weights = moments.sigma_points(Transform::Exact, 1.0, 20.0).unwrap().weights;
        assert!((weights[0] - 2.0 / 3.0).abs() < 1e-12 && (weights[7] - 1.0 / 60.0).abs() < 1e-12);
    }

    #[test]
    fn the_released_transform_has_the_faults_that_it_is_known_for() {
        let moments = Moments::of(&points(60, 4), 4);
        let released = moments.sigma_points(Transform::Released, 1.0, 20.0).unwrap().points;
        assert_eq!(released[4], [0.0; 4]);
        assert_eq!(released[5], [0.0; 4]);
        let [mean, covariance] = moments
            .errors(&Moments::weighted(&released, &moments.sigma_points(Transform::Exact, 1.0, 20.0).unwrap().weights));
        assert!(mean > 1e-3 && covariance > 1e-2, "its moments are others: {mean} {covariance}");
    }

    #[test]
    fn draws_have_the_moments_that_they_are_drawn_from() {
        let moments = Moments::of(&points(50, 3), 3);
        let drawn = moments.draw(40_000, &mut stream(3, Purpose::Upsampling, 0, 0)).unwrap();
        let [mean, covariance] = moments.errors(&Moments::of(&drawn, 3));
        assert!(mean < 0.02 && covariance < 0.03, "{mean} {covariance}");
    }
}
