//! The queue of networks that are trained on real images while the run goes on (IDM, CVPR 2023).
//!
//! At every step the images pass one of them, drawn at random; after the pixels have moved, some others drawn at
//! random learn from a few batches of real images. Young networks are pushed at intervals and the oldest leave, so that
//! the images are matched through networks of all ages (`IDM_cifar10.py` of uitrbn/IDM, as published in its
//! `command.txt`). The queue learns from all classes of the data, whichever the run distils, so parts of a run share it.
//!
//! Departures: batches are drawn anew from the run's own streams instead of a shuffled loader; with one image in each class
//! the released code without mosaics picks real images by their loss, which is left out.

mod page;

use std::sync::Arc;

use candle_core::{D, Tensor, Var};
pub use page::{queue_info, queue_page};
use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    distilled::{Array, Blobs},
    error::{Error, Result},
    nn::Device,
    nn::{Network, NetworkSpec, Sgd, SgdSettings, init::Init},
    random::{Purpose, choose, stream},
};

/// A network that learns beside the run.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedNetwork {
    /// Counted from 0 in the order in which they came.
    pub serial: u64,
    /// Batches that it has learned from.
    pub batches: u64,
    /// Share of the real images that it predicted rightly before it learned from them, since accuracies began anew; none where it has not
    /// learned since.
    pub accuracy: Option<f64>,
    /// True if the next step looks through it.
    pub looks: bool,
    /// True if it learns after the next step.
    pub learns: bool,
}

/// How a queue is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueSpec {
    /// Networks at the start, never trained.
    pub start: usize,
    /// A network that was never trained is pushed after this many steps.
    pub push_every: u64,
    /// The oldest leave when there are more.
    pub most: usize,
    /// Networks that learn after a step.
    pub trained: usize,
    /// Batches that each of those learns from.
    pub batches: usize,
    /// Real images of a batch.
    pub batch: usize,
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of the last direction that is kept.
    pub momentum: f64,
    /// Pull towards zero, on every parameter.
    pub weight_decay: f64,
    /// Running accuracies begin anew after this many steps; 0 for never. In the released code they do so whenever images
    /// are judged, every 100 steps for ten images in each class.
    pub forget_every: u64,
    /// Steps after which they begin anew besides. The released code of IID on IDM judges after these alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forget_at: Vec<u64>,
}

impl Default for QueueSpec {
    fn default() -> Self {
        Self {
            start: 3,
            push_every: 30,
            most: 100,
            trained: 2,
            batches: 10,
            batch: 256,
            learning_rate: 0.01,
            momentum: 0.9,
            weight_decay: 5e-4,
            forget_every: 100,
            forget_at: Vec::new(),
        }
    }
}

impl QueueSpec {
    /// Says what is wrong with it, if something is.
    pub fn check(&self, network: &NetworkSpec) -> std::result::Result<(), String> {
        if let NetworkSpec::Identity {} = network {
            return Err("a queue needs networks that learn, and pixels do not: choose another network, or no [queue]"
                .to_owned());
        }
        for (name, count) in [("start", self.start), ("most", self.most), ("batch", self.batch)] {
            if count == 0 {
                return Err(format!("queue.{name} must be at least 1"));
            }
        }
        if self.push_every == 0 {
            return Err("queue.push_every must be at least 1".to_owned());
        }
        if self.start > self.most {
            return Err(format!("queue.start is {}, more than queue.most, which is {}", self.start, self.most));
        }
        let numbers =
            [("learning_rate", self.learning_rate), ("weight_decay", self.weight_decay), ("momentum", self.momentum)];
        match numbers.into_iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
            Some((name, value)) => Err(format!("queue.{name} must be 0 or more, not {value}")),
            None if self.momentum >= 1.0 => Err(format!("queue.momentum is below 1, not {}", self.momentum)),
            None => Ok(()),
        }
    }
}

/// A network of the queue.
struct QueuedModel {
    /// Counted from 0 in the order in which they came.
    serial: u64,
    /// Batches that it has learned from.
    batches: u64,
    /// Images that it named rightly before it learned from them, since accuracies began anew.
    right: u64,
    /// Images that it has learned from since then.
    seen: u64,
    network: Box<dyn Network>,
    optimizer: Sgd,
}

/// Names of the counts of a network, in a checkpoint.
const COUNTS: [&str; 4] = ["serial", "batches", "right", "seen"];

/// Everything of a network that changes while it learns.
struct Kept {
    /// In the order of `COUNTS`.
    counts: [u64; 4],
    /// Its parameters, in the order of the network.
    variables: Vec<Tensor>,
    /// The direction of each parameter, where it has one yet.
    velocities: Vec<Option<Tensor>>,
}

/// The networks, oldest first.
pub struct Queue {
    spec: QueueSpec,
    network: NetworkSpec,
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    /// Training images of all classes, hold-out excluded.
    usable: Vec<u32>,
    networks: Vec<QueuedModel>,
}

