//! The worker: a thread that owns the device and everything on it.
//!
//! Between two steps it takes all waiting commands; idle, it sleeps. Evaluations and pictures are made in the gaps and
//! never change what the run computes. A panic becomes an event; the last good state stays on disk.

mod judging;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Backstage, Command, Engine, Event, Start, inbox::Inbox, inspect::inspect, jobs::Jobs,
    pretraining::TrainingProgress, run::Run, viewer::Viewer,
};
use crate::{
    distill::Pretrained,
    error::{Error, Result},
    store,
};

/// Logs are shown to other programs this often.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How long an evaluation or a training works while nothing else is to be done.
const IDLE_SLICE: Duration = Duration::from_millis(50);
/// Progress of a training is told this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
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

struct Worker {
    backstage: Backstage,
    inbox: Inbox,
    viewer: Viewer,
    run: Option<Run>,
    jobs: Jobs,
    mode: Mode,
    /// Least time from the begin of a step to that of the next.
    pace: Duration,
    stepped: Option<Instant>,
    flushed: Instant,
    /// When the progress of the pool was told last.
    told: Option<Instant>,
    /// True while evaluations go on after which a verdict is due.
    owes_verdict: bool,
}

impl Worker {
    fn new(backstage: Backstage) -> Self {
        let inbox = Inbox::new(backstage.commands.clone());
        Self {
            backstage,
            inbox,
            viewer: Viewer::default(),
            run: None,
            jobs: Jobs::default(),
            mode: Mode::Ended,
            pace: Duration::ZERO,
            stepped: None,
            flushed: Instant::now(),
            told: None,
            owes_verdict: false,
        }
    }

    fn work(mut self) {
        loop {
            let rest = self.rest().min(NAP);
            let command = match self.is_busy() {
                false => self.inbox.wait(),
                true if rest.is_zero() || self.has_side_work() => self.inbox.take(),
                true => self.inbox.wait_for(rest),
            };
            if command.is_none() && self.inbox.is_closed() {
                self.guarded(Self::leave);
                return;
            }
            match command {
                Some(command @ Command::Start(_)) => self.guarded(|worker| worker.obey(command)),
                Some(command) => self.guarded(|worker| {
                    // Said, and forgotten: the run is none the worse.
                    worker.obey(command).or_else(|error| {
                        let (message, code) = (error.to_string(), error.exit_code());
                        worker.backstage.tell(Event::Refused { message, code });
                        Ok(())
                    })
                }),
                None => self.guarded(Self::turn),
            }
        }
    }

    /// True if there is something to do without being asked.
    fn is_busy(&self) -> bool {
        let moves = matches!(self.mode, Mode::Running | Mode::Steps(_) | Mode::Ending);
        self.run.is_some() && (moves || self.has_side_work())
    }

