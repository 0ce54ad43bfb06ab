//! `export`: the images of a run in every form that others read, measured again as they were written.

use std::path::PathBuf;

use clap::Args;

use super::drive::{describe, drive};
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
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<()> {
        let config: RunConfig = RunFolder::record(&self.dir)?.config;
        let start = Start { config, out: self.dir.clone(), resume: true, script: Vec::new(), paused: true };
        let summary = drive(start, Some(Command::Export(self.out.clone())))?;
        for subject in [Subject::Synthetic, Subject::Exported] {
            if let Some(evaluation) = summary.of(subject) {
                println!("{}", describe(evaluation));
            }
        }
        println!("written to {}; train on it with python3 {}", self.out.display(), self.out.join("train.py").display());
        Ok(())
    }
}
