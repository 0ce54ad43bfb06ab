//! Everything that can be asked of a running engine. Read this file to know what the window can do.

use std::path::PathBuf;

use crate::{config::RunConfig, report::Wants};

/// A request. It is answered by events, between two steps.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin a run; one that is under way is saved and left.
    Start(Box<Start>),
    /// Stop after the step under way, keep everything.
    Pause,
    /// Go on.
    Resume,
    /// Do one step, then pause.
    Step,
    /// End the run: save a checkpoint and the images. It stays open for looking and judging until another one starts.
    Stop,
    /// From the next step on, weigh a term so. Recorded before that step runs.
    SetWeight {
        /// Name of the term.
        term: String,
        /// Not negative, finite.
        weight: f64,
    },
    /// From the next step on, move the pixels at this rate. Recorded before that step runs.
    SetLearningRate(f64),
    /// What a viewer wants computed on the side.
    Watch(Wants),
    /// The share of the machine that drawing may take, from 0 to 1: frames are spaced so that it is kept.
    SetViewShare(f64),
    /// Tell the engine what drawing the last frame cost, in seconds.
    FrameDrawn(f64),
    /// Judge the images as they are now.
    Evaluate {
        /// For example `quick@100x3` or `dm@300x5`.
        protocol: String,
    },
    /// Give up the evaluation under way.
    CancelEvaluation,
    /// Write a checkpoint now.
    Checkpoint,
    /// Write the images as they are now into a folder.
    Export(PathBuf),
}

/// How to begin.
#[derive(Clone, Debug)]
pub struct Start {
    /// What to run.
    pub config: RunConfig,
    /// Where to write it.
    pub out: PathBuf,
    /// Go on from the newest checkpoint in `out`.
    pub resume: bool,
    /// Apply these recorded changes at their steps, for a replay.
    pub script: Vec<crate::report::Intervention>,
    /// Wait for [`Command::Resume`] or [`Command::Step`] before the first step.
    pub paused: bool,
}

impl Start {
    /// A new run in the first free folder `runs/NAME`, `runs/NAME-2`, ... of the working folder.
    pub fn fresh(config: RunConfig) -> Self {
        let parent = PathBuf::from("runs");
        let numbered = (2..).map(|number| parent.join(format!("{}-{number}", config.name)));
        let mut names = std::iter::once(parent.join(&config.name)).chain(numbered);
        let out = names.find(|path| !path.exists()).expect("numbers do not end");
        Self { config, out, resume: false, script: Vec::new(), paused: false }
    }
}
