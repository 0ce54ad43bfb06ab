//! The training itself: network after network, each found in the cache or trained, measured and kept.
//!
//! What decides a network is its recipe, the usable training images and the seed; by these it is found again in the cache.
//! A training that is given up goes on from where it stood.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use candle_core::Tensor;
use crossbeam_channel::Sender;

use super::Made;
use crate::engine::{
    known,
    latent::LatentSpace,
    parameters::{self, Summed},
    task::Turns,
};
use crate::{
    config::RunConfig,
    data::Dataset,
    error::{Error, Result},
    evaluate::{Chosen, Optimizer, Recipe, Snapshot, Training, accuracy_on, select_at_random},
    methods::Pretrained,
    nn::{self, Device, Network, NetworkSpec, init::Init},
    random::{Purpose, stream},
    slices::{Slices, Undisturbed},
    store::{self, CachedNetwork},
    words,
};

/// Images on which a network is tested and measured when its training is done.
const MEASURED: usize = 2000;
/// Images that pass a network together while it is measured.
const SLICE: usize = 256;
/// A training that goes on is kept this often.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// The networks of a run, trained one after the other.
pub(super) struct Trainer {
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    recipe: Recipe,
    size: usize,
    /// Names everything that decides the networks.
    fingerprint: String,
    ready: Vec<Summed<Pretrained>>,
    /// What people should know.
    notes: Vec<String>,
    /// The space of a quantizer, which comes before them.
    latent: Option<LatentSpace>,
    worked: Duration,
    kept: Instant,
}

impl Trainer {
    /// For the pool of a run; trains nothing yet.
    pub(super) fn new(config: &RunConfig, data: &Arc<Dataset>, device: &Device) -> Self {
        let network = config.pool.network(&config.network);
        let usable = data.all_usable().len();
        let mut recipe = Recipe::pretraining(network, 1);
        recipe.epochs = config.pool.epochs(usable.div_ceil(recipe.batch));
        recipe.optimizer = Optimizer::Sgd { rate: recipe.optimizer.rate(), weight_decay: config.pool.weight_decay };
        let decides = (data.fingerprint(), config.holdout, config.seed, &recipe);
        let fingerprint = known::name("pool", &decides, device);
        Self {
            data: data.clone(),
            device: device.clone(),
            seed: config.seed,
            size: config.pool.size(&config.network),
            recipe,
            fingerprint,
            ready: Vec::new(),
            notes: Vec::new(),
            latent: config.needs_latent().then(|| LatentSpace::new(config, data, device)),
            worked: Duration::ZERO,
            kept: Instant::now(),
        }
    }

    /// Makes everything, one after the other, and hands each out as soon as it is there. What is given up is kept.
    pub(super) fn run(mut self, turns: &mut Turns<()>, made: &Sender<Made>) -> Result<()> {
        if let Some(latent) = self.latent.take() {
            let trained = latent.train(turns, &mut self.notes);
            self.notes.drain(..).for_each(|note| drop(made.send(Made::Note(note))));
            let _ = made.send(Made::Latent(trained?));
        }
        while self.ready.len() < self.size {
            let training = self.begin();
            self.notes.drain(..).for_each(|note| drop(made.send(Made::Note(note))));
            if let Some(training) = training? {
                self.train(training, turns)?;
            }
            let newest = self.ready.last().expect("one was made").clone();
            let _ = made.send(Made::Network(newest));
        }
        Ok(())
    }

    fn train(&mut self, mut training: Training, turns: &mut Turns<()>) -> Result<()> {
        loop {
            let clock = Instant::now();
            let goes_on = training.advance()?;
            self.worked += clock.elapsed();
            if !goes_on {
                break;
            }
            self.tell(training.done(), turns);
            let wanted = turns.tick(training.done());
            if wanted.is_err() || self.kept.elapsed() > KEEP_EVERY {
                self.keep(&training);
            }
            wanted?;
        }
        let finished = self.finish(&training, turns);
        if matches!(finished, Err(Error::Interrupted)) {
            self.keep(&training);
        }
        finished
    }

