//! Training one network, batch by batch.

use std::sync::Arc;

use candle_core::{D, Tensor, Var, backprop::GradStore};
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};
use rand::seq::SliceRandom;

use super::{
    Examples,
    batch::{Batch, Labels},
    recipe::{Optimizer, Recipe, Taught},
};
use crate::{
    data::{Dataset, Split},
    error::Result,
    nn::Device,
    nn::{Network, Sgd, SgdSettings, init::Init},
    random::{Purpose, stream},
};

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

/// What moves the parameters.
enum Mover {
    Sgd(Sgd),
    AdamW(Box<AdamW>),
}

impl Mover {
    fn new(optimizer: Optimizer, variables: Vec<Var>) -> Result<Self> {
        Ok(match optimizer {
            Optimizer::Sgd { rate: learning_rate, weight_decay } => {
                Self::Sgd(Sgd::new(variables, SgdSettings { learning_rate, momentum: 0.9, weight_decay }))
            }
            Optimizer::AdamW(lr) => {
                Self::AdamW(Box::new(AdamW::new(variables, ParamsAdamW { lr, ..ParamsAdamW::default() })?))
            }
        })
    }

    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        match self {
            Self::Sgd(sgd) => sgd.step(gradients)?,
            Self::AdamW(adam) => adam.step(gradients)?,
        }
        Ok(())
    }

    fn set_rate(&mut self, rate: f64, forget: bool) {
        match self {
            Self::Sgd(sgd) if forget => sgd.restart(rate),
            Self::Sgd(sgd) => sgd.set_rate(rate),
            Self::AdamW(adam) => adam.set_learning_rate(rate),
        }
    }
}

/// How a batch was named, once it was trained on.
pub struct Named {
    /// The examples.
    pub examples: Vec<usize>,
    /// For each, whether its class had the highest score before the step.
    pub right: Vec<bool>,
}

