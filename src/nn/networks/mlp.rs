//! MLP: flatten, two hidden layers with ReLU, logits (`networks.py` of VICO-UoE/DatasetCondensation, width 128).

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module};
use serde::{Deserialize, Serialize};

use super::Head;
use crate::{
    data::ImageShape,
    nn::{Network, init::Init},
};

/// The choices that make an MLP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpSpec {
    /// Neurons of each hidden layer.
    pub width: usize,
}

impl Default for MlpSpec {
    fn default() -> Self {
        Self { width: 128 }
    }
}

/// An MLP with its parameters.
pub struct Mlp {
    hidden: [Linear; 2],
    head: Head,
}

impl Mlp {
    /// Draws a network for images of `shape`.
    pub fn new(spec: &MlpSpec, shape: ImageShape, classes: usize, mut init: Init<'_>) -> Result<Self> {
        let hidden = [init.linear(shape.len(), spec.width)?, init.linear(spec.width, spec.width)?];
        let classifier = Some(init.linear(spec.width, classes)?);
        let head = Head { classifier, maps: [spec.width, 1, 1], variables: init.into_variables() };
        Ok(Self { hidden, head })
    }
}

impl Network for Mlp {
    fn embed(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = images.flatten_from(1)?;
        for layer in &self.hidden {
            x = layer.forward(&x)?.relu()?;
        }
        Ok(x)
    }

    fn head(&self) -> &Head {
        &self.head
    }
}
