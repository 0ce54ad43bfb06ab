//! Everything that an engine says. Facts come here, in order and without loss; pictures lie in a slot of their own.

use std::path::PathBuf;

use crate::report::{
    Comparison, DataSummary, Distances, Evaluation, Fused, Intervention, OnMap, RunInfo, StepReport, Verdict,
};

/// A fact.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something slow began before the run could start, for example reading data.
    Preparing(String),
    /// What is in a data set.
    Inspected(Box<DataSummary>),
    /// A run stands ready.
    Started(Box<RunInfo>),
    /// A step was done; `secs` is the time that it took.
    Stepped {
        /// What it computed.
        report: StepReport,
        /// How long it took.
        secs: f64,
    },
    /// Something is being trained on the real images, for the method, its terms, or the eyes that look through it.
    Pretraining {
        /// What, in words.
        what: String,
        /// Share of it that is done.
        done: f64,
        /// Forecast of the rest.
        secs_left: f64,
    },
    /// What the run was waiting for is trained.
    Pretrained {
        /// What it is, in words.
        what: String,
    },
    /// A change is on disk and takes effect at its step.
    Applied(Intervention),
    /// The engine waits.
    Paused {
        /// The step that it stands at.
        step: u64,
        /// Why, where nobody asked for it.
        reason: Option<String>,
    },
    /// The engine runs.
    Running,
    /// An evaluation goes on.
    Evaluating {
        /// Protocol and subject in words.
        what: String,
        /// Share that is done.
        done: f64,
        /// Forecast of the rest.
        secs_left: f64,
    },
    /// An evaluation has ended.
    Evaluated(Evaluation),
    /// Which images to use, after everything that it needs was judged.
    Verdict(Box<Verdict>),
    /// No evaluation is waiting any more.
    EvaluationsDone,
    /// An evaluation was given up.
    EvaluationCancelled,
    /// A checkpoint is on disk.
    Checkpointed {
        /// The step that it holds.
        step: u64,
    },
    /// Images were written.
    Exported(PathBuf),
    /// A set was read from files; what was found out about it.
    Opened(String),
    /// A live change has made the images fewer or more, or what they take.
    Resized {
        /// Images of each class now.
        per_class: usize,
        /// Bytes that they take.
        bytes: u64,
    },
    /// What an energy map leaves was judged on the map.
    OnMap(Box<OnMap>),
    /// How far the points and images of a quantizer are from their classes.
    Measured(Box<Distances>),
    /// What an energy map has left was joined with new data.
    Fused(Box<Fused>),
    /// Presets beside each other were read from a file.
    Compared(Box<Comparison>),
    /// All steps are done, or the run was stopped; everything is on disk.
    Finished {
        /// The last step.
        step: u64,
        /// True when all steps of the run are done.
        complete: bool,
    },
    /// Something to know; the run goes on.
    Warning(String),
    /// A request could not be fulfilled; the run goes on as if nobody had asked. The text says what to do.
    Refused {
        /// What to do about it.
        message: String,
        /// Exit code of the command line.
        code: u8,
    },
    /// A run failed, or could not be started; the text says what to do. The engine stays alive.
    Failed {
        /// What to do about it.
        message: String,
        /// Exit code of the command line.
        code: u8,
    },
}
