//! Convolutions of any window and stride: a strip of windows is unrolled into columns, then one matrix product.
//!
//! The product is faer's. A strip is about as long as keeps its columns in the cache, and spans several images where they
//! are small. What is cut where follows from the shapes alone, so that results do not depend on the threads.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;

use super::numbers::{Number, by_precision, forward_by_precision, is_ours, on_values, tensor_like, values};

/// Windows of a strip.
const STRIP: usize = 256;
/// Parts of a batch whose gradients of the weights are gathered apart, then added in order: what bounds their memory.
const PARTS: usize = 8;

/// A convolution with its parameters.
pub(in crate::nn) struct Convolution {
    /// `(filters, channels, side, side)`
    pub(in crate::nn) weight: Tensor,
    /// `(filters,)`
    pub(in crate::nn) bias: Option<Tensor>,
    pub(in crate::nn) stride: usize,
    pub(in crate::nn) padding: usize,
}

impl Convolution {
    /// `(n, c, h, w) -> (n, filters, h', w')`
    pub(in crate::nn) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.compute(x, false)
    }

    /// The same, and what is negative becomes zero.
    pub(in crate::nn) fn forward_relu(&self, x: &Tensor) -> Result<Tensor> {
        self.compute(x, true)
    }

    fn compute(&self, x: &Tensor, relu: bool) -> Result<Tensor> {
        let filters = self.weight.dim(0)?;
        if !is_ours(x) {
            let mut y = x.conv2d(&self.weight, self.padding, self.stride, 1, 1)?;
            if let Some(bias) = &self.bias {
                y = y.broadcast_add(&bias.reshape((1, filters, 1, 1))?)?;
            }
            return if relu { y.relu() } else { Ok(y) };
        }
        let none = || Tensor::zeros(filters, x.dtype(), x.device());
        let bias = self.bias.as_ref().map_or_else(none, |bias| Ok(bias.clone()))?;
        let geometry = Geometry::new(x, &self.weight, self.stride, self.padding)?;
        let wanted = [x, &self.weight, &bias].map(Tensor::track_op);
        x.contiguous()?.apply_op3(&self.weight.contiguous()?, &bias, Operation { geometry, relu, wanted })
    }
}

/// Sizes of what goes in and comes out.
#[derive(Clone, Copy)]
struct Geometry {
    images: usize,
    channels: usize,
    height: usize,
    width: usize,
    filters: usize,
    side: usize,
    stride: usize,
    padding: usize,
    out_height: usize,
    out_width: usize,
}

impl Geometry {
    fn new(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Self> {
        let (images, channels, height, width) = x.dims4()?;
        let (filters, inputs, side, other) = weight.dims4()?;
        if inputs != channels || side != other {
            bail!("a convolution with weights {:?} got images {:?}", weight.dims(), x.dims());
        }
        let out = |side_in: usize| (side_in + 2 * padding).checked_sub(side).map(|room| room / stride + 1);
        let (Some(out_height), Some(out_width)) = (out(height), out(width)) else {
            bail!("images of {height}x{width} are smaller than the window of {side}x{side}");
        };
        Ok(Self { images, channels, height, width, filters, side, stride, padding, out_height, out_width })
    }

    fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }
    fn out_len(&self) -> usize {
        self.filters * self.out_height * self.out_width
    }
    /// Numbers in a window.
    fn depth(&self) -> usize {
        self.channels * self.side * self.side
    }
    /// Images that a strip spans at least.
    fn together(&self) -> usize {
        (STRIP / (self.out_height * self.out_width)).clamp(1, self.images.max(1))
    }
    /// Strips of `images` images, as ranges of rows of the result, counted through all of them.
    fn strips(&self, images: usize) -> impl Iterator<Item = Range<usize>> {
        let rows = images * self.out_height;
        let strips = (rows * self.out_width).div_ceil(STRIP).clamp(1, rows.max(1));
        (0..strips).map(move |strip| rows * strip / strips..rows * (strip + 1) / strips)
    }
    fn longest_strip(&self, images: usize) -> usize {
        self.strips(images).map(|strip| strip.len()).max().unwrap_or(0) * self.out_width
    }

    /// For each row of windows and each place in a window: the run of numbers that the place meets.
    ///
    /// `visit(index of the place, windows of the strip that have it, first number in the images)`
    fn for_each_run(&self, strip: &Range<usize>, mut visit: impl FnMut(usize, Range<usize>, usize)) {
        let inside = |at: usize, size: usize| at.checked_sub(self.padding).filter(|&at| at < size);
        for channel in 0..self.channels {
            for (ky, kx) in (0..self.side).flat_map(|ky| (0..self.side).map(move |kx| (ky, kx))) {
                let place = (channel * self.side + ky) * self.side + kx;
                let first = self.padding.saturating_sub(kx).div_ceil(self.stride);
                let end = (self.width + self.padding).saturating_sub(kx).div_ceil(self.stride).min(self.out_width);
                if first >= end {
                    continue;
                }
                for (number, row) in strip.clone().enumerate() {
                    let (image, y) = (row / self.out_height, row % self.out_height);
                    let Some(y) = inside(y * self.stride + ky, self.height) else { continue };
                    let start = ((image * self.channels + channel) * self.height + y) * self.width;
                    let windows = number * self.out_width + first..number * self.out_width + end;
                    visit(place, windows, start + first * self.stride + kx - self.padding);
                }
            }
        }
    }

