//! A quantizer as it stands in a config.

use serde::{Deserialize, Serialize};

use super::Quantizer;
use crate::{
    data::Dataset,
    error::Result,
    math::Gains,
    methods::{Method, MethodSpec, Planned, Scope, Setup},
};

/// Where points and samples lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaceKind {
    /// The latent space of an autoencoder that the tool trains on the real images, with a prior.
    #[default]
    Autoencoder,
    /// The pixels.
    Pixels,
    /// Pca components of the pixels.
    Components,
    /// What a network that the tool trains on the real images sees before its class scores. It cannot be turned back into images:
    /// the real image nearest to each point stands for it.
    Network,
}

/// Everything that makes a quantizer besides data, seed, number of points and rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuantizerSpec {
    /// Where points and samples lie.
    pub space: SpaceKind,
    /// Number of principal components, where the space is theirs.
    pub components: usize,
    /// How far a point moves towards a sample that it has won.
    pub gains: Gains,
    /// Samples of each class that compete in a step; fewer where a class has fewer.
    pub batch: usize,
    /// Samples of each class that the quantizer knows; 0 for all.
    pub samples: usize,
    /// How fast shared gains fall.
    pub decay: f64,
    /// The exponent by which masses count in training: 1 is DDOQ, 0 is D4M.
    pub tempering: f64,
    /// The time to which the prior noises a point before it brings it back, from 0 (not at all) to 1.
    pub time: f64,
    /// How far the prior drives points away from what all classes share: 8 as released, 1 not at all.
    pub guidance: f64,
    /// Points that have won less than this share of what the best of their class has won begin anew at a sample (as
    /// `MiniBatchKMeans` of scikit-learn does, with 0.01); 0 for never. Shared gains leave all points where they are.
    pub reassign: f64,
    /// How much of the real image nearest to a point is in its image: 0 is the decoded point, 1 the real image.
    pub medoid: f64,
}

impl Default for QuantizerSpec {
    fn default() -> Self {
        Self {
            space: SpaceKind::Autoencoder,
            components: 64,
            gains: Gains::PerPoint,
            batch: 64,
            samples: 0,
            decay: 1.0,
            tempering: 1.0,
            time: 0.0,
            guidance: 8.0,
            reassign: 0.01,
            medoid: 0.0,
        }
    }
}

impl MethodSpec for QuantizerSpec {
    fn scope(&self) -> Scope {
        Scope::Class
    }

    fn faults(&self, run: &Planned<'_>) -> Vec<String> {
        self.check(run.per_class, run.data).err().into_iter().chain(run.latent.check().err()).collect()
    }

    fn needs_latent(&self) -> bool {
        self.space == SpaceKind::Autoencoder
    }

    fn untrained(&self) -> Box<dyn MethodSpec> {
        Box::new(Self { space: SpaceKind::Pixels, time: 0.0, ..self.clone() })
    }

    fn build(&self, setup: Setup) -> Result<Box<dyn Method>> {
        Ok(Box::new(Quantizer::new(self.clone(), setup)?))
    }
}

impl QuantizerSpec {
    /// Says what is wrong with it, if something is.
    pub fn check(&self, per_class: usize, data: &Dataset) -> std::result::Result<(), String> {
        if self.batch == 0 {
            return Err("quantizer.batch must be at least 1".to_owned());
        }
        if self.components < 2 {
            return Err("quantizer.components must be at least 2".to_owned());
        }
        let samples = self.samples_of(data.smallest_class());
        if samples < per_class {
            return Err(format!(
                "{per_class} points for each class need as many samples, and there are {samples}. Ask for fewer with --ipc, or raise \
                 quantizer.samples"
            ));
        }
        if self.space == SpaceKind::Autoencoder && !data.is_pictures() {
            return Err("points of a plane need no autoencoder: set quantizer.space=\"pixels\"".to_owned());
        }
        if self.time > 0.0 && self.space != SpaceKind::Autoencoder {
            return Err("quantizer.time needs a prior, and only the autoencoder's space has one".to_owned());
        }
        for (name, value) in [("time", self.time), ("medoid", self.medoid), ("reassign", self.reassign)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("quantizer.{name} is from 0 to 1, not {value}"));
            }
        }
        for (name, value) in [("tempering", self.tempering), ("decay", self.decay), ("guidance", self.guidance)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(format!("quantizer.{name} must be 0 or more, not {value}"));
            }
        }
        Ok(())
    }

    /// Samples of a class that has so many images.
    pub fn samples_of(&self, images: usize) -> usize {
        if self.samples == 0 { images } else { self.samples.min(images) }
    }
}
