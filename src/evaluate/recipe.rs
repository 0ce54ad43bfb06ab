//! How a network is trained: what each protocol says about rates, batches, augmentation and labels.

use std::f64::consts::PI;

use serde::Serialize;

use crate::nn::{NetworkSpec, augment::Family};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// The network.
    pub network: NetworkSpec,
    /// Passes over the images.
    pub epochs: usize,
    /// Images in a batch.
    pub batch: usize,
    /// How parameters move, and the rate at the beginning.
    pub optimizer: Optimizer,
    /// How the rate falls.
    pub schedule: Schedule,
    /// What a batch goes through.
    pub augmentation: Augmentation,
    /// Chance that images of a batch get a rectangle of another one and a share of its label (CutMix, beta 1).
    pub cut_mix: f64,
    /// What a teacher has to say, where there is one.
    pub taught: Taught,
}

/// How parameters move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Optimizer {
    /// Momentum 0.9.
    Sgd {
        /// The rate at the beginning.
        rate: f64,
        /// Pull towards zero, on every parameter.
        weight_decay: f64,
    },
    /// PyTorch's defaults (betas 0.9 and 0.999, weight decay 0.01), and a rate.
    AdamW(f64),
}

impl Optimizer {
    /// The rate at the beginning.
    pub fn rate(self) -> f64 {
        match self {
            Self::Sgd { rate, .. } | Self::AdamW(rate) => rate,
        }
    }
}

/// How the rate falls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// By a factor, some times.
    Drops {
        /// Before these passes, counted from 0, in order.
        before: Vec<usize>,
        /// What the rate is multiplied by each time.
        factor: f64,
        /// True if the optimiser begins afresh then, without its momentum.
        forget: bool,
    },
    /// Along half a cosine to zero, pass by pass.
    Cosine,
}

/// What a batch goes through.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Augmentation {
    /// One family is drawn for the batch, its parameters for each image (DSA).
    OneFamily(Vec<Family>),
    /// Flip and colour where they are listed, then one of the others, which is drawn for the batch; parameters for each
    /// image (IDC, DANCE and NCFM as they judge).
    Layered(Vec<Family>),
    /// A window of 8 % to 100 % of the image, made as large as the image, then the flip where it is asked for; parameters
    /// for each image (`RandomResizedCrop`, FKD).
    Window {
        /// Whether images are mirrored half of the time.
        flip: bool,
    },
}

impl Augmentation {
    /// Images stay as they are.
    pub const NONE: Self = Self::OneFamily(Vec::new());
}

/// What a teacher, a network that was trained on the real images, has to say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Taught {
    /// Nothing: images have the labels of their classes.
    Nothing,
    /// The label of an image is the softmax of the teacher's logits of what the student sees, augmented and mixed. Scores of
    /// both are divided by the temperature first.
    OfSeenImages {
        /// By what logits are divided.
        temperature: f64,
    },
    /// The label of an image is the softmax of the teacher's logits of the image as it is. Where the teacher is wrong, its
    /// logits are replaced by a one-hot of the class, which passes the softmax too (NCFM).
    OfPlainImages {
        /// Last epochs, in which labels are those of the classes.
        hard_epochs: usize,
    },
}

impl Recipe {
    /// The training of DC, DSA, DM, IDM, IID and CMI (`evaluate_synset` of VICO-UoE/DatasetCondensation): SGD in batches
    /// of 256, rate 0.01 and, after the epoch `epochs / 2 + 1`, a tenth of it with a fresh momentum. As there, the epochs
    /// `0..=epochs` are run.
    pub fn dm(network: NetworkSpec, epochs: usize, families: Vec<Family>) -> Self {
        Self {
            schedule: Schedule::Drops { before: vec![epochs / 2 + 2], factor: 0.1, forget: true },
            augmentation: Augmentation::OneFamily(families),
            ..Self::pretraining(network, epochs + 1)
        }
    }

    /// The training of IDC and DANCE (`train.py` of IDC in ndhg1213/CMIDD): SGD in batches of 64, rate 0.01 and a fifth of
    /// it from two thirds and again from five sixths on; flip, colour, and one of crop, scale and rotation, never cutout;
    /// CutMix for every other batch.
    pub fn idc(network: NetworkSpec, epochs: usize, families: &[Family]) -> Self {
        Self {
            batch: 64,
            schedule: Schedule::Drops { before: vec![2 * epochs / 3, 5 * epochs / 6], factor: 0.2, forget: false },
            augmentation: Augmentation::Layered(without_cutout(families)),
            cut_mix: 0.5,
            ..Self::pretraining(network, epochs)
        }
    }

    /// The training of NCFM (`evaluate.py` and `diffaug.py` of gszfwsb/NCFM): AdamW in batches of 128, rate 0.001 halved at
    /// every fifth; augmentation as in [`Recipe::idc`].
    pub fn ncfm(network: NetworkSpec, epochs: usize, families: &[Family]) -> Self {
        let fifths = (1..5).map(|fifth| fifth * epochs / 5).collect();
        Self {
            batch: 128,
            optimizer: Optimizer::AdamW(0.001),
            schedule: Schedule::Drops { before: fifths, factor: 0.5, forget: false },
            augmentation: Augmentation::Layered(without_cutout(families)),
            cut_mix: 0.5,
            ..Self::pretraining(network, epochs)
        }
    }

