//! Instance norm, ReLU and pooling: forward in one pass over a convolution's panel, backward in two.
//!
//! The bias of the convolution moves every position of a channel alike, so the norm takes it out again: it is left out
//! of the arithmetic altogether, and its gradient is exactly zero. The variance is gathered row by row while the row is
//! still in the nearest cache (Chan's formula joins the rows), which is as exact as two passes.

use super::lanes::{LANES, Lanes};
use super::tiles::{output_tile_adjoint, planes};

/// Adds positions of a panel to the running mean and the running sum of squared distances from it.
pub(super) struct Moments<'a> {
    /// `(position, lane)`
    pub(super) values: &'a [f32],
    pub(super) count: usize,
    /// Positions that went in before.
    pub(super) before: usize,
    pub(super) width: usize,
    pub(super) mean: &'a mut [f32],
    pub(super) squares: &'a mut [f32],
}

impl Moments<'_> {
    pub(super) fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && self.count > 0);
        assert!(self.count * self.width <= self.values.len());
        assert!(self.width <= self.mean.len() && self.width <= self.squares.len());
    }
}

/// Sum of values, or of squared distances from `mean`, in four interleaved chains.
#[inline(always)]
unsafe fn sum<S: Lanes, const SQUARED: bool>(from: *const f32, step: usize, count: usize, mean: S) -> S {
    // SAFETY: the caller has the instruction set, and `count` vectors `step` apart.
    unsafe {
        let mut sums = [S::zero(); 4];
        let mut at = from;
        let mut left = count;
        while left > 0 {
            let some = left.min(4);
            for (k, sum) in sums.iter_mut().enumerate() {
                if k < some {
                    let value = S::load(at.add(k * step));
                    let distance = value.sub(mean);
                    *sum = if SQUARED { distance.fma(distance, *sum) } else { sum.add(value) };
                }
            }
            at = at.wrapping_add(4 * step);
            left -= some;
        }
        sums[0].add(sums[1]).add(sums[2].add(sums[3]))
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
#[allow(clippy::cast_precision_loss)]
pub(super) unsafe fn moments<S: Lanes>(p: &mut Moments) {
    let total = (p.before + p.count) as f32;
    let share = p.count as f32 / total;
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..p.width).step_by(LANES) {
            let values = p.values.as_ptr().add(c);
            let mean = sum::<S, false>(values, p.width, p.count, S::zero()).mul(S::splat(1.0 / p.count as f32));
            let squares = sum::<S, true>(values, p.width, p.count, mean);
            let (to_mean, to_squares) = (p.mean.as_mut_ptr().add(c), p.squares.as_mut_ptr().add(c));
            if p.before == 0 {
                mean.store(to_mean);
                squares.store(to_squares);
                continue;
            }
            let delta = mean.sub(S::load(to_mean));
            delta.fma(S::splat(share), S::load(to_mean)).store(to_mean);
            let between = delta.mul(delta).mul(S::splat(p.before as f32 * share));
            S::load(to_squares).add(squares).add(between).store(to_squares);
        }
    }
}

/// Norm, ReLU and 2x2 mean of one panel.
pub(super) struct Pool<'a> {
    /// `(y, x, lane)`
    pub(super) values: &'a [f32],
    pub(super) columns: usize,
    pub(super) width: usize,
    /// A quarter of `gamma / deviation`, and of `beta - mean * gamma / deviation`: the mean of four is in them.
    pub(super) scale: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) pooled_rows: usize,
    pub(super) pooled_columns: usize,
    pub(super) out: &'a mut [f32],
    pub(super) out_row: usize,
    pub(super) out_channels: usize,
}

