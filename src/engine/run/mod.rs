//! One run: data, method, folder, and the order in which they are touched.
//!
//! The order carries the promises: a live change is on disk before the step that it affects, the lines of all steps are
//! on disk before the checkpoint that covers them, and a step that fails leaves nothing behind.

mod analyses;
mod exporting;
mod judging;
mod trained;

pub use analyses::Asked;
pub(in crate::engine) use judging::Plan;

use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::Instant};

use self::trained::Entering;
use super::{Allow, Start, pretraining::Pretraining};
use crate::{
    config::RunConfig,
    data::Dataset,
    distilled::SyntheticSet,
    error::{Error, Result},
    methods::{Method, matching::information_info},
    nn::{self, Device},
    program::{self, Build},
    report::{Control, ControlKind, Evaluation, Intervention, LEARNING_RATE, RunInfo, StepReport},
    slices::Slices,
    store::{Checkpoints, Owed, Resumed, Resumption, RunFolder, RunRecord},
};

/// A run that is open.
pub(in crate::engine) struct Run {
    pub(in crate::engine) config: RunConfig,
    pub(in crate::engine) data: Arc<Dataset>,
    pub(in crate::engine) device: Device,
    pub(in crate::engine) method: Box<dyn Method>,
    /// The networks that are trained on the real images.
    pub(in crate::engine) pretraining: Pretraining,
    /// The method, while what was trained is brought to it.
    entering: Option<Entering>,
    /// True once the pool was brought.
    pool_is_taken: bool,
    /// Weights that wait for trained networks.
    awaiting: Vec<(String, f64)>,
    /// A set that was read from files, to be looked at beside the images.
    pub(in crate::engine) opened: Option<SyntheticSet>,
    /// Where the images were exported to last.
    exported: Option<PathBuf>,
    /// The images before the first step.
    pub(in crate::engine) start: SyntheticSet,
    folder: RunFolder,
    checkpoints: Checkpoints,
    /// Recorded changes that are still to come.
    script: VecDeque<Intervention>,
    /// True if the script is to be written into the folder as it is applied: a replay into another folder.
    records_script: bool,
    /// Every evaluation of the run, those of earlier sessions too.
    evaluations: Vec<Evaluation>,
    test_uses: u64,
    saved: Option<u64>,
    /// Images that are still to be judged on the way.
    owed: Vec<Owed>,
    /// What `run.json` says.
    record: RunRecord<RunConfig>,
    allow: Allow,
    /// What people should know, told once.
    notes: Vec<String>,
}

impl Run {
    /// Opens a run; also returns what people should know. Where `slices` says that nobody wants it any more, no folder is made.
    pub(in crate::engine) fn open(start: Start, slices: &mut dyn Slices) -> Result<(Self, Vec<String>)> {
        let Start { mut config, out, resume, script, networks, allow, .. } = start;
        let mut warnings = Vec::new();
        let old: Option<RunRecord<RunConfig>> = if resume { Some(RunFolder::record(&out)?) } else { None };
        if let Some(old) = &old {
            // A resumed run is the run that was started; it may only be made longer or shorter, and its data may lie elsewhere.
            let RunConfig { steps, device, data, methods, .. } = config;
            config = RunConfig { data, steps, device, methods, ..old.config.clone() };
        }
        let device = config.device.open()?;
        let data = Arc::new(config.data.load(config.seed)?.with_holdout(config.holdout, config.seed));
        slices.tick(0.5)?;
        config.check(&data)?;
        warnings.extend(data.notes().iter().cloned());
        let record = RunRecord {
            program: program::NAME.to_owned(),
            build: Some(Build::of_this_program()),
            instruction_set: nn::kernels::instruction_set().to_owned(),
            device: device.describe(),
            data: data.name().to_owned(),
            data_fingerprint: data.fingerprint().to_owned(),
            networks,
            config: config.clone(),
        };
        if let Some(old) = &old {
            check_same(old, &record, &mut warnings)?;
        }
        let start = config.start_images(&data)?;
        let mut method = config.method(&data, &device, start.clone())?;
        slices.tick(1.0)?;
        let resumed = if resume {
            let mut resumption = Resumption::of(&out, allow.repair)?;
            if let Some(saved) = resumption.take_saved() {
                method.restore(saved)?;
            }
            resumption.go_on()?
        } else {
            Resumed { interventions: script, ..Resumed::new(RunFolder::create(&out, &record)?) }
        };
        let Resumed { folder, interventions: mut script, evaluations, test_uses, owed, notes } = resumed;
        warnings.extend(notes);
        let changed = old.as_ref().is_some_and(|old| old.config != config);
        let record = old.map_or(record, |old| RunRecord { config: config.clone(), ..old });
        if changed {
            folder.set_record(&record)?;
        }
        let step = method.state().step;
        script.retain(|intervention| intervention.step > step);
        script.sort_by_key(|intervention| intervention.step);
        let mut run = Self {
            checkpoints: folder.checkpoints(config.checkpoint.keep),
            pretraining: Pretraining::new(&config, &data, &device),
            entering: None,
            pool_is_taken: false,
            awaiting: Vec::new(),
            opened: None,
            exported: None,
            config,
            data,
            device,
            method,
            start,
            folder,
            script: script.into(),
            records_script: !resume,
            evaluations,
            test_uses,
            saved: (step > 0).then_some(step),
            owed,
            record,
            allow,
            notes: Vec::new(),
        };
        run.take_first_images();
        Ok((run, warnings))
    }

