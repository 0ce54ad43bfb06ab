//! The beginning of a run, and how one is left: reading data and making a method ready are a task, so that one can still pause, stop
//! or close.

use super::{IDLE_SLICE, Mode, Worker};
use crate::{
    engine::{
        Answer, Command, Event, Start,
        jobs::UNASKED,
        run::Run,
        task::{Task, Turn},
    },
    error::{Error, Result},
};

/// A run that is being made ready.
pub(super) struct Preparing {
    task: Task<(Run, Vec<String>)>,
    request: u64,
    /// What it does then.
    mode: Mode,
}

impl Worker {
    /// Leaves what there is and begins to make a run ready.
    pub(super) fn start(&mut self, start: Start, request: u64) {
        let mode = if start.paused { Mode::Paused } else { Mode::Running };
        let (judge, data) = (start.judge, start.config.data.to_string());
        let task = self.leave().and_then(|()| Task::new(move |turns| Run::open(start, turns)));
        match task {
            Ok(task) => {
                self.judge = judge;
                self.preparing = Some(Preparing { task, request, mode });
                self.backstage.tell(Event::Preparing(format!("reading {data}")));
            }
            Err(error) => self.fail_to_start(request, &error),
        }
    }

    fn fail_to_start(&self, request: u64, error: &Error) {
        self.backstage.tell(Event::Failed { message: error.to_string(), code: error.exit_code() });
        self.backstage.answer(request, Answer::Failed);
    }

    /// Goes on with making it ready; begins once it is.
    pub(super) fn prepare(&mut self) {
        let Some(preparing) = &mut self.preparing else { return };
        let Turn::Done(outcome) = preparing.task.advance(IDLE_SLICE, &self.inbox) else { return };
        let Preparing { request, mode, .. } = self.preparing.take().expect("just looked");
        match outcome.and_then(|(run, warnings)| self.begin(run, warnings, mode)) {
            Ok(()) => self.backstage.answer(request, Answer::Done),
            Err(error) => self.fail_to_start(request, &error),
        }
        for request in std::mem::take(&mut self.deferred) {
            self.take(request);
        }
    }

    fn begin(&mut self, mut run: Run, warnings: Vec<String>, mode: Mode) -> Result<()> {
        warnings.into_iter().for_each(|warning| self.backstage.tell(Event::Warning(warning)));
        self.backstage.tell(Event::Started(Box::new(run.info())));
        if !run.evaluations().is_empty() {
            self.backstage.tell(Event::Recalled(run.evaluations().to_vec()));
        }
        self.viewer.begin();
        let complete = run.is_complete();
        run.opened = self.opened.take().filter(|(data, _)| data == run.data.fingerprint()).map(|(_, set)| set);
        self.run = Some(run);
        match mode {
            Mode::Paused => self.pause(None),
            _ if complete => {
                self.take_up_owed();
                self.end()?;
            }
            mode => self.go(mode),
        }
        Ok(())
    }

    /// Judges what an earlier session was to judge on the way and did not.
    pub(super) fn take_up_owed(&mut self) {
        let Some(run) = &mut self.run else { return };
        for (step, order) in run.orders_owed(&self.jobs) {
            self.jobs.add(order.job(), step, &[UNASKED]);
        }
    }

    /// Pause, resume, step, stop and cancel, before there is a run to obey.
    pub(super) fn steer_preparing(&mut self, command: &Command) {
        let Some(preparing) = &mut self.preparing else { return };
        match command {
            Command::Pause => {
                preparing.mode = Mode::Paused;
                self.backstage.tell(Event::Paused { step: 0, reason: None });
            }
            Command::Stop => {
                self.give_up_preparing();
                self.backstage.tell(Event::Finished { step: 0, complete: false });
            }
            Command::CancelEvaluation => {
                self.cancel_deferred(|command| !is_change(command));
                self.backstage.tell(Event::EvaluationCancelled);
            }
            Command::Step => preparing.mode = preparing.mode.with_a_step(),
            _ => preparing.mode = Mode::Running,
        }
    }

    /// Nobody wants the run any more that is being made ready, nor what was asked about it.
    fn give_up_preparing(&mut self) {
        let Some(Preparing { request, .. }) = self.preparing.take() else { return };
        self.backstage.answer(request, Answer::Cancelled);
        self.cancel_deferred(|_| true);
    }

    /// Gives up what waits for the run.
    fn cancel_deferred(&mut self, unwanted: impl Fn(&Command) -> bool) {
        for waiting in std::mem::take(&mut self.deferred) {
            match unwanted(&waiting.command) {
                true => self.backstage.answer(waiting.number, Answer::Cancelled),
                false => self.deferred.push_back(waiting),
            }
        }
    }

    /// Saves a run that is left in the middle.
    pub(super) fn leave(&mut self) -> Result<()> {
        self.give_up_preparing();
        self.drop_jobs();
        self.mode = Mode::Ended;
        let Some(mut run) = self.run.take() else { return Ok(()) };
        run.pretraining.keep();
        if !run.is_complete()
            && !run.is_saved()
            && let Err(error) = run.checkpoint()
        {
            // What cannot be saved is not thrown away for something else.
            self.run = Some(run);
            self.pause(Some("the run could not be saved".to_owned()));
            return Err(error);
        }
        // A set that was opened stays open beside the next run on the same data.
        self.opened = run.opened.take().map(|set| (run.data.fingerprint().to_owned(), set));
        Ok(())
    }
}

/// True for what steers or saves the run, false for what is worked out about it.
fn is_change(command: &Command) -> bool {
    matches!(command, Command::Set { .. } | Command::Checkpoint)
}