    /// Keeps a half-trained network, so that it can go on later.
    fn keep(&mut self, training: &Training) {
        self.kept = Instant::now();
        let Snapshot { epoch, position, variables, velocities } = training.snapshot();
        let mut kept = CachedNetwork::default();
        kept.about.insert("epoch".to_owned(), epoch.to_string());
        kept.about.insert("position".to_owned(), position.to_string());
        for (index, (variable, velocity)) in variables.into_iter().zip(velocities).enumerate() {
            kept.tensors.insert(format!("variable.{index}"), variable);
            if let Some(velocity) = velocity {
                kept.tensors.insert(format!("velocity.{index}"), velocity);
            }
        }
        store::cache_network(&self.file(HALF), kept);
    }

    fn tell(&self, done: f64, turns: &mut Turns<()>) {
        let (finished, worked) = (self.ready.len() as f64, self.worked.as_secs_f64());
        let share = finished + done;
        let secs_left = (share > 0.0).then(|| worked / share * (self.size as f64 - share));
        turns.describe(Some(format!("network {} of {}", self.ready.len() + 1, self.size)), secs_left);
    }

    /// The next training, begun or taken up again; none where the network is there already.
    fn begin(&mut self) -> Result<Option<Training>> {
        if self.ready.len() == self.size {
            return Ok(None);
        }
        if let NetworkSpec::Identity {} = self.recipe.network {
            let network = self.recipe.network.build(
                self.data.shape(),
                self.data.classes(),
                Init::frozen(&mut stream(self.seed, Purpose::Pretraining, 0, 0), &self.device),
            )?;
            let typical_distance = self.typical_distance(network.as_ref(), &mut Undisturbed)?;
            self.add(network, typical_distance, None, parameters::sum([])?);
            return Ok(None);
        }
        if let Some((known, sum)) = self.cached() {
            self.ready.push((Arc::new(known), sum));
            return Ok(None);
        }
        let examples = Arc::new(Chosen::new(self.data.clone(), self.data.all_usable()));
        let (recipe, classes, position) = (self.recipe.clone(), self.data.classes(), self.ready.len());
        let mut training = Training::of_pool(recipe, examples, classes, &self.device, self.seed, position)?;
        if let Some(snapshot) = self.half(training.network().variables().len()) {
            training.restore(&snapshot)?;
        }
        Ok(Some(training))
    }

    /// Freezes a network that was trained, measures it and keeps it.
    fn finish(&mut self, training: &Training, turns: &mut Turns<()>) -> Result<()> {
        let parameters = training.snapshot().variables;
        let sum = parameters::sum(&parameters)?;
        let network = self.frozen(parameters.clone())?;
        let typical_distance = self.typical_distance(network.as_ref(), turns)?;
        let accuracy = self.accuracy(network.as_ref(), turns)?;
        let named = parameters.into_iter().enumerate().map(|(index, tensor)| (format!("variable.{index}"), tensor));
        let mut kept = CachedNetwork { tensors: named.collect(), about: HashMap::new() };
        kept.about.insert("typical_distance".to_owned(), typical_distance.to_string());
        if let Some(accuracy) = accuracy {
            kept.about.insert("accuracy".to_owned(), accuracy.to_string());
        }
        store::cache_network(&self.file(WHOLE), kept);
        store::forget_network(&self.file(HALF));
        self.add(network, typical_distance, accuracy, sum);
        Ok(())
    }

    fn add(&mut self, network: Box<dyn Network>, typical_distance: f64, accuracy: Option<f64>, sum: String) {
        let pretrained = Pretrained { name: self.name(), network, typical_distance, accuracy };
        self.ready.push((Arc::new(pretrained), sum));
    }

    fn name(&self) -> String {
        let network = self.recipe.network.describe();
        if matches!(self.recipe.network, NetworkSpec::Identity {}) {
            return network;
        }
        let epochs = words::counted(self.recipe.epochs as u64, "epoch", "epochs");
        format!("{network}, trained for {epochs}")
    }

    fn frozen(&self, parameters: Vec<Tensor>) -> Result<Box<dyn Network>> {
        let mut unused = stream(self.seed, Purpose::Pretraining, 0, 0);
        let init = Init::frozen(&mut unused, &self.device).with_known(parameters);
        Ok(self.recipe.network.build(self.data.shape(), self.data.classes(), init)?)
    }

