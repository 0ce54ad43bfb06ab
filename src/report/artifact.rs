//! What is worked out about a run when somebody asks, or at its end.

use serde::Serialize;
use serde_json::Value;

use super::page::Page;

/// Something that can be worked out about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisInfo {
    /// The name by which it is asked for.
    pub id: &'static str,
    /// What is worked out, in a few words.
    pub title: &'static str,
    /// The file in which its numbers are kept.
    pub file: &'static str,
    /// True if it looks through a network that was trained on the real images, besides what a step needs.
    pub needs_probe: bool,
    /// True if it needs other data, and a folder to write into.
    pub needs_other: bool,
    /// True if it is worked out when all steps are done.
    pub at_end: bool,
}

/// What was worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// The analysis by which it was made.
    pub analysis: String,
    /// The step that it is about.
    pub step: u64,
    /// Everything that was found, for programs.
    pub json: Value,
    /// The same for people; a later one of the same name takes its place.
    pub page: Page,
    /// Forms in which the distilled data may be stored, each with what it takes and what it reaches.
    pub stored: Vec<Stored>,
    /// Arrays of float32 that go with it: name of the file, name of the array, sizes, values.
    pub arrays: Vec<(String, String, Vec<usize>, Vec<f32>)>,
}

impl Artifact {
    /// Of what an analysis has found.
    pub fn new(analysis: &AnalysisInfo, step: u64, found: &impl Serialize, page: Page) -> Self {
        let json = serde_json::to_value(found).expect("plain data");
        Self { analysis: analysis.id.to_owned(), step, json, page, stored: Vec::new(), arrays: Vec::new() }
    }
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
