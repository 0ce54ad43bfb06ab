//! The layers in the library's tensor operations, for every device, with gradients that are right.

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
    scale_and_shift(&normal.reshape((n, c, h, w))?, gamma, beta)
}

/// Normalises each channel over all images.
pub(super) fn batch_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim((0, 2, 3))?)?;
    let variance = centred.sqr()?.mean_keepdim((0, 2, 3))?;
    scale_and_shift(&centred.broadcast_div(&(variance + EPSILON)?.sqrt()?)?, gamma, beta)
}

fn scale_and_shift(normal: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    let column = |values: &Tensor| values.reshape((1, (), 1, 1));
    normal.broadcast_mul(&column(gamma)?)?.broadcast_add(&column(beta)?)
}

/// Mean and biased variance of each channel over all images, `(c,)`.
pub(super) fn batch_statistics(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let mean = x.mean_keepdim((0, 2, 3))?;
    let variance = x.broadcast_sub(&mean)?.sqr()?.mean((0, 2, 3))?;
    Ok((mean.flatten_all()?, variance))
}

/// Windows as two axes of their own: `(n, c, h, w) -> (n, c, h / side, side, w / side, side)`.
fn windows(x: &Tensor, side: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let (h, w) = (h / side, w / side);
    x.narrow(2, 0, side * h)?.narrow(3, 0, side * w)?.contiguous()?.reshape((n, c, h, side, w, side))
}

/// Mean of each window. The library's own operation has a wrong gradient on odd sizes.
pub(super) fn avg_pool(x: &Tensor, side: usize) -> Result<Tensor> {
    windows(x, side)?.mean((3, 5))
}

/// Largest of each window. The library's own operation has a wrong gradient.
pub(super) fn max_pool(x: &Tensor, side: usize) -> Result<Tensor> {
    let windows = windows(x, side)?;
    let mut most: Option<Tensor> = None;
    for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row, column))) {
        let one = windows.narrow(3, row, 1)?.narrow(5, column, 1)?;
        most = Some(match most {
            None => one,
            Some(most) => most.maximum(&one)?,
        });
    }
    most.unwrap_or(windows).squeeze(5)?.squeeze(3)
}
