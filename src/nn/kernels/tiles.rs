//! The transforms of Winograd's convolutions F(2x2, 3x3) and F(4x4, 3x3), and their transposes for the gradients.
//!
//! A tile of `(m+2)²` inputs makes `m²` outputs: `y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A`, with 16 products instead of 36 for
//! `m = 2`, 36 instead of 144 for `m = 4`. In between stand `(m+2)²` planes, each an ordinary matrix product over the
//! channels. The gradients are the exact transposes (`dV = dM Uᵀ`, `dU = Vᵀ dM`), so they share transforms and planes.
//! The outputs of a tile are whole windows of the pooling. Reference: Lavin and Gray, arXiv 1509.09308.

use super::columns::{
    SIDE, input_column, input_column_adjoint, output_column, output_column_adjoint, weight_column,
    weight_column_adjoint,
};
use super::lanes::{LANES, Lanes};

/// Planes of tiles with `m` outputs on a side.
pub(super) const fn planes(m: usize) -> usize {
    (m + 2) * (m + 2)
}

/// `count` lanes, `step` apart.
#[inline(always)]
unsafe fn load_column<S: Lanes>(at: *const f32, step: usize, count: usize) -> [S; SIDE] {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let mut column = [S::zero(); SIDE];
        for (i, value) in column.iter_mut().enumerate() {
            if i < count {
                *value = S::load(at.add(i * step));
            }
        }
        column
    }
}

/// `M`, 2 or 4, as a constant.
macro_rules! for_tile {
    ($kernel:ident::<$lanes:ident>($p:ident)) => {
        match $p.m {
            2 => $kernel::<$lanes, 2>($p),
            _ => $kernel::<$lanes, 4>($p),
        }
    };
}

/// One row of tiles of a map, transformed.
pub(super) struct InputTiles<'a> {
    pub(super) m: usize,
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
        assert!(self.channels.is_multiple_of(LANES) && self.tiles > 0 && (self.m == 2 || self.m == 4));
        assert!((self.m + 1) * self.map_row + (self.m * self.tiles + 2) * self.channels <= self.map.len());
        assert!((planes(self.m) - 1) * self.out_plane + self.tiles * self.channels <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn input_tiles<S: Lanes>(p: &mut InputTiles) {
    // SAFETY: passed on.
    unsafe { for_tile!(input_tiles_of::<S>(p)) }
}

#[inline(always)]
unsafe fn input_tiles_of<S: Lanes, const M: usize>(p: &mut InputTiles) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..p.channels).step_by(LANES) {
            let map = p.map.as_ptr().add(c);
            let mut columns = [[S::zero(); SIDE]; SIDE];
            for (x, column) in columns.iter_mut().enumerate().take(2) {
                *column = input_column::<S, M>(load_column(map.add(x * p.channels), p.map_row, M + 2));
            }
            for t in 0..p.tiles {
                for (x, column) in columns.iter_mut().enumerate() {
                    if x >= 2 && x < M + 2 {
                        let at = map.add((M * t + x) * p.channels);
                        *column = input_column::<S, M>(load_column(at, p.map_row, M + 2));
                    }
                }
                let out = p.out.as_mut_ptr().add(t * p.channels + c);
                for i in 0..M + 2 {
                    let mut row = [S::zero(); SIDE];
                    for (to, column) in row.iter_mut().zip(&columns) {
                        *to = column[i];
                    }
                    let row = input_column::<S, M>(row);
                    for (j, value) in row.into_iter().enumerate().take(M + 2) {
                        value.store(out.add(((M + 2) * i + j) * p.out_plane));
                    }
                }
                // Neighbouring tiles share two columns.
                columns[0] = columns[M];
                columns[1] = columns[M + 1];
            }
        }
    }
}

