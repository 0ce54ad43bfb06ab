//! Sections of a config that belong to no module of their own.

use serde::{Deserialize, Serialize};

use crate::{data::Dataset, distilled::Start, evaluate::Protocol, methods::Updates, nn::augment::Family};

/// The synthetic images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImagesSpec {
    /// Images in each class, as they are stored.
    pub per_class: usize,
    /// Parts of an image along each side: with 2, every stored image is a mosaic of four, which networks see one by one.
    pub packing: usize,
    /// What they are before the first step.
    pub start: Start,
}

/// How real images reach a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RealSpec {
    /// Real images of each class in a step; fewer where the smallest class has fewer.
    pub batch: usize,
    /// Classes computed together; 0 chooses by memory. It never changes the result on a CPU.
    pub chunk: usize,
}

/// What both kinds of images go through before they are seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentationSpec {
    /// One of these is drawn for each class and step; where nothing is said, one of all, without the flip for digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub families: Option<Vec<Family>>,
}

impl AugmentationSpec {
    /// The families for a data set: those of the config, otherwise what the images allow. Points have none.
    pub fn of(&self, data: &Dataset) -> &[Family] {
        match &self.families {
            Some(families) => families,
            None if !data.is_pictures() => &[],
            None if data.flips() => &Family::ALL,
            None => &Family::WITHOUT_FLIP,
        }
    }
}

/// How pixels move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerSpec {
    /// Step size in normalised space.
    pub learning_rate: f64,
    /// Share of the last direction that is kept.
    pub momentum: f64,
    /// Once a step, all classes together, or class by class.
    pub updates: Updates,
}

/// When and how the images are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationSpec {
    /// Steps between evaluations on the hold-out; 0 for none.
    pub every: u64,
    /// Protocol of those.
    pub during: Protocol,
    /// Protocol on the test split when all steps are done.
    pub last: Protocol,
    /// Protocol of the whole training set, for comparison.
    pub whole: Protocol,
}

/// When the run is saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointSpec {
    /// Steps between checkpoints; 0 for the end only.
    pub every: u64,
    /// How many are kept; the newest ones.
    pub keep: usize,
}

impl Default for ImagesSpec {
    fn default() -> Self {
        Self { per_class: 10, packing: 1, start: Start::Real }
    }
}

impl Default for RealSpec {
    fn default() -> Self {
        Self { batch: 256, chunk: 0 }
    }
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self { learning_rate: 1.0, momentum: 0.5, updates: Updates::Together }
    }
}

impl Default for EvaluationSpec {
    fn default() -> Self {
        Self { every: 0, during: Protocol::quick(100, 3), last: Protocol::dm(300, 5), whole: Protocol::whole(60) }
    }
}

impl Default for CheckpointSpec {
    fn default() -> Self {
        Self { every: 100, keep: 3 }
    }
}
