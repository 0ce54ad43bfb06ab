//! A plane through the samples of a map that turns slowly, and some of their pairs.

use super::{Cloud, Law};
use crate::{
    math::{Moments, ellipse_of},
    report::Ellipse,
};

/// Pairs of a kind that are drawn.
const PAIRS: usize = 400;
/// Turns of the axes towards the directions of largest variance in one picture; few, so that the plane turns slowly.
const TURNS: usize = 2;

/// Two directions in the space of a map, as long as 1 and at right angles.
pub type Axes = [Vec<f64>; 2];

/// What is seen of points and moments in the plane of two axes.
pub(super) struct Shadows {
    mean: Vec<f64>,
    axes: Axes,
}

impl Shadows {
    /// The plane through all samples. `axes` are those of the picture before, so that it does not jump; they come back turned a little
    /// towards the two directions of largest variance.
    pub(super) fn of(cloud: &Cloud, axes: &mut Option<Axes>) -> Self {
        let all = Moments::of(&cloud.values, cloud.dimensions);
        let start = axes.take().filter(|axes| axes[0].len() == cloud.dimensions);
        let turns = if start.is_some() { TURNS } else { 200 };
        let turned = turned(&all, start.unwrap_or_else(|| first_axes(cloud.dimensions)), turns);
        *axes = Some(turned.clone());
        Self { mean: all.mean, axes: turned }
    }

    /// Where a sample stands.
    pub(super) fn place(&self, point: &[f32]) -> [f32; 2] {
        self.place_of(&point.iter().copied().map(f64::from).collect::<Vec<_>>())
    }

    /// Where a point stands.
    pub(super) fn place_of(&self, point: &[f64]) -> [f32; 2] {
        let from_middle: Vec<f64> = point.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        self.along(&from_middle)
    }

    /// What is seen of a way.
    pub(super) fn along(&self, way: &[f64]) -> [f32; 2] {
        let along = |axis: &Vec<f64>| way.iter().zip(axis).map(|(value, part)| value * part).sum::<f64>() as f32;
        [along(&self.axes[0]), along(&self.axes[1])]
    }

    /// One standard deviation of what has these moments.
    pub(super) fn ellipse(&self, moments: &Moments) -> Ellipse {
        let variance = |one: &[f64], other: &[f64]| -> f64 {
            let rows = moments.covariance.chunks_exact(moments.dimensions()).zip(one);
            rows.map(|(row, part)| part * row.iter().zip(other).map(|(value, other)| value * other).sum::<f64>()).sum()
        };
        let [x, y] = &self.axes;
        ellipse_of(self.place_of(&moments.mean), [variance(x, x), variance(x, y), variance(y, y)])
    }
}

fn first_axes(dimensions: usize) -> Axes {
    let unit = |at: usize| (0..dimensions).map(|other| f64::from(u8::from(at == other))).collect();
    [unit(0), unit(1.min(dimensions - 1))]
}

/// Simultaneous iteration: each axis times the covariance, then lengths and angle set right.
fn turned(moments: &Moments, mut axes: Axes, turns: usize) -> Axes {
    let dot = |one: &[f64], other: &[f64]| -> f64 { one.iter().zip(other).map(|(one, other)| one * other).sum() };
    for _ in 0..turns {
        let through = |axis: &[f64]| -> Vec<f64> {
            moments.covariance.chunks_exact(moments.dimensions()).map(|row| dot(row, axis)).collect()
        };
        let [mut first, mut second] = [through(&axes[0]), through(&axes[1])];
        let length = dot(&first, &first).sqrt();
        if length < 1e-12 {
            break;
        }
        first.iter_mut().for_each(|value| *value /= length);
        let along = dot(&first, &second);
        second.iter_mut().zip(&first).for_each(|(value, first)| *value -= along * first);
        let length = dot(&second, &second).sqrt();
        if length < 1e-12 {
            break;
        }
        second.iter_mut().for_each(|value| *value /= length);
        axes = [first, second];
    }
    axes
}

/// Scaled distances of some pairs of one class and of two, spread evenly over all pairs.
pub(super) fn pairs(cloud: &Cloud, law: Law) -> [Vec<f32>; 2] {
    let count = cloud.len();
    let mut kinds = [Vec::new(), Vec::new()];
    // Steps of a golden share visit pairs evenly, and the same ones in every picture.
    let mut at = 0.0_f64;
    for try_ in 0..40 * PAIRS {
        at = (at + 0.618_033_988_749_894_9).fract();
        let one = (at * count as f64) as usize;
        let class = cloud.class_of(one);
        let same = kinds[1].len() >= PAIRS || (try_ % 2 == 0 && kinds[0].len() < PAIRS);
        let other = match same {
            true => cloud.starts[class] + (one * 7 + try_ * 13) % (cloud.starts[class + 1] - cloud.starts[class]),
            false => (one + 1 + (try_ * 31) % count.max(2)) % count,
        };
        if one == other {
            continue;
        }
        let kind = usize::from(cloud.class_of(other) != class);
        if kinds[kind].len() < PAIRS {
            let square: f32 =
                cloud.point(one).iter().zip(cloud.point(other)).map(|(one, other)| (one - other).powi(2)).sum();
            kinds[kind].push(law.scaled(f64::from(square.sqrt()), kind == 0) as f32);
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud() -> Cloud {
        let noise = |at: usize| ((at * 7919 + 31) % 997) as f32 / 498.5 - 1.0;
        let values = (0..60).flat_map(|point| {
            let class = point / 20;
            (0..4).map(move |axis| noise(point * 4 + axis) * 0.3 + if axis == class { 5.0 } else { 0.0 })
        });
        Cloud { values: values.collect(), dimensions: 4, starts: vec![0, 20, 40, 60] }
    }

    #[test]
    fn the_plane_shows_the_largest_variance_and_does_not_jump() {
        let (cloud, mut axes) = (cloud(), None);
        let first = Shadows::of(&cloud, &mut axes);
        let kept = axes.clone().unwrap();
        let again = Shadows::of(&cloud, &mut axes);
        for point in 0..cloud.len() {
            let (one, other) = (first.place(cloud.point(point)), again.place(cloud.point(point)));
            assert!((one[0] - other[0]).hypot(one[1] - other[1]) < 1e-3);
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&kept[0], &kept[0]) - 1.0).abs() < 1e-9 && dot(&kept[0], &kept[1]).abs() < 1e-9);
        // Three classes at the corners of a triangle: all of it lies in two dimensions.
        assert!(kept.iter().all(|axis| axis[3].abs() < 0.2), "{kept:?}");
    }

    #[test]
    fn pairs_are_of_their_kind() {
        let [within, between] = pairs(&cloud(), Law { offset: 0.3, ratio: 0.1 });
        assert!(within.len() > 200 && between.len() > 200);
        assert!(within.iter().all(|r| *r < 2.5), "a ball is small");
        assert!(between.iter().all(|r| (0.8..1.3).contains(r)), "corners are 7 apart: 0.3 + 0.1 * 7");
    }
}