impl Pool<'_> {
    pub(super) fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && self.pooled_rows > 0 && self.pooled_columns > 0);
        assert!(2 * self.pooled_columns <= self.columns);
        assert!(2 * self.pooled_rows * self.columns * self.width <= self.values.len());
        assert!(self.width <= self.scale.len() && self.width <= self.shift.len());
        let last = (self.pooled_rows - 1) * self.out_row + (self.pooled_columns - 1) * self.out_channels;
        assert!(last + self.width <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn pool<S: Lanes>(p: &mut Pool) {
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for y in 0..p.pooled_rows {
            for c in (0..p.width).step_by(LANES) {
                let (scale, shift) = (S::load(p.scale.as_ptr().add(c)), S::load(p.shift.as_ptr().add(c)));
                let values = p.values.as_ptr().add(2 * y * p.columns * p.width + c);
                let out = p.out.as_mut_ptr().add(y * p.out_row + c);
                for x in 0..p.pooled_columns {
                    let mut window = [S::zero(); 4];
                    let corners = [2 * x, 2 * x + 1, p.columns + 2 * x, p.columns + 2 * x + 1];
                    for (value, at) in window.iter_mut().zip(corners) {
                        // In this order a NaN stays a NaN, so that a run that diverges is seen.
                        *value = S::zero().max(S::load(values.add(at * p.width)).fma(scale, shift));
                    }
                    let sum = window[0].add(window[1]).add(window[2].add(window[3]));
                    sum.store(out.add(x * p.out_channels));
                }
            }
        }
    }
}

/// What the backward of one panel reads.
pub(super) struct NormGradient<'a> {
    /// The convolution's result, `(y, x, lane)`.
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) width: usize,
    pub(super) scale: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) mean: &'a [f32],
    /// Of the pooled map.
    pub(super) gradient: &'a [f32],
    pub(super) gradient_row: usize,
    pub(super) gradient_channels: usize,
}

impl NormGradient<'_> {
    fn check(&self) {
        assert!(self.width.is_multiple_of(LANES) && self.rows >= 2 && self.columns >= 2);
        assert!(self.rows * self.columns * self.width <= self.values.len());
        assert!(self.width <= self.scale.len() && self.width <= self.shift.len() && self.width <= self.mean.len());
        let last = (self.rows / 2 - 1) * self.gradient_row + (self.columns / 2 - 1) * self.gradient_channels;
        assert!(last + self.width <= self.gradient.len());
    }
}

/// Sums over the positions of `g`, the gradient behind the ReLU, and of `g * (x - mean)`.
pub(super) struct NormSums<'a> {
    pub(super) of: NormGradient<'a>,
    pub(super) plain: &'a mut [f32],
    pub(super) weighted: &'a mut [f32],
}

impl NormSums<'_> {
    pub(super) fn check(&self) {
        self.of.check();
        assert!(self.of.width <= self.plain.len() && self.of.width <= self.weighted.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn norm_sums<S: Lanes>(p: &mut NormSums) {
    let of = &p.of;
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..of.width).step_by(LANES) {
            let (scale, shift) = (S::load(of.scale.as_ptr().add(c)), S::load(of.shift.as_ptr().add(c)));
            let mean = S::load(of.mean.as_ptr().add(c));
            let mut plain = [S::zero(); 4];
            let mut weighted = [S::zero(); 4];
            for y in 0..of.rows / 2 {
                let values = of.values.as_ptr().add(2 * y * of.columns * of.width + c);
                let gradient = of.gradient.as_ptr().add(y * of.gradient_row + c);
                for x in 0..of.columns / 2 {
                    let g = S::load(gradient.add(x * of.gradient_channels));
                    let corners = [2 * x, 2 * x + 1, of.columns + 2 * x, of.columns + 2 * x + 1];
                    for (k, at) in corners.into_iter().enumerate() {
                        let value = S::load(values.add(at * of.width));
                        let g = g.where_positive(value.fma(scale, shift));
                        plain[k] = plain[k].add(g);
                        weighted[k] = g.fma(value.sub(mean), weighted[k]);
                    }
                }
            }
            // Each position has a quarter of its window's gradient.
            let quarter = S::splat(0.25);
            for (s, to) in [(plain, &mut *p.plain), (weighted, &mut *p.weighted)] {
                s[0].add(s[1]).add(s[2].add(s[3])).mul(quarter).store(to.as_mut_ptr().add(c));
            }
        }
    }
}

