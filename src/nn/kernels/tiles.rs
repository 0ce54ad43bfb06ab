//! The transforms of Winograd's convolution F(2x2, 3x3), and their transposes for the gradients.
//!
//! A tile of 4x4 inputs makes 2x2 outputs with 16 products instead of 36: `y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A`. In between
//! stand sixteen planes, each an ordinary matrix product over the channels. The gradients are the exact transposes
//! (`dV = dM Uᵀ`, `dU = Vᵀ dM`), so they share their transforms and are as exact as the forward. The 2x2 outputs of a
//! tile are just one window of the pooling.

use super::lanes::{LANES, Lanes};

/// Planes of a transformed tile.
pub(super) const PLANES: usize = 16;

/// `Bᵀ d` for one column.
#[inline(always)]
unsafe fn input_column<S: Lanes>(d: [S; 4]) -> [S; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [d[0].sub(d[2]), d[1].add(d[2]), d[2].sub(d[1]), d[1].sub(d[3])] }
}

/// `B v` for one column: the transpose.
#[inline(always)]
unsafe fn input_column_adjoint<S: Lanes>(v: [S; 4]) -> [S; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [v[0], v[1].sub(v[2]).add(v[3]), v[1].add(v[2]).sub(v[0]), S::zero().sub(v[3])] }
}

/// `Aᵀ m` for one column.
#[inline(always)]
unsafe fn output_column<S: Lanes>(m: [S; 4]) -> [S; 2] {
    // SAFETY: the caller has the instruction set.
    unsafe { [m[0].add(m[1]).add(m[2]), m[1].sub(m[2]).sub(m[3])] }
}

/// `A y` for one column: the transpose.
#[inline(always)]
unsafe fn output_column_adjoint<S: Lanes>(y: [S; 2]) -> [S; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [y[0], y[0].add(y[1]), y[0].sub(y[1]), S::zero().sub(y[1])] }
}

/// A column of a map's tile, transformed.
#[inline(always)]
unsafe fn load_column<S: Lanes>(at: *const f32, row: usize) -> [S; 4] {
    // SAFETY: the caller vouches for four rows.
    unsafe { input_column([S::load(at), S::load(at.add(row)), S::load(at.add(2 * row)), S::load(at.add(3 * row))]) }
}

/// One row of tiles of a map, transformed.
pub(super) struct InputTiles<'a> {
    pub(super) map: &'a [f32],
    pub(super) map_row: usize,
    pub(super) channels: usize,
    pub(super) tiles: usize,
    /// `(plane, tile, channel)`
    pub(super) out: &'a mut [f32],
    pub(super) out_plane: usize,
}

impl InputTiles<'_> {
    pub(super) fn check(&self) {
        assert!(self.channels.is_multiple_of(LANES) && self.tiles > 0);
        assert!(3 * self.map_row + (2 * self.tiles + 2) * self.channels <= self.map.len());
        assert!((PLANES - 1) * self.out_plane + self.tiles * self.channels <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn input_tiles<S: Lanes>(p: &mut InputTiles) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..p.channels).step_by(LANES) {
            let map = p.map.as_ptr().add(c);
            // Neighbouring tiles share two columns.
            let (mut left, mut right) = (load_column(map, p.map_row), load_column(map.add(p.channels), p.map_row));
            for t in 0..p.tiles {
                let third = load_column::<S>(map.add((2 * t + 2) * p.channels), p.map_row);
                let fourth = load_column::<S>(map.add((2 * t + 3) * p.channels), p.map_row);
                let out = p.out.as_mut_ptr().add(t * p.channels + c);
                for i in 0..4 {
                    let v = input_column([left[i], right[i], third[i], fourth[i]]);
                    for (j, v) in v.into_iter().enumerate() {
                        v.store(out.add((4 * i + j) * p.out_plane));
                    }
                }
                (left, right) = (third, fourth);
            }
        }
    }
}

/// One row of transformed tiles, added back into a map: the transpose of [`InputTiles`].
pub(super) struct InputTilesAdjoint<'a> {
    /// `(plane, tile, lane)`
    pub(super) tiles: &'a [f32],
    pub(super) plane: usize,
    pub(super) count: usize,
    pub(super) width: usize,
    pub(super) map: &'a mut [f32],
    pub(super) map_row: usize,
    pub(super) channels: usize,
}

