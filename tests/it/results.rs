//! A run never ends without its result: what is judged does not depend on time, is taken up where it was given up, and is
//! said where it is missing.

use std::{fs, path::Path, process::Child, time::Duration};

use crate::support::{
    TINY_DIGITS,
    driving::{PATIENCE, begin, digits, folder, undisturbed, wait},
    program::{distill, last_json, resume, spiritsafe, succeed},
};
use serde_json::Value;
use spiritsafe::{
    engine::{Command, Engine, Event, Start, Trial},
    report::{Evaluation, Subject},
    store::RunFolder,
};

/// Asks for an evaluation of a finished run and drops the engine after some networks were tested.
fn judge(out: &Path, protocol: &str, until: impl Fn(&Path) -> bool) {
    let config = digits(&["images.per_class=2"]);
    let engine = begin(Start::resting(config, out.to_owned()));
    let trial = Trial { protocol: protocol.to_owned(), ..Trial::default() };
    engine.send(Command::Evaluate(trial));
    let judging = out.join("judging");
    wait(&engine, |event| (matches!(event, Event::EvaluationsDone) || until(&judging)).then_some(()));
}

fn of(out: &Path, subject: Subject, protocol: &str) -> Vec<Evaluation> {
    let mut all = RunFolder::evaluations(out).unwrap();
    all.retain(|one| one.subject == subject && one.accuracy.protocol == protocol);
    all
}

#[test]
fn an_evaluation_that_was_given_up_goes_on_with_its_next_network_and_is_one_use_of_the_test_split() {
    let config = digits(&["images.per_class=2"]);
    let (disturbed, plain) = (undisturbed(&config), undisturbed(&config));
    let uses = RunFolder::evaluations(plain.path()).unwrap().last().unwrap().test_uses;
    judge(plain.path(), "dm@400x4", |_| false);
    let mut given_up = 0;
    let has_tally = |judging: &Path| fs::read_dir(judging).is_ok_and(|mut files| files.next().is_some());
    // Twice in the middle, then to the end.
    for _ in 0..2 {
        judge(disturbed.path(), "dm@400x4", has_tally);
        given_up += usize::from(has_tally(&disturbed.path().join("judging")));
    }
    assert!(given_up > 0, "an evaluation was given up in its middle");
    judge(disturbed.path(), "dm@400x4", |_| false);
    for subject in [Subject::Synthetic, Subject::Random] {
        let (taken_up, whole) = (of(disturbed.path(), subject, "dm@400x4"), of(plain.path(), subject, "dm@400x4"));
        assert_eq!((taken_up.len(), whole.len()), (1, 1), "{subject:?}");
        assert_eq!((&taken_up[0].values, &taken_up[0].confusion), (&whole[0].values, &whole[0].confusion));
        assert_eq!(taken_up[0].called, whole[0].called);
    }
    let used = |out: &Path| RunFolder::evaluations(out).unwrap().last().unwrap().test_uses - uses;
    assert_eq!((used(disturbed.path()), used(plain.path())), (2, 2), "distilled and random images, once each");
    assert!(!disturbed.path().join("judging").exists(), "nothing is under way any more");
}

/// Everything of a summary but times and places.
fn without_times(mut json: Value) -> Value {
    let object = json.as_object_mut().unwrap();
    for key in ["secs", "steps_per_sec", "peak_rss_bytes", "out"] {
        object.remove(key);
    }
    json
}

#[test]
fn the_same_command_gives_the_same_results_on_a_loaded_machine() {
    let (quiet, loaded) = (folder(), folder());
    let caches = [folder(), folder()];
    let run = |out: &Path, cache: &Path| {
        let mut command = distill("digits", &TINY_DIGITS, out);
        last_json(&succeed(command.arg("--json").env("SPIRITSAFE_CACHE", cache)))
    };
    let first = run(quiet.path(), caches[0].path());
    let busy: Vec<Child> =
        (0..6).map(|_| std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap()).collect();
    let second = run(loaded.path(), caches[1].path());
    for mut child in busy {
        child.kill().unwrap();
        let _ = child.wait();
    }
    assert_eq!(without_times(first.clone()), without_times(second));
    for subject in ["accuracy", "random", "medoids"] {
        assert!(first[subject]["mean"].as_f64().is_some(), "{subject}: {first}");
    }
    assert!(first["whole"]["mean"].as_f64().is_some() && first["skipped"].as_array().unwrap().is_empty(), "{first}");
}