    /// The training of SRe2L, D4M, DDOQ and RDED (FKD): AdamW in batches of 1024, rate 0.001 along half a cosine; windows of
    /// the image, flip, CutMix for every batch; the Kullback-Leibler divergence from the teacher's labels.
    ///
    /// Departures: labels are made while the student learns instead of stored before, which gives the same numbers; the
    /// divergence is the cross-entropy less what does not depend on the student. It is not multiplied by the squared temperature.
    pub fn fkd(network: NetworkSpec, epochs: usize, families: &[Family]) -> Self {
        Self {
            batch: 1024,
            optimizer: Optimizer::AdamW(0.001),
            schedule: Schedule::Cosine,
            augmentation: match families {
                [] => Augmentation::NONE, // Points have no windows.
                families => Augmentation::Window { flip: families.contains(&Family::Flip) },
            },
            cut_mix: if families.is_empty() { 0.0 } else { 1.0 },
            ..Self::pretraining(network, epochs)
        }
    }

    /// The training of the networks through which IID looks (`pre_model.py` of VincenDen/IID): SGD in batches of 256 at a
    /// constant rate, without augmentation.
    pub fn pretraining(network: NetworkSpec, epochs: usize) -> Self {
        Self {
            network,
            epochs,
            batch: 256,
            optimizer: Optimizer::Sgd { rate: 0.01, weight_decay: 5e-4 },
            schedule: Schedule::Constant,
            augmentation: Augmentation::NONE,
            cut_mix: 0.0,
            taught: Taught::Nothing,
        }
    }

    /// The rate in a pass, counted from 0.
    pub fn rate(&self, epoch: usize) -> f64 {
        let first = self.optimizer.rate();
        match &self.schedule {
            Schedule::Constant => first,
            Schedule::Drops { before, factor, .. } => {
                first * factor.powi(before.iter().filter(|&&before| before <= epoch).count() as i32)
            }
            Schedule::Cosine => 0.5 * first * (1.0 + (PI * epoch as f64 / self.epochs as f64).cos()),
        }
    }

    /// True if the optimiser forgets its direction when the rate falls.
    pub(super) fn forgets(&self) -> bool {
        matches!(self.schedule, Schedule::Drops { forget: true, .. })
    }

    /// True if a pass, counted from 0, has the labels of a teacher.
    pub(super) fn is_taught(&self, epoch: usize) -> bool {
        match self.taught {
            Taught::Nothing => false,
            Taught::OfSeenImages { .. } => true,
            Taught::OfPlainImages { hard_epochs } => epoch + hard_epochs < self.epochs,
        }
    }
}

fn without_cutout(families: &[Family]) -> Vec<Family> {
    families.iter().copied().filter(|family| *family != Family::Cutout).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::golden::golden;

    #[test]
    fn rates_fall_epoch_by_epoch_as_those_of_pytorch() {
        let network = NetworkSpec::default;
        for (name, recipe) in [
            ("dm.1000", Recipe::dm(network(), 1000, Vec::new())),
            ("dm.300", Recipe::dm(network(), 300, Vec::new())),
            ("dm.3", Recipe::dm(network(), 3, Vec::new())),
            ("idc.1000", Recipe::idc(network(), 1000, &Family::ALL)),
            ("idc.1500", Recipe::idc(network(), 1500, &Family::ALL)),
            ("ncfm.2000", Recipe::ncfm(network(), 2000, &Family::ALL)),
            ("fkd.300", Recipe::fkd(network(), 300, &Family::ALL)),
        ] {
            let rates = golden(&format!("rates.{name}"));
            assert_eq!(rates.len(), recipe.epochs, "{name}");
            for (epoch, expected) in rates.into_iter().enumerate() {
                let rate = recipe.rate(epoch);
                assert!((rate - expected).abs() < 1e-12, "{name}, epoch {epoch}: {rate} instead of {expected}");
            }
        }
        assert_eq!(Recipe::pretraining(network(), 5).rate(4), 0.01);
    }

    #[test]
    fn the_last_epochs_are_hard_where_the_rules_say_so() {
        let recipe = |taught| Recipe { taught, ..Recipe::pretraining(NetworkSpec::default(), 10) };
        let taught = |recipe: &Recipe| (0..10).map(|epoch| recipe.is_taught(epoch)).collect::<Vec<_>>();
        let soft = taught(&recipe(Taught::OfPlainImages { hard_epochs: 3 }));
        assert_eq!(soft, [vec![true; 7], vec![false; 3]].concat());
        assert_eq!(taught(&recipe(Taught::Nothing)), [false; 10]);
        assert_eq!(taught(&recipe(Taught::OfSeenImages { temperature: 1.0 })), [true; 10]);
    }
}
