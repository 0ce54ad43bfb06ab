//! `replay`: run a recorded run again, live changes included, and compare what the steps computed.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;

use super::{JudgeArgs, distill::finish, drive::drive, pin_as_recorded};
use crate::{
    config::RunConfig,
    engine::{Allow, Start},
    error::{Error, Result},
    report::StepReport,
    store::RunFolder,
};

#[derive(Args)]
pub(super) struct ReplayArgs {
    /// Folder of a run
    dir: PathBuf,
    /// Folder of the new run; it is made
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Look through trained networks that are not those of the run, and say so
    #[arg(long)]
    other_networks: bool,
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
        let (config, networks): (RunConfig, _) = (record.config, record.networks);
        let allow = Allow { other_networks: self.other_networks, ..Allow::default() };
        let script = RunFolder::interventions(&self.dir)?;
        let judge = self.judge.judge();
        let start = Start { script, judge, networks, allow, ..Start::new(config, self.out.clone()) };
        let summary = drive(start, None)?;
        let old = RunFolder::look(&self.dir)?;
        old.faults.iter().for_each(|fault| eprintln!("note: {fault}"));
        let new: BTreeMap<u64, StepReport> =
            RunFolder::scalars(&self.out)?.into_iter().map(|line| (line.step, line)).collect();
        let both = || old.scalars.iter().filter_map(|line| Some((line, new.get(&line.step)?)));
        if let Some((first, _)) = both().find(|(old, new)| old != new) {
            return Err(Error::Device(format!(
                "the replay differs from step {} on. Equal bits need the same program, instruction set and device: \
                 compare the two run.json",
                first.step
            )));
        }
        eprintln!("replayed: {} steps computed exactly the same numbers", both().count());
        finish(&summary, &self.out, self.json);
        Ok(())
    }
}
