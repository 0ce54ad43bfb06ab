//! One step, as the papers' loop goes: networks, forward pass, loss, gradient, descent, and what the queue learns.

use std::ops::Range;

use candle_core::Tensor;

use super::{
    Matching, Updates,
    forward::{ForwardPass, StepNetworks},
};
use crate::{
    distilled::{SyntheticSet, norm},
    error::{Error, Result},
    methods::Method as _,
    report::{StepReport, TermValue},
};

impl Matching {
    /// One step. Where it fails, or `interrupted` says so, nothing has changed.
    pub(super) fn gradient_step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport> {
        let step = self.state.step + 1;
        let mut values = vec![Vec::new(); self.terms.len()]; // of each term, one a class
        let mut gradient = Vec::with_capacity(self.state.images.values.len());
        let networks = StepNetworks::draw(self, step)?;
        for classes in self.chunks() {
            if interrupted() {
                return Err(Error::Interrupted);
            }
            let forward = ForwardPass::new(self, &networks, classes)?;
            let loss = self.weighted_sum(&forward.penalties)?;
            gradient.extend(forward.backward(loss.as_ref())?);
            for (values, penalty) in values.iter_mut().zip(&forward.penalties) {
                if let Some(penalty) = penalty {
                    values.extend(penalty.to_vec1::<f32>()?.into_iter().map(f64::from));
                }
            }
        }
        let report = self.report(step, &values, &gradient)?;
        let (images, velocity) = self.descended(step, &gradient)?;
        if let Some(queue) = &mut self.queue {
            queue.train(step, interrupted)?;
        }
        (self.state.images.values, self.state.velocity, self.state.step) = (images, velocity, step);
        Ok(report)
    }

    /// Norm of the weighted gradient of each term in the next step, over the sum of those norms.
    pub(super) fn gradient_shares(&mut self) -> Result<Vec<f64>> {
        let mut squares = vec![0.0; self.terms.len()];
        let networks = StepNetworks::draw(self, self.state.step + 1)?;
        for classes in self.chunks() {
            let forward = ForwardPass::new(self, &networks, classes)?;
            for (position, square) in squares.iter_mut().enumerate() {
                let mut alone = vec![None; self.terms.len()];
                alone[position].clone_from(&forward.penalties[position]);
                if let Some(loss) = self.weighted_sum(&alone)? {
                    *square += norm(&forward.backward(Some(&loss))?).powi(2);
                }
            }
        }
        let sum: f64 = squares.iter().map(|square| square.sqrt()).sum();
        Ok(squares.iter().map(|square| if sum > 0.0 { square.sqrt() / sum } else { 0.0 }).collect())
    }

    /// Positions of the classes that are computed together, chunk after chunk.
    fn chunks(&self) -> Vec<Range<usize>> {
        let (count, chunk) = (self.state.images.classes.len(), self.chunk());
        (0..count).step_by(chunk).map(|first| first..(first + chunk).min(count)).collect()
    }

    /// The loss: the sum over terms of weight times penalty, summed over classes; none where no term counts.
    fn weighted_sum(&self, penalties: &[Option<Tensor>]) -> Result<Option<Tensor>> {
        let mut loss: Option<Tensor> = None;
        for (position, penalty) in penalties.iter().enumerate() {
            let weight = self.weight(position);
            let Some(penalty) = penalty.as_ref().filter(|_| weight > 0.0) else { continue };
            let weighted = (penalty.sum_all()? * weight)?;
            loss = Some(match loss {
                Some(loss) => (loss + weighted)?,
                None => weighted,
            });
        }
        Ok(loss)
    }

    /// What is written about a step; an error where a number of it is none.
    fn report(&self, step: u64, values: &[Vec<f64>], gradient: &[f32]) -> Result<StepReport> {
        let computed = self.terms.iter().zip(values).filter(|(_, values)| !values.is_empty());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let terms: Vec<TermValue> =
            computed.map(|(entry, values)| self.state.values.valued(entry.term.id(), mean(values))).collect();
        let queued = self.queue.as_ref().and_then(|queue| queue.view(step).into_iter().find(|one| one.looks));
        let report = StepReport {
            step,
            total: terms.iter().map(|term| term.weight * term.raw).sum(),
            learning_rate: self.state.values.learning_rate(),
            gradient_norm: norm(gradient),
            network: queued.as_ref().map(|queued| queued.serial),
            network_accuracy: queued.map(|queued| queued.accuracy.unwrap_or(0.0)),
            cells: Vec::new(),
            terms,
        };
        let culprit = match report.terms.iter().find(|term| !(term.raw * term.weight).is_finite()) {
            Some(term) => format!("the term \"{}\"", term.term),
            None if !report.gradient_norm.is_finite() => "the gradient of the pixels".to_owned(),
            None => return Ok(report),
        };
        Err(Error::NotFinite { step, last_good: self.state().step, culprit })
    }

    /// Images and velocities after `v <- momentum v + g`, `x <- x - learning_rate v` at the turn of each class, which coasts
    /// before and after.
    pub(super) fn descended(&self, step: u64, gradient: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let rate = self.state.values.learning_rate();
        let (mut values, mut velocities) = (self.state.images.values.clone(), self.state.velocity.clone());
        let len = self.class_len();
        for position in 0..self.state.images.classes.len() {
            let [before, after] = self.turns(position);
            let [[early, early_way], [late, late_way]] = [self.coast(before), self.coast(after)];
            let (momentum, rate) = (self.spec.momentum as f32, rate as f32);
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
            let culprit = format!("a value of the images moved at the learning rate {rate}");
            return Err(Error::NotFinite { step, last_good: step - 1, culprit });
        }
        Ok((values, velocities))
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
        [factor as f32, (way * self.state.values.learning_rate()) as f32]
    }

    /// Values of the images of a class.
    fn class_len(&self) -> usize {
        self.state.images.per_class * self.state.images.shape.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::{
        distilled::Start,
        methods::{MatchingSpec, Setup, matching::terms::TermsSpec},
        nn::{ConvNetSpec, Device, NetworkSpec},
    };

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
        let mut run =
            Matching::new(spec, Setup { data, device: Device::CPU, seed: 0, images, learning_rate: 0.2 }).unwrap();
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
