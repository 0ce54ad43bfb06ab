//! `compare`: presets and selections of real images beside each other, by one protocol with one network.
//!
//! Every distillation is a process of its own, so that its peak of memory is its own; a run that is complete already is
//! used again.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::Args;
use serde_json::Value;

use super::{evaluate::newest, tables};
use crate::{
    config::{PRESETS, RunConfig},
    data::DataSpec,
    error::{Error, Result},
    evaluate::{Protocol, published},
    names::file_name,
    report::{Accuracy, Compared, Comparison, Evaluation, Spread, Subject},
    store::{self, RunFolder},
    words,
};

#[derive(Args)]
pub(super) struct CompareArgs {
    /// Presets, and selections of real images: random, medoids, feature_medoids, herding, k_center, forgetting, whole
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    presets: Vec<String>,
    /// The data set, for example digits or cifar10:DIR
    #[arg(long, value_name = "SPEC")]
    data: DataSpec,
    /// Images in each class
    #[arg(long, value_name = "N")]
    ipc: Option<usize>,
    /// Seeds: 0, 1, and so on; runs of different seeds share nothing
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// Steps of every run
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// The rules by which all are judged
    #[arg(long, value_name = "NAME", default_value = "dm@300x3")]
    protocol: Protocol,
    /// Any key of the config, for all presets
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the runs and of comparison.json, which the window opens
    #[arg(long, value_name = "DIR", default_value = "comparison")]
    out: PathBuf,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What one seed of a preset has brought.
struct Done {
    evaluations: Vec<Evaluation>,
    secs: f64,
    peak: Option<u64>,
}

impl CompareArgs {
    pub(super) fn run(self) -> Result<()> {
        let (presets, selections) = self.sort()?;
        let network = self.common_network(&presets)?;
        if let Some(note) = self.protocol.family.note() {
            eprintln!("{}: {note}", self.protocol);
        }
        let against: Vec<&str> = selections.iter().map(|subject| subject.name()).collect();
        let mut rows = Vec::new();
        let mut first: Vec<Done> = Vec::new();
        for (position, preset) in presets.iter().enumerate() {
            let mut done = Vec::new();
            for seed in 0..self.seeds {
                // Selections are judged beside the first preset: its seeds are theirs.
                done.push(self.distil(preset, seed, if position == 0 { &against } else { &[] })?);
            }
            rows.push(row(preset, Subject::Synthetic, &done, self.protocol)?);
            if position == 0 {
                first = done;
            }
        }
        for subject in selections {
            rows.push(row(subject.name(), subject, &first, self.protocol)?);
        }
        let config = self.config(&presets[0], 0)?;
        let data = config.data.load(0)?;
        let comparison = Comparison {
            data: data.name().to_owned(),
            fingerprint: Some(data.fingerprint().to_owned()),
            per_class: config.images.per_class,
            protocol: self.protocol.to_string(),
            network,
            rows,
            published: published(data.name(), config.images.per_class, &self.protocol.to_string()),
        };
        store::write_comparison(&self.out, &comparison)?;
        if self.json {
            println!("{}", serde_json::to_string(&comparison).expect("plain data"));
        } else {
            print!("{}", table(&comparison));
            println!("written to {}; the window opens it beside a run", self.out.join(store::COMPARISON).display());
        }
        Ok(())
    }

    /// Names of presets, and subjects that are no preset.
    fn sort(&self) -> Result<(Vec<String>, Vec<Subject>)> {
        let (mut presets, mut selections) = (Vec::new(), Vec::new());
        for name in &self.presets {
            if PRESETS.iter().any(|preset| preset.name == name) {
                presets.push(name.clone());
            } else if name == Subject::Whole.name() {
                selections.push(Subject::Whole);
            } else {
                selections.push(super::evaluate::selection(name).map_err(|error| {
                    let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                    Error::Config(format!("{error}; or a preset: {}", names.join(", ")))
                })?);
            }
        }
        if presets.is_empty() {
            return Err(Error::Config("name at least one preset: selections are judged beside it".to_owned()));
        }
        Ok((presets, selections))
    }

