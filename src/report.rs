//! Plain data that crosses threads and files: what a run says about itself, and what a window shows of it.
//!
//! Nothing here knows tensors, and nothing here computes. Accuracies are fractions of 1, sizes are bytes, times are
//! seconds; every figure carries the step that it belongs to.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

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
    /// Synthetic images in each class.
    pub per_class: usize,
    /// The seed of everything random.
    pub seed: u64,
    /// How many steps the run has in all.
    pub steps: u64,
    /// The step at which it stands now: 0, or more after a resume.
    pub step: u64,
    /// The device in words, for example `CPU, 2 threads, avx512`.
    pub device: String,
    /// Every term of the loss that there is; those that do not count have the weight 0 and can be armed.
    pub terms: Vec<TermInfo>,
    /// Learning rate of the images.
    pub learning_rate: f64,
    /// Where the run is written.
    pub out: PathBuf,
    /// Bytes that the synthetic set takes at one byte a value.
    pub bytes: u64,
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

/// A term of the loss as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct TermInfo {
    /// The name used in configs and files, for example `mean`.
    pub id: String,
    /// What it measures, in one sentence.
    pub meaning: String,
    /// The weight that the preset gives it.
    pub default_weight: f64,
    /// The weight that the paper gives it, where there is one.
    pub paper_weight: Option<f64>,
    /// The weight at this moment.
    pub weight: f64,
    /// What else can be turned about it.
    pub parameter: Option<ParameterInfo>,
    /// True if it looks through networks that are trained before it counts.
    pub needs_pool: bool,
    /// True if it has no effect in this run, since there is one image in each class.
    pub vanishes: bool,
}

/// A number of a term beside its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterInfo {
    /// The name used in configs and files, for example `radius`.
    pub id: String,
    /// What it is, with its unit, in one sentence.
    pub meaning: String,
    /// The value that the preset gives it.
    pub default: f64,
    /// The value at this moment.
    pub value: f64,
}

/// One line of `scalars.jsonl`: what a step computed. It holds no times, so that equal runs have equal files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step, counted from 1.
    pub step: u64,
    /// Sum over terms of weight times value.
    pub total: f64,
    /// Learning rate of the images in this step.
    pub learning_rate: f64,
    /// Euclidean norm of the gradient on all pixels.
    pub gradient_norm: f64,
    /// Every term that was computed, in the order of [`RunInfo::terms`]: those that count and those that the config names.
    pub terms: Vec<TermValue>,
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
    /// Parameter in this step, where the term has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<f64>,
}

/// A change that somebody made to a run, stamped with the step at which it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    /// The first step that feels the change.
    pub step: u64,
    /// What was changed.
    #[serde(flatten)]
    pub change: Change,
}

/// What can be changed while a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The weight of a term.
    Weight {
        /// Name of the term.
        term: String,
        /// Before.
        old: f64,
        /// From this step on.
        new: f64,
    },
    /// The parameter of a term.
    Parameter {
        /// Name of the term.
        term: String,
        /// Before.
        old: f64,
        /// From this step on.
        new: f64,
    },
    /// The learning rate of the images.
    LearningRate {
        /// Before.
        old: f64,
        /// From this step on.
        new: f64,
    },
}

/// Mean and spread of an accuracy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Mean over the repeats, a fraction of 1.
    pub mean: f64,
    /// Standard deviation over the repeats (divisor n - 1; 0 for one repeat).
    pub std: f64,
    /// Number of networks that were trained.
    pub repeats: usize,
    /// Name of the protocol with its size, for example `dm@300x5`.
    pub protocol: String,
}

impl Accuracy {
    /// Gathers the accuracies of single networks.
    pub fn of(values: &[f64], protocol: &str) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        Self { mean, std, repeats: values.len(), protocol: protocol.to_owned() }
    }
}

/// What was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The synthetic images.
    Synthetic,
    /// As many real images, drawn at random.
    Random,
    /// As many real images, the medoids of k-means.
    Medoids,
    /// As many real images, the medoids of k-means among features of a trained network.
    FeatureMedoids,
    /// As many real images whose mean follows that of their class among such features.
    Herding,
    /// As many real images that lie farthest from each other among such features.
    KCenter,
    /// As many real images, those that a network forgot most often while it learned.
    Forgetting,
    /// The whole training split.
    Whole,
    /// A set as it was read from files: exported images, or somebody else's.
    Exported,
}

impl Subject {
    /// Those that a verdict compares.
    pub const ALL: [Self; 8] = [
        Self::Synthetic,
        Self::Random,
        Self::Medoids,
        Self::FeatureMedoids,
        Self::Herding,
        Self::KCenter,
        Self::Forgetting,
        Self::Whole,
    ];

