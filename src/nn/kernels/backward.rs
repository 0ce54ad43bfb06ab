//! The backward of a group of images, from what `forward` kept in the workspace.
//!
//! Block by block from the end: two passes over the convolution's result give the norm's sums and the gradient before
//! it, straight in Winograd's planes; one set of products gives the gradient of the map, and where the network is not
//! frozen another one adds to the gradient of the weights.

use super::forward::{Planes, SKEW, Stack, Statistics, Strip};
use super::lanes::LANES;
use super::norm::{NormBackward, NormGradient, NormSums};
use super::pack::{GradientLayout, taps};
use super::plan::{Stage, panels};
use super::product::Product;
use super::tiles::{InputTilesAdjoint, planes};
use super::workspace::{Buffer, Workspace};

/// Rows of channels that the norm's backward multiplies with, per image.
const COEFFICIENTS: usize = 3;
const GAIN: usize = 0;
const OFFSET: usize = 1;
const SLOPE: usize = 2;

/// Where the gradients of the parameters are added.
pub(super) struct Gathered<'a> {
    pub(super) layout: &'a GradientLayout,
    pub(super) sums: &'a mut [f32],
    /// True while nothing was added yet: the products of the tiled blocks, nearly all of the sums, then need no zeros.
    pub(super) fresh: bool,
}

/// Images that go through the stack together, `(count, channels, height, width)`, and the gradient of their result,
/// `(count, filters, height, width)`.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) images: &'a [f32],
    pub(super) gradient: &'a [f32],
    pub(super) count: usize,
}

/// What the norm's backward of one image in one block reads.
#[derive(Clone, Copy)]
struct Kept<'a> {
    d: usize,
    result: &'a [f32],
    statistics: &'a [f32],
    /// Of the pooled map, from its first value on, and the floats of one of its rows.
    gradient: &'a [f32],
    row: usize,
}

