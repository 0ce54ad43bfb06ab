//! The terms of the loss, one file each, named by what they measure.
//!
//! A term sees features with a leading class axis and returns one unweighted number for each class: real `(c, n, d)`,
//! synthetic `(c, m, d)` to `(c,)`. It knows no network, no data set and no config, so the same code runs for all
//! classes at once and for one class at a time. Weights live outside, as plain numbers that may change at every step.

mod ball;
mod centralization;
mod covariance;
mod cross_entropy;
mod energy;
mod information;
mod mean;
mod paper;

pub use ball::Ball;
pub use centralization::Centralization;
pub use covariance::Covariance;
pub use cross_entropy::CrossEntropy;
pub use energy::Energy;
pub use information::{Information, divergences};
pub use mean::Mean;
pub use paper::PaperCase;

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::{methods::Scope, report::PaperMark};

/// A part of the loss.
pub trait Term: Send {
    /// The name used in configs and files.
    fn id(&self) -> &'static str;

    /// What it measures, in one sentence for people.
    fn meaning(&self) -> &'static str;

    /// The weights of the paper that brought it, that for the run (or the one nearest to it) first.
    fn paper(&self, _case: PaperCase<'_>) -> Vec<PaperMark> {
        Vec::new()
    }

    /// What it has to be shown.
    fn needs(&self) -> Needs;

    /// What else about it can be turned while a run goes on.
    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    /// What a run over some of the classes would share with one over all of them because of it.
    fn scope(&self) -> Scope {
        Scope::Class
    }

    /// True if its gradient is zero with one synthetic image in each class.
    fn vanishes_alone(&self) -> bool {
        false
    }

    /// The unweighted penalty of each class, differentiable in the synthetic features: `(c,)`. `parameters` have the order of
    /// [`parameters`](Self::parameters).
    fn penalty(&mut self, seen: &Seen, parameters: &[f64]) -> Result<Tensor>;
}

/// What terms come on top of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Networks that are drawn afresh at every step.
    Dm,
    /// A queue of networks that learn beside the run.
    Idm,
}

impl Base {
    /// As papers write it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Dm => "DM",
            Self::Idm => "IDM",
        }
    }
}

/// What a term has to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The network through which it looks.
    pub through: Through,
    /// True if it compares with real features; where no term does, no real image is looked at.
    pub real: bool,
    /// True if it looks at augmented images, false if at images as they are.
    pub augmented: bool,
    /// True if it wants to know what the network calls the images.
    pub scores: bool,
}

/// The network through which a term looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The network of the step: never trained, or one of a queue that learns beside the run.
    Matching,
    /// One of the networks that were trained on real images before.
    Pretrained,
}

/// A number of a term beside its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The name used in configs and files.
    pub id: &'static str,
    /// What it is, with its unit, in one sentence for people.
    pub meaning: &'static str,
    /// Its value where nobody says another.
    pub default: f64,
}

/// What a term is shown: features of images through one network.
pub struct Seen {
    /// Features of real images `(c, n, d)`, without gradient.
    pub real: Option<Tensor>,
    /// Features of synthetic images `(c, m, d)`.
    pub synthetic: Tensor,
    /// Class scores of synthetic images `(c, m, k)`, for a term that wants them.
    pub scores: Option<Tensor>,
    /// The label of each class `(c,)`.
    pub labels: Vec<u32>,
    /// Share of real images that the network named rightly while it learned from them; 0 where it never learned.
    pub accuracy: f64,
    /// Channels of the feature maps; `d` is channels times positions.
    pub channels: usize,
    /// Median distance of real features to the mean of their class in a pretrained network; 1 in others.
    pub typical_distance: f64,
}

impl Seen {
    /// The real features; an error where the term did not say that it needs them.
    pub fn real(&self) -> Result<&Tensor> {
        self.real.as_ref().ok_or_else(|| candle_core::Error::Msg("the term did not ask for real features".to_owned()))
    }
}

/// The mean of each class: `(c, n, d) -> (c, 1, d)`.
///
/// As a product with a row of `1/n`: the library adds along an axis in the middle number by number, which showed with a
/// seventh of a step on digits.
fn mean_over_images(features: &Tensor) -> Result<Tensor> {
    let (classes, count, _) = features.dims3()?;
    let row = Tensor::full(1.0 / count as f64, (classes, 1, count), features.device())?; // (c, 1, n)
    row.to_dtype(features.dtype())?.matmul(features)
}

/// The terms of a config with the values they start with. A term that is not named has the weight 0 and can be armed
/// while the run goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TermsSpec {
    /// Distance between class means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Weight>,
    /// Distance between local feature covariances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Weight>,
    /// Spread of a class around its own mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centralization: Option<Weight>,
    /// What lies outside the ball of its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ball: Option<BallWeight>,
    /// Class-aware conditional mutual information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub information: Option<Weight>,
    /// How networks that learn beside the run name the images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_entropy: Option<Weight>,
    /// Potential energy of all pairs of synthetic images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyWeight>,
}

/// How much a term counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// Factor before the term's value; 0 mutes it.
    pub weight: f64,
}

/// How much the ball counts, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BallWeight {
    /// Factor before the term's value; 0 mutes it.
    pub weight: f64,
    /// Radius in units of the median distance of real features to the mean of their class.
    #[serde(default = "Ball::default_radius")]
    pub radius: f64,
}

/// How much the potential energy counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyWeight {
    /// Factor before the term's value; 0 mutes it.
    pub weight: f64,
    /// Scale of distances between classes.
    #[serde(default = "half")]
    pub ratio: f64,
}

fn half() -> f64 {
    0.5
}

/// A term with the values it starts with.
pub struct Entry {
    /// The term.
    pub term: Box<dyn Term>,
    /// Its weight.
    pub weight: f64,
    /// Its parameters.
    pub parameters: Vec<f64>,
    /// True if the config names it.
    pub is_named: bool,
}

impl Entry {
    /// Its parameters by their names.
    pub fn named_parameters(&self) -> BTreeMap<String, f64> {
        self.term.parameters().iter().zip(&self.parameters).map(|(one, &value)| (one.id.to_owned(), value)).collect()
    }
}

impl TermsSpec {
    /// Every term there is, always in the same order.
    pub fn build(&self) -> Vec<Entry> {
        let plain = |term: Box<dyn Term>, weight: Option<Weight>| Entry {
            weight: weight.map_or(0.0, |weight| weight.weight),
            parameters: term.parameters().iter().map(|parameter| parameter.default).collect(),
            is_named: weight.is_some(),
            term,
        };
        let ball = self.ball.map(|ball| Weight { weight: ball.weight });
        let mut ball = plain(Box::new(Ball), ball);
        if let Some(spec) = self.ball {
            ball.parameters = vec![spec.radius];
        }
        let mut energy = plain(Box::new(Energy), self.energy.map(|energy| Weight { weight: energy.weight }));
        if let Some(spec) = self.energy {
            energy.parameters = vec![spec.ratio];
        }
        vec![
            plain(Box::new(Mean), self.mean),
            plain(Box::new(Covariance), self.covariance),
            plain(Box::new(Centralization), self.centralization),
            ball,
            plain(Box::new(Information), self.information),
            plain(Box::new(CrossEntropy), self.cross_entropy),
            energy,
        ]
    }
}