    /// Selections of real images, as many as are distilled.
    pub const SELECTIONS: [Self; 6] =
        [Self::Random, Self::Medoids, Self::FeatureMedoids, Self::Herding, Self::KCenter, Self::Forgetting];

    /// True for images that somebody made, false for real ones.
    pub fn is_made(self) -> bool {
        matches!(self, Self::Synthetic | Self::Exported)
    }

    /// The name that is typed and written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Random => "random",
            Self::Medoids => "medoids",
            Self::FeatureMedoids => "feature_medoids",
            Self::Herding => "herding",
            Self::KCenter => "k_center",
            Self::Forgetting => "forgetting",
            Self::Whole => "whole",
            Self::Exported => "exported",
        }
    }

    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Synthetic => "distilled images",
            Self::Random => "random selection",
            Self::Medoids => "k-means medoids",
            Self::FeatureMedoids => "k-means medoids in features",
            Self::Herding => "herding",
            Self::KCenter => "k-center",
            Self::Forgetting => "most forgotten images",
            Self::Whole => "whole training set",
            Self::Exported => "images read from files",
        }
    }
}

/// Which images to use, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The step whose images were judged.
    pub step: u64,
    /// The protocol by which they were compared.
    pub protocol: String,
    /// What was measured: distilled images, selections, the whole set.
    pub rows: Vec<VerdictRow>,
    /// What wins beyond the spread; nothing where the difference is within it.
    pub best: Option<Subject>,
    /// Accuracy of the distilled images minus that of the best selection.
    pub gain: f64,
    /// Half of the 95 % interval of that difference (Welch); none where a spread is not known.
    pub margin: Option<f64>,
    /// All of this in plain words.
    pub text: String,
}

/// A line of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// What was judged.
    pub subject: Subject,
    /// How well.
    pub accuracy: Accuracy,
    /// Images that the networks were trained on.
    pub images: usize,
    /// Bytes of those images at one byte a value.
    pub bytes: u64,
    /// True if it was measured by the protocol of the verdict; others are shown and never ranked.
    pub is_comparable: bool,
}

/// A figure of a paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// What made the images.
    pub method: String,
    /// A fraction of 1.
    pub accuracy: f64,
    /// Its spread, where it was told.
    pub std: Option<f64>,
    /// Where it was read.
    pub source: String,
}

/// Presets beside each other, judged by the same protocol with the same network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The data set in words.
    pub data: String,
    /// Images in each class.
    pub per_class: usize,
    /// The rules.
    pub protocol: String,
    /// The network that was trained, in words.
    pub network: String,
    /// What was compared.
    pub rows: Vec<Compared>,
    /// What papers say by the same protocol.
    pub published: Vec<Published>,
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Name of the preset, or of a selection of real images.
    pub preset: String,
    /// Over all networks of all seeds.
    pub accuracy: Accuracy,
    /// Number of seeds.
    pub seeds: usize,
    /// Bytes that are stored, at one byte a value.
    pub bytes: u64,
    /// Images that networks were trained on.
    pub images: usize,
    /// Seconds of the distillation, the median over the seeds; none for selections.
    pub secs: Option<f64>,
    /// Peak of the memory of a distillation, the largest over the seeds.
    pub peak_rss_bytes: Option<u64>,
}

/// The images on which networks were tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestedOn {
    /// Training images kept back; never seen by the distillation.
    Holdout,
    /// The test split; how often it was used is counted.
    Test,
}

/// One line of `evaluations.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The step whose images were judged.
    pub step: u64,
    /// What was judged.
    pub subject: Subject,
    /// On which images.
    pub tested_on: TestedOn,
    /// The result; last epoch, never the best one.
    pub accuracy: Accuracy,
    /// Accuracy of each network.
    pub values: Vec<f64>,
    /// The network that was trained, in words; empty in files of version 0.1.
    #[serde(default)]
    pub network: String,
    /// How often an image of the class of the row was taken for that of the column, all networks together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<u32>>,
    /// What the networks call each image that they were trained on, where those were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<Called>,
    /// Images that the networks were trained on.
    pub images: usize,
    /// Bytes of those images at one byte a value.
    pub bytes: u64,
    /// Time that it took.
    pub secs: f64,
    /// How often the test split of this run has been used, this time included.
    pub test_uses: u64,
}

/// What some networks call an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// The class with the highest mean probability.
    pub class: u32,
    /// That probability.
    pub probability: f64,
}

/// What a viewer wants to see. It never changes what a run computes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The synthetic images as a picture.
    pub gallery: Option<GalleryView>,
    /// Real and synthetic images as points in a plane.
    pub features: bool,
    /// How much each term pulls on the pixels.
    pub pulls: bool,
    /// What the images of each class say to a trained network.
    pub information: bool,
}

