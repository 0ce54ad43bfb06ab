//! The ConvNet's blocks as one fused CPU operation, and nearly all the `unsafe` of the project.
//!
//! The stack of blocks (3x3 convolution, instance norm, ReLU, 2x2 mean pooling) is the backbone of the whole field.
//! Frameworks walk the whole batch's activations several times per block; here a few images at a time go through all
//! blocks while they are in the cache, channels last, with Winograd's F(2x2, 3x3) behind the first block.
//! Every image is computed alone: its values and its gradient are the same bits in any batch, on any number of threads.
// A kernel must be inlined whole into the function that has its instruction set.
#![allow(unsafe_code, clippy::inline_always)]

mod backward;
mod columns;
mod forward;
mod isa;
mod lanes;
mod norm;
mod operation;
mod pack;
mod plan;
mod product;
#[cfg(test)]
mod tests;
mod tiles;
mod workspace;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use isa::{best_instruction_set, instruction_set, pin_instruction_set};
pub use operation::conv_blocks;

/// A stack of blocks: 3x3 convolution (stride 1, with bias), instance norm (affine, eps 1e-5, biased variance), ReLU,
/// 2x2 mean pooling (odd edges dropped).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Channels of the image.
    pub channels: usize,
    /// Height of the image.
    pub height: usize,
    /// Width of the image.
    pub width: usize,
    /// Filters of every block.
    pub filters: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Padding of the first convolution, 1 or 3; the others have 1.
    pub first_padding: usize,
}

impl Blocks {
    /// Parameters of all blocks, one after the other: weight `(filters, in, 3, 3)`, bias, gamma, beta `(filters)`.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        (0..self.depth).map(|d| self.filters * (9 * if d == 0 { self.channels } else { self.filters } + 3)).sum()
    }

    /// `(filters, height, width)` behind the last block; a side is 0 where the image is too small for the depth.
    #[must_use]
    pub fn output_shape(&self) -> (usize, usize, usize) {
        let side = |side: usize| {
            (0..self.depth).fold(side, |side, d| {
                let grown = if d == 0 { 2 * self.first_padding } else { 2 };
                if side == 0 { 0 } else { (side + grown).saturating_sub(2) / 2 }
            })
        };
        (self.filters, side(self.height), side(self.width))
    }
}
