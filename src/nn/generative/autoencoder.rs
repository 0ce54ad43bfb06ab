//! A convolutional variational autoencoder (Kingma and Welling, ICLR 2014): images to a few numbers and back.
//!
//! The encoder halves the sides until they are below eight pixels, the decoder doubles them again by sub-pixel convolutions
//! (Shi et al., CVPR 2016). No norm: means and contrasts of an image are part of what has to be kept.

use candle_core::{D, Result, Tensor, Var};
use candle_nn::{Linear, Module};
use serde::{Deserialize, Serialize};

use crate::{
    data::ImageShape,
    nn::{
        init::Init,
        networks::{Norm, Unit, Window},
    },
};

/// Sides below this are not halved any more.
const SMALLEST_SIDE: usize = 8;

/// The choices that make an autoencoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoencoderSpec {
    /// Filters of the first convolution; behind it there are twice as many.
    pub width: usize,
    /// Numbers that an image becomes.
    pub dimensions: usize,
}

impl Default for AutoencoderSpec {
    fn default() -> Self {
        Self { width: 16, dimensions: 16 }
    }
}

impl AutoencoderSpec {
    /// In words.
    pub fn describe(&self) -> String {
        format!("autoencoder, width {}, {} dimensions", self.width, self.dimensions)
    }

    /// Height and width of the maps of each level, the images first.
    fn levels(shape: ImageShape) -> Vec<[usize; 2]> {
        let mut levels = vec![[shape.height, shape.width]];
        while levels[levels.len() - 1].iter().all(|side| *side >= SMALLEST_SIDE) {
            levels.push(levels[levels.len() - 1].map(|side| side.div_ceil(2)));
        }
        levels
    }

    /// Filters of a level behind the images.
    fn filters(&self, level: usize) -> usize {
        self.width * level.clamp(1, 2)
    }
}

/// An autoencoder with its parameters.
pub struct Autoencoder {
    dimensions: usize,
    levels: Vec<[usize; 2]>,
    encoder: Vec<Unit>,
    to_code: Linear,
    from_code: Linear,
    decoder: Vec<Unit>,
    last: Unit,
    variables: Vec<Var>,
}

impl Autoencoder {
    /// Draws an autoencoder for images of `shape`.
    pub fn new(spec: &AutoencoderSpec, shape: ImageShape, mut init: Init<'_>) -> Result<Self> {
        let levels = AutoencoderSpec::levels(shape);
        let deepest = levels.len() - 1;
        let window = |channels, filters, stride| Window { channels, filters, side: 3, stride, padding: 1, bias: true };
        let mut encoder = Vec::new();
        for level in 1..=deepest {
            let channels = if level == 1 { shape.channels } else { spec.filters(level - 1) };
            encoder.push(Unit::new(window(channels, spec.filters(level), 2), Norm::None, &mut init)?);
        }
        let filters = spec.filters(deepest);
        let channels = if deepest == 0 { shape.channels } else { filters };
        encoder.push(Unit::new(window(channels, filters, 1), Norm::None, &mut init)?);
        let maps = filters * levels[deepest].iter().product::<usize>();
        let (to_code, from_code) = (init.linear(maps, 2 * spec.dimensions)?, init.linear(spec.dimensions, maps)?);
        let first = spec.width.div_ceil(2);
        let mut decoder = Vec::new();
        for level in (1..=deepest).rev() {
            let below = if level == 1 { first } else { spec.filters(level - 1) };
            decoder.push(Unit::new(window(spec.filters(level), 4 * below, 1), Norm::None, &mut init)?);
        }
        let channels = if deepest == 0 { filters } else { first };
        let last = Unit::new(window(channels, shape.channels, 1), Norm::None, &mut init)?;
        let variables = init.into_variables();
        Ok(Self { dimensions: spec.dimensions, levels, encoder, to_code, from_code, decoder, last, variables })
    }

    /// Mean and logarithm of the variance of each number: `(n, channels, height, width) -> 2 (n, dimensions)`.
    pub fn encode(&self, images: &Tensor) -> Result<[Tensor; 2]> {
        let mut x = images.clone();
        for unit in &self.encoder {
            x = unit.forward(&x, true)?;
        }
        let code = self.to_code.forward(&x.flatten_from(1)?)?; // (n, 2 dimensions)
        let part = |at: usize| code.narrow(D::Minus1, at * self.dimensions, self.dimensions);
        Ok([part(0)?, part(1)?])
    }

    /// `(n, dimensions) -> (n, channels, height, width)`
    pub fn decode(&self, points: &Tensor) -> Result<Tensor> {
        let deepest = self.levels[self.levels.len() - 1];
        let mut x = self.from_code.forward(points)?.relu()?.reshape((points.dim(0)?, (), deepest[0], deepest[1]))?;
        for (unit, [height, width]) in self.decoder.iter().zip(self.levels.iter().rev().skip(1)) {
            let doubled = candle_nn::ops::pixel_shuffle(&unit.forward(&x, true)?, 2)?;
            x = doubled.narrow(2, 0, *height)?.narrow(3, 0, *width)?.contiguous()?;
        }
        self.last.forward(&x, false)
    }

    /// What training makes smaller: `D/2 log(mean squared error) + KL`, the mean over the images `(n, channels, height, width)`.
    /// `noise` is `(n, dimensions)`, standard normal.
    ///
    /// The variance of the decoder is the one that fits best, so that the two parts need no weight between them (Rybkin et al.,
    /// ICML 2021); `KL = 1/2 sum(m^2 + s^2 - 1 - log s^2)` in nats, `D` values of an image.
    pub fn loss(&self, images: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let [mean, log_variance] = self.encode(images)?;
        let code = (&mean + (log_variance.affine(0.5, 0.0)?.exp()? * noise)?)?;
        let error = (self.decode(&code)? - images)?.sqr()?.mean_all()?;
        let values = images.elem_count() / images.dim(0)?;
        let divergence = ((mean.sqr()? + log_variance.exp()?)? - log_variance)?.affine(0.5, -0.5)?; // (n, dimensions)
        (error.log()? * (0.5 * values as f64))? + divergence.sum(D::Minus1)?.mean_all()?
    }

    /// The parameters that can be trained; empty for a frozen one.
    pub fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// Numbers that an image becomes.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }
}
