//! ResNet18 with the stem for small images: a 3x3 convolution and no pooling before the eight blocks.
//!
//! Reference: `ResNet18` and `ResNet18BN` of VICO-UoE/DatasetCondensation (`networks.py`). The maps behind the last
//! block are pooled by 4x4: 512 features at 28 and 32 pixels, 2048 at 64, as VincenDen/IID and ndhg1213/CMIDD have it.

use candle_core::{Result, Tensor};

use super::{
    Head,
    unit::{Norm, Unit, Window, check_size, enlargement},
};
use crate::{
    data::ImageShape,
    nn::{Network, init::Init, layers},
};

const STEM: usize = 64;
/// Filters and first stride of each pair of blocks.
const PAIRS: [(usize, usize); 4] = [(64, 1), (128, 2), (256, 2), (512, 2)];
/// Side of the pooling at the end.
const LAST_POOLING: usize = 4;

/// ResNet18 with its norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNet18(pub Norm);

impl ResNet18 {
    /// Says why images of this shape cannot pass, if they cannot.
    pub fn check(self, shape: ImageShape) -> std::result::Result<(), String> {
        check_size(shape, "ResNet18")
    }

    /// In words, for example `ResNet18, instance norm`.
    pub fn describe(self) -> String {
        format!("ResNet18, {}", self.0.describe())
    }

    /// Draws a network for images of `shape`.
    pub fn build(self, shape: ImageShape, classes: usize, mut init: Init<'_>) -> Result<impl Network + use<>> {
        let plain = Window { channels: shape.channels, filters: STEM, side: 3, stride: 1, padding: 1, bias: false };
        let stem = Unit::new(plain, self.0, &mut init)?;
        let factor = enlargement(shape);
        let mut maps = [STEM, factor * shape.height, factor * shape.width];
        let mut blocks = Vec::new();
        for (filters, first_stride) in PAIRS {
            for stride in [first_stride, 1] {
                let first = Window { channels: maps[0], filters, stride, ..plain };
                let second = Window { channels: filters, filters, ..plain };
                let shortcut = Window { side: 1, padding: 0, ..first };
                blocks.push(Block {
                    first: Unit::new(first, self.0, &mut init)?,
                    second: Unit::new(second, self.0, &mut init)?,
                    shortcut: match stride != 1 || maps[0] != filters {
                        true => Some(Unit::new(shortcut, self.0, &mut init)?),
                        false => None,
                    },
                });
                maps = [filters, maps[1].div_ceil(stride), maps[2].div_ceil(stride)];
            }
        }
        maps = [maps[0], maps[1] / LAST_POOLING, maps[2] / LAST_POOLING];
        let classifier = init.linear(maps.iter().product(), classes)?;
        let head = Head { classifier: Some(classifier), maps, variables: init.into_variables() };
        Ok(Residual { enlargement: factor, stem, blocks, head })
    }
}

struct Block {
    first: Unit,
    second: Unit,
    shortcut: Option<Unit>,
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.second.forward(&self.first.forward(x, true)?, false)?;
        let past = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x, false)?,
            None => x.clone(),
        };
        (y + past)?.relu()
    }

    fn units(&self) -> impl Iterator<Item = &Unit> {
        [&self.first, &self.second].into_iter().chain(&self.shortcut)
    }
}

struct Residual {
    enlargement: usize,
    stem: Unit,
    blocks: Vec<Block>,
    head: Head,
}

impl Network for Residual {
    fn embed(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = self.stem.forward(&layers::enlarge(images, self.enlargement)?, true)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        layers::avg_pool(&x, LAST_POOLING)?.flatten_from(1)
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn set_training(&self, training: bool) {
        [&self.stem].into_iter().chain(self.blocks.iter().flat_map(Block::units)).for_each(|unit| {
            unit.set_training(training);
        });
    }
}
