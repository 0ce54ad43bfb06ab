//! Training one network, batch by batch.

use std::sync::Arc;

use candle_core::{D, Device, Tensor, Var};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::Examples;
use crate::{
    data::{Dataset, Split},
    error::Result,
    nn::{
        Network, NetworkSpec, Sgd, SgdSettings,
        augment::{Draw, Family},
        init::Init,
    },
    random::{Purpose, stream},
};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The network.
    pub network: NetworkSpec,
    /// Passes over the images.
    pub epochs: usize,
    /// Before this pass, counted from 0, the rate falls to a tenth and the momentum is forgotten.
    pub drop_before: Option<usize>,
    /// Images in a batch.
    pub batch: usize,
    /// Momentum and weight decay, and the learning rate of the first half.
    pub optimizer: SgdSettings,
    /// One of these is drawn for each batch, its parameters for each image.
    pub augmentation: Vec<Family>,
}

impl Recipe {
    /// The training of DC, DSA, DM, IDM, IID and CMI (`evaluate_synset` of VICO-UoE/DatasetCondensation): batches of
    /// 256, rate 0.01 and a tenth of it from epoch `epochs / 2 + 1` on with a fresh momentum. As there, the epochs
    /// `0..=epochs` are run.
    pub fn dm(network: NetworkSpec, epochs: usize, augmentation: Vec<Family>) -> Self {
        let drop_before = Some(epochs / 2 + 1);
        Self { drop_before, augmentation, ..Self::pretraining(network, epochs + 1) }
    }

    /// The training of the networks through which IID looks (`pre_model.py` of VincenDen/IID): the same batches and
    /// optimiser at a constant rate, without augmentation.
    pub fn pretraining(network: NetworkSpec, epochs: usize) -> Self {
        let optimizer = SgdSettings { learning_rate: 0.01, momentum: 0.9, weight_decay: 5e-4 };
        Self { network, epochs, drop_before: None, batch: 256, optimizer, augmentation: Vec::new() }
    }
}

/// A training that stands between two batches.
pub struct Snapshot {
    /// Passes that have begun.
    pub epoch: usize,
    /// Images of this pass that were seen.
    pub position: usize,
    /// The parameters, in the order of the network.
    pub variables: Vec<Tensor>,
    /// The direction of each parameter, where it has one yet.
    pub velocities: Vec<Option<Tensor>>,
}

/// A network on its way.
pub struct Training {
    recipe: Recipe,
    examples: Arc<dyn Examples>,
    device: Device,
    seed: u64,
    repeat: u64,
    network: Box<dyn Network>,
    optimizer: Sgd,
    epoch: usize,
    order: Vec<usize>,
    position: usize,
}

impl Training {
    /// The `repeat`-th fresh network for `classes` classes.
    pub fn new(
        recipe: Recipe,
        examples: Arc<dyn Examples>,
        classes: usize,
        device: &Device,
        seed: u64,
        repeat: u64,
    ) -> Result<Self> {
        Self::from_stream(Purpose::EvaluationNetwork, recipe, examples, classes, device, (seed, repeat))
    }

    /// The network of a pool at `position`.
    pub fn of_pool(
        recipe: Recipe,
        examples: Arc<dyn Examples>,
        classes: usize,
        device: &Device,
        seed: u64,
        position: usize,
    ) -> Result<Self> {
        // Its order comes from the far end of the streams of the judges.
        let repeat = u64::MAX - position as u64;
        Self::from_stream(Purpose::Pretraining, recipe, examples, classes, device, (seed, repeat))
    }

    fn from_stream(
        purpose: Purpose,
        recipe: Recipe,
        examples: Arc<dyn Examples>,
        classes: usize,
        device: &Device,
        (seed, repeat): (u64, u64),
    ) -> Result<Self> {
        let mut rng = stream(seed, purpose, repeat, 0);
        let init = Init::trainable(&mut rng, device);
        let network = recipe.network.build(examples.shape(), classes, init)?;
        let optimizer = Sgd::new(network.variables(), recipe.optimizer);
        Ok(Self {
            order: Vec::new(),
            position: 0,
            epoch: 0,
            device: device.clone(),
            recipe,
            examples,
            seed,
            repeat,
            network,
            optimizer,
        })
    }

    /// Trains on one batch; false when all epochs are done.
    pub fn advance(&mut self) -> Result<bool> {
        if self.position >= self.order.len() && !self.begin_epoch() {
            return Ok(false);
        }
        let end = (self.position + self.recipe.batch).min(self.order.len());
        let (images, labels) = self.batch(self.position, end)?;
        self.position = end;
        self.network.set_training(true);
        let scores = self.network.forward(&images)?;
        let loss = candle_nn::loss::cross_entropy(&scores, &labels)?;
        self.optimizer.step(&loss.backward()?)?;
        Ok(true)
    }

