//! Driving an engine from a terminal: what it says becomes lines, a bar and a summary.

use std::{
    cell::Cell,
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::RecvTimeoutError;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    engine::{Answer, Command, Engine, Event, Start},
    error::{Error, Result},
    report::{Artifact, Evaluation, Intervention, RunInfo, Skipped, Subject, Verdict, WhySkipped},
    words::{self, duration},
};

/// How often a pipe gets a line.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What a driven run has said.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) info: Option<RunInfo>,
    /// How it was judged: in earlier sessions first, then in this one.
    pub(super) evaluations: Vec<Evaluation>,
    pub(super) verdict: Option<Verdict>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) artifacts: Vec<Artifact>,
    /// The step at which it stands.
    pub(super) step: u64,
    /// Steps that were done and the seconds that they took, evaluations not counted.
    pub(super) steps_done: u64,
    pub(super) secs: f64,
}

impl Summary {
    /// The newest evaluation of a kind on the test split, or on the hold-out where there is none.
    pub(super) fn of(&self, subject: Subject) -> Option<&Evaluation> {
        self.evaluations.iter().rev().find(|evaluation| evaluation.subject == subject)
    }

    pub(super) fn steps_per_sec(&self) -> f64 {
        if self.secs > 0.0 { self.steps_done as f64 / self.secs } else { 0.0 }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Started(info) => {
                self.step = info.step;
                self.info = Some(*info);
            }
            Event::Stepped { report, secs } => {
                self.step = report.step;
                self.steps_done += 1;
                self.secs += secs;
            }
            Event::Recalled(evaluations) => self.evaluations = evaluations,
            Event::Evaluated(evaluation) => self.evaluations.push(evaluation),
            Event::Skipped(skipped) => self.skipped.push(skipped),
            Event::Analysed(artifact) => self.artifacts.push(*artifact),
            Event::Verdict(verdict) => self.verdict = Some(*verdict),
            _ => {}
        }
    }
}

/// Starts a run, asks for `then` once it stands, and listens until that is answered; without it until the run has ended. Ctrl-C saves and
/// stops: an error, unless all steps were done.
pub(super) fn drive(start: Start, then: Option<Command>) -> Result<Summary> {
    let interrupted = listen_for_ctrl_c();
    let engine = Engine::spawn(|| {});
    engine.send(Command::Start(Box::new(start)));
    let asked = then.map(|command| engine.send(command));
    let mut summary = Summary::default();
    let mut screen = Screen::default();
    let mut is_stopping = false;
    loop {
        if interrupted.load(Ordering::Relaxed) && !is_stopping {
            is_stopping = true;
            engine.send(Command::Stop);
        }
        let event = match engine.events().recv_timeout(Duration::from_millis(50)) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::Device("the engine ended unexpectedly".to_owned()));
            }
        };
        screen.show(&event, &summary);
        match event {
            Event::Finished { complete, .. } if asked.is_none() || is_stopping => {
                screen.close();
                let is_whole = complete && asked.is_none();
                return if is_stopping && !is_whole { Err(Error::Interrupted) } else { Ok(summary) };
            }
            Event::Failed { message, code } => return Err(failure(message, code)),
            Event::Answered { request, answer: Answer::Refused { message, code } } if Some(request) == asked => {
                screen.close();
                return Err(failure(message, code));
            }
            Event::Answered { request, answer: Answer::Done } if Some(request) == asked => {
                screen.close();
                return Ok(summary);
            }
            event => summary.take(event),
        }
    }
}

/// An engine's failure as an error with the same text and exit code.
fn failure(message: String, code: u8) -> Error {
    match code {
        2 => Error::Config(message),
        3 => Error::Data(message),
        _ => Error::Device(message),
    }
}

fn listen_for_ctrl_c() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    // A second handler in one process is refused; the first one does then.
    let _ = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130); // Asked twice: do not even save.
        }
        eprintln!("stopping: what is not saved yet is saved (press again to leave at once)");
    });
    flag
}

