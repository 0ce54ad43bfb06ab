//! A run that is to go on: first everything is read, then what does not belong to the step from which it goes on is set
//! aside.
//!
//! `interventions.jsonl` and `evaluations.jsonl` are synced line by line, so only their last line may be torn. Of
//! `scalars.jsonl` and `timings.jsonl` a checkpoint knows the lengths: what stands behind is computed again. Nothing is
//! removed: what is cut off or cannot be read lies in a file beside (`.cut-1`, `.torn-1`, `.bad-1`).

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    Checkpoint, Checkpoints, LogLengths, Owed, RunFolder,
    files::name_aside,
    log::Log,
    run_folder::{CHECKPOINTS, EVALUATIONS, INTERVENTIONS, SCALARS, TIMINGS, Timing, lock},
};
use crate::{
    distilled::Saved,
    error::{Error, Result},
    report::{Evaluation, Intervention, StepReport, TestedOn},
};

/// A run of which everything was read, and nothing was changed yet.
pub struct Resumption {
    path: PathBuf,
    lock: File,
    repair: bool,
    saved: Option<Saved>,
    step: u64,
    scalars: Log<StepReport>,
    timings: Log<Timing>,
    interventions: Log<Intervention>,
    evaluations: Log<Evaluation>,
    ends: LogLengths,
    owed: Vec<Owed>,
    /// Checkpoints that are of no use, with a sentence about each.
    passed_over: Vec<(PathBuf, String)>,
}

/// A run that goes on.
pub struct Resumed {
    /// Its folder.
    pub folder: RunFolder,
    /// Its live changes, those of later steps too.
    pub interventions: Vec<Intervention>,
    /// Its evaluations up to the step from which it goes on, and later ones on the test split.
    pub evaluations: Vec<Evaluation>,
    /// How often the test split was used, evaluations that cannot be read any more included.
    pub test_uses: u64,
    /// What was still to be judged at that step.
    pub owed: Vec<Owed>,
    /// What people should know.
    pub notes: Vec<String>,
}

impl Resumed {
    /// A run at its begin.
    pub fn new(folder: RunFolder) -> Self {
        let (interventions, evaluations, owed, notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { folder, interventions, evaluations, test_uses: 0, owed, notes }
    }
}

impl Resumption {
    /// Locks a run and reads it. With `repair`, lines that cannot be read are no error: they will be set aside; and a run of
    /// which no checkpoint can be used goes on from its begin.
    pub fn of(path: &Path, repair: bool) -> Result<Self> {
        let lock = lock(path)?; // What lies in the folder must not change while it is read.
        let (scalars, timings) = (read::<StepReport>(path, SCALARS)?, read::<Timing>(path, TIMINGS)?);
        let (interventions, evaluations) = (read(path, INTERVENTIONS)?, read(path, EVALUATIONS)?);
        let (found, passed_over) = Checkpoints::new(path.join(CHECKPOINTS), 1).newest(|checkpoint| {
            let (step, recorded) = (checkpoint.saved.state.step, checkpoint.logs);
            let scalars = end_of(&scalars, |line| line.step, step, recorded.map(|logs| logs.scalars));
            let timings = end_of(&timings, |line| line.step, step, recorded.map(|logs| logs.timings));
            Ok(LogLengths { scalars: scalars?, timings: timings? })
        })?;
        if found.is_none() && !passed_over.is_empty() && !repair {
            let why: Vec<&str> = passed_over.iter().map(|(_, why)| why.as_str()).collect();
            return Err(Error::Data(format!(
                "{}. There is no other to go on from, and nothing was changed. Put a whole one back, or begin at step 0 again, \
                 live changes included, with: spiritsafe distill --resume --repair --out {}",
                why.join("; "),
                path.display()
            )));
        }
        let (saved, owed, ends) = match found {
            Some((Checkpoint { saved, owed, .. }, ends)) => (Some(saved), owed, Some(ends)),
            None => (None, Vec::new(), None),
        };
        let (step, ends) = (saved.as_ref().map_or(0, |saved| saved.state.step), ends.unwrap_or_default());
        if !repair {
            scalars.refuse_bad(ends.scalars)?;
            timings.refuse_bad(ends.timings)?;
            interventions.refuse_bad(u64::MAX)?;
            evaluations.refuse_bad(u64::MAX)?;
        }
        let path = path.to_owned();
        Ok(Self {
            path,
            lock,
            repair,
            saved,
            step,
            scalars,
            timings,
            interventions,
            evaluations,
            ends,
            owed,
            passed_over,
        })
    }

