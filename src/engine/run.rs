//! One run: data, method, folder, and the order in which they are touched.
//!
//! The order carries the promises: a live change is on disk before the step that it affects, the lines of all steps are
//! on disk before the checkpoint that covers them, and a step that fails leaves nothing behind.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use candle_core::Device;

use super::{Start, jobs::Jobs, pretraining::Pretraining};
use crate::{
    config::RunConfig,
    data::Dataset,
    distill::{Matching, SyntheticSet},
    error::{Error, Result},
    evaluate::{self, Family as Rules, Images, Judge, Protocol},
    fingerprint::Fingerprint,
    nn,
    report::{Change, Evaluation, Intervention, RunInfo, StepReport, Subject, TestedOn, Verdict},
    store::{self, Checkpoints, RunFolder, RunRecord, sets},
};

/// A run that is open.
pub(super) struct Run {
    pub(super) config: RunConfig,
    pub(super) data: Arc<Dataset>,
    pub(super) device: Device,
    pub(super) method: Matching,
    /// The networks that are trained on the real images.
    pub(super) pretraining: Pretraining,
    /// Weights that wait for trained networks.
    awaiting: Vec<(String, f64)>,
    /// Where the images were exported to last.
    exported: Option<PathBuf>,
    /// The images before the first step.
    pub(super) start: SyntheticSet,
    folder: RunFolder,
    checkpoints: Checkpoints,
    /// Recorded changes that are still to come.
    script: VecDeque<Intervention>,
    /// True if the script is to be written into the folder as it is applied: a replay into another folder.
    records_script: bool,
    test_uses: u64,
    saved: Option<u64>,
}

impl Run {
    /// Opens a run; also returns what people should know.
    pub(super) fn open(start: Start) -> Result<(Self, Vec<String>)> {
        let Start { mut config, out, resume, script, .. } = start;
        let mut warnings = Vec::new();
        let old: Option<RunRecord<RunConfig>> = if resume { Some(RunFolder::record(&out)?) } else { None };
        if let Some(old) = &old {
            // A resumed run is the run that was started; it may only be made longer or shorter.
            config = RunConfig { steps: config.steps, device: config.device, ..old.config.clone() };
        }
        let device = config.device.open()?;
        let data = Arc::new(config.data.load(config.seed)?.with_holdout(config.holdout, config.seed));
        config.check(&data)?;
        warnings.extend(data.notes().iter().cloned());
        let record = RunRecord {
            program: concat!("spiritsafe ", env!("CARGO_PKG_VERSION")).to_owned(),
            instruction_set: nn::kernels::instruction_set().to_owned(),
            device: nn::describe(&device),
            data: data.name().to_owned(),
            data_fingerprint: data.fingerprint().to_owned(),
            config: config.clone(),
        };
        if let Some(old) = &old {
            check_same(old, &record, &mut warnings)?;
        }
        let classes = config.chosen_classes(&data);
        let start = config.images.start.images(&data, &classes, config.images.per_class, config.seed)?;
        let rate = config.optimizer.learning_rate;
        let mut method =
            Matching::new(config.matching(), data.clone(), device.clone(), config.seed, start.clone(), rate);
        let folder = if resume {
            // The folder is locked first: what lies in it must not change while it is read.
            let mut folder = RunFolder::open(&out)?;
            let (state, damaged) = folder.checkpoints(config.checkpoint.keep).newest()?;
            warnings.extend(damaged);
            if let Some(state) = state {
                method.restore(state)?;
            }
            folder.cut_back(method.state().step)?;
            if let Some(old) = old.filter(|old| old.config.steps != config.steps) {
                folder.set_record(&RunRecord { config: config.clone(), ..old })?;
            }
            folder
        } else {
            RunFolder::create(&out, &record)?
        };
        let step = method.state().step;
        let mut script = if resume { RunFolder::interventions(&out)? } else { script };
        script.retain(|intervention| intervention.step > step);
        script.sort_by_key(|intervention| intervention.step);
        let on_test = |evaluation: &Evaluation| evaluation.tested_on == TestedOn::Test;
        let test_uses = RunFolder::evaluations(&out)?.iter().filter(|evaluation| on_test(evaluation)).count() as u64;
        let run = Self {
            checkpoints: folder.checkpoints(config.checkpoint.keep),
            pretraining: Pretraining::new(&config, &data, &device),
            awaiting: Vec::new(),
            exported: None,
            config,
            data,
            device,
            method,
            start,
            folder,
            script: script.into(),
            records_script: !resume,
            test_uses,
            saved: (step > 0).then_some(step),
        };
        Ok((run, warnings))
    }

