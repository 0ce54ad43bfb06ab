//! Evaluations that wait or go on beside a run, in slices.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    error::Result,
    evaluate::{Judge, Outcome, Progress, Protocol},
    nn::NetworkSpec,
    report::Subject,
};

/// Progress is told this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// An evaluation with the step whose images it judges.
struct Job {
    judge: Judge,
    step: u64,
    worked: Duration,
    told: Option<Instant>,
}

/// The evaluations of a run, one after the other.
#[derive(Default)]
pub(super) struct Jobs {
    queue: VecDeque<Job>,
}

/// What a slice brought.
pub(super) enum Slice {
    /// Nothing to tell.
    Quiet,
    /// How far the first evaluation is.
    Progress { what: String, done: f64, secs_left: f64 },
    /// The first evaluation has ended.
    Done { judge: Box<Judge>, step: u64, outcome: Outcome, secs: f64 },
}

impl Jobs {
    pub(super) fn add(&mut self, judges: Vec<Judge>, step: u64) {
        let job = |judge| Job { judge, step, worked: Duration::ZERO, told: None };
        self.queue.extend(judges.into_iter().map(job));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// True if this is waiting to be judged by this protocol with this network.
    pub(super) fn has(&self, subject: Subject, protocol: Protocol, network: &NetworkSpec) -> bool {
        let wanted = |Job { judge, .. }: &Job| {
            judge.subject() == subject && judge.protocol() == protocol && judge.network() == network
        };
        self.queue.iter().any(wanted)
    }

    /// Works on the first evaluation for about `budget`, one batch at least.
    pub(super) fn advance(&mut self, budget: Duration) -> Result<Slice> {
        let Some(job) = self.queue.front_mut() else { return Ok(Slice::Quiet) };
        let clock = Instant::now();
        loop {
            let progress = job.judge.advance();
            let progress = match progress {
                Ok(progress) => progress,
                Err(error) => {
                    self.queue.pop_front();
                    return Err(error);
                }
            };
            match progress {
                Progress::Done(outcome) => {
                    let Job { judge, step, worked, .. } = self.queue.pop_front().expect("just used");
                    let secs = (worked + clock.elapsed()).as_secs_f64();
                    return Ok(Slice::Done { judge: Box::new(judge), step, outcome, secs });
                }
                Progress::Working(done) if clock.elapsed() >= budget => {
                    job.worked += clock.elapsed();
                    return Ok(job.tell(done));
                }
                Progress::Working(_) => {}
            }
        }
    }
}

impl Job {
    fn tell(&mut self, done: f64) -> Slice {
        if self.told.is_some_and(|told| told.elapsed() < PROGRESS_EVERY) {
            return Slice::Quiet;
        }
        self.told = Some(Instant::now());
        let subject = self.judge.subject().describe();
        let worked = self.worked.as_secs_f64();
        let secs_left = if done > 0.0 { worked / done - worked } else { f64::INFINITY };
        let mut what = format!("{subject} by {}", self.judge.protocol());
        if !matches!(self.judge.network(), NetworkSpec::ConvNet(_)) {
            what += &format!(" with {}", self.judge.network().describe());
        }
        Slice::Progress { what, done, secs_left }
    }
}
