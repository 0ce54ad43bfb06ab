//! `distill`: the main job. Without any command the digits demo runs.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    ConfigArgs, JudgeArgs,
    drive::{Summary, describe, drive},
    parse_device, pin_as_recorded, tables,
};
use crate::{
    config::RunConfig,
    engine::{Allow, Start},
    error::{Error, Result},
    memory,
    report::{Evaluation, Subject},
    store::RunFolder,
};

#[derive(Args)]
pub(super) struct DistillArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Folder of the run; it is made
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on with the run in that folder; --steps makes it longer, --data says where its data lie now
    #[arg(long)]
    resume: bool,
    /// With --resume: move lines of logs that cannot be read into a file beside; where no checkpoint is whole, begin again
    #[arg(long, requires = "resume")]
    repair: bool,
    /// With --resume: look through trained networks that are not those with which the run began, and say so
    #[arg(long, requires = "resume")]
    other_networks: bool,
    #[command(flatten)]
    judge: JudgeArgs,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl DistillArgs {
    pub(super) fn run(self) -> Result<()> {
        let config = if self.resume { self.as_recorded()? } else { self.config.read()? };
        let allow = Allow { repair: self.repair, other_networks: self.other_networks };
        let judge = self.judge.judge();
        let start = Start { resume: self.resume, judge, allow, ..Start::new(config, self.out.clone()) };
        let summary = drive(start, None).inspect_err(|error| {
            if matches!(error, Error::Interrupted) && self.out.join("run.json").is_file() {
                let out = self.out.display();
                eprintln!("stopped; everything is saved. Go on with: spiritsafe distill --resume --out {out}");
            }
        })?;
        finish(&summary, &self.out, self.json);
        Ok(())
    }

    /// The config of the run that goes on. Only its length, its device and the place of its data may change.
    fn as_recorded(&self) -> Result<RunConfig> {
        let useless = self.config.without_use_on_resume();
        if !useless.is_empty() {
            return Err(Error::Config(format!(
                "{} cannot be given with --resume: a run goes on with its own config. Only --steps, --device and --data (where \
                 its data lie now) can; leave the others out, or start a new run with another --out",
                useless.join(", ")
            )));
        }
        let record = RunFolder::record(&self.out)?;
        pin_as_recorded(&record);
        let mut config: RunConfig = record.config;
        config.steps = self.config.steps.unwrap_or(config.steps);
        if let Some(device) = &self.config.device {
            config.device = parse_device(device)?;
        }
        if let Some(place) = &self.config.data {
            config.data = config.data.moved_to(place);
        }
        Ok(config)
    }
}

/// The digits demo in the terminal.
pub fn demo() -> Result<()> {
    let start = Start::fresh(RunConfig::preset("digits", &[])?);
    let out = start.out.clone();
    let summary = drive(start, None)?;
    finish(&summary, &out, false);
    Ok(())
}

/// Says what a run has brought.
pub(super) fn finish(summary: &Summary, out: &Path, json: bool) {
    if json {
        println!("{}", as_json(summary, out));
        return;
    }
    if summary.steps_done > 0 {
        println!("{} steps in {:.1} s ({:.1} steps/s)", summary.steps_done, summary.secs, summary.steps_per_sec());
    }
    for artifact in &summary.artifacts {
        print!("{}", tables::page(&artifact.page));
    }
    if let Some(verdict) = &summary.verdict {
        println!("{}", verdict.text);
    } else {
        let newest = Subject::ALL.into_iter().filter_map(|subject| summary.of(subject));
        newest.for_each(|evaluation| println!("{}", describe(evaluation)));
    }
    println!("images and logs: {}", out.display());
}

fn as_json(summary: &Summary, out: &Path) -> Value {
    let accuracy = |subject| summary.of(subject).map_or(Value::Null, accuracy_json);
    let mut json = json!({
        "steps": summary.step,
        "steps_done": summary.steps_done,
        "secs": summary.secs,
        "steps_per_sec": summary.steps_per_sec(),
        "accuracy": accuracy(Subject::Synthetic),
        "random": accuracy(Subject::Random),
        "medoids": accuracy(Subject::Medoids),
        "whole": accuracy(Subject::Whole),
        "verdict": summary.verdict,
        "skipped": summary.skipped,
        "test_uses": summary.evaluations.last().map_or(0, |evaluation| evaluation.test_uses),
        "peak_rss_bytes": memory::peak_bytes(),
        "out": out,
    });
    // What the method worked out, each by its name.
    for artifact in &summary.artifacts {
        json[&artifact.analysis] = artifact.json.clone();
    }
    json
}

fn accuracy_json(evaluation: &Evaluation) -> Value {
    let accuracy = &evaluation.accuracy;
    json!({
        "mean": accuracy.mean,
        "std": accuracy.std,
        "repeats": accuracy.repeats,
        "protocol": accuracy.protocol,
        "tested_on": evaluation.tested_on,
        "step": evaluation.step,
    })
}
