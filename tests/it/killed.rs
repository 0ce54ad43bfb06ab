//! Runs that are killed and starved of room at random moments, while somebody changes weights, judges and exports: they end
//! as an undisturbed run, and nothing that was recorded is lost.
//!
//! `SPIRITSAFE_KILLS` and `SPIRITSAFE_FILLS` say how often, `SPIRITSAFE_SEED` which moments.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::support::{
    assert_equal_images, assert_equal_runs, assert_equal_scalars, bytes, checkpoints,
    disk::Disk,
    driving::{begin, folder, start, wait_finished},
    program::{digits, resume, stderr, succeed},
    settings,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    config::RunConfig,
    engine::{Command as Request, Event, Start, Trial},
    report::{Control, Evaluation, LEARNING_RATE, TestedOn},
    store::RunFolder,
};

/// Small, with everything that a run can do: hold-out, test split, the whole set.
const SMALL: [&str; 9] = [
    "network.width=8",
    "images.per_class=2",
    "steps=40",
    "checkpoint.every=4",
    "evaluation.every=10",
    "evaluation.during=\"quick@1x1\"",
    "evaluation.last=\"dm@1x1\"",
    "evaluation.whole=\"whole@1\"",
    "real.batch=16",
];

/// The four shapes that a run can have.
fn shape(index: usize) -> RunConfig {
    let (preset, more): (&str, &[&str]) = [
        ("digits", &[] as &[&str]),
        ("idm-digits", &["queue.batches=1", "queue.batch=16"]),
        ("pemdd-digits", &["pool.epochs=1", "energy.samples=20", "energy.dimensions=4"]),
        ("ddoq-digits", &["latent.batches=40", "latent.prior_batches=40", "latent.width=4", "latent.prior_width=16"]),
    ][index];
    RunConfig::preset(preset, &settings(&SMALL, more)).unwrap()
}

const SHAPES: usize = 4;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
#[ignore = "the child of the test below: a run that somebody steers until it ends, or is killed"]
fn steered() {
    let Some(out) = std::env::var_os("SPIRITSAFE_STEERED").map(PathBuf::from) else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(number("SPIRITSAFE_SEED", 0));
    let config = shape(number("SPIRITSAFE_SHAPE", 0) as usize);
    let engine = begin(Start { resume: out.join("run.json").exists(), ..start(&config, &out) });
    let mut controls = Vec::new();
    for event in engine.events() {
        match event {
            Event::Started(info) => controls = info.controls,
            Event::Stepped { .. } => {
                let request = match rng.random_range(0..24) {
                    0..2 => Request::Set { control: LEARNING_RATE.to_owned(), value: rng.random_range(0.05..0.5) },
                    2..4 => {
                        let heads: Vec<&Control> = controls
                            .iter()
                            .filter(|one| one.belongs_to().is_none() && one.id != LEARNING_RATE)
                            .collect();
                        let control = heads[rng.random_range(0..heads.len())];
                        let most = control.kind.most().unwrap_or(2.0 * control.default);
                        let is_idle = control.needs_pool || control.no_effect.is_some();
                        let value = if is_idle { 0.0 } else { rng.random_range(0.1..1.0) * most };
                        Request::Set { control: control.id.clone(), value }
                    }
                    4 => Request::Export(out.join(format!("export-{}", rng.random::<u64>()))),
                    5 => Request::Evaluate(Trial { protocol: "quick@2x1".to_owned(), ..Trial::default() }),
                    6 => Request::Checkpoint,
                    _ => continue,
                };
                engine.send(request);
            }
            Event::Finished { complete, .. } => return assert!(complete),
            Event::Failed { message, .. } => panic!("{message}"),
            _ => {}
        }
    }
}

fn steer(out: &Path, cache: &Path, shape: usize, seed: u64) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "killed::steered", "--ignored", "--nocapture"]);
    child.env("SPIRITSAFE_STEERED", out).env("SPIRITSAFE_SHAPE", shape.to_string());
    child.env("SPIRITSAFE_SEED", seed.to_string()).env("SPIRITSAFE_CACHE", cache);
    child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// An evaluation in words, without times and counts. Selections are the same at every step.
fn what_was_found(one: &Evaluation) -> String {
    let step = if one.subject.is_made() { one.step } else { 0 };
    format!("{step} {:?} {:?} {} {:?}", one.subject, one.tested_on, one.accuracy.protocol, one.values)
}

/// A run that is killed ever again.
struct Killed {
    out: PathBuf,
    cache: PathBuf,
    shape: usize,
    /// What was recorded for good so far: lines on the test split, and live changes.
    kept: Vec<Vec<u8>>,
}

impl Killed {
    /// Lines that no kill may take away.
    fn check(&mut self) {
        let text = |name: &str| fs::read(self.out.join(name)).unwrap_or_default();
        let whole = |text: Vec<u8>| -> Vec<Vec<u8>> {
            text.split_inclusive(|&byte| byte == b'\n')
                .filter(|line| line.ends_with(b"\n"))
                .map(<[u8]>::to_vec)
                .collect()
        };
        let mut now = whole(text("interventions.jsonl"));
        let evaluations = whole(text("evaluations.jsonl")).into_iter();
        now.extend(evaluations.filter(|line| String::from_utf8_lossy(line).contains("\"tested_on\":\"test\"")));
        for line in &self.kept {
            assert!(now.contains(line), "lost: {}", String::from_utf8_lossy(line));
        }
        self.kept = now;
    }