    /// The windows of a strip as columns `(depth, windows)`.
    fn unroll<T: Number>(&self, images: &[T], strip: &Range<usize>, columns: &mut [T]) {
        let len = strip.len() * self.out_width;
        columns.fill(T::zero());
        self.for_each_run(strip, |place, windows, start| {
            let to = &mut columns[place * len..][windows];
            if self.stride == 1 {
                to.copy_from_slice(&images[start..start + to.len()]);
            } else {
                for (to, from) in to.iter_mut().zip(images[start..].iter().step_by(self.stride)) {
                    *to = *from;
                }
            }
        });
    }

    /// The adjoint of [`unroll`](Self::unroll): adds what each window says of its numbers.
    fn roll<T: Number>(&self, columns: &[T], strip: &Range<usize>, images: &mut [T]) {
        let len = strip.len() * self.out_width;
        self.for_each_run(strip, |place, windows, start| {
            let from = &columns[place * len..][windows];
            if self.stride == 1 {
                add(&mut images[start..start + from.len()], from);
            } else {
                for (to, from) in images[start..].iter_mut().step_by(self.stride).zip(from) {
                    *to += *from;
                }
            }
        });
    }

    /// Where a row of filter `filter` stands in the result of the images of a part.
    fn out_row(&self, filter: usize, row: usize) -> Range<usize> {
        let (image, y) = (row / self.out_height, row % self.out_height);
        let start = ((image * self.filters + filter) * self.out_height + y) * self.out_width;
        start..start + self.out_width
    }
}

struct Operation {
    geometry: Geometry,
    relu: bool,
    /// Whether gradients of images, weights and biases are asked for.
    wanted: [bool; 3],
}

impl CustomOp3 for Operation {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let Geometry { images, filters, out_height, out_width, .. } = self.geometry;
        let storage = forward_by_precision!(self, (s1, l1), (s2, l2), (s3, l3));
        Ok((storage, (images, filters, out_height, out_width).into()))
    }

    fn bwd(
        &self,
        images: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        by_precision!(images.dtype(), gradients, (self, [images, weight, bias, result, &gradient.contiguous()?]))
    }
}

fn gradients<T: Number>(
    operation: &Operation,
    tensors: [&Tensor; 5],
) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
    let [images, weight, bias, result, gradient] = tensors;
    let sums = on_values::<T, 4, _>([images, weight, result, gradient], |[images, weight, result, gradient]| {
        operation.backward(images, weight, result, gradient)
    })?;
    let [to_images, to_weight, to_bias] = operation.wanted;
    Ok((
        to_images.then(|| tensor_like(sums.images, images)).transpose()?,
        to_weight.then(|| tensor_like(sums.weight, weight)).transpose()?,
        to_bias.then(|| tensor_like(sums.bias, bias)).transpose()?,
    ))
}

/// The gradients of a part or of the whole.
struct Gradients<T> {
    images: Vec<T>,
    weight: Vec<T>,
    bias: Vec<T>,
}

/// `to = left right`, or `to += left right`.
fn product<T: Number>(to: MatMut<T>, add: Accum, left: MatRef<T>, right: MatRef<T>) {
    matmul(to, add, left, right, T::one(), Par::Seq);
}

impl Operation {
    fn forward<T: Number>(&self, images: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let g = &self.geometry;
        let mut out = vec![T::zero(); g.images * g.out_len()];
        let weight = MatRef::from_row_major_slice(weight, g.filters, g.depth());
        let part = g.together();
        let longest = g.longest_strip(part);
        out.par_chunks_mut(part * g.out_len()).zip(images.par_chunks(part * g.image_len())).for_each_init(
            || (vec![T::zero(); g.depth() * longest], vec![T::zero(); g.filters * longest]),
            |(columns, rows), (out, images)| {
                for strip in g.strips(images.len() / g.image_len()) {
                    let len = strip.len() * g.out_width;
                    let columns = &mut columns[..g.depth() * len];
                    g.unroll(images, &strip, columns);
                    let rows = &mut rows[..g.filters * len];
                    let to = MatMut::from_row_major_slice_mut(rows, g.filters, len);
                    product(to, Accum::Replace, weight, MatRef::from_row_major_slice(columns, g.depth(), len));
                    self.place(rows, bias, strip, out);
                }
            },
        );
        out
    }