/// The gradient of the convolution's result: `g * gain + offset + (x - mean) * slope`, for one row of tiles of `m` by
/// `m`. Either as it is (`planes` false, `(row, column, lane)`), or transformed for the products of a tiled convolution
/// (`(plane, tile, channel)`).
pub(super) struct NormBackward<'a> {
    pub(super) of: NormGradient<'a>,
    pub(super) m: usize,
    /// Row of tiles.
    pub(super) row: usize,
    pub(super) gain: &'a [f32],
    pub(super) offset: &'a [f32],
    pub(super) slope: &'a [f32],
    pub(super) planes: bool,
    pub(super) out: &'a mut [f32],
    pub(super) out_plane: usize,
    pub(super) out_channels: usize,
}

impl NormBackward<'_> {
    pub(super) fn check(&self) {
        self.of.check();
        let of = &self.of;
        assert!((self.m == 2 || self.m == 4) && self.row < of.rows.div_ceil(self.m));
        assert!(of.width <= self.gain.len() && of.width <= self.offset.len() && of.width <= self.slope.len());
        let need = if self.planes {
            (planes(self.m) - 1) * self.out_plane + (of.columns.div_ceil(self.m) - 1) * self.out_channels + of.width
        } else {
            (of.rows - self.m * self.row).min(self.m) * of.columns * of.width
        };
        assert!(need <= self.out.len());
    }
}

/// # Safety
/// The instruction set of `S`, and `check` must have passed.
#[inline(always)]
pub(super) unsafe fn norm_backward<S: Lanes>(p: &mut NormBackward) {
    // SAFETY: passed on.
    unsafe {
        if p.m == 2 {
            norm_backward_of::<S, 2>(p);
        } else {
            norm_backward_of::<S, 4>(p);
        }
    }
}

#[inline(always)]
unsafe fn norm_backward_of<S: Lanes, const M: usize>(p: &mut NormBackward) {
    let of = &p.of;
    // SAFETY: `check` held: all reads and writes stay inside the slices.
    unsafe {
        for c in (0..of.width).step_by(LANES) {
            let rows_of_channels = [of.scale, of.shift, of.mean, p.gain, p.offset, p.slope];
            let mut channel = [S::zero(); 6];
            for (to, from) in channel.iter_mut().zip(rows_of_channels) {
                *to = S::load(from.as_ptr().add(c));
            }
            for t in 0..of.columns.div_ceil(M) {
                let mut tile = [[S::zero(); 6]; M];
                for i in (0..M).step_by(2) {
                    for j in (0..M).step_by(2) {
                        let window = window_gradient(of, M * p.row + i, M * t + j, c, channel);
                        for k in 0..4 {
                            tile[i + k / 2][j + k % 2] = window[k];
                        }
                    }
                }
                if p.planes {
                    output_tile_adjoint::<S, M>(tile, p.out.as_mut_ptr().add(t * p.out_channels + c), p.out_plane);
                    continue;
                }
                for (i, row) in tile.into_iter().enumerate() {
                    for (j, value) in row.into_iter().enumerate().take(M) {
                        if M * p.row + i < of.rows && M * t + j < of.columns {
                            value.store(p.out.as_mut_ptr().add((i * of.columns + M * t + j) * of.width + c));
                        }
                    }
                }
            }
        }
    }
}

/// The gradients of the convolution's result in the 2x2 window at `(y, x)`; zero outside the result.
#[inline(always)]
unsafe fn window_gradient<S: Lanes>(of: &NormGradient, y: usize, x: usize, c: usize, channel: [S; 6]) -> [S; 4] {
    let [scale, shift, mean, gain, offset, slope] = channel;
    // SAFETY: only positions inside the result are read, and only whole windows have a pooled gradient.
    unsafe {
        let mut window = [S::zero(); 4];
        // An odd edge is not pooled, but it does share the mean and the variance.
        let mut g = S::zero();
        if y + 1 < of.rows && x + 1 < of.columns {
            g = S::load(of.gradient.as_ptr().add(y / 2 * of.gradient_row + x / 2 * of.gradient_channels + c));
        }
        for (k, to) in window.iter_mut().enumerate() {
            let (y, x) = (y + k / 2, x + k % 2);
            if y < of.rows && x < of.columns {
                let value = S::load(of.values.as_ptr().add((y * of.columns + x) * of.width + c));
                let g = g.where_positive(value.fma(scale, shift));
                *to = g.fma(gain, value.sub(mean).fma(slope, offset));
            }
        }
        window
    }
}
