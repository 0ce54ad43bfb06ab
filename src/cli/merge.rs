//! `merge`: runs over different classes of one data set become one run over all of them.
//!
//! Losses are additive over classes and every class draws from streams of its own, so the merged images are those of a
//! run over all classes. Scalars are not merged: each part keeps its own.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{JudgeArgs, distill::finish, drive::drive};
use crate::{
    config::RunConfig,
    distilled::{Blobs, Saved, State, SyntheticSet},
    engine::Start,
    error::{Error, Result},
    store::{self, Checkpoints, RunFolder, RunRecord},
};

#[derive(Args)]
pub(super) struct MergeArgs {
    /// Folders of finished runs that differ in their classes only
    #[arg(required = true, num_args = 2..)]
    dirs: Vec<PathBuf>,
    /// Folder of the merged run; it is made
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    judge: JudgeArgs,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The last state of a run and what it was started with.
struct Part {
    dir: PathBuf,
    record: RunRecord<RunConfig>,
    state: State,
    /// What else the method keeps.
    blobs: Blobs,
}

impl MergeArgs {
    pub(super) fn run(self) -> Result<()> {
        let parts = self.dirs.iter().map(|dir| read(dir)).collect::<Result<Vec<_>>>()?;
        parts.iter().skip(1).try_for_each(|part| check_fits(&parts[0], part))?;
        let state = join(&parts)?;
        let blobs = Blobs::joined(&parts.iter().map(|part| &part.blobs).collect::<Vec<_>>())?;
        let mut record = parts[0].record.clone();
        let config = &mut record.config;
        config.classes.clone_from(&state.images.classes);
        let data = config.data.load(config.seed)?.with_holdout(config.holdout, config.seed);
        if config.classes.len() == data.classes() {
            config.classes.clear(); // All of them.
        }
        let keep = config.checkpoint.keep;
        let mut folder = RunFolder::create(&self.out, &record)?;
        for intervention in RunFolder::interventions(&parts[0].dir)? {
            folder.add_intervention(&intervention)?;
        }
        let logs = folder.sync()?;
        folder.checkpoints(keep).save(&state, &blobs, logs, &[])?;
        store::export(&state.images, &data, &self.out)?;
        eprintln!("{} classes merged", state.images.classes.len());
        drop(folder);
        // A finished run like any other, which is judged where it stands.
        let start = Start { resume: true, judge: self.judge.judge(), ..Start::new(record.config, self.out.clone()) };
        let summary = drive(start, None)?;
        finish(&summary, &self.out, self.json);
        Ok(())
    }
}

fn read(dir: &Path) -> Result<Part> {
    let record: RunRecord<RunConfig> = RunFolder::record(dir)?;
    let (newest, passed_over) = Checkpoints::new(dir.join("checkpoints"), 1).newest(|_| Ok(()))?;
    passed_over.iter().for_each(|(_, why)| eprintln!("note: {why} and was passed over for an older one"));
    let (newest, ()) = newest.ok_or_else(|| {
        Error::Data(format!("{} has no whole checkpoint. Finish it with --resume first", dir.display()))
    })?;
    let Saved { state, blobs } = newest.saved;
    if state.step != record.config.steps {
        return Err(Error::Config(format!(
            "{} stands at step {} of {}. Finish it with --resume first",
            dir.display(),
            state.step,
            record.config.steps
        )));
    }
    Ok(Part { dir: dir.to_owned(), record, state, blobs })
}

/// Parts must be the same run but for the classes, live changes included.
fn check_fits(first: &Part, part: &Part) -> Result<()> {
    let same = first.record.config.same_but_for_classes(&part.record.config)
        && first.record.data_fingerprint == part.record.data_fingerprint
        && first.record.networks == part.record.networks
        && RunFolder::interventions(&first.dir)? == RunFolder::interventions(&part.dir)?;
    if same {
        return Ok(());
    }
    Err(Error::Config(format!(
        "{} and {} differ in more than their classes (config, data, trained networks or live changes), so they are not parts of one run",
        first.dir.display(),
        part.dir.display()
    )))
}

/// All classes in the order of their labels.
fn join(parts: &[Part]) -> Result<State> {
    let mut classes: Vec<(u32, &Part, usize)> = Vec::new();
    for part in parts {
        let labels = part.state.images.classes.iter().enumerate();
        classes.extend(labels.map(|(position, &class)| (class, part, position)));
    }
    classes.sort_by_key(|(class, ..)| *class);
    if let Some(pair) = classes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::Config(format!("class {} is in more than one of these runs", pair[0].0)));
    }
    let first = &parts[0].state;
    let len = first.images.per_class * first.images.shape.len();
    let mut images = SyntheticSet { classes: Vec::new(), values: Vec::new(), ..first.images.clone() };
    let mut velocity = Vec::new();
    let mut shares = Vec::new();
    for (class, part, position) in classes {
        images.classes.push(class);
        images.values.extend(part.state.images.of_class(position));
        velocity.extend(&part.state.velocity[position * len..(position + 1) * len]);
        let points = position * images.per_class..(position + 1) * images.per_class;
        shares.extend(part.state.images.masses.iter().flat_map(|masses| masses.shares[points.clone()].to_vec()));
    }
    if let Some(masses) = &mut images.masses {
        masses.shares = shares;
    }
    Ok(State { images, velocity, ..first.clone() })
}
