//! One evaluation: some networks, one after the other, each trained and tested.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    Chosen, Examples, Images,
    expert::Expert,
    outcome::{Outcome, Tally},
    protocol::{Family as Rules, LabelKind, Protocol},
    selection::{ByExpert, select_at_random, select_by, select_medoids},
    training::{Training, predictions},
};
use crate::{
    data::{Dataset, Split},
    distilled::SyntheticSet,
    error::{Error, Result},
    nn::Device,
    nn::{NetworkSpec, augment::Family},
    report::{Subject, TestedOn},
};

/// Random selection is drawn this many times: it is the mean over draws that counts.
pub const RANDOM_DRAWS: usize = 5;
/// Images tested in one slice.
const TEST_SLICE: usize = 256;

/// By what rules something is judged, and with what.
#[derive(Clone, Copy)]
pub struct How<'a> {
    /// The rules.
    pub protocol: Protocol,
    /// The network that is trained.
    pub network: &'a NetworkSpec,
    /// What its images go through.
    pub augmentation: &'a [Family],
    /// Where it is trained.
    pub device: &'a Device,
    /// Where everything random comes from.
    pub seed: u64,
}

/// An expert that several evaluations share: the first that needs it trains it.
pub type SharedExpert = Arc<Mutex<Expert>>;

/// What networks are trained on.
enum Sets {
    /// Used in turn.
    Ready(Vec<Arc<dyn Examples>>),
    /// So many images of each class, chosen once the expert is trained.
    Awaited(ByExpert, usize),
}

/// An evaluation on its way.
pub struct Judge {
    data: Arc<Dataset>,
    classes: Vec<u32>,
    device: Device,
    seed: u64,
    subject: Subject,
    protocol: Protocol,
    network: NetworkSpec,
    augmentation: Vec<Family>,
    /// Networks to train: the protocol's number, or one for each random draw where that is more.
    networks: usize,
    sets: Sets,
    images: usize,
    stored: usize,
    expert: Option<SharedExpert>,
    tested: Vec<u32>,
    training: Option<Training>,
    tally: Tally,
    /// Tested images, once the training is done.
    tested_so_far: Option<usize>,
}

/// How far an evaluation is.
pub enum Progress {
    /// The share that is done.
    Working(f64),
    /// What it found.
    Done(Outcome),
}

