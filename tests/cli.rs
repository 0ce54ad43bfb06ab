//! The real program on real files, good and bad.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use support::{TINY, assert_same_run};

/// The program; `runs` and its cache stay in `folder`.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spiritsafe"));
    command.args(arguments).current_dir(folder).env("SPIRITSAFE_CACHE", folder.join("cache"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

/// Exit code and what was said on standard error.
fn outcome(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(folder, arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// `distill` of tiny digits into `out` with more arguments.
fn distill<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["distill", "--preset", "digits", "--out", out];
    arguments.extend(TINY.iter().flat_map(|setting| ["--set", setting]));
    arguments.extend(more);
    arguments
}

fn succeeds(folder: &Path, arguments: &[&str]) {
    let (code, said) = outcome(folder, arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}");
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_last_line_of_json_has_every_key() {
    let home = home();
    let output = run(home.path(), &distill("a", &["--steps", "10", "--json"]));
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let json: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(json["steps"], 10);
    for key in ["secs", "steps_per_sec", "peak_rss_bytes"] {
        assert!(json[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(json["out"], "a");
    for (key, protocol) in [("accuracy", "dm@1x1"), ("random", "dm@1x1")] {
        assert_eq!(json[key]["protocol"], protocol);
        assert!((0.0..=1.0).contains(&json[key]["mean"].as_f64().unwrap()) && json[key]["std"].is_number());
    }
    assert!(home.path().join("a/synthetic/7/001.png").exists());

    let output = run(home.path(), &["evaluate", "a", "--protocol", "dm@2x2", "--repeats", "1", "--json"]);
    let said = String::from_utf8(output.stdout).unwrap();
    let json: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(json["accuracy"]["protocol"], "dm@2x1");
    assert_eq!(json["test_uses"], 5, "three uses at the end of the run, two now");
}

#[test]
fn wrong_use_says_what_to_type_instead() {
    let home = home();
    fs::write(home.path().join("key.toml"), "[network]\nkind = \"convnet\"\nwidht = 8\n").unwrap();
    fs::write(home.path().join("value.toml"), "steps = \"many\"\n").unwrap();
    let preset = |more: &[&'static str]| [&["distill", "--preset", "digits", "--out", "x"], more].concat();
    for (arguments, code, words) in [
        (vec!["distill", "--config", "key.toml", "--out", "x"], 2, vec!["key.toml", "widht", "width"]),
        (vec!["distill", "--config", "value.toml", "--out", "x"], 2, vec!["value.toml", "steps"]),
        (vec!["distill", "--config", "none.toml", "--out", "x"], 2, vec!["none.toml", "--preset"]),
        (vec!["distill", "--preset", "dgits", "--out", "x"], 2, vec!["dgits", "digits"]),
        (preset(&["--data", "cfar"]), 2, vec!["cfar", "plane:moons"]),
        (preset(&["--device", "gpu"]), 2, vec!["gpu", "cuda"]),
        (preset(&["--classes", "0-x"]), 2, vec!["0-x", "0-4"]),
        (preset(&["--classes", "0,12"]), 2, vec!["12", "10 classes"]),
        (preset(&["--set", "steps"]), 2, vec!["key=value"]),
        (preset(&["--set", "terms.mean.weight=-1"]), 2, vec!["terms.mean.weight"]),
        (preset(&["--set", "network.depth=9"]), 2, vec!["8x8", "network.depth"]),
        (preset(&["--ipc", "300"]), 3, vec!["300", "--ipc"]),
        (vec!["distill", "--resume", "--out", "x"], 2, vec!["run.json", "--out"]),
        (vec!["evaluate", "x", "--protocol", "best"], 2, vec!["best", "dm@300x5"]),
        (vec!["replay", "x", "--out", "y"], 2, vec!["run.json"]),
        (vec!["distill", "--preset", "digits", "--out", "key.toml/run"], 3, vec!["key.toml/run"]),
    ] {
        let (got, said) = outcome(home.path(), &arguments);
        assert_eq!(got, code, "{arguments:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{arguments:?} says {said}");
    }
    assert!(!home.path().join("x/checkpoints/step-0000000300.safetensors").exists());
}

#[test]
#[cfg(not(feature = "cuda"))]
fn a_device_that_is_not_there_says_how_to_get_it() {
    let home = home();
    let (code, said) = outcome(home.path(), &distill("x", &["--device", "cuda"]));
    assert_eq!(code, 4);
    assert!(said.contains("--features cuda"), "{said}");
}

#[test]
fn a_folder_that_holds_a_run_is_left_as_it_is() {
    let home = home();
    succeeds(home.path(), &distill("a", &["--steps", "5"]));
    let before = fs::read(home.path().join("a/run.json")).unwrap();
    let (code, said) = outcome(home.path(), &distill("a", &["--steps", "9"]));
    assert_eq!(code, 2);
    assert!(said.contains("--resume"), "{said}");
    assert_eq!(before, fs::read(home.path().join("a/run.json")).unwrap());
}

#[test]
fn threads_and_chunks_change_nothing() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    succeeds(home.path(), &distill("a", &["--steps", "15"]));
    for (name, threads, chunk) in [("b", "1", "real.chunk=1"), ("c", "2", "real.chunk=10"), ("d", "3", "real.chunk=3")]
    {
        let mut command = program(home.path(), &distill(name, &["--steps", "15", "--set", chunk]));
        assert!(command.env("RAYON_NUM_THREADS", threads).output().unwrap().status.success());
        assert_same_run(&at("a"), &at(name));
    }
}

#[test]
fn two_halves_of_the_classes_merged_equal_the_whole() {
    let home = home();
    succeeds(home.path(), &distill("whole", &["--steps", "15"]));
    succeeds(home.path(), &distill("low", &["--steps", "15", "--classes", "0-4", "--set", "real.chunk=2"]));
    succeeds(home.path(), &distill("high", &["--steps", "15", "--classes", "5-9"]));
    succeeds(home.path(), &["merge", "high", "low", "--out", "merged"]);
    let archive = |run: &str| fs::read(home.path().join(run).join("synthetic.npz")).unwrap();
    assert!(archive("whole") == archive("merged"));
    succeeds(home.path(), &["evaluate", "merged", "--protocol", "dm@1x1"]);
    let (code, said) = outcome(home.path(), &["merge", "low", "low", "--out", "twice"]);
    assert!(code == 2 && said.contains("more than one"), "{said}");
}

#[test]
fn a_replay_says_that_it_is_equal() {
    let home = home();
    succeeds(home.path(), &distill("a", &["--steps", "12"]));
    let (code, said) = outcome(home.path(), &["replay", "a", "--out", "b"]);
    assert!(code == 0 && said.contains("12 steps computed exactly the same"), "{said}");
    assert_same_run(&home.path().join("a"), &home.path().join("b"));
}

#[test]
fn torn_files_cost_nothing_but_time() {
    let home = home();
    succeeds(home.path(), &distill("plain", &["--steps", "24"]));
    for torn in ["newest", "all", "line"] {
        succeeds(home.path(), &distill(torn, &["--steps", "14"]));
        let out = home.path().join(torn);
        let mut checkpoints: Vec<PathBuf> =
            fs::read_dir(out.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
        checkpoints.sort();
        let cut = |path: &Path, by: usize| {
            let whole = fs::read(path).unwrap();
            fs::write(path, &whole[..whole.len() - by]).unwrap();
        };
        match torn {
            "newest" => cut(checkpoints.last().unwrap(), 100),
            "all" => checkpoints.iter().for_each(|path| cut(path, 2000)),
            _ => cut(&out.join("scalars.jsonl"), 17),
        }
        if torn == "line" {
            // The torn line belongs to the newest checkpoint's step; go back to one that it does not.
            fs::remove_file(checkpoints.last().unwrap()).unwrap();
        }
        let (code, said) = outcome(home.path(), &distill(torn, &["--steps", "24", "--resume"]));
        assert_eq!(code, 0, "{said}");
        assert_eq!(said.contains("damaged"), torn != "line", "{said}");
        assert_same_run(&home.path().join("plain"), &out);
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_says_how_to_go_on_and_loses_nothing() {
    let home = home();
    succeeds(home.path(), &distill("plain", &["--steps", "600"]));
    let child = program(home.path(), &distill("a", &["--steps", "600"])).stderr(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_millis(150));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--resume --out a"));
    succeeds(home.path(), &distill("a", &["--resume"]));
    assert_same_run(&home.path().join("plain"), &home.path().join("a"));
}

#[test]
fn a_run_killed_at_fifty_moments_equals_an_undisturbed_one() {
    let home = home();
    let steps = "4000";
    succeeds(home.path(), &distill("plain", &["--steps", steps]));
    let out = home.path().join("killed");
    for kill in 0..50_u64 {
        let resume: &[&str] = if out.join("run.json").exists() { &["--resume"] } else { &[] };
        let arguments = distill("killed", &[&["--steps", steps], resume].concat());
        let mut child = program(home.path(), &arguments).stderr(Stdio::null()).spawn().unwrap();
        // Moments that fall everywhere: while starting, between steps, while a checkpoint is written.
        sleep(Duration::from_millis(8 + kill * 37 % 41));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(!out.join("synthetic.npz").exists(), "the run must still be going on after the last kill");
    succeeds(home.path(), &distill("killed", &["--resume"]));
    assert_same_run(&home.path().join("plain"), &out);
}

/// A small file system of its own, where the tests may mount one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    let home = home();
    let disk = home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = |options: &str| {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk).status();
        status.is_ok_and(|status| status.success())
    };
    if !mount("size=64k") {
        eprintln!("left out: this user may not mount a small disk");
        return;
    }
    let outcome_of = |more: &[&str]| outcome(home.path(), &distill("disk/run", more));
    let (full, said) = outcome_of(&["--steps", "400", "--set", "images.per_class=10"]);
    mount("remount,size=8m");
    let (mended, later) = outcome_of(&["--resume"]);
    succeeds(home.path(), &distill("plain", &["--steps", "400", "--set", "images.per_class=10"]));
    let [a, b] = ["plain", "disk/run"].map(|run| fs::read(home.path().join(run).join("scalars.jsonl")).unwrap());
    Command::new("umount").arg(&disk).status().unwrap();
    assert_eq!(full, 3, "{said}");
    assert!(said.contains("disk/run") && said.contains("Free some space"), "{said}");
    assert_eq!(mended, 0, "{later}");
    assert!(a == b);
}

#[test]
fn lists_name_what_there_is() {
    let home = home();
    let said = |arguments: &[&str]| String::from_utf8(run(home.path(), arguments).stdout).unwrap();
    assert!(["digits", "plane", "dm"].iter().all(|name| said(&["presets"]).contains(name)));
    let data = said(&["data", "digits"]);
    assert!(data.contains("CC BY 4.0") && data.contains("1297") && data.contains("500"), "{data}");
}