    /// What people see of it.
    pub(in crate::engine) fn info(&self) -> RunInfo {
        let state = self.method.state();
        RunInfo {
            name: self.config.name.clone(),
            about: self.config.about.clone(),
            data: self.data.info(),
            classes: state.images.classes.clone(),
            per_class: state.images.per_class,
            packing: state.images.packing,
            scope: self.method.scope().describe().to_owned(),
            seed: self.config.seed,
            steps: self.config.steps,
            step: state.step,
            device: self.device.describe(),
            controls: self.controls(),
            out: self.folder.path().to_owned(),
            bytes: state.images.bytes(),
            pages: self.method.pages().into_iter().chain([information_info()]).collect(),
        }
    }

    /// Images of each class, and the bytes of all.
    pub(in crate::engine) fn shape(&self) -> (usize, u64) {
        let images = &self.method.state().images;
        (images.per_class, images.bytes())
    }

    /// How it was judged, in this session and before.
    pub(in crate::engine) fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Refuses a live change where no step is left to feel it.
    pub(in crate::engine) fn check_can_change(&self) -> Result<()> {
        if !self.is_complete() {
            return Ok(());
        }
        let (steps, out) = (self.config.steps, self.folder.path().display());
        Err(Error::Config(format!(
            "all {steps} steps are done, so a change would be felt by none. Make the run longer first: spiritsafe distill \
             --resume --out {out} --steps {}",
            steps * 2
        )))
    }

    /// The step at which it stands.
    pub(in crate::engine) fn at(&self) -> u64 {
        self.method.state().step
    }

    /// True when all steps are done.
    pub(in crate::engine) fn is_complete(&self) -> bool {
        self.at() >= self.config.steps
    }

    /// Applies the recorded changes that take effect at the next step.
    pub(in crate::engine) fn follow_script(&mut self) -> Result<Vec<Intervention>> {
        let mut applied = Vec::new();
        while self.script.front().is_some_and(|next| next.step <= self.at() + 1) {
            let next = self.script.pop_front().expect("just seen");
            applied.push(self.set(&next.control, next.new, self.records_script)?);
        }
        Ok(applied)
    }

    /// Records and sets a control from the next step on.
    pub(in crate::engine) fn set(&mut self, control: &str, new: f64, record: bool) -> Result<Intervention> {
        if new > 0.0 && self.method.needs_pool(control) {
            self.hold_to_networks()?;
        }
        let old = self.method.set(control, new)?;
        let new = self.method.state().values.get(control); // Whole numbers are rounded.
        let intervention = Intervention { step: self.at() + 1, control: control.to_owned(), old, new };
        if record && let Err(error) = self.folder.add_intervention(&intervention) {
            self.method.set(control, old)?; // What is not on disk did not happen.
            return Err(error);
        }
        Ok(intervention)
    }

