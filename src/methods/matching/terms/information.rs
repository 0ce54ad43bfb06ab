//! Class-aware conditional mutual information of the synthetic images (CMI, ICLR 2025).

use candle_core::{D, Result, Tensor};

use super::{Base, Needs, NetworkKind, PaperCase, Term, TermInput, paper::marks};
use crate::report::PaperMark;

/// Keeps the logarithm of a coordinate finite that no image of a class has.
const TINY: f64 = 1e-30;

/// `(1/m) sum_i sum_j P_ij (log P_ij - log Q_j)` with `P_i = softmax(g(s_i))` and `Q = (1/m) sum_i P_i`, one number for
/// each class, in nats.
///
/// `g` is the penultimate layer of a network that was trained on real images, and the softmax runs over its `d`
/// coordinates, not over class logits; images are not augmented, and gradient flows through `Q` too, as in the released
/// code (`main_DM.py` of ndhg1213/CMIDD). The value lies between 0 and `log m`; with one image it is zero. The released
/// code takes the mean over all classes, so its weight has to be divided by their number here: 8000 on DM for CIFAR-10
/// with 10 images in each class becomes 800.
///
/// Departures: 1e-30 is added to `Q` in its logarithm; the released code draws from 1000 ResNet-18.
pub struct Information;

impl Term for Information {
    fn id(&self) -> &'static str {
        "information"
    }

    fn meaning(&self) -> &'static str {
        "Makes the images of a class say the same to a trained network: little is left to know beyond the class"
    }

    fn paper(&self, case: PaperCase<'_>) -> Vec<PaperMark> {
        const ROWS: [(&str, [f64; 2]); 3] =
            [("svhn", [18000.0, 500.0]), ("cifar10", [8000.0, 2000.0]), ("cifar100", [2000.0, 500.0])];
        let of_set = |(data, weights): (&'static str, [f64; 2])| {
            [10, 50].into_iter().zip(weights).map(move |(images, weight)| (Base::Dm, data, images, weight))
        };
        marks(&ROWS.into_iter().flat_map(of_set).collect::<Vec<_>>(), case, true)
    }

    fn needs(&self) -> Needs {
        Needs { network: NetworkKind::Pretrained, real: false, augmented: false, logits: false }
    }

    fn vanishes_alone(&self) -> bool {
        true
    }

    fn penalty(&mut self, input: &TermInput, _parameters: &[f64]) -> Result<Tensor> {
        divergences(&input.synthetic)?.mean(1)
    }
}

/// Divergence of each image's distribution from that of its class: `(c, m, d) -> (c, m)`.
pub fn divergences(features: &Tensor) -> Result<Tensor> {
    let largest = features.max_keepdim(D::Minus1)?.detach();
    let shifted = features.broadcast_sub(&largest)?;
    let log_p = shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)?; // (c, m, d)
    let p = log_p.exp()?;
    let log_q = (p.mean_keepdim(1)? + TINY)?.log()?; // (c, 1, d)
    (p * log_p.broadcast_sub(&log_q)?)?.sum(D::Minus1)
}
