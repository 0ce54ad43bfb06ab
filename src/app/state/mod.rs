//! The state of the window: events and pictures folded into plain data.
//!
//! Nothing here knows egui, threads or clocks, so everything that the window shows can be tested without a window.
//! Panels read this and emit actions; only [`RunState::fold`], [`RunState::take`] and the action runner write it.

mod beside;
mod history;
mod journal;
mod mixer;
mod pictures;
mod series;

use std::{collections::BTreeMap, sync::Arc};

pub use beside::{Asked, Opened, OpenedComparison, Owed};
pub use history::{History, Mark, MarkKind, TermHistory, in_words, short};
pub use journal::{Entry, Grade, Journal};
pub use mixer::{Mixer, Strip};
pub use pictures::Pictures;
pub use series::{Series, thinned};

use crate::{
    config::RunConfig,
    engine::{Event, Start},
    report::{
        Artifact, DataSummary, Evaluation, Frame, RunInfo, Verdict,
        page::{Page, PageInfo},
    },
};

/// What the run does at this moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Nothing was asked for yet.
    #[default]
    Idle,
    /// A run is being made ready; in words.
    Preparing(String),
    /// Steps are done.
    Running,
    /// The engine waits.
    Paused {
        /// Why, where nobody asked for it.
        reason: Option<String>,
    },
    /// The run is over and on disk.
    Finished {
        /// All steps were done.
        complete: bool,
    },
    /// The run broke; the log and the banner say why.
    Failed,
    /// A run was called off before it stood ready. What is shown is the run before, which is saved and left.
    CalledOff,
}

impl Phase {
    /// True while pictures change by themselves.
    pub fn is_moving(&self) -> bool {
        matches!(self, Self::Running | Self::Preparing(_))
    }

    /// True while a run is being made ready: what is shown is the one before.
    pub fn is_moving_in(&self) -> bool {
        matches!(self, Self::Preparing(_))
    }

    /// True while a run can be steered.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Running | Self::Paused { .. })
    }

    /// In words.
    pub fn describe(&self) -> &str {
        match self {
            Self::Idle => "Idle",
            Self::Preparing(_) => "Preparing",
            Self::Running => "Running",
            Self::Paused { .. } => "Paused",
            Self::Finished { complete: true } => "Finished",
            Self::Finished { complete: false } => "Stopped",
            Self::Failed => "Failed",
            Self::CalledOff => "Called off",
        }
    }
}

/// Something slow that goes on beside the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What it is, in words.
    pub what: String,
    /// Share that is done.
    pub done: f64,
    /// Forecast of the rest.
    pub secs_left: f64,
}

/// Everything that the window knows of the engine.
#[derive(Default)]
pub struct RunState {
    /// What the run does.
    pub phase: Phase,
    /// The run that stands ready, or stood last.
    pub info: Option<RunInfo>,
    /// What the engine was asked to run last.
    pub asked: Option<Start>,
    /// The config of the run in `info`.
    pub config: Option<RunConfig>,
    /// The newest step.
    pub step: u64,
    /// What the steps computed.
    pub history: History,
    /// Changes and evaluations, as they came.
    pub marks: Vec<Mark>,
    /// Every evaluation of the run.
    pub evaluations: Vec<Evaluation>,
    /// The evaluation under way.
    pub evaluating: Option<Progress>,
    /// The training of the network under way, through which terms and people look.
    pub pretraining: Option<Progress>,
    /// Which images to use.
    pub verdict: Option<Verdict>,
    /// What was worked out beside the run, as it came.
    pub artifacts: Vec<Artifact>,
    /// The run that is being made ready will wait before its first step.
    pub waits: bool,
    /// What was left out or given up, and can be asked for.
    pub owed: Vec<Owed>,
    /// The set that was read from files.
    pub opened: Option<Opened>,
    /// How many sets have been opened.
    pub sets_opened: u64,
    /// Presets beside each other, as they were read.
    pub comparison: Option<OpenedComparison>,
    /// What is in the data set that was asked about last.
    pub inspected: Option<DataSummary>,
    /// The mixer.
    pub mixer: Mixer,
    /// The newest pictures.
    pub pictures: Pictures,
    /// Warnings and errors.
    pub journal: Journal,
    /// The failure that the banner shows.
    pub failure: Option<String>,
    /// The step of the newest checkpoint.
    pub checkpoint: Option<u64>,
    /// Smoothed time of a step.
    pub step_secs: Option<f64>,
    newest_frame: Option<Arc<Frame>>,
    requests: BTreeMap<u64, Asked>,
}