/// One row of transformed tiles, added back into a map: the transpose of [`InputTiles`].
pub(super) struct InputTilesAdjoint<'a> {
    pub(super) m: usize,
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
        assert!(self.m == 2 || self.m == 4);
        assert!((planes(self.m) - 1) * self.plane + self.count * self.width <= self.tiles.len());
        let last = (self.m + 1) * self.map_row + (self.m * self.count + 1) * self.channels;
        assert!(last + self.width <= self.map.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn input_tiles_adjoint<S: Lanes>(p: &mut InputTilesAdjoint) {
    // SAFETY: passed on.
    unsafe { for_tile!(input_tiles_adjoint_of::<S>(p)) }
}

#[inline(always)]
unsafe fn input_tiles_adjoint_of<S: Lanes, const M: usize>(p: &mut InputTilesAdjoint) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..p.width).step_by(LANES) {
            // What the last tile leaves for its right neighbour's first two columns.
            let mut carried = [[S::zero(); SIDE]; 2];
            for t in 0..p.count {
                let from = p.tiles.as_ptr().add(t * p.width + c);
                let mut rows = [[S::zero(); SIDE]; SIDE];
                for (i, row) in rows.iter_mut().enumerate().take(M + 2) {
                    let at = from.add((M + 2) * i * p.plane);
                    *row = input_column_adjoint::<S, M>(load_column(at, p.plane, M + 2));
                }
                for j in 0..M + 2 {
                    let mut column = [S::zero(); SIDE];
                    for (to, row) in column.iter_mut().zip(&rows) {
                        *to = row[j];
                    }
                    column = input_column_adjoint::<S, M>(column);
                    if j < 2 {
                        for (value, carried) in column.iter_mut().zip(&carried[j]) {
                            *value = value.add(*carried);
                        }
                    }
                    if j < M {
                        add_column::<S, M>(p, M * t + j, c, column);
                    } else {
                        carried[j - M] = column;
                    }
                }
            }
            for (j, column) in carried.into_iter().enumerate() {
                add_column::<S, M>(p, M * p.count + j, c, column);
            }
        }
    }
}

#[inline(always)]
unsafe fn add_column<S: Lanes, const M: usize>(p: &mut InputTilesAdjoint, x: usize, c: usize, column: [S; SIDE]) {
    // SAFETY: `check` held.
    unsafe {
        let to = p.map.as_mut_ptr().add(x * p.channels + c);
        for (i, value) in column.into_iter().enumerate().take(M + 2) {
            let to = to.add(i * p.map_row);
            S::load(to).add(value).store(to);
        }
    }
}

/// One row of tiles, transformed back to up to `m` rows of the convolution's result.
pub(super) struct OutputTiles<'a> {
    pub(super) m: usize,
    /// `(plane, tile, lane)`
    pub(super) tiles: &'a [f32],
    pub(super) plane: usize,
    /// Lanes of the panel.
    pub(super) width: usize,
    /// Rows of the result in these tiles, and positions in each.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// `(row, column, lane)`
    pub(super) out: &'a mut [f32],
}

impl OutputTiles<'_> {
    pub(super) fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && self.columns > 0 && (self.m == 2 || self.m == 4));
        assert!((1..=self.m).contains(&self.rows));
        let tiles = self.columns.div_ceil(self.m);
        assert!((planes(self.m) - 1) * self.plane + tiles * self.width <= self.tiles.len());
        assert!(self.rows * self.columns * self.width <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn output_tiles<S: Lanes>(p: &mut OutputTiles) {
    // SAFETY: passed on.
    unsafe { for_tile!(output_tiles_of::<S>(p)) }
}

#[inline(always)]
unsafe fn output_tiles_of<S: Lanes, const M: usize>(p: &mut OutputTiles) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for t in 0..p.columns.div_ceil(M) {
            for c in (0..p.width).step_by(LANES) {
                let from = p.tiles.as_ptr().add(t * p.width + c);
                let mut rows = [[S::zero(); SIDE]; M];
                for j in 0..M + 2 {
                    let column = load_column(from.add(j * p.plane), (M + 2) * p.plane, M + 2);
                    let column = output_column::<S, M>(column);
                    for (row, value) in rows.iter_mut().zip(column) {
                        row[j] = value;
                    }
                }
                for (i, row) in rows.into_iter().enumerate() {
                    let values = output_column::<S, M>(row);
                    let to = p.out.as_mut_ptr().wrapping_add((i * p.columns + M * t) * p.width + c);
                    for (j, value) in values.into_iter().enumerate().take(M) {
                        if i < p.rows && M * t + j < p.columns {
                            value.store(to.add(j * p.width));
                        }
                    }
                }
            }
        }
    }
}

