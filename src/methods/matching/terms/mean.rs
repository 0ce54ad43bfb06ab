//! Distance between the means of real and synthetic features (DM, WACV 2023, equation 5).

use candle_core::{Result, Tensor};

use super::{Needs, NetworkKind, PaperCase, Term, TermInput, mean_over_images};
use crate::report::PaperMark;

/// `|| mean_n f(x) - mean_m f(s) ||^2`, summed over the `d` dimensions, one number for each class.
///
/// `f(x)` are the features of `n` real images, `f(s)` those of `m` synthetic ones, both flattened after the last pooling.
/// The reference (`main_DM.py` of VICO-UoE/DatasetCondensation) sums over dimensions and classes; so do we.
pub struct Mean;

impl Term for Mean {
    fn id(&self) -> &'static str {
        "mean"
    }

    fn meaning(&self) -> &'static str {
        "Pulls the mean of the synthetic features of a class towards the mean of its real features"
    }

    fn paper(&self, _case: PaperCase<'_>) -> Vec<PaperMark> {
        vec![PaperMark::anywhere(1.0)]
    }

    fn needs(&self) -> Needs {
        Needs { network: NetworkKind::OfStep, real: true, augmented: true, logits: false }
    }

    fn penalty(&mut self, input: &TermInput, _parameters: &[f64]) -> Result<Tensor> {
        let gap = (mean_over_images(input.real()?)? - mean_over_images(&input.synthetic)?)?; // (c, 1, d)
        gap.sqr()?.sum((1, 2))
    }
}
