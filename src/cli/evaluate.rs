//! `evaluate`: judge the images of a run, or a set that somebody else made.

use std::{path::PathBuf, sync::Arc, time::Instant};

use clap::Args;

use super::{
    ConfigArgs,
    distill::finish,
    drive::{describe, drive},
};
use crate::{
    config::RunConfig,
    engine::{Command, Start},
    error::{Error, Result},
    evaluate::{Images, Judge, Progress, Protocol},
    report::{Evaluation, Subject},
    store::{RunFolder, sets},
    words,
};

#[derive(Args)]
pub(super) struct EvaluateArgs {
    /// Folder of a run; or a set: .pt, .npz, .safetensors or a folder of pictures, together with --data
    path: PathBuf,
    /// For example dm@300x5, dm@1000x20 (the published one), quick@100x3 (hold-out), whole@60 (all training images)
    #[arg(long, value_name = "NAME", default_value = "dm@300x5")]
    protocol: Protocol,
    /// Number of networks, instead of the protocol's
    #[arg(long, value_name = "N")]
    repeats: Option<usize>,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// For a set: its data, and the network and the augmentation of the config
    #[command(flatten)]
    config: ConfigArgs,
}

impl EvaluateArgs {
    pub(super) fn run(self) -> Result<()> {
        let protocol = match self.repeats {
            Some(repeats) => self.protocol.with_repeats(repeats.max(1)),
            None => self.protocol,
        };
        if !self.path.join("run.json").is_file() && (self.config.data.is_some() || self.path.is_file()) {
            return self.judge_set(protocol);
        }
        let config: RunConfig = RunFolder::record(&self.path)?.config;
        let start = Start { config, out: self.path.clone(), resume: true, script: Vec::new(), paused: true };
        let summary = drive(start, Some(Command::Evaluate { protocol: protocol.to_string() }))?;
        finish(&summary, &self.path, self.json);
        Ok(())
    }

    /// Judges a set that lies in a file or folder.
    fn judge_set(&self, protocol: Protocol) -> Result<()> {
        if self.config.data.is_none() {
            return Err(Error::Config(format!(
                "{} is a set without a run: name its data set, for example --data cifar10:DIR",
                self.path.display()
            )));
        }
        let config = self.config.read()?;
        let data = Arc::new(config.data.load(config.seed)?.with_holdout(config.holdout, config.seed));
        config.check(&data)?;
        let set = sets::read(&self.path, &data)?;
        eprintln!("{}: {}", self.path.display(), set.note);
        let images = Images::new(data.shape(), set.values, set.labels);
        let how = (&config.network, config.augmentation.families.as_slice());
        let device = config.device.open()?;
        let mut judge = Judge::imported(&data, images, protocol, how, &device, config.seed)?;
        eprintln!("judging by {protocol}: about {}", words::duration(judge.forecast()?));
        let clock = Instant::now();
        let values = loop {
            if let Progress::Done(values) = judge.advance()? {
                break values;
            }
        };
        let evaluation = Evaluation {
            step: 0,
            subject: Subject::Exported,
            tested_on: judge.tested_on(),
            accuracy: judge.accuracy(&values),
            images: judge.images(),
            bytes: (judge.images() * data.shape().len()) as u64,
            secs: clock.elapsed().as_secs_f64(),
            test_uses: 0,
            values,
        };
        if self.json {
            println!("{}", serde_json::to_string(&evaluation).expect("plain data"));
        } else {
            println!("{}", describe(&evaluation));
        }
        Ok(())
    }
}
