//! One column of each of Winograd's transforms: the matrices `B`, `A` and `G` of F(2x2, 3x3) and F(4x4, 3x3), written out
//! as sums. `tiles.rs` applies each to the columns and then to the rows of a tile.
//!
//! # Safety
//! All of these need the instruction set of `S`, and nothing else.

use super::lanes::Lanes;

/// Inputs on the side of the largest tile. Functions are generic over the outputs `M`, 2 or 4, and use `M + 2` of it.
pub(super) const SIDE: usize = 6;

/// `Bᵀ d` for one column.
#[inline(always)]
pub(super) unsafe fn input_column<S: Lanes, const M: usize>(d: [S; SIDE]) -> [S; SIDE] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        if M == 2 {
            return [d[0].sub(d[2]), d[1].add(d[2]), d[2].sub(d[1]), d[1].sub(d[3]), d[4], d[5]];
        }
        let (four, five) = (S::splat(-4.0), S::splat(-5.0));
        let (even, odd) = (d[2].fma(four, d[4]), d[1].fma(four, d[3]));
        let (near, far) = (d[4].sub(d[2]), d[3].sub(d[1]).mul(S::splat(2.0)));
        [
            d[0].fma(S::splat(4.0), d[2].fma(five, d[4])),
            even.add(odd),
            even.sub(odd),
            near.add(far),
            near.sub(far),
            d[1].fma(S::splat(4.0), d[3].fma(five, d[5])),
        ]
    }
}

/// `B v` for one column: the transpose.
#[inline(always)]
pub(super) unsafe fn input_column_adjoint<S: Lanes, const M: usize>(v: [S; SIDE]) -> [S; SIDE] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let (sum, difference) = (v[1].add(v[2]), v[1].sub(v[2]));
        if M == 2 {
            return [v[0], difference.add(v[3]), sum.sub(v[0]), S::zero().sub(v[3]), v[4], v[5]];
        }
        let (four, five) = (S::splat(4.0), S::splat(-5.0));
        let (far_sum, far) = (v[3].add(v[4]), v[3].sub(v[4]).mul(S::splat(2.0)));
        [
            v[0].mul(four),
            v[5].sub(difference).fma(four, S::zero().sub(far)),
            v[0].fma(five, sum.fma(S::splat(-4.0), S::zero().sub(far_sum))),
            v[5].fma(five, difference.add(far)),
            v[0].add(sum).add(far_sum),
            v[5],
        ]
    }
}

/// `Aᵀ m` for one column; `M` values.
#[inline(always)]
pub(super) unsafe fn output_column<S: Lanes, const M: usize>(m: [S; SIDE]) -> [S; SIDE] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
        let zero = S::zero();
        if M == 2 {
            return [m[0].add(sum), difference.sub(m[3]), zero, zero, zero, zero];
        }
        let (far_sum, far) = (m[3].add(m[4]), m[3].sub(m[4]));
        [
            m[0].add(sum).add(far_sum),
            far.fma(S::splat(2.0), difference),
            far_sum.fma(S::splat(4.0), sum),
            far.fma(S::splat(8.0), difference).add(m[5]),
            zero,
            zero,
        ]
    }
}

/// `A y` for one column: the transpose.
#[inline(always)]
pub(super) unsafe fn output_column_adjoint<S: Lanes, const M: usize>(y: [S; SIDE]) -> [S; SIDE] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        if M == 2 {
            return [y[0], y[0].add(y[1]), y[0].sub(y[1]), S::zero().sub(y[1]), y[4], y[5]];
        }
        let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
        let far_even = y[2].fma(S::splat(4.0), y[0]);
        let far_odd = y[3].fma(S::splat(8.0), y[1].mul(S::splat(2.0)));
        [y[0], even.add(odd), even.sub(odd), far_even.add(far_odd), far_even.sub(far_odd), y[3]]
    }
}

/// `G g` for one column; three values to `M + 2`.
#[inline(always)]
pub(super) unsafe fn weight_column<S: Lanes, const M: usize>(g: [S; SIDE]) -> [S; SIDE] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let zero = S::zero();
        if M == 2 {
            let half = S::splat(0.5);
            let (even, odd) = (g[0].add(g[2]).mul(half), g[1].mul(half));
            return [g[0], even.add(odd), even.sub(odd), g[2], zero, zero];
        }
        let (sixth, part) = (S::splat(-1.0 / 6.0), S::splat(1.0 / 24.0));
        let even = g[0].add(g[2]);
        let (far_even, far_odd) = (g[2].fma(S::splat(4.0), g[0]), g[1].add(g[1]));
        [
            g[0].mul(S::splat(0.25)),
            even.add(g[1]).mul(sixth),
            even.sub(g[1]).mul(sixth),
            far_even.add(far_odd).mul(part),
            far_even.sub(far_odd).mul(part),
            g[2],
        ]
    }
}

/// `Gᵀ u` for one column: the transpose, `M + 2` values to three.
#[inline(always)]
pub(super) unsafe fn weight_column_adjoint<S: Lanes, const M: usize>(u: [S; SIDE]) -> [S; SIDE] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let zero = S::zero();
        let (sum, difference) = (u[1].add(u[2]), u[1].sub(u[2]));
        if M == 2 {
            let half = S::splat(0.5);
            return [sum.fma(half, u[0]), difference.mul(half), sum.fma(half, u[3]), zero, zero, zero];
        }
        let (far_sum, far) = (u[3].add(u[4]), u[3].sub(u[4]));
        let sixth = S::splat(1.0 / 6.0);
        let near = sum.mul(sixth);
        [
            u[0].fma(S::splat(0.25), far_sum.fma(S::splat(1.0 / 24.0), zero.sub(near))),
            far.mul(S::splat(1.0 / 12.0)).sub(difference.mul(sixth)),
            far_sum.fma(sixth, u[5].sub(near)),
            zero,
            zero,
            zero,
        ]
    }
}
