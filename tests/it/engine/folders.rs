//! The folder of a run belongs to one engine at a time, and goes from one to the next.

use spiritsafe::{
    config::RunConfig,
    engine::{Command, Engine, Event, Start},
};

use crate::support::{
    assert_equal_runs, assert_equal_scalars, checkpoints,
    driving::{
        begin, folder, paused, plane, start, undisturbed, wait, wait_failed, wait_finished, wait_paused, wait_refused,
        wait_step,
    },
    lines,
};

#[test]
fn a_start_in_a_bad_folder_is_refused_without_a_panic_and_a_good_one_works_after_it() {
    let (config, out) = (plane(&[]), folder());
    let file = out.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let engine = Engine::spawn(|| {});
    for bad in [file.clone(), file.join("inside"), "/dev/null/there".into()] {
        engine.send(Command::Start(Box::new(start(&config, &bad))));
        let (message, code) = wait_failed(&engine);
        assert_eq!(code, 3, "{message}");
        assert!(message.contains(bad.to_str().unwrap()) && message.contains("choose another folder"), "{message}");
    }
    let empty = out.path().join("empty");
    engine.send(Command::Start(Box::new(Start { resume: true, ..start(&config, &empty) })));
    let (message, code) = wait_failed(&engine);
    assert_eq!(code, 2);
    assert!(message.contains("holds no run") && !empty.exists(), "{message}");
    let good = out.path().join("good");
    engine.send(Command::Start(Box::new(start(&config, &good))));
    assert!(wait_finished(&engine).1);
    assert_equal_scalars(&good, undisturbed(&config).path());
}

#[test]
fn a_start_while_a_run_is_under_way_saves_that_run_first() {
    let (config, one, other) = (plane(&["steps=1000000"]), folder(), folder());
    let engine = begin(start(&config, one.path()));
    wait_step(&engine, 5);
    let short = plane(&[]);
    engine.send(Command::Start(Box::new(start(&short, other.path()))));
    assert_eq!(wait_finished(&engine), (100, true));
    let saved = lines(&one.path().join("scalars.jsonl")).len();
    assert!(checkpoints(one.path()).last().unwrap().ends_with(format!("step-{saved:010}.safetensors")));
    // The folder that was left is free.
    let shorter = RunConfig { steps: saved as u64 + 1, ..config };
    let second = begin(Start { resume: true, ..start(&shorter, one.path()) });
    assert!(wait_finished(&second).1);
}

#[test]
fn one_folder_is_open_in_one_engine_at_a_time() {
    let (config, out) = (plane(&[]), folder());
    let first = paused(&config, out.path());
    wait_paused(&first);
    let second = begin(Start { resume: true, ..start(&config, out.path()) });
    let (message, code) = wait_failed(&second);
    assert_eq!(code, 2);
    assert!(message.contains(out.path().to_str().unwrap()) && message.contains("in use"), "{message}");
    drop(second);
    first.send(Command::Resume);
    assert!(wait_finished(&first).1);
    drop(first);
    assert_equal_runs(out.path(), undisturbed(&config).path());
    let again = begin(Start { resume: true, paused: true, ..start(&config, out.path()) });
    assert_eq!(wait_paused(&again), 100);
}

#[test]
fn a_finished_run_leaves_its_folder_to_others_and_takes_it_again() {
    let (config, out) = (plane(&["steps=20"]), folder());
    let first = begin(start(&config, out.path()));
    assert!(wait_finished(&first).1);
    let second = begin(Start { resume: true, paused: true, ..start(&config, out.path()) });
    assert_eq!(wait_paused(&second), 20, "a finished run is open to others");
    first.send(Command::Checkpoint);
    let (message, code) = wait_refused(&first);
    assert!(code == 2 && message.contains("in use"), "{message}");
    drop(second);
    first.send(Command::Checkpoint);
    let saved = |event: &Event| matches!(event, Event::Checkpointed { step: 20 }).then_some(());
    wait(&first, saved);
}

#[test]
fn a_stopped_run_goes_on_in_place_unless_another_program_was_faster() {
    let (config, out) = (plane(&[]), folder());
    let first = paused(&config, out.path());
    wait_paused(&first);
    first.send(Command::Step);
    wait_step(&first, 1);
    first.send(Command::Stop);
    assert_eq!(wait_finished(&first), (1, false));
    first.send(Command::Step);
    assert_eq!(wait_step(&first, 2), 2);
    first.send(Command::Stop);
    wait_finished(&first);
    let second = begin(Start { resume: true, ..start(&config, out.path()) });
    assert!(wait_finished(&second).1);
    drop(second);
    first.send(Command::Resume);
    let (message, _) = wait_failed(&first);
    assert!(message.contains("another program went on"), "{message}");
    drop(first);
    assert_equal_runs(out.path(), undisturbed(&config).path());
}