impl RunState {
    /// Remembers what was asked, before the engine answers.
    pub fn asking(&mut self, start: &Start) {
        self.asked = Some(start.clone());
        self.failure = None;
        self.waits = start.paused;
        self.phase = Phase::Preparing("Starting".to_owned());
    }

    /// Takes a fact.
    pub fn fold(&mut self, event: Event) {
        match event {
            Event::Preparing(what) => {
                self.waits = self.asked.as_ref().is_some_and(|start| start.paused);
                self.phase = Phase::Preparing(what);
            }
            Event::Started(info) => self.begin(*info),
            Event::Stepped { report, secs } => {
                self.step = report.step;
                self.step_secs = Some(self.step_secs.map_or(secs, |mean| mean + 0.1 * (secs - mean)));
                self.history.push(report);
            }
            Event::Applied(intervention) => {
                self.mixer.acknowledge(&intervention.control, intervention.new);
                self.marks.push(Mark::change(&intervention));
            }
            // It will wait; what is shown is the run before.
            Event::Paused { reason: None, .. } if self.phase.is_moving_in() => self.waits = true,
            Event::Paused { step, reason } => {
                self.step = step;
                if let Some(reason) = &reason {
                    self.journal.write(Grade::Warning, reason.clone(), step);
                }
                self.phase = Phase::Paused { reason };
            }
            Event::Running => self.phase = Phase::Running,
            Event::Pretraining { what, done, secs_left } => {
                let what = format!("training {what}");
                self.pretraining = Some(Progress { what, done, secs_left });
            }
            Event::Pretrained { what } => {
                self.pretraining = None;
                self.journal.write(Grade::Note, format!("Trained on the real images: {what}"), self.step);
            }
            Event::Evaluating { what, done, secs_left } => {
                self.evaluating = Some(Progress { what, done, secs_left });
            }
            Event::Evaluated(evaluation) => {
                self.marks.push(Mark::evaluation(&evaluation));
                self.judged(&evaluation);
                self.evaluations.push(evaluation);
            }
            Event::Verdict(verdict) => {
                self.journal.write(Grade::Note, verdict.text.lines().next().unwrap_or_default(), self.step);
                self.verdict = Some(*verdict);
            }
            Event::Opened(set) => self.open_set(*set),
            Event::Analysed(artifact) => {
                self.artifacts.retain(|known| known.page.id != artifact.page.id);
                self.artifacts.push(*artifact);
            }
            Event::Resized { per_class, bytes } => {
                if let Some(info) = &mut self.info {
                    (info.per_class, info.bytes) = (per_class, bytes);
                }
            }
            Event::Compared { path, comparison } => self.open_comparison(path, *comparison),
            Event::Inspected(summary) => self.inspected = Some(*summary),
            Event::EvaluationCancelled | Event::EvaluationsDone => self.evaluating = None,
            Event::Checkpointed { step } => self.checkpoint = Some(step),
            Event::Exported(path) => {
                self.journal.write(Grade::Note, format!("Images written to {}", path.display()), self.step);
            }
            Event::Finished { .. } if self.phase.is_moving_in() => self.phase = Phase::CalledOff,
            Event::Finished { step, complete } => {
                self.checkpoint = Some(step);
                self.step = step;
                self.evaluating = None;
                self.pretraining = None;
                self.phase = Phase::Finished { complete };
            }
            Event::Recalled(evaluations) => {
                self.marks.extend(evaluations.iter().map(Mark::evaluation));
                self.evaluations = evaluations;
            }
            Event::Skipped(skipped) => self.skip(&skipped),
            Event::Note(text) => self.journal.write(Grade::Note, text, self.step),
            Event::Warning(text) => self.journal.write(Grade::Warning, text, self.step),
            Event::Answered { request, answer } => self.answered(request, answer),
            Event::Failed { message, .. } => self.fail(message),
        }
    }

    /// The engine has ended without being asked to.
    pub fn lost(&mut self) {
        self.evaluating = None;
        if self.phase.is_live() || self.phase.is_moving() {
            self.fail(
                "The engine has ended. What was saved stays on disk; start the program again to go on".to_owned(),
            );
            self.phase = Phase::Failed;
        }
    }

