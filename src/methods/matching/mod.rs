//! Matching: at every step a network looks at real and synthetic images, terms compare what it sees, and the gradient
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

mod look;
mod queue;
pub mod terms;

use std::{ops::Range, sync::Arc};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use look::{Look, Sight};
pub use queue::{Queue, QueueSpec};
use terms::{Ball, Base, Entry, PaperCase, Parameter, Term, TermsSpec, Through};

use super::{Method, Pretrained, Scope};
use crate::{
    data::Dataset,
    distilled::{Blobs, Saved, Setting, State, SyntheticSet, Weights, norm},
    error::{Error, Result},
    nn::{NetworkSpec, augment::Family},
    report::{ParameterInfo, StepReport, TermInfo, TermValue},
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
    pub fn new(
        spec: MatchingSpec,
        data: Arc<Dataset>,
        device: Device,
        seed: u64,
        images: SyntheticSet,
        learning_rate: f64,
    ) -> Result<Self> {
        let terms = spec.terms.build();
        let setting = |entry: &Entry| Setting {
            term: entry.term.id().to_owned(),
            weight: entry.weight,
            parameters: entry.named_parameters(),
        };
        let weights = Weights { learning_rate, terms: terms.iter().map(setting).collect() };
        let velocity = vec![0.0; images.values.len()];
        let state = State { step: 0, images, velocity, weights };
        let queue = spec.queue.clone();
        let queue = queue.map(|queue| Queue::new(queue, &spec.network, &data, &device, seed)).transpose()?;
        Ok(Self { spec, data, device, seed, terms, pool: Vec::new(), queue, state })
    }

    fn looks_through_pool(&self, position: usize) -> bool {
        self.terms[position].term.needs().through == Through::Pretrained
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
        } else if self.queue.is_none() && term.needs().scores {
            Some("No effect: the networks of this run never learn. Presets of IDM have a queue of those that do")
        } else {
            None
        }
    }

    /// Positions of the terms whose values a step computes: those that count, and those that the config names where
    /// that costs no trained network.
    pub(super) fn computed(&self) -> impl Iterator<Item = usize> {
        (0..self.terms.len()).filter(|&position| {
            let counts = self.state.weights.terms[position].weight > 0.0;
            match self.looks_through_pool(position) {
                true => counts && self.no_effect(position).is_none(),
                false if self.terms[position].term.needs().scores => counts && self.queue.is_some(),
                false => counts || self.terms[position].is_named,
            }
        })
    }

    /// The parameters of the term at a position, in its own order.
    pub(super) fn parameters(&self, position: usize) -> Vec<f64> {
        let set = &self.state.weights.terms[position].parameters;
        let entry = &self.terms[position];
        let value = |(parameter, &default): (&Parameter, &f64)| set.get(parameter.id).copied().unwrap_or(default);
        entry.term.parameters().iter().zip(&entry.parameters).map(value).collect()
    }

    /// What the terms say about the images under the networks, real images and augmentations of `step`, chunk after
    /// chunk.
    fn look(
        &mut self,
        step: u64,
        interrupted: &dyn Fn() -> bool,
        mut use_it: impl FnMut(Look) -> Result<()>,
    ) -> Result<()> {
        let wanted: Vec<usize> = self.computed().collect();
        if self.lacks_pool() {
            return Err(Error::Config("a term needs networks that were not trained yet".to_owned()));
        }
        let sight = Sight::draw(self, step)?;
        let (count, chunk) = (self.state.images.classes.len(), self.chunk());
        for first in (0..count).step_by(chunk) {
            if interrupted() {
                return Err(Error::Interrupted);
            }
            let positions: Range<usize> = first..(first + chunk).min(count);
            let look = Look::at(self, &sight, &wanted, positions)?;
            use_it(look)?;
        }
        Ok(())
    }

    /// How often the class at a position coasts before and after its own step.
    fn turns(&self, position: usize) -> [usize; 2] {
        match self.spec.updates {
            Updates::Together => [0, 0],
            Updates::ByClass => {
                let label = self.state.images.classes[position] as usize;
                [label, self.data.classes().saturating_sub(label + 1)]
            }
        }
    }

    /// What `count` steps without a gradient do, `v <- momentum v`, `x <- x - learning_rate v` each: the factor of the
    /// velocity, and how many velocities the image moves by.
    fn coast(&self, count: usize) -> [f32; 2] {
        let momentum = self.spec.momentum;
        let factor = momentum.powi(count as i32);
        let way: f64 = (1..=count).map(|step| momentum.powi(step as i32)).sum();
        [factor as f32, (way * self.state.weights.learning_rate) as f32]
    }

    /// Values of an image of each class.
    fn class_len(&self) -> usize {
        self.state.images.per_class * self.state.images.shape.len()
    }

    /// The images as each class finds them at its own turn.
    pub(super) fn images_in_turn(&self) -> SyntheticSet {
        let mut images = self.state.images.clone();
        let len = self.class_len();
        let classes = images.values.chunks_exact_mut(len).zip(self.state.velocity.chunks_exact(len));
        for (position, (values, velocity)) in classes.enumerate() {
            let [before, _] = self.turns(position);
            if before > 0 {
                let [_, way] = self.coast(before);
                values.iter_mut().zip(velocity).for_each(|(value, velocity)| *value -= way * velocity);
            }
        }
        images
    }

    /// Images and velocities after `v <- momentum v + g`, `x <- x - learning_rate v` at the turn of each class, which coasts
    /// before and after.
    fn descended(&self, step: u64, gradient: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let (momentum, rate) = (self.spec.momentum as f32, self.state.weights.learning_rate as f32);
        let (mut values, mut velocities) = (self.state.images.values.clone(), self.state.velocity.clone());
        let len = self.class_len();
        for position in 0..self.state.images.classes.len() {
            let [before, after] = self.turns(position);
            let [[early, early_way], [late, late_way]] = [self.coast(before), self.coast(after)];
            let own = position * len..(position + 1) * len;
            let moving = values[own.clone()].iter_mut().zip(&mut velocities[own.clone()]);
            for ((value, velocity), &gradient) in moving.zip(&gradient[own]) {
                let turned = momentum * (early * *velocity) + gradient;
                if before > 0 {
                    *value -= early_way * *velocity;
                }
                *value -= rate * turned;
                if after > 0 {
                    *value -= late_way * turned;
                }
                *velocity = late * turned;
            }
        }
        if !values.iter().all(|value| value.is_finite()) {
            let culprit =
                format!("a value of the images moved at the learning rate {}", self.state.weights.learning_rate);
            return Err(Error::NotFinite { step, last_good: step - 1, culprit });
        }
        Ok((values, velocities))
    }

    fn report(step: u64, weights: &Weights, values: &[Vec<f64>], gradient: &[f32]) -> StepReport {
        let computed = weights.terms.iter().zip(values).filter(|(_, values)| !values.is_empty());
        let value =
            |(setting, values): (&Setting, &Vec<f64>)| setting.valued(values.iter().sum::<f64>() / values.len() as f64);
        let terms: Vec<TermValue> = computed.map(value).collect();
        StepReport {
            step,
            total: terms.iter().map(|term| term.weight * term.raw).sum(),
            learning_rate: weights.learning_rate,
            gradient_norm: norm(gradient),
            network: None,
            network_accuracy: None,
            cells: Vec::new(),
            terms,
        }
    }

    fn refuse_if_not_finite(&self, report: &StepReport) -> Result<()> {
        let broken = report.terms.iter().find(|term| !(term.raw * term.weight).is_finite());
        let culprit = match broken {
            Some(term) => format!("the term \"{}\"", term.term),
            None if !report.gradient_norm.is_finite() => "the gradient of the pixels".to_owned(),
            None => return Ok(()),
        };
        Err(Error::NotFinite { step: report.step, last_good: self.state.step, culprit })
    }
}

