//! One evaluation: some networks, one after the other, each trained and tested.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use candle_core::Device;

use super::{
    Chosen, Examples, Images,
    protocol::{Family as Rules, Protocol},
    selection::{select_at_random, select_medoids},
    training::{Recipe, Training, accuracy_on},
};
use crate::{
    data::{Dataset, Split},
    distill::SyntheticSet,
    error::{Error, Result},
    nn::{NetworkSpec, augment::Family},
    report::{Accuracy, Subject, TestedOn},
};

/// Random selection is drawn this many times: it is the mean over draws that counts.
pub const RANDOM_DRAWS: usize = 5;
/// Images tested in one slice.
const TEST_SLICE: usize = 256;

/// An evaluation on its way.
pub struct Judge {
    data: Arc<Dataset>,
    classes: Vec<u32>,
    device: Device,
    seed: u64,
    subject: Subject,
    protocol: Protocol,
    /// Networks to train: the protocol's number, or one for each random draw where that is more.
    networks: usize,
    recipe: Recipe,
    /// What networks are trained on, used in turn.
    sets: Vec<Arc<dyn Examples>>,
    tested: Vec<u32>,
    values: Vec<f64>,
    training: Option<Training>,
    /// Tested images and how many of them were right, once the training is done.
    counted: Option<(usize, usize)>,
}

/// How far an evaluation is.
pub enum Progress {
    /// The share that is done.
    Working(f64),
    /// The accuracy of each network.
    Done(Vec<f64>),
}

impl Judge {
    fn new(
        data: Arc<Dataset>,
        classes: Vec<u32>,
        protocol: Protocol,
        (network, augmentation): (&NetworkSpec, &[Family]),
        device: &Device,
        seed: u64,
        (subject, sets): (Subject, Vec<Arc<dyn Examples>>),
    ) -> Result<Self> {
        let recipe = Recipe::dm(network.judge(), protocol.epochs, augmentation.to_vec());
        let mut judge = Self {
            data,
            classes,
            device: device.clone(),
            seed,
            subject,
            protocol,
            networks: protocol.repeats.max(sets.len()),
            recipe,
            sets,
            tested: Vec::new(),
            values: Vec::new(),
            training: None,
            counted: None,
        };
        let (split, candidates): (&Split, Vec<u32>) = match judge.tested_on() {
            TestedOn::Test => (judge.data.test(), (0..judge.data.test().len() as u32).collect()),
            TestedOn::Holdout => (judge.data.train(), judge.data.holdout().to_vec()),
        };
        // A run over some of the classes is judged on those classes.
        let wanted = |index: &u32| judge.classes.contains(&split.labels()[*index as usize]);
        let tested: Vec<u32> = candidates.into_iter().filter(wanted).collect();
        if tested.is_empty() {
            return Err(Error::Config(match judge.tested_on() {
                TestedOn::Holdout => {
                    format!("{protocol} tests on the hold-out, and this run has none. Set holdout=0.1, or use dm@300x5")
                }
                TestedOn::Test => format!("{} has no test images of these classes", judge.data.name()),
            }));
        }
        judge.tested = tested;
        Ok(judge)
    }

    /// Judges synthetic images.
    pub fn synthetic(
        data: &Arc<Dataset>,
        images: &SyntheticSet,
        protocol: Protocol,
        how: (&NetworkSpec, &[Family]),
        device: &Device,
        seed: u64,
    ) -> Result<Self> {
        let sets: Vec<Arc<dyn Examples>> = vec![Arc::new(Images::of(images))];
        let subject = (Subject::Synthetic, sets);
        Self::new(data.clone(), images.classes.clone(), protocol, how, device, seed, subject)
    }

    /// Judges a set that was read from files, on the classes that it has images of.
    pub fn imported(
        data: &Arc<Dataset>,
        images: Images,
        protocol: Protocol,
        how: (&NetworkSpec, &[Family]),
        device: &Device,
        seed: u64,
    ) -> Result<Self> {
        let classes: BTreeSet<u32> = images.labels().iter().copied().collect();
        let sets: Vec<Arc<dyn Examples>> = vec![Arc::new(images)];
        let subject = (Subject::Exported, sets);
        Self::new(data.clone(), classes.into_iter().collect(), protocol, how, device, seed, subject)
    }

