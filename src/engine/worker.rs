//! The worker: a thread that owns the device and everything on it.
//!
//! Between two steps it takes all waiting commands; idle, it sleeps. Whatever takes long (reading data, training, judging)
//! is a task with turns of its own, so that the worker is always there to answer; pictures are made in the gaps. None of it
//! changes what the run computes. A panic becomes an event; the last good state stays on disk.

mod judging;
mod starting;
mod training;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use self::starting::Preparing;
use super::{
    Answer, Backstage, Command, Engine, Event, JudgeAtEnd, Request,
    inbox::Inbox,
    inspect::inspecting,
    jobs::{Jobs, UNASKED},
    run::{Asked, Run},
    viewer::Viewer,
};
use crate::{
    distilled::SyntheticSet,
    error::{Error, Result},
    store,
};

/// Logs are shown to other programs this often.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How long a task works while nothing else is to be done.
const IDLE_SLICE: Duration = Duration::from_millis(50);
/// A run that is held to a pace sleeps no longer than this, so that pictures that are due in between are made.
const NAP: Duration = Duration::from_millis(20);

impl Engine {
    /// Starts the real engine. `wake` is called after every event and frame.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> Self {
        Self::with(wake, |backstage| match rayon::ThreadPoolBuilder::new().build() {
            // A pool of its own: the window's drawing must not queue behind a step.
            Ok(pool) => pool.install(|| Worker::new(backstage).work()),
            Err(error) => backstage
                .tell(Event::Failed { message: format!("the operating system gives no threads: {error}"), code: 4 }),
        })
    }
}

/// What the run is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Paused,
    Running,
    /// Some single steps, then a pause.
    Steps(u64),
    /// All steps are done, the last evaluations go on.
    Ending,
    /// Nothing more will happen unless asked.
    Ended,
}

impl Mode {
    /// One single step more.
    fn with_a_step(self) -> Self {
        match self {
            Self::Steps(left) => Self::Steps(left + 1),
            _ => Self::Steps(1),
        }
    }
}

struct Worker {
    backstage: Backstage,
    inbox: Inbox,
    viewer: Viewer,
    /// A run that is being made ready.
    preparing: Option<Preparing>,
    /// Requests that wait for it.
    deferred: VecDeque<Request>,
    run: Option<Run>,
    jobs: Jobs,
    /// Analyses that wait for networks to be trained, with the request that asked.
    awaiting: Vec<(u64, Asked)>,
    /// The set that was opened beside the run before, with the fingerprint of its data set.
    opened: Option<(String, SyntheticSet)>,
    /// What is judged when all steps are done.
    judge: JudgeAtEnd,
    mode: Mode,
    /// Least time from the begin of a step to that of the next.
    pace: Duration,
    stepped: Option<Instant>,
    flushed: Instant,
    /// When the progress of the pool was told last.
    told: Option<Instant>,
    /// The requests that wait for a verdict, while evaluations go on after which one is due.
    owes_verdict: Option<Vec<u64>>,
}

/// What becomes of a request after it was obeyed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It is answered now.
    Answer,
    /// It is answered when its jobs are done.
    Wait,
    /// It is answered by whoever makes a run ready.
    Elsewhere,
}

impl Worker {
    fn new(backstage: Backstage) -> Self {
        let inbox = Inbox::new(backstage.commands.clone());
        Self {
            backstage,
            inbox,
            viewer: Viewer::default(),
            preparing: None,
            deferred: VecDeque::new(),
            run: None,
            jobs: Jobs::default(),
            awaiting: Vec::new(),
            opened: None,
            judge: JudgeAtEnd::default(),
            mode: Mode::Ended,
            pace: Duration::ZERO,
            stepped: None,
            flushed: Instant::now(),
            told: None,
            owes_verdict: None,
        }
    }

