//! What an energy map leaves, judged on the map.

use serde::{Deserialize, Serialize};

use super::Accuracy;

/// What a classifier on the map learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The real images that stand for sigma points.
    Picks,
    /// Points of Gaussians that were rebuilt from the picks.
    Rebuilt,
    /// Points of Gaussians with the moments of the classes.
    Moments,
    /// All samples that the map was learned from.
    Samples,
    /// As many random real images as picks.
    Random,
    /// As many medoids of k-means among pixels.
    Medoids,
}

impl Form {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Picks => "picks",
            Self::Rebuilt => "Gaussians rebuilt from the picks",
            Self::Moments => "Gaussians of the class moments",
            Self::Samples => "all samples",
            Self::Random => "random images",
            Self::Medoids => "k-means medoids",
        }
    }

    /// In a word or two.
    pub fn short(self) -> &'static str {
        match self {
            Self::Picks => "picks",
            Self::Rebuilt => "rebuilt from them",
            Self::Moments => "class moments",
            Self::Samples => "all samples",
            Self::Random => "random images",
            Self::Medoids => "k-means medoids",
        }
    }
}

/// `map.json`: classifiers that learned and were tested on the map, on the test split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnMap {
    /// The step whose map was judged.
    pub step: u64,
    /// Dimensions of the map.
    pub dimensions: usize,
    /// What it maps, in words.
    pub features: String,
    /// Bytes of the map itself, which everything that is stored as points needs too.
    pub map_bytes: u64,
    /// Bytes of the picks as features, where somebody keeps those.
    pub feature_bytes: u64,
    /// Bytes of the picks as positions in the data, where somebody has that.
    pub index_bytes: u64,
    /// How far classes lie apart beside how wide they are, before the first step and now.
    pub spread: [f64; 2],
    /// How far rebuilt Gaussians are from their classes, mean over the classes: `|mean - mean'|` and
    /// `|C - C'|_F / |C|_F`.
    pub rebuilt_errors: [f64; 2],
    /// One for each form.
    pub rows: Vec<OnMapRow>,
}

/// `fusion.json`: what an energy map has left of old data, joined with new data by a second map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fused {
    /// The old data.
    pub old: String,
    /// The new data.
    pub new: String,
    /// Names of all classes: the old ones, then those that are new.
    pub classes: Vec<String>,
    /// Classes of the new data that were merged into old ones.
    pub merged: usize,
    /// What classifiers reach on the test images of both.
    pub rows: Vec<FusedRow>,
    /// Bytes of the samples that the released way keeps of the old data, as points of the map; 0 in older files.
    #[serde(default)]
    pub released_bytes: u64,
    /// True where distilled images of the new data were joined too.
    #[serde(default)]
    pub is_distilled: bool,
    /// Bytes of the picks as points of the map: all that is moved of the old data.
    pub moved_bytes: u64,
    /// Bytes of the first map.
    pub map_bytes: u64,
    /// Bytes of the second map.
    pub second_map_bytes: u64,
    /// Bytes of the old training images.
    pub old_bytes: u64,
}

/// Logistic regression on a map, tested on all classes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FusedRow {
    /// What it learned from, in words.
    pub what: String,
    /// Share of the old data's test images that it names rightly.
    pub old: f64,
    /// The same of the new data.
    pub new: f64,
}

/// A form with what it reaches and takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnMapRow {
    /// What was learned from.
    pub form: Form,
    /// Points of each class.
    pub points: usize,
    /// Logistic regression.
    pub logistic: Accuracy,
    /// Five nearest neighbours.
    pub neighbours: Accuracy,
    /// Bytes as 8-bit images; 0 where there are none.
    pub image_bytes: u64,
    /// Bytes as points of the map, or as moments.
    pub bytes: u64,
}
