//! The engine behind its handle: commands, live changes, determinism, and what happens when something breaks.

mod folders;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::support::{
    assert_equal_images, assert_equal_runs, bytes, checkpoints,
    driving::{
        PATIENCE, begin, digits, folder, next, paused, plane, start, undisturbed, wait, wait_applied, wait_failed,
        wait_finished, wait_paused, wait_refused, wait_step,
    },
    lines,
};
use crossbeam_channel::RecvTimeoutError;
use spiritsafe::{
    config::RunConfig,
    engine::{Answer, Command, Engine, Event, Start, Trial},
    report::{GalleryView, Intervention, LEARNING_RATE, Wants},
    store::RunFolder,
};

fn weight(weight: f64) -> Command {
    Command::Set { control: "mean".to_owned(), value: weight }
}

fn new_weight(applied: &Intervention) -> f64 {
    assert_eq!(applied.control, "mean");
    applied.new
}

/// The steps whose line in the scalars has this weight.
fn steps_with_weight(out: &Path, weight: f64) -> Vec<u64> {
    let scalars = lines(&out.join("scalars.jsonl"));
    let with = scalars.iter().filter(|line| line["terms"][0]["weight"] == weight);
    with.map(|line| line["step"].as_u64().unwrap()).collect()
}

#[test]
fn a_paused_run_does_single_steps_and_goes_on() {
    let (config, out) = (plane(&["steps=3000"]), folder());
    let engine = paused(&config, out.path());
    // What is asked for before the run is ready counts too.
    engine.send(Command::Step);
    engine.send(Command::Step);
    assert_eq!(wait_paused(&engine), 2);
    for step in 3..=5 {
        engine.send(Command::Step);
        assert_eq!(wait_paused(&engine), step);
    }
    engine.send(Command::Resume);
    wait_step(&engine, 10);
    engine.send(Command::Pause);
    let at = wait_paused(&engine);
    assert!((10..3000).contains(&at), "{at}");
    assert!(matches!(next(&engine), Event::Answered { answer: Answer::Done, .. }));
    let quiet = engine.events().recv_timeout(Duration::from_millis(100));
    assert!(matches!(quiet, Err(RecvTimeoutError::Timeout)), "a paused engine is quiet, not {quiet:?}");
    engine.send(Command::Resume);
    assert_eq!(wait_finished(&engine), (3000, true));
    assert_equal_runs(out.path(), undisturbed(&config).path());
}

#[test]
fn a_weight_set_while_running_is_acknowledged_recorded_and_felt_by_the_very_next_step() {
    let (config, out) = (plane(&["steps=100000"]), folder());
    let engine = begin(start(&config, out.path()));
    wait_step(&engine, 20);
    engine.send(weight(0.25));
    let applied = wait_applied(&engine);
    assert_eq!(new_weight(&applied), 0.25);
    // It is on disk while the run goes on.
    assert_eq!(RunFolder::interventions(out.path()).unwrap(), std::slice::from_ref(&applied));
    wait_step(&engine, applied.step + 5);
    engine.send(Command::Stop);
    let (last, complete) = wait_finished(&engine);
    assert!(!complete);
    assert_eq!(steps_with_weight(out.path(), 0.25), (applied.step..=last).collect::<Vec<_>>());
    assert_eq!(steps_with_weight(out.path(), 1.0), (1..applied.step).collect::<Vec<_>>());
}

#[test]
fn the_learning_rate_can_be_changed_live_too() {
    let (config, out) = (plane(&[]), folder());
    let engine = paused(&config, out.path());
    wait_paused(&engine);
    engine.send(Command::Set { control: LEARNING_RATE.to_owned(), value: 0.5 });
    let applied = wait_applied(&engine);
    assert_eq!(applied, Intervention { step: 1, control: LEARNING_RATE.to_owned(), old: 0.02, new: 0.5 });
    engine.send(Command::Step);
    assert_eq!(wait_paused(&engine), 1);
    engine.send(Command::Stop);
    wait_finished(&engine);
    assert_eq!(lines(&out.path().join("scalars.jsonl"))[0]["learning_rate"], 0.5);
}