    /// Sets a control as soon as it can count: at once, or when its networks are trained.
    pub(in crate::engine) fn arm(&mut self, control: &str, value: f64) -> Result<Option<Intervention>> {
        self.awaiting.retain(|(awaiting, _)| awaiting != control);
        if value > 0.0 && self.method.needs_pool(control) && self.pretraining.pool().is_none() {
            self.awaiting.push((control.to_owned(), value));
            return Ok(None);
        }
        self.set(control, value, true).map(Some)
    }

    /// What can be turned: what the method says, and the learning rate.
    fn controls(&self) -> Vec<Control> {
        let meaning = "How far pixels, a map or points move in a step";
        let (default, now) = (self.config.optimizer.learning_rate, self.method.state().values.learning_rate());
        let rate = Control::new(LEARNING_RATE, meaning, ControlKind::POSITIVE, default, now);
        self.method.controls().into_iter().chain([rate]).collect()
    }

    /// What people should know, told once.
    pub(in crate::engine) fn take_notes(&mut self) -> Vec<String> {
        let of_training = self.pretraining.take_notes();
        self.notes.drain(..).chain(of_training).collect()
    }

    /// Images are compared with those of the method's own beginning, where it has some, or with the first that are as many.
    fn take_first_images(&mut self) {
        let images = &self.method.state().images;
        let alike = |start: &SyntheticSet| start.per_class == images.per_class;
        match self.method.first_images().filter(|first| alike(first)) {
            Some(first) if self.start != *first => self.start.clone_from(first),
            Some(_) => {}
            None if alike(&self.start) => {}
            None => self.start.clone_from(images),
        }
    }

    /// One step, recorded. Returns what it computed and how long it took.
    pub(in crate::engine) fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<(StepReport, f64)> {
        let clock = Instant::now();
        let report = self.method.step(interrupted)?;
        let secs = clock.elapsed().as_secs_f64();
        self.take_first_images(); // A live change may have made them fewer or more.
        self.folder.add_step(&report, secs)?;
        Ok((report, secs))
    }

    /// True if the config wants a checkpoint at this step.
    pub(in crate::engine) fn checkpoint_is_due(&self) -> bool {
        let every = self.config.checkpoint.every;
        every > 0 && self.at().is_multiple_of(every) && !self.is_saved()
    }

    /// True if the newest checkpoint holds this step.
    pub(in crate::engine) fn is_saved(&self) -> bool {
        self.saved == Some(self.at())
    }

    /// Brings everything up to this step to the disk.
    pub(in crate::engine) fn checkpoint(&mut self) -> Result<u64> {
        let logs = self.folder.sync()?;
        self.checkpoints.save(self.method.state(), &self.method.keep()?, logs, &self.owed)?;
        self.saved = Some(self.at());
        Ok(self.at())
    }

    /// Lets other programs see the logs as they are.
    pub(in crate::engine) fn flush(&mut self) -> Result<()> {
        self.folder.flush()
    }

    /// Lets other programs have the folder; what is recorded later takes it again.
    pub(in crate::engine) fn let_go(&mut self) -> Result<()> {
        self.folder.let_go()
    }

    /// Saves what a run leaves: a checkpoint, and the images.
    pub(in crate::engine) fn save_all(&mut self) -> Result<PathBuf> {
        self.checkpoint()?;
        self.export()
    }
}

/// A run goes on only with the data that it began with.
fn check_same(old: &RunRecord<RunConfig>, new: &RunRecord<RunConfig>, warnings: &mut Vec<String>) -> Result<()> {
    if old.data_fingerprint != new.data_fingerprint {
        return Err(Error::Data(format!(
            "the data \"{}\" is not what this run began with (fingerprint {} instead of {}). Put the original data back",
            new.data,
            &new.data_fingerprint[..12],
            old.data_fingerprint.get(..12).unwrap_or(&old.data_fingerprint)
        )));
    }
    let program = |record: &RunRecord<RunConfig>| match &record.build {
        Some(build) => format!("spiritsafe {build}"),
        None => record.program.clone(),
    };
    for (what, old, new) in [
        ("instruction set", old.instruction_set.clone(), new.instruction_set.clone()),
        ("program", program(old), program(new)),
    ] {
        if old != new {
            warnings.push(format!(
                "this run began with the {what} {old} and goes on with {new}: from here on its numbers may differ in \
                 the last bits from those of an undisturbed run"
            ));
        }
    }
    Ok(())
}
