//! The constraints of IID in a running engine: armed live, with networks that are trained beside the run, exact on
//! resume and replay.

use std::{path::Path, sync::atomic::AtomicU64};

use crate::support::{
    assert_equal_images, assert_equal_runs,
    driving::{
        begin, digits, folder, paused, start, undisturbed, wait, wait_applied, wait_finished, wait_paused,
        wait_refused, wait_step,
    },
    lines,
};
use spiritsafe::{
    config::RunConfig,
    engine::{Command, Engine, Event, Start},
    methods::matching::terms::TermsSpec,
    report::{Intervention, Wants},
    store::RunFolder,
};

/// A seed for which no earlier test has left networks in the cache.
fn fresh_seed() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("seed={}", since.as_micros() as u64 / 16 * 16 + next)
}

/// Digits with a pool that takes a moment to train.
fn with_pool(more: &[&str]) -> RunConfig {
    let pool = ["pool.size=2", "pool.epochs=2", "pool.network={kind=\"convnet\",width=8,depth=2,padding=1}"];
    digits(&[&pool, more].concat())
}

fn arm(term: &str, weight: f64) -> Command {
    Command::Set { control: term.to_owned(), value: weight }
}

/// What the lines of the scalars say about a term: step and weight, where it was computed.
fn steps_of(out: &Path, term: &str) -> Vec<(u64, f64)> {
    let of_line = |line: serde_json::Value| {
        let terms = line["terms"].as_array().unwrap().clone();
        let value = terms.into_iter().find(|value| value["term"] == term)?;
        assert!(value["raw"].as_f64().unwrap().is_finite());
        Some((line["step"].as_u64().unwrap(), value["weight"].as_f64().unwrap()))
    };
    lines(&out.join("scalars.jsonl")).into_iter().filter_map(of_line).collect()
}

/// True once the engine has said that a pool is being trained.
fn wait_training(engine: &Engine) -> String {
    wait(engine, |event| match event {
        Event::Pretraining { what, done, .. } => {
            assert!((0.0..=1.0).contains(done));
            Some(what.clone())
        }
        _ => None,
    })
}

#[test]
fn a_term_that_is_armed_while_the_run_goes_on_joins_when_its_networks_are_trained() {
    let (config, out) = (with_pool(&["steps=1000000", "pool.epochs=60", &fresh_seed()]), folder());
    let engine = begin(start(&config, out.path()));
    wait_step(&engine, 3);
    engine.send(arm("centralization", 0.05));
    assert_eq!(wait_training(&engine), "network 1 of 2");
    let mut stepped = 0;
    let applied = wait(&engine, |event| match event {
        Event::Stepped { .. } => {
            stepped += 1;
            None
        }
        Event::Applied(applied) => Some(applied.clone()),
        _ => None,
    });
    assert!(stepped > 0, "the run goes on while networks are trained");
    wait_step(&engine, applied.step + 5);
    engine.send(Command::Stop);
    wait_finished(&engine);
    let steps = steps_of(out.path(), "centralization");
    assert_eq!(steps.first(), Some(&(applied.step, 0.05)), "it joins at the step that is recorded");
    assert_eq!(RunFolder::interventions(out.path()).unwrap(), [applied]);
}

#[test]
fn runs_with_a_pool_resume_and_replay_to_the_bit() {
    let config = with_pool(&["terms.covariance={weight=0.01}", "terms.ball={weight=0.001,radius=0.5}", &fresh_seed()]);
    let out = folder();
    let engine = begin(start(&config, out.path()));
    wait_step(&engine, 4);
    engine.send(Command::Set { control: "ball.radius".to_owned(), value: 0.25 });
    let radius = wait_applied(&engine);
    assert_eq!((radius.control.as_str(), radius.old, radius.new), ("ball.radius", 0.5, 0.25));
    engine.send(arm("centralization", 0.02));
    wait_applied(&engine);
    wait_step(&engine, radius.step + 5);
    engine.send(Command::Stop);
    wait_finished(&engine);
    drop(engine);
    assert!(wait_finished(&begin(Start { resume: true, ..start(&config, out.path()) })).1);
    // Another engine plays the recorded changes from the start.
    let again = folder();
    let script = RunFolder::interventions(out.path()).unwrap();
    assert_eq!(script.len(), 2);
    assert!(wait_finished(&begin(Start { script, ..start(&config, again.path()) })).1);
    assert_equal_runs(out.path(), again.path());
    let radii = RunFolder::scalars(out.path()).unwrap();
    let radius_at = |step: u64| {
        radii[step as usize - 1]
            .terms
            .iter()
            .find(|term| term.term == "ball")
            .unwrap()
            .parameters
            .get("radius")
            .copied()
    };
    assert_eq!(
        [radius_at(radius.step - 1), radius_at(radius.step)],
        [Some(0.5), Some(0.25)],
        "the very next step feels it"
    );
}

#[test]
fn a_replayed_arming_trains_its_networks_first_and_joins_at_the_recorded_step() {
    let (config, out) = (with_pool(&[&fresh_seed()]), folder());
    let script = vec![Intervention { step: 7, control: "centralization".to_owned(), old: 0.0, new: 0.05 }];
    assert!(wait_finished(&begin(Start { script, ..start(&config, out.path()) })).1);
    let steps: Vec<u64> = steps_of(out.path(), "centralization").into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, (7..=30).collect::<Vec<_>>());
}