    fn config(&self, preset: &str, seed: u64) -> Result<RunConfig> {
        let mut config = RunConfig::preset(preset, &self.set)?;
        config.data = self.data.clone();
        config.seed = seed;
        config.images.per_class = self.ipc.unwrap_or(config.images.per_class);
        config.steps = self.steps.unwrap_or(config.steps);
        // Judged afterwards, by the rules of the comparison.
        config.evaluation.every = 0;
        config.evaluation.last = self.protocol;
        Ok(config)
    }

    /// The network that judges, which must be the same for all: accuracies of different ones are never ranked.
    fn common_network(&self, presets: &[String]) -> Result<String> {
        let mut common: Option<(String, &String)> = None;
        for preset in presets {
            let network = self.config(preset, 0)?.network.judge().describe();
            match &common {
                Some((known, first)) if *known != network => {
                    return Err(Error::Config(format!(
                        "{first} is judged by {known} and {preset} by {network}: accuracies of different networks do not \
                         compare. Give them the same, for example --set network.width=32 --set network.depth=3"
                    )));
                }
                Some(_) => {}
                None => common = Some((network, preset)),
            }
        }
        Ok(common.expect("at least one preset").0)
    }

    /// Runs a preset, unless that was done before, and judges it.
    fn distil(&self, preset: &str, seed: u64, against: &[&str]) -> Result<Done> {
        let config = self.config(preset, seed)?;
        let folder = self.out.join(file_name(&format!("{preset}-{seed}")));
        let known = match folder.join("run.json").is_file() {
            true => {
                let same = RunFolder::record::<RunConfig>(&folder)?.config == config;
                if !same {
                    return Err(Error::Config(format!(
                        "{} holds a run with other settings. Choose another --out, or remove it",
                        folder.display()
                    )));
                }
                read_summary(&folder)
            }
            false => None,
        };
        let summary = if let Some(summary) = known {
            eprintln!("{preset}, seed {seed}: done before");
            summary
        } else {
            eprintln!("{preset}, seed {seed}:");
            self.child_distils(&config, &folder)?
        };
        let known = newest(&folder, self.protocol)?;
        let lacks = |name: &str| known.iter().all(|one| one.subject.name() != name);
        if lacks(Subject::Synthetic.name()) || against.iter().any(|name| lacks(name)) {
            let mut arguments = vec!["evaluate".to_owned(), folder.display().to_string(), "--json".to_owned()];
            arguments.extend(["--protocol".to_owned(), self.protocol.to_string()]);
            if !against.is_empty() {
                arguments.extend(["--against".to_owned(), against.join(",")]);
            }
            spiritsafe(&arguments)?;
        }
        let number = |name: &str| summary.get(name).and_then(Value::as_f64);
        Ok(Done {
            evaluations: newest(&folder, self.protocol)?,
            secs: number("secs").unwrap_or(0.0),
            peak: number("peak_rss_bytes").map(|bytes| bytes as u64),
        })
    }

    fn child_distils(&self, config: &RunConfig, folder: &Path) -> Result<Value> {
        std::fs::create_dir_all(&self.out).map_err(Error::file("make", &self.out))?;
        let file = self.out.join(file_name(&format!("{}-{}.toml", config.name, config.seed)));
        let text = toml::to_string(config).expect("a config is TOML");
        std::fs::write(&file, text).map_err(Error::file("write", &file))?;
        let mut arguments = ["distill", "--json", "--judge", "images"].map(str::to_owned).to_vec();
        match folder.join("run.json").is_file() {
            true => arguments.push("--resume".to_owned()),
            false => arguments.extend(["--config".to_owned(), file.display().to_string()]),
        }
        arguments.extend(["--out".to_owned(), folder.display().to_string()]);
        let summary = spiritsafe(&arguments)?;
        let path = folder.join(SUMMARY);
        std::fs::write(&path, summary.to_string()).map_err(Error::file("write", &path))?;
        Ok(summary)
    }
}

/// What a distillation said at its end, beside its other files.
const SUMMARY: &str = "summary.json";

fn read_summary(folder: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(folder.join(SUMMARY)).ok()?).ok()
}

