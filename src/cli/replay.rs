//! `replay`: run a recorded run again, live changes included, and compare what the steps computed.

use std::path::PathBuf;

use clap::Args;

use super::{JudgeArgs, distill::finish, drive::drive, pin_as_recorded};
use crate::{
    config::RunConfig,
    engine::Start,
    error::{Error, Result},
    store::RunFolder,
};

#[derive(Args)]
pub(super) struct ReplayArgs {
    /// Folder of a run
    dir: PathBuf,
    /// Folder of the new run; it is made
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    judge: JudgeArgs,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl ReplayArgs {
    pub(super) fn run(self) -> Result<()> {
        let record = RunFolder::record(&self.dir)?;
        pin_as_recorded(&record);
        let config: RunConfig = record.config;
        let script = RunFolder::interventions(&self.dir)?;
        let start = Start { script, judge: self.judge.judge(), ..Start::new(config, self.out.clone()) };
        let summary = drive(start, None)?;
        let (old, new) = (RunFolder::scalars(&self.dir)?, RunFolder::scalars(&self.out)?);
        let both = old.len().min(new.len());
        if let Some(first) = (0..both).find(|&line| old[line] != new[line]) {
            return Err(Error::Device(format!(
                "the replay differs from step {} on. Equal bits need the same program, instruction set and device: \
                 compare the two run.json",
                old[first].step
            )));
        }
        eprintln!("replayed: {both} steps computed exactly the same numbers");
        finish(&summary, &self.out, self.json);
        Ok(())
    }
}
