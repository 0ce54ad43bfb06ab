//! A network trained on all real images: by its features real images are chosen, and it can give soft labels.

use std::sync::Arc;

use super::{Chosen, Examples, Recipe, Training};
use crate::{
    data::Dataset,
    error::Result,
    nn::Device,
    nn::{self, Network, NetworkSpec},
};

/// Passes over the training images, at least.
const EPOCHS: usize = 5;
/// Batches, at least: small sets are passed more often.
const BATCHES: usize = 400;

/// An expert on its way.
pub struct Expert {
    data: Arc<Dataset>,
    device: Device,
    classes: Vec<u32>,
    examples: Arc<Chosen>,
    training: Training,
    /// For each example: what it was called last, where it was seen.
    was_right: Vec<Option<bool>>,
    /// How often each example was called rightly and then wrongly.
    forgotten: Vec<u32>,
    ever_right: Vec<bool>,
    is_done: bool,
}

impl Expert {
    /// An expert for some classes; trains nothing yet. It is trained as the networks of IID are
    /// ([`Recipe::pretraining`]).
    pub fn new(
        data: &Arc<Dataset>,
        classes: &[u32],
        network: &NetworkSpec,
        device: &Device,
        seed: u64,
    ) -> Result<Self> {
        let indices: Vec<u32> = classes.iter().flat_map(|&class| data.usable(class).iter().copied()).collect();
        let examples = Arc::new(Chosen::new(data.clone(), indices));
        let count = examples.labels().len();
        let mut recipe = Recipe::pretraining(network.judge(), 1);
        recipe.epochs = EPOCHS.max(BATCHES / count.div_ceil(recipe.batch).max(1));
        let training = Training::of_pool(recipe, examples.clone(), data.classes(), device, seed, usize::MAX / 2)?;
        Ok(Self {
            data: data.clone(),
            device: device.clone(),
            classes: classes.to_vec(),
            examples,
            training,
            was_right: vec![None; count],
            forgotten: vec![0; count],
            ever_right: vec![false; count],
            is_done: false,
        })
    }

    /// Trains on one batch; false when it is done.
    pub fn advance(&mut self) -> Result<bool> {
        let Some(named) = self.training.advance_and_name()? else {
            self.is_done = true;
            self.network().set_training(false);
            return Ok(false);
        };
        for (example, right) in named.examples.into_iter().zip(named.right) {
            if self.was_right[example] == Some(true) && !right {
                self.forgotten[example] += 1;
            }
            self.was_right[example] = Some(right);
            self.ever_right[example] |= right;
        }
        Ok(true)
    }

    /// True when it has been trained.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Share of the training that is done.
    pub fn done(&self) -> f64 {
        if self.is_done { 1.0 } else { self.training.done() }
    }

    /// Batches in all.
    pub fn batches(&self) -> usize {
        self.training.batches()
    }

    /// The network.
    pub fn network(&self) -> &Arc<dyn Network> {
        self.training.shared_network()
    }

    /// For each class that it knows: the training images, their features `(n, d)` in a row, and how often each was
    /// forgotten; those that were never right count as forgotten most often.
    pub fn classes(&self) -> impl Iterator<Item = Result<Known>> {
        let labels = self.examples.labels();
        self.classes.iter().map(move |&class| {
            let positions: Vec<usize> = (0..labels.len()).filter(|&at| labels[at] == class).collect();
            let indices: Vec<u32> = positions.iter().map(|&at| self.examples.index(at)).collect();
            let times = |&at: &usize| if self.ever_right[at] { self.forgotten[at] } else { u32::MAX };
            Ok(Known {
                class,
                features: self.features(&indices)?,
                indices,
                forgotten: positions.iter().map(times).collect(),
            })
        })
    }

    /// Features of training images, `(n, d)` in a row.
    pub fn features(&self, indices: &[u32]) -> Result<Vec<f32>> {
        let values = self.data.gather(self.data.train(), indices);
        Ok(nn::embed_all(self.network().as_ref(), &values, self.data.shape(), &self.device)?)
    }
}

/// What an expert knows of a class.
pub struct Known {
    /// The class.
    pub class: u32,
    /// Its training images, hold-out excluded.
    pub indices: Vec<u32>,
    /// Features, `(n, d)` in a row.
    pub features: Vec<f32>,
    /// How often each was forgotten.
    pub forgotten: Vec<u32>,
}
