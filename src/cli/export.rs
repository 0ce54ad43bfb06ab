//! `export`: the images of a run in every form that others read, measured again as they were written; or a set of files in every form.

use std::path::PathBuf;

use clap::Args;

use super::{
    ConfigArgs,
    drive::{describe, drive},
    evaluate::selection,
    set::ReadingArgs,
};
use crate::{
    config::RunConfig,
    engine::{Command, Start},
    error::{Error, Result},
    report::Subject,
    store::{
        RunFolder,
        sets::{self, Card},
    },
};

#[derive(Args)]
pub(super) struct ExportArgs {
    /// Folder of a run; or a set: .pt, .npz, .safetensors or a folder of pictures, together with --data
    dir: PathBuf,
    /// New or empty folder for the images, their card and a script that trains on them
    out: PathBuf,
    /// Write real images instead, as many: random, medoids, feature_medoids, herding, k_center or forgetting
    #[arg(long, value_name = "NAME")]
    selection: Option<String>,
    /// For a set: its data
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    reading: ReadingArgs,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<()> {
        if !self.dir.join("run.json").is_file() && (self.config.data.is_some() || self.dir.is_file()) {
            return self.convert();
        }
        self.reading.refuse(&self.dir)?;
        let config: RunConfig = RunFolder::record(&self.dir)?.config;
        let start = Start::resting(config, self.dir.clone());
        let folder = self.out.clone();
        let command = match self.selection.as_deref() {
            None => Command::Export(folder),
            Some(name) => Command::ExportSelection { what: selection(name)?, folder },
        };
        let summary = drive(start, Some(command))?;
        for subject in [Subject::Synthetic, Subject::Exported] {
            if let Some(evaluation) = summary.of(subject) {
                println!("{}", describe(evaluation));
            }
        }
        println!("written to {}; train on it with python3 {}", self.out.display(), self.out.join("train.py").display());
        Ok(())
    }
    /// Writes a set of files into a new folder in every form.
    fn convert(&self) -> Result<()> {
        if self.selection.is_some() {
            return Err(Error::Config("--selection needs the folder of a run, which says how many images".to_owned()));
        }
        let (config, data, set) = self.reading.open(&self.dir, &self.config)?;
        let network = config.network.judge();
        let card = Card {
            method: self.dir.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            seed: config.seed,
            network: network.describe(),
            network_config: serde_json::to_value(&network).expect("plain data"),
            augmentation: config.augmentation.of(&data).iter().map(|family| family.name().to_owned()).collect(),
            ..Card::of_labelled(&set, &data)
        };
        sets::write_labelled(&set, &data, &card, &self.out)?;
        println!("written to {}; judge it with spiritsafe evaluate", self.out.display());
        Ok(())
    }
}
