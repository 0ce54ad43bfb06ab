//! `evaluate`: judge the images of a run.

use std::path::PathBuf;

use clap::Args;

use super::{distill::finish, drive::drive};
use crate::{
    config::RunConfig,
    engine::{Command, Start},
    error::Result,
    evaluate::Protocol,
    store::RunFolder,
};

#[derive(Args)]
pub(super) struct EvaluateArgs {
    /// Folder of a run
    dir: PathBuf,
    /// For example dm@300x5, dm@1000x20 (the published one), quick@100x3 (hold-out), whole@60 (all training images)
    #[arg(long, value_name = "NAME", default_value = "dm@300x5")]
    protocol: Protocol,
    /// Number of networks, instead of the protocol's
    #[arg(long, value_name = "N")]
    repeats: Option<usize>,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl EvaluateArgs {
    pub(super) fn run(self) -> Result<()> {
        let config: RunConfig = RunFolder::record(&self.dir)?.config;
        let protocol = match self.repeats {
            Some(repeats) => self.protocol.with_repeats(repeats.max(1)),
            None => self.protocol,
        };
        let start = Start { config, out: self.dir.clone(), resume: true, script: Vec::new(), paused: true };
        let summary = drive(start, Some(Command::Evaluate { protocol: protocol.to_string() }))?;
        finish(&summary, &self.dir, self.json);
        Ok(())
    }
}
