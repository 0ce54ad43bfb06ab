//! `fuse`: what an energy map has left of a data set, joined with new data.

use std::path::PathBuf;

use clap::Args;

use super::{drive::drive, evaluate::resting, tables};
use crate::{
    config::RunConfig,
    data::DataSpec,
    engine::Command,
    error::{Error, Result},
    report::Fused,
    store::RunFolder,
    words::bytes,
};

#[derive(Args)]
pub(super) struct FuseArgs {
    /// Folder of a finished run with an energy map (presets pemdd-...): its picks stand for its data
    old: PathBuf,
    /// The new data: a data set as for --data, or a folder of a run, whose distilled images are joined too
    new: String,
    /// Where fusion.json and the second map are written; a new or empty folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl FuseArgs {
    pub(super) fn run(self) -> Result<()> {
        let path = PathBuf::from(&self.new);
        let run = path.join("run.json").is_file().then_some(path.clone());
        let data: DataSpec = match run.is_some() {
            true => RunFolder::record::<RunConfig>(&path)?.config.data,
            false => self.new.parse()?,
        };
        if std::fs::read_dir(&self.out).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Error::Data(format!("{} is not empty. Choose a new folder", self.out.display())));
        }
        let fused = drive(resting(&self.old)?, Some(Command::Fuse { data, run, folder: self.out.clone() }))?.fused;
        let Some(fused) = fused else { return Ok(()) };
        match self.json {
            true => println!("{}", serde_json::to_string(&fused).expect("plain data")),
            false => println!("{}written to {}", text(&fused), self.out.display()),
        }
        Ok(())
    }
}

fn text(fused: &Fused) -> String {
    let head = ["right, %".to_owned(), format!("old: {}", fused.old), format!("new: {}", fused.new)];
    let mut rows = vec![head.to_vec()];
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    rows.extend(fused.rows.iter().map(|row| vec![row.what.clone(), percent(row.old), percent(row.new)]));
    format!(
        "{}{} classes, {} of the new ones merged into old ones. Moved: {} of picks as points (as released \
         {}) and {} of first map, instead of {} of images; the second map takes {}\n",
        tables::aligned(&rows),
        fused.classes.len(),
        fused.merged,
        bytes(fused.moved_bytes as f64),
        bytes(fused.released_bytes as f64),
        bytes(fused.map_bytes as f64),
        bytes(fused.old_bytes as f64),
        bytes(fused.second_map_bytes as f64)
    )
}