    /// Puts the rows of a strip `(filters, windows)` into the result, with the bias.
    fn place<T: Number>(&self, rows: &[T], bias: &[T], strip: Range<usize>, out: &mut [T]) {
        let g = &self.geometry;
        let len = strip.len() * g.out_width;
        for ((filter, rows), bias) in rows.chunks_exact(len).enumerate().zip(bias) {
            for (row, from) in strip.clone().zip(rows.chunks_exact(g.out_width)) {
                for (to, from) in out[g.out_row(filter, row)].iter_mut().zip(from) {
                    let value = *from + *bias;
                    *to = if self.relu && value <= T::zero() { T::zero() } else { value };
                }
            }
        }
    }

    fn backward<T: Number>(&self, images: &[T], weight: &[T], result: &[T], gradient: &[T]) -> Gradients<T> {
        let g = &self.geometry;
        let [to_images, to_weight, _] = self.wanted;
        // Gradients of the images alone need no sums, so there may be as many parts as keep the processor busy.
        let part = if to_weight { g.images.div_ceil(PARTS) } else { g.together() }.max(1);
        let parts: Vec<Gradients<T>> = (0..g.images.div_ceil(part))
            .into_par_iter()
            .map(|number| {
                let (start, end) = (number * part, ((number + 1) * part).min(g.images));
                let cut = |values: &'_ [T], len: usize| -> Range<usize> {
                    debug_assert_eq!(values.len(), g.images * len);
                    start * len..end * len
                };
                self.backward_part(
                    &images[cut(images, g.image_len())],
                    weight,
                    &result[cut(result, g.out_len())],
                    &gradient[cut(gradient, g.out_len())],
                )
            })
            .collect();
        let mut whole = Gradients {
            images: Vec::with_capacity(if to_images { images.len() } else { 0 }),
            weight: vec![T::zero(); if to_weight { weight.len() } else { 0 }],
            bias: vec![T::zero(); g.filters],
        };
        for part in parts {
            whole.images.extend(part.images);
            add(&mut whole.weight, &part.weight);
            add(&mut whole.bias, &part.bias);
        }
        whole
    }

    fn backward_part<T: Number>(&self, images: &[T], weight: &[T], result: &[T], gradient: &[T]) -> Gradients<T> {
        let g = &self.geometry;
        let [to_images, to_weight, _] = self.wanted;
        let weight = MatRef::from_row_major_slice(weight, g.filters, g.depth());
        let count = images.len() / g.image_len();
        let longest = g.longest_strip(count);
        let mut columns = vec![T::zero(); g.depth() * longest];
        let mut rows = vec![T::zero(); g.filters * longest];
        let mut sums = Gradients {
            images: vec![T::zero(); if to_images { images.len() } else { 0 }],
            weight: vec![T::zero(); if to_weight { g.filters * g.depth() } else { 0 }],
            bias: vec![T::zero(); g.filters],
        };
        for strip in g.strips(count) {
            let len = strip.len() * g.out_width;
            let (columns, rows) = (&mut columns[..g.depth() * len], &mut rows[..g.filters * len]);
            self.take(result, gradient, &strip, rows);
            for (sum, row) in sums.bias.iter_mut().zip(rows.chunks_exact(len)) {
                *sum += row.iter().fold(T::zero(), |sum, value| sum + *value);
            }
            if to_weight {
                g.unroll(images, &strip, columns);
                let to = MatMut::from_row_major_slice_mut(&mut sums.weight, g.filters, g.depth());
                let rows = MatRef::from_row_major_slice(rows, g.filters, len);
                product(to, Accum::Add, rows, MatRef::from_row_major_slice(columns, g.depth(), len).transpose());
            }
            if to_images {
                let to = MatMut::from_row_major_slice_mut(columns, g.depth(), len);
                let rows = MatRef::from_row_major_slice(rows, g.filters, len);
                product(to, Accum::Replace, weight.transpose(), rows);
                g.roll(columns, &strip, &mut sums.images);
            }
        }
        sums
    }

    /// The gradient of a strip as rows `(filters, windows)`, nothing where the result was cut off at zero.
    fn take<T: Number>(&self, result: &[T], gradient: &[T], strip: &Range<usize>, rows: &mut [T]) {
        let g = &self.geometry;
        let len = strip.len() * g.out_width;
        for (filter, rows) in rows.chunks_exact_mut(len).enumerate() {
            for (row, to) in strip.clone().zip(rows.chunks_exact_mut(g.out_width)) {
                let at = g.out_row(filter, row);
                to.copy_from_slice(&gradient[at.clone()]);
                if self.relu {
                    for (to, result) in to.iter_mut().zip(&result[at]) {
                        if *result <= T::zero() {
                            *to = T::zero();
                        }
                    }
                }
            }
        }
    }
}

fn add<T: Number>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}
