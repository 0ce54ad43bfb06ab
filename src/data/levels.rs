//! Images as files have them, numbers of any kind in any usual layout, made to levels of a byte.

use super::{Bytes, ImageShape, bytes::Gathered};
use crate::error::Result;

/// Numbers a little outside of a range are taken for those at its end.
const SLACK: f64 = 1e-3;
/// Levels of sets whose white is not 255, such as scikit-learn's digits.
const FEW_LEVELS: f64 = 16.0;
/// Fractions that reach less far are more likely normalised than levels.
const FAR: f64 = 32.0;

/// What is known about all the numbers of a set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    low: f64,
    high: f64,
    is_whole: bool,
    is_float: bool,
}

/// What the numbers of images mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Range {
    /// Levels up to `white`.
    Levels { white: u8 },
    /// From 0 to 1.
    Unit,
    /// From -1 to 1.
    Symmetric,
    /// Levels up to 65,535.
    Wide,
}

impl Extent {
    /// Of numbers; floats are believed to be levels only where they look like them.
    pub(super) fn of(numbers: impl Iterator<Item = f64>, is_float: bool) -> Result<Self, String> {
        let mut all = Self { low: f64::INFINITY, high: f64::NEG_INFINITY, is_whole: true, is_float };
        for number in numbers {
            if !number.is_finite() {
                return Err("a value of an image is not a finite number".to_owned());
            }
            all.low = all.low.min(number);
            all.high = all.high.max(number);
            all.is_whole &= number.fract() == 0.0;
        }
        Ok(all)
    }

    /// Of two parts together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            is_whole: self.is_whole && other.is_whole,
            is_float: self.is_float && other.is_float,
        }
    }

    /// What the numbers mean, and a sentence about it where it is not what most files have.
    pub(super) fn range(self) -> Result<(Range, Option<String>), String> {
        let Self { low, high, is_whole, is_float } = self;
        let reach = format!("values of the images reach from {low} to {high}");
        let said = |range, what: &str| Ok((range, Some(format!("{reach}: {what}"))));
        let within = |least: f64, most: f64| low >= least && high <= most;
        if is_float && within(-SLACK, 1.0 + SLACK) {
            Ok((Range::Unit, None))
        } else if is_whole && within(0.0, FEW_LEVELS) && high > 0.0 {
            let white = high as u8;
            said(Range::Levels { white }, &format!("taken for levels of which {white} is white"))
        } else if is_whole && within(0.0, 255.0) {
            Ok((Range::Levels { white: 255 }, None))
        } else if is_whole && within(0.0, 65_535.0) {
            said(Range::Wide, "taken for levels of 16 bits")
        } else if is_float && within(-1.0 - SLACK, 1.0 + SLACK) {
            said(Range::Symmetric, "-1 is taken for black, 1 for white")
        } else if within(-0.5, 255.5) && high >= FAR {
            said(Range::Levels { white: 255 }, "taken for levels of which 255 is white")
        } else {
            Err(format!(
                "{reach}; numbers between 0 and 1, -1 and 1, or 0 and 255 are needed. Save them before they are normalised"
            ))
        }
    }
}

impl Range {
    /// The level that means white.
    pub(super) fn white(self) -> u8 {
        match self {
            Self::Levels { white } => white,
            _ => u8::MAX,
        }
    }

    /// The level of a number.
    pub(super) fn level(self, number: f64) -> u8 {
        let level = match self {
            Self::Levels { .. } => number,
            Self::Unit => number.clamp(0.0, 1.0) * 255.0,
            Self::Symmetric => (number + 1.0) * 127.5,
            Self::Wide => number / 257.0,
        };
        level.round().clamp(0.0, 255.0) as u8
    }
}

/// The images in an array of these sizes, and whether their channels come last.
pub(super) fn layout(sizes: &[usize]) -> Result<(ImageShape, bool), String> {
    let is_channels = |size: usize| size == 1 || size == 3;
    let side = |pixels: usize| Some(pixels.isqrt()).filter(|side| side * side == pixels);
    let grey = |height, width| ImageShape { channels: 1, height, width };
    let (shape, last) = match *sizes {
        [_, height, width] => (grey(height, width), false),
        [_, height, width, channels] if is_channels(channels) => (ImageShape { channels, height, width }, true),
        [_, channels, height, width] if is_channels(channels) => (ImageShape { channels, height, width }, false),
        // Rows of pixels, as scikit-learn and CIFAR have them.
        [_, pixels] if side(pixels).is_some() => {
            side(pixels).map_or((grey(0, 0), false), |side| (grey(side, side), false))
        }
        [_, values] if values % 3 == 0 && side(values / 3).is_some() => {
            let side = side(values / 3).unwrap_or(0);
            (ImageShape { channels: 3, height: side, width: side }, false)
        }
        _ => {
            return Err(format!(
                "images have the sizes {sizes:?}; (n, h, w), (n, h, w, c) or (n, c, h, w) with 1 or 3 channels are needed"
            ));
        }
    };
    if shape.is_empty() || sizes[0] == 0 {
        return Err("there is no image".to_owned());
    }
    Ok((shape, last))
}

/// Channels last become channels first.
pub(super) fn planes(levels: &[u8], shape: ImageShape) -> Result<Bytes> {
    let (mut turned, mut image) = (Gathered::default(), vec![0; shape.len()]);
    for pixels in levels.chunks_exact(shape.len()) {
        for (channel, plane) in image.chunks_exact_mut(shape.plane()).enumerate() {
            plane.iter_mut().enumerate().for_each(|(at, value)| *value = pixels[at * shape.channels + channel]);
        }
        turned.add(&image)?;
    }
    turned.finish()
}
