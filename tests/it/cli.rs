//! The program as people run it: results, exit codes, messages.

use std::{fs, path::Path};

use crate::support::{
    TINY_DIGITS, TINY_PLANE, bytes, checkpoints,
    driving::folder,
    lines,
    program::{distill, last_json, plane, refuse, resume, spiritsafe, succeed},
};
use serde_json::Value;

#[test]
fn distill_ends_with_one_json_object_that_holds_every_promised_key() {
    for (preset, settings, steps) in [("plane", TINY_PLANE.as_slice(), 100), ("digits", &TINY_DIGITS, 30)] {
        let out = folder();
        let json = last_json(&succeed(distill(preset, settings, out.path()).arg("--json")));
        assert_eq!(json["steps"], steps);
        for positive in ["secs", "steps_per_sec", "peak_rss_bytes"] {
            assert!(json[positive].as_f64().unwrap() > 0.0, "{preset} {positive}: {json}");
        }
        for subject in ["accuracy", "random"] {
            let accuracy = &json[subject];
            assert!((0.0..=1.0).contains(&accuracy["mean"].as_f64().unwrap()), "{json}");
            assert!(accuracy["std"].as_f64().unwrap() >= 0.0, "{json}");
            assert!(accuracy["repeats"].as_u64().unwrap() >= 1, "{json}");
            assert!(accuracy["protocol"].as_str().unwrap().starts_with("dm@1x"), "{json}");
        }
        assert_eq!(json["out"], out.path().to_str().unwrap());
        for name in ["run.json", "scalars.jsonl", "timings.jsonl", "evaluations.jsonl", "synthetic.npz", "synthetic"] {
            assert!(out.path().join(name).exists(), "{preset} {name}");
        }
        assert_eq!(lines(&out.path().join("scalars.jsonl")).len(), steps);
        assert_eq!(lines(&out.path().join("timings.jsonl")).len(), steps);
    }
}