#[test]
fn of_many_slider_values_the_last_one_wins() {
    let (config, out) = (digits(&["steps=100000", "checkpoint.every=0"]), folder());
    let engine = begin(start(&config, out.path()));
    wait_step(&engine, 3);
    let values: Vec<f64> = (1..=200).map(|value| f64::from(value) / 100.0).collect();
    for &value in &values {
        engine.send(weight(value));
    }
    let mut applied = Vec::new();
    while applied.last() != Some(&2.0) {
        applied.push(new_weight(&wait_applied(&engine)));
    }
    assert!(applied.len() < 200, "values that wait together are one change, not {}", applied.len());
    let at = wait_step(&engine, 0);
    wait_step(&engine, at + 3);
    engine.send(Command::Stop);
    let (last, _) = wait_finished(&engine);
    assert_eq!(lines(&out.path().join("scalars.jsonl")).last().unwrap()["terms"][0]["weight"], 2.0);
    assert!(steps_with_weight(out.path(), 2.0).contains(&last));
}

#[test]
fn a_watched_run_computes_what_an_unwatched_run_computes() {
    for config in [plane(&[]), digits(&[])] {
        let out = folder();
        let engine = paused(&config, out.path());
        wait_paused(&engine);
        engine.send(Command::SetViewShare(1.0));
        for (number, gallery) in [GalleryView::Start, GalleryView::Now, GalleryView::Difference].into_iter().enumerate()
        {
            engine.send(Command::Watch(Wants {
                gallery: Some(gallery),
                features: true,
                pulls: number != 1,
                page: Some(spiritsafe::report::PageWanted { id: "information".to_owned(), class: 0 }),
                ..Wants::default()
            }));
            engine.send(Command::Step);
            wait_paused(&engine);
        }
        engine.send(Command::Resume);
        assert!(wait_finished(&engine).1);
        assert!(engine.frame().is_some(), "somebody looked");
        assert_equal_runs(out.path(), undisturbed(&config).path());
    }
}

#[test]
fn evaluations_exports_and_checkpoints_in_between_change_nothing() {
    let (config, out, elsewhere) = (digits(&[]), folder(), folder());
    let engine = paused(&config, out.path());
    wait_paused(&engine);
    engine.send(Command::Step);
    engine.send(Command::Evaluate(Trial { protocol: "quick@1x1".to_owned(), ..Trial::default() }));
    engine.send(Command::Checkpoint);
    engine.send(Command::Export(elsewhere.path().to_owned()));
    let exported = wait(&engine, |event| match event {
        Event::Exported(path) => Some(path.clone()),
        _ => None,
    });
    assert!(exported.starts_with(elsewhere.path()) && exported.exists());
    wait(&engine, |event| matches!(event, Event::EvaluationsDone).then_some(()));
    engine.send(Command::Evaluate(Trial { protocol: "dm@100000x1".to_owned(), ..Trial::default() }));
    engine.send(Command::CancelEvaluation);
    wait(&engine, |event| matches!(event, Event::EvaluationCancelled).then_some(()));
    engine.send(Command::Resume);
    assert!(wait_finished(&engine).1);
    assert_equal_runs(out.path(), undisturbed(&config).path());
}

#[test]
fn a_run_resumed_after_a_stop_in_the_middle_equals_an_undisturbed_one() {
    for (config, middle) in [(plane(&["steps=3000"]), 33), (digits(&["steps=100"]), 7)] {
        let out = folder();
        let engine = begin(start(&config, out.path()));
        wait_step(&engine, middle);
        engine.send(Command::Stop);
        assert!(!wait_finished(&engine).1);
        drop(engine);
        let engine = begin(Start { resume: true, ..start(&config, out.path()) });
        assert_eq!(wait_finished(&engine), (config.steps, true));
        assert_equal_runs(out.path(), undisturbed(&config).path());
    }
}

