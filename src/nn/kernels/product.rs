//! The one matrix product of the kernels: a panel of a few rows at a time, held in registers.
//!
//! Every element of the result is one chain of multiply-adds in the order of `k`, however many rows are computed
//! together. So a row never depends on its neighbours, and images may be grouped freely without changing a bit.

use super::lanes::{LANES, Lanes};

/// `c = a b`, or `c += a b`, for a panel of `width` columns.
///
/// The inner index runs over `segments` runs of `length`: element `(row, segment, k)` of `a` stands at
/// `row * a_row + segment * a_segment + k * a_step`. Three segments read the rows of a 3x3 window in place.
pub(super) struct Product<'a> {
    pub(super) a: &'a [f32],
    pub(super) a_row: usize,
    pub(super) a_step: usize,
    pub(super) a_segment: usize,
    pub(super) segments: usize,
    pub(super) length: usize,
    pub(super) b: &'a [f32],
    pub(super) b_step: usize,
    pub(super) c: &'a mut [f32],
    pub(super) c_row: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) accumulate: bool,
}

impl Product<'_> {
    /// Panics where an index would leave its slice: what the unsafe kernel relies on.
    pub(super) fn check(&self) {
        let depth = self.segments * self.length;
        assert!(self.rows > 0 && depth > 0, "empty product");
        assert!(self.width == LANES || self.width == 2 * LANES, "panel width");
        let a = (self.rows - 1) * self.a_row + (self.segments - 1) * self.a_segment + (self.length - 1) * self.a_step;
        assert!(a < self.a.len(), "left operand too short");
        assert!((depth - 1) * self.b_step + self.width <= self.b.len(), "right operand too short");
        assert!((self.rows - 1) * self.c_row + self.width <= self.c.len(), "result too short");
    }
}

/// Floats of the right operand that are asked for ahead of their use: packed weights of wide blocks come from the third
/// cache.
const AHEAD: usize = 1024;

/// `ROWS` rows by `VECTORS * 16` columns, all of it in registers.
#[inline(always)]
unsafe fn tile<S: Lanes, const ROWS: usize, const VECTORS: usize>(p: &mut Product, row: usize) {
    // SAFETY: `Product::check` held, and `row + ROWS <= p.rows`.
    unsafe {
        let c = p.c.as_mut_ptr().add(row * p.c_row);
        let mut sums = [[S::zero(); VECTORS]; ROWS];
        if p.accumulate {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = S::load(c.add(r * p.c_row + v * LANES));
                }
            }
        }
        let mut b = p.b.as_ptr();
        let (a_row, a_step, b_step) = (p.a_row, p.a_step, p.b_step);
        for segment in 0..p.segments {
            let mut a = p.a.as_ptr().add(row * a_row + segment * p.a_segment);
            for _ in 0..p.length {
                let mut right = [S::zero(); VECTORS];
                for (v, right) in right.iter_mut().enumerate() {
                    *right = S::load(b.add(v * LANES));
                    S::prefetch(b.wrapping_add(AHEAD + v * LANES));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let left = S::splat(*a.add(r * a_row));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = left.fma(right, *sum);
                    }
                }
                a = a.wrapping_add(a_step);
                b = b.wrapping_add(b_step);
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                sum.store(c.add(r * p.c_row + v * LANES));
            }
        }
    }
}

/// All rows, in tiles of nearly equal height of at most `MOST` rows: one tall tile and a stub would leave the stub
/// waiting for its own sums.
///
/// # Safety
/// The instruction set of `S`, and `p.check()` must have passed.
#[inline(always)]
pub(super) unsafe fn product<S: Lanes, const MOST: usize>(p: &mut Product) {
    let tiles = p.rows.div_ceil(MOST);
    let mut row = 0;
    for t in 0..tiles {
        let end = p.rows * (t + 1) / tiles;
        // SAFETY: passed on.
        unsafe {
            if p.width == LANES {
                rows::<S, MOST, 1>(p, row, end - row);
            } else {
                rows::<S, MOST, 2>(p, row, end - row);
            }
        }
        row = end;
    }
}

#[inline(always)]
unsafe fn rows<S: Lanes, const MOST: usize, const VECTORS: usize>(p: &mut Product, row: usize, count: usize) {
    debug_assert!(count <= MOST);
    macro_rules! cases {
        ($($n:literal),*) => {
            match count {
                // The guard is constant: taller tiles than an instruction set can hold are not compiled for it.
                $($n if $n <= MOST => tile::<S, $n, VECTORS>(p, row),)*
                _ => unreachable!("a tile has at most {MOST} rows"),
            }
        };
    }
    // SAFETY: passed on.
    unsafe { cases!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14) }
}