impl InputTilesAdjoint<'_> {
    pub(super) fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && self.width <= self.channels && self.count > 0);
        assert!((PLANES - 1) * self.plane + self.count * self.width <= self.tiles.len());
        assert!(3 * self.map_row + (2 * self.count + 1) * self.channels + self.width <= self.map.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn input_tiles_adjoint<S: Lanes>(p: &mut InputTilesAdjoint) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..p.width).step_by(LANES) {
            // What the last tile leaves for its right neighbour's first two columns.
            let mut carried = [[S::zero(); 4]; 2];
            for t in 0..p.count {
                let from = p.tiles.as_ptr().add(t * p.width + c);
                let mut rows = [[S::zero(); 4]; 4];
                for (i, row) in rows.iter_mut().enumerate() {
                    for (j, value) in row.iter_mut().enumerate() {
                        *value = S::load(from.add((4 * i + j) * p.plane));
                    }
                    *row = input_column_adjoint(*row);
                }
                for j in 0..4 {
                    let column = input_column_adjoint([rows[0][j], rows[1][j], rows[2][j], rows[3][j]]);
                    if j >= 2 {
                        carried[j - 2] = column;
                        continue;
                    }
                    let to = p.map.as_mut_ptr().add((2 * t + j) * p.channels + c);
                    for (i, value) in column.into_iter().enumerate() {
                        let to = to.add(i * p.map_row);
                        S::load(to).add(value.add(carried[j][i])).store(to);
                    }
                }
            }
            for (j, column) in carried.into_iter().enumerate() {
                let to = p.map.as_mut_ptr().add((2 * p.count + j) * p.channels + c);
                for (i, value) in column.into_iter().enumerate() {
                    let to = to.add(i * p.map_row);
                    S::load(to).add(value).store(to);
                }
            }
        }
    }
}

/// One row of tiles, transformed back to one or two rows of the convolution's result.
pub(super) struct OutputTiles<'a> {
    /// `(plane, tile, lane)`
    pub(super) tiles: &'a [f32],
    pub(super) plane: usize,
    /// Lanes of the panel.
    pub(super) width: usize,
    /// Rows of the result in these tiles, 1 or 2, and positions in each.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// `(row, column, lane)`
    pub(super) out: &'a mut [f32],
}

impl OutputTiles<'_> {
    pub(super) fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && (1..=2).contains(&self.rows) && self.columns > 0);
        assert!((PLANES - 1) * self.plane + self.columns.div_ceil(2) * self.width <= self.tiles.len());
        assert!(self.rows * self.columns * self.width <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn output_tiles<S: Lanes>(p: &mut OutputTiles) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for t in 0..p.columns.div_ceil(2) {
            for c in (0..p.width).step_by(LANES) {
                let from = p.tiles.as_ptr().add(t * p.width + c);
                let mut rows = [[S::zero(); 4]; 2];
                for j in 0..4 {
                    let mut column = [S::zero(); 4];
                    for (i, value) in column.iter_mut().enumerate() {
                        *value = S::load(from.add((4 * i + j) * p.plane));
                    }
                    let column = output_column(column);
                    rows[0][j] = column[0];
                    rows[1][j] = column[1];
                }
                for (i, row) in rows.into_iter().enumerate().take(p.rows) {
                    let values = output_column(row);
                    let to = p.out.as_mut_ptr().add((i * p.columns + 2 * t) * p.width + c);
                    values[0].store(to);
                    if 2 * t + 1 < p.columns {
                        values[1].store(to.add(p.width));
                    }
                }
            }
        }
    }
}

/// The gradient of one row of tiles, from the 2x2 gradients of the convolution's result: the transpose of
/// [`OutputTiles`]. Returns the sixteen planes.
#[inline(always)]
pub(super) unsafe fn output_tile_adjoint<S: Lanes>(y: [[S; 2]; 2]) -> [[S; 4]; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let left = output_column_adjoint([y[0][0], y[1][0]]);
        let right = output_column_adjoint([y[0][1], y[1][1]]);
        let mut planes = [[S::zero(); 4]; 4];
        for i in 0..4 {
            planes[i] = output_column_adjoint([left[i], right[i]]);
        }
        planes
    }
}
