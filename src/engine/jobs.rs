//! Long work beside a run, one piece after the other, in turns: evaluations, distances, selections, a look at a data set.
//!
//! Each job knows the requests that wait for it; several requests for the same thing are one job.

use std::{
    collections::VecDeque,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    inbox::Inbox,
    task::{Progress, Task, Turn, Turns},
};
use crate::{
    distilled::SyntheticSet,
    error::Result,
    evaluate::{Images, Judge, Outcome, Protocol},
    nn::NetworkSpec,
    report::{Artifact, DataSummary, OpenedSet, Reading, Subject},
};

/// Progress is told this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Stands among the numbers of requests for what a run does by itself.
pub(super) const UNASKED: u64 = 0;

/// What a job is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    /// Judge something by a protocol with a network.
    Judge(Subject, Protocol, NetworkSpec),
    /// Work out what the method can, by its title.
    Analysis(String),
    /// Write something into this folder.
    Files(PathBuf),
    /// Read a set in this way.
    Set(PathBuf, Reading),
    /// Look at a data set.
    Inspect,
}

impl Key {
    /// True if one job serves both.
    fn is_same(&self, other: &Self) -> bool {
        // Each set that was read is judged for itself.
        self == other && !matches!(self, Self::Judge(Subject::Exported, ..))
    }
}

/// What comes of a job.
pub(super) enum Product {
    /// Something was judged; `key` names the tally that may go once this is on disk, `source` the file that was read for it.
    Judged {
        judge: Box<Judge>,
        outcome: Outcome,
        key: String,
        source: Option<PathBuf>,
    },
    Artifact(Box<Artifact>),
    /// A set was written into a folder; its images as they were read back, to be judged.
    Written {
        folder: PathBuf,
        images: Images,
    },
    /// A selection of real images was written into a folder.
    Selected(PathBuf),
    /// A set was read, to be looked at and judged.
    Opened {
        set: Box<SyntheticSet>,
        images: Images,
        opened: Box<OpenedSet>,
    },
    Inspected(Box<DataSummary>),
}

/// The work itself.
pub(super) type Work = Box<dyn FnOnce(&mut Turns<Product>) -> Result<Product> + Send>;

/// Something to be worked out.
pub(super) struct Job {
    pub(super) key: Key,
    /// In words.
    pub(super) what: String,
    pub(super) work: Work,
}

/// A job in the queue.
struct Queued {
    key: Key,
    what: String,
    /// The step that it is about.
    step: u64,
    requests: Vec<u64>,
    work: Option<Work>,
    task: Option<Task<Product>>,
    worked: Duration,
    told: Option<Instant>,
}

/// A job that has ended.
pub(super) struct Ended {
    pub(super) key: Key,
    pub(super) step: u64,
    pub(super) requests: Vec<u64>,
    pub(super) secs: f64,
    pub(super) outcome: Result<Product>,
}

/// The jobs of an engine.
#[derive(Default)]
pub(super) struct Jobs {
    queue: VecDeque<Queued>,
    /// Tasks that were given up and have not heard it yet. Nothing new begins before they have, so that what was given up again and
    /// again does not fill the memory.
    ending: Vec<Task<Product>>,
}

/// What a turn brought.
pub(super) enum Slice {
    /// Nothing to tell.
    Quiet,
    /// How far the first job is.
    Progress { what: String, done: f64, secs_left: f64 },
    /// The first job has ended.
    Ended(Box<Ended>),
}

