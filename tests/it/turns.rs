//! Nothing blocks: whatever takes long, pause, cancel and close are answered at once.
//!
//! The ordinary test asks once for each kind of long work. The table of times is made by
//! `SPIRITSAFE_ROUNDS=20 [SPIRITSAFE_DATA=idx:DIR] cargo test --release --test it turns -- --nocapture`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::support::driving::{PATIENCE, begin, folder};
use spiritsafe::{
    config::RunConfig,
    data::DataSpec,
    engine::{Answer, Asked, Command, Engine, Event, Start, Trial},
    report::Subject,
};

/// Answers come within this; the aim is 100 ms and a slice, the rest is for busy machines.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Long work: a preset with settings, what is asked for once the run stands, and how long to wait before it is cut short.
struct Work {
    name: &'static str,
    preset: &'static str,
    settings: &'static [&'static str],
    ask: fn(&Path) -> Option<Command>,
    runs: bool,
}

/// An energy map that waits for no network.
const ENERGY: &[&str] = &["energy.features=\"pixels\"", "energy.power=1.0", "steps=100000"];

fn works() -> Vec<Work> {
    let evaluate = |_: &Path| {
        let trial = Trial { protocol: "dm@3000x3".to_owned(), ..Trial::default() };
        Some(Command::Evaluate(trial))
    };
    let slow_network = |_: &Path| {
        let trial =
            Trial { protocol: "dm@300x3".to_owned(), networks: vec!["resnet18".to_owned()], against: Vec::new() };
        Some(Command::Evaluate(trial))
    };
    let inspect = |_: &Path| Some(Command::Inspect(Box::new(config("iid-cpu", &[]))));
    let select = |out: &Path| Some(Command::ExportSelection { what: Subject::Herding, folder: out.join("herding") });
    let fuse = |out: &Path| {
        let (other, folder) = (Some((data(), None)), Some(out.join("fused")));
        Some(Command::Analyse(Asked { other, folder, ..Asked::of("fusion") }))
    };
    let nothing = |_: &Path| None;
    vec![
        Work { name: "preparing a run", preset: "dm-cpu", settings: &[], ask: nothing, runs: true },
        Work { name: "a step", preset: "dm-cpu", settings: &["steps=100000"], ask: nothing, runs: true },
        Work { name: "a step with a queue", preset: "idm-cpu", settings: &["steps=100000"], ask: nothing, runs: true },
        Work { name: "training a pool", preset: "cmi-cpu", settings: &["pool.epochs=200"], ask: nothing, runs: true },
        Work { name: "training an autoencoder", preset: "ddoq-cpu", settings: &[], ask: nothing, runs: true },
        Work { name: "an evaluation", preset: "dm-cpu", settings: &[], ask: evaluate, runs: false },
        Work { name: "an evaluation by ResNet18", preset: "dm-cpu", settings: &[], ask: slow_network, runs: false },
        Work { name: "a look into a data set", preset: "dm-cpu", settings: &[], ask: inspect, runs: false },
        Work { name: "a selection by an expert", preset: "dm-cpu", settings: &[], ask: select, runs: false },
        Work { name: "a step of an energy map", preset: "pemdd-cpu", settings: ENERGY, ask: nothing, runs: true },
        Work {
            name: "judging on the map",
            preset: "pemdd-cpu",
            settings: ENERGY,
            ask: |_| Some(Command::Analyse(Asked::of("on_map"))),
            runs: false,
        },
        Work { name: "fusion", preset: "pemdd-cpu", settings: ENERGY, ask: fuse, runs: false },
        Work {
            name: "distances",
            preset: "kmeans-cpu",
            settings: &["pool.epochs=1"],
            ask: |_| Some(Command::Analyse(Asked::of("distances"))),
            runs: false,
        },
    ]
}

fn data() -> DataSpec {
    std::env::var("SPIRITSAFE_DATA").map_or(DataSpec::Digits, |spec| spec.parse().unwrap())
}

fn config(preset: &str, settings: &[&str]) -> RunConfig {
    let settings: Vec<String> = settings.iter().map(|&one| one.to_owned()).collect();
    RunConfig { data: data(), ..RunConfig::preset(preset, &settings).unwrap() }
}

/// How long it takes until the request is answered, which it must be once and not by a refusal.
fn answered(engine: &Engine, command: Command) -> Duration {
    let clock = Instant::now();
    let asked = engine.send(command);
    loop {
        match engine.events().recv_timeout(PATIENCE).expect("the engine says something") {
            Event::Answered { request, answer } if request == asked => {
                assert_eq!(answer, Answer::Done);
                return clock.elapsed();
            }
            Event::Failed { message, .. } => panic!("{message}"),
            _ => {}
        }
    }
}

/// Pause, cancel and close, in the middle of the work.
fn cut_short(work: &Work, wait: Duration) -> [Duration; 3] {
    let out = folder();
    let start = Start { paused: !work.runs, ..Start::new(config(work.preset, work.settings), out.path().join("run")) };
    let engine = begin(start);
    if let Some(command) = (work.ask)(out.path()) {
        engine.send(command);
    }
    std::thread::sleep(wait);
    let paused = answered(&engine, Command::Pause);
    let cancelled = answered(&engine, Command::CancelEvaluation);
    if let Some(command) = (work.ask)(&out.path().join("again")) {
        engine.send(command);
    } else {
        engine.send(Command::Resume);
    }
    std::thread::sleep(wait);
    let clock = Instant::now();
    drop(engine);
    let closed = clock.elapsed();
    [paused, cancelled, closed]
}

/// A program that is closed ends whatever still computes; here it has to end by itself, or the rounds would pile
/// up. No other test may be under way.
fn await_tasks() {
    let is_task = |entry: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(entry.unwrap().path().join("comm")).is_ok_and(|name| name.trim() == "task")
    };
    let end = Instant::now() + PATIENCE;
    while std::fs::read_dir("/proc/self/task").is_ok_and(|mut threads| threads.any(is_task)) {
        assert!(Instant::now() < end, "what was given up goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn pause_cancel_and_close_are_answered_whatever_is_under_way() {
    let rounds = std::env::var("SPIRITSAFE_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    println!("milliseconds, median and worst of {rounds}: pause, cancel, close");
    for work in works() {
        let mut times: [Vec<f64>; 3] = Default::default();
        for round in 0..rounds {
            // Each round hits the work at another moment.
            let wait = if work.name.starts_with("preparing") { 5 } else { 300 } + 37 * (round % 20) as u64;
            for (times, time) in times.iter_mut().zip(cut_short(&work, Duration::from_millis(wait))) {
                times.push(1000.0 * time.as_secs_f64());
            }
            if rounds > 1 {
                await_tasks();
            }
        }
        let mut line = format!("{:28}", work.name);
        for times in &mut times {
            times.sort_unstable_by(f64::total_cmp);
            line += &format!(" {:7.1} {:7.1}", times[times.len() / 2], times[times.len() - 1]);
        }
        println!("{line}");
        for (what, times) in ["pause", "cancel"].into_iter().zip(&times) {
            let worst = times[times.len() - 1];
            assert!(worst < 1000.0 * AT_ONCE.as_secs_f64(), "{}: {what} took {worst:.0} ms", work.name);
        }
    }
}
