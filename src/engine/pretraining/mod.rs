//! What is trained on the real images for a run, beside it and in turns: the latent space of a quantizer, and the pool.
//!
//! Some terms draw a network of the pool at every step; people look at the feature plane through the first. The training
//! itself is a task ([`trainer`]) that stands still while nobody needs more than there is.

mod trainer;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, unbounded};

use self::trainer::Trainer;
use super::{
    inbox::Inbox,
    parameters::Summed,
    task::{Progress, Task, Turn},
};
use crate::{config::RunConfig, data::Dataset, error::Result, latent::Latent, methods::Pretrained, nn::Device};

/// What is trained, and how far it is.
pub(super) struct Pretraining {
    config: RunConfig,
    data: Arc<Dataset>,
    device: Device,
    size: usize,
    ready: Vec<Arc<Pretrained>>,
    /// SHA-256 of the parameters of what is there, by name.
    sums: BTreeMap<String, String>,
    /// What people should know, told once.
    notes: Vec<String>,
    latent: Option<Arc<Latent>>,
    /// The training under way, and what it has made.
    task: Option<(Task<()>, Receiver<Made>)>,
    /// True after an error, until somebody wants it tried again.
    failed: bool,
}

/// Something that was trained.
enum Made {
    Latent(Summed<Latent>),
    Network(Summed<Pretrained>),
    /// What people should know.
    Note(String),
}

impl Pretraining {
    /// What a run needs; trains nothing yet.
    pub(super) fn new(config: &RunConfig, data: &Arc<Dataset>, device: &Device) -> Self {
        Self {
            config: config.clone(),
            data: data.clone(),
            device: device.clone(),
            size: config.pool.size(&config.network),
            ready: Vec::new(),
            sums: BTreeMap::new(),
            notes: Vec::new(),
            latent: None,
            task: None,
            failed: false,
        }
    }

    /// True after an error; nothing more is tried.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// What was trained could not be used: nothing more is tried until somebody wants it.
    pub(super) fn give_up(&mut self) {
        self.failed = true;
    }

    /// Tries again after an error.
    pub(super) fn retry(&mut self) {
        self.failed = false;
    }

    /// Number of networks.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The network through which people look.
    pub(super) fn probe(&self) -> Option<&Arc<Pretrained>> {
        self.ready.first()
    }

    /// All networks, once they are trained.
    pub(super) fn pool(&self) -> Option<&[Arc<Pretrained>]> {
        (self.ready.len() == self.size).then_some(&self.ready)
    }

    /// The latent space, once it is trained.
    pub(super) fn latent(&self) -> Option<&Arc<Latent>> {
        self.latent.as_ref()
    }

    /// SHA-256 of the parameters of the networks and of the space that are there, by name.
    pub(super) fn sums(&self) -> &BTreeMap<String, String> {
        &self.sums
    }

    /// What people should know, told once.
    pub(super) fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// True while a turn goes on that a command has cut short for the worker.
    pub(super) fn is_at_work(&self) -> bool {
        self.task.as_ref().is_some_and(|(task, _)| task.is_at_work())
    }

    /// Works on what comes next for about `budget`, one batch at least, or until there is a command to obey; says how far it is, where
    /// that is news. Nothing happens once everything is there.
    pub(super) fn advance(&mut self, budget: Duration, inbox: &Inbox) -> Result<Option<Progress>> {
        let (mut task, made) = match self.task.take() {
            Some(under_way) => under_way,
            None if self.is_done() => return Ok(None),
            None => self.begin()?,
        };
        let turn = task.advance(budget, inbox);
        for made in made.try_iter() {
            match made {
                Made::Latent((latent, sum)) => {
                    self.latent = Some(latent);
                    self.sums.insert("latent space".to_owned(), sum);
                }
                Made::Network((network, sum)) => {
                    self.ready.push(network);
                    self.sums.insert(format!("trained network {}", self.ready.len()), sum);
                }
                Made::Note(note) => self.notes.push(note),
            }
        }
        match turn {
            Turn::Working(progress) => {
                self.task = Some((task, made));
                Ok(progress)
            }
            Turn::Done(outcome) => {
                self.failed = outcome.is_err();
                outcome.map(|()| None)
            }
        }
    }

    fn is_done(&self) -> bool {
        self.ready.len() == self.size && (self.latent.is_some() || !self.config.needs_latent())
    }

    /// What was made before an error is found in the cache, or made again alike.
    fn begin(&mut self) -> Result<(Task<()>, Receiver<Made>)> {
        (self.ready, self.latent) = (Vec::new(), None);
        let trainer = Trainer::new(&self.config, &self.data, &self.device);
        let (made, receiver) = unbounded();
        Ok((Task::new(move |turns| trainer.run(turns, &made))?, receiver))
    }

    /// Ends the training under way; what it has come to is kept, so that it can go on later.
    pub(super) fn keep(&mut self) {
        if let Some((task, _)) = self.task.take() {
            task.end();
        }
    }
}
