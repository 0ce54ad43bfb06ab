//! The blocks as an operation of candle, and how its images are shared among threads.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Result, Shape, Storage, Tensor, bail};
use rayon::prelude::*;

use super::Blocks;
use super::backward::Gathered;
use super::forward::Stack;
use super::isa::{Kernels, kernels};
use super::pack::{GradientLayout, Packed};
use super::plan::Plan;
use super::workspace::{Buffer, Workspace};

/// Images that go through the stack together, at most.
const MOST_TOGETHER: usize = 16;
/// Groups whose parameter gradients are gathered apart and then added in order. A function of the batch alone, so that
/// the sum does not depend on the threads; it bounds both the threads of use and the memory.
const GRADIENT_GROUPS: usize = 16;

/// `images` `(n, channels, height, width)` through the blocks: `(n, filters, h, w)`, in float32 on the CPU.
///
/// `parameters` `(p,)` are packed as [`Blocks::parameter_count`] says. Differentiable in the images, and unless `frozen`
/// in the parameters. The gradient of the biases is exactly zero, since the norm takes them out.
///
/// # Errors
/// Where shapes, type or device are others, or the images are too small for the depth.
pub fn conv_blocks(blocks: &Blocks, images: &Tensor, parameters: &Tensor, frozen: bool) -> Result<Tensor> {
    let plan = Plan::new(blocks)?;
    let (n, c, h, w) = images.dims4()?;
    if (c, h, w) != (blocks.channels, blocks.height, blocks.width) {
        bail!("the blocks expect images of {}x{}x{}, got {c}x{h}x{w}", blocks.channels, blocks.height, blocks.width);
    }
    if parameters.dims1()? != plan.parameter_count() {
        bail!("the blocks have {} parameters, got {}", plan.parameter_count(), parameters.dims1()?);
    }
    for tensor in [images, parameters] {
        if tensor.dtype() != DType::F32 || !matches!(tensor.device(), Device::Cpu) {
            bail!(
                "the fused blocks compute in float32 on the CPU, not in {:?} on {:?}",
                tensor.dtype(),
                tensor.device()
            );
        }
    }
    if n == 0 {
        let last = plan.last();
        return Tensor::zeros((0, plan.filters, last.pooled_height, last.pooled_width), DType::F32, &Device::Cpu);
    }
    images.contiguous()?.apply_op2(&parameters.contiguous()?, Operation { plan, frozen })
}

struct Operation {
    plan: Plan,
    frozen: bool,
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        "conv-blocks"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (images, parameters) = (floats(s1, l1)?, floats(s2, l2)?);
        let plan = &self.plan;
        let n = images.len() / plan.image_len();
        let out = forward(kernels(), plan, images, parameters);
        let last = plan.last();
        let shape = Shape::from((n, plan.filters, last.pooled_height, last.pooled_width));
        Ok((CpuStorage::F32(out), shape))
    }

    fn bwd(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let wanted = Wanted { images: images.track_op(), parameters: !self.frozen && parameters.track_op() };
        let gradient = gradient.contiguous()?;
        let [(s1, l1), (s2, l2), (s3, l3)] = [images, parameters, &gradient].map(Tensor::storage_and_layout);
        let (Storage::Cpu(s1), Storage::Cpu(s2), Storage::Cpu(s3)) = (&*s1, &*s2, &*s3) else {
            bail!("the fused blocks compute on the CPU");
        };
        let (to_images, to_parameters) =
            backward(kernels(), &self.plan, floats(s1, l1)?, floats(s2, l2)?, floats(s3, l3)?, wanted);
        let tensor = |values: Option<Vec<f32>>, like: &Tensor| {
            values.map(|values| Tensor::from_vec(values, like.shape(), &Device::Cpu)).transpose()
        };
        Ok((tensor(to_images, images)?, tensor(to_parameters, parameters)?))
    }
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("the fused blocks need contiguous tensors") };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Which gradients are asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) images: bool,
    pub(super) parameters: bool,
}

/// `n` things in `parts` runs of nearly equal length.
fn split(n: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..parts).map(move |i| n * i / parts..n * (i + 1) / parts)
}

