//! The forward of a group of images through all blocks, without leaving the cache.
//!
//! The group is only a matter of speed: a block with few tiles per image fills the product's rows with the tiles of
//! several images. No row knows of another (see `product.rs`), so any grouping gives the same bits.

use super::isa::Kernels;
use super::norm::{Moments, Pool};
use super::pack::{Packed, PackedStage, taps};
use super::plan::{Plan, Stage, panels};
use super::product::Product;
use super::tiles::{InputTiles, OutputTiles, planes};
use super::workspace::{Buffer, First, Trace, Workspace};

/// Tiles that go through the products together: enough to fill the rows, few enough for the second cache.
pub(super) const STRIP_TILES: usize = 32;
/// Floats between planes, so that sixteen planes do not fall on the same sets of the cache.
pub(super) const SKEW: usize = 16;
const EPSILON: f32 = 1e-5;

/// What the norm keeps of one image, each a row of channels.
pub(super) struct Statistics;
impl Statistics {
    pub(super) const ROWS: usize = 4;
    pub(super) const MEAN: usize = 0;
    /// The sum of squared distances while it is gathered, then one over the deviation.
    pub(super) const INVERSE: usize = 1;
    pub(super) const SCALE: usize = 2;
    pub(super) const SHIFT: usize = 3;
}

/// Everything that all images share.
pub(super) struct Stack<'a> {
    pub(super) kernels: &'a Kernels,
    pub(super) plan: &'a Plan,
    pub(super) packed: &'a Packed,
}

/// A run of tile rows, counted through the images of a group.
pub(super) struct Strip {
    pub(super) rows: std::ops::Range<usize>,
    pub(super) columns: usize,
    per_image: usize,
}

impl Strip {
    pub(super) fn all(stage: &Stage, count: usize) -> impl Iterator<Item = Self> {
        let (per_image, columns) = (stage.tile_rows(), stage.tile_columns());
        let step = (STRIP_TILES / columns).max(1);
        let total = count * per_image;
        (0..total).step_by(step).map(move |start| Self { rows: start..(start + step).min(total), columns, per_image })
    }

    pub(super) fn tiles(&self) -> usize {
        self.rows.len() * self.columns
    }

    /// `(first tile within the strip, image, row of tiles)`
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (columns, per_image) = (self.columns, self.per_image);
        self.rows.clone().enumerate().map(move |(i, row)| (i * columns, row / per_image, row % per_image))
    }
}

/// Transformed tiles `(plane, tile, channel)`, and the floats from plane to plane.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    pub(super) values: &'a [f32],
    pub(super) plane: usize,
    pub(super) count: usize,
}

