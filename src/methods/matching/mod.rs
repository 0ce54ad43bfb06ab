//! Matching: at every step real and synthetic images pass a network, terms compare their features, and the gradient
//! moves the pixels (DM, WACV 2023; the base of IID, IDM, CMI).
//!
//! One step, as `main_DM.py` of VICO-UoE/DatasetCondensation does it: draw a network that was never trained; for each
//! class draw real images and one augmentation that real and synthetic images share; sum the weighted terms over classes;
//! one step of gradient descent with momentum on the pixels. Losses are additive over classes, so classes are taken in
//! chunks: the chunk bounds memory and never changes the result.
//!
//! With a [`Queue`] the network is one that learns beside the run, and with [`Updates::ByClass`] every class has a step of its
//! own in which all others coast on (IDM, `IDM_cifar10.py` of uitrbn/IDM). Since no gradient but its own reaches an image, a
//! class that is `k`-th of `C` coasts `k` times, takes its gradient, and coasts `C - 1 - k` times: what the released loop
//! does, class by class and in any order. The other classes count whether the run distils them or not.
//!
//! Departure: a class with fewer images than the real batch does not draw with repeats. The batch of every class is as
//! large as the smallest class of the whole data set allows.

mod forward;
mod information;
mod queue;
mod step;
pub mod terms;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use information::{ClassInformation, Coordinate, INFORMATION, information, information_info, information_page};
pub use queue::{Queue, QueueSpec, QueuedNetwork, queue_info, queue_page};
use terms::{Ball, Base, Entry, NetworkKind, PaperCase, Term, TermsSpec};

use super::{Method, Pretrained, Scope, Setup};
use crate::{
    data::Dataset,
    distilled::{Blobs, Saved, State, Values},
    error::{Error, Result},
    nn::Device,
    nn::{NetworkSpec, augment::Family},
    report::{
        Control, ControlKind, StepReport,
        page::{Page, PageInfo},
    },
};

/// Everything that makes a matching run besides data and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchingSpec {
    /// The network that looks, drawn afresh at every step.
    pub network: NetworkSpec,
    /// Real images of each class in a step.
    pub real_batch: usize,
    /// Classes that are computed together; 0 chooses by memory.
    pub chunk: usize,
    /// Families of augmentation; none means that images are seen as they are.
    pub augmentation: Vec<Family>,
    /// Momentum of the pixels.
    pub momentum: f64,
    /// How often the images are moved in a step.
    pub updates: Updates,
    /// Networks that learn beside the run, through which it looks; where there are none, the network of a step is drawn
    /// afresh.
    pub queue: Option<QueueSpec>,
    /// The terms and the weights they start with.
    pub terms: TermsSpec,
}

/// How often the images are moved in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Updates {
    /// Once, all classes together.
    #[default]
    Together,
    /// Once for every class of the data, with its gradient alone; meanwhile the others go on in their directions.
    ByClass,
}

/// A matching run.
pub struct Matching {
    pub(super) spec: MatchingSpec,
    pub(super) data: Arc<Dataset>,
    pub(super) device: Device,
    pub(super) seed: u64,
    pub(super) terms: Vec<Entry>,
    /// Networks for the terms that look through trained ones; empty until somebody brings them.
    pub(super) pool: Vec<Arc<Pretrained>>,
    /// Networks that learn beside the run.
    pub(super) queue: Option<Queue>,
    state: State,
}

impl Matching {
    /// A run that stands before its first step.
    pub fn new(spec: MatchingSpec, setup: Setup) -> Result<Self> {
        let Setup { data, device, seed, images, learning_rate } = setup;
        let terms = spec.terms.build();
        let values: Vec<(String, f64)> = terms.iter().flat_map(Entry::values).collect();
        let values = Values::new(learning_rate, values.iter().map(|(id, value)| (id.as_str(), *value)));
        let velocity = vec![0.0; images.values.len()];
        let state = State { step: 0, images, velocity, values };
        let queue = spec.queue.clone();
        let queue = queue.map(|queue| Queue::new(queue, &spec.network, &data, &device, seed)).transpose()?;
        Ok(Self { spec, data, device, seed, terms, pool: Vec::new(), queue, state })
    }

    /// The networks that learn beside the run, where there are some.
    pub fn queue(&self) -> Option<&Queue> {
        self.queue.as_ref()
    }

    fn needs_pretrained(&self, position: usize) -> bool {
        self.terms[position].term.needs().network == NetworkKind::Pretrained
    }

    /// True if a term that counts joins all classes.
    pub(super) fn joins_classes(&self) -> bool {
        self.computed().any(|position| self.terms[position].term.scope() == Scope::Set)
    }

