//! What survives when the program is disturbed: torn files, a signal, a kill, a full disk.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{
    assert_equal_images, assert_equal_runs, assert_equal_scalars, bytes, checkpoints,
    disk::Disk,
    driving::folder,
    lines,
    program::{digits, plane, refuse, resume, spiritsafe, stderr, succeed},
    tear,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

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
    // All of them: that is said, and whoever wants it begins anew. Nothing is lost.
    checkpoints(&torn).iter().for_each(|path| tear(path));
    let text = refuse(&mut resume(&torn), 3, &["step-0000000030", "no other to go on from", "--repair"]);
    assert_eq!(text.matches("is damaged").count(), 2, "{text}");
    let text = stderr(&succeed(resume(&torn).arg("--repair")));
    assert_eq!(text.matches("is damaged").count(), 2, "{text}");
    assert_equal_runs(&whole, &torn);
    assert_eq!(checkpoints(&torn).len(), 2);
    assert!(torn.join("checkpoints/step-0000000030.safetensors.bad-1").exists());
    assert!(torn.join("scalars.jsonl.cut-2").exists(), "what stood behind a checkpoint is kept, both times");
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

#[test]
fn a_full_disk_is_named_loses_nothing_and_the_run_goes_on_when_there_is_room() {
    let Some(disk) = Disk::new("64k") else {
        println!("skipped: this system lets nobody mount a small disk");
        return;
    };
    let (run, place) = (disk.path().join("run"), folder());
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