impl Stack<'_> {
    /// `images` `(count, channels, height, width)` to `out` `(count, filters, height, width)`. With `keep`, the
    /// workspace holds afterwards what the backward reads.
    pub(super) fn forward(&self, images: &[f32], count: usize, work: &mut Workspace, keep: bool, out: &mut [f32]) {
        let plan = self.plan;
        work.trace.prepare(plan.stages.len());
        self.first(images, count, work);
        for d in 1..plan.stages.len() {
            self.tiled(d, count, work, keep);
        }
        let (last, lanes) = (plan.last(), plan.lanes);
        let pooled = work.pooled.take(count * last.pooled() * lanes);
        for (from, to) in pooled.chunks_exact(last.pooled() * lanes).zip(out.chunks_exact_mut(plan.output_len())) {
            for (f, to) in to.chunks_exact_mut(last.pooled()).enumerate() {
                for (position, to) in to.iter_mut().enumerate() {
                    *to = from[position * lanes + f];
                }
            }
        }
    }

    /// The first block, image by image.
    fn first(&self, images: &[f32], count: usize, work: &mut Workspace) {
        let plan = self.plan;
        let Workspace { first, trace, pooled, .. } = work;
        let (_, later) = trace.maps.split_at_mut(1);
        let (next, pooled) = next_map(plan, 0, count, later, pooled);
        for (image, pooled) in images.chunks_exact(plan.image_len()).zip(pooled.chunks_exact_mut(next.len)) {
            self.first_image(image, first);
            self.pool(0, first.result.as_slice(), first.statistics.as_slice(), pooled, &next);
        }
    }

    /// The first convolution of one image. It has few channels, so its windows are read straight from the image.
    pub(super) fn first_image(&self, image: &[f32], first: &mut First) {
        let (plan, stage) = (self.plan, &self.plan.stages[0]);
        let map = first.map.take(stage.map_len());
        fill_first_map(stage, image, map);
        let result = first.result.take(stage.positions() * plan.lanes);
        let statistics = first.statistics.take(Statistics::ROWS * plan.lanes);
        for (start, width) in panels(plan.lanes, self.kernels.panel) {
            let result = &mut result[start * stage.positions()..][..width * stage.positions()];
            self.first_panel(stage, map, start, width, result, statistics);
        }
        finish_statistics(stage, &self.packed.stages[0], plan.lanes, statistics);
    }

    fn first_panel(
        &self,
        stage: &Stage,
        map: &[f32],
        start: usize,
        width: usize,
        result: &mut [f32],
        statistics: &mut [f32],
    ) {
        let depth = taps(self.plan);
        for (y, row) in result.chunks_exact_mut(stage.width * width).enumerate() {
            self.kernels.product(Product {
                a: &map[y * stage.map_row()..],
                a_row: stage.channels,
                a_step: 1,
                a_segment: stage.map_row(),
                segments: 3,
                length: 3 * stage.channels,
                b: &self.packed.stages[0].forward.as_slice()[start * depth..][..width * depth],
                b_step: width,
                c: row,
                c_row: width,
                rows: stage.width,
                width,
                accumulate: false,
            });
            self.moments(row, stage.width, y * stage.width, start, width, statistics);
        }
    }

    fn moments(&self, values: &[f32], count: usize, before: usize, start: usize, width: usize, statistics: &mut [f32]) {
        let (mean, squares) = statistics.split_at_mut(Statistics::INVERSE * self.plan.lanes);
        let (mean, squares) = (&mut mean[start..], &mut squares[start..]);
        self.kernels.moments(Moments { values, count, before, width, mean, squares });
    }

    /// A later block: Winograd's transform, sixteen products, and back.
    fn tiled(&self, d: usize, count: usize, work: &mut Workspace, keep: bool) {
        let (plan, stage, lanes) = (self.plan, &self.plan.stages[d], self.plan.lanes);
        let result_len = stage.positions() * lanes;
        let statistics_len = Statistics::ROWS * lanes;
        let Workspace { trace: Trace { maps, results, statistics }, passing, pooled, tiles, products, .. } = work;
        let (maps, later) = maps.split_at_mut(d + 1);
        let maps = maps[d].take(count * stage.map_len());
        let results = if keep { &mut results[d] } else { passing }.take(count * result_len);
        let statistics = statistics[d].take(count * statistics_len);
        let (next, pooled) = next_map(plan, d, count, later, pooled);
        for strip in Strip::all(stage, count) {
            let plane = strip.tiles() * lanes + SKEW;
            let tiles = tiles.take(planes(stage.m) * plane);
            self.input_tiles(stage, &strip, maps, tiles, plane);
            for (start, width) in panels(lanes, self.kernels.panel) {
                let product_plane = strip.tiles() * width + SKEW;
                let products = products.take(planes(stage.m) * product_plane);
                let weights = self.packed.stages[d].forward.as_slice();
                let tiles = Planes { values: tiles, plane, count: strip.tiles() };
                self.products(stage, tiles, weights, (start, width), products);
                for (tile, image, row) in strip.iter() {
                    let rows = (stage.height - stage.m * row).min(stage.m);
                    let at = image * result_len + start * stage.positions() + stage.m * row * stage.width * width;
                    let out = &mut results[at..][..rows * stage.width * width];
                    self.kernels.output_tiles(OutputTiles {
                        m: stage.m,
                        tiles: &products[tile * width..],
                        plane: product_plane,
                        width,
                        rows,
                        columns: stage.width,
                        out,
                    });
                    let statistics = &mut statistics[image * statistics_len..][..statistics_len];
                    self.moments(out, rows * stage.width, stage.m * row * stage.width, start, width, statistics);
                }
            }
        }
        for i in 0..count {
            let statistics = &mut statistics[i * statistics_len..][..statistics_len];
            finish_statistics(stage, &self.packed.stages[d], lanes, statistics);
            let result = &results[i * result_len..][..result_len];
            self.pool(d, result, statistics, &mut pooled[i * next.len..][..next.len], &next);
        }
    }

    pub(super) fn input_tiles(&self, stage: &Stage, strip: &Strip, maps: &[f32], tiles: &mut [f32], plane: usize) {
        for (tile, image, row) in strip.iter() {
            self.kernels.input_tiles(InputTiles {
                m: stage.m,
                map: &maps[image * stage.map_len() + stage.m * row * stage.map_row()..],
                map_row: stage.map_row(),
                channels: stage.channels,
                tiles: strip.columns,
                out: &mut tiles[tile * stage.channels..],
                out_plane: plane,
            });
        }
    }

    /// The sixteen products of one panel: `(plane, tile, channel)` by packed weights to `(plane, tile, lane)`.
    pub(super) fn products(
        &self,
        stage: &Stage,
        tiles: Planes,
        weights: &[f32],
        (start, width): (usize, usize),
        products: &mut [f32],
    ) {
        let lanes = self.plan.lanes;
        let Planes { values, plane, count } = tiles;
        let product_plane = count * width + SKEW;
        for k in 0..planes(stage.m) {
            self.kernels.product(Product {
                a: &values[k * plane..],
                a_row: lanes,
                a_step: 1,
                a_segment: 0,
                segments: 1,
                length: lanes,
                b: &weights[(planes(stage.m) * start + k * width) * lanes..][..width * lanes],
                b_step: width,
                c: &mut products[k * product_plane..],
                c_row: width,
                rows: count,
                width,
                accumulate: false,
            });
        }
    }

    /// Norm, ReLU and pooling of one image into the next block's map.
    fn pool(&self, d: usize, result: &[f32], statistics: &[f32], out: &mut [f32], next: &NextMap) {
        let (stage, lanes) = (&self.plan.stages[d], self.plan.lanes);
        next.clear_border(stage, lanes, out);
        for (start, width) in panels(lanes, self.kernels.panel) {
            self.kernels.pool(Pool {
                values: &result[start * stage.positions()..][..width * stage.positions()],
                columns: stage.width,
                width,
                scale: &statistics[Statistics::SCALE * lanes + start..],
                shift: &statistics[Statistics::SHIFT * lanes + start..],
                pooled_rows: stage.pooled_height,
                pooled_columns: stage.pooled_width,
                out: &mut out[next.origin + start..],
                out_row: next.row,
                out_channels: lanes,
            });
        }
    }
}