impl Queue {
    /// A queue before the first step.
    pub fn new(
        spec: QueueSpec,
        network: &NetworkSpec,
        data: &Arc<Dataset>,
        device: &Device,
        seed: u64,
    ) -> Result<Self> {
        let usable = data.all_usable();
        let start = spec.start as u64;
        let (network, data, device) = (network.clone(), data.clone(), device.clone());
        let mut queue = Self { spec, network, data, device, seed, usable, networks: Vec::new() };
        for serial in 0..start {
            let young = queue.young(serial)?;
            queue.networks.push(young);
        }
        Ok(queue)
    }

    /// The network of a serial number before it has learned anything.
    fn young(&self, serial: u64) -> Result<QueuedModel> {
        let mut rng = stream(self.seed, Purpose::QueueNetwork, serial, 0);
        let init = Init::trainable(&mut rng, &self.device);
        let network = self.network.build(self.data.shape(), self.data.classes(), init)?;
        let QueueSpec { learning_rate, momentum, weight_decay, .. } = self.spec;
        let optimizer = Sgd::new(network.variables(), SgdSettings { learning_rate, momentum, weight_decay });
        Ok(QueuedModel { serial, batches: 0, right: 0, seen: 0, network, optimizer })
    }

    /// Positions of the networks that `count` of them are drawn from at a step; `class` tells the draws of a step apart.
    fn drawn(&self, step: u64, count: usize, class: u64) -> Vec<usize> {
        choose(self.networks.len(), count, &mut stream(self.seed, Purpose::QueueChoice, step, class))
    }

    /// Position of the network that looks at this step.
    fn matched(&self, step: u64) -> usize {
        self.drawn(step, 1, 0)[0]
    }

    /// The network that looks at this step, frozen, and its running accuracy as a fraction of 1.
    pub(super) fn draw(&self, step: u64) -> Result<(Box<dyn Network>, f64)> {
        let chosen = &self.networks[self.matched(step)];
        let parameters = chosen.network.variables().iter().map(Var::as_detached_tensor).collect();
        let mut unused = stream(self.seed, Purpose::QueueNetwork, 0, 0);
        let init = Init::frozen(&mut unused, &self.device).with_known(parameters);
        Ok((self.network.build(self.data.shape(), self.data.classes(), init)?, chosen.accuracy()))
    }

    /// What is seen of the queue before `step`: every network, the one that looks and those that learn then marked.
    pub fn view(&self, step: u64) -> Vec<QueuedNetwork> {
        let (matched, learn) = (self.matched(step), self.drawn(step, self.spec.trained, 1));
        let view = |(position, one): (usize, &QueuedModel)| QueuedNetwork {
            serial: one.serial,
            batches: one.batches,
            accuracy: (one.seen > 0).then(|| one.accuracy()),
            looks: position == matched,
            learns: learn.contains(&position),
        };
        self.networks.iter().enumerate().map(view).collect()
    }

    /// How the queue is kept.
    pub fn spec(&self) -> &QueueSpec {
        &self.spec
    }

    /// What follows a step: some networks learn, a young one is pushed, the oldest leave, accuracies begin anew; what of
    /// it is due. Where it fails, or `interrupted` says so between two batches, nothing has changed.
    pub(super) fn train(&mut self, step: u64, interrupted: &dyn Fn() -> bool) -> Result<()> {
        let learn = self.drawn(step, self.spec.trained, 1);
        let before = learn.iter().map(|&position| self.networks[position].keep(true)).collect::<Result<Vec<_>>>()?;
        let young = if step.is_multiple_of(self.spec.push_every) {
            Some(self.young(self.networks.last().map_or(0, |last| last.serial + 1))?)
        } else {
            None
        };
        if let Err(error) = self.learn(step, &learn, interrupted) {
            for (&position, kept) in learn.iter().zip(&before) {
                self.networks[position].restore(kept)?;
            }
            return Err(error);
        }
        self.networks.extend(young);
        let leave = self.networks.len().saturating_sub(self.spec.most);
        self.networks.drain(..leave);
        let is_due = self.spec.forget_every > 0 && step.is_multiple_of(self.spec.forget_every);
        if is_due || self.spec.forget_at.contains(&step) {
            self.networks.iter_mut().for_each(|one| (one.right, one.seen) = (0, 0));
        }
        Ok(())
    }

    fn learn(&mut self, step: u64, positions: &[usize], interrupted: &dyn Fn() -> bool) -> Result<()> {
        for (slot, &position) in positions.iter().enumerate() {
            for batch in 0..self.spec.batches {
                if interrupted() {
                    return Err(Error::Interrupted);
                }
                let number = ((slot as u64) << 32) | batch as u64;
                let mut rng = stream(self.seed, Purpose::QueueBatch, step, number);
                let chosen = choose(self.usable.len(), self.spec.batch, &mut rng);
                let chosen: Vec<u32> = chosen.into_iter().map(|at| self.usable[at]).collect();
                let labels: Vec<u32> = chosen.iter().map(|&index| self.data.train().labels()[index as usize]).collect();
                let [channels, height, width] = self.data.shape().dims();
                let images = self.data.gather(self.data.train(), &chosen);
                let images = Tensor::from_vec(images, (chosen.len(), channels, height, width), &self.device)?;
                if !self.networks[position].learn(&images, labels)? {
                    let culprit = format!("network {} of the queue", self.networks[position].serial);
                    return Err(Error::NotFinite { step, last_good: step - 1, culprit });
                }
            }
        }
        Ok(())
    }

