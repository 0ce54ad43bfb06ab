//! Every file that is read back, damaged in every way: it is opened, or refused by its name; nothing that was whole is gone;
//! never a panic.
//!
//! A seeded twentieth of the damages is tried each time; all of them with `SPIRITSAFE_WHOLE=1`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{
    bytes, checkpoints,
    driving::{PATIENCE, folder},
    lines,
    program::{distill, refuse, resume, spiritsafe, stderr, succeed},
    reading::fixture,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    config::RunConfig,
    data::{DataSpec, Dataset},
    error::Error,
    fingerprint::Fingerprint,
    report::{Accuracy, Compared, Comparison, Spread},
    store::{self, Resumption, RunFolder, VERSION, sets},
};
use tempfile::TempDir;

/// Points in a small latent space, so that there are trained networks too.
const SETTINGS: [&str; 13] = [
    "latent.batches=40",
    "latent.prior_batches=40",
    "latent.width=4",
    "latent.prior_width=16",
    "network.width=8",
    "images.per_class=2",
    "steps=10",
    "checkpoint.every=5",
    "checkpoint.keep=3",
    "evaluation.every=5",
    "evaluation.during=\"quick@1x1\"",
    "evaluation.last=\"dm@1x1\"",
    "evaluation.whole=\"whole@1\"",
];

/// A run with everything that it can leave, its export and its cache.
struct Files {
    /// Goes with the last of them; in memory, where there is such a folder.
    root: TempDir,
    data: Dataset,
}

impl Files {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { folder() };
        let files = Self { root, data: DataSpec::Digits.load(0).unwrap() };
        succeed(&mut files.with_cache(distill("ddoq-digits", &SETTINGS, &files.run())));
        let changes = [(12, 0.2, 0.1), (14, 0.1, 0.3), (15, 0.3, 0.2)];
        let line = |(step, old, new)| {
            format!(
                "{{\"version\":{VERSION},\"step\":{step},\"change\":\"learning_rate\",\"old\":{old},\"new\":{new}}}\n"
            )
        };
        fs::write(files.run().join("interventions.jsonl"), changes.map(line).concat()).unwrap();
        succeed(files.with_cache(resume(&files.run())).args(["--steps", "20"]));
        succeed(files.with_cache(spiritsafe()).arg("export").arg(files.run()).arg(files.export()));
        let row = Compared {
            preset: "random".to_owned(),
            accuracy: Accuracy::of(&[0.5, 0.625], "dm@1x1"),
            spread: Spread::default(),
            seeds: 2,
            bytes: 1280,
            images: 20,
            secs: None,
            peak_rss_bytes: None,
        };
        let comparison = Comparison { rows: vec![row], protocol: "dm@1x1".to_owned(), ..Comparison::default() };
        store::write_comparison(&files.export(), &comparison).unwrap();
        files
    }

    fn with_cache(&self, mut command: Command) -> Command {
        command.env("SPIRITSAFE_CACHE", self.root.path().join("cache"));
        command
    }

    fn run(&self) -> PathBuf {
        self.root.path().join("run")
    }

    fn export(&self) -> PathBuf {
        self.root.path().join("export")
    }

    /// The files of a folder of the cache.
    fn cached(&self, kind: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.path().join("cache").join(kind)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// A way in which a file was damaged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Damage {
    Cut(usize),
    Changed(usize, u8),
    Version,
    Rubbish,
}