    /// True if there is something to do beside the steps: evaluations, networks that something waits for, pictures.
    fn has_side_work(&self) -> bool {
        self.run.as_ref().is_some_and(|run| {
            let awaits = run.awaits_training() && self.mode != Mode::Ended;
            !self.jobs.is_empty() || self.owes_verdict || awaits || self.viewer.has_work(run)
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
                self.jobs.clear();
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

    fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Start(start) => return self.start(*start),
            Command::Inspect(config) => {
                let summary = inspect(&config)?;
                self.backstage.tell(Event::Inspected(Box::new(summary)));
                return Ok(());
            }
            Command::OpenComparison(path) => {
                self.backstage.tell(Event::Compared(Box::new(store::read_comparison(&path)?)));
                return Ok(());
            }
            Command::OpenSet(path) if self.run.is_none() => {
                return Err(Error::Config(format!(
                    "{} is judged on the test images of a run's data: start a run on its data set first",
                    path.display()
                )));
            }
            Command::Watch(wants) => {
                self.viewer.watch(wants);
                return Ok(());
            }
            Command::SetViewShare(share) => {
                self.viewer.set_share(share);
                return Ok(());
            }
            Command::FrameDrawn(secs) => {
                self.viewer.frame_drawn(secs);
                return Ok(());
            }
            Command::SetPace(pace) => {
                let pace = pace.filter(|pace| *pace > 0.0).map(|pace| Duration::try_from_secs_f64(pace.recip()));
                self.pace = pace.and_then(std::result::Result::ok).unwrap_or_default();
                return Ok(());
            }
            _ => {}
        }
        let Some(run) = &mut self.run else {
            return Err(Error::Config("there is no run. Start one first".to_owned()));
        };
        if matches!(command, Command::SetWeight { .. } | Command::SetParameter { .. } | Command::SetLearningRate(_)) {
            // Recorded changes of the same step come first, in the file as here.
            for applied in run.follow_script()? {
                self.backstage.tell(Event::Applied(applied));
            }
        }
        match command {
            Command::Pause if matches!(self.mode, Mode::Running | Mode::Steps(_)) => self.pause(None),
            Command::Resume if !run.is_complete() => self.go(Mode::Running),
            Command::Step if !run.is_complete() => self.go(match self.mode {
                Mode::Steps(left) => Mode::Steps(left + 1),
                _ => Mode::Steps(1),
            }),
            Command::Stop => return self.stop(),
            Command::SetWeight { term, weight } => {
                if let Some(applied) = run.arm(&term, weight)? {
                    self.backstage.tell(Event::Applied(applied));
                }
            }
            Command::SetParameter { term, parameter, value } => {
                let applied = run.set_parameter((&term, &parameter), value, true)?;
                self.backstage.tell(Event::Applied(applied));
            }
            Command::SetLearningRate(rate) => {
                let applied = run.set_learning_rate(rate, true)?;
                self.backstage.tell(Event::Applied(applied));
            }
            Command::Evaluate(trial) => return self.begin_evaluation(&trial),
            Command::Judge => return self.begin_verdict(),
            Command::JudgeOnMap => return self.judge_on_map(),
            Command::MeasureDistances => return self.measure_distances(),
            Command::Fuse { data, folder } => return self.fuse(&data, &folder),
            Command::CancelEvaluation => {
                self.jobs.clear();
                self.owes_verdict = false;
                self.backstage.tell(Event::EvaluationCancelled);
            }
            Command::Checkpoint => {
                let step = run.checkpoint()?;
                self.backstage.tell(Event::Checkpointed { step });
            }
            Command::Export(folder) => {
                let judges = run.export_set(folder.clone(), &self.jobs)?;
                self.backstage.tell(Event::Exported(folder));
                self.jobs.add(judges, run.at());
            }
            Command::OpenSet(path) => {
                let (note, judge) = run.open_set(&path)?;
                self.backstage.tell(Event::Opened(format!("{}: {note}", path.display())));
                self.jobs.add(vec![judge], run.at());
                self.viewer.press();
            }
            Command::ExportSelection { what, folder } => {
                run.export_selection(what, &folder)?;
                self.backstage.tell(Event::Exported(folder));
            }
            // Asked too late, or handled above.
            _ => {}
        }
        self.let_go()
    }

    fn start(&mut self, start: Start) -> Result<()> {
        self.leave()?;
        self.backstage.tell(Event::Preparing(format!("reading {}", start.config.data)));
        let paused = start.paused;
        let (run, warnings) = Run::open(start)?;
        warnings.into_iter().for_each(|warning| self.backstage.tell(Event::Warning(warning)));
        self.backstage.tell(Event::Started(Box::new(run.info())));
        self.viewer.begin();
        let complete = run.is_complete();
        self.run = Some(run);
        match (complete, paused) {
            (_, true) => self.pause(None),
            (true, false) => self.end()?,
            (false, false) => self.go(Mode::Running),
        }
        Ok(())
    }

    fn go(&mut self, mode: Mode) {
        self.mode = mode;
        self.run.iter_mut().for_each(|run| run.pretraining.retry());
        self.backstage.tell(Event::Running);
    }

    fn pause(&mut self, reason: Option<String>) {
        self.mode = Mode::Paused;
        self.viewer.press();
        if let Some(run) = &self.run {
            self.backstage.tell(Event::Paused { step: run.at(), reason });
        }
    }

    /// One turn: a step, a slice of an evaluation, a picture; what of it is due.
    fn turn(&mut self) -> Result<()> {
        let rest = self.rest();
        let mut worked = if rest.is_zero() { IDLE_SLICE } else { IDLE_SLICE.min(rest) };
        let lacks = self.run.as_ref().is_some_and(Run::lacks_training);
        if rest.is_zero() && matches!(self.mode, Mode::Running | Mode::Steps(_)) && !lacks {
            let clock = Instant::now();
            self.stepped = Some(clock);
            self.step()?;
            worked = clock.elapsed();
        }
        self.pretrain(worked)?;
        // An evaluation gets as much time as the run, so that neither starves.
        self.evaluate(worked)?;
        if self.owes_verdict && self.jobs.is_empty() {
            self.pass_verdict()?;
        }
        self.view();
        if self.mode == Mode::Ending && self.jobs.is_empty() {
            self.finish(true)?;
        }
        Ok(())
    }

    /// Works on the networks that something waits for, as long as on the run.
    fn pretrain(&mut self, budget: Duration) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let for_the_eyes = self.viewer.wants_lens(run);
        if !run.awaits_training() && !for_the_eyes {
            return Ok(());
        }
        let budget = if run.lacks_training() { IDLE_SLICE } else { budget.min(IDLE_SLICE) };
        let TrainingProgress { what, done, secs_left } = run.pretraining.advance(budget)?;
        let latent = run.pretraining.latent().filter(|_| run.method.lacks_latent());
        let lens = run.pretraining.lens().filter(|_| for_the_eyes && !run.awaits_training());
        let trained = match (latent, run.pretraining.pool(), lens) {
            (Some(latent), ..) => Some(format!("an autoencoder with {} dimensions and its prior", latent.dimensions())),
            (_, Some(pool), _) => Some(describe_pool(pool)),
            (.., Some(lens)) => Some(describe_pool(std::slice::from_ref(lens))),
            _ => None,
        };
        if let Some(what) = trained {
            self.backstage.tell(Event::Pretrained { what });
            let before = run.shape();
            for applied in run.take_trained()? {
                self.backstage.tell(Event::Applied(applied));
            }
            self.tell_shape(before);
            self.viewer.press();
        } else if self.told.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY) {
            self.told = Some(Instant::now());
            self.backstage.tell(Event::Pretraining { what, done, secs_left });
        }
        Ok(())
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
        if run.checkpoint_is_due() {
            let step = run.checkpoint()?;
            self.backstage.tell(Event::Checkpointed { step });
        } else if self.flushed.elapsed() > FLUSH_EVERY {
            run.flush()?;
            self.flushed = Instant::now();
        }
        if run.evaluation_is_due() {
            let judges = run.judges(run.config.evaluation.during, &self.jobs)?;
            self.jobs.add(judges, run.at());
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
        match self.viewer.frame(run) {
            Ok(Some(frame)) => self.backstage.show(frame),
            Ok(None) => {}
            Err(error) => {
                // Said once, not at every turn; the run itself goes on.
                self.viewer.look_away();
                self.backstage.tell(Event::Warning(format!("a picture could not be made: {error}")));
            }
        }
    }

    fn stop(&mut self) -> Result<()> {
        self.jobs.clear();
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

    /// Saves a run that is left in the middle.
    fn leave(&mut self) -> Result<()> {
        self.jobs.clear();
        self.owes_verdict = false;
        self.mode = Mode::Ended;
        let Some(mut run) = self.run.take() else { return Ok(()) };
        run.pretraining.keep();
        if run.is_complete() || run.is_saved() { Ok(()) } else { run.checkpoint().map(drop) }
    }
}

/// The networks of a pool in words, with their mean accuracy on the hold-out, where there is one.
fn describe_pool(pool: &[Arc<Pretrained>]) -> String {
    let accuracies: Vec<f64> = pool.iter().filter_map(|pretrained| pretrained.accuracy).collect();
    let accuracy = 100.0 * accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let right = if accuracies.is_empty() { String::new() } else { format!(", {accuracy:.1} % right on the hold-out") };
    let networks = if pool.len() == 1 { "a network".to_owned() } else { format!("{} networks", pool.len()) };
    format!("{networks}: {}{right}", pool[0].name)
}