impl Method for Matching {
    fn state(&self) -> &State {
        &self.state
    }

    fn queue(&self) -> Option<&Queue> {
        self.queue.as_ref()
    }

    fn scope(&self) -> Scope {
        match (&self.queue, self.spec.updates) {
            _ if self.joins_classes() => Scope::Set,
            (None, Updates::Together) => Scope::Class,
            _ => Scope::ClassAndSharedState,
        }
    }

    fn restore(&mut self, Saved { mut state, blobs }: Saved) -> Result<()> {
        let known = |setting: &Setting| self.terms.iter().any(|entry| entry.term.id() == setting.term);
        let fits = state.images.classes == self.state.images.classes
            && state.images.values.len() == self.state.images.values.len()
            && state.images.packing == self.state.images.packing
            && state.velocity.len() == self.state.velocity.len()
            && state.weights.terms.iter().all(known);
        if !fits {
            return Err(Error::Data("the checkpoint belongs to a run with other images or terms".to_owned()));
        }
        let saved = std::mem::replace(&mut state.weights.terms, self.state.weights.terms.clone());
        for setting in saved {
            let slot = state.weights.terms.iter_mut().find(|slot| slot.term == setting.term).expect("all are known");
            *slot = setting;
        }
        if let Some(queue) = &mut self.queue {
            queue.restore(&blobs)?;
        }
        self.state = state;
        Ok(())
    }