impl Jobs {
    /// Adds a job for some requests, about what stands at `step`; one that is there already serves them too.
    pub(super) fn add(&mut self, job: Job, step: u64, requests: &[u64]) {
        if let Some(known) = self.queue.iter_mut().find(|known| known.key.is_same(&job.key) && known.step == step) {
            known.requests.extend(requests);
            return;
        }
        let Job { key, what, work } = job;
        let queued = Queued {
            key,
            what,
            step,
            requests: requests.to_vec(),
            work: Some(work),
            task: None,
            worked: Duration::ZERO,
            told: None,
        };
        match queued.key {
            // Somebody stands before the window and waits; evaluations take their time.
            Key::Inspect | Key::Set(..) | Key::Files(_) => self.queue.push_front(queued),
            _ => self.queue.push_back(queued),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// True while a turn goes on that a command has cut short for the worker.
    pub(super) fn is_at_work(&self) -> bool {
        self.queue.front().and_then(|job| job.task.as_ref()).is_some_and(Task::is_at_work)
    }

    /// True if something that this request waits for is in the queue.
    pub(super) fn serves(&self, request: u64) -> bool {
        self.queue.iter().any(|job| job.requests.contains(&request))
    }

    /// True if there is a job like this, about what stands at `step`.
    pub(super) fn has(&self, key: &Key, step: u64) -> bool {
        self.queue.iter().any(|job| job.key.is_same(key) && job.step == step)
    }

    /// Gives up what only this request waits for.
    pub(super) fn give_up(&mut self, request: u64) {
        for job in &mut self.queue {
            job.requests.retain(|known| *known != request);
        }
        drop(self.take_out(|job| job.requests.is_empty()));
    }

    /// Gives up everything about the run; returns the keys, and the requests that waited.
    pub(super) fn clear(&mut self) -> (Vec<Key>, Vec<u64>) {
        let gone = self.take_out(|job| job.key != Key::Inspect);
        let mut requests: Vec<u64> = gone.iter().flat_map(|job| job.requests.iter().copied()).collect();
        requests.sort_unstable();
        requests.dedup();
        requests.retain(|request| *request != UNASKED);
        (gone.into_iter().map(|job| job.key).collect(), requests)
    }

    /// Gives up looking at a data set; returns the requests that waited for it.
    pub(super) fn stop_inspecting(&mut self) -> Vec<u64> {
        self.take_out(|job| job.key == Key::Inspect).into_iter().flat_map(|job| job.requests).collect()
    }

    fn take_out(&mut self, unwanted: impl Fn(&Queued) -> bool) -> Vec<Queued> {
        let (mut gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.queue).into_iter().partition(unwanted);
        self.queue = kept.into();
        self.ending.extend(gone.iter_mut().filter_map(|job| job.task.take()).map(Task::give_up));
        gone
    }

    /// Works on the first job for about `budget`, or until there is a command to obey.
    pub(super) fn advance(&mut self, budget: Duration, inbox: &Inbox) -> Slice {
        self.ending.retain_mut(|task| !task.has_ended());
        let Some(job) = self.queue.front_mut() else { return Slice::Quiet };
        let clock = Instant::now();
        if let (Some(task), true) = (self.ending.first(), job.task.is_none()) {
            task.await_end(inbox);
            return Slice::Quiet;
        }
        if let Some(work) = job.work.take() {
            match Task::new(work) {
                Ok(task) => job.task = Some(task),
                Err(error) => return self.ended(Err(error)),
            }
        }
        let Some(task) = &mut job.task else { return Slice::Quiet };
        let turn = task.advance(budget, inbox);
        job.worked += clock.elapsed();
        match turn {
            Turn::Working(None) => Slice::Quiet,
            Turn::Working(Some(progress)) => job.tell(progress),
            Turn::Done(outcome) => self.ended(outcome),
        }
    }

    fn ended(&mut self, outcome: Result<Product>) -> Slice {
        let Queued { key, step, requests, worked, .. } = self.queue.pop_front().expect("the first one has ended");
        Slice::Ended(Box::new(Ended { key, step, requests, secs: worked.as_secs_f64(), outcome }))
    }
}

impl Queued {
    fn tell(&mut self, progress: Progress) -> Slice {
        if self.told.is_some_and(|told| told.elapsed() < PROGRESS_EVERY) {
            return Slice::Quiet;
        }
        self.told = Some(Instant::now());
        let Progress { what, done, secs_left } = progress;
        let worked = self.worked.as_secs_f64();
        let extrapolated = if done > 0.0 { worked / done - worked } else { secs_left.unwrap_or(f64::INFINITY) };
        Slice::Progress { what: what.unwrap_or_else(|| self.what.clone()), done, secs_left: extrapolated }
    }
}
