//! Matching: at every step a network looks at real and synthetic images, terms compare what it sees, and the gradient
//! moves the pixels (DM, WACV 2023; the base of IID, IDM, CMI).
//!
//! One step, as `main_DM.py` of VICO-UoE/DatasetCondensation does it: draw a network that was never trained; for each
//! class draw real images and one augmentation that real and synthetic images share; sum the weighted terms over classes;
//! one step of gradient descent with momentum on the pixels. Losses are additive over classes, so classes are taken in
//! chunks: the chunk bounds memory and never changes the result.
//!
//! Departure: a class with fewer images than the real batch does not draw with repeats. The batch of every class is as
//! large as the smallest class of the whole data set allows.

use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    SyntheticSet,
    terms::{Term, TermsSpec},
};
use crate::{
    data::Dataset,
    error::{Error, Result},
    nn::{
        Network, NetworkSpec,
        augment::{Draw, Family, Prepared},
        init::Init,
    },
    random::{Purpose, choose, stream},
    report::{StepReport, TermInfo, TermValue},
};

/// Values of real images that a chunk of classes may hold where nobody says how many classes it has.
const CHUNK_VALUES: usize = 1 << 20;

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
    /// The terms and the weights they start with.
    pub terms: TermsSpec,
}

/// What changes from step to step; a checkpoint holds exactly this.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps that are done.
    pub step: u64,
    /// The images.
    pub images: SyntheticSet,
    /// Velocity of every value, in the layout of the images.
    pub velocity: Vec<f32>,
    /// Learning rate and weights.
    pub weights: Weights,
}

/// The numbers that may be changed while a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Learning rate of the images.
    pub learning_rate: f64,
    /// Weight of each term, in the order of the terms.
    pub terms: Vec<f64>,
}

/// What the terms said about the images at a step.
struct Outcome {
    /// Unweighted values, `[term][class]`.
    values: Vec<Vec<f64>>,
    /// Gradient of the weighted sum, in the layout of the images.
    gradient: Vec<f32>,
}

