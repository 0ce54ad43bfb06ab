//! `export`: the images of a run in every form that others read, measured again as they were written.

use std::path::PathBuf;

use clap::Args;

use super::{
    drive::{describe, drive},
    evaluate::selection,
};
use crate::{
    config::RunConfig,
    engine::{Command, Start},
    error::Result,
    report::Subject,
    store::RunFolder,
};

#[derive(Args)]
pub(super) struct ExportArgs {
    /// Folder of a run
    dir: PathBuf,
    /// New or empty folder for the images, their card and a script that trains on them
    out: PathBuf,
    /// Write real images instead, as many: random, medoids, feature_medoids, herding, k_center or forgetting
    #[arg(long, value_name = "NAME")]
    selection: Option<String>,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<()> {
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
}
