//! Sets that lie in files: how to read them, and what data set they belong to.

use std::{path::Path, sync::Arc};

use clap::Args;

use super::ConfigArgs;
use crate::{
    config::RunConfig,
    data::Dataset,
    error::{Error, Result},
    report::{Reading, ValueRange},
    store::sets::{self, Labelled},
};

/// What the files of other people do not say themselves.
#[derive(Args)]
pub(super) struct ReadingArgs {
    /// For a set: what its values are, instead of what they look like: unit (0 to 1), bytes (0 to 255), symmetric (-1 to 1),
    /// normalised (by mean and deviation of the data set) or as-is
    #[arg(long, value_name = "NAME")]
    range: Option<ValueRange>,
    /// For a set: images are mosaics of N x N parts, which networks see as images of their own (IDC, IDM, NCFM)
    #[arg(long, value_name = "N")]
    packing: Option<usize>,
    /// For a set: take the likeliest class of each soft label
    #[arg(long)]
    argmax: bool,
}

impl ReadingArgs {
    fn reading(&self) -> Reading {
        Reading { range: self.range, packing: self.packing, argmax: self.argmax }
    }

    /// An error where something is said about a set that is a run.
    pub(super) fn refuse(&self, path: &Path) -> Result<()> {
        if self.reading() == Reading::default() {
            return Ok(());
        }
        Err(Error::Config(format!(
            "{} is a run, whose images are known: --range, --packing and --argmax are for sets of others",
            path.display()
        )))
    }

    /// The config, its data and the set; says how it was read.
    pub(super) fn open(&self, path: &Path, config: &ConfigArgs) -> Result<(RunConfig, Arc<Dataset>, Labelled)> {
        if config.data.is_none() {
            return Err(Error::Config(format!(
                "{} is a set without a run: name its data set, for example --data cifar10:DIR",
                path.display()
            )));
        }
        let config = config.read()?;
        let data = Arc::new(config.data.load(config.seed)?.with_holdout(config.holdout, config.seed));
        config.check(&data)?;
        let set = sets::read_as(path, &data, self.reading())?;
        eprintln!("{}: {}", path.display(), set.read_as.note);
        Ok((config, data, set))
    }
}
