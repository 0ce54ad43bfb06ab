//! Spread of the synthetic features of a class around their own mean (class centralization of IID, CVPR 2024).

use candle_core::{Result, Tensor};

use super::{Base, Needs, NetworkKind, PaperCase, Term, TermInput, mean_over_images, paper::marks};
use crate::report::PaperMark;

/// `sum_i || g(s_i) - gbar ||^2` with `gbar = mean_i g(s_i)`, one number for each class.
///
/// `g` is a network that was trained on real images; gradient flows through the mean too. This is the released form
/// (`main_DM_IID.py` of VincenDen/IID), whose weight on DM is 0.05; the paper's form with a threshold is
/// [`Ball`](super::Ball). The value is a sum over the images of a class, so it grows with their number. With one image
/// it is zero.
///
/// Departure: the released code draws from 1000 ResNet-18; how many networks of what kind are drawn from here stands in
/// the config.
pub struct Centralization;

impl Term for Centralization {
    fn id(&self) -> &'static str {
        "centralization"
    }

    fn meaning(&self) -> &'static str {
        "Pulls the synthetic images of a class together in the eyes of a trained network"
    }

    fn paper(&self, case: PaperCase<'_>) -> Vec<PaperMark> {
        marks(&[(Base::Dm, "cifar10", 10, 0.05), (Base::Idm, "cifar10", 10, 0.01)], case, false)
    }

    fn needs(&self) -> Needs {
        Needs { network: NetworkKind::Pretrained, real: false, augmented: true, logits: false }
    }

    fn vanishes_alone(&self) -> bool {
        true
    }

    fn penalty(&mut self, input: &TermInput, _parameters: &[f64]) -> Result<Tensor> {
        squared_distances(&input.synthetic)?.sum(1)
    }
}

/// Squared distance of each row to the mean of its class: `(c, m, d) -> (c, m)`.
pub(super) fn squared_distances(features: &Tensor) -> Result<Tensor> {
    features.broadcast_sub(&mean_over_images(features)?)?.sqr()?.sum(2)
}
