//! What people can turn while a run goes on, and how it was turned.

use serde::{Deserialize, Serialize};

/// The control that every run has: how far pixels, a map or points move in a step.
pub const LEARNING_RATE: &str = "learning_rate";

/// Something that people can turn: the weight of a term of the loss, or a value with its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// The name used in commands and files: `ball`, or `ball.radius` for what belongs to another control.
    pub id: String,
    /// What it is or measures, with its unit, in one sentence.
    pub meaning: String,
    /// What kind of number it is.
    pub kind: ControlKind,
    /// What the preset says.
    pub default: f64,
    /// What papers say, that for this run (or the one nearest to it) first.
    pub paper: Vec<PaperMark>,
    /// What holds at this moment.
    pub value: f64,
    /// True if it waits for networks that are trained on the real images before it counts.
    pub needs_pool: bool,
    /// Why it has no effect in this run, where it has none.
    pub no_effect: Option<String>,
}

/// What kind of number a control is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ControlKind {
    /// The factor before a term of the loss, from 0 up: it can be muted, and the term has a share of the loss and of the pull.
    LossWeight,
    /// Anything else.
    Value {
        /// The smallest value.
        least: f64,
        /// The largest value that means something, where there is one.
        most: Option<f64>,
        /// True if only whole numbers mean something.
        whole: bool,
    },
}

impl ControlKind {
    /// Any number from 0 up.
    pub const POSITIVE: Self = Self::Value { least: 0.0, most: None, whole: false };

    /// A number from 0 to the most that means something.
    pub fn up_to(most: f64) -> Self {
        Self::Value { least: 0.0, most: Some(most), whole: false }
    }

    /// A whole number from 1 up.
    pub const COUNT: Self = Self::Value { least: 1.0, most: None, whole: true };

    /// The largest value that means something, where there is one.
    pub fn most(self) -> Option<f64> {
        match self {
            Self::LossWeight => None,
            Self::Value { most, .. } => most,
        }
    }

    /// True if only whole numbers mean something.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Value { whole: true, .. })
    }
}

impl Control {
    /// A control that waits for nothing, with no word of a paper.
    pub fn new(id: &str, meaning: &str, kind: ControlKind, default: f64, value: f64) -> Self {
        let (id, meaning) = (id.to_owned(), meaning.to_owned());
        Self { id, meaning, kind, default, paper: Vec::new(), value, needs_pool: false, no_effect: None }
    }

    /// The control that this one belongs to, where it is not the first of its group.
    pub fn belongs_to(&self) -> Option<&str> {
        self.id.split_once('.').map(|(group, _)| group)
    }

    /// Its name within its group.
    pub fn name(&self) -> &str {
        self.id.split_once('.').map_or(self.id.as_str(), |(_, name)| name)
    }
}

/// A value of a paper, and for what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct PaperMark {
    /// The value as a run here has it.
    pub value: f64,
    /// For what it was released, for example `CIFAR-10, 10 per class`; empty where it is for everything.
    pub setting: String,
    /// False where the run is on other data, with another number of images, or on another base.
    pub fits: bool,
}

impl PaperMark {
    /// A value for everything.
    pub fn anywhere(value: f64) -> Self {
        Self { value, setting: String::new(), fits: true }
    }
}

/// A change that somebody made to a run, stamped with the step at which it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Intervention {
    /// The first step that feels the change.
    pub step: u64,
    /// The control that was turned.
    pub control: String,
    /// Before.
    pub old: f64,
    /// From this step on.
    pub new: f64,
}

/// An intervention as a line of the log, of this version or of an older one, which knew three kinds of changes.
#[derive(Deserialize)]
struct Written {
    step: u64,
    control: Option<String>,
    term: Option<String>,
    parameter: Option<String>,
    old: f64,
    new: f64,
}

impl From<Written> for Intervention {
    fn from(Written { step, control, term, parameter, old, new }: Written) -> Self {
        let older = || match (term, parameter) {
            (Some(term), Some(parameter)) => format!("{term}.{parameter}"),
            (Some(term), None) => term,
            _ => LEARNING_RATE.to_owned(),
        };
        Self { step, control: control.unwrap_or_else(older), old, new }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_older_versions_are_read() {
        for (line, control) in [
            (r#"{"step":3,"control":"ball.radius","old":1.0,"new":2.0}"#, "ball.radius"),
            (r#"{"step":3,"change":"weight","term":"mean","old":1.0,"new":2.0}"#, "mean"),
            (
                r#"{"step":3,"change":"parameter","term":"ball","parameter":"radius","old":1.0,"new":2.0}"#,
                "ball.radius",
            ),
            (r#"{"step":3,"change":"learning_rate","old":1.0,"new":2.0}"#, "learning_rate"),
        ] {
            let read: Intervention = serde_json::from_str(line).unwrap();
            assert_eq!(read, Intervention { step: 3, control: control.to_owned(), old: 1.0, new: 2.0 });
            assert_eq!(serde_json::from_str::<Intervention>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
        }
    }
}