/// A run with five changes of the weight and one of the learning rate, each at a step that chance decides.
fn disturbed_by_five_changes(config: &RunConfig, out: PathBuf) {
    let engine = begin(start(config, &out));
    for (number, value) in [0.5, 2.0, 0.0, 1.5, 0.75].into_iter().enumerate() {
        wait_step(&engine, 4 * number as u64 + 2);
        engine.send(weight(value));
        wait_applied(&engine);
    }
    engine.send(Command::Set { control: LEARNING_RATE.to_owned(), value: 0.3 });
    wait_applied(&engine);
    assert!(wait_finished(&engine).1);
}

#[test]
fn a_replay_of_five_live_changes_computes_the_same() {
    for config in [plane(&["steps=1000"]), digits(&["steps=60"])] {
        let (old, new) = (folder(), folder());
        disturbed_by_five_changes(&config, old.path().to_owned());
        let script = RunFolder::interventions(old.path()).unwrap();
        assert_eq!(script.len(), 6);
        let engine = begin(Start { script, ..start(&config, new.path()) });
        assert!(wait_finished(&engine).1);
        assert_equal_runs(old.path(), new.path());
        let [old, new] = [&old, &new].map(|run| bytes(&run.path().join("interventions.jsonl")));
        assert_eq!(old, new, "a replay records the same changes");
    }
}

#[test]
fn a_change_made_by_hand_outlives_a_recorded_one_of_the_same_step() {
    let (config, out) = (plane(&["checkpoint.every=10"]), folder());
    let engine = begin(start(&config, out.path()));
    wait_step(&engine, 10);
    engine.send(Command::Pause);
    let at = wait_paused(&engine);
    engine.send(Command::Checkpoint);
    engine.send(weight(0.5));
    wait_applied(&engine);
    engine.send(Command::Stop);
    wait_finished(&engine);
    drop(engine);
    // As if the power had failed after the change was recorded and before the next step.
    let script = RunFolder::interventions(out.path()).unwrap();
    assert_eq!(script.iter().map(|applied| applied.step).collect::<Vec<_>>(), [at + 1]);
    let engine = begin(Start { resume: true, paused: true, ..start(&config, out.path()) });
    wait_paused(&engine);
    engine.send(weight(0.125));
    assert_eq!(
        wait(&engine, |event| match event {
            Event::Applied(applied) if new_weight(applied) == 0.125 => Some(applied.step),
            _ => None,
        }),
        at + 1
    );
    engine.send(Command::Resume);
    wait_finished(&engine);
    assert_eq!(steps_with_weight(out.path(), 0.125).first(), Some(&(at + 1)));
    assert_eq!(steps_with_weight(out.path(), 0.125).last(), Some(&100));
}

#[test]
fn a_handle_dropped_in_the_middle_of_a_step_ends_the_thread_and_leaves_a_checkpoint() {
    let (config, out) = (digits(&["steps=100000", "checkpoint.every=0", "real.chunk=1", "real.batch=100"]), folder());
    let engine = begin(start(&config, out.path()));
    let at = wait_step(&engine, 3);
    drop(engine); // Returns when the thread has ended.
    let left = checkpoints(out.path());
    assert_eq!(left.len(), 1);
    let scalars = lines(&out.path().join("scalars.jsonl"));
    assert!(scalars.len() as u64 >= at);
    assert!(left[0].ends_with(format!("step-{:010}.safetensors", scalars.len())), "{left:?}");
    // The folder is free again, and the run goes on where it was left.
    let shorter = RunConfig { steps: scalars.len() as u64 + 3, ..config };
    let engine = begin(Start { resume: true, ..start(&shorter, out.path()) });
    assert!(wait_finished(&engine).1);
    assert_equal_runs(out.path(), undisturbed(&shorter).path());
}