    /// What people see of it.
    pub(super) fn info(&self) -> RunInfo {
        let state = self.method.state();
        RunInfo {
            name: self.config.name.clone(),
            about: self.config.about.clone(),
            data: self.data.info(),
            classes: state.images.classes.clone(),
            per_class: state.images.per_class,
            seed: self.config.seed,
            steps: self.config.steps,
            step: state.step,
            device: nn::describe(&self.device),
            terms: self.method.term_infos(),
            learning_rate: state.weights.learning_rate,
            out: self.folder.path().to_owned(),
            bytes: state.images.bytes(),
        }
    }

    /// The step at which it stands.
    pub(super) fn at(&self) -> u64 {
        self.method.state().step
    }

    /// True when all steps are done.
    pub(super) fn is_complete(&self) -> bool {
        self.at() >= self.config.steps
    }

    /// Applies the recorded changes that take effect at the next step.
    pub(super) fn follow_script(&mut self) -> Result<Vec<Intervention>> {
        let mut applied = Vec::new();
        while self.script.front().is_some_and(|next| next.step <= self.at() + 1) {
            let next = self.script.pop_front().expect("just seen");
            applied.push(match next.change {
                Change::Weight { term, new, .. } => self.set_weight(&term, new, self.records_script)?,
                Change::Parameter { term, new, .. } => self.set_parameter(&term, new, self.records_script)?,
                Change::LearningRate { new, .. } => self.set_learning_rate(new, self.records_script)?,
            });
        }
        Ok(applied)
    }

    /// Records and sets the weight of a term from the next step on.
    pub(super) fn set_weight(&mut self, term: &str, new: f64, record: bool) -> Result<Intervention> {
        let old = self.method.set_weight(term, new)?;
        let intervention = self.stamp(Change::Weight { term: term.to_owned(), old, new });
        if record && let Err(error) = self.folder.add_intervention(&intervention) {
            self.method.set_weight(term, old)?; // What is not on disk did not happen.
            return Err(error);
        }
        Ok(intervention)
    }

    /// Records and sets the parameter of a term from the next step on.
    pub(super) fn set_parameter(&mut self, term: &str, new: f64, record: bool) -> Result<Intervention> {
        let old = self.method.set_parameter(term, new)?;
        let intervention = self.stamp(Change::Parameter { term: term.to_owned(), old, new });
        if record && let Err(error) = self.folder.add_intervention(&intervention) {
            self.method.set_parameter(term, old)?;
            return Err(error);
        }
        Ok(intervention)
    }

    /// Sets the weight of a term as soon as it can count: at once, or when its networks are trained.
    pub(super) fn arm(&mut self, term: &str, weight: f64) -> Result<Option<Intervention>> {
        self.awaiting.retain(|(awaiting, _)| awaiting != term);
        if weight > 0.0 && self.method.needs_pool(term) && self.pretraining.pool().is_none() {
            self.awaiting.push((term.to_owned(), weight));
            return Ok(None);
        }
        self.set_weight(term, weight, true).map(Some)
    }

    /// True if the next step cannot be made before the networks are trained.
    pub(super) fn lacks_pool(&self) -> bool {
        self.method.lacks_pool()
    }

