//! The program as people run it: results, exit codes, messages, and what survives when it is disturbed.

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use support::{
    TINY_DIGITS, TINY_PLANE, assert_equal_images, assert_equal_runs, assert_equal_scalars, bytes, checkpoints, lines,
    tear,
};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn spiritsafe() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spiritsafe"));
    command.stdin(Stdio::null());
    command
}

/// `distill` of a preset with settings into a folder.
fn distill(preset: &str, settings: &[&str], out: &Path) -> Command {
    let mut command = spiritsafe();
    command.args(["distill", "--preset", preset]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.arg("--out").arg(out);
    command
}

fn digits(out: &Path) -> Command {
    distill("digits", &TINY_DIGITS, out)
}

fn plane(out: &Path) -> Command {
    distill("plane", &TINY_PLANE, out)
}

fn resume(out: &Path) -> Command {
    let mut command = spiritsafe();
    command.args(["distill", "--resume", "--out"]).arg(out);
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that succeeds.
fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    output
}

/// Runs a command that fails with this code and a message that holds all these words. Returns the message.
fn refuse(command: &mut Command, code: i32, words: &[&str]) -> String {
    let output = command.output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{command:?}: no {word:?} in {text:?}");
    }
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn last_json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().expect("a line")).unwrap()
}

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
    let output = succeed(spiritsafe().args(["data", "plane:moons"]));
    assert!(String::from_utf8_lossy(&output.stdout).contains("fingerprint"));
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
    let cases: [(&[&str], i32, &[&str]); 22] = [
        (&["--config", &key], 2, &["key.toml", "line 2", "stepps", "expected one of", "`steps`"]),
        (&["--config", &value], 2, &["value.toml", "line 1", "many"]),
        (&["--config", &torn], 2, &["torn.toml", "line 1"]),
        (&["--config", "no-such.toml"], 2, &["no-such.toml", "Check the path", "--preset"]),
        (&["--preset", "dgits"], 2, &["\"dgits\"", "digits, plane, dm"]),
        (&["--data", "faces"], 2, &["faces", "digits", "plane:moons"]),
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
    refuse(&mut resume(&run), 2, &["run.json", "damaged"]);
}

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
    succeed(&mut digits(&at("whole")));
    succeed(digits(&at("low")).args(["--classes", "0-4", "--set", "real.chunk=1"]));
    succeed(digits(&at("high")).args(["--classes", "5-9", "--set", "real.chunk=3"]));
    succeed(spiritsafe().arg("merge").args([at("high"), at("low")]).arg("--out").arg(at("merged")));
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
fn a_torn_newest_checkpoint_is_passed_over_with_a_note() {
    let place = folder();
    let [whole, torn] = ["whole", "torn"].map(|name| place.path().join(name));
    succeed(&mut digits(&whole));
    succeed(digits(&torn).args(["--set", "checkpoint.keep=2"]));
    tear(checkpoints(&torn).last().unwrap());
    let text = stderr(&succeed(&mut resume(&torn)));
    assert!(text.contains("step-0000000030.safetensors is damaged") && text.contains("older one"), "{text}");
    assert_equal_runs(&whole, &torn);
    // All of them: the run begins anew, and nothing else is lost.
    checkpoints(&torn).iter().for_each(|path| tear(path));
    let text = stderr(&succeed(&mut resume(&torn)));
    assert_eq!(text.matches("is damaged").count(), 2, "{text}");
    assert_equal_runs(&whole, &torn);
    assert_eq!(checkpoints(&torn).len(), 2, "damaged ones are replaced in time");
}

#[test]
fn a_torn_last_line_is_cut_off() {
    let place = folder();
    let [whole, torn] = ["whole", "torn"].map(|name| place.path().join(name));
    succeed(&mut digits(&whole));
    succeed(&mut digits(&torn));
    fs::remove_file(checkpoints(&torn).last().unwrap()).unwrap();
    for name in ["scalars.jsonl", "timings.jsonl", "interventions.jsonl", "evaluations.jsonl"] {
        let path = torn.join(name);
        let mut text = bytes(&path);
        text.truncate(text.len().saturating_sub(20));
        text.extend(b"{\"step\":29,\"tot");
        fs::write(&path, text).unwrap();
    }
    succeed(&mut resume(&torn));
    assert_equal_runs(&whole, &torn);
    for name in ["timings.jsonl", "evaluations.jsonl"] {
        assert!(!lines(&torn.join(name)).is_empty());
    }
}