    /// Judges as many real images, drawn at random [`RANDOM_DRAWS`] times: networks take the draws in turn, and at
    /// least one network is trained on each.
    pub fn random(
        data: &Arc<Dataset>,
        (classes, per_class): (&[u32], usize),
        protocol: Protocol,
        how: (&NetworkSpec, &[Family]),
        device: &Device,
        seed: u64,
    ) -> Result<Self> {
        let draw = |draw: usize| -> Arc<dyn Examples> {
            let indices = select_at_random(data, classes, per_class, seed, draw as u64);
            Arc::new(Chosen::new(data.clone(), indices))
        };
        let subject = (Subject::Random, (0..RANDOM_DRAWS).map(draw).collect());
        Self::new(data.clone(), classes.to_vec(), protocol, how, device, seed, subject)
    }

    /// Judges as many real images, the medoids of k-means in each class.
    pub fn medoids(
        data: &Arc<Dataset>,
        (classes, per_class): (&[u32], usize),
        protocol: Protocol,
        how: (&NetworkSpec, &[Family]),
        device: &Device,
        seed: u64,
    ) -> Result<Self> {
        let indices = select_medoids(data, classes, per_class, seed);
        let sets: Vec<Arc<dyn Examples>> = vec![Arc::new(Chosen::new(data.clone(), indices))];
        let subject = (Subject::Medoids, sets);
        Self::new(data.clone(), classes.to_vec(), protocol, how, device, seed, subject)
    }

    /// Judges the whole training split.
    pub fn whole(
        data: &Arc<Dataset>,
        classes: &[u32],
        protocol: Protocol,
        how: (&NetworkSpec, &[Family]),
        device: &Device,
        seed: u64,
    ) -> Result<Self> {
        let indices = classes.iter().flat_map(|&class| data.train().of_class(class).iter().copied()).collect();
        let sets: Vec<Arc<dyn Examples>> = vec![Arc::new(Chosen::new(data.clone(), indices))];
        let subject = (Subject::Whole, sets);
        Self::new(data.clone(), classes.to_vec(), protocol, how, device, seed, subject)
    }

    /// What is judged.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// On which images.
    pub fn tested_on(&self) -> TestedOn {
        match self.protocol.family {
            Rules::Dm | Rules::Whole => TestedOn::Test,
            Rules::Quick => TestedOn::Holdout,
        }
    }

    /// The rules.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Number of images that each network is trained on.
    pub fn images(&self) -> usize {
        self.sets[0].labels().len()
    }

    /// Gathers what [`Progress::Done`] brought.
    pub fn accuracy(&self, values: &[f64]) -> Accuracy {
        Accuracy::of(values, &self.protocol.to_string())
    }

    /// Trains on one batch or tests one slice.
    pub fn advance(&mut self) -> Result<Progress> {
        if self.values.len() == self.networks {
            return Ok(Progress::Done(self.values.clone()));
        }
        let mut training = match self.training.take() {
            Some(training) => training,
            None => self.train(self.values.len())?,
        };
        match self.counted {
            None => {
                if !training.advance()? {
                    self.counted = Some((0, 0));
                }
                self.training = Some(training);
            }
            Some((seen, right)) => {
                let end = (seen + TEST_SLICE).min(self.tested.len());
                let slice = &self.tested[seen..end];
                let right =
                    right + accuracy_on(training.network(), &self.data, self.tested_split(), slice, &self.device)?;
                if end == self.tested.len() {
                    self.values.push(right as f64 / end as f64);
                    self.counted = None;
                } else {
                    self.counted = Some((end, right));
                    self.training = Some(training);
                }
            }
        }
        let current = self.training.as_ref().map_or(0.0, Training::done);
        Ok(Progress::Working((self.values.len() as f64 + current) / self.networks as f64))
    }

    /// How many seconds it will take, measured on a network that is thrown away.
    pub fn forecast(&self) -> Result<f64> {
        let mut training = self.train(0)?;
        training.advance()?; // The first batch warms up.
        let clock = Instant::now();
        let measured = 2;
        for _ in 0..measured {
            training.advance()?;
        }
        let batch = clock.elapsed().as_secs_f64() / f64::from(measured);
        let clock = Instant::now();
        let slice = &self.tested[..TEST_SLICE.min(self.tested.len())];
        accuracy_on(training.network(), &self.data, self.tested_split(), slice, &self.device)?;
        let test = clock.elapsed().as_secs_f64() * self.tested.len() as f64 / slice.len() as f64;
        Ok((batch * training.batches() as f64 + test) * self.networks as f64)
    }

    fn train(&self, repeat: usize) -> Result<Training> {
        let set = self.sets[repeat % self.sets.len()].clone();
        Training::new(self.recipe.clone(), set, self.data.classes(), &self.device, self.seed, repeat as u64)
    }

    fn tested_split(&self) -> &Split {
        match self.tested_on() {
            TestedOn::Test => self.data.test(),
            TestedOn::Holdout => self.data.train(),
        }
    }
}