    /// The run has ended: it is what an undisturbed run with the same live changes is.
    fn verify(&mut self) {
        self.check();
        let config = shape(self.shape);
        let calm = folder();
        let script = RunFolder::interventions(&self.out).unwrap();
        assert!(wait_finished(&begin(Start { script, ..start(&config, calm.path()) })).1);
        assert_equal_runs(calm.path(), &self.out);
        let (killed, calm) = (RunFolder::evaluations(&self.out).unwrap(), RunFolder::evaluations(calm.path()).unwrap());
        let all: BTreeSet<String> = killed.iter().map(what_was_found).collect();
        for one in &calm {
            let was_cached = one.subject.name() == "whole";
            let found = what_was_found(one);
            assert!(all.contains(&found) || was_cached, "never judged: {found} in {all:#?}");
        }
        let uses: Vec<u64> =
            killed.iter().filter(|one| one.tested_on == TestedOn::Test).map(|one| one.test_uses).collect();
        assert!(uses.windows(2).all(|pair| pair[0] <= pair[1]), "{uses:?}");
        assert_eq!(uses.last().copied().unwrap_or(0), uses.len() as u64, "{uses:?}");
        fs::remove_dir_all(&self.out).unwrap();
        self.kept.clear();
    }
}

#[test]
fn runs_killed_at_random_moments_end_as_undisturbed_ones() {
    let (kills, seed) = (number("SPIRITSAFE_KILLS", 20), number("SPIRITSAFE_SEED", 1));
    for shape in 0..SHAPES {
        let place = folder();
        let (out, cache) = (place.path().join("run"), place.path().join("cache"));
        let mut run = Killed { out, cache, shape, kept: Vec::new() };
        let mut rng = ChaCha8Rng::seed_from_u64(seed + shape as u64);
        let (mut killed, mut ended) = (0, 0);
        let newest = |out: &Path| if out.join("checkpoints").exists() { checkpoints(out).pop() } else { None };
        while killed < kills / SHAPES as u64 {
            let before = newest(&run.out);
            let mut child = steer(&run.out, &run.cache, shape, rng.random());
            // Every other one is hit soon, while it opens its folder perhaps; the others come one checkpoint further.
            while killed % 2 == 1 && newest(&run.out) == before && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(1));
            }
            sleep(Duration::from_millis(rng.random_range(1..300)));
            if child.try_wait().unwrap().is_some() {
                finish(child);
                run.verify();
                ended += 1;
                continue;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            run.check();
        }
        finish(steer(&run.out, &run.cache, shape, rng.random()));
        run.verify();
        println!("shape {shape}: {killed} kills, {} runs ended as undisturbed ones", ended + 1);
    }
}

/// Every whole line of a log of steps stands there, or in a file beside.
fn assert_kept(run: &Path, scalars: &[u8]) {
    let beside = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let is_log = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("scalars.jsonl");
    let all: Vec<u8> = beside.filter(is_log).flat_map(|path| bytes(&path)).collect();
    for line in scalars.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        assert!(all.windows(line.len()).any(|window| window == line), "lost: {}", String::from_utf8_lossy(line));
    }
}

#[test]
fn a_disk_that_fills_at_random_moments_costs_nothing_that_was_whole() {
    let fills = number("SPIRITSAFE_FILLS", 6);
    let mut rng = ChaCha8Rng::seed_from_u64(number("SPIRITSAFE_SEED", 1));
    let long = ["--steps", "60"];
    let place = folder();
    let whole = place.path().join("whole");
    let start = |out: &Path| {
        let mut command = digits(out);
        command.args(["--set", "evaluation.every=10", "--set", "evaluation.during=\"quick@1x1\""]);
        command
    };
    succeed(start(&whole).args(long));
    let (mut filled, mut runs) = (0, 0);
    while filled < fills {
        let mut size = rng.random_range(8..48);
        let Some(disk) = Disk::new(&format!("{size}k")) else {
            println!("skipped: this system lets nobody mount a small disk");
            return;
        };
        let run = disk.path().join("run");
        loop {
            let scalars = fs::read(run.join("scalars.jsonl")).unwrap_or_default();
            let old = if run.join("checkpoints").exists() { checkpoints(&run) } else { Vec::new() };
            let mut command = if run.join("run.json").exists() { resume(&run) } else { start(&run) };
            let output = command.args(long).output().unwrap();
            let text = stderr(&output);
            if output.status.success() {
                break;
            }
            assert!(output.status.code() == Some(3) && text.contains("Free some space"), "{text}");
            filled += 1;
            assert_kept(&run, &scalars);
            assert!(old.is_empty() || checkpoints(&run).last() >= old.last(), "the newest checkpoint is gone");
            size += rng.random_range(4..24);
            disk.grow(&format!("{size}k"));
        }
        assert_equal_scalars(&whole, &run);
        assert_equal_images(&whole, &run);
        let judged = |run: &Path| -> BTreeSet<String> {
            RunFolder::evaluations(run).unwrap().iter().map(what_was_found).collect()
        };
        assert_eq!(judged(&whole), judged(&run));
        runs += 1;
    }
    println!("{filled} moments without room, {runs} runs ended as undisturbed ones");
}
