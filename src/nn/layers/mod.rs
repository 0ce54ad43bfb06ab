//! The layers of networks other than the fused ConvNet: convolution, norm, pooling, enlarging.
//!
//! On a CPU they are operations of our own, in single and in double precision alike: the library's convolution is
//! slow, and several of its gradients are wrong. On other devices they are made of the library's operations
//! (`plain.rs`), with the same values.

mod convolution;
mod norm;
mod numbers;
pub(super) mod plain;
mod pooling;

pub(super) use convolution::Convolution;
pub(super) use norm::{BatchNorm, Groups, normalise};
pub(super) use pooling::{avg_pool, max_pool};

use candle_core::{Result, Tensor};

/// Every pixel becomes `factor x factor` pixels: `(n, c, h, w) -> (n, c, factor h, factor w)`.
pub(super) fn enlarge(x: &Tensor, factor: usize) -> Result<Tensor> {
    if factor == 1 {
        return Ok(x.clone());
    }
    let (n, c, h, w) = x.dims4()?;
    let spread = x.reshape((n, c, h, 1, w, 1))?.broadcast_as((n, c, h, factor, w, factor))?;
    spread.contiguous()?.reshape((n, c, factor * h, factor * w))
}