#[test]
fn a_pool_that_is_given_up_goes_on_where_it_stood_and_gives_the_same_networks() {
    let seed = fresh_seed();
    let config = with_pool(&["terms.centralization={weight=0.05}", "pool.epochs=40", &seed]);
    let out = folder();
    for _ in 0..3 {
        let engine = begin(start(&config, folder().path()));
        wait_training(&engine);
        drop(engine); // Keeps the half-trained network.
    }
    assert!(wait_finished(&begin(start(&config, out.path()))).1);
    let steps = steps_of(out.path(), "centralization");
    assert_eq!((steps.len(), steps[0]), (30, (1, 0.05)), "nothing is stepped before the networks are there");
    // The same networks trained in one go: in a cache of its own.
    let (alone, cache) = (folder(), folder());
    let settings =
        ["terms.centralization.weight=0.05", &seed, "images.per_class=2", "network.width=8", "real.batch=16"];
    let rest = ["pool.size=2", "pool.epochs=40", "pool.network={kind=\"convnet\",width=8,depth=2,padding=1}"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_spiritsafe"));
    command.env("SPIRITSAFE_CACHE", cache.path()).args(["distill", "--preset", "digits", "--steps", "30"]);
    for setting in settings.iter().chain(&rest) {
        command.args(["--set", setting]);
    }
    command.args(["--set", "evaluation.every=0", "--set", "evaluation.last=\"dm@1x1\""]);
    let output = command.arg("--out").arg(alone.path().join("run")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_equal_images(out.path(), &alone.path().join("run"));
}

#[test]
fn muting_a_term_that_waits_for_its_networks_lets_the_run_begin() {
    let config = with_pool(&["terms.centralization={weight=0.05}", "pool.epochs=100000", &fresh_seed()]);
    let out = folder();
    let engine = begin(start(&config, out.path()));
    wait_training(&engine);
    engine.send(arm("centralization", 0.0));
    assert_eq!(wait_applied(&engine).step, 1);
    assert_eq!(wait_finished(&engine), (30, true));
    assert!(steps_of(out.path(), "centralization").is_empty());
}

#[test]
fn with_one_image_in_each_class_iid_is_dm() {
    let constraints = ["terms.covariance={weight=0.01}", "terms.centralization={weight=0.05}", "terms.ball={weight=1}"];
    let iid = undisturbed(&with_pool(&[&constraints[..], &["images.per_class=1", "seed=4"]].concat()));
    let dm = undisturbed(&with_pool(&["images.per_class=1", "seed=4"]));
    assert_equal_images(iid.path(), dm.path());
    assert!(steps_of(iid.path(), "centralization").is_empty(), "no network is trained for nothing");
}

#[test]
fn a_watched_run_with_a_pool_computes_what_an_unwatched_one_computes() {
    let config = with_pool(&["terms.covariance={weight=0.01}", "terms.centralization={weight=0.05}", "seed=5"]);
    let out = folder();
    let engine = paused(&config, out.path());
    engine.send(Command::Watch(Wants { features: true, pulls: true, ..Wants::default() }));
    wait_paused(&engine);
    engine.send(Command::Resume);
    wait_finished(&engine);
    assert_equal_runs(out.path(), undisturbed(&config).path());
}

#[test]
fn wrong_parameters_are_refused() {
    let out = folder();
    let engine = paused(&with_pool(&[]), out.path());
    wait_paused(&engine);
    for (control, value, text) in [
        ("mean.radius", 1.0, "there is no control \"mean.radius\""),
        ("ball.radius", -1.0, "from 0 up"),
        ("ball.radius", f64::NAN, "from 0 up"),
        ("spell", 1.0, "there is no control \"spell\""),
    ] {
        engine.send(Command::Set { control: control.to_owned(), value });
        let (message, code) = wait_refused(&engine);
        assert!(message.contains(text) && code == 2, "{message}");
    }
}

#[test]
fn a_run_whose_only_term_is_muted_stands_still() {
    let mut config = with_pool(&["steps=3"]);
    config.terms = TermsSpec::of("information", 0.0);
    let out = undisturbed(&config);
    let scalars = RunFolder::scalars(out.path()).unwrap();
    assert_eq!(scalars.len(), 3);
    assert!(scalars.iter().all(|line| line.terms.is_empty() && line.gradient_norm == 0.0));
}

/// What is trained behind the network that people look through is not waited for, and not told.
#[test]
fn progress_ends_with_what_it_is_about() {
    let (config, out) = (with_pool(&[&fresh_seed(), "steps=4000", "evaluation.every=0"]), folder());
    let engine = begin(start(&config, out.path()));
    engine.send(Command::Watch(Wants { features: true, ..Wants::default() }));
    wait_training(&engine);
    wait(&engine, |event| matches!(event, Event::Pretrained { .. }).then_some(()));
    let mut steps = 0;
    wait(&engine, |event| {
        assert!(!matches!(event, Event::Pretraining { .. }), "{event:?}");
        steps += u32::from(matches!(event, Event::Stepped { .. }));
        (steps == 40).then_some(())
    });
}