    fn work(mut self) {
        loop {
            let rest = self.rest().min(NAP);
            let request = match self.is_busy() {
                false => self.inbox.wait(),
                true if rest.is_zero() || self.has_side_work() => self.inbox.take(),
                true => self.inbox.wait_for(rest),
            };
            for replaced in self.inbox.replaced() {
                self.backstage.answer(replaced, Answer::Replaced);
            }
            if request.is_none() && self.inbox.is_closed() {
                self.guarded(Self::leave);
                return;
            }
            match request {
                Some(request) => self.take(request),
                None => self.guarded(Self::turn),
            }
        }
    }

    /// True if there is something to do without being asked.
    fn is_busy(&self) -> bool {
        let moves = matches!(self.mode, Mode::Running | Mode::Steps(_) | Mode::Ending);
        self.run.is_some() && moves || self.has_side_work()
    }

    /// True if there is something to do beside the steps: evaluations, networks that something waits for, pictures.
    fn has_side_work(&self) -> bool {
        self.preparing.is_some()
            || !self.jobs.is_empty()
            || self.run.as_ref().is_some_and(|run| {
                let awaits = (run.awaits_training() || run.has_untaken()) && self.mode != Mode::Ended;
                self.owes_verdict.is_some() || awaits || !self.awaiting.is_empty() || self.viewer.has_work(run)
            })
    }

    /// How long the next step has to wait, so that the pace is kept.
    fn rest(&self) -> Duration {
        match self.stepped {
            Some(stepped) if self.mode == Mode::Running => self.pace.saturating_sub(stepped.elapsed()),
            _ => Duration::ZERO,
        }
    }