impl Stack<'_> {
    /// The gradient of the run's images where asked for, and of the parameters, added to their sums. The workspace holds
    /// the trace of the forward.
    pub(super) fn backward(
        &self,
        run: Run,
        work: &mut Workspace,
        mut gathered: Option<Gathered>,
        to_images: Option<&mut [f32]>,
    ) {
        let (plan, lanes) = (self.plan, self.plan.lanes);
        let Run { images, gradient, count } = run;
        let last = work.map_gradients[0].take(count * plan.last().pooled() * lanes);
        self.fill_last_gradient(gradient, count, last);
        for d in (1..plan.stages.len()).rev() {
            self.tiled_backward(d, count, work, &mut gathered);
            // What was written is what the next block reads.
            work.map_gradients.swap(0, 1);
        }
        self.first_backward(images, count, work, &mut gathered, to_images);
    }

    /// The gradient of block `d`'s pooled maps: floats of one image, of one row, and before the first value.
    fn pooled_layout(&self, d: usize) -> (usize, usize, usize) {
        let (stage, lanes) = (&self.plan.stages[d], self.plan.lanes);
        match self.plan.stages.get(d + 1) {
            Some(next) => (next.map_len(), next.map_row(), next.map_origin()),
            None => (stage.pooled() * lanes, stage.pooled_width * lanes, 0),
        }
    }

    /// Planar to channels last.
    fn fill_last_gradient(&self, gradient: &[f32], count: usize, to: &mut [f32]) {
        let (pooled, lanes) = (self.plan.last().pooled(), self.plan.lanes);
        to.fill(0.0);
        for i in 0..count {
            let to = &mut to[i * pooled * lanes..][..pooled * lanes];
            let from = &gradient[i * self.plan.output_len()..][..self.plan.output_len()];
            for (f, from) in from.chunks_exact(pooled).enumerate() {
                for (value, to) in from.iter().zip(to[f..].iter_mut().step_by(lanes)) {
                    *to = *value;
                }
            }
        }
    }

    /// The first pass: the norm's sums, which are also the gradients of gamma and beta.
    #[allow(clippy::cast_precision_loss)]
    fn norm_sums(&self, kept: &Kept, coefficients: &mut [f32], gathered: &mut Option<Gathered>) {
        let lanes = self.plan.lanes;
        let positions = self.plan.stages[kept.d].positions() as f32;
        for (start, width) in panels(lanes, self.kernels.panel) {
            let (mut plain, mut weighted) = ([0.0; 2 * LANES], [0.0; 2 * LANES]);
            let of = self.norm_gradient(kept, start, width);
            self.kernels.norm_sums(NormSums { of, plain: &mut plain, weighted: &mut weighted });
            for lane in 0..width {
                let c = start + lane;
                let inverse = kept.statistics[Statistics::INVERSE * lanes + c];
                let gain = self.packed.stages[kept.d].gamma[c] * inverse;
                coefficients[GAIN * lanes + c] = 0.25 * gain;
                coefficients[OFFSET * lanes + c] = -gain * plain[lane] / positions;
                coefficients[SLOPE * lanes + c] = -gain * inverse * inverse * weighted[lane] / positions;
                weighted[lane] *= inverse;
            }
            if let Some(Gathered { layout, sums, .. }) = gathered {
                let (_, gamma, beta) = layout.split(self.plan, kept.d, sums);
                add(&mut gamma[start..start + width], &weighted);
                add(&mut beta[start..start + width], &plain);
            }
        }
    }

    fn norm_gradient<'a>(&self, kept: &Kept<'a>, start: usize, width: usize) -> NormGradient<'a> {
        let (stage, lanes) = (&self.plan.stages[kept.d], self.plan.lanes);
        NormGradient {
            values: &kept.result[start * stage.positions()..][..width * stage.positions()],
            rows: stage.height,
            columns: stage.width,
            width,
            scale: &kept.statistics[Statistics::SCALE * lanes + start..],
            shift: &kept.statistics[Statistics::SHIFT * lanes + start..],
            mean: &kept.statistics[Statistics::MEAN * lanes + start..],
            gradient: &kept.gradient[start..],
            gradient_row: kept.row,
            gradient_channels: lanes,
        }
    }

    /// A later block: products in Winograd's planes, for the map and for the weights.
    fn tiled_backward(&self, d: usize, count: usize, work: &mut Workspace, gathered: &mut Option<Gathered>) {
        let (stage, lanes) = (&self.plan.stages[d], self.plan.lanes);
        let Workspace { trace, tiles, products, tile_gradients, map_gradients, coefficients, .. } = work;
        let (results, statistics) = (trace.results[d].as_slice(), trace.statistics[d].as_slice());
        let [from, map_gradients] = map_gradients;
        let (image_len, row_len, origin) = self.pooled_layout(d);
        let from = from.take(count * image_len);
        let kept = |image: usize| Kept {
            d,
            result: &results[image * stage.positions() * lanes..],
            statistics: &statistics[image * Statistics::ROWS * lanes..],
            gradient: &from[image * image_len + origin..(image + 1) * image_len],
            row: row_len,
        };
        let coefficients = coefficients.take(count * COEFFICIENTS * lanes);
        for (i, coefficients) in coefficients.chunks_exact_mut(COEFFICIENTS * lanes).enumerate() {
            self.norm_sums(&kept(i), coefficients, gathered);
        }
        let map_gradients = map_gradients.take(count * stage.map_len());
        map_gradients.fill(0.0);
        for (number, strip) in Strip::all(stage, count).enumerate() {
            let plane = strip.tiles() * lanes + SKEW;
            let gradients = tile_gradients.take(planes(stage.m) * plane);
            for (tile, image, row) in strip.iter() {
                let coefficients = &coefficients[image * COEFFICIENTS * lanes..][..COEFFICIENTS * lanes];
                for panel in panels(lanes, self.kernels.panel) {
                    let out = &mut gradients[tile * lanes + panel.0..];
                    self.norm_backward(&kept(image), row, panel, coefficients, Some(plane), out);
                }
            }
            if let Some(Gathered { layout, sums, fresh }) = gathered {
                let tiles = tiles.take(planes(stage.m) * plane);
                let maps = trace.maps[d].as_slice();
                self.input_tiles(stage, &strip, maps, tiles, plane);
                let (sums, _, _) = layout.split(self.plan, d, sums);
                let tiles = Planes { values: tiles, plane, count: strip.tiles() };
                self.weight_products(stage, tiles, gradients, sums, !*fresh || number > 0);
            }
            for (start, width) in panels(lanes, self.kernels.panel) {
                let product_plane = strip.tiles() * width + SKEW;
                let products = products.take(planes(stage.m) * product_plane);
                let weights = self.packed.backward(d);
                let gradients = Planes { values: gradients, plane, count: strip.tiles() };
                self.products(stage, gradients, weights, (start, width), products);
                for (tile, image, row) in strip.iter() {
                    self.kernels.input_tiles_adjoint(InputTilesAdjoint {
                        m: stage.m,
                        tiles: &products[tile * width..],
                        plane: product_plane,
                        count: strip.columns,
                        width,
                        map: &mut map_gradients[image * stage.map_len() + stage.m * row * stage.map_row() + start..],
                        map_row: stage.map_row(),
                        channels: lanes,
                    });
                }
            }
        }
    }

    /// The second pass for one row of tiles, or of windows.
    fn norm_backward(
        &self,
        kept: &Kept,
        row: usize,
        (start, width): (usize, usize),
        coefficients: &[f32],
        plane: Option<usize>,
        out: &mut [f32],
    ) {
        let lanes = self.plan.lanes;
        self.kernels.norm_backward(NormBackward {
            of: self.norm_gradient(kept, start, width),
            m: if plane.is_some() { self.plan.stages[kept.d].m } else { 2 },
            row,
            gain: &coefficients[GAIN * lanes + start..],
            offset: &coefficients[OFFSET * lanes + start..],
            slope: &coefficients[SLOPE * lanes + start..],
            planes: plane.is_some(),
            out,
            out_plane: plane.unwrap_or(0),
            out_channels: lanes,
        });
    }

    /// `Vᵀ dM` as, or added to, `(plane, channel, filter)`.
    fn weight_products(&self, stage: &Stage, tiles: Planes, gradients: &[f32], sums: &mut [f32], accumulate: bool) {
        let lanes = self.plan.lanes;
        let Planes { values, plane, count } = tiles;
        for k in 0..planes(stage.m) {
            for (start, width) in panels(lanes, self.kernels.panel) {
                self.kernels.product(Product {
                    a: &values[k * plane..],
                    a_row: 1,
                    a_step: lanes,
                    a_segment: 0,
                    segments: 1,
                    length: count,
                    b: &gradients[k * plane + start..],
                    b_step: lanes,
                    c: &mut sums[k * lanes * lanes + start..],
                    c_row: lanes,
                    rows: lanes,
                    width,
                    accumulate,
                });
            }
        }
    }

    /// The first block, image by image, with its convolution computed again.
    fn first_backward(
        &self,
        images: &[f32],
        count: usize,
        work: &mut Workspace,
        gathered: &mut Option<Gathered>,
        mut to_images: Option<&mut [f32]>,
    ) {
        let (plan, stage, lanes) = (self.plan, &self.plan.stages[0], self.plan.lanes);
        let Workspace { first, taps, map_gradients, coefficients, first_gradient, .. } = work;
        let (image_len, row_len, origin) = self.pooled_layout(0);
        let from = map_gradients[0].take(count * image_len);
        let coefficients = coefficients.take(COEFFICIENTS * lanes);
        let gradient = first_gradient.take(stage.positions() * lanes);
        for i in 0..count {
            self.first_image(&images[i * plan.image_len()..][..plan.image_len()], first);
            let kept = Kept {
                d: 0,
                result: first.result.as_slice(),
                statistics: first.statistics.as_slice(),
                gradient: &from[i * image_len + origin..(i + 1) * image_len],
                row: row_len,
            };
            self.norm_sums(&kept, coefficients, gathered);
            for (start, width) in panels(lanes, self.kernels.panel) {
                let gradient = &mut gradient[start * stage.positions()..][..width * stage.positions()];
                for (row, out) in gradient.chunks_mut(2 * stage.width * width).enumerate() {
                    self.norm_backward(&kept, row, (start, width), coefficients, None, out);
                }
            }
            if let Some(Gathered { layout, sums, .. }) = gathered {
                let (sums, _, _) = layout.split(plan, 0, sums);
                self.first_weights(stage, first.map.as_slice(), gradient, sums);
            }
            if let Some(to_images) = &mut to_images {
                let image = &mut to_images[i * plan.image_len()..][..plan.image_len()];
                self.first_image_gradient(stage, gradient, taps, image);
            }
        }
    }

    /// Windows of the image times the gradient of the result, added to `(tap, filter)`.
    fn first_weights(&self, stage: &Stage, map: &[f32], gradient: &[f32], sums: &mut [f32]) {
        let lanes = self.plan.lanes;
        let run = 3 * stage.channels;
        for (start, width) in panels(lanes, self.kernels.panel) {
            for tap_row in 0..3 {
                self.kernels.product(Product {
                    a: &map[tap_row * stage.map_row()..],
                    a_row: 1,
                    a_step: stage.channels,
                    a_segment: stage.map_row(),
                    segments: stage.height,
                    length: stage.width,
                    b: &gradient[start * stage.positions()..],
                    b_step: width,
                    c: &mut sums[tap_row * run * lanes + start..],
                    c_row: lanes,
                    rows: run,
                    width,
                    accumulate: true,
                });
            }
        }
    }

    /// The gradient of the image: at every position the gradient of each tap, then each tap moved to its pixel.
    fn first_image_gradient(&self, stage: &Stage, gradient: &[f32], scratch: &mut Buffer, image: &mut [f32]) {
        let (positions, lanes) = (stage.positions(), self.plan.lanes);
        let tap_lanes = taps(self.plan).next_multiple_of(LANES);
        let scratch = scratch.take(positions * tap_lanes);
        let weights = self.packed.backward(0);
        // The filters of all whole panels are one product, those of a last narrow one are added.
        let whole = lanes / self.kernels.panel * self.kernels.panel;
        let runs = [(0, whole, self.kernels.panel), (whole, lanes - whole, lanes - whole)];
        for (first, filters, run) in runs.into_iter().filter(|run| run.1 > 0) {
            for (start, width) in panels(tap_lanes, self.kernels.panel) {
                self.kernels.product(Product {
                    a: &gradient[first * positions..],
                    a_row: run,
                    a_step: 1,
                    a_segment: run * positions,
                    segments: filters / run,
                    length: run,
                    b: &weights[start * lanes + first * width..][..filters * width],
                    b_step: width,
                    c: &mut scratch[start..],
                    c_row: tap_lanes,
                    rows: positions,
                    width,
                    accumulate: first > 0,
                });
            }
        }
        gather_taps(stage, scratch, tap_lanes, image);
    }
}

fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// `(y, x, tap row, tap column, channel)` to `(channel, y, x)`: each pixel sums the taps that read it.
fn gather_taps(stage: &Stage, taps: &[f32], tap_lanes: usize, image: &mut [f32]) {
    let (height, width) = (stage.in_height, stage.in_width);
    image.fill(0.0);
    for (c, plane) in image.chunks_exact_mut(height * width).enumerate() {
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            for tap in 0..9 {
                // The window at `from` reads this row with tap row `tap / 3`.
                let Some(from_y) = (y + stage.padding).checked_sub(tap / 3).filter(|y| *y < stage.height) else {
                    continue;
                };
                // Pixel `x` is read by the window at `x + offset - 3`.
                let offset = stage.padding + 3 - tap % 3;
                let begin = 3_usize.saturating_sub(offset);
                let end = (stage.width + 3 - offset).min(width);
                let Some(row) = row.get_mut(begin..end) else { continue };
                let from = (from_y * stage.width + begin + offset - 3) * tap_lanes + tap * stage.channels + c;
                for (value, to) in taps[from..].iter().step_by(tap_lanes).zip(row) {
                    *to += value;
                }
            }
        }
    }
}
