//! Files that leave a run: its images in every form that others read, and selections of real ones.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::Run;
use crate::{
    config::RunConfig,
    data::{Dataset, ImageShape},
    distilled::SyntheticSet,
    engine::{
        jobs::{Job, Jobs, Key, Product},
        order::{Order, Ordered},
        task::Turns,
    },
    error::{Error, Result},
    evaluate::{self, ByExpert, Expert, Images, Protocol},
    nn::{Device, NetworkSpec},
    report::{Evaluation, OpenedSet, Reading, Subject},
    slices::Slices,
    store::{
        self,
        sets::{self, Labelled},
    },
};

impl Run {
    /// Writes the images as they are into the folder of the run.
    pub(super) fn export(&self) -> Result<PathBuf> {
        store::export(&self.method.state().images, &self.data, self.folder.path())
    }

    /// Writes the images into a new folder in every form that others read, and reads them back, to be judged as they were written.
    pub(in crate::engine) fn writing(&self, folder: PathBuf) -> Job {
        let protocol = self.config.evaluation.last;
        let images = self.method.state().images.clone();
        let card = sets::Card {
            method: self.config.name.clone(),
            step: self.at(),
            distilled: self.measured(protocol),
            ..self.card(&images)
        };
        let (data, key) = (self.data.clone(), Key::Files(folder.clone()));
        let work = move |_: &mut Turns<Product>| {
            sets::write(&images, &data, &card, &folder)?;
            let written = if data.is_pictures() { folder.join("images") } else { folder.join("synthetic.npz") };
            let read = sets::read(&written, &data)?;
            Ok(Product::Written { folder, images: as_read(read) })
        };
        Job { key, what: "the exported images".to_owned(), work: Box::new(work) }
    }

    /// A set was written: what has to be judged so that its card can be completed.
    pub(in crate::engine) fn orders_of_written(&mut self, folder: PathBuf, images: Images, jobs: &Jobs) -> Vec<Order> {
        let protocol = self.config.evaluation.last;
        self.exported = Some(folder.clone());
        let mut orders = if self.measured(protocol).is_none() { self.orders(protocol, jobs) } else { Vec::new() };
        orders.push(self.order_of_read(images, folder));
        orders
    }

    /// Judges images that were read from files by the rules of the run's end.
    pub(in crate::engine) fn order_of_read(&self, images: Images, source: PathBuf) -> Order {
        let (protocol, network) = (self.config.evaluation.last, self.config.network.judge());
        Order { images: Ordered::Read(images, source), ..self.order(Subject::Exported, protocol, &network) }
    }

    /// Reads a set of files, to look at it and judge it.
    pub(in crate::engine) fn opening(&self, path: PathBuf, reading: Reading) -> Job {
        let (data, key) = (self.data.clone(), Key::Set(path.clone(), reading));
        let what = format!("reading {}", path.display());
        let work = move |_: &mut Turns<Product>| {
            let read = sets::read_as(&path, &data, reading)?;
            let packing = read.read_as.packing;
            let set = Box::new(SyntheticSet { packing, ..by_class(read.shape, &read.values, &read.labels) });
            let opened = OpenedSet { path, reading, read_as: read.read_as.clone() };
            Ok(Product::Opened { set, images: as_read(read), opened: Box::new(opened) })
        };
        Job { key, what, work: Box::new(work) }
    }

    /// Writes a selection of real images, the one that was judged, into a new folder.
    pub(in crate::engine) fn selecting(&self, subject: Subject, folder: PathBuf) -> Job {
        let images = self.method.state().images.clone();
        let plain = SyntheticSet { packing: 1, masses: None, ..images };
        let card = sets::Card { method: subject.describe().to_owned(), ..self.card(&plain) };
        let (data, seed, device) = (self.data.clone(), self.config.seed, self.device.clone());
        let (network, key) = (self.config.network.judge(), Key::Files(folder.clone()));
        let work = move |turns: &mut Turns<Product>| {
            let chosen = select(subject, &data, (&plain.classes, plain.per_class), seed, (&network, &device), turns)?;
            let set = SyntheticSet { values: data.gather(data.train(), &chosen), ..plain };
            sets::write(&set, &data, &card, &folder)?;
            Ok(Product::Selected(folder))
        };
        Job { key, what: format!("choosing images: {}", subject.describe()), work: Box::new(work) }
    }

    /// What is said about any set that leaves this run.
    fn card(&self, images: &SyntheticSet) -> sets::Card {
        let RunConfig { seed, network, augmentation, .. } = &self.config;
        let network = network.judge();
        sets::Card {
            seed: *seed,
            network: network.describe(),
            network_config: serde_json::to_value(&network).expect("plain data"),
            augmentation: augmentation.of(&self.data).iter().map(|family| family.name().to_owned()).collect(),
            ..sets::Card::of(images, &self.data)
        }
    }

    /// The accuracy of the images at this step, where it was measured.
    fn measured(&self, protocol: Protocol) -> Option<sets::Measured> {
        let name = protocol.to_string();
        let fits = |evaluation: &&Evaluation| {
            let here = evaluation.subject == Subject::Synthetic && evaluation.step == self.at();
            here && evaluation.accuracy.protocol == name
        };
        self.evaluations.iter().rev().find(fits).map(sets::Measured::of)
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

/// What networks are trained on of a set that was read from files.
fn as_read(read: Labelled) -> Images {
    Images::packed(read.shape, &read.values, &read.labels, read.read_as.packing)
        .counting(read.factors)
        .softly_labelled(read.shares)
}

/// The real images that the judge would choose. What needs an expert trains the one that the judge had.
fn select(
    subject: Subject,
    data: &Arc<Dataset>,
    (classes, per_class): (&[u32], usize),
    seed: u64,
    (network, device): (&NetworkSpec, &Device),
    slices: &mut dyn Slices,
) -> Result<Vec<u32>> {
    let how = match subject {
        Subject::Random => return Ok(evaluate::select_at_random(data, classes, per_class, seed, 0)),
        Subject::Medoids => return Ok(evaluate::select_medoids(data, classes, per_class, seed)),
        Subject::Herding => ByExpert::Herding,
        Subject::KCenter => ByExpert::KCenter,
        Subject::FeatureMedoids => ByExpert::Medoids,
        Subject::Forgetting => ByExpert::Forgetting,
        other => return Err(Error::Config(format!("{} are no selection", other.describe()))),
    };
    let mut expert = Expert::new(data, classes, network, device, seed)?;
    while expert.advance()? {
        slices.tick(expert.done())?;
    }
    evaluate::select_by(how, &expert, per_class, seed)
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