    /// The next network as an earlier run has left it.
    fn cached(&mut self) -> Option<(Pretrained, String)> {
        let CachedNetwork { about, mut tensors } = known::network(&self.file(WHOLE), &mut self.notes)?;
        let number = |name: &str| about.get(name)?.parse::<f64>().ok();
        let parameters: Vec<Tensor> =
            (0..tensors.len()).map_while(|index| tensors.remove(&format!("variable.{index}"))).collect();
        let sum = parameters::sum(&parameters).ok()?;
        let network = self.frozen(parameters).ok()?;
        let typical_distance = number("typical_distance")?;
        Some((Pretrained { name: self.name(), network, typical_distance, accuracy: number("accuracy") }, sum))
    }

    /// Where an earlier training of the next network was given up.
    fn half(&mut self, count: usize) -> Option<Snapshot> {
        let CachedNetwork { about, mut tensors } = known::network(&self.file(HALF), &mut self.notes)?;
        let number = |name: &str| about.get(name)?.parse::<usize>().ok();
        let mut take = |name: &str, index: usize| {
            let tensor = tensors.remove(&format!("{name}.{index}"))?;
            tensor.to_device(&self.device).ok()
        };
        let variables: Vec<Tensor> = (0..count).map_while(|index| take("variable", index)).collect();
        let velocities = (0..count).map(|index| take("velocity", index)).collect();
        let snapshot = Snapshot { epoch: number("epoch")?, position: number("position")?, variables, velocities };
        (snapshot.variables.len() == count).then_some(snapshot)
    }

    fn file(&self, state: &str) -> String {
        format!("{}-{}{state}", self.fingerprint, self.ready.len())
    }

    /// Median distance of real images to the mean of their class, over a sample of all classes.
    fn typical_distance(&self, network: &dyn Network, slices: &mut dyn Slices) -> Result<f64> {
        let classes: Vec<u32> = (0..self.data.classes() as u32).collect();
        let per_class = (MEASURED / classes.len()).max(2);
        let mut distances = Vec::new();
        for class in classes {
            let sample = select_at_random(&self.data, &[class], per_class, self.seed, u64::MAX - 1);
            let features = self.features(network, &sample)?;
            slices.tick(1.0)?;
            distances.extend(distances_to_mean(&features, network.embedding_len()));
        }
        distances.sort_unstable_by(f64::total_cmp);
        Ok(distances.get(distances.len() / 2).copied().unwrap_or(1.0))
    }

    fn accuracy(&self, network: &dyn Network, slices: &mut dyn Slices) -> Result<Option<f64>> {
        let holdout = &self.data.holdout()[..self.data.holdout().len().min(MEASURED)];
        if holdout.is_empty() {
            return Ok(None);
        }
        let mut right = 0;
        for slice in holdout.chunks(SLICE) {
            right += accuracy_on(network, &self.data, self.data.train(), slice, &self.device)?;
            slices.tick(1.0)?;
        }
        Ok(Some(right as f64 / holdout.len() as f64))
    }

    /// Features of training images, `(n, d)` in a row.
    fn features(&self, network: &dyn Network, indices: &[u32]) -> Result<Vec<f32>> {
        let values = self.data.gather(self.data.train(), indices);
        Ok(nn::embed_all(network, &values, self.data.shape(), &self.device)?)
    }
}

/// Names of the two files of a network.
const WHOLE: &str = "";
const HALF: &str = "-half";

/// Distance of each row to the mean of all rows.
fn distances_to_mean(features: &[f32], dimensions: usize) -> Vec<f64> {
    let rows = features.chunks_exact(dimensions);
    let mut mean = vec![0.0; dimensions];
    for row in rows.clone() {
        mean.iter_mut().zip(row).for_each(|(mean, &value)| *mean += f64::from(value) / rows.len() as f64);
    }
    let distance =
        |row: &[f32]| row.iter().zip(&mean).map(|(&value, mean)| (f64::from(value) - mean).powi(2)).sum::<f64>().sqrt();
    rows.map(distance).collect()
}
