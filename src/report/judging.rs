//! What evaluations found, and what follows from it.

use serde::{Deserialize, Serialize};

use super::DataInfo;

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

/// Where the spread of some accuracies comes from: networks of one draw of images differ by their start and the order of their
/// batches; draws (or seeds) differ by their images too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Draws of images.
    pub draws: usize,
    /// Standard deviation over the networks of one draw, pooled over the draws; none where each has one network.
    pub within: Option<f64>,
    /// Standard deviation over the means of the draws; none where there is one draw. It has in it what the networks of a draw
    /// bring by chance.
    pub between: Option<f64>,
}

impl Spread {
    /// Of the accuracies of the networks of each draw.
    pub fn of(draws: &[Vec<f64>]) -> Self {
        let squares = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        };
        let free: usize = draws.iter().map(|values| values.len().saturating_sub(1)).sum();
        let means: Vec<f64> = draws.iter().map(|values| values.iter().sum::<f64>() / values.len() as f64).collect();
        Self {
            draws: draws.len(),
            within: (free > 0).then(|| (draws.iter().map(|values| squares(values)).sum::<f64>() / free as f64).sqrt()),
            between: (means.len() > 1).then(|| (squares(&means) / (means.len() - 1) as f64).sqrt()),
        }
    }

    /// In words; nothing where there is nothing to tell apart.
    pub fn describe(&self) -> Option<String> {
        let percent = |std: f64| format!("{:.1}", 100.0 * std);
        match (self.within, self.between) {
            (Some(within), Some(between)) => Some(format!(
                "{} over {} draws, {} over the networks of one",
                percent(between),
                self.draws,
                percent(within)
            )),
            (None, Some(_)) => Some(format!("over {} draws with one network each, not told apart", self.draws)),
            _ => None,
        }
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

/// Something that is not judged at the end of a run, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// What.
    pub subject: Subject,
    /// By which protocol.
    pub protocol: String,
    /// Why not.
    pub why: WhySkipped,
}

/// Why something is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhySkipped {
    /// It was given up before it had ended. The networks that were tested are kept: asked for again, it goes on with the next.
    Interrupted,
    /// Nobody asked for it.
    NotAsked,
    /// The whole set is too much to be judged unasked.
    TooLarge,
    /// It could not be judged; a message said why.
    Failed,
}

impl Skipped {
    /// In words, with what to do.
    pub fn describe(&self) -> String {
        let Self { subject, protocol, why } = self;
        let why = match why {
            WhySkipped::Interrupted => "given up. The networks that were tested are kept; asked for again, it goes on",
            WhySkipped::NotAsked => "not asked for",
            WhySkipped::TooLarge => {
                "left out, since that takes long. Ask for it by --judge all, or with evaluate --against whole"
            }
            WhySkipped::Failed => "not possible",
        };
        format!("{} by {protocol}: {why}", subject.describe())
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
    /// Where its spread comes from, in words, where there is something to tell apart.
    #[serde(default)]
    pub spread: Option<String>,
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
    /// What is stored of each class, for example `pixels`; empty in older files.
    #[serde(default)]
    pub stored: String,
    /// What it differs in from what is measured here.
    #[serde(default)]
    pub note: Option<String>,
    /// The rules by which it was made; `not told` where the source does not say.
    #[serde(default)]
    pub protocol: String,
}

/// Presets beside each other, judged by the same protocol with the same network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The data set in words.
    pub data: String,
    /// Its fingerprint, by which a window knows it again; none in older files, which are known by the name alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
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

impl Comparison {
    /// True if it is about this data set.
    pub fn is_about(&self, data: &DataInfo) -> bool {
        match &self.fingerprint {
            Some(fingerprint) => *fingerprint == data.fingerprint,
            None => self.data == data.name,
        }
    }
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
    /// Where its spread comes from; a draw is a seed, or a random draw of one.
    #[serde(default)]
    pub spread: Spread,
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
    /// The file or folder from which the images were read, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// On which images.
    pub tested_on: TestedOn,
    /// The result; last epoch, never the best one.
    pub accuracy: Accuracy,
    /// Accuracy of each network; draws of images take turns.
    pub values: Vec<f64>,
    /// Draws of images that the networks were trained on; 0 in older files, which do not say.
    #[serde(default)]
    pub draws: usize,
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

impl Evaluation {
    /// The accuracies of the networks of each draw of images.
    pub fn by_draw(&self) -> Vec<Vec<f64>> {
        let draws = self.draws.max(1);
        let of = |draw: usize| self.values.iter().skip(draw).step_by(draws).copied().collect();
        (0..draws).map(of).filter(|values: &Vec<f64>| !values.is_empty()).collect()
    }

    /// Where its spread comes from.
    pub fn spread(&self) -> Spread {
        Spread::of(&self.by_draw())
    }
}

/// What some networks call an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// The class with the highest mean probability.
    pub class: u32,
    /// That probability.
    pub probability: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_over_draws_is_told_from_that_over_networks() {
        let spread = Spread::of(&[vec![0.5, 0.7], vec![0.6, 0.8]]);
        assert_eq!(spread.draws, 2);
        // Each draw has the variance 0.02; their means are 0.6 and 0.7.
        assert!((spread.within.unwrap() - 0.02_f64.sqrt()).abs() < 1e-12, "{spread:?}");
        assert!((spread.between.unwrap() - 0.005_f64.sqrt()).abs() < 1e-12, "{spread:?}");
        assert!(spread.describe().unwrap().contains("7.1 over 2 draws, 14.1 over the networks"), "{spread:?}");
        let single = Spread::of(&[vec![0.5], vec![0.6]]);
        assert!(single.within.is_none() && single.describe().unwrap().contains("not told apart"));
        let one = Spread::of(&[vec![0.5, 0.6]]);
        assert!(one.between.is_none() && one.describe().is_none());
    }
}