#[test]
fn lists_and_judgements_work_without_a_terminal() {
    let output = succeed(spiritsafe().arg("presets"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(["digits", "plane", "dm"].iter().all(|name| text.contains(name)), "{text}");
    let output = succeed(spiritsafe().args(["data", "digits"]));
    let text = String::from_utf8_lossy(&output.stdout);
    for part in ["1297 in 10 classes", "126 of these", "holdout=0.1", "the last 500 test", "fingerprint"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let out = folder();
    succeed(&mut plane(out.path()));
    let scalars = bytes(&out.path().join("scalars.jsonl"));
    let json = last_json(&succeed(spiritsafe().arg("evaluate").arg(out.path()).args([
        "--protocol",
        "dm@2x2",
        "--repeats",
        "3",
        "--json",
    ])));
    assert_eq!(json["accuracy"]["protocol"], "dm@2x3");
    assert_eq!(json["accuracy"]["repeats"], 3);
    assert_eq!(bytes(&out.path().join("scalars.jsonl")), scalars, "judging changes no scalars");
}

#[test]
fn wrong_words_are_answered_with_what_to_type_instead() {
    let place = folder();
    let out = place.path().join("run");
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let with = |arguments: &[&str]| {
        let mut command = spiritsafe();
        command.arg("distill").args(arguments).arg("--out").arg(&out);
        command
    };
    let key = file("key.toml", "steps = 10\nstepps = 20\n");
    let value = file("value.toml", "steps = \"many\"\n");
    let torn = file("torn.toml", "[images\n");
    let cases: [(&[&str], i32, &[&str]); 24] = [
        (&["--config", &key], 2, &["key.toml", "line 2", "stepps", "expected one of", "`steps`"]),
        (&["--config", &value], 2, &["value.toml", "line 1", "many"]),
        (&["--config", &torn], 2, &["torn.toml", "line 1"]),
        (&["--config", "no-such.toml"], 2, &["no-such.toml", "Check the path", "--preset"]),
        (&["--preset", "dgits"], 2, &["\"dgits\"", "digits, plane, dm"]),
        (&["--data", "faces"], 2, &["faces", "digits", "plane:moons"]),
        (&["--data", "./faces"], 2, &["./faces does not exist"]),
        (&["--data", "cifar:./faces"], 2, &["cifar:./faces", "cifar10:DIR"]),
        (&["--data", "plane:stars"], 2, &["plane:stars", "plane:moons"]),
        (&["--device", "tpu"], 2, &["\"tpu\"", "auto, cpu, cuda or metal"]),
        (&["--set", "network.wdth=8"], 2, &["network.wdth=8", "wdth", "width"]),
        (&["--set", "network.width=wide"], 2, &["network.width=wide", "wide"]),
        (&["--set", "steps"], 2, &["--set steps", "key=value"]),
        (&["--set", "steps.more=1"], 2, &["steps.more=1"]),
        (&["--steps", "0"], 2, &["steps must be at least 1"]),
        (&["--ipc", "0"], 2, &["images.per_class must be at least 1"]),
        (&["--steps", "many"], 2, &["many", "--steps"]),
        (&["--classes", "0-x"], 2, &["0-x", "0-4"]),
        (&["--classes", "8-12"], 2, &["class 12 does not exist", "10 classes"]),
        (&["--classes", "1,1"], 2, &["twice"]),
        (&["--set", "terms.mean.weight=-1"], 2, &["terms.mean.weight", "-1"]),
        (&["--set", "optimizer.learning_rate=-1"], 2, &["optimizer.learning_rate", "-1"]),
        (&["--set", "evaluation.last=best"], 2, &["best", "dm@300x5"]),
        (&["--preset", "plane", "--config", "x.toml"], 2, &["--config", "--preset"]),
    ];
    for (arguments, code, words) in cases {
        refuse(&mut with(arguments), code, words);
        assert!(!out.exists(), "{arguments:?} must not make a folder");
    }
    refuse(spiritsafe().arg("distil"), 2, &["distil", "distill"]);
    refuse(spiritsafe().args(["data", "faces"]), 2, &["faces", "plane:moons"]);
    if !cfg!(feature = "cuda") {
        refuse(&mut with(&["--device", "cuda"]), 4, &["cuda", "--features cuda", "--device cpu"]);
    }
    if !cfg!(feature = "metal") {
        refuse(&mut with(&["--device", "metal"]), 4, &["metal", "--features metal", "--device cpu"]);
    }
    assert!(!out.exists());
}

#[test]
fn numbers_that_explode_end_with_code_four_and_everything_saved() {
    let out = folder();
    let words = ["is not a finite number", "mean", "learning rate"];
    refuse(plane(out.path()).args(["--set", "optimizer.learning_rate=1e30"]), 4, &words);
    assert_eq!(checkpoints(out.path()).len(), 1);
    assert!(!lines(&out.path().join("scalars.jsonl")).is_empty());
}

#[test]
fn folders_that_cannot_be_used_are_named() {
    let place = folder();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    refuse(&mut plane(Path::new("/dev/null/x")), 3, &["/dev/null/x", "choose another folder"]);
    refuse(&mut plane(&file.join("run")), 3, &["file/run", "choose another folder"]);
    refuse(&mut plane(&file), 3, &["file", "choose another folder"]);
    refuse(&mut resume(place.path()), 2, &[place.path().to_str().unwrap(), "holds no run"]);
    refuse(&mut resume(&place.path().join("none")), 2, &["none", "holds no run"]);
    refuse(spiritsafe().arg("evaluate").arg(place.path()), 2, &["holds no run"]);
    refuse(spiritsafe().arg("replay").arg(place.path()).arg("--out").arg(&file), 2, &["holds no run"]);
    let run = place.path().join("run");
    succeed(&mut plane(&run));
    let before = bytes(&run.join("scalars.jsonl"));
    refuse(&mut plane(&run), 2, &["holds a run already", "--resume", "--out"]);
    refuse(spiritsafe().arg("replay").arg(&run).arg("--out").arg(&run), 2, &["holds a run already"]);
    assert_eq!(bytes(&run.join("scalars.jsonl")), before, "a refusal touches nothing");
    fs::write(run.join("run.json"), "{").unwrap();
    refuse(&mut resume(&run), 3, &["run.json", "cannot be read", "copy"]);
}

#[test]
fn bench_times_every_work_and_prints_the_promised_keys() {
    let output = succeed(spiritsafe().args(["bench", "--json", "--size", "digits", "--repeats", "3"]));
    let object = last_json(&output);
    for key in ["forward", "image_gradient", "all_gradients", "dm_step", "evaluation_epoch", "matmul_gflops"] {
        assert!(object[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {object}");
    }
    assert!(object["peak_rss_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{object}");
    assert!(object["details"]["forward"]["least"].as_f64() <= object["forward"].as_f64());
    refuse(spiritsafe().args(["bench", "--size", "imagenet"]), 2, &["\"imagenet\"", "cifar, mnist, digits"]);
    refuse(spiritsafe().args(["bench", "--only", "backward"]), 2, &["\"backward\"", "all_gradients"]);
}

#[test]
fn a_verdict_compares_what_was_judged_by_one_protocol_and_asks_nothing_twice() {
    let run = folder();
    let output =
        succeed(distill("digits", &TINY_DIGITS, run.path()).args(["--json", "--set", "evaluation.last=\"dm@2x2\""]));
    let at_the_end = last_json(&output)["verdict"].clone();
    let rows = at_the_end["rows"].as_array().unwrap();
    let subjects: Vec<&str> = rows.iter().map(|row| row["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["synthetic", "random", "medoids", "whole"]);
    for row in &rows[..3] {
        assert_eq!((&row["accuracy"]["protocol"], &row["images"]), (&Value::from("dm@2x2"), &Value::from(20)));
    }
    assert_eq!((&rows[3]["is_comparable"], &rows[3]["accuracy"]["protocol"]), (&false.into(), &"whole@60".into()));
    let evaluations = || lines(&run.path().join("evaluations.jsonl")).len();
    let judged = evaluations();
    let again = succeed(spiritsafe().args(["verdict", "--json"]).arg(run.path()));
    assert_eq!(last_json(&again), at_the_end);
    assert_eq!(evaluations(), judged, "what is known is not judged again");
    let text = String::from_utf8(succeed(spiritsafe().arg("verdict").arg(run.path())).stdout).unwrap();
    assert!(text.contains("k-means medoids") && text.contains("distilled images"), "{text}");
}
