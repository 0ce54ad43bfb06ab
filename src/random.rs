//! All randomness: one seed, named streams.
//!
//! The tuple `(seed, purpose, step, class)` is the key of a counter-based generator (`ChaCha8`), so every number can be
//! drawn again without knowing what was drawn before it. No generator state is ever saved; that is why resume, replay
//! and a run over some of the classes give the very same numbers as the whole run.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream is used for. The numbers are part of every recorded run: never change or reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Which training images are held out.
    HoldOut = 1,
    /// Which real images the synthetic ones start from.
    Start = 2,
    /// The parameters of the network of a step.
    MatchingNetwork = 3,
    /// Which real images a step sees.
    RealBatch = 4,
    /// The augmentation that real and synthetic images of a class share in a step.
    Augmentation = 5,
    /// The parameters of a network that is trained to judge (`step` = repeat).
    EvaluationNetwork = 6,
    /// The order of batches while judging.
    EvaluationOrder = 7,
    /// The augmentation while judging.
    EvaluationAugmentation = 8,
    /// Random selection of real images (`step` = draw).
    Selection = 9,
    /// The parameters of a network of the pool (`step` = position in the pool).
    Pretraining = 10,
    /// The made-up points of `plane`.
    Plane = 11,
    /// Which real images are drawn as points.
    Scatter = 12,
    /// Which pretrained network a step looks through.
    PoolNetwork = 13,
    /// Pictures of noise, for timing.
    Noise = 14,
    /// Which images become the test split of a set that has none.
    TestSplit = 15,
    /// k-means on the way to medoids.
    Medoids = 16,
    /// The parameters of a network of the queue (`step` = serial number).
    QueueNetwork = 17,
    /// Which networks of the queue look (`class` = 0) and learn (1) at a step.
    QueueChoice = 18,
    /// Real images from which a network of the queue learns (`class` = network and batch of the step).
    QueueBatch = 19,
    /// The real images that an energy map is learned from.
    EnergySamples = 20,
    /// The parameters of an energy map (`step` at which it begins, `class` = dimensions).
    EnergyMap = 21,
    /// The features that a step of an energy map leaves out (`class` = sample).
    EnergyDropout = 22,
    /// Points drawn from the Gaussian of a class.
    Upsampling = 23,
    /// Classes, shots, queries, points and first map of an episode (`step` = episode).
    Episode = 24,
    /// The parameters of an autoencoder (`step` = 0), and its batches with their noise (from 1 on).
    Autoencoder = 25,
    /// The parameters of a prior (`step` = 0), and its batches with times and noise (from 1 on).
    Prior = 26,
    /// The noise through which a prior brings points back.
    PriorNoise = 27,
    /// Where the points of a quantizer start (`step` at which they do).
    QuantizerStart = 28,
    /// The samples that compete for the points of a class in a step.
    QuantizerBatch = 29,
    /// The samples of a class that a quantizer knows.
    QuantizerSamples = 30,
}

/// The stream for `purpose` at `step` and `class`, under one `seed`.
pub fn stream(seed: u64, purpose: Purpose, step: u64, class: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, step, class]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// `count` different numbers below `len` in random order; all of them when `count` is larger.
pub fn choose(len: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    rand::seq::index::sample(rng, len, count.min(len)).into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn streams_differ_in_every_word_of_the_key_and_repeat() {
        let draw = |seed, purpose, step, class| stream(seed, purpose, step, class).random::<u64>();
        let first = draw(1, Purpose::Start, 2, 3);
        assert_eq!(first, draw(1, Purpose::Start, 2, 3));
        let others = [
            draw(2, Purpose::Start, 2, 3),
            draw(1, Purpose::Pretraining, 2, 3),
            draw(1, Purpose::Start, 3, 3),
            draw(1, Purpose::Start, 2, 4),
        ];
        assert!(!others.contains(&first));
    }

    #[test]
    fn streams_are_pinned_since_recorded_runs_depend_on_them() {
        let mut rng = stream(0, Purpose::RealBatch, 5, 1);
        assert_eq!(choose(10, 4, &mut rng), PINNED);
    }
    const PINNED: [usize; 4] = [9, 6, 8, 4];
}