    /// Takes a picture. True when it is new.
    pub fn take(&mut self, frame: Arc<Frame>) -> bool {
        if self.newest_frame.as_ref().is_some_and(|known| Arc::ptr_eq(known, &frame)) {
            return false;
        }
        self.pictures.take(&frame);
        self.newest_frame = Some(frame);
        true
    }

    /// A run stands ready: its numbers and pictures replace those of the run before.
    fn begin(&mut self, info: RunInfo) {
        self.config = self.asked.as_ref().map(|start| start.config.clone());
        self.mixer = Mixer::of(&info);
        self.step = info.step;
        self.history = History::of(&info.controls);
        self.verdict = None;
        self.artifacts.clear();
        self.pretraining = None;
        self.owed.clear();
        self.marks.clear();
        self.evaluations.clear();
        self.evaluating = None;
        self.pictures = Pictures::default();
        // The first picture of the new run may have come before this event: the slot is read again.
        self.newest_frame = None;
        self.checkpoint = None;
        self.step_secs = None;
        self.failure = None;
        let paused = self.asked.as_ref().is_some_and(|start| start.paused);
        self.phase = if paused { Phase::Paused { reason: None } } else { Phase::Running };
        self.info = Some(info);
        self.keep_what_fits();
    }

    /// Puts a failure into the log and the banner.
    fn tell_failure(&mut self, message: String) {
        self.journal.write(Grade::Failure, message.clone(), self.step);
        self.failure = Some(message);
    }

    /// A run failed, or could not be started. An engine that still holds the run says next that it waits.
    fn fail(&mut self, message: String) {
        self.tell_failure(message);
        self.evaluating = None;
        self.pretraining = None;
        if self.phase.is_moving() {
            self.phase = Phase::Failed;
        }
    }

    /// True when all steps are done and the last evaluations go on.
    pub fn is_judged(&self) -> bool {
        self.phase == Phase::Running && self.is_complete()
    }

    /// Seconds from one step to the next where at most `pace` steps a second are done.
    pub fn secs_per_step(&self, pace: Option<f64>) -> Option<f64> {
        let held = pace.map_or(0.0, f64::recip);
        self.step_secs.map(|secs| secs.max(held)).filter(|secs| *secs > 0.0)
    }

    /// Seconds until the last step at this pace.
    pub fn secs_left(&self, pace: Option<f64>) -> Option<f64> {
        let steps = self.info.as_ref()?.steps.saturating_sub(self.step);
        Some(steps as f64 * self.secs_per_step(pace)?)
    }

    /// The pages that can be seen: those of the run, then those of what was worked out beside it.
    pub fn pages(&self) -> Vec<PageInfo> {
        let of_run = self.info.iter().flat_map(|info| info.pages.iter().cloned());
        let worked_out = self.artifacts.iter().map(|artifact| {
            let Page { id, title, meaning, .. } = &artifact.page;
            PageInfo::new(id, title, meaning)
        });
        of_run.chain(worked_out).collect()
    }

    /// The newest page of this name, and its step.
    pub fn page(&self, id: &str) -> Option<(u64, &Page)> {
        let worked_out = self.artifacts.iter().find(|artifact| artifact.page.id == id);
        let worked_out = worked_out.map(|artifact| (artifact.step, &artifact.page));
        worked_out.or_else(|| self.pictures.page(id).map(|(step, page)| (*step, page)))
    }

    /// The points of a series that a page names, thinned to the columns of a screen: what steps report, or what pages bring along.
    pub fn trace(&self, name: &str, part: Option<(f64, f64)>, columns: usize) -> Vec<[f64; 2]> {
        match self.history.scalar(name) {
            Some(series) => self.history.drawn(series, part, columns),
            None => thinned(self.pictures.gathered(name), part, columns),
        }
    }

    /// Parts of a stored image, which networks see as images of their own.
    pub fn parts(&self) -> usize {
        self.info.as_ref().map_or(1, |info| info.packing * info.packing).max(1)
    }

    /// The name of an image by its position among those that networks see of its class.
    pub fn image_name(&self, position: usize) -> String {
        match self.parts() {
            1 => format!("image {}", position + 1),
            parts => format!("image {}, part {}", position / parts + 1, position % parts + 1),
        }
    }

    /// The name of a class by its position among the classes of the run.
    pub fn class_name(&self, position: usize) -> String {
        let name = self.info.as_ref().and_then(|info| {
            let label = *info.classes.get(position)?;
            info.data.class_names.get(label as usize).cloned()
        });
        name.unwrap_or_else(|| position.to_string())
    }
}

#[cfg(test)]
mod tests;
