//! How a set of other people is to be read, where its files do not say it themselves.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

/// What the values of a set mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueRange {
    /// 0 is black, 1 is white.
    Unit,
    /// 0 is black; 255 is white, or the white of the data set where no value is above it.
    Bytes,
    /// -1 is black, 1 is white.
    Symmetric,
    /// `(x - mean) / std` by the constants of the data set.
    Normalised,
    /// Whatever they are, networks are given them so.
    AsIs,
}

impl ValueRange {
    /// All there are, in the order in which a choice shows them.
    pub const ALL: [Self; 5] = [Self::Unit, Self::Bytes, Self::Symmetric, Self::Normalised, Self::AsIs];

    /// The name that is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Bytes => "bytes",
            Self::Symmetric => "symmetric",
            Self::Normalised => "normalised",
            Self::AsIs => "as-is",
        }
    }

    /// What it means, for a choice.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Unit => "0 is black, 1 is white",
            Self::Bytes => "0 is black, 255 is white",
            Self::Symmetric => "-1 is black, 1 is white",
            Self::Normalised => "normalised by mean and deviation of the data set",
            Self::AsIs => "as it stands in the file",
        }
    }
}

impl fmt::Display for ValueRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for ValueRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        let known = Self::ALL.into_iter().find(|range| range.name() == text);
        known.ok_or_else(|| format!("there is no range \"{text}\". Use one of: {names}"))
    }
}

/// How to read a set; what is left open is decided by its card, its files and its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What the values mean.
    pub range: Option<ValueRange>,
    /// Parts of an image along each side, which networks see as images of their own.
    pub packing: Option<usize>,
    /// Take the likeliest class of each image instead of its soft label.
    pub argmax: bool,
}

/// How a set was read: what was asked for, or what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadAs {
    /// What the values were taken for.
    pub range: ValueRange,
    /// Parts of an image along each side.
    pub packing: usize,
    /// True if images have shares of several classes.
    pub soft_labels: bool,
    /// Everything that was found out or assumed, in sentences.
    pub note: String,
}

/// A set that was opened beside a run: what was asked for, and what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedSet {
    /// A file, or a folder of pictures.
    pub path: PathBuf,
    /// What was decided from outside; a choice shows the rest as decided by the values.
    pub reading: Reading,
    /// How it was read.
    pub read_as: ReadAs,
}

impl OpenedSet {
    /// Where it lies and everything that was found out.
    pub fn describe(&self) -> String {
        format!("{}: {}", self.path.display(), self.read_as.note)
    }
}