    /// Everything that a checkpoint has to hold: of network `P`, oldest first, the counters `queue.P.COUNT` and the arrays
    /// `queue.P.variable.N`, `queue.P.velocity.N`, in the order of the network.
    pub fn keep(&self) -> Result<Blobs> {
        let mut blobs = Blobs::default();
        let array = |tensor: &Tensor| Ok::<_, Error>(Array::new(tensor.dims(), tensor.flatten_all()?.to_vec1()?));
        for (position, one) in self.networks.iter().enumerate() {
            let Kept { counts, variables, velocities } = one.keep(false)?;
            blobs.counters.extend(COUNTS.map(|name| format!("queue.{position}.{name}")).into_iter().zip(counts));
            for (number, variable) in variables.iter().enumerate() {
                blobs.arrays.insert(format!("queue.{position}.variable.{number}"), array(variable)?);
            }
            for (number, velocity) in velocities.iter().enumerate() {
                if let Some(velocity) = velocity {
                    blobs.arrays.insert(format!("queue.{position}.velocity.{number}"), array(velocity)?);
                }
            }
        }
        Ok(blobs)
    }

    /// Goes on from networks that were kept.
    pub fn restore(&mut self, blobs: &Blobs) -> Result<()> {
        let mut networks = Vec::new();
        let is_kept = |position: usize| blobs.counters.contains_key(&format!("queue.{position}.{}", COUNTS[0]));
        for position in (0..).take_while(|&position| position == 0 || is_kept(position)) {
            let mut counts = [0; 4];
            for (count, name) in counts.iter_mut().zip(COUNTS) {
                *count = blobs.counter(&format!("queue.{position}.{name}"))?;
            }
            let mut network = self.young(counts[0])?;
            let tensor = |array: &Array| Tensor::from_slice(&array.values, array.dims.as_slice(), &self.device);
            let (mut variables, mut velocities) = (Vec::new(), Vec::new());
            for number in 0..network.network.variables().len() {
                variables.push(tensor(blobs.array(&format!("queue.{position}.variable.{number}"))?)?);
                let velocity = blobs.arrays.get(&format!("queue.{position}.velocity.{number}"));
                velocities.push(velocity.map(tensor).transpose()?);
            }
            network.restore(&Kept { counts, variables, velocities })?;
            networks.push(network);
        }
        self.networks = networks;
        Ok(())
    }
}

impl QueuedModel {
    /// Share of the images that it named rightly, since accuracies began anew; 0 where there were none.
    fn accuracy(&self) -> f64 {
        if self.seen > 0 { self.right as f64 / self.seen as f64 } else { 0.0 }
    }

    /// One batch; false where the loss is no number.
    fn learn(&mut self, images: &Tensor, labels: Vec<u32>) -> Result<bool> {
        let logits = self.network.forward(images)?; // (n, classes)
        let predictions = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        let right = predictions.iter().zip(&labels).filter(|(predicted, label)| predicted == label).count();
        let count = labels.len();
        let labels = Tensor::from_vec(labels, count, images.device())?;
        let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
        if !loss.to_scalar::<f32>()?.is_finite() {
            return Ok(false);
        }
        self.optimizer.step(&loss.backward()?)?;
        self.batches += 1;
        self.right += right as u64;
        self.seen += count as u64;
        Ok(true)
    }

    /// `apart`: in memory of its own, which later steps do not change.
    fn keep(&self, apart: bool) -> Result<Kept> {
        let copy = |tensor: Tensor| if apart { tensor.copy() } else { Ok(tensor) };
        let variables = self.network.variables();
        let variables = variables.iter().map(|variable| copy(variable.as_detached_tensor()));
        let velocities = self.optimizer.velocities().into_iter().map(|velocity| velocity.map(copy).transpose());
        Ok(Kept {
            counts: [self.serial, self.batches, self.right, self.seen],
            variables: variables.collect::<candle_core::Result<_>>()?,
            velocities: velocities.collect::<candle_core::Result<_>>()?,
        })
    }

    fn restore(&mut self, kept: &Kept) -> Result<()> {
        let variables = self.network.variables();
        let fits = |(variable, value): (&Var, &Tensor)| variable.dims() == value.dims();
        let is_like = |(variable, velocity): (&Var, &Option<Tensor>)| {
            velocity.as_ref().is_none_or(|velocity| velocity.dims() == variable.dims())
        };
        if !variables.iter().zip(&kept.variables).all(fits) || !variables.iter().zip(&kept.velocities).all(is_like) {
            return Err(Error::Data("the checkpoint has networks of another kind in its queue".to_owned()));
        }
        for (variable, value) in variables.iter().zip(&kept.variables) {
            variable.set(value)?;
        }
        self.optimizer.set_velocities(kept.velocities.clone());
        [self.serial, self.batches, self.right, self.seen] = kept.counts;
        Ok(())
    }
}
