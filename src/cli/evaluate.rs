//! `evaluate`: judge the images of a run, or a set that somebody else made.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use serde_json::json;

use super::{
    ConfigArgs, distill,
    drive::{describe, drive},
    set::ReadingArgs,
    tables,
};
use crate::{
    config::RunConfig,
    data::Dataset,
    engine::{Command, Start, Trial},
    error::{Error, Result},
    evaluate::{AugmentationRobust, How, Images, Judge, LabelKind, LabelRobust, Progress, Protocol},
    nn::NetworkSpec,
    report::{Evaluation, Subject},
    store::RunFolder,
    words,
};

#[derive(Args)]
pub(super) struct EvaluateArgs {
    /// Folder of a run; or a set: .pt, .npz, .safetensors or a folder of pictures, together with --data
    path: PathBuf,
    /// For example dm@300x5, dm@1000x20 (the published one), idc@1000x3, dance@1500x3, ncfm@2000x10, fkd@300x3 (soft labels;
    /// fkd@300x3+hard without), quick@100x3 (hold-out), whole@60 (all training images); +soft behind it takes labels from a
    /// teacher, +plain leaves augmentation out
    #[arg(long, value_name = "NAME", default_value = "dm@300x5")]
    protocol: Protocol,
    /// Number of networks, instead of the protocol's
    #[arg(long, value_name = "N")]
    repeats: Option<usize>,
    /// Networks to judge with, for example convnet,alexnet,vgg11,resnet18; convnet is the run's own
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    arch: Vec<String>,
    /// What to compare with: random (always, unless --arch is given), medoids, feature_medoids, herding, k_center, forgetting, whole, or all
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    against: Vec<String>,
    /// Work out the label-robust and the augmentation-robust score of DD-Ranking
    #[arg(long)]
    scores: bool,
    /// Show which class is taken for which
    #[arg(long)]
    confusion: bool,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// For a set: its data, and the network and the augmentation of the config
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// A selection of real images by its name.
pub(super) fn selection(name: &str) -> Result<Subject> {
    Subject::SELECTIONS.into_iter().find(|subject| subject.name() == name).ok_or_else(|| {
        let names: Vec<_> = Subject::SELECTIONS.iter().map(|subject| subject.name()).collect();
        Error::Config(format!("there is no selection \"{name}\". Use one of: {}", names.join(", ")))
    })
}

/// What a list of names stands for.
fn subjects(names: &[String]) -> Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for name in names {
        match name.as_str() {
            "all" => subjects.extend(Subject::SELECTIONS),
            "whole" => subjects.push(Subject::Whole),
            name => subjects.push(selection(name)?),
        }
    }
    Ok(subjects)
}

impl EvaluateArgs {
    pub(super) fn run(self) -> Result<()> {
        let protocol = match self.repeats {
            Some(repeats) => self.protocol.with_repeats(repeats.max(1)),
            None => self.protocol,
        };
        if let Some(note) = protocol.family.note() {
            eprintln!("{protocol}: {note}");
        }
        if !self.path.join("run.json").is_file() && (self.config.data.is_some() || self.path.is_file()) {
            return self.judge_set(protocol);
        }
        self.reading.refuse(&self.path)?;
        if self.scores {
            return self.score(protocol);
        }
        let trial =
            Trial { protocol: protocol.to_string(), against: subjects(&self.against)?, networks: self.arch.clone() };
        let is_table = !trial.against.is_empty() || !trial.networks.is_empty();
        let summary = drive(resting(&self.path)?, Some(Command::Evaluate(trial)))?;
        if is_table {
            // What was known before counts too.
            self.tell(&newest(&self.path, protocol)?);
        } else {
            distill::finish(&summary, &self.path, self.json);
            if self.confusion && !self.json {
                summary.evaluations.iter().for_each(print_confusion);
            }
        }
        Ok(())
    }

    fn tell(&self, evaluations: &[Evaluation]) {
        if self.json {
            println!("{}", json!({ "evaluations": evaluations }));
            return;
        }
        print!("{}", tables::by_network(evaluations));
        if self.confusion {
            evaluations.iter().for_each(print_confusion);
        }
    }

    /// Judges by the protocol, by its twin with hard labels and by its twin without augmentation, and the whole set.
    fn score(&self, protocol: Protocol) -> Result<()> {
        let hard = Protocol { labels: LabelKind::Hard, ..protocol };
        let plain = Protocol { augmented: false, ..protocol };
        let config: RunConfig = RunFolder::record(&self.path)?.config;
        let whole = config.evaluation.whole;
        let mut measured = Vec::new();
        for rules in [whole, hard, protocol, plain] {
            let trial = Trial { protocol: rules.to_string(), ..Trial::default() };
            let known = newest(&self.path, rules)?;
            let of = |subject| known.iter().any(|evaluation: &Evaluation| evaluation.subject == subject);
            if rules == whole || !(of(Subject::Synthetic) && of(Subject::Random)) {
                measured.extend(drive(resting(&self.path)?, Some(Command::Evaluate(trial)))?.evaluations);
            }
            measured.extend(known);
        }
        let mean = |subject: Subject, rules: Protocol| {
            let name = rules.to_string();
            let fits = |one: &&Evaluation| one.subject == subject && one.accuracy.protocol == name;
            let missing = || Error::Data(format!("{} were not judged by {name}", subject.describe()));
            measured.iter().find(fits).map(|one| one.accuracy.mean).ok_or_else(missing)
        };
        let labels = LabelRobust {
            real_hard: mean(Subject::Whole, whole)?,
            synthetic_hard: mean(Subject::Synthetic, hard)?,
            synthetic: mean(Subject::Synthetic, protocol)?,
            random: mean(Subject::Random, protocol)?,
        };
        let augmentation = AugmentationRobust {
            synthetic: labels.synthetic,
            random: labels.random,
            synthetic_plain: mean(Subject::Synthetic, plain)?,
            random_plain: mean(Subject::Random, plain)?,
        };
        if self.json {
            let rules = json!({ "protocol": protocol, "hard": hard, "plain": plain, "whole": whole });
            let recovery = labels.hard_label_recovery();
            println!(
                "{}",
                json!({ "label_robust": labels.score(), "augmentation_robust": augmentation.score(),
                    "hard_label_recovery": recovery, "improvement_over_random": labels.improvement_over_random(),
                    "measured_by": rules })
            );
            return Ok(());
        }
        println!("{}", tables::scores(&labels, &augmentation, [protocol, hard, plain, whole]));
        Ok(())
    }