/// Which picture of the synthetic images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GalleryView {
    /// The real images that they started from.
    Start,
    /// As they are.
    #[default]
    Now,
    /// Now minus start; grey is no change.
    Difference,
    /// A set that was read from files.
    Opened,
}

/// A picture of the run at one step, for the eyes. Only the newest is kept.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The step that is shown.
    pub step: u64,
    /// All synthetic images.
    pub gallery: Option<Gallery>,
    /// Real and synthetic images in a plane.
    pub features: Option<FeaturePlane>,
    /// Share of each term in the gradient of the pixels, in the order of the terms: the norm of its weighted gradient
    /// over the sum of those norms.
    pub pulls: Option<Vec<f64>>,
    /// What the images of each class say to a trained network.
    pub information: Option<InformationView>,
}

/// What the images of each class say to a trained network: distributions over its features around their centroid.
#[derive(Clone, Debug)]
pub struct InformationView {
    /// Name of the network and how it was trained.
    pub lens: String,
    /// Number of its features.
    pub dimensions: usize,
    /// Class after class, in the order of the run.
    pub classes: Vec<ClassInformation>,
}

/// The images of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassInformation {
    /// Conditional mutual information of the class in nats, from 0 to the logarithm of the number of images.
    pub value: f64,
    /// Divergence of each image from the centroid, in nats; their mean is the value.
    pub images: Vec<f64>,
    /// The coordinates that add most to the value, largest first.
    pub coordinates: Vec<Coordinate>,
    /// The same value of as many random real images: mean and deviation over some draws.
    pub real: Option<(f64, f64)>,
}

/// A feature among the distributions of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// Which feature.
    pub index: usize,
    /// What it adds to the value of the class, as a share.
    pub share: f64,
    /// Its probability in the centroid.
    pub centroid: f64,
    /// Its probability in each image.
    pub images: Vec<f64>,
}

/// All synthetic images in one picture: a row for each class, a cell for each image.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// Which picture it is.
    pub view: GalleryView,
    /// Width and height of a cell in pixels.
    pub cell: [usize; 2],
    /// Cells in a row and number of rows.
    pub grid: [usize; 2],
    /// Red, green, blue, alpha; row by row, `grid * cell` pixels.
    pub rgba: Arc<[u8]>,
    /// For each image, the distance from its start: root mean square over its values, in units of the data's [0, 1].
    pub moved: Vec<f32>,
    /// For each image, the share of values outside [0, 1], which are clipped when shown or exported.
    pub clipped: Vec<f32>,
}

/// Real and synthetic images as points, through a fixed network and a fixed orthonormal projection.
#[derive(Clone, Debug)]
pub struct FeaturePlane {
    /// The network, the axes and the real points: the same object as long as they stay the same.
    pub ground: Arc<Ground>,
    /// Synthetic points, class by class.
    pub synthetic: Vec<Point>,
    /// One for each class of the run: the spread of its synthetic points.
    pub spreads: Vec<Ellipse>,
    /// For each class, the centre of its synthetic points, the radius of a ball with the root-mean-square distance to
    /// it measured in all dimensions.
    pub balls: Vec<Ball>,
    /// Radius of the ball outside which a term pulls images back, in the features of this network; none where that
    /// term does not count.
    pub threshold: Option<f32>,
}

/// What stays still in the feature plane.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Name of the network and how it was trained, or `pixels`.
    pub lens: String,
    /// Its accuracy on the hold-out, where it classifies.
    pub accuracy: Option<f64>,
    /// Number of pretrained networks, of which this is the first: a term that looks through such draws one at each
    /// step.
    pub pool: usize,
    /// Number of dimensions before the projection.
    pub dimensions: usize,
    /// Share of the variance of the real features that the two axes keep.
    pub kept_variance: f64,
    /// A sample of the real images.
    pub real: Vec<Point>,
    /// One for each class of the run: the spread of all its real points.
    pub spreads: Vec<Ellipse>,
}

/// A point of the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Place along the two axes.
    pub at: [f32; 2],
    /// Position of its class among the classes of the run.
    pub class: u16,
    /// Distance from the plane through the data's mean in all other dimensions: what the picture hides.
    pub hidden: f32,
}

/// The exact shadow of a covariance: one standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ellipse {
    /// Mean.
    pub centre: [f32; 2],
    /// First half axis, a vector.
    pub major: [f32; 2],
    /// Second half axis, a vector.
    pub minor: [f32; 2],
}

/// A ball in all dimensions, whose shadow is a disc of the same radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    /// Centre in the plane.
    pub centre: [f32; 2],
    /// Radius, the same in every dimension.
    pub radius: f32,
}
