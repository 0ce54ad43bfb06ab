//! The picture behind PEMDD: pairs on the curve of their energy, class balls in a plane with the forces between them, and
//! what stands for each ball.

use crate::math::ellipse_of;
use crate::{
    math::Moments,
    methods::energy::{Ballpark, Cloud, Law, pull},
    report::{BallView, EnergyView, SigmaPoint},
};

/// Pairs of a kind that are drawn.
const PAIRS: usize = 400;
/// Points of the plane that are drawn.
const POINTS: usize = 1200;
/// Turns of the axes towards the directions of largest variance in one picture; few, so that the plane turns slowly.
const TURNS: usize = 2;

/// Two directions in the space of a map, as long as 1 and at right angles.
pub type Axes = [Vec<f64>; 2];

/// Shows a map. `axes` are those of the picture before, so that the plane does not jump; they come back turned a little
/// towards the two directions of largest variance.
pub fn energy(
    cloud: &Cloud,
    law: Law,
    ballparks: &[Ballpark],
    per_class: usize,
    axes: &mut Option<Axes>,
) -> EnergyView {
    let all = Moments::of(&cloud.values, cloud.dimensions);
    let start = axes.take().filter(|axes| axes[0].len() == cloud.dimensions);
    let turns = if start.is_some() { TURNS } else { 200 };
    let turned = turned(&all, start.unwrap_or_else(|| first_axes(cloud.dimensions)), turns);
    let place = |point: &[f64]| -> [f32; 2] {
        let along = |axis: &[f64]| {
            point.iter().zip(&all.mean).zip(axis).map(|((value, mean), part)| (value - mean) * part).sum::<f64>() as f32
        };
        [along(&turned[0]), along(&turned[1])]
    };
    let wide = |point: &[f32]| -> Vec<f64> { point.iter().copied().map(f64::from).collect() };
    let stride = cloud.len().div_ceil(POINTS).max(1);
    let points = (0..cloud.len()).step_by(stride).map(|at| (place(&wide(cloud.point(at))), cloud.class_of(at) as u16));
    let pulled = pull(cloud, law);
    let force = |class: usize| -> [f32; 2] {
        let mut sum = vec![0.0; cloud.dimensions];
        for point in cloud.starts[class]..cloud.starts[class + 1] {
            let gradient = &pulled.gradient[1][point * cloud.dimensions..(point + 1) * cloud.dimensions];
            sum.iter_mut().zip(gradient).for_each(|(sum, &slope)| *sum -= f64::from(slope));
        }
        let along = |axis: &[f64]| sum.iter().zip(axis).map(|(value, part)| value * part).sum::<f64>() as f32;
        [along(&turned[0]), along(&turned[1])]
    };
    let shadow = |moments: &Moments| {
        let variance = |one: &[f64], other: &[f64]| -> f64 {
            let rows = moments.covariance.chunks_exact(cloud.dimensions).zip(one);
            rows.map(|(row, part)| part * row.iter().zip(other).map(|(value, other)| value * other).sum::<f64>()).sum()
        };
        let [x, y] = &turned;
        ellipse_of(place(&moments.mean), [variance(x, x), variance(x, y), variance(y, y)])
    };
    let ball = |(class, one): (usize, &Ballpark)| {
        let of_class = cloud.of_class(class);
        let rebuilt = one.rebuilt(of_class, per_class);
        let sample =
            |sample: usize| place(&wide(&of_class[sample * cloud.dimensions..(sample + 1) * cloud.dimensions]));
        let sigma = one.sigma.points.iter().zip(&one.sigma.weights);
        BallView {
            ellipse: shadow(&one.moments),
            rebuilt: shadow(&rebuilt),
            sigma: sigma.map(|(point, &weight)| SigmaPoint { at: place(point), weight }).collect(),
            picks: one.picks.iter().take(per_class).map(|pick| (sample(pick.sample), pick.point)).collect(),
            sigma_errors: one.moments.errors(&Moments::weighted(&one.sigma.points, &one.sigma.weights)),
            rebuilt_errors: one.moments.errors(&rebuilt),
        }
    };
    let [within, between] = pairs(cloud, law);
    let view = EnergyView {
        dimensions: cloud.dimensions,
        offset: law.offset,
        ratio: law.ratio,
        within,
        between,
        energy: pulled.energy,
        spread: cloud.spread(),
        points: points.collect(),
        forces: (0..ballparks.len()).map(force).collect(),
        balls: ballparks.iter().enumerate().map(ball).collect(),
    };
    *axes = Some(turned);
    view
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
fn pairs(cloud: &Cloud, law: Law) -> [Vec<f32>; 2] {
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
        let (law, mut axes) = (Law { offset: 0.3, ratio: 0.1 }, None);
        let first = energy(&cloud(), law, &[], 1, &mut axes);
        let kept = axes.clone().unwrap();
        let again = energy(&cloud(), law, &[], 1, &mut axes);
        for ((one, _), (other, _)) in first.points.iter().zip(&again.points) {
            assert!((one[0] - other[0]).hypot(one[1] - other[1]) < 1e-3);
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&kept[0], &kept[0]) - 1.0).abs() < 1e-9 && dot(&kept[0], &kept[1]).abs() < 1e-9);
        // Three classes at the corners of a triangle: all of it lies in two dimensions.
        assert!(kept.iter().all(|axis| axis[3].abs() < 0.2), "{kept:?}");
    }

    #[test]
    fn pairs_are_of_their_kind() {
        let law = Law { offset: 0.3, ratio: 0.1 };
        let view = energy(&cloud(), law, &[], 1, &mut None);
        assert!(view.within.len() > 200 && view.between.len() > 200);
        assert!(view.within.iter().all(|r| *r < 2.5), "a ball is small");
        assert!(view.between.iter().all(|r| (0.8..1.3).contains(r)), "corners are 7 apart: 0.3 + 0.1 * 7");
    }
}