    /// True if something waits for the networks.
    pub(super) fn awaits_pool(&self) -> bool {
        !self.pretraining.has_failed() && (self.method.lacks_pool() || !self.awaiting.is_empty())
    }

    /// Takes the networks when all are trained; what waited for them is recorded and counts from the next step on.
    pub(super) fn take_pool(&mut self) -> Result<Vec<Intervention>> {
        let Some(pool) = self.pretraining.pool() else { return Ok(Vec::new()) };
        self.method.set_pool(pool.to_vec());
        let awaiting = std::mem::take(&mut self.awaiting);
        awaiting.into_iter().map(|(term, weight)| self.set_weight(&term, weight, true)).collect()
    }

    /// Records and sets the learning rate from the next step on.
    pub(super) fn set_learning_rate(&mut self, new: f64, record: bool) -> Result<Intervention> {
        let old = self.method.set_learning_rate(new)?;
        let intervention = self.stamp(Change::LearningRate { old, new });
        if record && let Err(error) = self.folder.add_intervention(&intervention) {
            self.method.set_learning_rate(old)?;
            return Err(error);
        }
        Ok(intervention)
    }

    fn stamp(&self, change: Change) -> Intervention {
        Intervention { step: self.at() + 1, change }
    }

    /// One step, recorded. Returns what it computed and how long it took.
    pub(super) fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<(StepReport, f64)> {
        let clock = Instant::now();
        let report = self.method.step(interrupted)?;
        let secs = clock.elapsed().as_secs_f64();
        self.folder.add_step(&report, secs)?;
        Ok((report, secs))
    }

    /// True if the config wants a checkpoint at this step.
    pub(super) fn checkpoint_is_due(&self) -> bool {
        let every = self.config.checkpoint.every;
        every > 0 && self.at().is_multiple_of(every) && !self.is_saved()
    }

    /// True if the newest checkpoint holds this step.
    pub(super) fn is_saved(&self) -> bool {
        self.saved == Some(self.at())
    }

    /// Brings everything up to this step to the disk.
    pub(super) fn checkpoint(&mut self) -> Result<u64> {
        self.folder.sync()?;
        self.checkpoints.save(self.method.state())?;
        self.saved = Some(self.at());
        Ok(self.at())
    }