impl Damage {
    /// Every damage of a file, or a seeded twentieth.
    fn all(bytes: &[u8], seed: u64) -> Vec<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let is_whole = std::env::var_os("SPIRITSAFE_WHOLE").is_some();
        let mut cuts: Vec<usize> = (bytes.len().saturating_sub(1024)..bytes.len()).collect();
        cuts.retain(|_| is_whole || rng.random_range(0..20) == 0);
        let changes = if is_whole { 2000 } else { 100 };
        let changed = (0..changes).map(|_| Self::Changed(rng.random_range(0..bytes.len()), rng.random_range(1..=255)));
        let changed: Vec<Self> = changed.collect();
        cuts.into_iter().map(Self::Cut).chain(changed).chain([Self::Version, Self::Rubbish]).collect()
    }

    /// The file with it; nothing where it has no version.
    fn of(self, whole: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = whole.to_vec();
        match self {
            Self::Cut(len) => bytes.truncate(len),
            Self::Changed(at, how) => bytes[at] ^= how,
            Self::Rubbish => {
                let middle = bytes.len() / 2;
                let line = bytes[middle..].iter().position(|&byte| byte == b'\n').map_or(middle, |at| middle + at + 1);
                bytes.splice(line..line, *b"this is \xff no line of it\n");
            }
            Self::Version => {
                let found = ["\\\"version\\\":", "\"version\":", "\"version\": "]
                    .map(|mark| format!("{mark}{VERSION}"))
                    .into_iter()
                    .find_map(|mark| Some(find(&bytes, mark.as_bytes())? + mark.len() - 1))?;
                bytes[found] = b'7';
                reseal(&mut bytes);
            }
        }
        Some(bytes)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Makes the sum of a sealed file fit again, as a later version of the program would.
fn reseal(bytes: &mut [u8]) {
    let marks: [&[u8]; 2] = [br#"\"sha256\":\""#, br#""sha256":""#];
    if let Some(at) = marks.iter().find_map(|mark| Some(find(bytes, mark)? + mark.len())) {
        bytes[at..at + 64].fill(b'0');
        let sum = Fingerprint::default().of(bytes).finish();
        bytes[at..at + 64].copy_from_slice(sum.as_bytes());
    }
}

/// What came of the damages of a file.
#[derive(Default)]
struct Tally {
    opened: usize,
    refused: usize,
}

/// Tries every damage of a file. Whoever refuses names the file.
fn try_all(path: &Path, seed: u64, open: impl FnMut(Damage, &[u8]) -> Result<(), Error>) {
    try_named(path, path, seed, open);
}

/// The same where what is named is a folder above.
fn try_named(path: &Path, named: &Path, seed: u64, mut open: impl FnMut(Damage, &[u8]) -> Result<(), Error>) {
    let whole = bytes(path);
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut tally = Tally::default();
    for damage in Damage::all(&whole, seed) {
        let Some(damaged) = damage.of(&whole) else { continue };
        fs::write(path, &damaged).unwrap();
        match open(damage, &damaged) {
            Ok(()) => tally.opened += 1,
            Err(error) => {
                let said = error.to_string();
                let is_named = said.contains(named.file_name().unwrap().to_str().unwrap());
                assert!(is_named, "{name} with {damage:?} is not named: {said}");
                assert!(damage != Damage::Version || said.contains("version 7"), "{name}: {said}");
                tally.refused += 1;
            }
        }
        fs::write(path, &whole).unwrap();
    }
    assert!(tally.opened + tally.refused > 100, "{name}: hardly anything was tried");
    let Tally { opened, refused } = tally;
    println!("{name}: {} damages, {opened} opened, {refused} refused by name", opened + refused);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Every piece of a damaged file lies in it, or in a file beside.
fn assert_kept(path: &Path, damaged: &[u8], damage: Damage) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let beside = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<Vec<u8>> = beside
        .filter(|other| other.file_name().unwrap().to_str().unwrap().starts_with(name))
        .map(|other| bytes(&other))
        .collect();
    for piece in damaged.split(|&byte| byte == b'\n').filter(|piece| !piece.is_empty()) {
        assert!(all.iter().any(|file| find(file, piece).is_some()), "{name} with {damage:?}: something is gone");
    }
}

/// Goes on with a run of which a file is damaged, with and without repair.
fn goes_on(run: &Path, whole: &Path, path: &Path, damage: Damage, damaged: &[u8]) -> Result<Option<u64>, Error> {
    let again = |repair| {
        let mut resumption = Resumption::of(run, repair)?;
        let step = resumption.take_saved().map(|saved| saved.state.step);
        resumption.go_on().map(|_| step)
    };
    RunFolder::look(run).unwrap();
    let outcome = again(false);
    assert_kept(path, damaged, damage);
    if outcome.is_err() {
        assert_eq!(bytes(path), damaged, "what is refused is left as it is");
        let repaired = again(true);
        let is_fine =
            repaired.as_ref().map_or_else(|error| error.to_string().contains("reads versions up to"), |_| true);
        assert!(is_fine, "{}: {:?}", path.display(), repaired.err());
        assert_kept(path, damaged, damage);
    }
    fs::remove_dir_all(run).unwrap();
    copy(whole, run);
    outcome
}

#[test]
fn whatever_is_damaged_is_opened_or_refused_by_name_and_nothing_whole_is_gone() {
    let files = Files::new();
    let (run, whole) = (files.root.path().join("damaged"), files.run());
    copy(&whole, &run);
    let record = run.join("run.json");
    try_all(&record, 1, |_, _| RunFolder::record::<RunConfig>(&run).map(drop));
    let newest = checkpoints(&run).pop().unwrap();
    for (seed, name) in
        ["scalars.jsonl", "timings.jsonl", "interventions.jsonl", "evaluations.jsonl"].into_iter().enumerate()
    {
        let path = run.join(name);
        try_all(&path, 10 + seed as u64, |damage, damaged| goes_on(&run, &whole, &path, damage, damaged).map(drop));
    }
    try_all(&newest, 2, |damage, damaged| {
        let step = goes_on(&run, &whole, &newest, damage, damaged)?;
        assert_eq!(step, Some(15), "{damage:?} of a checkpoint was not noticed");
        Ok(())
    });
    let card = files.export().join("card.json");
    try_all(&card, 3, |_, _| sets::Card::read(&files.export()).map(drop));
    let comparison = files.export().join("comparison.json");
    try_all(&comparison, 4, |_, _| store::read_comparison(&comparison).map(drop));
    for (kind, read) in [
        ("networks", (|path| store::read_cached_network(path).map(drop)) as fn(&Path) -> Result<(), Error>),
        ("evaluations", |path| store::read_cached_evaluation(path).map(drop)),
    ] {
        let cached = files.cached(kind);
        assert!(!cached.is_empty(), "there are cached {kind}");
        for path in cached.iter().take(2) {
            try_all(path, 5, |damage, _| {
                let read = read(path);
                assert!(read.is_err(), "{damage:?} of {} was not noticed", path.display());
                read
            });
        }
    }
    of_sets(&files);
}

/// The forms in which sets leave and come back.
fn of_sets(files: &Files) {
    let export = files.export();
    let mut paths = vec![files.run().join("synthetic.npz"), export.join("data.pt")];
    paths.extend(["synthetic.npz", "synthetic.safetensors"].map(|name| export.join(name)));
    let results = fs::read_dir(&export).unwrap().map(|entry| entry.unwrap().path());
    paths.extend(results.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("res_")));
    assert_eq!(paths.len(), 5);
    for path in paths {
        try_all(&path, 6, |_, _| sets::read(&path, &files.data).map(drop));
    }
    let picture = export.join("images").join(files.data.class_name(3)).join("001.png");
    let pictures = export.join("images");
    try_named(&picture, &pictures, 7, |_, _| sets::read(&pictures, &files.data).map(drop));
}

#[test]
fn a_bad_line_stops_whoever_goes_on_and_is_set_aside_on_request() {
    let place = folder();
    let run = place.path().join("run");
    succeed(crate::support::program::digits(&run).args([
        "--set",
        "evaluation.every=10",
        "--set",
        "evaluation.during=\"quick@1x1\"",
    ]));
    let log = run.join("evaluations.jsonl");
    let before = lines(&log);
    let text = String::from_utf8(bytes(&log)).unwrap();
    let split = text.find('\n').unwrap() + 1;
    let broken = [&text[..split], "{\"step\": rubbish\n", &text[split..]].concat();
    fs::write(&log, &broken).unwrap();
    let words = ["evaluations.jsonl, line 2", "--repair", run.to_str().unwrap()];
    refuse(&mut resume(&run), 3, &words);
    refuse(spiritsafe().arg("verdict").arg(&run), 3, &words);
    assert_eq!(bytes(&log), broken.as_bytes(), "nothing was changed");
    let text = stderr(&succeed(resume(&run).arg("--repair")));
    assert!(text.contains("1 lines of") && text.contains("evaluations.jsonl.bad-1"), "{text}");
    assert_eq!(bytes(&run.join("evaluations.jsonl.bad-1")), b"{\"step\": rubbish\n");
    assert_eq!(lines(&log)[..before.len()], before[..]);
    // What a later program has written is not called bad.
    let newer = fs::read_to_string(&log).unwrap().replacen(&format!("\"version\":{VERSION}"), "\"version\":9", 1);
    fs::write(&log, &newer).unwrap();
    refuse(resume(&run).arg("--repair"), 3, &["evaluations.jsonl, line 1", "version 9", "newer"]);
    assert_eq!(bytes(&log), newer.as_bytes());
}

#[test]
fn logs_and_checkpoints_without_versions_go_on() {
    let place = folder();
    let [whole, old] = ["whole", "old"].map(|name| place.path().join(name));
    succeed(&mut crate::support::program::digits(&whole));
    succeed(crate::support::program::digits(&old).args(["--steps", "22"]));
    for name in ["scalars.jsonl", "timings.jsonl", "interventions.jsonl", "evaluations.jsonl", "run.json"] {
        let text = fs::read_to_string(old.join(name)).unwrap();
        let (line, entry) = (format!("\"version\":{VERSION},"), format!("  \"version\": {VERSION},\n"));
        let text = text.replace(&line, "").replacen(&entry, "", 1);
        fs::write(old.join(name), text).unwrap();
    }
    let scalars = fs::read_to_string(old.join("scalars.jsonl")).unwrap();
    assert!(!scalars.contains("version"));
    let newest = checkpoints(&old).pop().unwrap();
    fs::remove_file(newest).unwrap(); // At step 22: two lines stand behind the one before.
    succeed(resume(&old).args(["--steps", "30"]));
    let all = |run: &Path| RunFolder::scalars(run).unwrap();
    assert_eq!(all(&whole), all(&old));
    crate::support::assert_equal_images(&whole, &old);
}

/// Runs of version 2 of the formats (`tests/fixtures/older`). What their maps and points are called has changed since: a replay makes those
/// runs anew.
#[test]
fn runs_of_an_older_version_go_on_or_are_refused_with_what_to_do() {
    let place = folder();
    for (name, is_read) in [("matching", true), ("queue", true), ("energy", false)] {
        let run = place.path().join(name);
        copy(&fixture("older").join(name), &run);
        let mut command = resume(&run);
        command.args(["--steps", "44", "--judge", "none"]);
        if is_read {
            succeed(&mut command);
            assert_eq!(lines(&run.join("scalars.jsonl")).last().unwrap()["step"], 44);
        } else {
            refuse(&mut command, 3, &["map.weights", "older version", "replay"]);
            assert_eq!(bytes(&run.join("scalars.jsonl")), bytes(&fixture("older").join(name).join("scalars.jsonl")));
        }
    }
}

#[test]
fn options_that_would_do_nothing_are_refused_on_resume() {
    let place = folder();
    let run = place.path().join("run");
    succeed(&mut crate::support::program::plane(&run));
    for options in [
        ["--preset", "digits"],
        ["--config", "x.toml"],
        ["--set", "steps=3"],
        ["--seed", "1"],
        ["--ipc", "3"],
        ["--classes", "0"],
        ["--size", "8"],
    ] {
        refuse(resume(&run).args(options), 2, &[options[0], "--resume", "--steps"]);
    }
    refuse(crate::support::program::plane(&place.path().join("new")).arg("--repair"), 2, &["--resume"]);
    refuse(resume(&run).args(["--data", "digits"]), 3, &["is not what this run began with"]);
    let record = RunFolder::record::<RunConfig>(&run).unwrap();
    let build = record.build.expect("a run names its build");
    assert_eq!(build, spiritsafe::program::Build::of_this_program());
    let text = fs::read_to_string(run.join("run.json")).unwrap();
    fs::write(
        run.join("run.json"),
        text.replace(&format!("\"version\": \"{}\"", build.version), "\"version\": \"0.0.9\""),
    )
    .unwrap();
    let text = stderr(&succeed(&mut resume(&run)));
    assert!(text.contains("the program spiritsafe 0.0.9"), "{text}");
}

#[test]
fn data_that_lie_elsewhere_now_are_named_on_resume_and_paths_are_absolute() {
    let place = folder();
    let (here, there, run) = (place.path().join("here"), place.path().join("there"), place.path().join("run"));
    for (class, level) in [("a", 40), ("b", 200)] {
        fs::create_dir_all(here.join(class)).unwrap();
        for index in 0..40_u8 {
            let picture = image::GrayImage::from_fn(8, 8, |x, y| image::Luma([level + (x + y) as u8 + index % 7]));
            picture.save(here.join(class).join(format!("{index}.png"))).unwrap();
        }
    }
    let mut start = crate::support::program::digits(&run);
    start.args(["--data", "folder@8:here", "--set", "real.batch=8", "--steps", "6"]).current_dir(place.path());
    succeed(&mut start);
    let recorded = RunFolder::record::<RunConfig>(&run).unwrap().config.data.to_string();
    assert_eq!(recorded, format!("folder@8:{}", here.display()));
    fs::rename(&here, &there).unwrap();
    refuse(&mut resume(&run), 3, &["here"]);
    let mut moved = resume(&run);
    moved.args(["--data", "folder:~/there", "--steps", "8"]).env("HOME", place.path());
    succeed(&mut moved);
    let recorded = RunFolder::record::<RunConfig>(&run).unwrap().config.data.to_string();
    assert_eq!(recorded, format!("folder@8:{}", there.display()), "the size is that of the run");
    assert_eq!(lines(&run.join("scalars.jsonl")).len(), 8);
}

#[test]
fn another_network_is_refused_on_resume_and_replay_or_taken_with_a_note() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let with = |mut command: Command, cache: &str| {
        command.env("SPIRITSAFE_CACHE", at(cache));
        command
    };
    let run = at("run");
    succeed(&mut with(distill("ddoq-digits", &SETTINGS, &run), "one"));
    let known = RunFolder::record::<RunConfig>(&run).unwrap().networks;
    assert_eq!(known.len(), 1, "{known:?}");
    // A cache in which somebody else has left other parameters under the same name.
    let other = at("other");
    succeed(with(distill("ddoq-digits", &SETTINGS, &other), "two").args(["--seed", "1"]));
    // Names of other trained networks have a number behind the fingerprint.
    let cached = |cache: &str| {
        let mut paths = fs::read_dir(at(cache).join("networks")).unwrap().map(|entry| entry.unwrap().path());
        paths.find(|path| !path.file_stem().unwrap().to_str().unwrap().contains('-')).unwrap()
    };
    let [one, two] = ["one", "two"].map(|cache| bytes(&cached(cache)));
    fs::write(cached("one"), two).unwrap();
    let words = ["latent space", "SHA-256", "--other-networks"];
    refuse(with(resume(&run), "one").args(["--steps", "15"]), 3, &words);
    let text = stderr(&succeed(with(resume(&run), "one").args(["--steps", "15", "--other-networks"])));
    assert!(text.contains("latent space") && text.contains("differ"), "{text}");
    let record = RunFolder::record::<RunConfig>(&run).unwrap().networks;
    assert_eq!(record["latent space, up to step 10"], known["latent space"], "what it began with stays on record");
    let replay = |name: &str| {
        let mut command = with(spiritsafe(), "two");
        command.arg("replay").arg(&other).arg("--out").arg(at(name));
        command
    };
    succeed(&mut replay("same"));
    fs::write(cached("two"), one).unwrap();
    refuse(&mut replay("refused"), 3, &words);
    refuse(replay("different").arg("--other-networks"), 4, &["differs from step 1 on"]);
}

/// Without a display the program that a launcher starts runs the demo in the terminal.
#[test]
fn a_launcher_may_start_in_a_place_that_cannot_be_written() {
    let place = folder();
    let mut launched = spiritsafe();
    launched.current_dir("/proc").env("SPIRITSAFE_DATA", place.path());
    launched.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let mut launched = launched.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let record = place.path().join("runs/digits/run.json");
    let end = Instant::now() + PATIENCE;
    while !record.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    launched.kill().unwrap();
    launched.wait().unwrap();
    assert!(record.exists(), "the run lies elsewhere, or nowhere");
}
