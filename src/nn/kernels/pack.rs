//! Parameters as the kernels read them: transformed for Winograd's planes and cut into panels, once per call.

use rayon::prelude::*;

use super::isa::Kernels;
use super::lanes::LANES;
use super::plan::{Plan, panels};
use super::tiles::{WeightTiles, WeightTilesAdjoint, planes};
use super::workspace::Buffer;

/// The parameters of one block.
pub(super) struct PackedStage {
    /// First block: `(panel, tap row, tap column, channel, lane)`. Others: `(panel, plane, channel, lane)`.
    pub(super) forward: Buffer,
    /// The transposed product, for the gradient of the map: first block `(panel of taps, filter, lane)`, others
    /// `(panel, plane, filter, lane)` with panels and lanes over the channels. Only where asked for.
    pub(super) backward: Option<Buffer>,
    /// Padded with zeros, so that padding stays zero through norm and ReLU.
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// The parameters of the stack.
pub(super) struct Packed {
    pub(super) stages: Vec<PackedStage>,
}

impl Packed {
    pub(super) fn new(kernels: &Kernels, plan: &Plan, parameters: &[f32]) -> Self {
        let mut rest = parameters;
        let stages = (0..plan.stages.len())
            .map(|d| {
                let (block, after) = rest.split_at(plan.block_parameters(d));
                rest = after;
                let (weights, tail) = block.split_at(block.len() - 3 * plan.filters);
                let padded = |values: &[f32]| {
                    let mut values = values.to_vec();
                    values.resize(plan.lanes, 0.0);
                    values
                };
                let pack = if d == 0 { first } else { tiled };
                PackedStage {
                    forward: pack(kernels, plan, d, weights, false),
                    backward: None,
                    gamma: padded(&tail[plan.filters..2 * plan.filters]),
                    beta: padded(&tail[2 * plan.filters..]),
                }
            })
            .collect();
        Self { stages }
    }

    /// Frees the weights that a backward with a trace does not read.
    pub(super) fn drop_forward(&mut self) {
        for stage in &mut self.stages[1..] {
            stage.forward.recycle();
        }
    }

    /// Frees what [`Self::add_backward`] packed.
    pub(super) fn drop_backward(&mut self) {
        for stage in &mut self.stages {
            if let Some(mut backward) = stage.backward.take() {
                backward.recycle();
            }
        }
    }

    /// The transposed weights of block `d`.
    pub(super) fn backward(&self, d: usize) -> &[f32] {
        self.stages[d].backward.as_ref().map_or(&[], Buffer::as_slice)
    }

    /// Packs what the backward needs as well.
    pub(super) fn add_backward(&mut self, kernels: &Kernels, plan: &Plan, parameters: &[f32]) {
        let mut rest = parameters;
        for (d, stage) in self.stages.iter_mut().enumerate() {
            let (block, after) = rest.split_at(plan.block_parameters(d));
            rest = after;
            let pack = if d == 0 { first } else { tiled };
            stage
                .backward
                .get_or_insert_with(|| pack(kernels, plan, d, &block[..block.len() - 3 * plan.filters], true));
        }
    }
}

impl Drop for PackedStage {
    fn drop(&mut self) {
        self.forward.recycle();
        if let Some(backward) = &mut self.backward {
            backward.recycle();
        }
    }
}

/// Rows of the first block's product: its taps, `(tap row, tap column, channel)`.
pub(super) fn taps(plan: &Plan) -> usize {
    9 * plan.channels
}

/// Weight of filter `f` at a tap as [`taps`] counts them, in `(filter, channel, 3, 3)`.
fn tap_index(plan: &Plan, f: usize, tap: usize) -> usize {
    (f * plan.channels + tap % plan.channels) * 9 + tap / plan.channels
}

fn first(kernels: &Kernels, plan: &Plan, _: usize, weights: &[f32], transpose: bool) -> Buffer {
    let (inner, outer) = if transpose { (plan.filters, taps(plan)) } else { (taps(plan), plan.filters) };
    let depth = if transpose { plan.lanes } else { inner };
    let lanes = outer.next_multiple_of(LANES);
    let mut packed = Buffer::zeroed(depth * lanes);
    let out = packed.as_mut_slice();
    for (start, width) in panels(lanes, kernels.panel) {
        for k in 0..inner {
            for lane in 0..width.min(outer.saturating_sub(start)) {
                let (f, tap) = if transpose { (k, start + lane) } else { (start + lane, k) };
                out[start * depth + k * width + lane] = weights[tap_index(plan, f, tap)];
            }
        }
    }
    packed
}

/// Transformed weights of a later block, its panels in parallel.
fn tiled(kernels: &Kernels, plan: &Plan, d: usize, weights: &[f32], transpose: bool) -> Buffer {
    let (lanes, filters, m) = (plan.lanes, plan.filters, plan.stages[d].m);
    let mut packed = Buffer::recycled(planes(m) * lanes * lanes);
    let (step_f, step_c) = if transpose { (9, 9 * filters) } else { (9 * filters, 9) };
    let parts = packed.take(planes(m) * lanes * lanes).par_chunks_mut(planes(m) * lanes * kernels.panel);
    parts.zip(panels(lanes, kernels.panel).collect::<Vec<_>>()).for_each(|(out, (start, width))| {
        let real = width.min(filters.saturating_sub(start));
        // The rows and columns of the padding are written as well: the memory may hold anything.
        for k in 0..lanes {
            let mut windows = [0.0; 9 * 2 * LANES];
            for lane in 0..if k < filters { real } else { 0 } {
                let window = &weights[(start + lane) * step_f + k * step_c..][..9];
                for (tap, value) in window.iter().enumerate() {
                    windows[tap * width + lane] = *value;
                }
            }
            let (out, out_plane) = (&mut out[k * width..], lanes * width);
            kernels.weight_tiles(WeightTiles { m, windows: &windows, width, out, out_plane });
        }
    });
    packed
}

/// Where a group of images gathers the gradients of the parameters: per block `(product rows, lanes)`, then gamma and
/// beta. The products are the taps of the first block, and planes times channels of the others.
pub(super) struct GradientLayout {
    starts: Vec<usize>,
    pub(super) len: usize,
}

impl GradientLayout {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut len = 0;
        let starts = (0..plan.stages.len())
            .map(|d| {
                let start = len;
                len += (Self::rows(plan, d) + 2) * plan.lanes;
                start
            })
            .collect();
        Self { starts, len }
    }

