//! What gives the same bits, as people run it: threads, chunks, parts that are merged, replays, and what a pinned
//! instruction set may change.

use std::{fs, path::Path};

use crate::support::{
    assert_equal_images, assert_equal_runs, bytes, checkpoints,
    driving::folder,
    lines,
    program::{digits, distill, last_json, plane, refuse, resume, spiritsafe, stderr, succeed},
};
use serde_json::Value;

#[test]
fn threads_and_chunk_sizes_never_change_a_bit() {
    let place = folder();
    let run = |threads: &str, chunk: &str| {
        let out = place.path().join(format!("{threads}-{chunk}"));
        let chunk = format!("real.chunk={chunk}");
        succeed(digits(&out).env("RAYON_NUM_THREADS", threads).args(["--set", &chunk]));
        out
    };
    let first = run("1", "1");
    for (threads, chunk) in [("1", "10"), ("2", "1"), ("2", "10"), ("2", "3"), ("2", "0")] {
        assert_equal_runs(&first, &run(threads, chunk));
    }
}

#[test]
fn threads_never_change_what_a_judge_finds() {
    // Wide enough for the products of the classifier, too, to be shared among threads.
    let settings = [
        "network.width=64",
        "network.depth=1",
        "images.per_class=10",
        "steps=2",
        "evaluation.every=0",
        "evaluation.last=\"dm@8x2\"",
    ];
    let place = folder();
    let found = |threads: &str| {
        let out = place.path().join(threads);
        succeed(distill("digits", &settings, &out).env("RAYON_NUM_THREADS", threads));
        let mut evaluations = lines(&out.join("evaluations.jsonl"));
        // That of the whole training set may come from a run before.
        evaluations.retain(|evaluation| evaluation["subject"] != "whole");
        assert_eq!(evaluations.len(), 3);
        evaluations.iter().map(|evaluation| evaluation["values"].to_string()).collect::<Vec<_>>()
    };
    let one = found("1");
    assert!(one.iter().any(|values| values.contains('.')), "accuracies between nothing and all: {one:?}");
    for threads in ["2", "3", "5"] {
        assert_eq!(one, found(threads), "{threads} threads");
    }
}

#[test]
fn two_halves_of_the_classes_merged_equal_the_whole() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let whole = last_json(&succeed(digits(&at("whole")).arg("--json")));
    succeed(digits(&at("low")).args(["--classes", "0-4", "--set", "real.chunk=1"]));
    succeed(digits(&at("high")).args(["--classes", "5-9", "--set", "real.chunk=3"]));
    let mut merge = spiritsafe();
    let merged = last_json(&succeed(
        merge.arg("merge").args([at("high"), at("low")]).args(["--json", "--out"]).arg(at("merged")),
    ));
    for subject in ["accuracy", "random", "medoids"] {
        assert_eq!(merged[subject], whole[subject], "{subject}: a merged run is judged like any other");
    }
    assert_equal_images(&at("whole"), &at("merged"));
    // The merged folder is a run like any other.
    let json =
        last_json(&succeed(spiritsafe().arg("evaluate").arg(at("merged")).args(["--protocol", "dm@1x1", "--json"])));
    assert_eq!(json["accuracy"]["repeats"], 1);
    succeed(digits(&at("other")).args(["--classes", "5-9", "--seed", "1"]));
    let merge = |parts: [&str; 2]| {
        let mut command = spiritsafe();
        command.arg("merge").args(parts.map(at)).arg("--out").arg(at("no"));
        command
    };
    refuse(&mut merge(["low", "other"]), 2, &["differ in more than their classes"]);
    refuse(&mut merge(["low", "low"]), 2, &["more than one"]);
    refuse(spiritsafe().arg("merge").arg(at("low")).arg("--out").arg(at("no")), 2, &["<DIRS>"]);
}

#[test]
fn a_replay_computes_exactly_the_same() {
    let place = folder();
    for (name, mut command) in
        [("plane", plane(&place.path().join("plane"))), ("digits", digits(&place.path().join("digits")))]
    {
        succeed(&mut command);
        let (old, new) = (place.path().join(name), place.path().join(format!("{name}-again")));
        let output = succeed(spiritsafe().arg("replay").arg(&old).arg("--out").arg(&new).arg("--json"));
        assert!(stderr(&output).contains("exactly the same numbers"));
        assert_eq!(last_json(&output)["out"], new.to_str().unwrap());
        assert_equal_runs(&old, &new);
    }
}

#[test]
fn an_instruction_set_can_be_pinned_and_is_recorded() {
    let place = folder();
    let [best, portable, again] = ["best", "portable", "again"].map(|name| place.path().join(name));
    succeed(&mut digits(&best));
    succeed(digits(&portable).args(["--isa", "portable"]));
    let recorded = |run: &Path| {
        let record: Value = serde_json::from_slice(&bytes(&run.join("run.json"))).unwrap();
        record["instruction_set"].as_str().unwrap().to_owned()
    };
    assert_eq!(recorded(&portable), "portable");
    let totals = |run: &Path| -> Vec<f64> {
        lines(&run.join("scalars.jsonl")).iter().map(|line| line["total"].as_f64().unwrap()).collect()
    };
    let pairs: Vec<(f64, f64)> = totals(&best).into_iter().zip(totals(&portable)).collect();
    assert_eq!(pairs.len(), 30);
    for (step, (a, b)) in pairs.iter().enumerate() {
        assert!((a / b - 1.0).abs() < 1e-4, "step {}: {a} and {b} are sums of the same numbers", step + 1);
    }
    if recorded(&best) != "portable" {
        assert!(pairs.iter().any(|(a, b)| a != b), "other sums, other last bits");
    }
    // What was begun with one goes on with it, unasked.
    succeed(spiritsafe().arg("replay").arg(&portable).arg("--out").arg(&again));
    assert_equal_runs(&portable, &again);
    fs::remove_file(checkpoints(&again).last().unwrap()).unwrap();
    succeed(&mut resume(&again));
    assert_equal_runs(&portable, &again);
    assert_eq!(recorded(&again), "portable");
    refuse(digits(&place.path().join("no")).args(["--isa", "sse9"]), 2, &["\"sse9\"", "choose one of", "portable"]);
    assert!(!place.path().join("no").exists());
}
