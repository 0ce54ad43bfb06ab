//! How a network is trained: what each protocol says about rates, batches, augmentation and labels.

use crate::nn::{NetworkSpec, augment::Family};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
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
    pub drops: Drops,
    /// What a batch goes through.
    pub augmentation: Augmentation,
    /// Chance that images of a batch get a rectangle of another one and a share of its label (CutMix, beta 1).
    pub cut_mix: f64,
}

/// How parameters move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Momentum 0.9, weight decay 5e-4 on every parameter, and a rate.
    Sgd(f64),
    /// PyTorch's defaults (betas 0.9 and 0.999, weight decay 0.01), and a rate.
    AdamW(f64),
}

impl Optimizer {
    /// The rate at the beginning.
    pub fn rate(self) -> f64 {
        match self {
            Self::Sgd(rate) | Self::AdamW(rate) => rate,
        }
    }
}

/// How the rate falls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drops {
    /// Before these passes, counted from 0, in order.
    pub before: Vec<usize>,
    /// What the rate is multiplied by each time.
    pub factor: f64,
    /// True if the optimiser begins afresh then, without its momentum.
    pub forget: bool,
}

/// What a batch goes through.
#[derive(Clone, Debug, PartialEq)]
pub enum Augmentation {
    /// One family is drawn for the batch, its parameters for each image (DSA).
    OneFamily(Vec<Family>),
    /// Flip, colour and cutout where they are listed, then one of the others; all images of a batch share every parameter
    /// (the batch form of the IDC family).
    Batch(Vec<Family>),
}

impl Augmentation {
    /// Images stay as they are.
    pub const NONE: Self = Self::OneFamily(Vec::new());
}

impl Recipe {
    /// The training of DC, DSA, DM, IDM, IID and CMI (`evaluate_synset` of VICO-UoE/DatasetCondensation): SGD in batches
    /// of 256, rate 0.01 and a tenth of it from epoch `epochs / 2 + 1` on with a fresh momentum. As there, the epochs
    /// `0..=epochs` are run.
    pub fn dm(network: NetworkSpec, epochs: usize, families: Vec<Family>) -> Self {
        Self {
            drops: Drops { before: vec![epochs / 2 + 1], factor: 0.1, forget: true },
            augmentation: Augmentation::OneFamily(families),
            ..Self::pretraining(network, epochs + 1)
        }
    }

    /// The training of IDC, M3D and DANCE: SGD in batches of 64, rate 0.01 and a fifth of it from two thirds and again
    /// from five sixths on; colour, cutout and crop shared by a batch, CutMix for every other batch.
    pub fn idc(network: NetworkSpec, epochs: usize) -> Self {
        Self {
            batch: 64,
            drops: Drops { before: vec![2 * epochs / 3, 5 * epochs / 6], factor: 0.2, forget: false },
            augmentation: Augmentation::Batch(vec![Family::Color, Family::Cutout, Family::Crop]),
            cut_mix: 0.5,
            ..Self::pretraining(network, epochs)
        }
    }

    /// The training of NCFM: AdamW in batches of 128, rate 0.001 halved at every fifth; DSA without cutout, CutMix for
    /// every other batch. The published figures are the best of a test every 100 epochs; here it is always the last.
    pub fn ncfm(network: NetworkSpec, epochs: usize, families: &[Family]) -> Self {
        let families = families.iter().copied().filter(|family| *family != Family::Cutout).collect();
        Self {
            batch: 128,
            optimizer: Optimizer::AdamW(0.001),
            drops: Drops { before: (1..5).map(|fifth| fifth * epochs / 5).collect(), factor: 0.5, forget: false },
            augmentation: Augmentation::OneFamily(families),
            cut_mix: 0.5,
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
            optimizer: Optimizer::Sgd(0.01),
            drops: Drops::default(),
            augmentation: Augmentation::NONE,
            cut_mix: 0.0,
        }
    }

    /// The rate in a pass, counted from 0.
    pub fn rate(&self, epoch: usize) -> f64 {
        let drops = self.drops.before.iter().filter(|&&before| before <= epoch).count();
        self.optimizer.rate() * self.drops.factor.powi(drops as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_fall_when_the_protocols_say_so() {
        let network = NetworkSpec::default;
        let dm = Recipe::dm(network(), 1000, Vec::new());
        assert_eq!((dm.epochs, dm.rate(0), dm.rate(500)), (1001, 0.01, 0.01));
        assert!((dm.rate(501) - 0.001).abs() < 1e-12);
        let idc = Recipe::idc(network(), 1000);
        assert!((idc.rate(665) - 0.01).abs() < 1e-12 && (idc.rate(666) - 0.002).abs() < 1e-12);
        assert!((idc.rate(999) - 0.0004).abs() < 1e-12);
        let ncfm = Recipe::ncfm(network(), 2000, &Family::ALL);
        assert!((ncfm.rate(399) - 0.001).abs() < 1e-12 && (ncfm.rate(1999) - 0.001 / 16.0).abs() < 1e-12);
        assert!(!matches!(&ncfm.augmentation, Augmentation::OneFamily(families) if families.contains(&Family::Cutout)));
        assert_eq!(Recipe::pretraining(network(), 5).rate(4), 0.01);
    }
}
