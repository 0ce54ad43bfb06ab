//! The engine behind its handle: steering, resuming, replaying, failing.

mod support;

use std::{fs, path::Path, time::Duration};

use spiritsafe::{
    config::RunConfig,
    engine::{Command, Engine, Event, Start},
    report::{Change, Intervention, StepReport, Wants},
    store::RunFolder,
};
use support::{TINY, assert_same_run};

fn start(preset: &str, settings: &[&str], out: &Path) -> Start {
    let usual: &[&str] = if preset == "digits" { &TINY } else { &[] };
    let settings: Vec<String> = usual.iter().chain(settings).map(|&setting| setting.to_owned()).collect();
    let config = RunConfig::preset(preset, &settings).unwrap();
    Start { config, out: out.to_owned(), resume: false, script: Vec::new(), paused: false }
}

/// The next event that `wanted` accepts; the others are dropped.
fn wait<T>(engine: &Engine, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = engine.events().recv_timeout(Duration::from_secs(60)).expect("the engine fell silent");
        if let Some(found) = wanted(event) {
            return found;
        }
    }
}

fn finished(event: Event) -> Option<()> {
    match event {
        Event::Finished { .. } => Some(()),
        Event::Failed { message, .. } => panic!("{message}"),
        _ => None,
    }
}

fn paused(event: Event) -> Option<u64> {
    if let Event::Paused { step, .. } = event { Some(step) } else { None }
}

fn applied(event: Event) -> Option<Intervention> {
    if let Event::Applied(intervention) = event { Some(intervention) } else { None }
}

fn failed(event: Event) -> Option<String> {
    if let Event::Failed { message, .. } = event { Some(message) } else { None }
}

fn run_whole(start: Start) {
    let engine = Engine::spawn(|| {});
    engine.send(Command::Start(Box::new(start)));
    wait(&engine, finished);
}

#[test]
fn a_run_pauses_steps_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::spawn(|| {});
    let start = Start { paused: true, ..start("digits", &["steps=8"], &folder.path().join("a")) };
    engine.send(Command::Start(Box::new(start)));
    assert_eq!(wait(&engine, paused), 0);
    for step in 1..=3 {
        engine.send(Command::Step);
        assert_eq!(wait(&engine, paused), step);
    }
    engine.send(Command::Resume);
    wait(&engine, finished);
    assert_eq!(RunFolder::scalars(&folder.path().join("a")).unwrap().len(), 8);
}

#[test]
fn a_weight_set_while_running_is_felt_by_the_very_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a");
    let engine = Engine::spawn(|| {});
    engine.send(Command::Start(Box::new(start("digits", &["steps=60"], &out))));
    wait(&engine, |event| matches!(event, Event::Stepped { .. }).then_some(()));
    // Of several values that wait together only the last one counts.
    for weight in [0.9, 0.8, 0.25] {
        engine.send(Command::SetWeight { term: "mean".to_owned(), weight });
    }
    let last = loop {
        let intervention = wait(&engine, applied);
        if matches!(intervention.change, Change::Weight { new: 0.25, .. }) {
            break intervention;
        }
    };
    wait(&engine, finished);
    let scalars = RunFolder::scalars(&out).unwrap();
    let weight = |report: &StepReport| report.terms[0].weight;
    for report in &scalars {
        assert_eq!(weight(report) == 0.25, report.step >= last.step, "step {}", report.step);
    }
    assert!(RunFolder::interventions(&out).unwrap().contains(&last));
}

#[test]
fn a_replay_with_five_live_changes_computes_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (first, again) = (folder.path().join("first"), folder.path().join("again"));
    let engine = Engine::spawn(|| {});
    let paused_start = Start { paused: true, ..start("digits", &["steps=20"], &first) };
    engine.send(Command::Start(Box::new(paused_start.clone())));
    wait(&engine, paused);
    for weight in [2.0, 0.0, 0.5, 3.0] {
        engine.send(Command::SetWeight { term: "mean".to_owned(), weight });
        wait(&engine, applied);
        // Asked twice at once, two steps are done.
        let step = RunFolder::interventions(&first).unwrap().last().unwrap().step;
        engine.send(Command::Step);
        engine.send(Command::Step);
        wait(&engine, |event| paused(event).filter(|&at| at == step + 1));
    }
    engine.send(Command::SetLearningRate(0.3));
    engine.send(Command::Resume);
    wait(&engine, finished);
    let script = RunFolder::interventions(&first).unwrap();
    assert_eq!(script.len(), 5);
    run_whole(Start { script, out: again.clone(), paused: false, ..paused_start });
    assert_same_run(&first, &again);
    assert_eq!(RunFolder::interventions(&first).unwrap(), RunFolder::interventions(&again).unwrap());
}