#[test]
fn what_is_not_judged_is_named_and_made_later_alone() {
    let (out, cache) = (folder(), folder());
    let with = |command: &mut std::process::Command| {
        last_json(&succeed(command.arg("--json").env("SPIRITSAFE_CACHE", cache.path())))
    };
    let json = with(distill("digits", &TINY_DIGITS, out.path()).args(["--judge", "images"]));
    assert!(json["accuracy"]["mean"].as_f64().is_some() && json["random"].is_null(), "{json}");
    let skipped: Vec<(&str, &str)> = json["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["subject"].as_str().unwrap(), one["why"].as_str().unwrap()))
        .collect();
    assert_eq!(skipped, [("random", "not_asked"), ("medoids", "not_asked"), ("whole", "not_asked")]);
    assert_eq!(json["test_uses"], 1);
    // Resumed, the finished run makes what it lacks, and that alone.
    let json = with(&mut resume(out.path()));
    for subject in ["accuracy", "random", "medoids", "whole"] {
        assert!(json[subject]["mean"].as_f64().is_some(), "{subject}: {json}");
    }
    assert_eq!((&json["steps"], &json["steps_done"]), (&Value::from(30), &Value::from(0)));
    let rows: Vec<&str> =
        json["verdict"]["rows"].as_array().unwrap().iter().map(|row| row["subject"].as_str().unwrap()).collect();
    assert_eq!(rows, ["synthetic", "random", "medoids", "whole"]);
    let uses = json["test_uses"].as_u64().unwrap();
    assert_eq!(uses, 4);
    // Once more: it says so, and the test split is used no further.
    let output = succeed(resume(out.path()).arg("--json").env("SPIRITSAFE_CACHE", cache.path()));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("finished and has all its results"), "{text}");
    assert_eq!(last_json(&output)["test_uses"], uses);
    assert_eq!(RunFolder::evaluations(out.path()).unwrap().len(), 4);
}

#[test]
fn ctrl_c_while_a_finished_run_is_judged_leaves_a_finished_run() {
    let out = folder();
    let mut settings = TINY_DIGITS.to_vec();
    settings.push("evaluation.last=\"dm@100000x2\"");
    let mut command = distill("digits", &settings, out.path());
    let child = command.arg("--json").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let finished = || lines_of(out.path()) == 30 && out.path().join("synthetic.npz").exists();
    let patience = std::time::Instant::now();
    while !finished() {
        assert!(patience.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    succeed(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "all steps were done");
    let json = last_json(&output);
    let why: Vec<&str> = json["skipped"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    assert!(!why.is_empty() && why.iter().all(|why| *why == "interrupted"), "{json}");
    assert_eq!(json["steps"], 30);
}

fn lines_of(out: &Path) -> usize {
    fs::read_to_string(out.join("scalars.jsonl")).map_or(0, |text| text.lines().count())
}

#[test]
fn several_requests_for_one_evaluation_are_one() {
    let config = digits(&["images.per_class=2"]);
    let out = undisturbed(&config);
    let engine: Engine = begin(Start::resting(config, out.path().to_owned()));
    let trial = || Trial { protocol: "dm@20x2".to_owned(), ..Trial::default() };
    let asked: Vec<u64> = (0..3).map(|_| engine.send(Command::Evaluate(trial()))).collect();
    let mut answered = Vec::new();
    wait(&engine, |event| {
        if let Event::Answered { request, .. } = event {
            answered.push(*request);
        }
        asked.iter().all(|request| answered.contains(request)).then_some(())
    });
    assert_eq!(of(out.path(), Subject::Synthetic, "dm@20x2").len(), 1);
    assert_eq!(of(out.path(), Subject::Random, "dm@20x2").len(), 1);
    answered.sort_unstable();
    assert!(answered.windows(2).all(|pair| pair[0] < pair[1]), "each is answered once: {answered:?}");
}

#[test]
fn the_whole_set_is_judged_unasked_only_where_that_is_little_work_however_fast_the_machine_is() {
    let (out, cache) = (folder(), folder());
    let mut settings = TINY_DIGITS.to_vec();
    settings.push("evaluation.whole=\"whole@1000\"");
    let mut command = distill("digits", &settings, out.path());
    let json = last_json(&succeed(command.arg("--json").env("SPIRITSAFE_CACHE", cache.path())));
    assert!(json["whole"].is_null() && json["skipped"][0]["why"] == "too_large", "{json}");
    let text = String::from_utf8(succeed(spiritsafe().args(["distill", "--help"])).stdout).unwrap();
    assert!(text.contains("--judge") && text.contains("300,000"), "{text}");
}
