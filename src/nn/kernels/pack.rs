//! Parameters as the kernels read them: transformed for Winograd's planes and cut into panels, once per call.

use super::lanes::LANES;
use super::plan::{Plan, panels};
use super::tiles::PLANES;
use super::workspace::Buffer;

/// The parameters of one block.
pub(super) struct PackedStage {
    /// First block: `(panel, tap row, tap column, channel, lane)`. Others: `(plane, panel, channel, lane)`.
    pub(super) forward: Buffer,
    /// The transposed product, for the gradient of the map: first block `(panel of taps, filter, lane)`, others
    /// `(plane, panel, filter, lane)` with panels and lanes over the channels. Only where asked for.
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
    pub(super) fn new(plan: &Plan, panel: usize, parameters: &[f32]) -> Self {
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
                    forward: pack(plan, panel, weights, false),
                    backward: None,
                    gamma: padded(&tail[plan.filters..2 * plan.filters]),
                    beta: padded(&tail[2 * plan.filters..]),
                }
            })
            .collect();
        Self { stages }
    }

    /// The transposed weights of block `d`.
    pub(super) fn backward(&self, d: usize) -> &[f32] {
        self.stages[d].backward.as_ref().map_or(&[], Buffer::as_slice)
    }

    /// Packs what the backward needs as well, once.
    pub(super) fn add_backward(&mut self, plan: &Plan, panel: usize, parameters: &[f32]) {
        let mut rest = parameters;
        for (d, stage) in self.stages.iter_mut().enumerate() {
            let (block, after) = rest.split_at(plan.block_parameters(d));
            rest = after;
            let pack = if d == 0 { first } else { tiled };
            stage.backward.get_or_insert_with(|| pack(plan, panel, &block[..block.len() - 3 * plan.filters], true));
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

fn first(plan: &Plan, panel: usize, weights: &[f32], transpose: bool) -> Buffer {
    let (inner, outer) = if transpose { (plan.filters, taps(plan)) } else { (taps(plan), plan.filters) };
    let depth = if transpose { plan.lanes } else { inner };
    let lanes = outer.next_multiple_of(LANES);
    let mut packed = Buffer::zeroed(depth * lanes);
    let out = packed.as_mut_slice();
    for (start, width) in panels(lanes, panel) {
        for k in 0..inner {
            for lane in 0..width.min(outer.saturating_sub(start)) {
                let (f, tap) = if transpose { (k, start + lane) } else { (start + lane, k) };
                out[start * depth + k * width + lane] = weights[tap_index(plan, f, tap)];
            }
        }
    }
    packed
}

/// Sixteen 3x3 windows, lane by lane.
type Windows = [[f32; LANES]; 9];

fn tiled(plan: &Plan, panel: usize, weights: &[f32], transpose: bool) -> Buffer {
    let (lanes, filters) = (plan.lanes, plan.filters);
    let mut packed = Buffer::zeroed(PLANES * lanes * lanes);
    let out = packed.as_mut_slice();
    for (start, width) in panels(lanes, panel) {
        for k in 0..filters {
            for lane in (0..width).step_by(LANES) {
                let mut windows: Windows = [[0.0; LANES]; 9];
                for i in 0..LANES.min(filters.saturating_sub(start + lane)) {
                    let (f, c) = if transpose { (k, start + lane + i) } else { (start + lane + i, k) };
                    let window = &weights[(f * filters + c) * 9..][..9];
                    for (lanes, value) in windows.iter_mut().zip(window) {
                        lanes[i] = *value;
                    }
                }
                let at = start * lanes + k * width + lane;
                for (plane, values) in transform(&windows).iter().enumerate() {
                    out[plane * lanes * lanes + at..][..LANES].copy_from_slice(values);
                }
            }
        }
    }
    packed
}

/// `G g` for one column.
fn weight_column(g: [&[f32; LANES]; 3]) -> [[f32; LANES]; 4] {
    let mut out = [[0.0; LANES]; 4];
    for i in 0..LANES {
        let (even, odd) = (0.5 * (g[0][i] + g[2][i]), 0.5 * g[1][i]);
        out[0][i] = g[0][i];
        out[1][i] = even + odd;
        out[2][i] = even - odd;
        out[3][i] = g[2][i];
    }
    out
}

/// `G g Gᵀ`
fn transform(g: &Windows) -> [[f32; LANES]; PLANES] {
    let columns: [_; 3] = std::array::from_fn(|j| weight_column([&g[j], &g[3 + j], &g[6 + j]]));
    let mut out = [[0.0; LANES]; PLANES];
    for i in 0..4 {
        let row = weight_column([&columns[0][i], &columns[1][i], &columns[2][i]]);
        out[4 * i..4 * i + 4].copy_from_slice(&row);
    }
    out
}

/// `Gᵀ u G`: the gradient of a window from the gradient of its planes.
fn transform_adjoint(u: &[f32; PLANES]) -> [f32; 9] {
    let column = |u: [f32; 4]| {
        let (sum, difference) = (0.5 * (u[1] + u[2]), 0.5 * (u[1] - u[2]));
        [u[0] + sum, difference, u[3] + sum]
    };
    let columns: [[f32; 3]; 4] = std::array::from_fn(|j| column([u[j], u[4 + j], u[8 + j], u[12 + j]]));
    let mut out = [0.0; 9];
    for i in 0..3 {
        let row = column([columns[0][i], columns[1][i], columns[2][i], columns[3][i]]);
        out[3 * i..3 * i + 3].copy_from_slice(&row);
    }
    out
}

/// Where a group of images gathers the gradients of the parameters: per block `(product rows, lanes)`, then gamma and
/// beta. The products are the taps of the first block, and planes times channels of the others.
pub(super) struct GradientLayout {
    /// Per block: the first float of the products; gamma's and beta's gradients follow.
    pub(super) starts: Vec<usize>,
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
        if d == 0 { taps(plan) } else { PLANES * plan.lanes }
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

    /// The gradient in the order of the parameters. That of the biases is zero: the norm takes them out.
    pub(super) fn unpack(&self, plan: &Plan, gradients: &mut [f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(plan.parameter_count());
        for d in 0..plan.stages.len() {
            let (products, gamma, beta) = self.split(plan, d, gradients);
            let start = out.len();
            out.resize(start + plan.block_parameters(d) - 3 * plan.filters, 0.0);
            let weights = &mut out[start..];
            if d == 0 {
                for tap in 0..taps(plan) {
                    for f in 0..plan.filters {
                        weights[tap_index(plan, f, tap)] = products[tap * plan.lanes + f];
                    }
                }
            } else {
                for c in 0..plan.filters {
                    for f in 0..plan.filters {
                        let u = std::array::from_fn(|plane| products[(plane * plan.lanes + c) * plan.lanes + f]);
                        weights[(f * plan.filters + c) * 9..][..9].copy_from_slice(&transform_adjoint(&u));
                    }
                }
            }
            out.resize(out.len() + plan.filters, 0.0);
            out.extend_from_slice(&gamma[..plan.filters]);
            out.extend_from_slice(&beta[..plan.filters]);
        }
        out
    }
}
