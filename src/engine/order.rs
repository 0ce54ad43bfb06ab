//! An order to judge something: everything that an evaluation needs, as a job that can be given up and taken up again.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    jobs::{Job, Key, Product},
    known,
    task::Turns,
};
use crate::{
    data::Dataset,
    distilled::SyntheticSet,
    error::Result,
    evaluate::{Examples, How, Images, Judge, Progress, Protocol, SharedExpert},
    fingerprint::Fingerprint,
    nn::{Device, NetworkSpec, augment::Family},
    report::Subject,
    slices::Slices as _,
    store::Tallies,
};

/// What an evaluation is to judge, and by what rules.
pub(super) struct Order {
    pub(super) data: Arc<Dataset>,
    pub(super) device: Device,
    pub(super) seed: u64,
    pub(super) augmentation: Vec<Family>,
    pub(super) subject: Subject,
    pub(super) protocol: Protocol,
    pub(super) network: NetworkSpec,
    pub(super) images: Ordered,
    /// The network that knows the real images, which the orders of one request share.
    pub(super) expert: ExpertSlot,
    /// Where the networks that were tested are kept.
    pub(super) tallies: Tallies,
    /// True if the time that it takes is measured and told at the start.
    pub(super) forecasts: bool,
}

/// Empty until an evaluation needs an expert.
pub(super) type ExpertSlot = Arc<Mutex<Option<SharedExpert>>>;

/// The images of an order.
pub(super) enum Ordered {
    /// These.
    Made(SyntheticSet),
    /// These, which were read from a file or folder.
    Read(Images, PathBuf),
    /// So many real images of each of these classes, to be chosen.
    Chosen(Vec<u32>, usize),
}

impl Order {
    /// In words.
    fn describe(&self) -> String {
        let network = match self.network {
            NetworkSpec::ConvNet(_) => String::new(),
            _ => format!(" with {}", self.network.describe()),
        };
        format!("{} by {}{network}", self.subject.describe(), self.protocol)
    }

    /// The job that fulfils it.
    pub(super) fn job(self) -> Job {
        let key = Key::Judge(self.subject, self.protocol, self.network.clone());
        Job { key, what: self.describe(), work: Box::new(move |turns| self.judge(turns)) }
    }

    /// Trains and tests network after network; each is on disk as soon as it was tested.
    fn judge(self, turns: &mut Turns<Product>) -> Result<Product> {
        let key = self.key();
        let Self { data, device, seed, augmentation, subject, protocol, network, images, .. } = self;
        let source = match &images {
            Ordered::Read(_, path) => Some(path.clone()),
            _ => None,
        };
        let how = How { protocol, network: &network, augmentation: &augmentation, device: &device, seed };
        let judge = match images {
            Ordered::Made(set) => Judge::synthetic(&data, &set, how)?,
            Ordered::Read(images, _) => Judge::imported(&data, images, how)?,
            Ordered::Chosen(classes, per_class) => Judge::selection(&data, subject, (&classes, per_class), how)?,
        };
        let mut judge = judge.sharing(&mut self.expert.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(tally) = self.tallies.kept(&key) {
            judge.go_on_from(tally);
        }
        if self.forecasts {
            turns.describe(None, Some(judge.forecast()?));
        }
        let mut tested = judge.tally().networks();
        loop {
            match judge.advance()? {
                Progress::Done(outcome) => {
                    return Ok(Product::Judged { judge: Box::new(judge), outcome, key, source });
                }
                Progress::Working(done) => {
                    if judge.tally().networks() > tested {
                        tested = judge.tally().networks();
                        // A full disk costs what could have been taken up; the evaluation itself goes on.
                        let _ = self.tallies.keep(&key, judge.tally());
                    }
                    turns.tick(done)?;
                }
            }
        }
    }

    /// Names everything that decides the result.
    fn key(&self) -> String {
        let Self { data, seed, augmentation, subject, protocol, network, .. } = self;
        let images = match &self.images {
            Ordered::Made(set) => fingerprint(&Images::of(set)),
            Ordered::Read(images, _) => fingerprint(images),
            Ordered::Chosen(classes, per_class) => format!("{per_class} of each of {classes:?}"),
        };
        let data = (data.fingerprint(), data.holdout());
        let decides = (data, seed, augmentation, subject, protocol, network, images);
        known::name("evaluation", &decides, &self.device)
    }
}

/// Of labels, factors and values of images.
fn fingerprint(images: &dyn Examples) -> String {
    let numbers = (images.labels(), images.factors(), images.stored());
    let mut taken = Fingerprint::default().of(&serde_json::to_vec(&numbers).expect("plain data"));
    let mut image = vec![0.0; images.shape().len()];
    for index in 0..images.labels().len() {
        images.fetch(index, &mut image);
        taken = taken.of(&image.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
    }
    taken.finish()
}