    fn set_pool(&mut self, pool: Vec<Arc<Pretrained>>) -> Result<()> {
        self.pool = pool;
        Ok(())
    }

    fn lacks_pool(&self) -> bool {
        self.pool.is_empty() && self.computed().any(|position| self.looks_through_pool(position))
    }

    fn needs_pool(&self, term: &str) -> bool {
        let position = self.terms.iter().position(|entry| entry.term.id() == term);
        position.is_some_and(|position| self.looks_through_pool(position) && self.no_effect(position).is_none())
    }

    fn ball_radius(&self, pretrained: &Pretrained) -> Option<f64> {
        let ball = self.state.weights.position(Ball.id()).ok()?;
        let Setting { weight, parameters, .. } = &self.state.weights.terms[ball];
        let counts = *weight > 0.0 && self.no_effect(ball).is_none();
        Some(Ball::radius(*parameters.get(Ball::RADIUS)?, pretrained.typical_distance)).filter(|_| counts)
    }

    fn term_infos(&self) -> Vec<TermInfo> {
        let (data, per_class) = (&self.data, self.state.images.per_class);
        let base = if self.queue.is_some() { Base::Idm } else { Base::Dm };
        let case = PaperCase { data: data.name(), classes: data.classes(), per_class, base };
        let info = |(position, entry): (usize, &Entry)| {
            let setting = &self.state.weights.terms[position];
            TermInfo {
                id: entry.term.id().to_owned(),
                meaning: entry.term.meaning().to_owned(),
                default_weight: entry.weight,
                paper: entry.term.paper(case),
                weight: setting.weight,
                most: None,
                parameters: (entry.term.parameters().iter().zip(&entry.parameters))
                    .map(|(parameter, &default)| ParameterInfo {
                        id: parameter.id.to_owned(),
                        meaning: parameter.meaning.to_owned(),
                        default,
                        value: setting.parameters.get(parameter.id).copied().unwrap_or(default),
                        whole: false,
                    })
                    .collect(),
                needs_pool: self.looks_through_pool(position),
                no_effect: self.no_effect(position).map(str::to_owned),
            }
        };
        self.terms.iter().enumerate().map(info).collect()
    }

    fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport> {
        let step = self.state.step + 1;
        let mut values = vec![Vec::new(); self.terms.len()];
        let mut gradient = Vec::with_capacity(self.state.images.values.len());
        let weights = self.state.weights.clone();
        self.look(step, interrupted, |look| {
            let mut loss: Option<Tensor> = None;
            for (penalty, (setting, values)) in look.penalties.iter().zip(weights.terms.iter().zip(&mut values)) {
                let Some(penalty) = penalty else { continue };
                values.extend(penalty.to_vec1::<f32>()?.into_iter().map(f64::from));
                if setting.weight > 0.0 {
                    let weighted = (penalty.sum_all()? * setting.weight)?;
                    loss = Some(match loss {
                        Some(loss) => (loss + weighted)?,
                        None => weighted,
                    });
                }
            }
            gradient.extend(look.gradient(loss.as_ref())?);
            Ok(())
        })?;
        let mut report = Self::report(step, &weights, &values, &gradient);
        if let Some(looks) = self.queue.as_ref().and_then(|queue| queue.view(step).into_iter().find(|one| one.looks)) {
            report.network = Some(looks.serial);
            report.network_accuracy = Some(looks.accuracy.unwrap_or(0.0));
        }
        self.refuse_if_not_finite(&report)?;
        let moved = self.descended(step, &gradient)?;
        if let Some(queue) = &mut self.queue {
            queue.age(step, interrupted)?;
        }
        (self.state.images.values, self.state.velocity) = moved;
        self.state.step = step;
        Ok(report)
    }