    /// Lets other programs see the logs as they are.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.folder.flush()
    }

    /// Lets other programs have the folder; what is recorded later takes it again.
    pub(super) fn let_go(&mut self) -> Result<()> {
        self.folder.let_go()
    }

    /// Saves what a run leaves: a checkpoint, and the images.
    pub(super) fn save_all(&mut self) -> Result<PathBuf> {
        self.checkpoint()?;
        self.export()
    }

    /// Writes the images as they are into the folder of the run.
    fn export(&self) -> Result<PathBuf> {
        store::export(&self.method.state().images, &self.data, self.folder.path())
    }

    /// Writes the images into a new folder in every form that others read; returns what has to be judged so that its card
    /// can be completed.
    pub(super) fn export_set(&mut self, folder: PathBuf, jobs: &Jobs) -> Result<Vec<Judge>> {
        let RunConfig { seed, network, augmentation, evaluation, .. } = &self.config;
        let (protocol, images) = (evaluation.last, &self.method.state().images);
        let card = sets::Card {
            method: self.config.name.clone(),
            step: self.at(),
            seed: *seed,
            network: network.judge().describe(),
            network_config: serde_json::to_value(network.judge()).expect("plain data"),
            augmentation: augmentation.families.iter().map(|family| family.name().to_owned()).collect(),
            distilled: self.measured(protocol)?,
            ..sets::Card::of(images, &self.data)
        };
        sets::write(images, &self.data, &card, &folder)?;
        let mut judges = if card.distilled.is_none() { self.judges(protocol, jobs)? } else { Vec::new() };
        let written = if self.data.is_pictures() { folder.join("images") } else { folder.join("synthetic.npz") };
        let read = sets::read(&written, &self.data)?;
        let read = Images::new(self.data.shape(), read.values, read.labels);
        let how = (network, augmentation.families.as_slice());
        judges.push(Judge::imported(&self.data, read, protocol, how, &self.device, *seed)?);
        self.exported = Some(folder);
        Ok(judges)
    }

    /// Writes a selection of real images, the one that was judged, into a new folder.
    pub(super) fn export_selection(&self, what: Subject, folder: &Path) -> Result<()> {
        let images = &self.method.state().images;
        let (classes, per_class, seed) = (&images.classes, images.per_class, self.config.seed);
        let chosen = match what {
            Subject::Random => evaluate::select_at_random(&self.data, classes, per_class, seed, 0),
            Subject::Medoids => evaluate::select_medoids(&self.data, classes, per_class, seed),
            other => return Err(Error::Config(format!("{} are no selection", other.describe()))),
        };
        let values = self.data.gather(self.data.train(), &chosen);
        let set = SyntheticSet { values, ..images.clone() };
        let network = self.config.network.judge();
        let card = sets::Card {
            method: what.describe().to_owned(),
            seed,
            network: network.describe(),
            network_config: serde_json::to_value(&network).expect("plain data"),
            augmentation: self.config.augmentation.families.iter().map(|family| family.name().to_owned()).collect(),
            ..sets::Card::of(&set, &self.data)
        };
        sets::write(&set, &self.data, &card, folder)
    }

    /// The accuracy of the images at this step, where it was measured.
    fn measured(&self, protocol: Protocol) -> Result<Option<sets::Measured>> {
        let name = protocol.to_string();
        let evaluations = RunFolder::evaluations(self.folder.path())?;
        let fits = |evaluation: &&Evaluation| {
            let here = evaluation.subject == Subject::Synthetic && evaluation.step == self.at();
            here && evaluation.accuracy.protocol == name
        };
        Ok(evaluations.iter().rev().find(fits).map(sets::Measured::of))
    }

    /// Completes the card of the last export.
    fn complete_card(&self, evaluation: &Evaluation) -> Result<()> {
        let Some(folder) = &self.exported else { return Ok(()) };
        let mut card = sets::Card::read(folder)?;
        match evaluation.subject {
            Subject::Synthetic if card.step == evaluation.step => card.distilled = Some(sets::Measured::of(evaluation)),
            Subject::Exported => card.exported = Some(sets::Measured::of(evaluation)),
            _ => return Ok(()),
        }
        card.write(folder)
    }

    /// True if the config wants the images judged at this step.
    pub(super) fn evaluation_is_due(&self) -> bool {
        let every = self.config.evaluation.every;
        every > 0 && self.at().is_multiple_of(every)
    }

    /// What has to be judged for a protocol: the images, random selection where it was not judged in this run yet.
    pub(super) fn judges(&self, protocol: Protocol, jobs: &Jobs) -> Result<Vec<Judge>> {
        let RunConfig { seed, network, augmentation, .. } = &self.config;
        let (how, device) = ((network, augmentation.families.as_slice()), &self.device);
        let images = &self.method.state().images;
        if protocol.family == Rules::Whole {
            return Ok(vec![Judge::whole(&self.data, &images.classes, protocol, how, device, *seed)?]);
        }
        let mut judges = vec![Judge::synthetic(&self.data, images, protocol, how, device, *seed)?];
        if !self.is_judged(Subject::Random, protocol, jobs)? {
            let amount = (images.classes.as_slice(), images.per_class);
            judges.push(Judge::random(&self.data, amount, protocol, how, device, *seed)?);
        }
        Ok(judges)
    }

    /// What has to be judged before a verdict by a protocol can be given, the whole set aside.
    pub(super) fn judges_for_verdict(&self, protocol: Protocol, jobs: &Jobs) -> Result<Vec<Judge>> {
        let RunConfig { seed, network, augmentation, .. } = &self.config;
        let (how, device) = ((network, augmentation.families.as_slice()), &self.device);
        let images = &self.method.state().images;
        let mut judges = Vec::new();
        if !self.is_judged(Subject::Synthetic, protocol, jobs)? {
            judges.extend(self.judges(protocol, jobs)?);
        }
        if !self.is_judged(Subject::Medoids, protocol, jobs)? {
            let amount = (images.classes.as_slice(), images.per_class);
            judges.push(Judge::medoids(&self.data, amount, protocol, how, device, *seed)?);
        }
        Ok(judges)
    }

    /// True if the subject was judged by this protocol in this run, or is going to be; images at this step.
    fn is_judged(&self, subject: Subject, protocol: Protocol, jobs: &Jobs) -> Result<bool> {
        let name = protocol.to_string();
        let fits = |evaluation: &Evaluation| {
            let at_this_step = subject != Subject::Synthetic || evaluation.step == self.at();
            evaluation.subject == subject && evaluation.accuracy.protocol == name && at_this_step
        };
        Ok(jobs.has(subject, protocol) || RunFolder::evaluations(self.folder.path())?.iter().any(fits))
    }

    /// Which images to use, from what was measured.
    pub(super) fn verdict(&self, protocol: Protocol) -> Result<Option<Verdict>> {
        let mut evaluations = RunFolder::evaluations(self.folder.path())?;
        evaluations.extend(self.known_whole(self.config.evaluation.whole));
        Ok(evaluate::verdict(&evaluations, self.at(), &protocol.to_string()))
    }

    /// The accuracy of the whole training set by this protocol, if it was measured before, on this machine and with
    /// this network.
    pub(super) fn known_whole(&self, protocol: Protocol) -> Option<Evaluation> {
        let known = store::cached_evaluation(&self.whole_fingerprint(protocol))?;
        // Step and count belong to the run that measured it; here the test split was not used.
        Some(Evaluation { step: self.at(), test_uses: self.test_uses, ..known })
    }

    /// Everything that decides the accuracy of the whole training set.
    fn whole_fingerprint(&self, protocol: Protocol) -> String {
        let RunConfig { seed, network, augmentation, .. } = &self.config;
        let classes = &self.method.state().images.classes;
        let how = (self.data.fingerprint(), protocol, network, augmentation, classes, seed);
        let how = serde_json::to_vec(&how).expect("plain data");
        Fingerprint::default().of(&how).of(nn::describe(&self.device).as_bytes()).finish()
    }

    /// Records what an evaluation found.
    pub(super) fn add_evaluation(
        &mut self,
        judge: &Judge,
        step: u64,
        values: Vec<f64>,
        secs: f64,
    ) -> Result<Evaluation> {
        let tested_on = judge.tested_on();
        if tested_on == TestedOn::Test {
            self.test_uses += 1;
        }
        let evaluation = Evaluation {
            step,
            subject: judge.subject(),
            tested_on,
            accuracy: judge.accuracy(&values),
            values,
            images: judge.images(),
            bytes: (judge.images() * self.data.shape().len()) as u64,
            secs,
            test_uses: self.test_uses,
        };
        self.folder.add_evaluation(&evaluation)?;
        self.complete_card(&evaluation)?;
        if judge.subject() == Subject::Whole {
            store::cache_evaluation(&self.whole_fingerprint(judge.protocol()), &evaluation);
        }
        Ok(evaluation)
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
    for (what, old, new) in
        [("instruction set", &old.instruction_set, &new.instruction_set), ("program", &old.program, &new.program)]
    {
        if old != new {
            warnings.push(format!(
                "this run began with the {what} {old} and goes on with {new}: from here on its numbers may differ in \
                 the last bits from those of an undisturbed run"
            ));
        }
    }
    Ok(())
}