#[test]
fn being_watched_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, watched) = (folder.path().join("plain"), folder.path().join("watched"));
    run_whole(start("digits", &["steps=40"], &plain));
    let engine = Engine::spawn(|| {});
    let gallery = Some(spiritsafe::report::GalleryView::Difference);
    engine.send(Command::Watch(Wants { gallery, features: true, pulls: true }));
    engine.send(Command::Start(Box::new(start("digits", &["steps=40"], &watched))));
    wait(&engine, finished);
    let frame = engine.frame().expect("a watched run shows frames");
    assert_eq!(frame.step, 40, "the last frame is that of the last step");
    assert_eq!(frame.gallery.as_ref().unwrap().grid, [2, 10]);
    assert_same_run(&plain, &watched);
}

#[test]
fn a_stopped_run_resumed_equals_an_undisturbed_one() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, stopped) = (folder.path().join("plain"), folder.path().join("stopped"));
    run_whole(start("digits", &["steps=30"], &plain));
    let engine = Engine::spawn(|| {});
    engine.send(Command::Start(Box::new(start("digits", &["steps=30"], &stopped))));
    wait(&engine, |event| matches!(&event, Event::Stepped { report, .. } if report.step == 12).then_some(()));
    engine.send(Command::Stop);
    wait(&engine, finished);
    drop(engine);
    run_whole(Start { resume: true, ..start("digits", &["steps=30"], &stopped) });
    assert_same_run(&plain, &stopped);
}

#[test]
fn a_change_that_was_recorded_before_a_crash_is_applied_again_at_its_step() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, crashed) = (folder.path().join("plain"), folder.path().join("crashed"));
    let change = Change::Weight { term: "mean".to_owned(), old: 1.0, new: 0.1 };
    let script = vec![Intervention { step: 8, change }];
    run_whole(Start { script, ..start("digits", &["steps=20"], &plain) });
    // A folder as a crash at step 9 leaves it: the change of step 8 is on disk, the checkpoint is that of step 5.
    run_whole(start("digits", &["steps=5"], &crashed));
    fs::copy(plain.join("interventions.jsonl"), crashed.join("interventions.jsonl")).unwrap();
    run_whole(Start { resume: true, ..start("digits", &["steps=20"], &crashed) });
    assert_same_run(&plain, &crashed);
}

#[test]
fn dropping_the_handle_in_the_middle_of_a_run_saves_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a");
    let engine = Engine::spawn(|| {});
    engine.send(Command::Start(Box::new(start("digits", &["steps=100000", "checkpoint.every=0"], &out))));
    wait(&engine, |event| matches!(event, Event::Stepped { .. }).then_some(()));
    drop(engine);
    assert_eq!(fs::read_dir(out.join("checkpoints")).unwrap().count(), 1);
}

#[test]
fn a_number_that_is_not_finite_pauses_names_the_term_and_keeps_the_last_good_state() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a");
    let engine = Engine::spawn(|| {});
    engine.send(Command::Start(Box::new(start("plane", &["optimizer.learning_rate=1e30"], &out))));
    let message = wait(&engine, failed);
    assert!(message.contains("\"mean\"") && message.contains("learning rate"), "{message}");
    let step = wait(&engine, paused);
    assert_eq!(RunFolder::scalars(&out).unwrap().len() as u64, step);
    // It can be mended and goes on.
    engine.send(Command::SetLearningRate(0.0));
    wait(&engine, applied);
    engine.send(Command::Stop);
    wait(&engine, finished);
}

#[test]
fn wrong_requests_are_refused_and_the_engine_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::spawn(|| {});
    engine.send(Command::Pause);
    assert!(wait(&engine, failed).contains("no run"));
    engine.send(Command::Start(Box::new(start("digits", &["steps=10"], Path::new("/dev/null/run")))));
    assert!(wait(&engine, failed).contains("/dev/null/run"));
    let good = Start { paused: true, ..start("digits", &["steps=10"], &folder.path().join("a")) };
    engine.send(Command::Start(Box::new(good)));
    wait(&engine, paused);
    engine.send(Command::SetWeight { term: "charm".to_owned(), weight: 1.0 });
    assert!(wait(&engine, failed).contains("it has mean"));
    engine.send(Command::SetWeight { term: "mean".to_owned(), weight: -1.0 });
    assert!(wait(&engine, failed).contains("from 0 up"));
    engine.send(Command::Evaluate { protocol: "best@1".to_owned() });
    assert!(wait(&engine, failed).contains("dm@300x5"));
    engine.send(Command::Resume);
    wait(&engine, finished);
}

#[test]
fn two_engines_cannot_write_into_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a");
    let first = Engine::spawn(|| {});
    first.send(Command::Start(Box::new(start("digits", &["steps=100000"], &out))));
    wait(&first, |event| matches!(event, Event::Stepped { .. }).then_some(()));
    let second = Engine::spawn(|| {});
    second.send(Command::Start(Box::new(Start { resume: true, ..start("digits", &[], &out) })));
    assert!(wait(&second, failed).contains("another program"));
    drop(first);
    second.send(Command::Start(Box::new(Start { resume: true, paused: true, ..start("digits", &[], &out) })));
    assert!(wait(&second, paused) > 0);
}
