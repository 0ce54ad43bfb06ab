//! What an evaluation found: the accuracy of each network, what was taken for what, and what they call the images.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::{Examples, training::softmax};
use crate::{
    error::Result,
    nn::Device,
    nn::Network,
    report::{Accuracy, Called},
};

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Mean and spread.
    pub accuracy: Accuracy,
    /// Accuracy of each network.
    pub values: Vec<f64>,
    /// How often an image of the class of the row was taken for that of the column, all networks together.
    pub confusion: Vec<Vec<u32>>,
    /// What the networks call each image that they were trained on, where those were made.
    pub called: Vec<Called>,
}

/// What has been counted so far. After each network it can be kept, and gone on from with the next one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    classes: usize,
    values: Vec<f64>,
    seen: usize,
    right: usize,
    confusion: Vec<Vec<u32>>,
    /// Sum over the networks of the probabilities `(images, classes)`.
    probabilities: Vec<f64>,
}

impl Tally {
    /// For so many classes; `looked_at` images are shown to the networks too.
    pub(super) fn new(classes: usize, looked_at: usize) -> Self {
        Self {
            classes,
            values: Vec::new(),
            seen: 0,
            right: 0,
            confusion: vec![vec![0; classes]; classes],
            probabilities: vec![0.0; classes * looked_at],
        }
    }

    /// Networks that are done.
    pub fn networks(&self) -> usize {
        self.values.len()
    }

    /// Takes what some images are and what a network calls them.
    pub(super) fn count(&mut self, labels: &[u32], named: &[u32]) {
        for (&label, &named) in labels.iter().zip(named) {
            self.confusion[label as usize][named as usize] += 1;
            self.right += usize::from(label == named);
        }
        self.seen += labels.len();
    }

    /// Takes what a network makes of the images that it was trained on, as they are.
    pub(super) fn look_at(&mut self, network: &dyn Network, images: &dyn Examples, device: &Device) -> Result<()> {
        const SLICE: usize = 256;
        let shape = images.shape();
        let [channels, height, width] = shape.dims();
        let count = images.labels().len();
        network.set_training(false);
        for start in (0..count).step_by(SLICE) {
            let end = (start + SLICE).min(count);
            let mut values = vec![0.0; (end - start) * shape.len()];
            values.chunks_exact_mut(shape.len()).zip(start..).for_each(|(image, index)| images.fetch(index, image));
            let batch = Tensor::from_vec(values, (end - start, channels, height, width), device)?;
            let probabilities = softmax(&network.forward(&batch)?)?.flatten_all()?.to_vec1::<f32>()?;
            let sums = &mut self.probabilities[start * self.classes..];
            sums.iter_mut().zip(probabilities).for_each(|(sum, probability)| *sum += f64::from(probability));
        }
        Ok(())
    }

    /// True if it counts the same things: as many classes and images, and nothing is left of a network under way.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let rows = self.confusion.len() == self.classes && self.confusion.iter().all(|row| row.len() == self.classes);
        let sizes = |tally: &Self| (tally.classes, tally.probabilities.len());
        rows && sizes(self) == sizes(other) && (self.seen, self.right) == (0, 0)
    }

    /// A network was tested on everything.
    pub(super) fn close(&mut self) {
        self.values.push(self.right as f64 / self.seen.max(1) as f64);
        (self.seen, self.right) = (0, 0);
    }

    pub(super) fn outcome(&self, protocol: &str) -> Outcome {
        let called = |sums: &[f64]| {
            let (class, sum) = sums.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("a class");
            Called { class: class as u32, probability: sum / self.values.len().max(1) as f64 }
        };
        Outcome {
            accuracy: Accuracy::of(&self.values, protocol),
            values: self.values.clone(),
            confusion: self.confusion.clone(),
            called: self.probabilities.chunks_exact(self.classes.max(1)).map(called).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_by_class_and_networks_apart() {
        let mut tally = Tally::new(3, 0);
        tally.count(&[0, 1, 2, 2], &[0, 1, 2, 1]);
        tally.close();
        tally.count(&[0, 1, 2, 2], &[1, 1, 1, 1]);
        tally.close();
        let outcome = tally.outcome("dm@1x2");
        assert_eq!(outcome.values, [0.75, 0.25]);
        assert_eq!(outcome.confusion, [[1, 1, 0], [0, 2, 0], [0, 3, 1]]);
        assert_eq!((outcome.accuracy.mean, outcome.accuracy.repeats), (0.5, 2));
    }
}