/// A bar on a terminal, lines in a pipe.
#[derive(Default)]
struct Screen {
    bar: Option<ProgressBar>,
    said: Cell<Option<Instant>>,
}

impl Screen {
    fn show(&mut self, event: &Event, summary: &Summary) {
        match event {
            Event::Started(info) => self.open(info),
            Event::Stepped { report, .. } => {
                let text = format!("loss {:.4}", report.total);
                let of = summary.info.as_ref().map_or(0, |info| info.steps);
                match &self.bar {
                    Some(bar) => {
                        bar.set_position(report.step);
                        bar.set_message(text);
                    }
                    None if report.step == of || self.is_due() => {
                        // The first one is not counted yet.
                        let is_known = summary.steps_done > 0;
                        let pace = is_known.then(|| format!("{:.1} steps/s, ", summary.steps_per_sec()));
                        eprintln!("step {}/{of}, {}{text}", report.step, pace.unwrap_or_default());
                    }
                    None => {}
                }
            }
            Event::Evaluating { what, done, secs_left } => match &self.bar {
                Some(bar) => bar.set_message(format!("judging {what}: {:.0} %", done * 100.0)),
                None if secs_left.is_finite() && (*done == 0.0 || self.is_due()) => {
                    eprintln!("judging {what}: {:.0} % done, about {} left", done * 100.0, duration(*secs_left));
                }
                None => {}
            },
            Event::Pretraining { what, done, secs_left } => match &self.bar {
                Some(bar) => bar.set_message(format!("training {what}: {:.0} %", done * 100.0)),
                None if self.is_due() => {
                    eprintln!("training {what}: about {} left", duration(*secs_left));
                }
                None => {}
            },
            Event::Pretrained { what } => self.line(&format!("trained on the real images: {what}")),
            Event::Evaluated(evaluation) => self.line(&describe(evaluation)),
            Event::Note(text) | Event::Warning(text) => self.line(&format!("note: {text}")),
            // Whoever asked for less knows it; the JSON names that too.
            Event::Skipped(Skipped { why: WhySkipped::NotAsked, .. }) => {}
            Event::Skipped(skipped) => self.line(&format!("not judged: {}", skipped.describe())),
            Event::Applied(intervention) => {
                let Intervention { step, control, old, new } = intervention;
                self.line(&format!("from step {step}: {control} {old} to {new}"));
            }
            Event::Failed { .. } => self.close(),
            _ => {}
        }
    }

    fn open(&mut self, info: &RunInfo) {
        eprintln!(
            "{}: {} classes of {}, {} each, {} steps, seed {}, {}",
            info.name,
            info.classes.len(),
            info.data.name,
            info.per_class,
            info.steps,
            info.seed,
            info.device
        );
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(info.steps);
            let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {per_sec} {eta} {msg}");
            bar.set_style(style.expect("a fixed template"));
            bar.set_position(info.step);
            self.bar = Some(bar);
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    fn is_due(&self) -> bool {
        let due = self.said.get().is_none_or(|said| said.elapsed() > LINE_EVERY);
        if due {
            self.said.set(Some(Instant::now()));
        }
        due
    }

    fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// An accuracy with everything that belongs beside it.
pub(super) fn describe(evaluation: &Evaluation) -> String {
    let subject = evaluation.subject.describe();
    let accuracy = &evaluation.accuracy;
    let images = match evaluation.tested_on {
        crate::report::TestedOn::Holdout => "hold-out",
        crate::report::TestedOn::Test => "test split",
    };
    let spread = evaluation.spread().describe().map_or_else(String::new, |spread| format!(", spread {spread}"));
    format!(
        "step {}, {subject}: {} ({}, {}{spread}, {images}, {})",
        evaluation.step,
        words::percent(accuracy.mean, accuracy.std, accuracy.repeats),
        accuracy.protocol,
        words::counted(accuracy.repeats as u64, "network", "networks"),
        words::bytes(evaluation.bytes as f64)
    )
}
