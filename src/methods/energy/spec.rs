//! An energy map as it stands in a config.

use serde::{Deserialize, Serialize};

use super::{Assignment, EnergyMap, Source};
use crate::{
    data::Dataset,
    error::Result,
    math::Transform,
    methods::{Method, MethodSpec, Planned, Scope, Setup},
};

/// Everything that makes the map besides data, seed and learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnergySpec {
    /// Where features come from.
    pub features: Source,
    /// Number of principal components, where features are those.
    pub components: usize,
    /// Features are raised to this power first, against their skewness (Tukey): 1 leaves them.
    pub power: f64,
    /// Dimensions of the map.
    pub dimensions: usize,
    /// Samples of each class; fewer where a class has fewer.
    pub samples: usize,
    /// Weight of the energy of pairs of one class.
    pub within: f64,
    /// Weight of the energy of pairs of two classes.
    pub between: f64,
    /// Added to every scaled distance: `b0`.
    pub offset: f64,
    /// Scale of distances between classes: `g1`.
    pub ratio: f64,
    /// Share of the features that a step leaves out.
    pub dropout: f64,
    /// Pull of the map towards zero.
    pub decay: f64,
    /// How sigma points are made.
    pub transform: Transform,
    /// Spread of the sigma points: `alpha`.
    pub alpha: f64,
    /// Spread of the sigma points: `kappa`; 20 as released, `3 - dimensions` in the textbook.
    pub kappa: f64,
    /// How samples are given to sigma points.
    pub picks: Assignment,
}

impl Default for EnergySpec {
    fn default() -> Self {
        Self {
            features: Source::Network,
            components: 64,
            power: 1.0,
            dimensions: 10,
            samples: 200,
            within: 1.0,
            between: 1.0,
            offset: 0.3,
            ratio: 0.1,
            dropout: 0.2,
            decay: 5e-4,
            transform: Transform::Exact,
            alpha: 1.0,
            kappa: 20.0,
            picks: Assignment::Greedy,
        }
    }
}

impl MethodSpec for EnergySpec {
    fn scope(&self) -> Scope {
        Scope::Set
    }

    fn faults(&self, run: &Planned<'_>) -> Vec<String> {
        self.check(run.per_class, run.data).err().into_iter().collect()
    }

    fn untrained(&self) -> Box<dyn MethodSpec> {
        Box::new(Self { features: Source::Pixels, power: 1.0, ..self.clone() })
    }

    fn build(&self, setup: Setup) -> Result<Box<dyn Method>> {
        Ok(Box::new(EnergyMap::new(self.clone(), setup)?))
    }
}

impl EnergySpec {
    /// Says what is wrong with it, if something is.
    pub fn check(&self, per_class: usize, data: &Dataset) -> std::result::Result<(), String> {
        if self.dimensions < 2 {
            return Err("energy.dimensions must be at least 2".to_owned());
        }
        let sigma = 2 * self.dimensions + 1;
        if per_class > sigma {
            return Err(format!(
                "{} dimensions have {sigma} sigma points, fewer than the {per_class} images for each class. Ask for fewer with \
                 --ipc, or for more dimensions",
                self.dimensions
            ));
        }
        if self.samples.min(data.smallest_class()) < sigma {
            return Err(format!("{} dimensions need {sigma} samples of every class at least", self.dimensions));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(format!("energy.dropout is from 0 up to but not including 1, not {}", self.dropout));
        }
        if !(self.offset.is_finite() && self.offset > 0.0) {
            return Err(format!("energy.offset must be more than 0, not {}", self.offset));
        }
        if self.alpha <= 0.0 || self.dimensions as f64 + self.kappa <= 0.0 {
            return Err("energy.alpha and dimensions + energy.kappa must be more than 0".to_owned());
        }
        let numbers = [
            ("within", self.within),
            ("between", self.between),
            ("ratio", self.ratio),
            ("decay", self.decay),
            ("power", self.power),
        ];
        match numbers.into_iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
            Some((name, value)) => Err(format!("energy.{name} must be 0 or more, not {value}")),
            None => Ok(()),
        }
    }
}