    fn rows(plan: &Plan, d: usize) -> usize {
        if d == 0 { taps(plan) } else { planes(plan.stages[d].m) * plan.lanes }
    }

    /// The products of block `d`, and the gradients of its gamma and beta.
    pub(super) fn split<'a>(
        &self,
        plan: &Plan,
        d: usize,
        gradients: &'a mut [f32],
    ) -> (&'a mut [f32], &'a mut [f32], &'a mut [f32]) {
        let rows = Self::rows(plan, d);
        let block = &mut gradients[self.starts[d]..][..(rows + 2) * plan.lanes];
        let (products, norm) = block.split_at_mut(rows * plan.lanes);
        let (gamma, beta) = norm.split_at_mut(plan.lanes);
        (products, gamma, beta)
    }

    /// Zeros for all that is only ever added to: everything but the products of the tiled blocks.
    pub(super) fn clear(&self, plan: &Plan, gradients: &mut [f32]) {
        for d in 0..plan.stages.len() {
            let (products, gamma, beta) = self.split(plan, d, gradients);
            if d == 0 {
                products.fill(0.0);
            }
            gamma.fill(0.0);
            beta.fill(0.0);
        }
    }

    /// The gradient in the order of the parameters. That of the biases is zero: the norm takes them out.
    pub(super) fn unpack(&self, kernels: &Kernels, plan: &Plan, gradients: &mut [f32]) -> Buffer {
        let mut out = Buffer::recycled(plan.parameter_count());
        let mut rest = out.as_mut_slice();
        for d in 0..plan.stages.len() {
            let (products, gamma, beta) = self.split(plan, d, gradients);
            let (weights, others) = rest.split_at_mut(plan.block_parameters(d) - 3 * plan.filters);
            if d == 0 {
                unpack_first(plan, products, weights);
            } else {
                unpack_tiled(kernels, plan, d, products, weights);
            }
            let (norm, next) = others.split_at_mut(3 * plan.filters);
            for (to, from) in norm.chunks_exact_mut(plan.filters).zip([None, Some(gamma), Some(beta)]) {
                match from {
                    None => to.fill(0.0),
                    Some(from) => to.copy_from_slice(&from[..plan.filters]),
                }
            }
            rest = next;
        }
        out
    }
}

fn unpack_first(plan: &Plan, products: &[f32], weights: &mut [f32]) {
    for tap in 0..taps(plan) {
        for f in 0..plan.filters {
            weights[tap_index(plan, f, tap)] = products[tap * plan.lanes + f];
        }
    }
}

fn unpack_tiled(kernels: &Kernels, plan: &Plan, d: usize, products: &[f32], weights: &mut [f32]) {
    let (lanes, filters) = (plan.lanes, plan.filters);
    let mut windows = vec![0.0; 9 * lanes];
    for c in 0..filters {
        kernels.weight_tiles_adjoint(WeightTilesAdjoint {
            m: plan.stages[d].m,
            tiles: &products[c * lanes..],
            plane: lanes * lanes,
            width: lanes,
            out: &mut windows,
            out_tap: lanes,
        });
        for f in 0..filters {
            for (tap, to) in weights[(f * filters + c) * 9..][..9].iter_mut().enumerate() {
                *to = windows[tap * lanes + f];
            }
        }
    }
}
