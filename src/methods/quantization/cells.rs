//! How far the points of a class are from its samples, at every step.

use crate::{
    math::{Cells, Codebook, squared, transport},
    report::CellDistances,
};

/// Samples of a class by which distances are measured at every step, at most.
const MEASURED: usize = 500;
/// With more points than this, equal masses are not measured: it would take longer than the step.
const MOST_POINTS: usize = 200;

/// How far the points of a class are from its samples, with the masses of their cells and with equal ones: exactly, over as many of
/// the samples as are a multiple of the points.
pub(super) fn distances(samples: &[f32], book: &Codebook, cells: &Cells) -> CellDistances {
    let points = book.len();
    let count = samples.len() / book.dimensions;
    let count = points * (count.min(MEASURED.max(points)) / points);
    let rows = samples.chunks_exact(book.dimensions).take(count);
    let costs: Vec<f64> = rows
        .flat_map(|row| book.points.chunks_exact(book.dimensions).map(|point| f64::from(squared(row, point))))
        .collect();
    let nearest = |row: &[f64]| row.iter().copied().fold(f64::INFINITY, f64::min);
    let free = costs.chunks_exact(points).map(nearest).sum::<f64>() / count as f64;
    let uniform =
        (points <= MOST_POINTS).then(|| (transport(&costs, &vec![count / points; points]) / count as f64).sqrt());
    CellDistances { free: free.sqrt(), uniform, effective: cells.effective_points() }
}
