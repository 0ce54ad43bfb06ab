//! Everything that an engine says. Facts come here, in order and without loss; pictures lie in a slot of their own.

use std::path::PathBuf;

use crate::report::{
    Artifact, Comparison, DataSummary, Evaluation, Intervention, OpenedSet, RunInfo, Skipped, StepReport, Verdict,
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
    /// Something is worked out beside the run: an evaluation, distances, a selection.
    Evaluating {
        /// What, in words.
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
    /// What was judged before, when a run was taken up again.
    Recalled(Vec<Evaluation>),
    /// Something is not judged at the end of the run.
    Skipped(Skipped),
    /// Nothing is worked out beside the run any more.
    EvaluationsDone,
    /// What was worked out beside the run was given up.
    EvaluationCancelled,
    /// A checkpoint is on disk.
    Checkpointed {
        /// The step that it holds.
        step: u64,
    },
    /// Images were written.
    Exported(PathBuf),
    /// A set was read from files; what was found out about it, beside which its choices can be shown.
    Opened(Box<OpenedSet>),
    /// A live change has made the images fewer or more, or what they take.
    Resized {
        /// Images of each class now.
        per_class: usize,
        /// Bytes that they take.
        bytes: u64,
    },
    /// Something was worked out about the run.
    Analysed(Box<Artifact>),
    /// Presets beside each other were read from a file.
    Compared {
        /// The file, or the folder that holds it.
        path: PathBuf,
        /// What stands in it.
        comparison: Box<Comparison>,
    },
    /// All steps are done, or the run was stopped; everything is on disk.
    Finished {
        /// The last step.
        step: u64,
        /// True when all steps of the run are done.
        complete: bool,
    },
    /// Something to know.
    Note(String),
    /// Something that is not as it should be; the run goes on.
    Warning(String),
    /// The answer to a request: the last that is heard of it.
    Answered {
        /// The number that [`Engine::send`](super::Engine::send) gave it.
        request: u64,
        /// What came of it.
        answer: Answer,
    },
    /// A run failed, or could not be started; the text says what to do. The engine stays alive.
    Failed {
        /// What to do about it.
        message: String,
        /// Exit code of the command line.
        code: u8,
    },
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done; the events before this say what came of it.
    Done,
    /// It could not be fulfilled; the run goes on as if nobody had asked. The text says what to do.
    Refused {
        /// What to do about it.
        message: String,
        /// Exit code of the command line.
        code: u8,
    },
    /// The run could not be started; [`Event::Failed`] said why.
    Failed,
    /// It was given up, because somebody said so or the run was left.
    Cancelled,
    /// A later request of its kind came before it was looked at.
    Replaced,
}
