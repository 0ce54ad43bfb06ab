//! ConvNet, the backbone of this field: `depth` blocks of 3x3 convolution, norm, ReLU, pooling, then a linear layer.
//!
//! Reference: `ConvNet` of VICO-UoE/DatasetCondensation (`networks.py`). "Instance norm" there and here is a group norm
//! with as many groups as channels, affine, without running statistics. The first convolution pads by 3 when images are
//! grey (28x28 becomes 32x32), by 1 otherwise, unless the config says so.

use candle_core::{DType, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::{Head, unit::Norm};
use crate::{
    data::ImageShape,
    nn::{
        Network,
        init::Init,
        kernels::{Blocks, conv_blocks},
        layers::{self, BatchNorm, Convolution, Groups, normalise},
    },
};

/// The choices that make a ConvNet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConvNetSpec {
    /// Filters of every convolution.
    pub width: usize,
    /// Number of blocks.
    pub depth: usize,
    /// What follows a convolution.
    pub norm: Norm,
    /// What follows the norm.
    pub activation: Activation,
    /// What ends a block.
    pub pooling: Pooling,
    /// Padding of the first convolution; 3 for grey images and 1 for colour where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padding: Option<usize>,
}

impl Default for ConvNetSpec {
    fn default() -> Self {
        Self {
            width: 128,
            depth: 3,
            norm: Norm::Instance,
            activation: Activation::Relu,
            pooling: Pooling::Avg,
            padding: None,
        }
    }
}

/// What follows the norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Negative values become zero.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Negative values are divided by 100.
    Leaky,
    /// `x / (1 + exp(-x))`.
    Swish,
}

impl Activation {
    fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Relu => x.relu(),
            Self::Sigmoid => candle_nn::ops::sigmoid(x),
            Self::Leaky => candle_nn::ops::leaky_relu(x, 0.01),
            Self::Swish => x.silu(),
        }
    }
}

/// What ends a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Nothing; the size stays.
    None,
    /// Mean of 2x2 windows.
    Avg,
    /// Largest of 2x2 windows.
    Max,
}

impl ConvNetSpec {
    fn first_padding(&self, shape: ImageShape) -> usize {
        self.padding.unwrap_or(if shape.channels == 1 { 3 } else { 1 })
    }

    /// Says why images of this shape cannot pass, if they cannot.
    pub fn check(&self, shape: ImageShape) -> std::result::Result<(), String> {
        if self.width == 0 || self.depth == 0 {
            return Err("network.width and network.depth must be at least 1".to_owned());
        }
        if self.norm == Norm::Group && !self.width.is_multiple_of(4) {
            return Err(format!("network.norm = \"group\" needs a width that 4 divides, not {}", self.width));
        }
        if self.maps(shape).contains(&0) {
            return Err(format!(
                "images of {}x{} are too small for {} blocks that each halve them. Set network.depth lower",
                shape.height, shape.width, self.depth
            ));
        }
        Ok(())
    }

    /// In words, for example `ConvNet, depth 3, width 128`; what is as published is not said.
    pub fn describe(&self) -> String {
        let mut text = format!("ConvNet, depth {}, width {}", self.depth, self.width);
        if self.norm != Norm::Instance {
            text += &format!(", {}", self.norm.describe());
        }
        text += match self.activation {
            Activation::Relu => "",
            Activation::Sigmoid => ", sigmoid",
            Activation::Leaky => ", leaky ReLU",
            Activation::Swish => ", swish",
        };
        text + match self.pooling {
            Pooling::Avg => "",
            Pooling::Max => ", max pooling",
            Pooling::None => ", no pooling",
        }
    }

    /// Filters, height and width after the last block.
    fn maps(&self, shape: ImageShape) -> [usize; 3] {
        let padded = |side: usize| (side + 2 * self.first_padding(shape)).saturating_sub(2);
        let shrink = |side: usize| match self.pooling {
            Pooling::None => padded(side),
            Pooling::Avg | Pooling::Max => (0..self.depth).fold(padded(side), |side, _| side / 2),
        };
        [self.width, shrink(shape.height), shrink(shape.width)]
    }
}

/// A ConvNet with its parameters.
pub struct ConvNet {
    spec: ConvNetSpec,
    shape: ImageShape,
    /// Weight, bias, gamma and beta of block after block, in one piece: the fused operation takes them so.
    blocks: Tensor,
    /// Of each block, where the norm is that of a batch.
    batch_norms: Vec<BatchNorm>,
    head: Head,
    frozen: bool,
}

