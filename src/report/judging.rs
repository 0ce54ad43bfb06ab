//! What evaluations found, and what follows from it.

use serde::{Deserialize, Serialize};

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