#[test]
fn a_loss_that_is_not_finite_pauses_names_its_term_and_keeps_the_last_good_state() {
    // Normalisation keeps digits of 1e30 finite, so they need more.
    for (config, rates) in [(plane(&[]), &[1e30, 1e300][..]), (digits(&[]), &[1e300])] {
        for &rate in rates {
            let out = folder();
            let engine = paused(&config, out.path());
            wait_paused(&engine);
            engine.send(Command::Watch(Wants {
                gallery: Some(GalleryView::Now),
                features: true,
                pulls: true,
                page: Some(spiritsafe::report::PageWanted { id: "information".to_owned(), class: 0 }),
                ..Wants::default()
            }));
            for step in 1..=3 {
                engine.send(Command::Step);
                assert_eq!(wait_paused(&engine), step);
            }
            engine.send(Command::Set { control: LEARNING_RATE.to_owned(), value: rate });
            engine.send(Command::Resume);
            let (message, code) = wait_failed(&engine);
            assert_eq!(code, 4, "{message}");
            let named = message.contains("the term \"mean\"") || message.contains("the images");
            assert!(named && message.contains("learning rate"), "{message}");
            let reason = wait(&engine, |event| match event {
                Event::Paused { step, reason } => Some((*step, reason.clone())),
                _ => None,
            });
            assert!(reason.1.is_some(), "nobody asked for this pause");
            // The state on disk is finite and whole, and the logs end with it.
            engine.send(Command::Stop);
            assert_eq!(wait_finished(&engine), (reason.0, false));
            let folder = out.path();
            let newest =
                spiritsafe::store::Checkpoints::new(folder.join("checkpoints"), 3).newest(|_| Ok(())).unwrap().0;
            let newest = newest.unwrap().0.saved;
            assert_eq!(newest.state.step, reason.0);
            assert!(newest.state.images.values.iter().all(|value| value.is_finite()), "rate {rate}");
            assert_eq!(lines(&folder.join("scalars.jsonl")).len() as u64, reason.0);
        }
    }
}

#[test]
fn a_refused_step_leaves_a_run_that_goes_on_when_the_cause_is_gone() {
    let (config, out) = (plane(&[]), folder());
    let engine = paused(&config, out.path());
    wait_paused(&engine);
    engine.send(Command::Set { control: LEARNING_RATE.to_owned(), value: 1e300 });
    engine.send(Command::Resume);
    wait_failed(&engine);
    wait_paused(&engine);
    engine.send(Command::Set { control: LEARNING_RATE.to_owned(), value: 0.02 });
    engine.send(Command::Resume);
    assert_eq!(wait_finished(&engine), (100, true));
    assert_equal_images(out.path(), undisturbed(&config).path());
}

#[test]
fn wrong_requests_are_refused_with_a_message_and_the_engine_stays_alive() {
    let (config, out) = (plane(&[]), folder());
    let engine = paused(&config, out.path());
    engine.send(Command::SetPace(Some(200.0)));
    wait_paused(&engine);
    let unknown = Command::Set { control: "meen".to_owned(), value: 1.0 };
    let protocol = Command::Evaluate(Trial { protocol: "best@5".to_owned(), ..Trial::default() });
    let wrong: [(Command, &[&str]); 6] = [
        (unknown, &["\"meen\"", "there are ball, ball.radius"]),
        (weight(-1.0), &["from 0 up", "-1"]),
        (weight(f64::NAN), &["from 0 up", "NaN"]),
        (Command::Set { control: LEARNING_RATE.to_owned(), value: f64::INFINITY }, &["learning_rate", "inf"]),
        (protocol, &["\"best@5\"", "dm@300x5"]),
        (Command::Export("/dev/null/there".into()), &["/dev/null/there", "is a file"]),
    ];
    for (command, words) in wrong {
        engine.send(command);
        let (message, code) = wait_refused(&engine);
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        assert!([2, 3].contains(&code), "{code}: {message}");
    }
    for odd in [f64::NAN, f64::INFINITY, -1.0, 1e19] {
        engine.send(Command::FrameDrawn(odd));
        engine.send(Command::SetViewShare(odd));
        engine.send(Command::Watch(Wants {
            gallery: None,
            features: true,
            pulls: true,
            page: Some(spiritsafe::report::PageWanted { id: "information".to_owned(), class: 0 }),
            ..Wants::default()
        }));
        engine.send(Command::Watch(Wants::default()));
    }
    engine.send(Command::Resume);
    wait_step(&engine, 3);
    engine.send(weight(-1.0));
    wait_refused(&engine);
    assert_eq!(wait_finished(&engine), (100, true), "a refused request does not stop a run that goes on");
    assert!(RunFolder::interventions(out.path()).unwrap().is_empty(), "what was refused is not recorded");
    assert_equal_runs(out.path(), undisturbed(&config).path());
}