/// A matching run.
pub struct Matching {
    spec: MatchingSpec,
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    terms: Vec<Box<dyn Term>>,
    default_weights: Vec<f64>,
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
    ) -> Self {
        let (terms, default_weights): (Vec<_>, Vec<_>) = spec.terms.build().into_iter().unzip();
        let velocity = vec![0.0; images.values.len()];
        let weights = Weights { learning_rate, terms: default_weights.clone() };
        let state = State { step: 0, images, velocity, weights };
        Self { spec, data, device, seed, terms, default_weights, state }
    }

    /// The images, their velocity and the weights.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Goes on from a state that was saved.
    pub fn restore(&mut self, state: State) -> Result<()> {
        let fits = state.images.classes == self.state.images.classes
            && state.images.values.len() == self.state.images.values.len()
            && state.velocity.len() == self.state.velocity.len()
            && state.weights.terms.len() == self.terms.len();
        if !fits {
            return Err(Error::Data("the checkpoint belongs to a run with other images or terms".to_owned()));
        }
        self.state = state;
        Ok(())
    }

    /// The terms for people.
    pub fn term_infos(&self) -> Vec<TermInfo> {
        let weights = self.default_weights.iter().zip(&self.state.weights.terms);
        let info = |(term, (&default_weight, &weight)): (&dyn Term, _)| TermInfo {
            id: term.id().to_owned(),
            meaning: term.meaning().to_owned(),
            default_weight,
            paper_weight: term.paper_weight(),
            weight,
        };
        self.terms.iter().map(AsRef::as_ref).zip(weights).map(info).collect()
    }

    /// Sets the weight of a term from the next step on and returns the one before.
    pub fn set_weight(&mut self, term: &str, weight: f64) -> Result<f64> {
        let position = self.terms.iter().position(|known| known.id() == term).ok_or_else(|| {
            let known: Vec<_> = self.terms.iter().map(|term| term.id()).collect();
            Error::Config(format!("this run has no term \"{term}\"; it has {}", known.join(", ")))
        })?;
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(Error::Config(format!("a weight is a number from 0 up, not {weight}")));
        }
        Ok(std::mem::replace(&mut self.state.weights.terms[position], weight))
    }

    /// Sets the learning rate from the next step on and returns the one before.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<f64> {
        if !(rate.is_finite() && rate >= 0.0) {
            return Err(Error::Config(format!("a learning rate is a number from 0 up, not {rate}")));
        }
        Ok(std::mem::replace(&mut self.state.weights.learning_rate, rate))
    }

    /// One step. Where it fails, or `interrupted` says so between two chunks, nothing has changed.
    pub fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport> {
        let step = self.state.step + 1;
        let weights = self.state.weights.clone();
        let outcome = self.look(step, &weights.terms, interrupted)?;
        let report = self.report(step, &weights, &outcome);
        self.refuse_if_not_finite(&report)?;
        // v <- momentum v + g;  x <- x - learning_rate v
        let (momentum, rate) = (self.spec.momentum as f32, weights.learning_rate as f32);
        let moved = |value: f32, velocity: f32, gradient: f32| {
            let velocity = momentum * velocity + gradient;
            (value - rate * velocity, velocity)
        };
        let State { images, velocity, .. } = &mut self.state;
        let old = images.values.iter().zip(velocity.iter()).zip(&outcome.gradient);
        if !old.clone().all(|((&value, &velocity), &gradient)| moved(value, velocity, gradient).0.is_finite()) {
            let culprit = format!("a value of the images moved at the learning rate {}", weights.learning_rate);
            return Err(Error::NotFinite { step, last_good: step - 1, culprit });
        }
        for ((value, velocity), &gradient) in images.values.iter_mut().zip(velocity).zip(&outcome.gradient) {
            (*value, *velocity) = moved(*value, *velocity, gradient);
        }
        self.state.step = step;
        Ok(report)
    }

    /// Norm of each term's weighted gradient on the pixels over the sum of those norms, at the step that comes next.
    /// Computed on the side: it changes nothing.
    pub fn pulls(&mut self) -> Result<Vec<f64>> {
        let step = self.state.step + 1;
        let weights = self.state.weights.terms.clone();
        let mut norms = Vec::with_capacity(weights.len());
        for (position, &weight) in weights.iter().enumerate() {
            let mut alone = vec![0.0; weights.len()];
            alone[position] = weight;
            norms.push(norm(&self.look(step, &alone, &|| false)?.gradient));
        }
        let sum: f64 = norms.iter().sum();
        Ok(norms.iter().map(|norm| if sum > 0.0 { norm / sum } else { 0.0 }).collect())
    }

    /// Real images of each class in a step: the batch, or what the smallest class of the data set has.
    fn real_count(&self) -> usize {
        self.spec.real_batch.min(self.data.smallest_class())
    }

    fn chunk(&self) -> usize {
        match self.spec.chunk {
            0 => (CHUNK_VALUES / (self.real_count() * self.data.shape().len()).max(1)).max(1),
            classes => classes,
        }
    }

    /// What the terms say about the images under the network, real images and augmentations of `step`.
    fn look(&mut self, step: u64, weights: &[f64], interrupted: &dyn Fn() -> bool) -> Result<Outcome> {
        let mut rng = stream(self.seed, Purpose::MatchingNetwork, step, 0);
        let init = Init::frozen(&mut rng, &self.device);
        let network = self.spec.network.build(self.data.shape(), self.data.classes(), init)?;
        let mut outcome = Outcome {
            values: vec![Vec::new(); self.terms.len()],
            gradient: Vec::with_capacity(self.state.images.values.len()),
        };
        let count = self.state.images.classes.len();
        for first in (0..count).step_by(self.chunk()) {
            if interrupted() {
                return Err(Error::Interrupted);
            }
            let positions = first..(first + self.chunk()).min(count);
            self.look_at(step, weights, positions, network.as_ref(), &mut outcome)?;
        }
        Ok(outcome)
    }

    /// One chunk of classes.
    fn look_at(
        &mut self,
        step: u64,
        weights: &[f64],
        positions: std::ops::Range<usize>,
        network: &dyn Network,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let shape = self.data.shape();
        let (classes, n, m) = (positions.len(), self.real_count(), self.state.images.per_class);
        let augmentations: Vec<Prepared<f32>> =
            positions.clone().map(|position| self.augmentation(step, position).prepare(shape)).collect();
        let real = self.real_images(step, positions.clone(), &augmentations);
        let synthetic = self.synthetic_images(positions, &augmentations);

        let [channels, height, width] = shape.dims();
        let place = |values, count| Tensor::from_vec(values, (classes * count, channels, height, width), &self.device);
        let real = network.embed(&place(real, n)?)?.detach(); // (c n, d)
        let synthetic = Var::from_tensor(&place(synthetic, m)?)?;
        let seen = network.embed(&synthetic)?; // (c m, d)
        let real = real.reshape((classes, n, ()))?;
        let seen = seen.reshape((classes, m, ()))?;

        let mut loss: Option<Tensor> = None;
        for ((term, &weight), values) in self.terms.iter_mut().zip(weights).zip(&mut outcome.values) {
            let penalty = term.penalty(&real, &seen)?; // (c,)
            values.extend(penalty.to_vec1::<f32>()?.into_iter().map(f64::from));
            if weight > 0.0 {
                let weighted = (penalty.sum_all()? * weight)?;
                loss = Some(match loss {
                    Some(loss) => (loss + weighted)?,
                    None => weighted,
                });
            }
        }
        let gradient = match loss {
            Some(loss) => loss.backward()?.remove(&synthetic),
            None => None,
        };
        let gradient = match gradient {
            Some(gradient) => gradient.flatten_all()?.to_vec1::<f32>()?,
            None => vec![0.0; classes * m * shape.len()],
        };
        outcome.gradient.extend(turn_back(&gradient, m, shape.len(), &augmentations));
        Ok(())
    }

    fn augmentation(&self, step: u64, position: usize) -> Draw {
        let class = self.state.images.classes[position];
        if self.spec.augmentation.is_empty() {
            return Draw::Identity;
        }
        let mut rng = stream(self.seed, Purpose::Augmentation, step, u64::from(class));
        Draw::sample(&self.spec.augmentation, self.data.shape(), &mut rng)
    }

    /// Real images of some classes, augmented: `(c, n, channels, height, width)`.
    fn real_images(&self, step: u64, positions: std::ops::Range<usize>, augmentations: &[Prepared<f32>]) -> Vec<f32> {
        let (len, count) = (self.data.shape().len(), self.real_count());
        let chosen: Vec<u32> = positions
            .flat_map(|position| {
                let class = self.state.images.classes[position];
                let usable = self.data.usable(class);
                let mut rng = stream(self.seed, Purpose::RealBatch, step, u64::from(class));
                choose(usable.len(), count, &mut rng).into_iter().map(|index| usable[index])
            })
            .collect();
        let data = self.data.as_ref();
        let mut images = vec![0.0; chosen.len() * len];
        images.par_chunks_exact_mut(len).enumerate().for_each_init(
            || vec![0.0; len],
            |plain, (index, image)| {
                data.fetch(data.train(), chosen[index], plain);
                augmentations[index / count].apply(plain, image);
            },
        );
        images
    }

    /// Synthetic images of some classes, augmented: `(c, m, channels, height, width)`.
    fn synthetic_images(&self, positions: std::ops::Range<usize>, augmentations: &[Prepared<f32>]) -> Vec<f32> {
        let len = self.data.shape().len();
        let mut images = Vec::new();
        for (position, augmentation) in positions.zip(augmentations) {
            for plain in self.state.images.of_class(position).chunks_exact(len) {
                let start = images.len();
                images.resize(start + len, 0.0);
                augmentation.apply(plain, &mut images[start..]);
            }
        }
        images
    }

    fn report(&self, step: u64, weights: &Weights, outcome: &Outcome) -> StepReport {
        let terms: Vec<TermValue> = self
            .terms
            .iter()
            .zip(&weights.terms)
            .zip(&outcome.values)
            .map(|((term, &weight), values)| TermValue {
                term: term.id().to_owned(),
                raw: values.iter().sum::<f64>() / values.len() as f64,
                weight,
            })
            .collect();
        StepReport {
            step,
            total: terms.iter().map(|term| term.weight * term.raw).sum(),
            learning_rate: weights.learning_rate,
            gradient_norm: norm(&outcome.gradient),
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

/// The gradient of the augmented images, carried back to the images: `(c, m, len)`.
fn turn_back(gradient: &[f32], per_class: usize, len: usize, augmentations: &[Prepared<f32>]) -> Vec<f32> {
    let mut back = vec![0.0; gradient.len()];
    for (index, (gradient, back)) in gradient.chunks_exact(len).zip(back.chunks_exact_mut(len)).enumerate() {
        augmentations[index / per_class].adjoint(gradient, back);
    }
    back
}

/// Euclidean norm, summed in double precision.
fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}
