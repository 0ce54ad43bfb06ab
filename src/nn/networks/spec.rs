//! Which network, as it stands in a config.

use candle_core::Result;
use serde::{Deserialize, Serialize};

use super::{Classic, ConvNet, ConvNetSpec, Identity, Mlp, MlpSpec, Norm, ResNet18};
use crate::{
    data::ImageShape,
    nn::{Network, init::Init},
};

/// A network by its kind and choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum NetworkSpec {
    /// The backbone of this field.
    ConvNet(ConvNetSpec),
    /// Two hidden layers.
    Mlp(MlpSpec),
    /// Two convolutions, three linear layers.
    LeNet {},
    /// Five convolutions.
    AlexNet {
        /// Published without and with batch norm.
        #[serde(default = "none")]
        norm: Norm,
    },
    /// Eight convolutions.
    Vgg11 {
        /// Published with instance and with batch norm.
        #[serde(default = "instance")]
        norm: Norm,
    },
    /// Seventeen convolutions with shortcuts.
    ResNet18 {
        /// Published with instance and with batch norm.
        #[serde(default = "instance")]
        norm: Norm,
    },
    /// Features are the pixels themselves.
    Identity {},
}

fn none() -> Norm {
    Norm::None
}

fn instance() -> Norm {
    Norm::Instance
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
            Self::LeNet {} => Box::new(Classic::LeNet.build(shape, classes, init)?),
            Self::AlexNet { norm } => Box::new(Classic::AlexNet(*norm).build(shape, classes, init)?),
            Self::Vgg11 { norm } => Box::new(Classic::Vgg11(*norm).build(shape, classes, init)?),
            Self::ResNet18 { norm } => Box::new(ResNet18(*norm).build(shape, classes, init)?),
            Self::Identity {} => Box::new(Identity::new(shape)),
        })
    }

    /// Says why images of this shape cannot pass, if they cannot.
    pub fn check(&self, shape: ImageShape) -> std::result::Result<(), String> {
        match self {
            Self::ConvNet(spec) => spec.check(shape),
            Self::Mlp(spec) if spec.width == 0 => Err("network.width must be at least 1".to_owned()),
            Self::Mlp(_) | Self::Identity {} => Ok(()),
            Self::LeNet {} => Classic::LeNet.check(shape),
            Self::AlexNet { norm } => Classic::AlexNet(*norm).check(shape),
            Self::Vgg11 { norm } => Classic::Vgg11(*norm).check(shape),
            Self::ResNet18 { norm } => ResNet18(*norm).check(shape),
        }
    }

    /// True if what it says of an image depends on the batch that the image is in. Such a network can judge, but not be
    /// matched through: there its twin with instance norm is used, as published.
    pub fn has_batch_norm(&self) -> bool {
        match self {
            Self::ConvNet(spec) => spec.norm == Norm::Batch,
            Self::AlexNet { norm } | Self::Vgg11 { norm } | Self::ResNet18 { norm } => *norm == Norm::Batch,
            Self::Mlp(_) | Self::LeNet {} | Self::Identity {} => false,
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
            Self::ConvNet(spec) => spec.describe(),
            Self::Mlp(spec) => format!("MLP, width {}", spec.width),
            Self::LeNet {} => Classic::LeNet.describe(),
            Self::AlexNet { norm } => Classic::AlexNet(*norm).describe(),
            Self::Vgg11 { norm } => Classic::Vgg11(*norm).describe(),
            Self::ResNet18 { norm } => ResNet18(*norm).describe(),
            Self::Identity {} => "pixels".to_owned(),
        }
    }
}
