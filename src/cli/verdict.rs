//! `verdict`: which images to use, distilled ones or real ones.

use std::path::PathBuf;

use clap::Args;

use super::{JudgeArgs, drive::drive};
use crate::{
    config::RunConfig,
    engine::{Command, Start},
    error::Result,
    store::RunFolder,
};

#[derive(Args)]
pub(super) struct VerdictArgs {
    /// Folder of a run
    dir: PathBuf,
    #[command(flatten)]
    judge: JudgeArgs,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl VerdictArgs {
    pub(super) fn run(self) -> Result<()> {
        let config: RunConfig = RunFolder::record(&self.dir)?.config;
        let start = Start { judge: self.judge.judge(), ..Start::resting(config, self.dir.clone()) };
        let summary = drive(start, Some(Command::Judge))?;
        if let Some(verdict) = summary.verdict {
            if self.json {
                println!("{}", serde_json::to_string(&verdict).expect("plain data"));
            } else {
                println!("{}", verdict.text);
            }
        }
        Ok(())
    }
}
