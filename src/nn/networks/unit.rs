//! What most networks repeat: a convolution, a norm, a ReLU. And how small images are made large enough for them.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    data::ImageShape,
    nn::{
        init::Init,
        layers::{BatchNorm, Convolution, Groups, normalise},
    },
};

/// Smallest side of an image for which LeNet, AlexNet, VGG11 and ResNet18 are published.
const SMALLEST_SIDE: usize = 28;
/// Images are enlarged at most so many times: what is smaller has nothing to see in it.
const MOST_ENLARGED: usize = 4;

/// What follows a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Nothing.
    None,
    /// Each channel of each image by itself.
    Instance,
    /// All channels of an image together, with one factor to a channel (PyTorch's has one to a position).
    Layer,
    /// Four groups of channels.
    Group,
    /// Each channel over a batch; at the end over what was seen in training.
    Batch,
}

impl Norm {
    /// In words, for example `batch norm`.
    pub fn describe(self) -> &'static str {
        match self {
            Self::None => "no norm",
            Self::Instance => "instance norm",
            Self::Layer => "layer norm",
            Self::Group => "group norm",
            Self::Batch => "batch norm",
        }
    }

    /// What is normalised together, among so many channels.
    pub(super) fn groups(self, channels: usize) -> Option<Groups> {
        match self {
            Self::None => None,
            Self::Instance => Some(Groups::OfImage(channels)),
            Self::Layer => Some(Groups::OfImage(1)),
            Self::Group => Some(Groups::OfImage(4)),
            Self::Batch => Some(Groups::OfBatch),
        }
    }
}

/// How many times the sides of an image are enlarged before it enters a network that is defined from 28 pixels up.
pub(super) fn enlargement(shape: ImageShape) -> usize {
    SMALLEST_SIDE.div_ceil(shape.height.min(shape.width).max(1))
}

/// Says why images are too small for a network that is defined from 28 pixels up, if they are.
pub(super) fn check_size(shape: ImageShape, network: &str) -> std::result::Result<(), String> {
    let factor = enlargement(shape);
    if factor <= MOST_ENLARGED {
        return Ok(());
    }
    Err(format!(
        "{network} is made for images of at least {SMALLEST_SIDE} pixels a side: those of {}x{} would have to be enlarged \
         {factor} times, and {MOST_ENLARGED} times is the most. Use convnet or mlp",
        shape.height, shape.width
    ))
}

/// Sizes of a convolution.
#[derive(Clone, Copy)]
pub(in crate::nn) struct Window {
    pub(in crate::nn) channels: usize,
    pub(in crate::nn) filters: usize,
    pub(in crate::nn) side: usize,
    pub(in crate::nn) stride: usize,
    pub(in crate::nn) padding: usize,
    pub(in crate::nn) bias: bool,
}

/// A convolution and what follows it.
pub(in crate::nn) struct Unit {
    convolution: Convolution,
    norm: Option<NormLayer>,
}

struct NormLayer {
    gamma: Tensor,
    beta: Tensor,
    groups: Groups,
    batch: Option<BatchNorm>,
}

impl Unit {
    pub(in crate::nn) fn new(window: Window, norm: Norm, init: &mut Init<'_>) -> Result<Self> {
        let Window { channels, filters, side, stride, padding, bias } = window;
        let fan_in = channels * side * side;
        let weight = init.draw(filters * fan_in, fan_in);
        let weight = init.place(weight, (filters, channels, side, side))?;
        let bias = match bias {
            true => {
                let bias = init.draw(filters, fan_in);
                Some(init.place(bias, filters)?)
            }
            false => None,
        };
        let convolution = Convolution { weight, bias, stride, padding };
        let norm = match norm.groups(filters) {
            None => None,
            Some(groups) => {
                let gamma = init.place(vec![1.0; filters], filters)?;
                let beta = init.place(vec![0.0; filters], filters)?;
                let of_batch = groups == Groups::OfBatch;
                let batch = of_batch.then(|| BatchNorm::new(filters, gamma.dtype(), gamma.device())).transpose()?;
                Some(NormLayer { gamma, beta, groups, batch })
            }
        };
        Ok(Self { convolution, norm })
    }

    /// `(n, channels, h, w) -> (n, filters, h', w')`, cut off at zero where `relu` says so.
    pub(in crate::nn) fn forward(&self, x: &Tensor, relu: bool) -> Result<Tensor> {
        match &self.norm {
            None if relu => self.convolution.forward_relu(x),
            None => self.convolution.forward(x),
            Some(norm) => norm.forward(&self.convolution.forward(x)?, relu),
        }
    }

    pub(super) fn set_training(&self, training: bool) {
        if let Some(NormLayer { batch: Some(batch), .. }) = &self.norm {
            batch.set_training(training);
        }
    }
}

impl NormLayer {
    fn forward(&self, x: &Tensor, relu: bool) -> Result<Tensor> {
        match &self.batch {
            Some(batch) => batch.forward(x, &self.gamma, &self.beta, relu),
            None => normalise(x, &self.gamma, &self.beta, self.groups, relu),
        }
    }
}
