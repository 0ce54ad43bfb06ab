//! The points of a quantizer in the plane of a class, and what the plane cuts out of their cells.

use crate::{math::Projection, report::Point};

/// Samples of a class that are drawn, at most.
const SAMPLES: usize = 600;
/// The frame around all samples and points is wider than they are by this share.
const MARGIN: f32 = 0.08;

/// Samples and points of a class in its plane.
#[derive(Clone, Debug)]
pub struct Diagram {
    /// Samples, each with the point that it is nearest to.
    pub samples: Vec<([f32; 2], u16)>,
    /// Points, each with what the plane cuts out of its cell, corner by corner; nothing where the cell does not meet the plane.
    pub points: Vec<([f32; 2], Vec<[f32; 2]>)>,
}

impl Diagram {
    /// What the plane shows. `nearest` is the point of each sample, samples and points are `(n, dimensions)` and `(K, dimensions)`.
    ///
    /// A cell is drawn as the plane through the mean of the class cuts it: all places of the plane whose nearest point, measured in all
    /// dimensions, is this one. That is a power diagram: `|x - p_i|^2 + h_i^2 <= |x - p_j|^2 + h_j^2`, with the shadow `p` of a point and
    /// its distance `h` from the plane. A cell that the plane does not meet is empty.
    pub fn of(projection: &Projection, samples: &[f32], nearest: &[u32], points: &[f32]) -> Self {
        let stride = nearest.len().div_ceil(SAMPLES).max(1);
        let shadows = projection.points(samples, |row| nearest[row] as u16);
        let drawn: Vec<([f32; 2], u16)> = shadows.iter().step_by(stride).map(|point| (point.at, point.class)).collect();
        let sites = projection.points(points, |row| row as u16);
        let frame = frame(drawn.iter().map(|(at, _)| *at).chain(sites.iter().map(|site| site.at)));
        let cell = |at: usize| {
            let others = sites.iter().enumerate().filter(|(other, _)| *other != at);
            others.fold(frame.clone(), |cell, (_, other)| cut(&cell, &sites[at], other))
        };
        let points = sites.iter().enumerate().map(|(at, site)| (site.at, cell(at))).collect();
        Self { samples: drawn, points }
    }
}

/// A rectangle round some places, corner by corner.
fn frame(places: impl Iterator<Item = [f32; 2]>) -> Vec<[f32; 2]> {
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for at in places {
        for axis in 0..2 {
            (low[axis], high[axis]) = (low[axis].min(at[axis]), high[axis].max(at[axis]));
        }
    }
    let room = [0, 1].map(|axis| MARGIN * (high[axis] - low[axis]).max(1e-6));
    let (left, right, bottom, top) = (low[0] - room[0], high[0] + room[0], low[1] - room[1], high[1] + room[1]);
    vec![[left, bottom], [right, bottom], [right, top], [left, top]]
}

/// The part of a polygon that belongs to `own` rather than to `other`.
fn cut(polygon: &[[f32; 2]], own: &Point, other: &Point) -> Vec<[f32; 2]> {
    let power = |site: &Point, at: [f32; 2]| {
        let gap = |axis: usize| f64::from(at[axis] - site.at[axis]);
        gap(0) * gap(0) + gap(1) * gap(1) + f64::from(site.hidden) * f64::from(site.hidden)
    };
    // Linear in the place, since the squares of the place cancel.
    let excess = |at: [f32; 2]| power(own, at) - power(other, at);
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    for (corner, &here) in polygon.iter().enumerate() {
        let next = polygon[(corner + 1) % polygon.len()];
        let (a, b) = (excess(here), excess(next));
        if a <= 0.0 {
            kept.push(here);
        }
        if (a < 0.0 && b > 0.0) || (a > 0.0 && b < 0.0) {
            let share = (a / (a - b)) as f32;
            kept.push([0, 1].map(|axis| here[axis] + share * (next[axis] - here[axis])));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudorandom numbers from -1 to 1.
    fn noise(at: usize) -> f32 {
        ((at * 7919 + 31) % 9973) as f32 / 4986.5 - 1.0
    }

    fn area(cell: &[[f32; 2]]) -> f32 {
        let pairs = cell.iter().zip(cell.iter().cycle().skip(1));
        0.5 * pairs.take(cell.len()).map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum::<f32>()
    }

    fn contains(cell: &[[f32; 2]], at: [f32; 2]) -> bool {
        let turns = cell.iter().zip(cell.iter().cycle().skip(1)).take(cell.len());
        cell.len() > 2
            && turns.into_iter().all(|(a, b)| (b[0] - a[0]) * (at[1] - a[1]) - (b[1] - a[1]) * (at[0] - a[0]) >= -1e-4)
    }

    #[test]
    fn a_cell_is_where_its_point_is_the_nearest_in_all_dimensions() {
        let samples: Vec<f32> = (0..300 * 3).map(|at| noise(at) * [3.0, 2.0, 0.7][at % 3]).collect();
        let points: Vec<f32> = (0..6 * 3).map(|at| noise(at * 17 + 5) * [2.0, 1.5, 0.7][at % 3]).collect();
        let projection = Projection::fit(&samples, 3).unwrap();
        let Diagram { points: views, .. } = Diagram::of(&projection, &samples, &[0; 300], &points);
        let frame_area: f32 = views.iter().map(|view| area(&view.1)).sum();
        let sites = projection.points(&points, |_| 0);
        let mut seen = 0;
        for step in 0..400 {
            let at = [2.5 * noise(step * 3 + 1), 1.7 * noise(step * 5 + 2)];
            let power =
                |site: &Point| (at[0] - site.at[0]).powi(2) + (at[1] - site.at[1]).powi(2) + site.hidden.powi(2);
            let nearest = (0..6).min_by(|&a, &b| power(&sites[a]).total_cmp(&power(&sites[b]))).unwrap();
            seen += usize::from(contains(&views[nearest].1, at));
        }
        assert_eq!(seen, 400);
        let corners: Vec<[f32; 2]> = views.iter().flat_map(|view| view.1.iter().copied()).collect();
        let whole = frame(corners.into_iter());
        let shrunk = area(&whole) / (1.0 + 2.0 * MARGIN).powi(2);
        assert!((frame_area / shrunk - 1.0).abs() < 1e-3, "cells leave no gap: {frame_area} of {shrunk}");
    }
}
