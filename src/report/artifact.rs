//! What was worked out beside a run, to be shown.

use super::page::Page;

/// What was worked out about a run when somebody asked, or at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// The step that it is about.
    pub step: u64,
    /// What it says; a later one of the same name takes its place.
    pub page: Page,
    /// Forms in which the distilled data may be stored, each with what it takes and what it reaches.
    pub stored: Vec<Stored>,
}

/// A form in which distilled data may be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What it is, in a few words.
    pub name: String,
    /// How it was judged.
    pub source: String,
    /// Bytes that it takes.
    pub bytes: u64,
    /// Accuracy.
    pub mean: f64,
    /// Its deviation over repeats, where there were some.
    pub std: Option<f64>,
}
