//! Files that leave a run: its images in every form that others read, and selections of real ones.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::Run;
use crate::{
    config::RunConfig,
    data::ImageShape,
    distill::SyntheticSet,
    engine::jobs::Jobs,
    error::{Error, Result},
    evaluate::{self, ByExpert, Expert, Images, Judge, Protocol},
    report::{Evaluation, Subject},
    store::{self, RunFolder, sets},
};

impl Run {
    /// Writes the images as they are into the folder of the run.
    pub(super) fn export(&self) -> Result<PathBuf> {
        store::export(&self.method.state().images, &self.data, self.folder.path())
    }

    /// Writes the images into a new folder in every form that others read; returns what has to be judged so that its card
    /// can be completed.
    pub(in crate::engine) fn export_set(&mut self, folder: PathBuf, jobs: &Jobs) -> Result<Vec<Judge>> {
        let RunConfig { seed, network, augmentation, evaluation, .. } = &self.config;
        let network = network.judge();
        let (protocol, images) = (evaluation.last, &self.method.state().images);
        let card = sets::Card {
            method: self.config.name.clone(),
            step: self.at(),
            seed: *seed,
            network: network.describe(),
            network_config: serde_json::to_value(&network).expect("plain data"),
            augmentation: augmentation.of(&self.data).iter().map(|family| family.name().to_owned()).collect(),
            distilled: self.measured(protocol)?,
            ..sets::Card::of(images, &self.data)
        };
        sets::write(images, &self.data, &card, &folder)?;
        let mut judges = if card.distilled.is_none() { self.judges(protocol, jobs)? } else { Vec::new() };
        let written = if self.data.is_pictures() { folder.join("images") } else { folder.join("synthetic.npz") };
        let read = sets::read(&written, &self.data)?;
        let read = Images::packed(self.data.shape(), &read.values, &read.labels, read.packing.unwrap_or(1))
            .counting(read.factors);
        judges.push(Judge::imported(&self.data, read, self.how(protocol, &network))?);
        self.exported = Some(folder);
        Ok(judges)
    }

    /// Reads a set of files to look at it, and returns what judges it by the rules of the run's end.
    pub(in crate::engine) fn open_set(&mut self, path: &Path) -> Result<(String, Judge)> {
        let read = sets::read(path, &self.data)?;
        let (shape, protocol) = (self.data.shape(), self.config.evaluation.last);
        let packing = read.packing.unwrap_or(1);
        self.opened = Some(SyntheticSet { packing, ..by_class(shape, &read.values, &read.labels) });
        let images = Images::packed(shape, &read.values, &read.labels, packing).counting(read.factors);
        let network = self.config.network.judge();
        Ok((read.note, Judge::imported(&self.data, images, self.how(protocol, &network))?))
    }

    /// Writes a selection of real images, the one that was judged, into a new folder.
    pub(in crate::engine) fn export_selection(&self, what: Subject, folder: &Path) -> Result<()> {
        let images = &self.method.state().images;
        let (classes, per_class, seed) = (&images.classes, images.per_class, self.config.seed);
        let chosen = match what {
            Subject::Random => evaluate::select_at_random(&self.data, classes, per_class, seed, 0),
            Subject::Medoids => evaluate::select_medoids(&self.data, classes, per_class, seed),
            Subject::Herding => self.select_by(ByExpert::Herding)?,
            Subject::KCenter => self.select_by(ByExpert::KCenter)?,
            Subject::FeatureMedoids => self.select_by(ByExpert::Medoids)?,
            Subject::Forgetting => self.select_by(ByExpert::Forgetting)?,
            other => return Err(Error::Config(format!("{} are no selection", other.describe()))),
        };
        let values = self.data.gather(self.data.train(), &chosen);
        let set = SyntheticSet { values, packing: 1, masses: None, ..images.clone() };
        let network = self.config.network.judge();
        let card = sets::Card {
            method: what.describe().to_owned(),
            seed,
            network: network.describe(),
            network_config: serde_json::to_value(&network).expect("plain data"),
            augmentation: self
                .config
                .augmentation
                .of(&self.data)
                .iter()
                .map(|family| family.name().to_owned())
                .collect(),
            ..sets::Card::of(&set, &self.data)
        };
        sets::write(&set, &self.data, &card, folder)
    }

    /// Trains the expert that the judge had, and has it choose.
    fn select_by(&self, how: ByExpert) -> Result<Vec<u32>> {
        let (images, seed) = (&self.method.state().images, self.config.seed);
        let network = self.config.network.judge();
        let mut expert = Expert::new(&self.data, &images.classes, &network, &self.device, seed)?;
        while expert.advance()? {}
        evaluate::select_by(how, &expert, images.per_class, seed)
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
    pub(super) fn complete_card(&self, evaluation: &Evaluation) -> Result<()> {
        let Some(folder) = &self.exported else { return Ok(()) };
        let mut card = sets::Card::read(folder)?;
        match evaluation.subject {
            Subject::Synthetic if card.step == evaluation.step => card.distilled = Some(sets::Measured::of(evaluation)),
            Subject::Exported => card.exported = Some(sets::Measured::of(evaluation)),
            _ => return Ok(()),
        }
        card.write(folder)
    }
}

/// Images in rows of their classes; of each class as many as the smallest one has.
fn by_class(shape: ImageShape, values: &[f32], labels: &[u32]) -> SyntheticSet {
    let classes: BTreeSet<u32> = labels.iter().copied().collect();
    let of_class = |class: u32| (0..labels.len()).filter(move |&image| labels[image] == class);
    let per_class = classes.iter().map(|&class| of_class(class).count()).min().unwrap_or(0);
    let len = shape.len();
    let chosen = classes.iter().flat_map(|&class| of_class(class).take(per_class));
    let values = chosen.flat_map(|image| &values[image * len..(image + 1) * len]).copied().collect();
    SyntheticSet { shape, classes: classes.into_iter().collect(), per_class, packing: 1, values, masses: None }
}
