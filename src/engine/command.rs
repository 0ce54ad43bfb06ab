//! Everything that can be asked of a running engine. Read this file to know what the window can do.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::Asked;
use crate::{
    config::RunConfig,
    folders,
    names::file_name,
    report::{Reading, Subject, Wants},
};

/// A command with the number by which it is answered ([`Event::Answered`](super::Event::Answered)), once.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counted from 1 by the handle.
    pub number: u64,
    /// What is asked.
    pub command: Command,
}

/// What can be asked. Facts that come of it are events, between two steps.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin a run; one that is under way is saved and left. What is asked for meanwhile waits until the run stands ready.
    Start(Box<Start>),
    /// Say what is in the data of a config and what a run would cost, beside a run that is under way.
    Inspect(Box<RunConfig>),
    /// Stop before the next step, keep everything. A step under way is dropped and done again later.
    Pause,
    /// Go on.
    Resume,
    /// Do one step, then pause.
    Step,
    /// End the run: save a checkpoint and the images. It stays open for looking and judging until another one starts.
    Stop,
    /// Turn a control: recorded, then in force from the next step on, or as soon as the networks that it needs are trained.
    Set {
        /// Its name, for example `mean`, `ball.radius`, `learning_rate`.
        control: String,
        /// The new value.
        value: f64,
    },
    /// At most so many steps a second, for eyes that want to follow; none is full speed. Single steps do not wait.
    SetPace(Option<f64>),
    /// What a viewer wants computed on the side.
    Watch(Wants),
    /// The share of the machine that drawing may take, from 0 to 1: frames are spaced so that it is kept.
    SetViewShare(f64),
    /// Tell the engine what drawing the last frame cost, in seconds.
    FrameDrawn(f64),
    /// Judge the images as they are now.
    Evaluate(Trial),
    /// Say which images to use; what has not been judged yet is judged first.
    Judge,
    /// Work out something about the run that its method can.
    Analyse(Asked),
    /// Give up everything that is worked out beside the run: evaluations, distances, fusion, selections.
    CancelEvaluation,
    /// Write a checkpoint now.
    Checkpoint,
    /// Write the images as they are now into a new folder, in every form that others read, and judge what was written.
    Export(PathBuf),
    /// Read a set of files, show it and judge it by the rules of the run's end.
    OpenSet {
        /// A file, or a folder of pictures.
        path: PathBuf,
        /// What its files do not say; opened again with another one, it is read anew.
        reading: Reading,
    },
    /// Read what `spiritsafe compare` has written, to show it.
    OpenComparison(PathBuf),
    /// Write a selection of real images, as many as there are synthetic ones, into a new folder in the same forms.
    ExportSelection {
        /// One of [`Subject::SELECTIONS`].
        what: Subject,
        /// New or empty.
        folder: PathBuf,
    },
}

/// What is to be judged, and by what rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// For example `quick@100x3` or `dm@300x5`.
    pub protocol: String,
    /// What to compare with; random selection always, where no networks are named.
    pub against: Vec<Subject>,
    /// Networks by name, for example `resnet18`; the run's own where none is named.
    pub networks: Vec<String>,
}

/// How to begin.
#[derive(Clone, Debug)]
pub struct Start {
    /// What to run.
    pub config: RunConfig,
    /// Where to write it.
    pub out: PathBuf,
    /// Go on from the newest checkpoint in `out`.
    pub resume: bool,
    /// Apply these recorded changes at their steps, for a replay.
    pub script: Vec<crate::report::Intervention>,
    /// Wait for [`Command::Resume`] or [`Command::Step`] before the first step.
    pub paused: bool,
    /// What is judged when all steps are done.
    pub judge: JudgeAtEnd,
    /// SHA-256 of the trained networks through which the run that is replayed looked, by name; none are known before the
    /// first run.
    pub networks: BTreeMap<String, String>,
    /// What is let pass.
    pub allow: Allow,
}

/// What is judged when all steps are done. It follows from config and data alone, never from how fast the machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JudgeAtEnd {
    /// The distilled images, as many random ones and medoids; the whole set where its accuracy is known already or is small
    /// work (see [`JudgeAtEnd::SMALL_WHOLE`]).
    #[default]
    Usual,
    /// All of that, and the whole set whatever it takes.
    All,
    /// The distilled images alone.
    Images,
    /// Nothing.
    Nothing,
}

impl JudgeAtEnd {
    /// The whole set is judged unasked up to so many images, epochs times training images.
    pub const SMALL_WHOLE: usize = 300_000;
}

/// What is let pass when a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Lines of logs that cannot be read are moved into a file beside; where no checkpoint can be used the run begins again.
    pub repair: bool,
    /// Trained networks may be others than those with which the run began; that is said.
    pub other_networks: bool,
}

impl Start {
    /// A new run in this folder.
    pub fn new(config: RunConfig, out: PathBuf) -> Self {
        Self {
            config,
            out,
            resume: false,
            script: Vec::new(),
            paused: false,
            judge: JudgeAtEnd::default(),
            networks: BTreeMap::new(),
            allow: Allow::default(),
        }
    }

    /// The run of a folder, opened where it stands and waiting: to be judged, exported or looked at.
    pub fn resting(config: RunConfig, out: PathBuf) -> Self {
        Self { resume: true, paused: true, ..Self::new(config, out) }
    }

    /// A new run in the first free folder `runs/NAME`, `runs/NAME-2`, ...; see [`folders::runs`].
    pub fn fresh(config: RunConfig) -> Self {
        let out = free_folder(&folders::runs().join(file_name(&config.name)));
        Self::new(config, out)
    }
}

/// `wanted` where it does not exist yet, otherwise the first free one beside it: `NAME-2`, `NAME-3`, ...; a new run never
/// writes into an old one.
pub fn free_folder(wanted: &Path) -> PathBuf {
    if !wanted.exists() {
        return wanted.to_owned();
    }
    let name = wanted.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
    let stem = match name.rsplit_once('-') {
        Some((stem, number)) if !stem.is_empty() && number.parse::<u32>().is_ok() => stem,
        _ => &name,
    };
    let mut numbered = (2..u32::MAX).map(|number| wanted.with_file_name(format!("{stem}-{number}")));
    numbered.find(|path| !path.exists()).unwrap_or_else(|| wanted.to_owned())
}