    /// The state from which the run goes on; none for its begin.
    pub fn take_saved(&mut self) -> Option<Saved> {
        self.saved.take()
    }

    /// Sets aside what does not belong to that state, and opens the logs.
    pub fn go_on(self) -> Result<Resumed> {
        let Self { path, lock, repair, step, scalars, timings, ends, owed, passed_over, .. } = self;
        let mut notes = Vec::new();
        for (checkpoint, why) in passed_over {
            let aside = name_aside(&checkpoint, "bad");
            fs::rename(&checkpoint, &aside).map_err(Error::file("rename", &checkpoint))?;
            let instead = if step > 0 { "an older one" } else { "the begin of the run" };
            notes.push(format!("{why}; it was passed over for {instead} and is kept as {}", aside.display()));
        }
        scalars.cut_behind(ends.scalars, &mut notes)?;
        timings.cut_behind(ends.timings, &mut notes)?;
        if repair {
            scalars.repair(ends.scalars, &mut notes)?;
            timings.repair(ends.timings, &mut notes)?;
        }
        let interventions = mended(self.interventions, repair, &mut notes)?;
        let evaluations = mended(self.evaluations, repair, &mut notes)?;
        // Those on the hold-out are made again. How often the test split was used must not be forgotten.
        let stays = |line: &Evaluation| line.step <= step || line.tested_on == TestedOn::Test;
        evaluations.cut(stays, &mut notes)?;
        let mut evaluations = evaluations.what();
        evaluations.retain(stays);
        let test_uses = test_uses(&path, &evaluations);
        let folder = RunFolder::locked(path, lock)?;
        Ok(Resumed { folder, interventions: interventions.what(), evaluations, test_uses, owed, notes })
    }
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Log<T>> {
    Log::read(&folder.join(name))
}

/// A log without its torn and its bad lines.
fn mended<T: DeserializeOwned>(log: Log<T>, repair: bool, notes: &mut Vec<String>) -> Result<Log<T>> {
    log.mend_end(notes)?;
    if !repair {
        return Ok(log);
    }
    log.repair(u64::MAX, notes)?;
    Log::read(log.path())
}

/// Where a log ends that has a line for each step up to `step`: where the checkpoint says, or else, as in files of version 1
/// and after a repair, behind the lines of these steps. An error where there are fewer lines than the checkpoint knew.
fn end_of<T>(
    log: &Log<T>,
    step_of: impl Fn(&T) -> u64,
    step: u64,
    recorded: Option<u64>,
) -> std::result::Result<u64, String> {
    let last_of = |lines: &[(std::ops::Range<u64>, T)]| lines.last().map(|(range, what)| (range.end, step_of(what)));
    let fits = |len: &u64| {
        let before = log.lines.partition_point(|(range, _)| range.end <= *len);
        *len == 0 || last_of(&log.lines[..before]) == Some((*len, step))
    };
    if let Some(len) = recorded.filter(fits) {
        return Ok(len);
    }
    let later = log.lines.iter().position(|(_, what)| step_of(what) > step);
    let end = later.map_or_else(|| log.end_of_lines(), |later| log.lines[later].0.start);
    let last = last_of(&log.lines[..later.unwrap_or(log.lines.len())]);
    if recorded.is_none() || last.is_some_and(|(_, last)| last == step) {
        return Ok(end);
    }
    let name = log.path().file_name().unwrap_or_default().to_string_lossy();
    Err(format!("covers more steps than {name} has whole lines of"))
}

/// Evaluations on the test split, those included that cannot be read any more.
fn test_uses(folder: &Path, evaluations: &[Evaluation]) -> u64 {
    let known = evaluations.iter().filter(|evaluation| evaluation.tested_on == TestedOn::Test).count();
    let counted = evaluations.iter().map(|evaluation| evaluation.test_uses).max().unwrap_or(0);
    let is_bad = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{EVALUATIONS}.bad-"))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bad = entries.map(|entry| entry.path()).filter(is_bad).filter_map(|path| fs::read(path).ok());
    let lost: usize = bad.map(|bytes| bytes.split_inclusive(|byte| *byte == b'\n').count()).sum();
    counted.max((known + lost) as u64)
}