    /// Share of the training that is done.
    pub fn done(&self) -> f64 {
        let within = self.position as f64 / self.examples.labels().len().max(1) as f64;
        ((self.epoch.saturating_sub(1) as f64 + within) / self.recipe.epochs as f64).min(1.0)
    }

    /// Number of batches in all.
    pub fn batches(&self) -> usize {
        self.recipe.epochs * self.examples.labels().len().div_ceil(self.recipe.batch)
    }

    /// The network as it is.
    pub fn network(&self) -> &dyn Network {
        self.network.as_ref()
    }

    /// What has to be kept so that the training can go on later, to the bit. It shows the training's own memory, which the
    /// next batch changes: write it down before.
    pub fn snapshot(&self) -> Snapshot {
        let variables = self.network.variables().iter().map(Var::as_detached_tensor).collect();
        Snapshot { epoch: self.epoch, position: self.position, variables, velocities: self.optimizer.velocities() }
    }

    /// Goes on from a snapshot of the same training.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        for (variable, value) in self.network.variables().iter().zip(&snapshot.variables) {
            variable.set(value)?;
        }
        if self.recipe.drop_before.is_some_and(|epoch| snapshot.epoch > epoch) {
            self.optimizer.restart(self.recipe.optimizer.learning_rate * 0.1);
        }
        self.optimizer.set_velocities(snapshot.velocities.clone());
        self.epoch = snapshot.epoch;
        self.order = self.order_of(self.epoch.saturating_sub(1));
        self.position = snapshot.position;
        Ok(())
    }

    /// `self.epoch` counts the epochs that have begun.
    fn begin_epoch(&mut self) -> bool {
        if self.epoch >= self.recipe.epochs {
            return false;
        }
        if self.recipe.drop_before == Some(self.epoch) {
            self.optimizer.restart(self.recipe.optimizer.learning_rate * 0.1);
        }
        self.order = self.order_of(self.epoch);
        self.position = 0;
        self.epoch += 1;
        !self.order.is_empty()
    }

    fn order_of(&self, epoch: usize) -> Vec<usize> {
        let mut rng = stream(self.seed, Purpose::EvaluationOrder, self.repeat, epoch as u64);
        let mut order: Vec<usize> = (0..self.examples.labels().len()).collect();
        order.shuffle(&mut rng);
        order
    }

    /// The batch of `self.order[start..end]`, augmented: images `(n, c, h, w)` and labels `(n,)`.
    fn batch(&self, start: usize, end: usize) -> Result<(Tensor, Tensor)> {
        let shape = self.examples.shape();
        let len = shape.len();
        let chosen = &self.order[start..end];
        let batch = ((self.epoch as u64) << 32) | start as u64;
        let mut rng = stream(self.seed, Purpose::EvaluationAugmentation, self.repeat, batch);
        let family = Family::choose(&self.recipe.augmentation, &mut rng);
        let draws: Vec<Draw> = match family {
            None => vec![Draw::Identity; chosen.len()],
            Some(family) => chosen.iter().map(|_| Draw::of_family(family, shape, &mut rng)).collect(),
        };
        let examples = self.examples.as_ref();
        let mut images = vec![0.0; chosen.len() * len];
        images.par_chunks_exact_mut(len).enumerate().for_each_init(
            || vec![0.0; len],
            |plain, (index, image)| {
                examples.fetch(chosen[index], plain);
                draws[index].apply(plain, image, shape);
            },
        );
        let labels: Vec<u32> = chosen.iter().map(|&index| self.examples.labels()[index]).collect();
        let [channels, height, width] = shape.dims();
        let images = Tensor::from_vec(images, (chosen.len(), channels, height, width), &self.device)?;
        Ok((images, Tensor::from_vec(labels, chosen.len(), &self.device)?))
    }
}

/// How many of the images `indices` of a split a network names rightly.
pub fn accuracy_on(
    network: &dyn Network,
    data: &Dataset,
    split: &Split,
    indices: &[u32],
    device: &Device,
) -> Result<usize> {
    let [channels, height, width] = data.shape().dims();
    let images = Tensor::from_vec(data.gather(split, indices), (indices.len(), channels, height, width), device)?;
    network.set_training(false);
    let named = network.forward(&images)?.argmax(D::Minus1)?.to_vec1::<u32>()?;
    Ok(named.iter().zip(indices).filter(|(named, index)| **named == split.labels()[**index as usize]).count())
}
