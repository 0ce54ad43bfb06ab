//! Distance between the local covariances of real and synthetic feature maps (covariance matching of IID, CVPR 2024).

use candle_core::{Result, Tensor};

use super::{Base, Needs, NetworkKind, PaperCase, Term, TermInput, mean_over_images, paper::marks};
use crate::report::PaperMark;

/// `|| Sigma(f(x)) - Sigma(f(s)) ||_F^2` with `Sigma(F) = (1/B) sum_b X_b X_b^T` and `X = F - mean_b F`, one number for
/// each class.
///
/// `F` holds the last feature maps of `B` images as `channels x positions`; the mean is taken over the images, for every
/// channel and position by itself, and the product sums over the positions, so `Sigma` is `(channels, channels)`. The
/// divisor is `B`, not `B - 1` and not the number of positions, as in the released code (`main_DM_IID.py` of
/// VincenDen/IID). The paper's weight on DM is 0.01. With one synthetic image its covariance is zero and so is the
/// gradient.
pub struct Covariance;

impl Term for Covariance {
    fn id(&self) -> &'static str {
        "covariance"
    }

    fn meaning(&self) -> &'static str {
        "Makes the channels of synthetic feature maps vary together as those of real ones do"
    }

    fn paper(&self, case: PaperCase<'_>) -> Vec<PaperMark> {
        marks(&[(Base::Dm, "cifar10", 10, 0.01), (Base::Idm, "cifar10", 10, 0.03)], case, false)
    }

    fn needs(&self) -> Needs {
        Needs { network: NetworkKind::OfStep, real: true, augmented: true, logits: false }
    }

    fn vanishes_alone(&self) -> bool {
        true
    }

    fn penalty(&mut self, input: &TermInput, _parameters: &[f64]) -> Result<Tensor> {
        let real = local_covariance(input.real()?, input.channels)?;
        let synthetic = local_covariance(&input.synthetic, input.channels)?;
        (real - synthetic)?.sqr()?.sum((1, 2))
    }
}

/// Covariance of the channels, summed over positions: `(c, n, channels * positions) -> (c, channels, channels)`.
fn local_covariance(features: &Tensor, channels: usize) -> Result<Tensor> {
    let (classes, count, _) = features.dims3()?;
    let centred = features.broadcast_sub(&mean_over_images(features)?)?;
    let rows = centred.reshape((classes, count, channels, ()))?.transpose(1, 2)?.contiguous()?; // (c, channels, n, p)
    let rows = rows.flatten_from(2)?; // (c, channels, n p)
    rows.matmul(&rows.t()?)? / count as f64
}
