//! Principal components: the directions in which samples vary most.

use faer::{Mat, Side};

use crate::error::{Error, Result};

/// Mean and directions of largest variance.
pub struct Principal {
    mean: Vec<f32>,
    /// As long as 1 and at right angles, the largest variance first.
    directions: Vec<Vec<f32>>,
}

impl Principal {
    /// The first `count` components of rows `(n, dimensions)`; fewer where there are no more dimensions.
    pub fn fit(rows: &[f32], dimensions: usize, count: usize) -> Result<Self> {
        let number = rows.len() / dimensions;
        let mut mean = vec![0.0_f64; dimensions];
        for row in rows.chunks_exact(dimensions) {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value) / number as f64);
        }
        let centred =
            Mat::from_fn(number, dimensions, |row, column| f64::from(rows[row * dimensions + column]) - mean[column]);
        let eigen = (centred.transpose() * &centred)
            .self_adjoint_eigen(Side::Lower)
            .map_err(|error| Error::Data(format!("the pixels have no principal components: {error:?}")))?;
        let direction = |rank: usize| -> Vec<f32> {
            let mut axis: Vec<f64> = eigen.U().col(dimensions - 1 - rank).iter().copied().collect();
            // An eigenvector has no sign of its own.
            let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
            axis.iter_mut().for_each(|value| *value *= largest.signum());
            axis.into_iter().map(|value| value as f32).collect()
        };
        let mean = mean.into_iter().map(|value| value as f32).collect();
        Ok(Self { mean, directions: (0..count.min(dimensions)).map(direction).collect() })
    }

    /// Number of components.
    pub fn count(&self) -> usize {
        self.directions.len()
    }

    /// Rows along the components: `(n, dimensions) -> (n, count)`, in a row.
    pub fn project(&self, rows: &[f32]) -> Vec<f32> {
        let along = |row: &[f32], direction: &[f32]| -> f32 {
            row.iter().zip(&self.mean).zip(direction).map(|((value, mean), part)| (value - mean) * part).sum()
        };
        let rows = rows.chunks_exact(self.mean.len());
        rows.flat_map(|row| self.directions.iter().map(move |direction| along(row, direction))).collect()
    }

    /// Back again, as near as the components allow: `(n, count) -> (n, dimensions)`, in a row.
    pub fn rebuild(&self, points: &[f32]) -> Vec<f32> {
        let row = |point: &[f32]| {
            let mut row = self.mean.clone();
            for (&along, direction) in point.iter().zip(&self.directions) {
                row.iter_mut().zip(direction).for_each(|(value, part)| *value += along * part);
            }
            row
        };
        points.chunks_exact(self.count().max(1)).flat_map(row).collect()
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
        let principal = Principal::fit(&rows, 4, 2).unwrap();
        let back = principal.rebuild(&principal.project(&rows));
        assert!(back.iter().zip(&rows).all(|(a, b)| (a - b).abs() < 1e-4));
        let one = Principal::fit(&rows, 4, 1).unwrap();
        let lost = |principal: &Principal| -> f32 {
            principal.rebuild(&principal.project(&rows)).iter().zip(&rows).map(|(a, b)| (a - b).powi(2)).sum()
        };
        assert!(lost(&one) > 10.0 * lost(&principal) + 1.0);
    }
}
