//! An orthonormal plane in feature space, fitted once on real features and then held still.

use super::Pca;
use crate::{
    error::Result,
    report::{Ball, Ellipse, Point},
};

/// The plane of the two directions in which features vary most (principal components): with features `x` `(n, d)`, their mean
/// `m` and the directions `a_1`, `a_2`, a point lies at `(a_1 . (x - m), a_2 . (x - m))`.
#[derive(Clone)]
pub struct Projection {
    principal: Pca,
    /// Two-dimensional features are shown as they are.
    axes: [Vec<f64>; 2],
}

impl Projection {
    /// Fits the plane on rows of `dimensions` numbers, at least two. Two-dimensional features are shown as they are.
    pub fn fit(features: &[f32], dimensions: usize) -> Result<Self> {
        let principal = Pca::fit(features, dimensions, 2)?;
        let axes = match principal.directions() {
            [one, other] if dimensions > 2 => [one.clone(), other.clone()],
            _ => [vec![1.0, 0.0], vec![0.0, 1.0]],
        };
        Ok(Self { principal, axes })
    }

    /// Share of the variance of the fitted features that lies in the plane.
    pub fn kept_variance(&self) -> f64 {
        self.principal.kept_variance()
    }

    /// Number of dimensions before the projection.
    pub fn dimensions(&self) -> usize {
        self.principal.mean().len()
    }

    /// Where features lie in the plane, and how far off it; `class_of` names the class of each row.
    pub fn points(&self, features: &[f32], class_of: impl Fn(usize) -> u16) -> Vec<Point> {
        let rows = features.chunks_exact(self.dimensions()).enumerate();
        rows.map(|(row, feature)| {
            let mut at = [0.0; 2];
            let mut squared = 0.0;
            for (column, (&value, mean)) in feature.iter().zip(self.principal.mean()).enumerate() {
                let gap = f64::from(value) - mean;
                squared += gap * gap;
                at[0] += gap * self.axes[0][column];
                at[1] += gap * self.axes[1][column];
            }
            let hidden = (squared - at[0] * at[0] - at[1] * at[1]).max(0.0).sqrt();
            Point { at: at.map(|value| value as f32), class: class_of(row), hidden: hidden as f32 }
        })
        .collect()
    }
}

/// One standard deviation of some points: since the map is linear, this is the exact shadow of their covariance.
pub fn ellipse<'a>(points: &(impl Iterator<Item = &'a Point> + Clone)) -> Ellipse {
    let count = points.clone().count().max(1) as f64;
    let centre = [0, 1].map(|axis| points.clone().map(|point| f64::from(point.at[axis])).sum::<f64>() / count);
    let product = |a: usize, b: usize| {
        let products =
            points.clone().map(|point| (f64::from(point.at[a]) - centre[a]) * (f64::from(point.at[b]) - centre[b]));
        products.sum::<f64>() / count
    };
    ellipse_of(centre.map(|value| value as f32), [product(0, 0), product(0, 1), product(1, 1)])
}

/// The same from a centre and the covariance `xx`, `xy`, `yy` in the plane.
pub fn ellipse_of(centre: [f32; 2], [xx, xy, yy]: [f64; 3]) -> Ellipse {
    // A symmetric 2x2 matrix: eigenvalues (xx + yy) / 2 ± r, the first axis at half the angle of (xx - yy, 2 xy).
    let (middle, radius) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
    let angle = (2.0 * xy).atan2(xx - yy) / 2.0;
    let half_axis = |variance: f64, angle: f64| {
        let length = variance.max(0.0).sqrt();
        [(length * angle.cos()) as f32, (length * angle.sin()) as f32]
    };
    Ellipse {
        centre,
        major: half_axis(middle + radius, angle),
        minor: half_axis(middle - radius, angle + std::f64::consts::FRAC_PI_2),
    }
}

/// The ball round the mean of some features whose radius is their root-mean-square distance from it, in all dimensions.
pub fn ball(features: &[f32], projection: &Projection) -> Ball {
    let dimensions = projection.dimensions();
    let count = (features.len() / dimensions) as f64;
    let mut mean = vec![0.0_f64; dimensions];
    for row in features.chunks_exact(dimensions) {
        mean.iter_mut().zip(row).for_each(|(mean, &value)| *mean += f64::from(value) / count);
    }
    let squared: f64 = features
        .chunks_exact(dimensions)
        .flat_map(|row| row.iter().zip(&mean))
        .map(|(&value, mean)| (f64::from(value) - mean).powi(2))
        .sum();
    let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
    Ball { centre: projection.points(&mean, |_| 0)[0].at, radius: (squared / count).sqrt() as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on a line in five dimensions with a little spread across it.
    fn features() -> Vec<f32> {
        (0..40)
            .flat_map(|row| {
                let t = row as f32 - 19.5;
                [t, 2.0 * t, 0.1 * (row % 3) as f32, 0.0, -t]
            })
            .collect()
    }

    #[test]
    fn the_plane_keeps_lengths_or_shortens_them_and_says_how_much_it_keeps() {
        let features = features();
        let projection = Projection::fit(&features, 5).unwrap();
        assert!(projection.kept_variance() > 0.999);
        let points = projection.points(&features, |_| 0);
        for (a, b) in [(0, 39), (3, 17), (8, 9)] {
            let rows = |row: usize| &features[row * 5..row * 5 + 5];
            let true_length: f32 = rows(a).iter().zip(rows(b)).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
            let shown = (points[a].at[0] - points[b].at[0]).hypot(points[a].at[1] - points[b].at[1]);
            assert!(shown <= true_length * 1.0001 && shown > true_length * 0.9, "{shown} {true_length}");
        }
    }

    #[test]
    fn an_ellipse_is_the_shadow_of_the_covariance() {
        let at = |x: f32, y: f32| Point { at: [x, y], class: 0, hidden: 0.0 };
        let points = [at(2.0, 2.0), at(-2.0, -2.0), at(1.0, -1.0), at(-1.0, 1.0)];
        let ellipse = ellipse(&points.iter());
        let length = |axis: [f32; 2]| axis[0].hypot(axis[1]);
        assert_eq!(ellipse.centre, [0.0, 0.0]);
        assert!((length(ellipse.major) - 2.0).abs() < 1e-6 && (length(ellipse.minor) - 1.0).abs() < 1e-6);
        assert!((ellipse.major[0] - ellipse.major[1]).abs() < 1e-6);
    }

    #[test]
    fn a_ball_has_the_true_radius_of_all_dimensions() {
        let projection = Projection::fit(&features(), 5).unwrap();
        let ball = ball(&[0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, -3.0, 0.0], &projection);
        assert!((ball.radius - 3.0).abs() < 1e-6);
    }
}