impl ConvNet {
    /// Draws a network for images of `shape`.
    pub fn new(spec: &ConvNetSpec, shape: ImageShape, classes: usize, mut init: Init<'_>) -> Result<Self> {
        let mut packed = Vec::new();
        for block in 0..spec.depth {
            let input = if block == 0 { shape.channels } else { spec.width };
            packed.extend(init.draw(spec.width * input * 9, input * 9));
            packed.extend(init.draw(spec.width, input * 9));
            if spec.norm != Norm::None {
                packed.extend(std::iter::repeat_n(1.0, spec.width));
                packed.extend(std::iter::repeat_n(0.0, spec.width));
            }
        }
        let count = packed.len();
        let blocks = init.place(packed, count)?;
        let batch_norms = match spec.norm {
            Norm::Batch => (0..spec.depth)
                .map(|_| BatchNorm::new(spec.width, blocks.dtype(), blocks.device()))
                .collect::<Result<_>>()?,
            _ => Vec::new(),
        };
        let maps = spec.maps(shape);
        let classifier = Some(init.linear(maps.iter().product(), classes)?);
        let frozen = init.is_frozen();
        let head = Head { classifier, maps, variables: init.into_variables() };
        Ok(Self { spec: spec.clone(), shape, blocks, batch_norms, head, frozen })
    }

    /// A frozen network with known parameters: `blocks` packed as [`ConvNet::new`] draws them, weight
    /// `(classes, embedding)` and bias `(classes,)` of the classifier.
    pub fn with_parameters(
        spec: &ConvNetSpec,
        shape: ImageShape,
        blocks: Tensor,
        classifier: candle_nn::Linear,
    ) -> Self {
        let head = Head { classifier: Some(classifier), maps: spec.maps(shape), variables: Vec::new() };
        Self { spec: spec.clone(), shape, blocks, batch_norms: Vec::new(), head, frozen: true }
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.blocks.elem_count() + self.head.parameter_count()
    }

    /// True where the fused operation computes just this: the network of the papers, on a CPU.
    fn is_fused(&self, images: &Tensor) -> bool {
        images.device().is_cpu()
            && images.dtype() == DType::F32
            && self.spec.norm == Norm::Instance
            && self.spec.activation == Activation::Relu
            && self.spec.pooling == Pooling::Avg
    }

    /// Block after block in single layers, for every kind of block, device and precision.
    fn blocks_apart(&self, images: &Tensor) -> Result<Tensor> {
        let width = self.spec.width;
        let mut offset = 0;
        let mut take = |count: usize| {
            offset += count;
            self.blocks.narrow(0, offset - count, count)
        };
        let relu = self.spec.activation == Activation::Relu;
        let mut x = images.clone(); // (n, c, h, w)
        for block in 0..self.spec.depth {
            let input = if block == 0 { self.shape.channels } else { width };
            let padding = if block == 0 { self.spec.first_padding(self.shape) } else { 1 };
            let weight = take(width * input * 9)?.reshape((width, input, 3, 3))?;
            let convolution = Convolution { weight, bias: Some(take(width)?), stride: 1, padding };
            x = match self.spec.norm.groups(width) {
                None if relu => convolution.forward_relu(&x)?,
                None => convolution.forward(&x)?,
                Some(groups) => {
                    let (gamma, beta) = (take(width)?, take(width)?);
                    let x = convolution.forward(&x)?;
                    match groups {
                        Groups::OfBatch => self.batch_norms[block].forward(&x, &gamma, &beta, relu)?,
                        Groups::OfImage(_) => normalise(&x, &gamma, &beta, groups, relu)?,
                    }
                }
            };
            if !relu {
                x = self.spec.activation.apply(&x)?;
            }
            x = match self.spec.pooling {
                Pooling::None => x,
                Pooling::Avg => layers::avg_pool(&x, 2)?,
                Pooling::Max => layers::max_pool(&x, 2)?,
            };
        }
        Ok(x)
    }
}

impl Network for ConvNet {
    fn embed(&self, images: &Tensor) -> Result<Tensor> {
        let maps = if self.is_fused(images) {
            let blocks = Blocks {
                channels: self.shape.channels,
                height: self.shape.height,
                width: self.shape.width,
                filters: self.spec.width,
                depth: self.spec.depth,
                first_padding: self.spec.first_padding(self.shape),
            };
            conv_blocks(&blocks, images, &self.blocks, self.frozen)?
        } else {
            self.blocks_apart(images)?
        };
        maps.flatten_from(1)
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn set_training(&self, training: bool) {
        self.batch_norms.iter().for_each(|norm| norm.set_training(training));
    }
}