    /// Judges a set that lies in a file or folder.
    fn judge_set(&self, protocol: Protocol) -> Result<()> {
        if self.scores || !self.against.is_empty() {
            let text = "--scores and --against compare with as many real images, and need the folder of a run";
            return Err(Error::Config(text.to_owned()));
        }
        let (config, data, set) = self.reading.open(&self.path, &self.config)?;
        let mut networks = self.arch.iter().map(|name| name.parse()).collect::<Result<Vec<NetworkSpec>>>()?;
        if networks.is_empty() {
            networks.push(config.network.clone());
        }
        let mut evaluations = Vec::new();
        for network in &networks {
            let images = Images::packed(data.shape(), &set.values, &set.labels, set.read_as.packing)
                .counting(set.factors.clone())
                .softly_labelled(set.shares.clone());
            evaluations.push(judge_images(&data, images, &config, protocol, network)?);
        }
        match (evaluations.as_slice(), self.json) {
            ([one], true) => {
                let mut judged = serde_json::to_value(one).expect("plain data");
                judged["read_as"] = serde_json::to_value(&set.read_as).expect("plain data");
                println!("{judged}");
            }
            ([one], false) => {
                println!("{}", describe(one));
                if self.confusion {
                    print_confusion(one);
                }
            }
            _ => self.tell(&evaluations),
        }
        Ok(())
    }
}

fn judge_images(
    data: &Arc<Dataset>,
    images: Images,
    config: &RunConfig,
    protocol: Protocol,
    network: &NetworkSpec,
) -> Result<Evaluation> {
    let device = config.device.open()?;
    let augmentation = config.augmentation.of(data);
    let how = How { protocol, network, augmentation, device: &device, seed: config.seed };
    let mut judge = Judge::imported(data, images, how)?;
    eprintln!("judging by {protocol}, {}: about {}", network.describe(), words::duration(judge.forecast()?));
    let clock = Instant::now();
    let outcome = loop {
        if let Progress::Done(outcome) = judge.advance()? {
            break outcome;
        }
    };
    Ok(Evaluation {
        step: 0,
        subject: Subject::Exported,
        source: None,
        tested_on: judge.tested_on(),
        accuracy: outcome.accuracy,
        values: outcome.values,
        draws: judge.draws(),
        network: judge.network().describe(),
        confusion: outcome.confusion,
        called: outcome.called,
        images: judge.images(),
        bytes: judge.stored_bytes(),
        secs: clock.elapsed().as_secs_f64(),
        test_uses: 0,
    })
}

/// The run of a folder, to be looked at.
pub(super) fn resting(path: &Path) -> Result<Start> {
    let config: RunConfig = RunFolder::record(path)?.config;
    Ok(Start::resting(config, path.to_owned()))
}

/// The newest evaluation of each subject and network by a protocol, the whole set by its own; distilled images of the last
/// step only.
pub(super) fn newest(path: &Path, protocol: Protocol) -> Result<Vec<Evaluation>> {
    let name = protocol.to_string();
    let looked = RunFolder::look(path)?;
    looked.faults.iter().for_each(|fault| eprintln!("note: {fault}"));
    let mut all = looked.evaluations;
    all.retain(|one| match one.subject {
        Subject::Whole => true,
        Subject::Exported => false,
        _ => one.accuracy.protocol == name,
    });
    let of_images = all.iter().filter(|one| one.subject == Subject::Synthetic);
    let last = of_images.map(|one| one.step).max().unwrap_or(0);
    let mut newest: Vec<Evaluation> = Vec::new();
    for evaluation in all {
        if evaluation.subject == Subject::Synthetic && evaluation.step != last {
            continue;
        }
        let same = |one: &Evaluation| one.subject == evaluation.subject && one.network == evaluation.network;
        match newest.iter_mut().find(|one| same(one)) {
            Some(older) => *older = evaluation,
            None => newest.push(evaluation),
        }
    }
    Ok(newest)
}

fn print_confusion(evaluation: &Evaluation) {
    println!("\n{}, {}: {}", evaluation.subject.describe(), evaluation.network, evaluation.accuracy.protocol);
    print!("{}", tables::confusion(&evaluation.confusion));
}