    fn pulls(&mut self) -> Result<Vec<f64>> {
        let weights = self.state.weights.clone();
        let mut squares = vec![0.0; self.terms.len()];
        self.look(self.state.step + 1, &|| false, |look| {
            for (penalty, (setting, squares)) in look.penalties.iter().zip(weights.terms.iter().zip(&mut squares)) {
                if let Some(penalty) = penalty.as_ref().filter(|_| setting.weight > 0.0) {
                    let alone = (penalty.sum_all()? * setting.weight)?;
                    *squares += norm(&look.gradient(Some(&alone))?).powi(2);
                }
            }
            Ok(())
        })?;
        let sum: f64 = squares.iter().map(|square| square.sqrt()).sum();
        Ok(squares.iter().map(|square| if sum > 0.0 { square.sqrt() / sum } else { 0.0 }).collect())
    }

    fn keep(&self) -> Result<Blobs> {
        self.queue.as_ref().map_or_else(|| Ok(Blobs::default()), Queue::keep)
    }

    fn set_weight(&mut self, term: &str, weight: f64) -> Result<f64> {
        let joins = self.terms.iter().any(|entry| entry.term.id() == term && entry.term.scope() == Scope::Set);
        if joins && weight > 0.0 && self.state.images.classes.len() < self.data.classes() {
            let why = Scope::Set.describe();
            return Err(Error::Config(format!("the term \"{term}\" needs a run over all classes: {why}")));
        }
        self.state.weights.set_weight(term, weight)
    }

    fn weights_mut(&mut self) -> &mut Weights {
        &mut self.state.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{distilled::Start, nn::ConvNetSpec};

    /// The released loop, taken at its word: at the step of each class all images move, those of other classes without a
    /// gradient.
    #[test]
    fn class_by_class_updates_are_those_of_the_released_loop() {
        let data = Arc::new(
            crate::data::noise(crate::data::ImageShape { channels: 1, height: 4, width: 4 }, 4, 6, 0).unwrap(),
        );
        let classes = [1, 3];
        let images = Start::Noise.images(&data, &classes, (2, 1), 7).unwrap();
        let spec = MatchingSpec {
            network: NetworkSpec::ConvNet(ConvNetSpec { width: 4, depth: 1, ..ConvNetSpec::default() }),
            real_batch: 2,
            chunk: 0,
            augmentation: Vec::new(),
            momentum: 0.5,
            updates: Updates::ByClass,
            queue: None,
            terms: TermsSpec::default(),
        };
        let mut run = Matching::new(spec, data, Device::Cpu, 0, images, 0.2).unwrap();
        run.state.velocity = (0..64).map(|at| ((at * 7) % 13) as f32 / 6.0 - 1.0).collect();
        let gradient: Vec<f32> = (0..64).map(|at| ((at * 5) % 11) as f32 / 5.0 - 1.0).collect();
        let (mut values, mut velocity) = (run.state.images.values.clone(), run.state.velocity.clone());
        let turns = run.images_in_turn();
        for class in 0..4 {
            for at in 0..64 {
                let own = classes[at / 32] == class;
                if own {
                    assert!((turns.values[at] - values[at]).abs() < 1e-5, "where the class finds its images");
                }
                velocity[at] = 0.5 * velocity[at] + if own { gradient[at] } else { 0.0 };
                values[at] -= 0.2 * velocity[at];
            }
        }
        let (moved, turned) = run.descended(1, &gradient).unwrap();
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&moved, &values) && close(&turned, &velocity));
    }
}
