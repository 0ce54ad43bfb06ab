//! Plain data that crosses threads and files: what a run says about itself, and what a window shows of it.
//!
//! Nothing here knows tensors, and nothing here computes. Accuracies are fractions of 1, sizes are bytes, times are
//! seconds; every figure carries the step that it belongs to.

mod artifact;
mod control;
mod judging;
mod mapped;
pub mod page;
mod pictures;
mod quantized;
mod reading;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use page::PageInfo;

pub use artifact::{AnalysisInfo, Artifact, Stored};
pub use control::{Control, ControlKind, Intervention, LEARNING_RATE, PaperMark};
pub use judging::{
    Accuracy, Called, Compared, Comparison, Evaluation, Published, Skipped, Spread, Subject, TestedOn, Verdict,
    VerdictRow, WhySkipped,
};
pub use mapped::{Form, Fused, FusedRow, OnMap, OnMapRow};
pub use pictures::{Ball, Ellipse, FeaturePlane, Frame, Gallery, GalleryView, Ground, PageWanted, Point, Wants};
pub use quantized::{Distances, ImageDistance};
pub use reading::{OpenedSet, ReadAs, Reading, ValueRange};

/// What is known about a run when it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// Name of the preset or config file.
    pub name: String,
    /// One sentence about the method.
    pub about: String,
    /// What the data is.
    pub data: DataInfo,
    /// The classes that are distilled, as labels in the data set.
    pub classes: Vec<u32>,
    /// Synthetic images in each class, as they are stored.
    pub per_class: usize,
    /// Parts of an image along each side, which networks see as images of their own; 1 where images are whole.
    pub packing: usize,
    /// What a run over some of the classes shares with one over all of them, in words.
    pub scope: String,
    /// The seed of everything random.
    pub seed: u64,
    /// How many steps the run has in all.
    pub steps: u64,
    /// The step at which it stands now: 0, or more after a resume.
    pub step: u64,
    /// The device in words, for example `CPU, 2 threads, avx512`.
    pub device: String,
    /// Everything that can be turned: terms of the loss, whether they count or have the weight 0, each followed by what belongs to it, and
    /// the learning rate.
    pub controls: Vec<Control>,
    /// Where the run is written.
    pub out: PathBuf,
    /// Bytes that the synthetic set takes at one byte a value.
    pub bytes: u64,
    /// The pages that explain it, the most telling first.
    pub pages: Vec<PageInfo>,
}

/// What a data set is, in words and numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataInfo {
    /// Name, for example `digits`.
    pub name: String,
    /// Where it comes from and under which licence.
    pub origin: String,
    /// Names of the classes, in the order of their labels.
    pub class_names: Vec<String>,
    /// Channels, height and width of an image; points of the plane have `[2, 1, 1]`.
    pub shape: [usize; 3],
    /// Training images that may be used for distilling, hold-out excluded.
    pub train: usize,
    /// Training images kept back for evaluations during the run.
    pub holdout: usize,
    /// Test images.
    pub test: usize,
    /// SHA-256 over shapes, labels and pixels.
    pub fingerprint: String,
}

/// What is in a data set, and what a run on it would cost, found out before it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSummary {
    /// What was typed.
    pub spec: String,
    /// The set in words and numbers.
    pub info: DataInfo,
    /// Training images of each class, hold-out included.
    pub counts: Vec<usize>,
    /// Where the test images come from, in a sentence.
    pub split: String,
    /// The first training images of each class as networks see them, a row for each class; a cell without an image is
    /// transparent.
    pub thumbnails: Gallery,
    /// Side to which pictures are made, in pixels, where another can be chosen.
    pub size: Option<usize>,
    /// What people should know, for example which files were skipped.
    pub notes: Vec<String>,
    /// Bytes of all images.
    pub pixel_bytes: u64,
    /// Seconds of a step, measured.
    pub step_secs: f64,
    /// Forecast for all steps.
    pub run_secs: f64,
    /// Memory of the process after a step, where the system tells.
    pub memory_bytes: Option<u64>,
}

/// One line of `scalars.jsonl`: what a step computed. It holds no times, so that equal runs have equal files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step, counted from 1.
    pub step: u64,
    /// What the step makes smaller: the sum over terms of weight times value; for a quantizer the distortion alone.
    pub total: f64,
    /// Learning rate of the images in this step.
    pub learning_rate: f64,
    /// Euclidean norm of the gradient on all pixels.
    pub gradient_norm: f64,
    /// The network that looked, where it is one of a queue: its serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<u64>,
    /// Its running accuracy on real images then, a fraction of 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_accuracy: Option<f64>,
    /// How far the points of a quantizer are from their classes, class after class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellDistances>,
    /// Every term that was computed, in the order of [`RunInfo::controls`]: those that count and those that the config names.
    pub terms: Vec<TermValue>,
}

impl StepReport {
    /// What the step says beside the losses, by the names under which pages draw it over the steps: the accuracy of the network of a queue,
    /// distances as their mean over the classes (`distance`) and class by class (`distance/3`).
    pub fn named(&self) -> Vec<(String, f64)> {
        let mut named: Vec<(String, f64)> = Vec::with_capacity(2 * self.cells.len() + 3);
        named.extend(self.network_accuracy.map(|accuracy| ("network_accuracy".to_owned(), accuracy)));
        let mut distances = |name: &str, values: Vec<f64>| {
            named.push((name.to_owned(), values.iter().sum::<f64>() / values.len() as f64));
            named.extend(values.into_iter().enumerate().map(|(class, value)| (format!("{name}/{class}"), value)));
        };
        if !self.cells.is_empty() {
            distances("distance", self.cells.iter().map(|one| one.free).collect());
            distances("distance.equal", self.cells.iter().map(|one| one.uniform.unwrap_or(f64::NAN)).collect());
        }
        named
    }
}

/// How far the points of a quantizer are from the samples of their class, exactly, over some of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellDistances {
    /// 2-Wasserstein distance with the masses of the cells: no masses would make it smaller.
    pub free: f64,
    /// The same where all points have equal mass, so that some samples have to go to a farther point; none for more points than can be
    /// measured at every step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uniform: Option<f64>,
    /// Effective number of points: the exponential of the entropy of the masses.
    pub effective: f64,
}

/// What a term gave in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TermValue {
    /// Name of the term.
    pub term: String,
    /// Unweighted value, mean over the classes of the run.
    pub raw: f64,
    /// Weight in this step.
    pub weight: f64,
    /// Its parameters in this step, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, f64>,
}
