//! Curves and points over axes.

use serde::{Deserialize, Serialize};

use super::Mark;

/// Curves and points over axes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
    /// From left to right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
}

/// A curve, or points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name in the legend; without a name it has no entry there.
    pub name: String,
    /// What it draws.
    pub source: Source,
    /// How it is drawn.
    pub style: Style,
    /// Width of a line, or radius of a point.
    pub width: f32,
    /// Moved upwards on the screen, so that points are seen where two kinds of them meet.
    #[serde(default)]
    pub raised: f32,
    /// How it looks, and what it is about.
    pub mark: Mark,
}

/// Where the points of a series come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A number that steps or pictures have by this name: whoever shows the page has all of them, so that none is sent twice.
    Named(String),
    /// Its own points.
    Points(Vec<[f64; 2]>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Points(Vec::new())
    }
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// As a line.
    #[default]
    Line,
    /// As a dashed line.
    Dashed,
    /// As points.
    Points,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// What it measures; may be empty.
    pub label: String,
    /// How it is divided.
    pub scale: Scale,
    /// What its numbers are.
    pub unit: Unit,
    /// It begins here at least, or with the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// It ends here at least, or with the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Data beyond `from` and `to` is drawn at the edge, instead of making the axis longer.
    #[serde(default)]
    pub clipped: bool,
}

impl Axis {
    /// The steps of a run.
    pub fn steps() -> Self {
        Self { label: "step".to_owned(), unit: Unit::Whole, from: Some(0.0), ..Self::default() }
    }

    /// True for the steps of a run, which all panels mark.
    pub fn is_steps(&self) -> bool {
        self.label == "step"
    }

    /// An even axis that reaches down to zero.
    pub fn from_zero(label: &str) -> Self {
        Self { label: label.to_owned(), from: Some(0.0), ..Self::default() }
    }

    /// A logarithmic axis.
    pub fn logarithmic(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Log, ..Self::default() }
    }
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// By powers of ten; what is not positive has no place.
    Log,
    /// By powers of ten to both sides of zero, evenly near it.
    Symlog,
}

/// What numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Just numbers.
    #[default]
    Plain,
    /// Whole numbers.
    Whole,
    /// Shares of 1, written in percent.
    Percent,
    /// Bytes.
    Bytes,
}