    /// Why the term has no gradient in this run, where it has none.
    fn no_effect(&self, position: usize) -> Option<&'static str> {
        let term = &self.terms[position].term;
        if self.state.images.seen_per_class() == 1 && term.vanishes_alone() {
            Some("No effect with one image in each class")
        } else if self.queue.is_none() && term.needs().logits {
            Some("No effect: the networks of this run never learn. Presets of IDM have a queue of those that do")
        } else {
            None
        }
    }

    /// Positions of the terms whose values a step computes: those that count, and those that the config names where
    /// that costs no trained network.
    pub(super) fn computed(&self) -> impl Iterator<Item = usize> {
        (0..self.terms.len()).filter(|&position| {
            let counts = self.weight(position) > 0.0;
            match self.needs_pretrained(position) {
                true => counts && self.no_effect(position).is_none(),
                false if self.terms[position].term.needs().logits => counts && self.queue.is_some(),
                false => counts || self.terms[position].is_named,
            }
        })
    }

    /// The parameters of the term at a position, in its own order.
    pub(super) fn parameters(&self, position: usize) -> Vec<f64> {
        let term = &self.terms[position].term;
        term.parameters().iter().map(|one| self.state.values.get(&format!("{}.{}", term.id(), one.id))).collect()
    }

    /// The weight of the term at a position.
    fn weight(&self, position: usize) -> f64 {
        self.state.values.get(self.terms[position].term.id())
    }
}

impl Method for Matching {
    fn state(&self) -> &State {
        &self.state
    }

    fn pages(&self) -> Vec<PageInfo> {
        self.queue.iter().map(|_| queue_info()).collect()
    }

    fn page(&mut self, id: &str, _class: usize) -> Result<Option<Page>> {
        let (step, queue) = (self.state.step, self.queue.as_ref().filter(|_| id == queue_info().id));
        Ok(queue.map(|queue| queue_page(queue.spec(), step, &queue.view(step + 1))))
    }

    fn scope(&self) -> Scope {
        match (&self.queue, self.spec.updates) {
            _ if self.joins_classes() => Scope::Set,
            (None, Updates::Together) => Scope::Class,
            _ => Scope::ClassAndSharedState,
        }
    }

    fn restore(&mut self, Saved { mut state, blobs }: Saved) -> Result<()> {
        let mut values = self.state.values.clone();
        let fits = state.images.classes == self.state.images.classes
            && state.images.values.len() == self.state.images.values.len()
            && state.images.packing == self.state.images.packing
            && state.velocity.len() == self.state.velocity.len()
            && values.take_over(&state.values);
        if !fits {
            return Err(Error::Data("the checkpoint belongs to a run with other images or terms".to_owned()));
        }
        if let Some(queue) = &mut self.queue {
            queue.restore(&blobs)?;
        }
        state.values = values;
        self.state = state;
        Ok(())
    }

    fn set_pool(&mut self, pool: Vec<Arc<Pretrained>>) -> Result<()> {
        self.pool = pool;
        Ok(())
    }

    fn lacks_pool(&self) -> bool {
        self.pool.is_empty() && self.computed().any(|position| self.needs_pretrained(position))
    }

    fn needs_pool(&self, term: &str) -> bool {
        let position = self.terms.iter().position(|entry| entry.term.id() == term);
        position.is_some_and(|position| self.needs_pretrained(position) && self.no_effect(position).is_none())
    }

    fn ring_radius(&self, pretrained: &Pretrained) -> Option<f64> {
        let ball = self.terms.iter().position(|entry| entry.term.id() == Ball.id())?;
        let counts = self.weight(ball) > 0.0 && self.no_effect(ball).is_none();
        let radius = self.parameters(ball).first().copied()?;
        Some(Ball::radius(radius, pretrained.typical_distance)).filter(|_| counts)
    }

    fn controls(&self) -> Vec<Control> {
        let (data, per_class) = (&self.data, self.state.images.per_class);
        let base = if self.queue.is_some() { Base::Idm } else { Base::Dm };
        let case = PaperCase { data: data.name(), classes: data.classes(), per_class, base };
        let values = &self.state.values;
        let of_term = |(position, Entry { term, weight, parameters, .. }): (usize, &Entry)| {
            let head = Control {
                paper: term.paper(case),
                needs_pool: self.needs_pretrained(position),
                no_effect: self.no_effect(position).map(str::to_owned),
                ..Control::new(term.id(), term.meaning(), ControlKind::LossWeight, *weight, values.get(term.id()))
            };
            let others = term.parameters().into_iter().zip(parameters).map(|(parameter, &default)| {
                let id = format!("{}.{}", term.id(), parameter.id);
                Control::new(&id, parameter.meaning, ControlKind::POSITIVE, default, values.get(&id))
            });
            std::iter::once(head).chain(others).collect::<Vec<_>>()
        };
        self.terms.iter().enumerate().flat_map(of_term).collect()
    }

    fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport> {
        self.gradient_step(interrupted)
    }

    fn pulls(&mut self) -> Result<Vec<f64>> {
        self.gradient_shares()
    }

    fn keep(&self) -> Result<Blobs> {
        self.queue.as_ref().map_or_else(|| Ok(Blobs::default()), Queue::keep)
    }

    fn set(&mut self, control: &str, value: f64) -> Result<f64> {
        let joins = self.terms.iter().any(|entry| entry.term.id() == control && entry.term.scope() == Scope::Set);
        if joins && value > 0.0 && self.state.images.classes.len() < self.data.classes() {
            let why = Scope::Set.describe();
            return Err(Error::Config(format!("the term \"{control}\" needs a run over all classes: {why}")));
        }
        self.state.values.set(control, value)
    }

    fn values_mut(&mut self) -> &mut Values {
        &mut self.state.values
    }
}
