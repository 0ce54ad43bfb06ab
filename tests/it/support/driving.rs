//! Driving an engine in a test: start it, wait for what it says.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use spiritsafe::{
    config::RunConfig,
    engine::{Answer, Command, Engine, Event, Start},
    report::Intervention,
};
use tempfile::TempDir;

use super::{TINY_DIGITS, TINY_PLANE, settings};

/// Nothing here takes nearly as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn plane(more: &[&str]) -> RunConfig {
    RunConfig::preset("plane", &settings(&TINY_PLANE, more)).unwrap()
}

pub(crate) fn digits(more: &[&str]) -> RunConfig {
    RunConfig::preset("digits", &settings(&TINY_DIGITS, more)).unwrap()
}

pub(crate) fn start(config: &RunConfig, out: &Path) -> Start {
    Start::new(config.clone(), out.to_owned())
}

/// Starts an engine with a run that waits.
pub(crate) fn paused(config: &RunConfig, out: &Path) -> Engine {
    begin(Start { paused: true, ..start(config, out) })
}

pub(crate) fn begin(start: Start) -> Engine {
    let engine = Engine::spawn(|| {});
    engine.send(Command::Start(Box::new(start)));
    engine
}

/// The next event, whatever it is.
pub(crate) fn next(engine: &Engine) -> Event {
    engine.events().recv_timeout(PATIENCE).expect("the engine says something")
}

/// Waits for the first event of which `pick` makes something. A failure that is not looked for ends the test.
pub(crate) fn wait<T>(engine: &Engine, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let event = next(engine);
        if let Some(picked) = pick(&event) {
            return picked;
        }
        if let Event::Failed { message, .. } | Event::Answered { answer: Answer::Refused { message, .. }, .. } = event {
            panic!("unexpected failure: {message}");
        }
    }
    panic!("the engine never said what was waited for");
}

pub(crate) fn wait_paused(engine: &Engine) -> u64 {
    wait(engine, |event| match event {
        Event::Paused { step, .. } => Some(*step),
        _ => None,
    })
}

pub(crate) fn wait_step(engine: &Engine, at_least: u64) -> u64 {
    wait(engine, |event| match event {
        Event::Stepped { report, .. } if report.step >= at_least => Some(report.step),
        _ => None,
    })
}

pub(crate) fn wait_applied(engine: &Engine) -> Intervention {
    wait(engine, |event| match event {
        Event::Applied(applied) => Some(applied.clone()),
        _ => None,
    })
}

pub(crate) fn wait_failed(engine: &Engine) -> (String, u8) {
    wait(engine, |event| match event {
        Event::Failed { message, code } => Some((message.clone(), *code)),
        _ => None,
    })
}

pub(crate) fn wait_refused(engine: &Engine) -> (String, u8) {
    wait(engine, |event| match event {
        Event::Answered { answer: Answer::Refused { message, code }, .. } => Some((message.clone(), *code)),
        _ => None,
    })
}

pub(crate) fn wait_finished(engine: &Engine) -> (u64, bool) {
    wait(engine, |event| match event {
        Event::Finished { step, complete } => Some((*step, *complete)),
        _ => None,
    })
}

/// Runs to the end without a disturbance.
pub(crate) fn undisturbed(config: &RunConfig) -> TempDir {
    let out = folder();
    assert!(wait_finished(&begin(start(config, out.path()))).1);
    out
}
