//! LeNet, AlexNet and VGG11: convolutions one after the other, some followed by 2x2 max pooling, then linear layers.
//!
//! Reference: `LeNet`, `AlexNet`, `AlexNetBN`, `VGG11` and `VGG11BN` of VICO-UoE/DatasetCondensation (`networks.py`).
//! The linear layers fit the maps of any image, where the published ones are for 28 and 32 pixels; at those they are the
//! same. Smaller images are enlarged by a whole factor first.

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module};

use super::{
    Head,
    unit::{Norm, Unit, Window, check_size, enlargement},
};
use crate::{
    data::ImageShape,
    nn::{Network, init::Init, layers},
};

/// Filters, side and padding of a convolution, and whether pooling follows.
type Row = (usize, usize, usize, bool);

const VGG11: [(usize, bool); 8] =
    [(64, true), (128, true), (256, false), (256, true), (512, false), (512, true), (512, false), (512, true)];

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classic {
    /// Two convolutions of 5x5, three linear layers.
    LeNet,
    /// Five convolutions, one linear layer.
    AlexNet(Norm),
    /// Eight convolutions, one linear layer.
    Vgg11(Norm),
}

impl Classic {
    fn name(self) -> &'static str {
        match self {
            Self::LeNet => "LeNet",
            Self::AlexNet(_) => "AlexNet",
            Self::Vgg11(_) => "VGG11",
        }
    }

    fn norm(self) -> Norm {
        match self {
            Self::LeNet => Norm::None,
            Self::AlexNet(norm) | Self::Vgg11(norm) => norm,
        }
    }

    /// Grey images of 28 pixels are padded to 32.
    fn rows(self, grey: bool) -> Vec<Row> {
        match self {
            Self::LeNet => vec![(6, 5, if grey { 2 } else { 0 }, true), (16, 5, 0, true)],
            Self::AlexNet(_) => vec![
                (128, 5, if grey { 4 } else { 2 }, true),
                (192, 5, 2, true),
                (256, 3, 1, false),
                (192, 3, 1, false),
                (192, 3, 1, true),
            ],
            Self::Vgg11(_) => VGG11
                .iter()
                .enumerate()
                .map(|(number, &(filters, pool))| (filters, 3, if grey && number == 0 { 3 } else { 1 }, pool))
                .collect(),
        }
    }

    /// Neurons of the linear layers before the logits.
    fn hidden(self) -> &'static [usize] {
        match self {
            Self::LeNet => &[120, 84],
            Self::AlexNet(_) | Self::Vgg11(_) => &[],
        }
    }

    /// Filters, height and width behind the last convolution; a side is 0 where the image is too small.
    fn maps(self, shape: ImageShape) -> [usize; 3] {
        let factor = enlargement(shape);
        let mut maps = [shape.channels, factor * shape.height, factor * shape.width];
        for (filters, side, padding, pool) in self.rows(shape.channels == 1) {
            let shrink = |at: usize| (at + 2 * padding + 1).saturating_sub(side) / if pool { 2 } else { 1 };
            maps = [filters, shrink(maps[1]), shrink(maps[2])];
        }
        maps
    }

    /// Says why images of this shape cannot pass, if they cannot.
    pub fn check(self, shape: ImageShape) -> std::result::Result<(), String> {
        check_size(shape, self.name())
    }

    /// In words, for example `AlexNet, batch norm`.
    pub fn describe(self) -> String {
        match self.norm() {
            Norm::None => self.name().to_owned(),
            norm => format!("{}, {}", self.name(), norm.describe()),
        }
    }

    /// Draws a network for images of `shape`.
    pub fn build(self, shape: ImageShape, classes: usize, mut init: Init<'_>) -> Result<impl Network + use<>> {
        let mut channels = shape.channels;
        let mut units = Vec::new();
        for (filters, side, padding, pool) in self.rows(shape.channels == 1) {
            let window = Window { channels, filters, side, stride: 1, padding, bias: true };
            units.push((Unit::new(window, self.norm(), &mut init)?, pool));
            channels = filters;
        }
        let mut maps = self.maps(shape);
        let mut hidden = Vec::new();
        for &neurons in self.hidden() {
            hidden.push(init.linear(maps.iter().product(), neurons)?);
            maps = [neurons, 1, 1];
        }
        let classifier = init.linear(maps.iter().product(), classes)?;
        let variables = init.into_variables();
        let head = Head { classifier: Some(classifier), maps, variables };
        Ok(Stack { enlargement: enlargement(shape), units, hidden, head })
    }
}

struct Stack {
    enlargement: usize,
    units: Vec<(Unit, bool)>,
    hidden: Vec<Linear>,
    head: Head,
}

impl Network for Stack {
    fn embed(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = layers::enlarge(images, self.enlargement)?;
        for (unit, pool) in &self.units {
            x = unit.forward(&x, true)?;
            if *pool {
                x = layers::max_pool(&x, 2)?;
            }
        }
        x = x.flatten_from(1)?;
        for layer in &self.hidden {
            x = layer.forward(&x)?.relu()?;
        }
        Ok(x)
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn set_training(&self, training: bool) {
        self.units.iter().for_each(|(unit, _)| unit.set_training(training));
    }
}
