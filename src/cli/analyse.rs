//! `analyse`: what the method of a run can work out about it.

use std::path::PathBuf;

use clap::Args;

use super::{drive::drive, evaluate::resting, tables};
use crate::{
    config::RunConfig,
    data::DataSpec,
    engine::{Asked, Command},
    error::{Error, Result},
    store::RunFolder,
};

#[derive(Args)]
pub(super) struct AnalyseArgs {
    /// Folder of a run
    path: PathBuf,
    /// What to work out, for example on_map and fusion (presets pemdd-...) or distances (ddoq-...); a wrong name tells what there is
    analysis: String,
    /// Other data that it is about: a data set as for --data, or a folder of a run, whose distilled images are taken too
    #[arg(long, value_name = "DATA|RUN")]
    with: Option<String>,
    /// Where it is written; a new or empty folder instead of that of the run
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl AnalyseArgs {
    pub(super) fn run(self) -> Result<()> {
        let other = self.with.as_deref().map(other).transpose()?;
        if let Some(out) = &self.out
            && std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some())
        {
            return Err(Error::Data(format!("{} is not empty. Choose a new folder", out.display())));
        }
        let asked = Asked { analysis: self.analysis, other, folder: self.out.clone() };
        let mut artifacts = drive(resting(&self.path)?, Some(Command::Analyse(asked)))?.artifacts;
        let Some(artifact) = artifacts.pop() else { return Ok(()) };
        match self.json {
            true => println!("{}", artifact.json),
            false => print!("{}", tables::page(&artifact.page)),
        }
        let out = self.out.unwrap_or(self.path);
        eprintln!("written to {}", out.display());
        Ok(())
    }
}

/// A data set, or that of a run with what the run has left of it.
fn other(text: &str) -> Result<(DataSpec, Option<PathBuf>)> {
    let path = PathBuf::from(text);
    if path.join("run.json").is_file() {
        return Ok((RunFolder::record::<RunConfig>(&path)?.config.data, Some(path)));
    }
    Ok((text.parse()?, None))
}
