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
    fn penalty(&mut self, input: &TermInput, parameters: &[f64]) -> Result<Tensor>;
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
    pub network: NetworkKind,
    /// True if it compares with real features; where no term does, no real image is looked at.
    pub real: bool,
    /// True if it looks at augmented images, false if at images as they are.
    pub augmented: bool,
    /// True if it wants to know what the network calls the images.
    pub logits: bool,
}

/// The network through which a term looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    /// The network of the step: never trained, or one of a queue that learns beside the run.
    OfStep,
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
pub struct TermInput {
    /// Features of real images `(c, n, d)`, without gradient.
    pub real: Option<Tensor>,
    /// Features of synthetic images `(c, m, d)`.
    pub synthetic: Tensor,
    /// Class logits of synthetic images `(c, m, k)`, for a term that wants them.
    pub logits: Option<Tensor>,
    /// The label of each class `(c,)`.
    pub labels: Vec<u32>,
    /// Share of real images that the network named rightly while it learned from them; 0 where it never learned.
    pub accuracy: f64,
    /// Channels of the feature maps; `d` is channels times positions.
    pub channels: usize,
    /// Median distance of real features to the mean of their class in a pretrained network; 1 in others.
    pub typical_distance: f64,
}

impl TermInput {
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

/// Every term there is, always in the same order: a new one is a file and a line here.
const TERMS: [fn() -> Box<dyn Term>; 7] = [
    || Box::new(Mean),
    || Box::new(Covariance),
    || Box::new(Centralization),
    || Box::new(Ball),
    || Box::new(Information),
    || Box::new(CrossEntropy),
    || Box::new(Energy),
];

/// The terms of a config with the values they start with: `[terms.ball]` with its `weight`, and its `radius` where it is not the default.
/// A term that is not named has the weight 0 and can be armed while the run goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Numbers", into = "Numbers")]
pub struct TermsSpec(Numbers);

/// Numbers of a term by their names, by the name of the term.
type Numbers = BTreeMap<String, BTreeMap<String, f64>>;

const WEIGHT: &str = "weight";

impl TryFrom<Numbers> for TermsSpec {
    type Error = String;

    fn try_from(numbers: Numbers) -> std::result::Result<Self, String> {
        let terms: Vec<Box<dyn Term>> = TERMS.iter().map(|new| new()).collect();
        for (id, numbers) in &numbers {
            let Some(term) = terms.iter().find(|term| term.id() == id) else {
                let known: Vec<&str> = terms.iter().map(|term| term.id()).collect();
                return Err(format!("there is no term \"{id}\"; there are {}", known.join(", ")));
            };
            let known: Vec<&str> = term.parameters().iter().map(|one| one.id).chain([WEIGHT]).collect();
            if let Some(other) = numbers.keys().find(|name| !known.contains(&name.as_str())) {
                return Err(format!("the term \"{id}\" has no \"{other}\"; it has {}", known.join(", ")));
            }
            if !numbers.contains_key(WEIGHT) {
                return Err(format!("the term \"{id}\" has no weight; write terms.{id}.weight = 1"));
            }
        }
        Ok(Self(numbers))
    }
}

impl From<TermsSpec> for Numbers {
    fn from(spec: TermsSpec) -> Self {
        spec.0
    }
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
    /// Its weight and its parameters by the names of their controls.
    pub fn values(&self) -> Vec<(String, f64)> {
        let id = self.term.id();
        let parameters = self.term.parameters().into_iter().zip(&self.parameters);
        let parameters = parameters.map(|(one, &value)| (format!("{id}.{}", one.id), value));
        std::iter::once((id.to_owned(), self.weight)).chain(parameters).collect()
    }
}

impl TermsSpec {
    /// One term alone.
    pub fn of(term: &str, weight: f64) -> Self {
        Self([(term.to_owned(), [(WEIGHT.to_owned(), weight)].into())].into())
    }

    /// Every term there is, always in the same order.
    pub fn build(&self) -> Vec<Entry> {
        let entry = |new: &fn() -> Box<dyn Term>| {
            let term = new();
            let numbers = self.0.get(term.id());
            let number =
                |name: &str, default| numbers.and_then(|numbers| numbers.get(name)).copied().unwrap_or(default);
            Entry {
                weight: number(WEIGHT, 0.0),
                parameters: term.parameters().iter().map(|one| number(one.id, one.default)).collect(),
                is_named: numbers.is_some(),
                term,
            }
        };
        TERMS.iter().map(entry).collect()
    }
}
