//! Shapes: what each block of a stack reads and writes, and how its buffers are laid out.
//!
//! Maps are channels last, `(y, x, channel)`, with a border of zeros, so that a convolution reads in place. The result
//! of a convolution is cut into panels of channels, `(panel, y, x, channel in panel)`, so that each panel is normalised
//! while it is still in the cache. Channels of hidden blocks are padded to whole lanes with zeros.

use candle_core::{Result, bail};

use super::Blocks;
use super::lanes::LANES;
use super::tiles::planes;

/// One block: convolution, norm, ReLU, pooling.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stage {
    /// Channels of the map that is read: as they are for the image, padded for the others.
    pub(super) channels: usize,
    pub(super) padding: usize,
    /// Of the map that is read, without its border.
    pub(super) in_height: usize,
    pub(super) in_width: usize,
    /// Of the convolution.
    pub(super) height: usize,
    pub(super) width: usize,
    /// After pooling.
    pub(super) pooled_height: usize,
    pub(super) pooled_width: usize,
    /// Of the map that is read, with its border; for tiled blocks it reaches to the last tile's edge.
    pub(super) map_height: usize,
    pub(super) map_width: usize,
    /// Outputs on the side of a Winograd tile, 2 or 4; the first block has none.
    pub(super) m: usize,
}

/// The tiles with fewer products for a result of this size.
fn best_tile(height: usize, width: usize) -> usize {
    let cost = |m: usize| planes(m) * height.div_ceil(m) * width.div_ceil(m);
    if cost(4) < cost(2) { 4 } else { 2 }
}

impl Stage {
    pub(super) fn positions(&self) -> usize {
        self.height * self.width
    }
    pub(super) fn pooled(&self) -> usize {
        self.pooled_height * self.pooled_width
    }
    pub(super) fn map_len(&self) -> usize {
        self.map_height * self.map_width * self.channels
    }
    /// Floats from one row of the map to the next.
    pub(super) fn map_row(&self) -> usize {
        self.map_width * self.channels
    }
    /// Where the map begins inside its border.
    pub(super) fn map_origin(&self) -> usize {
        (self.map_width + 1) * self.padding * self.channels
    }
    pub(super) fn tile_rows(&self) -> usize {
        self.height.div_ceil(self.m)
    }
    pub(super) fn tile_columns(&self) -> usize {
        self.width.div_ceil(self.m)
    }
}

/// The whole stack.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) channels: usize,
    pub(super) filters: usize,
    /// Filters padded to whole lanes.
    pub(super) lanes: usize,
    pub(super) stages: Vec<Stage>,
}

impl Plan {
    pub(super) fn new(blocks: &Blocks) -> Result<Self> {
        let Blocks { channels, height, width, filters, depth, first_padding } = *blocks;
        if channels == 0 || filters == 0 || depth == 0 {
            bail!("a stack of blocks needs at least one channel, filter and block, got {blocks:?}");
        }
        if first_padding != 1 && first_padding != 3 {
            bail!("the first convolution is padded by 1 or 3, not by {first_padding}");
        }
        let lanes = filters.next_multiple_of(LANES);
        let (mut in_height, mut in_width) = (height, width);
        let mut stages = Vec::with_capacity(depth);
        for d in 0..depth {
            let padding = if d == 0 { first_padding } else { 1 };
            let (h, w) = (in_height + 2 * padding - 2, in_width + 2 * padding - 2);
            if h < 2 || w < 2 || in_height == 0 || in_width == 0 {
                bail!(
                    "images of {height}x{width} are too small for {depth} blocks: block {} would pool {h}x{w} to nothing; \
                     use at most {d} blocks or larger images",
                    d + 1
                );
            }
            let m = best_tile(h, w);
            stages.push(Stage {
                channels: if d == 0 { channels } else { lanes },
                padding,
                in_height,
                in_width,
                height: h,
                width: w,
                pooled_height: h / 2,
                pooled_width: w / 2,
                map_height: if d == 0 { h + 2 } else { h.next_multiple_of(m) + 2 },
                map_width: if d == 0 { w + 2 } else { w.next_multiple_of(m) + 2 },
                m,
            });
            (in_height, in_width) = (h / 2, w / 2);
        }
        Ok(Self { channels, filters, lanes, stages })
    }

    pub(super) fn last(&self) -> &Stage {
        &self.stages[self.stages.len() - 1]
    }

    pub(super) fn image_len(&self) -> usize {
        self.channels * self.stages[0].in_height * self.stages[0].in_width
    }

    pub(super) fn output_len(&self) -> usize {
        self.filters * self.last().pooled()
    }

    /// Floats of block `d` in the packed parameters.
    pub(super) fn block_parameters(&self, d: usize) -> usize {
        let inputs = if d == 0 { self.channels } else { self.filters };
        self.filters * (inputs * 9 + 3)
    }

    pub(super) fn parameter_count(&self) -> usize {
        (0..self.stages.len()).map(|d| self.block_parameters(d)).sum()
    }
}

/// The panels of `lanes` channels: `(start, width)`, all of `panel` channels but perhaps the last.
pub(super) fn panels(lanes: usize, panel: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..lanes).step_by(panel).map(move |start| (start, panel.min(lanes - start)))
}