/// Runs this program and takes the object that it ends with.
fn spiritsafe(arguments: &[String]) -> Result<Value> {
    let program = env::current_exe().map_err(|error| Error::Device(format!("this program is not found: {error}")))?;
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Error::Device(format!("this program could not be started again: {error}")))?;
    match output.status.code() {
        Some(0) => {}
        Some(2) => return Err(Error::Config("see above".to_owned())),
        Some(3) => return Err(Error::Data("see above".to_owned())),
        Some(130) => return Err(Error::Interrupted),
        _ => return Err(Error::Device("see above".to_owned())),
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|error| Error::Device(format!("an unexpected answer: {error}")))
}

/// All networks of all seeds in one line.
fn row(name: &str, subject: Subject, done: &[Done], protocol: Protocol) -> Result<Compared> {
    let of = |done: &Done| done.evaluations.iter().find(|one| one.subject == subject).cloned();
    let judged: Vec<Evaluation> = done.iter().filter_map(of).collect();
    let Some(one) = judged.first() else {
        return Err(Error::Data(format!("{name} was not judged by {protocol}")));
    };
    let values: Vec<f64> = judged.iter().flat_map(|one| one.values.iter().copied()).collect();
    let mut secs: Vec<f64> = done.iter().map(|done| done.secs).collect();
    secs.sort_unstable_by(f64::total_cmp);
    let is_made = subject == Subject::Synthetic;
    Ok(Compared {
        preset: name.to_owned(),
        accuracy: Accuracy::of(&values, &one.accuracy.protocol),
        seeds: judged.len(),
        spread: Spread::of(&judged.iter().flat_map(Evaluation::by_draw).collect::<Vec<_>>()),
        bytes: one.bytes,
        images: one.images,
        secs: is_made.then(|| secs[secs.len() / 2]),
        peak_rss_bytes: done.iter().filter_map(|done| done.peak).max().filter(|_| is_made),
    })
}

fn table(comparison: &Comparison) -> String {
    let head = [
        "",
        "accuracy, %",
        "over draws",
        "over networks of one",
        "networks",
        "stored",
        "trained on",
        "seconds",
        "peak memory",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let none = || "–".to_owned();
    for row in &comparison.rows {
        rows.push(vec![
            match row.accuracy.protocol == comparison.protocol {
                true => row.preset.clone(),
                false => format!("{} ({})", row.preset, row.accuracy.protocol),
            },
            tables::percent(&row.accuracy),
            row.spread.between.map_or_else(none, |std| format!("{:.1}", 100.0 * std)),
            row.spread.within.map_or_else(none, |std| format!("{:.1}", 100.0 * std)),
            row.accuracy.repeats.to_string(),
            words::bytes(row.bytes as f64),
            row.images.to_string(),
            row.secs.map_or_else(none, |secs| format!("{secs:.1}")),
            row.peak_rss_bytes.map_or_else(none, |bytes| words::bytes(bytes as f64)),
        ]);
    }
    for row in &comparison.published {
        let std = row.std.map_or_else(String::new, |std| format!(" ± {:.1}", 100.0 * std));
        let note = row.note.as_ref().map_or_else(String::new, |note| format!(", {note}"));
        let name = format!("{} (published{note}; stored: {})", row.method, row.stored);
        rows.push(vec![name, format!("{:.1}{std}", 100.0 * row.accuracy)]);
    }
    format!(
        "{}{}, {} in each class, {}, {}\n",
        tables::aligned(&rows),
        comparison.data,
        comparison.per_class,
        comparison.protocol,
        comparison.network
    )
}
