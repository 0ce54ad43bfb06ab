//! What people can do to the run. Panels emit actions while they draw; one `match` in the app runs them afterwards.

use std::path::PathBuf;

use crate::{
    config::RunConfig,
    engine::{Start, Trial},
    report::{Reading, Subject},
};

/// A wish.
#[derive(Clone, Debug)]
pub enum Action {
    /// Begin this run; one under way is saved and left.
    Start(Box<Start>),
    /// Go on, or wait.
    ToggleRun,
    /// Do one step.
    Step,
    /// End the run and save it.
    Stop,
    /// Go on from the newest checkpoint of the run that is shown.
    ResumeSaved,
    /// Move a fader.
    Set {
        /// Name of the control.
        control: String,
        /// Where to.
        value: f64,
    },
    /// Silence a term, or give it back.
    ToggleMute(usize),
    /// Hear a term alone, or all again.
    ToggleSolo(usize),
    /// Judge the images.
    Evaluate(Trial),
    /// Say which images to use.
    Judge,
    /// Write the selection of real images that won.
    ExportSelection(Subject, PathBuf),
    /// Show and judge a set of files.
    OpenSet(PathBuf, Reading),
    /// Show presets beside each other.
    OpenComparison(PathBuf),
    /// Say what is in the data of a config.
    Inspect(Box<RunConfig>),
    /// Open these together: a set with its labels, a comparison, data for the next run.
    Open(Vec<PathBuf>),
    /// Close the set that was opened.
    CloseSet,
    /// Close the comparison that was opened.
    CloseComparison,
    /// Say why something cannot be done.
    Refuse(String),
    /// Give up the evaluation.
    CancelEvaluation,
    /// Write a checkpoint.
    Checkpoint,
    /// Write the images into a folder.
    Export(PathBuf),
    /// At most so many steps a second; none is full speed.
    SetPace(Option<f64>),
    /// The next pace that is offered.
    ShiftPace {
        /// Towards fewer steps a second.
        slower: bool,
    },
    /// The share of the machine that drawing may take.
    SetViewShare(f64),
    /// Close the banner.
    DismissFailure,
    /// Arrange the panels.
    UseLayout(super::layout::Preset),
}