/// A network on its way.
pub struct Training {
    recipe: Recipe,
    examples: Arc<dyn Examples>,
    device: Device,
    seed: u64,
    repeat: u64,
    network: Arc<dyn Network>,
    optimizer: Mover,
    /// What gives labels to images; their own labels count where there is none.
    teacher: Option<Arc<dyn Network>>,
    /// The labels of all examples `(n, classes)`, where the teacher gives them once.
    taught: Option<Vec<f32>>,
    classes: usize,
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
        let network: Arc<dyn Network> = recipe.network.build(examples.shape(), classes, init)?.into();
        let optimizer = Mover::new(recipe.optimizer, network.variables())?;
        Ok(Self {
            teacher: None,
            taught: None,
            classes,
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

    /// Takes labels from the logits of a teacher, as the recipe says, instead of the labels of the images.
    pub fn taught_by(mut self, teacher: Arc<dyn Network>) -> Result<Self> {
        match self.recipe.taught {
            Taught::Nothing => {}
            Taught::OfSeenImages { .. } => self.teacher = Some(teacher),
            Taught::OfPlainImages { .. } => {
                self.taught = Some(plain_labels(teacher.as_ref(), self.examples.as_ref(), self.classes, &self.device)?);
            }
        }
        Ok(self)
    }

    /// Trains on one batch; false when all epochs are done.
    pub fn advance(&mut self) -> Result<bool> {
        Ok(self.train_on_batch()?.is_some())
    }

    /// The same, and tells how the batch was named.
    pub fn advance_and_name(&mut self) -> Result<Option<Named>> {
        let Some((examples, logits)) = self.train_on_batch()? else { return Ok(None) };
        let named = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        let labels = self.examples.labels();
        let right = examples.iter().zip(named).map(|(&example, named)| labels[example] == named).collect();
        Ok(Some(Named { examples, right }))
    }

    /// The examples and their logits before the step; nothing when all epochs are done.
    fn train_on_batch(&mut self) -> Result<Option<(Vec<usize>, Tensor)>> {
        if self.position >= self.order.len() && !self.begin_epoch() {
            return Ok(None);
        }
        let end = (self.position + self.recipe.batch).min(self.order.len());
        let chosen = self.order[self.position..end].to_vec();
        let number = ((self.epoch as u64) << 32) | self.position as u64;
        let mut rng = stream(self.seed, Purpose::EvaluationAugmentation, self.repeat, number);
        // `self.epoch` is one ahead of the pass under way.
        let taught = self.taught.as_deref().filter(|_| self.recipe.is_taught(self.epoch - 1));
        let batch = Batch::new(self.examples.as_ref(), &chosen, &self.recipe, (self.classes, taught), &mut rng);
        self.position = end;
        let images = batch.images(&self.device)?;
        self.network.set_training(true);
        let logits = self.network.forward(&images)?;
        let loss = match (&self.teacher, &batch.labels) {
            (Some(teacher), _) => {
                let temperature = match self.recipe.taught {
                    Taught::OfSeenImages { temperature } => temperature,
                    _ => 1.0,
                };
                let named = (teacher.forward(&images)?.detach() / temperature)?;
                self.counted(&(&logits / temperature)?, &softmax(&named)?, &chosen)?
            }
            (None, Labels::Hard(labels)) if self.examples.factors().is_none() => {
                let labels = Tensor::from_slice(labels, labels.len(), &self.device)?;
                candle_nn::loss::cross_entropy(&logits, &labels)?
            }
            (None, labels) => {
                let shares = labels.shares(self.classes);
                let shares = Tensor::from_vec(shares, (chosen.len(), self.classes), &self.device)?;
                self.counted(&logits, &shares, &chosen)?
            }
        };
        self.optimizer.step(&loss.backward()?)?;
        Ok(Some((chosen, logits.detach())))
    }

    /// Mean over the images of `-f sum(shares log softmax(logits))`, both `(n, classes)`: each image by its own factor `f`, where
    /// it has one. The mean is taken over the number of images, so that one that counts twice pulls twice.
    fn counted(&self, logits: &Tensor, shares: &Tensor, chosen: &[usize]) -> candle_core::Result<Tensor> {
        let logarithms = candle_nn::ops::log_softmax(logits, D::Minus1)?;
        let mut losses = (logarithms * shares)?.sum(D::Minus1)?.neg()?; // (n,)
        if let Some(factors) = self.examples.factors() {
            let factors: Vec<f32> = chosen.iter().map(|&index| factors[index]).collect();
            losses = (losses * Tensor::from_vec(factors, chosen.len(), &self.device)?)?;
        }
        losses.mean_all()
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

    /// The same, to keep.
    pub fn shared_network(&self) -> &Arc<dyn Network> {
        &self.network
    }

    /// What has to be kept so that a training by SGD can go on later, to the bit. It shows the training's own memory, which the
    /// next batch changes: write it down before.
    pub fn snapshot(&self) -> Snapshot {
        let variables = self.network.variables().iter().map(Var::as_detached_tensor).collect();
        let velocities = match &self.optimizer {
            Mover::Sgd(sgd) => sgd.velocities(),
            Mover::AdamW(_) => Vec::new(),
        };
        Snapshot { epoch: self.epoch, position: self.position, variables, velocities }
    }

    /// Goes on from a snapshot of the same training.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        for (variable, value) in self.network.variables().iter().zip(&snapshot.variables) {
            variable.set(value)?;
        }
        self.optimizer.set_rate(self.recipe.rate(snapshot.epoch.saturating_sub(1)), true);
        if let Mover::Sgd(sgd) = &mut self.optimizer {
            sgd.set_velocities(snapshot.velocities.clone());
        }
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
        let rate = self.recipe.rate(self.epoch);
        if self.epoch > 0 && rate != self.recipe.rate(self.epoch - 1) {
            self.optimizer.set_rate(rate, self.recipe.forgets());
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
}

/// The labels that a teacher gives to all examples as they are, `(n, classes)`: the softmax of its logits. Where it is wrong, its
/// logits are replaced by a one-hot of the class, which passes the softmax too: `e / (e + C - 1)` for the class (NCFM, as
/// released).
fn plain_labels(teacher: &dyn Network, examples: &dyn Examples, classes: usize, device: &Device) -> Result<Vec<f32>> {
    const SLICE: usize = 256;
    let shape = examples.shape();
    let [channels, height, width] = shape.dims();
    let labels = examples.labels();
    teacher.set_training(false);
    let mut taught = Vec::with_capacity(labels.len() * classes);
    for start in (0..labels.len()).step_by(SLICE) {
        let count = SLICE.min(labels.len() - start);
        let mut values = vec![0.0; count * shape.len()];
        values.chunks_exact_mut(shape.len()).zip(start..).for_each(|(image, index)| examples.fetch(index, image));
        let images = Tensor::from_vec(values, (count, channels, height, width), device)?;
        let mut logits = teacher.forward(&images)?.flatten_all()?.to_vec1::<f32>()?;
        replace_where_wrong(&mut logits, &labels[start..start + count], classes);
        let logits = Tensor::from_vec(logits, (count, classes), &Device::CPU)?;
        taught.extend(softmax(&logits)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(taught)
}

/// Scores `(n, classes)` that are highest for another class than that of the image become a one-hot of the latter.
fn replace_where_wrong(logits: &mut [f32], labels: &[u32], classes: usize) {
    for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
        let own = row[label as usize];
        if row.iter().any(|&other| other > own) {
            row.fill(0.0);
            row[label as usize] = 1.0;
        }
    }
}

/// `(n, classes) -> (n, classes)`
pub(super) fn softmax(logits: &Tensor) -> candle_core::Result<Tensor> {
    candle_nn::ops::log_softmax(logits, D::Minus1)?.exp()
}

/// Scores of images of a split, `(n, classes)`, by a network that does not learn at this moment.
pub(super) fn logits_of(
    network: &dyn Network,
    data: &Dataset,
    split: &Split,
    indices: &[u32],
    device: &Device,
) -> Result<Tensor> {
    let [channels, height, width] = data.shape().dims();
    let images = Tensor::from_vec(data.gather(split, indices), (indices.len(), channels, height, width), device)?;
    network.set_training(false);
    Ok(network.forward(&images)?)
}

/// What a network calls the images `indices` of a split.
pub fn predictions(
    network: &dyn Network,
    data: &Dataset,
    split: &Split,
    indices: &[u32],
    device: &Device,
) -> Result<Vec<u32>> {
    Ok(logits_of(network, data, split, indices, device)?.argmax(D::Minus1)?.to_vec1()?)
}

/// How many of the images `indices` of a split a network names rightly.
pub fn accuracy_on(
    network: &dyn Network,
    data: &Dataset,
    split: &Split,
    indices: &[u32],
    device: &Device,
) -> Result<usize> {
    let named = predictions(network, data, split, indices, device)?;
    Ok(named.iter().zip(indices).filter(|(named, index)| **named == split.labels()[**index as usize]).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::golden::golden;

    #[test]
    fn labels_of_a_teacher_that_is_wrong_are_a_softened_one_hot() {
        let labels: Vec<u32> = golden("ncfm.labels").into_iter().map(|label| label as u32).collect();
        let mut logits: Vec<f32> = golden("ncfm.scores").into_iter().map(|score| score as f32).collect();
        replace_where_wrong(&mut logits, &labels, 10);
        let logits = Tensor::from_vec(logits, (labels.len(), 10), &Device::CPU).unwrap();
        let taught = softmax(&logits).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected = golden("ncfm.taught");
        assert!(taught.iter().zip(&expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{taught:?}");
        let wrong = expected.chunks_exact(10).filter(|row| row.iter().all(|&share| share < 0.2321)).count();
        assert!(wrong > 0 && wrong < labels.len(), "some are named rightly, others are not: {wrong}");
    }
}