/// The map that a block pools into: the next block's, or the last one without a border.
struct NextMap {
    len: usize,
    row: usize,
    origin: usize,
}

impl NextMap {
    /// The interior is written whole, the border must be zero: the buffer may hold another call's map.
    fn clear_border(&self, stage: &Stage, lanes: usize, map: &mut [f32]) {
        if self.origin == 0 {
            return;
        }
        for (y, row) in map.chunks_exact_mut(self.row).enumerate() {
            if y == 0 || y > stage.pooled_height {
                row.fill(0.0);
            } else {
                row[..lanes].fill(0.0);
                row[(stage.pooled_width + 1) * lanes..].fill(0.0);
            }
        }
    }
}

fn next_map<'a>(
    plan: &Plan,
    d: usize,
    count: usize,
    later: &'a mut [Buffer],
    pooled: &'a mut Buffer,
) -> (NextMap, &'a mut [f32]) {
    let stage = &plan.stages[d];
    if let Some(next) = plan.stages.get(d + 1) {
        let layout = NextMap { len: next.map_len(), row: next.map_row(), origin: next.map_origin() };
        return (layout, later[0].take(count * next.map_len()));
    }
    let len = stage.pooled() * plan.lanes;
    (NextMap { len, row: stage.pooled_width * plan.lanes, origin: 0 }, pooled.take(count * len))
}

/// Planar to channels last, inside a border of zeros.
fn fill_first_map(stage: &Stage, image: &[f32], map: &mut [f32]) {
    map.fill(0.0);
    for (c, plane) in image.chunks_exact(stage.in_height * stage.in_width).enumerate() {
        for (y, row) in plane.chunks_exact(stage.in_width).enumerate() {
            let at = stage.map_origin() + y * stage.map_row() + c;
            for (value, to) in row.iter().zip(map[at..].iter_mut().step_by(stage.channels)) {
                *to = *value;
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn finish_statistics(stage: &Stage, packed: &PackedStage, lanes: usize, statistics: &mut [f32]) {
    let (gathered, derived) = statistics.split_at_mut(Statistics::SCALE * lanes);
    let (mean, inverse) = gathered.split_at_mut(lanes);
    let (scale, shift) = derived.split_at_mut(lanes);
    let count = stage.positions() as f32;
    for c in 0..lanes {
        inverse[c] = 1.0 / (inverse[c] / count + EPSILON).sqrt();
        // The quarter is the mean of the pooling.
        scale[c] = 0.25 * packed.gamma[c] * inverse[c];
        shift[c] = 0.25 * packed.beta[c] - mean[c] * scale[c];
    }
}