    /// Runs a part of the work; errors and panics become events, once.
    fn guarded(&mut self, part: impl FnOnce(&mut Self) -> Result<()>) {
        match catch_unwind(AssertUnwindSafe(|| part(self))) {
            Ok(Ok(()) | Err(Error::Interrupted)) => {}
            Ok(Err(error)) => self.fail(error.to_string(), error.exit_code()),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                // What was in memory cannot be trusted any more; what is on disk can.
                self.run = None;
                self.drop_jobs();
                self.fail(format!("the engine broke down: {text}. Go on from the last checkpoint with resume"), 4);
            }
        }
    }

    fn fail(&mut self, message: String, code: u8) {
        self.backstage.tell(Event::Failed { message, code });
        if matches!(self.mode, Mode::Running | Mode::Steps(_) | Mode::Ending) {
            self.pause(Some("something failed".to_owned()));
        }
    }

    /// Obeys a request and answers it, unless its answer is still being worked out.
    fn take(&mut self, Request { number, command }: Request) {
        if self.preparing.is_some() && waits_for_a_run(&command) {
            self.deferred.push_back(Request { number, command });
            return;
        }
        let mut outcome = Err(Error::Device("the engine broke down".to_owned()));
        self.guarded(|worker| {
            outcome = worker.obey(command, number);
            Ok(())
        });
        match outcome {
            Ok(Next::Answer) => self.backstage.answer(number, Answer::Done),
            Ok(Next::Wait) => self.answer_served(&[number]),
            Ok(Next::Elsewhere) => {}
            // Said, and forgotten: the run is none the worse.
            Err(error) => self.refuse(number, &error),
        }
    }

    /// Says that a request cannot be fulfilled.
    fn refuse(&self, request: u64, error: &Error) {
        let answer = match error {
            Error::Interrupted => Answer::Cancelled,
            error => Answer::Refused { message: error.to_string(), code: error.exit_code() },
        };
        self.backstage.answer(request, answer);
        self.backstage.wake();
    }

    fn obey(&mut self, command: Command, number: u64) -> Result<Next> {
        match command {
            Command::Start(start) => {
                self.start(*start, number);
                return Ok(Next::Elsewhere);
            }
            Command::Inspect(config) => {
                for earlier in self.jobs.stop_inspecting() {
                    self.backstage.answer(earlier, Answer::Replaced);
                }
                self.jobs.add(inspecting(*config), 0, &[number]);
                return Ok(Next::Wait);
            }
            Command::OpenComparison(path) => {
                let comparison = Box::new(store::read_comparison(&path)?);
                self.backstage.tell(Event::Compared { path, comparison });
            }
            Command::Watch(wants) => self.viewer.watch(wants),
            Command::SetViewShare(share) => self.viewer.set_share(share),
            Command::FrameDrawn(secs) => self.viewer.frame_drawn(secs),
            Command::SetPace(pace) => {
                let pace = pace.filter(|pace| *pace > 0.0).map(|pace| Duration::try_from_secs_f64(pace.recip()));
                self.pace = pace.and_then(std::result::Result::ok).unwrap_or_default();
            }
            Command::Pause | Command::Resume | Command::Step | Command::Stop | Command::CancelEvaluation
                if self.preparing.is_some() =>
            {
                self.steer_preparing(&command);
            }
            Command::OpenSet { path, .. } if self.run.is_none() => {
                return Err(Error::Config(format!(
                    "{} is judged on the test images of a run's data: start a run on its data set first",
                    path.display()
                )));
            }
            command => return self.obey_about_the_run(command, number),
        }
        Ok(Next::Answer)
    }

    fn obey_about_the_run(&mut self, command: Command, number: u64) -> Result<Next> {
        let Some(run) = &mut self.run else {
            return Err(Error::Config("there is no run. Start one first".to_owned()));
        };
        if matches!(command, Command::Set { .. }) {
            run.check_can_change()?;
            // Recorded changes of the same step come first, in the file as here.
            for applied in run.follow_script()? {
                self.backstage.tell(Event::Applied(applied));
            }
        }
        match command {
            Command::Pause if matches!(self.mode, Mode::Running | Mode::Steps(_)) => self.pause(None),
            Command::Resume if !run.is_complete() => self.go(Mode::Running),
            Command::Step if !run.is_complete() => self.go(self.mode.with_a_step()),
            Command::Stop => self.stop()?,
            Command::Set { control, value } => {
                if let Some(applied) = run.arm(&control, value)? {
                    self.backstage.tell(Event::Applied(applied));
                }
            }
            Command::Checkpoint => {
                let step = run.checkpoint()?;
                self.backstage.tell(Event::Checkpointed { step });
            }
            Command::CancelEvaluation => {
                run.forgive();
                self.drop_jobs();
                self.backstage.tell(Event::EvaluationCancelled);
            }
            command => return self.work_out(command, number),
        }
        self.let_go()?;
        Ok(Next::Answer)
    }

    fn go(&mut self, mode: Mode) {
        self.mode = mode;
        self.run.iter_mut().for_each(|run| run.pretraining.retry());
        self.take_up_owed();
        self.backstage.tell(Event::Running);
    }

    fn pause(&mut self, reason: Option<String>) {
        self.mode = Mode::Paused;
        self.viewer.press();
        if let Some(run) = &self.run {
            self.backstage.tell(Event::Paused { step: run.at(), reason });
        }
    }

    /// One turn: a step, a slice of what is worked out beside it, a picture; each if it is due.
    fn turn(&mut self) -> Result<()> {
        if self.preparing.is_some() {
            self.prepare();
            if self.preparing.is_some() {
                // A look into a data set does not wait for another one to be read.
                return self.work_beside(IDLE_SLICE);
            }
        }
        let rest = self.rest();
        let mut worked = if rest.is_zero() { IDLE_SLICE } else { IDLE_SLICE.min(rest) };
        let lacks = self.run.as_ref().is_some_and(Run::lacks_training);
        if rest.is_zero() && matches!(self.mode, Mode::Running | Mode::Steps(_)) && !lacks && !self.is_at_work() {
            let clock = Instant::now();
            self.stepped = Some(clock);
            self.step()?;
            worked = clock.elapsed();
        }
        self.pretrain(worked)?;
        // What is worked out beside the run gets as much time as the run, so that neither starves.
        self.work_beside(worked)?;
        if self.owes_verdict.is_some() && self.jobs.is_empty() {
            self.pass_verdict();
        }
        self.view();
        if self.mode == Mode::Ending && self.jobs.is_empty() && self.awaiting.is_empty() {
            self.finish(true)?;
        }
        Ok(())
    }

    /// True while a task computes whose turn a command has cut short for the worker: a step would crowd it.
    fn is_at_work(&self) -> bool {
        self.jobs.is_at_work() || self.run.as_ref().is_some_and(Run::is_at_work)
    }

    /// Says how many images there are, where that has changed.
    fn tell_shape(&self, before: (usize, u64)) {
        let now = self.run.as_ref().map(Run::shape).filter(|now| *now != before);
        if let Some((per_class, bytes)) = now {
            self.backstage.tell(Event::Resized { per_class, bytes });
        }
    }

    fn step(&mut self) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        for applied in run.follow_script()? {
            self.backstage.tell(Event::Applied(applied));
        }
        if run.lacks_training() {
            return Ok(()); // A recorded change needs networks that are trained first.
        }
        let inbox = &self.inbox;
        let before = run.shape();
        let (report, secs) = match run.step(&|| inbox.wants_to_stop()) {
            Err(error @ Error::NotFinite { .. }) => {
                run.checkpoint()?; // The last good state.
                return Err(error);
            }
            other => other?,
        };
        self.backstage.tell(Event::Stepped { report, secs });
        self.tell_shape(before);
        let Some(run) = &mut self.run else { return Ok(()) };
        // Before the checkpoint, which holds what is still to be judged.
        if run.evaluation_is_due() {
            for order in run.orders_on_the_way(&self.jobs) {
                self.jobs.add(order.job(), run.at(), &[UNASKED]);
            }
        }
        if run.checkpoint_is_due() {
            let step = run.checkpoint()?;
            self.backstage.tell(Event::Checkpointed { step });
        } else if self.flushed.elapsed() > FLUSH_EVERY {
            run.flush()?;
            self.flushed = Instant::now();
        }
        if run.is_complete() {
            return self.end();
        }
        match self.mode {
            Mode::Steps(1) => self.pause(None),
            Mode::Steps(left) => self.mode = Mode::Steps(left - 1),
            _ => {}
        }
        Ok(())
    }

    fn view(&mut self) {
        let Some(run) = &mut self.run else { return };
        let (frame, faults) = self.viewer.frame(run, &self.inbox);
        for fault in faults {
            self.backstage.tell(Event::Warning(format!("a picture could not be made: {fault}")));
        }
        if let Some(frame) = frame {
            self.backstage.show(frame);
        }
    }

    fn stop(&mut self) -> Result<()> {
        self.drop_jobs();
        self.viewer.press();
        let Some(run) = &mut self.run else { return Ok(()) };
        let complete = run.is_complete();
        let saved = run.save_all();
        if saved.is_err() {
            self.pause(Some("the run could not be saved".to_owned()));
        }
        self.backstage.tell(Event::Exported(saved?));
        self.view();
        self.finish(complete)
    }

    fn finish(&mut self, complete: bool) -> Result<()> {
        self.mode = Mode::Ended;
        self.let_go()?;
        if let Some(run) = &self.run {
            self.backstage.tell(Event::Finished { step: run.at(), complete });
        }
        Ok(())
    }

    /// A run that has ended keeps its folder from nobody, unless something is still to be written.
    fn let_go(&mut self) -> Result<()> {
        match &mut self.run {
            Some(run) if self.mode == Mode::Ended && self.jobs.is_empty() => run.let_go(),
            _ => Ok(()),
        }
    }
}

/// True for what is asked about a run, and can be answered only once it stands ready.
fn waits_for_a_run(command: &Command) -> bool {
    !matches!(
        command,
        Command::Start(_)
            | Command::Inspect(_)
            | Command::OpenComparison(_)
            | Command::Watch(_)
            | Command::SetViewShare(_)
            | Command::FrameDrawn(_)
            | Command::SetPace(_)
            | Command::Pause
            | Command::Resume
            | Command::Step
            | Command::Stop
            | Command::CancelEvaluation
    )
}