impl Judge {
    fn new(data: &Arc<Dataset>, classes: Vec<u32>, how: How<'_>, subject: Subject, sets: Sets) -> Result<Self> {
        let (protocol, repeats) = (how.protocol, how.protocol.repeats);
        let (networks, images, stored) = match &sets {
            Sets::Ready(sets) => (repeats.max(sets.len()), sets[0].labels().len(), sets[0].stored()),
            Sets::Awaited(_, per_class) => (repeats, classes.len() * per_class, classes.len() * per_class),
        };
        let network = how.network.judge();
        network.check(data.shape()).map_err(Error::Config)?;
        let mut judge = Self {
            data: data.clone(),
            device: how.device.clone(),
            seed: how.seed,
            subject,
            protocol,
            network,
            augmentation: how.augmentation.to_vec(),
            networks,
            images,
            stored,
            tally: Tally::new(data.classes(), if subject.is_made() { images } else { 0 }),
            classes,
            sets,
            expert: None,
            tested: Vec::new(),
            training: None,
            tested_so_far: None,
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
        if protocol.labels == LabelKind::Soft || matches!(judge.sets, Sets::Awaited(..)) {
            judge.expert = Some(judge.own_expert()?);
        }
        Ok(judge)
    }

    fn own_expert(&self) -> Result<SharedExpert> {
        let expert = Expert::new(&self.data, &self.classes, &self.network, &self.device, self.seed)?;
        Ok(Arc::new(Mutex::new(expert)))
    }

    /// Judges synthetic images.
    pub fn synthetic(data: &Arc<Dataset>, images: &SyntheticSet, how: How<'_>) -> Result<Self> {
        let sets: Vec<Arc<dyn Examples>> = vec![Arc::new(Images::of(images))];
        Self::new(data, images.classes.clone(), how, Subject::Synthetic, Sets::Ready(sets))
    }

    /// Judges a set that was read from files, on the classes that it has images of.
    pub fn imported(data: &Arc<Dataset>, images: Images, how: How<'_>) -> Result<Self> {
        let classes: BTreeSet<u32> = images.labels().iter().copied().collect();
        let sets: Vec<Arc<dyn Examples>> = vec![Arc::new(images)];
        Self::new(data, classes.into_iter().collect(), how, Subject::Exported, Sets::Ready(sets))
    }

    /// Judges `per_class` real images of some classes.
    ///
    /// Random ones are drawn [`RANDOM_DRAWS`] times: networks take the draws in turn, and at least one network is trained
    /// on each. The whole training split counts as a selection too.
    pub fn selection(
        data: &Arc<Dataset>,
        subject: Subject,
        (classes, per_class): (&[u32], usize),
        how: How<'_>,
    ) -> Result<Self> {
        let chosen = |indices| -> Arc<dyn Examples> { Arc::new(Chosen::new(data.clone(), indices)) };
        let draw = |draw| chosen(select_at_random(data, classes, per_class, how.seed, draw as u64));
        let sets = match subject {
            Subject::Random => Sets::Ready((0..RANDOM_DRAWS).map(draw).collect()),
            Subject::Medoids => Sets::Ready(vec![chosen(select_medoids(data, classes, per_class, how.seed))]),
            Subject::Whole => {
                let of_class = |&class: &u32| data.train().of_class(class).iter().copied();
                Sets::Ready(vec![chosen(classes.iter().flat_map(of_class).collect())])
            }
            Subject::Herding => Sets::Awaited(ByExpert::Herding, per_class),
            Subject::KCenter => Sets::Awaited(ByExpert::KCenter, per_class),
            Subject::FeatureMedoids => Sets::Awaited(ByExpert::Medoids, per_class),
            Subject::Forgetting => Sets::Awaited(ByExpert::Forgetting, per_class),
            Subject::Synthetic | Subject::Exported => {
                return Err(Error::Config(format!("{} are no selection of real images", subject.describe())));
            }
        };
        Self::new(data, classes.to_vec(), how, subject, sets)
    }

    /// Shares the expert of another evaluation, where this one needs one.
    #[must_use]
    pub fn sharing(mut self, expert: &mut Option<SharedExpert>) -> Self {
        if self.expert.is_some() {
            self.expert = Some(expert.get_or_insert_with(|| self.expert.take().expect("just looked")).clone());
        }
        self
    }

    /// What is judged.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// On which images.
    pub fn tested_on(&self) -> TestedOn {
        match self.protocol.family {
            Rules::Quick => TestedOn::Holdout,
            _ => TestedOn::Test,
        }
    }

    /// The rules.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The network that is trained.
    pub fn network(&self) -> &NetworkSpec {
        &self.network
    }

    /// Number of images that each network is trained on.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Draws of images, which networks take in turn.
    pub fn draws(&self) -> usize {
        match &self.sets {
            Sets::Ready(sets) => sets.len(),
            Sets::Awaited(..) => 1,
        }
    }

    /// Bytes that are stored, at one byte a value, four for how much an image counts and four for each share of a soft label.
    /// Mosaics are stored once and seen part by
    /// part.
    pub fn stored_bytes(&self) -> u64 {
        let beside = match &self.sets {
            Sets::Ready(sets) => {
                let shares = sets[0].shares().map_or(0, |_| self.data.classes());
                4 * (shares + usize::from(sets[0].factors().is_some()))
            }
            Sets::Awaited(..) => 0,
        };
        (self.stored * (self.data.shape().len() + beside)) as u64
    }

    /// What the networks that were tested have brought; a judge of the same things [goes on](Self::go_on_from) from it.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes up an evaluation that was given up, with its next network. What does not fit is left aside.
    pub fn go_on_from(&mut self, tally: Tally) {
        if tally.is_like(&self.tally) && tally.networks() <= self.networks {
            self.tally = tally;
        }
    }

    /// Trains on one batch or tests one slice.
    pub fn advance(&mut self) -> Result<Progress> {
        if self.tally.networks() >= self.networks {
            return Ok(Progress::Done(self.tally.outcome(&self.protocol.to_string())));
        }
        if let Some(done) = self.train_expert()? {
            return Ok(Progress::Working(done / (self.networks + 1) as f64));
        }
        let mut training = match self.training.take() {
            Some(training) => training,
            None => self.train(self.tally.networks())?,
        };
        match self.tested_so_far {
            None => {
                if !training.advance()? {
                    self.tested_so_far = Some(0);
                }
                self.training = Some(training);
            }
            Some(seen) => {
                let end = (seen + TEST_SLICE).min(self.tested.len());
                let slice = &self.tested[seen..end];
                let split = self.tested_split();
                let named = predictions(training.network(), &self.data, split, slice, &self.device)?;
                let labels: Vec<u32> = slice.iter().map(|&index| split.labels()[index as usize]).collect();
                self.tally.count(&labels, &named);
                if end == self.tested.len() {
                    if let (true, Sets::Ready(sets)) = (self.subject.is_made(), &self.sets) {
                        self.tally.look_at(training.network(), sets[0].as_ref(), &self.device)?;
                    }
                    self.tally.close();
                    self.tested_so_far = None;
                } else {
                    self.tested_so_far = Some(end);
                    self.training = Some(training);
                }
            }
        }
        Ok(Progress::Working(self.share_done()))
    }

    fn share_done(&self) -> f64 {
        let (expert, parts) = if self.expert.is_some() { (1.0, self.networks + 1) } else { (0.0, self.networks) };
        let current = self.training.as_ref().map_or(0.0, Training::done);
        (expert + self.tally.networks() as f64 + current) / parts as f64
    }

    /// One batch of the expert, where one is needed and not done; how far it is then.
    fn train_expert(&mut self) -> Result<Option<f64>> {
        let Some(shared) = &self.expert else { return Ok(None) };
        let mut expert = lock(shared);
        if !expert.is_done() && expert.advance()? {
            return Ok(Some(expert.done()));
        }
        if let Sets::Awaited(by, per_class) = self.sets {
            let chosen = Chosen::new(self.data.clone(), select_by(by, &expert, per_class, self.seed)?);
            self.images = chosen.labels().len();
            self.sets = Sets::Ready(vec![Arc::new(chosen)]);
        }
        Ok(None)
    }

    /// How many seconds it will take, measured on a network that is thrown away.
    pub fn forecast(&self) -> Result<f64> {
        // What an expert chooses is not known yet; as many random images train as fast.
        let stand_in;
        let set = match &self.sets {
            Sets::Ready(sets) => &sets[0],
            Sets::Awaited(_, per_class) => {
                let random = select_at_random(&self.data, &self.classes, *per_class, self.seed, 0);
                stand_in = Arc::new(Chosen::new(self.data.clone(), random)) as Arc<dyn Examples>;
                &stand_in
            }
        };
        let mut training = self.train_on(set.clone(), 0)?;
        training.advance()?; // The first batch warms up.
        let clock = Instant::now();
        let measured = 2;
        for _ in 0..measured {
            training.advance()?;
        }
        let batch = clock.elapsed().as_secs_f64() / f64::from(measured);
        let clock = Instant::now();
        let slice = &self.tested[..TEST_SLICE.min(self.tested.len())];
        predictions(training.network(), &self.data, self.tested_split(), slice, &self.device)?;
        let test = clock.elapsed().as_secs_f64() * self.tested.len() as f64 / slice.len() as f64;
        let expert = match &self.expert {
            Some(expert) if !lock(expert).is_done() => {
                let whole = 256.0 / self.images.clamp(1, 256) as f64; // Its batches are full.
                batch * whole * lock(expert).batches() as f64
            }
            _ => 0.0,
        };
        Ok((batch * training.batches() as f64 + test) * self.networks as f64 + expert)
    }

    fn train(&self, repeat: usize) -> Result<Training> {
        let Sets::Ready(sets) = &self.sets else {
            return Err(Error::Device("the images are chosen before networks are trained on them".to_owned()));
        };
        let training = self.train_on(sets[repeat % sets.len()].clone(), repeat)?;
        match (&self.expert, self.protocol.labels) {
            (Some(expert), LabelKind::Soft) => training.taught_by(lock(expert).network().clone()),
            _ => Ok(training),
        }
    }

    fn train_on(&self, set: Arc<dyn Examples>, repeat: usize) -> Result<Training> {
        let recipe = self.protocol.recipe(self.network.clone(), &self.augmentation);
        Training::new(recipe, set, self.data.classes(), &self.device, self.seed, repeat as u64)
    }

    fn tested_split(&self) -> &Split {
        match self.tested_on() {
            TestedOn::Test => self.data.test(),
            TestedOn::Holdout => self.data.train(),
        }
    }
}

fn lock(expert: &SharedExpert) -> MutexGuard<'_, Expert> {
    // An evaluation that panicked leaves an expert that has learned a little less.
    expert.lock().unwrap_or_else(PoisonError::into_inner)
}
