//! The terms of the loss, one file each, named by what they measure.
//!
//! A term sees features with a leading class axis and returns one unweighted number for each class: real `(c, n, d)`,
//! synthetic `(c, m, d)` to `(c,)`. It knows no network, no data set and no config, so the same code runs for all
//! classes at once and for one class at a time. Weights live outside, as plain numbers that may change at every step.

mod mean;

pub use mean::Mean;

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// A part of the loss.
pub trait Term: Send {
    /// The name used in configs and files.
    fn id(&self) -> &'static str;

    /// What it measures, in one sentence for people.
    fn meaning(&self) -> &'static str;

    /// The weight of the paper that brought it.
    fn paper_weight(&self) -> Option<f64>;

    /// The unweighted penalty of each class, differentiable in `synthetic`: `(c, n, d), (c, m, d) -> (c,)`.
    fn penalty(&mut self, real: &Tensor, synthetic: &Tensor) -> Result<Tensor>;
}

/// The terms of a run with the weights they start with, as they stand in a config.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TermsSpec {
    /// Distance between class means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Weight>,
}

/// How much a term counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// Factor before the term's value; 0 mutes it.
    pub weight: f64,
}

impl TermsSpec {
    /// The terms that a config names, each with its weight, always in the same order.
    pub fn build(&self) -> Vec<(Box<dyn Term>, f64)> {
        let mut terms: Vec<(Box<dyn Term>, f64)> = Vec::new();
        if let Some(Weight { weight }) = self.mean {
            terms.push((Box::new(Mean), weight));
        }
        terms
    }
}