/// Cuts `n` images into runs that go through the stack together: enough of them to fill the products of the smallest
/// block, and a multiple of the threads' number so that none waits. Any cut gives the same bits.
fn runs(plan: &Plan, n: usize, threads: usize) -> usize {
    let last = plan.last();
    let together = (super::forward::STRIP_TILES / (last.tile_rows() * last.tile_columns())).clamp(1, MOST_TOGETHER);
    n.div_ceil(together).next_multiple_of(threads).min(n)
}

/// The slices of `values` that belong to `ranges` of items of `len` floats.
fn slices<'a>(
    mut values: &'a mut [f32],
    len: usize,
    ranges: impl Iterator<Item = Range<usize>>,
) -> Vec<(Range<usize>, &'a mut [f32])> {
    ranges
        .map(|range| {
            let (slice, rest) = std::mem::take(&mut values).split_at_mut(range.len() * len);
            values = rest;
            (range, slice)
        })
        .collect()
}

pub(super) fn forward(kernels: &Kernels, plan: &Plan, images: &[f32], parameters: &[f32]) -> Vec<f32> {
    let n = images.len() / plan.image_len();
    let packed = Packed::new(plan, kernels.panel, parameters, false);
    let stack = Stack { kernels, plan, packed: &packed };
    let mut out = vec![0.0; n * plan.output_len()];
    let parts = runs(plan, n, rayon::current_num_threads());
    slices(&mut out, plan.output_len(), split(n, parts)).into_par_iter().with_max_len(1).for_each(|(range, out)| {
        let images = &images[range.start * plan.image_len()..range.end * plan.image_len()];
        Workspace::with(|work| stack.forward(images, range.len(), work, false, out));
    });
    out
}

pub(super) fn backward(
    kernels: &Kernels,
    plan: &Plan,
    images: &[f32],
    parameters: &[f32],
    gradient: &[f32],
    wanted: Wanted,
) -> (Option<Vec<f32>>, Option<Vec<f32>>) {
    let n = images.len() / plan.image_len();
    let packed = Packed::new(plan, kernels.panel, parameters, true);
    let stack = Stack { kernels, plan, packed: &packed };
    let mut to_images = vec![0.0; if wanted.images { images.len() } else { 0 }];
    let image_gradient_len = if wanted.images { plan.image_len() } else { 0 };
    let layout = GradientLayout::new(plan);

    let run = |range: Range<usize>, to_images: &mut [f32], sums: Option<&mut [f32]>| {
        let images = &images[range.start * plan.image_len()..range.end * plan.image_len()];
        let gradient = &gradient[range.start * plan.output_len()..range.end * plan.output_len()];
        Workspace::with(|work| {
            let mut out = std::mem::take(&mut work.output);
            stack.forward(images, range.len(), work, true, out.take(range.len() * plan.output_len()));
            work.output = out;
            let gathered = sums.map(|sums| Gathered { layout: &layout, sums });
            stack.backward(gradient, range.len(), work, gathered, wanted.images.then_some(to_images));
        });
    };

    if !wanted.parameters {
        let parts = runs(plan, n, rayon::current_num_threads());
        slices(&mut to_images, image_gradient_len, split(n, parts))
            .into_par_iter()
            .with_max_len(1)
            .for_each(|(range, to_images)| run(range, to_images, None));
        return (wanted.images.then_some(to_images), None);
    }
    let groups = n.div_ceil(4).min(GRADIENT_GROUPS);
    let sums: Vec<Buffer> = slices(&mut to_images, image_gradient_len, split(n, groups))
        .into_par_iter()
        .with_max_len(1)
        .map(|(group, to_images)| {
            let mut sums = Buffer::zeroed(layout.len);
            let parts = runs(plan, group.len(), 1);
            let ranges = split(group.len(), parts).map(|r| group.start + r.start..group.start + r.end);
            for (range, to_images) in slices(to_images, image_gradient_len, ranges) {
                run(range, to_images, Some(sums.as_mut_slice()));
            }
            sums
        })
        .collect();
    (wanted.images.then_some(to_images), Some(layout.unpack(plan, add_in_order(sums).as_mut_slice())))
}

/// The sum of all, each element in the order of the groups.
fn add_in_order(mut sums: Vec<Buffer>) -> Buffer {
    let mut total = sums.remove(0);
    total.as_mut_slice().par_chunks_mut(1 << 14).enumerate().for_each(|(i, total)| {
        for sums in &sums {
            for (to, from) in total.iter_mut().zip(&sums.as_slice()[i << 14..]) {
                *to += from;
            }
        }
    });
    total
}