#[test]
fn without_a_run_every_request_is_answered() {
    let engine = Engine::spawn(|| {});
    for command in [Command::Resume, Command::Step, Command::Stop, weight(1.0), Command::Checkpoint] {
        engine.send(command);
        let (message, code) = wait_refused(&engine);
        assert!(message.contains("Start one first"), "{message}");
        assert_eq!(code, 2);
    }
}

#[test]
fn a_change_that_no_step_would_feel_is_refused_and_not_recorded() {
    let (config, out) = (plane(&["steps=20"]), folder());
    let engine = begin(start(&config, out.path()));
    assert!(wait_finished(&engine).1);
    engine.send(weight(0.5));
    let (message, code) = wait_refused(&engine);
    assert!(code == 2 && message.contains("all 20 steps") && message.contains("--resume"), "{message}");
    assert!(lines(&out.path().join("interventions.jsonl")).is_empty());
}

#[test]
fn a_pace_is_kept_changed_live_and_leaves_no_trace() {
    let (config, out) = (plane(&["steps=60"]), folder());
    let engine = paused(&config, out.path());
    wait_paused(&engine);
    engine.send(Command::SetPace(Some(50.0)));
    engine.send(Command::Resume);
    let clock = Instant::now();
    wait_step(&engine, 11);
    assert!(clock.elapsed() >= Duration::from_millis(200), "ten pauses of 20 ms, not {:?}", clock.elapsed());
    engine.send(Command::SetPace(Some(0.5)));
    let at = wait_step(&engine, 11).max(11);
    engine.send(Command::Pause);
    let clock = Instant::now();
    assert!(wait_paused(&engine) <= at + 1);
    assert!(clock.elapsed() < Duration::from_secs(1), "a slow pace does not delay an answer");
    engine.send(Command::SetPace(None));
    engine.send(Command::Resume);
    assert!(wait_finished(&engine).1);
    assert_equal_runs(out.path(), undisturbed(&config).path());
}

#[test]
fn a_paused_or_finished_run_answers_what_people_want_to_see() {
    let (config, out) = (digits(&["steps=2"]), folder());
    let engine = paused(&config, out.path());
    wait_paused(&engine);
    let see = |engine: &Engine, view: GalleryView, features: bool| {
        engine.send(Command::Watch(Wants {
            gallery: Some(view),
            features,
            pulls: false,
            page: features.then(|| spiritsafe::report::PageWanted { id: "information".to_owned(), class: 0 }),
            ..Wants::default()
        }));
        let end = Instant::now() + PATIENCE;
        let shown = |engine: &Engine| {
            let frame = engine.frame()?;
            (frame.gallery.as_ref()?.view == view && frame.features.is_some() == features).then_some(frame.step)
        };
        loop {
            if let Some(step) = shown(engine) {
                return step;
            }
            assert!(Instant::now() < end, "{view:?} was never shown");
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    assert_eq!(see(&engine, GalleryView::Start, false), 0);
    assert_eq!(see(&engine, GalleryView::Difference, true), 0);
    engine.send(Command::Resume);
    assert!(wait_finished(&engine).1);
    assert_eq!(see(&engine, GalleryView::Start, true), 2);
    assert_eq!(see(&engine, GalleryView::Now, false), 2);
}
