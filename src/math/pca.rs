//! Pca components: the directions in which samples vary most.

use faer::{Mat, Side};
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Mean and directions of largest variance.
#[derive(Clone)]
pub struct Pca {
    mean: Vec<f64>,
    /// As long as 1 and at right angles, the largest variance first.
    directions: Vec<Vec<f64>>,
    kept_variance: f64,
}

impl Pca {
    /// The first `count` components of rows `(n, dimensions)`; fewer where there are no more dimensions.
    ///
    /// With the mean `m` and the covariance `C = sum (x - m)(x - m)^T / n`, the directions are the eigenvectors of the largest
    /// eigenvalues of `C`.
    pub fn fit(rows: &[f32], dimensions: usize, count: usize) -> Result<Self> {
        let (number, count) = (rows.len() / dimensions, count.min(dimensions));
        let mut mean = vec![0.0_f64; dimensions];
        for row in rows.chunks_exact(dimensions) {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value) / number as f64);
        }
        let centred =
            Mat::from_fn(number, dimensions, |row, column| f64::from(rows[row * dimensions + column]) - mean[column]);
        // Fewer rows than dimensions: the small product has the same eigenvalues, and directions follow from its vectors.
        let small = number < dimensions;
        let product = if small { &centred * centred.transpose() } else { centred.transpose() * &centred };
        let eigen = product
            .self_adjoint_eigen(Side::Lower)
            .map_err(|error| Error::Data(format!("the images have no principal components: {error:?}")))?;
        // Eigenvalues come in ascending order.
        let size = product.nrows();
        let direction = |rank: usize| -> Vec<f64> {
            let mut axis: Vec<f64> = match rank < size {
                true if small => (centred.transpose() * eigen.U().col(size - 1 - rank)).iter().copied().collect(),
                true => eigen.U().col(size - 1 - rank).iter().copied().collect(),
                false => vec![0.0; dimensions],
            };
            let length = axis.iter().map(|part| part * part).sum::<f64>().sqrt();
            // An eigenvector has no sign of its own: make the largest entry positive, so that pictures never flip.
            let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
            let factor = if length > 0.0 { largest.signum() / length } else { 0.0 };
            axis.iter_mut().for_each(|value| *value *= factor);
            axis
        };
        let total: f64 = eigen.S().column_vector().iter().sum();
        let kept: f64 = (1..=count.min(size)).map(|rank| eigen.S()[size - rank]).sum();
        let kept_variance = if total > 0.0 { kept / total } else { 1.0 };
        Ok(Self { mean, directions: (0..count).map(direction).collect(), kept_variance })
    }

    /// The mean of the rows.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The directions, largest variance first.
    pub fn directions(&self) -> &[Vec<f64>] {
        &self.directions
    }

    /// Share of the variance that lies in the components.
    pub fn kept_variance(&self) -> f64 {
        self.kept_variance
    }

    /// Rows along the components: `(n, dimensions) -> (n, count)`, in a row.
    pub fn project(&self, rows: &[f32]) -> Vec<f32> {
        let along = |row: &[f32], direction: &[f64]| {
            let gaps = row.iter().zip(&self.mean).map(|(&value, mean)| f64::from(value) - mean);
            gaps.zip(direction).map(|(gap, part)| gap * part).sum::<f64>() as f32
        };
        let rows = rows.par_chunks_exact(self.mean.len());
        rows.flat_map_iter(|row| self.directions.iter().map(move |direction| along(row, direction))).collect()
    }

    /// Back again, as near as the components allow: `(n, count) -> (n, dimensions)`, in a row.
    pub fn rebuild(&self, points: &[f32]) -> Vec<f32> {
        let row = |point: &[f32]| {
            let mut row = self.mean.clone();
            for (&along, direction) in point.iter().zip(&self.directions) {
                row.iter_mut().zip(direction).for_each(|(value, part)| *value += f64::from(along) * part);
            }
            row.into_iter().map(|value| value as f32)
        };
        points.chunks_exact(self.directions.len().max(1)).flat_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_rebuild_what_they_keep() {
        // Points of a plane in four dimensions.
        let rows: Vec<f32> = (0..40)
            .flat_map(|at| {
                let (a, b) = (((at * 7) % 13) as f32, ((at * 5) % 11) as f32);
                [a + 1.0, a - b, b, 2.0 * a + b]
            })
            .collect();
        let principal = Pca::fit(&rows, 4, 2).unwrap();
        let back = principal.rebuild(&principal.project(&rows));
        assert!(back.iter().zip(&rows).all(|(a, b)| (a - b).abs() < 1e-4));
        // The same from fewer rows than dimensions: three points of a plane in six.
        let few: Vec<f32> =
            [[1.0, 0.0, 2.0, 0.0, 1.0, 3.0], [0.0, 2.0, 1.0, 1.0, 0.0, 0.0], [4.0, 1.0, 0.0, 2.0, 2.0, 1.0]].concat();
        let narrow = Pca::fit(&few, 6, 2).unwrap();
        let back = narrow.rebuild(&narrow.project(&few));
        assert!(back.iter().zip(&few).all(|(a, b)| (a - b).abs() < 1e-4), "{back:?}");
        let one = Pca::fit(&rows, 4, 1).unwrap();
        let lost = |principal: &Pca| -> f32 {
            principal.rebuild(&principal.project(&rows)).iter().zip(&rows).map(|(a, b)| (a - b).powi(2)).sum()
        };
        assert!(lost(&one) > 10.0 * lost(&principal) + 1.0);
        assert!(principal.kept_variance() > 0.9999 && one.kept_variance() < 0.99);
    }
}