#[test]
fn an_interrupted_run_ends_with_code_130_and_goes_on_to_the_same_end() {
    let place = folder();
    let [whole, stopped] = ["whole", "stopped"].map(|name| place.path().join(name));
    succeed(digits(&whole).args(["--steps", "100"]));
    let child =
        digits(&stopped).args(["--steps", "100"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    wait_for_checkpoint(&stopped);
    succeed(Command::new("kill").args(["-INT", &child.id().to_string()]));
    let output = child.wait_with_output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("everything is saved") && text.contains("--resume --out"), "{text}");
    let at = lines(&stopped.join("scalars.jsonl")).len();
    assert!(at < 100 && stopped.join("synthetic.npz").exists(), "{at}");
    succeed(&mut resume(&stopped));
    assert_equal_runs(&whole, &stopped);
}

fn wait_for_checkpoint(run: &Path) {
    let end = Instant::now() + Duration::from_secs(60);
    while !run.join("checkpoints").exists() || checkpoints(run).is_empty() {
        assert!(Instant::now() < end, "no checkpoint came");
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_run_killed_at_fifty_moments_ends_as_an_undisturbed_one() {
    let place = folder();
    let [whole, killed] = ["whole", "killed"].map(|name| place.path().join(name));
    let long = ["--steps", "120"];
    succeed(digits(&whole).args(long));
    let newest = || if killed.join("checkpoints").exists() { checkpoints(&killed).pop() } else { None };
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut kills, mut reached) = (0, None);
    while kills < 50 {
        let begun = killed.join("run.json").exists();
        let mut command = if begun { resume(&killed) } else { digits(&killed) };
        if !begun {
            command.args(["--set", "checkpoint.every=3"]);
        }
        let before = newest();
        let mut child = command.args(long).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        // Every other one is hit soon, while it opens its folder perhaps; the others come one checkpoint further.
        while kills % 2 == 1 && newest() == before && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(rng.random_range(1..100)));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status} after {kills} kills");
            // It came to its end: the rest of the fifty hit a new run.
            assert_equal_runs(&whole, &killed);
            fs::remove_dir_all(&killed).unwrap();
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            reached = reached.max(newest());
        }
    }
    let reached = reached.expect("some came far");
    assert!(reached.file_stem().unwrap().to_str().unwrap() >= "step-0000000060", "{}", reached.display());
    succeed(resume(&killed).args(long));
    assert_equal_runs(&whole, &killed);
}

#[test]
fn a_folder_in_use_is_refused_until_its_program_has_died() {
    let place = folder();
    let run = place.path().join("run");
    let mut child =
        plane(&run).args(["--steps", "100000000"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    wait_for_checkpoint(&run);
    refuse(&mut resume(&run), 2, &["in use", run.to_str().unwrap(), "--out"]);
    refuse(spiritsafe().arg("evaluate").arg(&run), 2, &["in use"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let reached = checkpoints(&run).len() as u64;
    assert!(reached > 0);
    succeed(resume(&run).args(["--steps", "1"]));
}

/// A small disk in memory; it goes with its guard.
struct Disk(TempDir);

impl Disk {
    fn new(size: &str) -> Option<Self> {
        let folder = folder();
        let size = format!("size={size}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        mount.is_ok_and(|output| output.status.success()).then(|| Self(folder))
    }

    fn grow(&self, size: &str) {
        succeed(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(self.0.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_is_named_loses_nothing_and_the_run_goes_on_when_there_is_room() {
    let Some(disk) = Disk::new("64k") else {
        println!("skipped: this system lets nobody mount a small disk");
        return;
    };
    let (run, place) = (disk.0.path().join("run"), folder());
    let long = ["--steps", "120"];
    refuse(digits(&run).args(long), 3, &["cannot", run.to_str().unwrap(), "Free some space", "--resume"]);
    let left = checkpoints(&run);
    assert!(!left.is_empty(), "the checkpoints before are intact");
    refuse(&mut resume(&run), 3, &["Free some space", "--resume"]);
    assert_eq!(checkpoints(&run), left);
    disk.grow("8m");
    let text = stderr(&succeed(resume(&run).args(long)));
    assert!(!text.contains("damaged"), "{text}");
    let whole = place.path().join("whole");
    succeed(digits(&whole).args(long));
    assert_equal_scalars(&whole, &run);
    assert_equal_images(&whole, &run);
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
