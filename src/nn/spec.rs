//! Which network, as it stands in a config.

use candle_core::Result;
use serde::{Deserialize, Serialize};

use super::{ConvNet, ConvNetSpec, Identity, Mlp, MlpSpec, Network, init::Init};
use crate::data::ImageShape;

/// A network by its kind and choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum NetworkSpec {
    /// The backbone of this field.
    ConvNet(ConvNetSpec),
    /// Two hidden layers.
    Mlp(MlpSpec),
    /// Features are the pixels themselves.
    Identity {},
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self::ConvNet(ConvNetSpec::default())
    }
}

impl NetworkSpec {
    /// Draws its parameters.
    pub fn build(&self, shape: ImageShape, classes: usize, init: Init<'_>) -> Result<Box<dyn Network>> {
        Ok(match self {
            Self::ConvNet(spec) => Box::new(ConvNet::new(spec, shape, classes, init)?),
            Self::Mlp(spec) => Box::new(Mlp::new(spec, shape, classes, init)?),
            Self::Identity {} => Box::new(Identity::new(shape)),
        })
    }

    /// Says why images of this shape cannot pass, if they cannot.
    pub fn check(&self, shape: ImageShape) -> std::result::Result<(), String> {
        match self {
            Self::ConvNet(spec) => spec.check(shape),
            Self::Mlp(spec) if spec.width == 0 => Err("network.width must be at least 1".to_owned()),
            Self::Mlp(_) | Self::Identity {} => Ok(()),
        }
    }

    /// The network that judges a set distilled with this one: itself, or an MLP where this one cannot classify.
    #[must_use]
    pub fn judge(&self) -> Self {
        match self {
            Self::Identity {} => Self::Mlp(MlpSpec::default()),
            other => other.clone(),
        }
    }

    /// In words, for example `ConvNet, depth 3, width 128`.
    pub fn describe(&self) -> String {
        match self {
            Self::ConvNet(spec) => format!("ConvNet, depth {}, width {}", spec.depth, spec.width),
            Self::Mlp(spec) => format!("MLP, width {}", spec.width),
            Self::Identity {} => "pixels".to_owned(),
        }
    }
}
