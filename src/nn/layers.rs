//! Layers in plain tensor operations whose gradients are right on every device and in every precision.

use candle_core::{D, Result, Tensor};

/// Added to a variance before its root is taken, as PyTorch does.
pub(super) const EPSILON: f64 = 1e-5;

/// Normalises groups of channels over their positions: `(n, c, h, w)`, `gamma` and `beta` `(c,)`.
///
/// `groups = c` is what this field calls instance norm, `groups = 1` is a layer norm with one factor a channel.
pub(super) fn group_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, groups: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let grouped = x.reshape((n, groups, c / groups * h * w))?;
    let centred = grouped.broadcast_sub(&grouped.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normal = centred.broadcast_div(&(variance + EPSILON)?.sqrt()?)?;
    normal
        .reshape((n, c, h, w))?
        .broadcast_mul(&gamma.reshape((1, c, 1, 1))?)?
        .broadcast_add(&beta.reshape((1, c, 1, 1))?)
}

/// Windows of 2x2 with stride 2 as two axes: `(n, c, h, w) -> (n, c, h/2, 2, w/2, 2)`. Odd edges are dropped.
fn windows(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let (h, w) = (h / 2, w / 2);
    x.narrow(2, 0, 2 * h)?.narrow(3, 0, 2 * w)?.contiguous()?.reshape((n, c, h, 2, w, 2))
}

/// Mean of each 2x2 window. The library's own operation has a wrong gradient on odd sizes.
pub(super) fn avg_pool(x: &Tensor) -> Result<Tensor> {
    windows(x)?.mean((3, 5))
}

/// Largest of each 2x2 window. The library's own operation has a wrong gradient.
pub(super) fn max_pool(x: &Tensor) -> Result<Tensor> {
    let windows = windows(x)?;
    let corner = |row, column| windows.narrow(3, row, 1)?.narrow(5, column, 1);
    let top = corner(0, 0)?.maximum(&corner(0, 1)?)?;
    let bottom = corner(1, 0)?.maximum(&corner(1, 1)?)?;
    top.maximum(&bottom)?.squeeze(5)?.squeeze(3)
}