/// Stores the planes of one tile of gradients of the convolution's result: the transpose of [`OutputTiles`].
#[inline(always)]
pub(super) unsafe fn output_tile_adjoint<S: Lanes, const M: usize>(y: [[S; SIDE]; M], out: *mut f32, out_plane: usize) {
    // SAFETY: the caller has the instruction set, and room for all planes.
    unsafe {
        let mut columns = [[S::zero(); SIDE]; M];
        for (j, to) in columns.iter_mut().enumerate() {
            let mut column = [S::zero(); SIDE];
            for (to, row) in column.iter_mut().zip(&y) {
                *to = row[j];
            }
            *to = output_column_adjoint::<S, M>(column);
        }
        for i in 0..M + 2 {
            let mut row = [S::zero(); SIDE];
            for (to, column) in row.iter_mut().zip(&columns) {
                *to = column[i];
            }
            for (j, value) in output_column_adjoint::<S, M>(row).into_iter().enumerate().take(M + 2) {
                value.store(out.add(((M + 2) * i + j) * out_plane));
            }
        }
    }
}

/// 3x3 windows of weights, transformed.
pub(super) struct WeightTiles<'a> {
    pub(super) m: usize,
    /// `(tap, lane)`
    pub(super) windows: &'a [f32],
    pub(super) width: usize,
    /// `(plane, lane)`
    pub(super) out: &'a mut [f32],
    pub(super) out_plane: usize,
}

impl WeightTiles<'_> {
    pub(super) fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && (self.m == 2 || self.m == 4));
        assert!(9 * self.width <= self.windows.len());
        assert!((planes(self.m) - 1) * self.out_plane + self.width <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn weight_tiles<S: Lanes>(p: &mut WeightTiles) {
    // SAFETY: passed on.
    unsafe { for_tile!(weight_tiles_of::<S>(p)) }
}

#[inline(always)]
unsafe fn weight_tiles_of<S: Lanes, const M: usize>(p: &mut WeightTiles) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..p.width).step_by(LANES) {
            let from = p.windows.as_ptr().add(c);
            let mut columns = [[S::zero(); SIDE]; 3];
            for (j, column) in columns.iter_mut().enumerate() {
                *column = weight_column::<S, M>(load_column(from.add(j * p.width), 3 * p.width, 3));
            }
            let out = p.out.as_mut_ptr().add(c);
            for i in 0..M + 2 {
                let mut row = [S::zero(); SIDE];
                for (to, column) in row.iter_mut().zip(&columns) {
                    *to = column[i];
                }
                for (j, value) in weight_column::<S, M>(row).into_iter().enumerate().take(M + 2) {
                    value.store(out.add(((M + 2) * i + j) * p.out_plane));
                }
            }
        }
    }
}

/// Gradients of windows from those of their planes: the transpose of [`WeightTiles`].
pub(super) struct WeightTilesAdjoint<'a> {
    pub(super) m: usize,
    /// `(plane, lane)`
    pub(super) tiles: &'a [f32],
    pub(super) plane: usize,
    pub(super) width: usize,
    /// `(tap, lane)`
    pub(super) out: &'a mut [f32],
    pub(super) out_tap: usize,
}

impl WeightTilesAdjoint<'_> {
    pub(super) fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && (self.m == 2 || self.m == 4));
        assert!((planes(self.m) - 1) * self.plane + self.width <= self.tiles.len());
        assert!(8 * self.out_tap + self.width <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn weight_tiles_adjoint<S: Lanes>(p: &mut WeightTilesAdjoint) {
    // SAFETY: passed on.
    unsafe { for_tile!(weight_tiles_adjoint_of::<S>(p)) }
}

#[inline(always)]
unsafe fn weight_tiles_adjoint_of<S: Lanes, const M: usize>(p: &mut WeightTilesAdjoint) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..p.width).step_by(LANES) {
            let from = p.tiles.as_ptr().add(c);
            let mut columns = [[S::zero(); SIDE]; SIDE];
            for (j, column) in columns.iter_mut().enumerate().take(M + 2) {
                let column_in = load_column(from.add(j * p.plane), (M + 2) * p.plane, M + 2);
                *column = weight_column_adjoint::<S, M>(column_in);
            }
            for i in 0..3 {
                let mut row = [S::zero(); SIDE];
                for (to, column) in row.iter_mut().zip(&columns) {
                    *to = column[i];
                }
                for (j, value) in weight_column_adjoint::<S, M>(row).into_iter().enumerate().take(3) {
                    value.store(p.out.as_mut_ptr().add((3 * i + j) * p.out_tap + c));
                }
            }
        }
    }
}
