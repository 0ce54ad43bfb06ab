//! The blocks as an operation of candle, and how its images are shared among threads.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Result, Shape, Storage, Tensor, bail};
use rayon::prelude::*;

use super::Blocks;
use super::backward::{Gathered, Run};
use super::forward::{STRIP_TILES, Stack};
use super::isa::{Kernels, kernels};
use super::pack::{GradientLayout, Packed};
use super::plan::{Plan, Stage};
use super::workspace::{Buffer, Trace, Workspace};

/// Floats of the images that go through the stack together, at most (1.5 MiB): what the second cache holds.
const MOST_TOGETHER: usize = 3 << 17;
/// Groups whose parameter gradients are gathered apart and then added in order. A function of the batch alone, so that
/// the sum does not depend on the threads; it bounds both the threads of use and the memory.
const GRADIENT_GROUPS: usize = 16;
/// Floats that one call may keep for its backward (256 MiB). A larger batch computes its forward again instead.
const MOST_KEPT: usize = 1 << 26;

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
    let wanted = Wanted { images: images.track_op(), parameters: !frozen && parameters.track_op() };
    images.contiguous()?.apply_op2(&parameters.contiguous()?, Operation { plan, wanted, kept: Mutex::new(None) })
}

struct Operation {
    plan: Plan,
    wanted: Wanted,
    /// What the forward left for the backward; it goes with the graph.
    kept: Mutex<Option<Kept>>,
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        "conv-blocks"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (images, parameters) = (floats(s1, l1)?, floats(s2, l2)?);
        let plan = &self.plan;
        let n = images.len() / plan.image_len();
        let (out, kept) = forward(kernels(), plan, images, parameters, self.wanted);
        *self.kept() = kept;
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
        let gradient = gradient.contiguous()?;
        let [(s1, l1), (s2, l2), (s3, l3)] = [images, parameters, &gradient].map(Tensor::storage_and_layout);
        let (Storage::Cpu(s1), Storage::Cpu(s2), Storage::Cpu(s3)) = (&*s1, &*s2, &*s3) else {
            bail!("the fused blocks compute on the CPU");
        };
        let (images_in, parameters_in, gradient_in) = (floats(s1, l1)?, floats(s2, l2)?, floats(s3, l3)?);
        // Put back afterwards: a graph may be walked twice.
        let mut kept = self.kept().take();
        let (to_images, to_parameters) =
            backward(kernels(), &self.plan, images_in, parameters_in, gradient_in, self.wanted, kept.as_mut());
        *self.kept() = kept;
        let tensor = |values: Option<Vec<f32>>, like: &Tensor| {
            values.map(|values| Tensor::from_vec(values, like.shape(), &Device::Cpu)).transpose()
        };
        Ok((tensor(to_images, images)?, tensor(to_parameters, parameters)?))
    }
}

impl Operation {
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        // A panic elsewhere leaves either all of it or nothing: both are right.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Runs of images that go through the stack together, group by group; each group's parameter gradients are gathered
/// apart.
type Schedule = Vec<Vec<Range<usize>>>;

/// `range` in `parts` of nearly equal length.
fn split(range: &Range<usize>, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let (start, n) = (range.start, range.len());
    (0..parts).map(move |i| start + n * i / parts..start + n * (i + 1) / parts)
}

/// Long enough runs to fill the products of the smallest block. Without parameter gradients any cut gives the same
/// bits, so there is a group to every run and a multiple of the threads' number, so that none waits. With them the cut
/// is a function of the batch alone.
fn schedule(plan: &Plan, n: usize, parameters: bool) -> Schedule {
    let last = plan.last();
    let filling = STRIP_TILES / (last.tile_rows() * last.tile_columns());
    let each = trace_len(plan, 1, Wanted { images: true, parameters: true }).max(1);
    let together = filling.min(MOST_TOGETHER / each).max(1);
    if parameters {
        let groups = n.div_ceil(4).min(GRADIENT_GROUPS);
        return split(&(0..n), groups).map(|group| split(&group, group.len().div_ceil(together)).collect()).collect();
    }
    let runs = n.div_ceil(together).next_multiple_of(rayon::current_num_threads()).min(n);
    split(&(0..n), runs).map(|run| vec![run]).collect()
}

/// Cuts `values`, `len` floats to an image, as the schedule does.
fn slices<'a>(mut values: &'a mut [f32], len: usize, schedule: &Schedule) -> Vec<Vec<&'a mut [f32]>> {
    let mut cut = |run: &Range<usize>| {
        let (slice, rest) = std::mem::take(&mut values).split_at_mut(run.len() * len);
        values = rest;
        slice
    };
    schedule.iter().map(|group| group.iter().map(&mut cut).collect()).collect()
}

/// What a forward left for its backward.
pub(super) struct Kept {
    schedule: Schedule,
    packed: Packed,
    /// A trace to every run, or nothing where the memory would not be bounded.
    traces: Vec<Vec<Trace>>,
}

/// Floats that the traces of `n` images hold.
fn trace_len(plan: &Plan, n: usize, wanted: Wanted) -> usize {
    let image = |stage: &Stage| stage.positions() * plan.lanes + if wanted.parameters { stage.map_len() } else { 0 };
    n * plan.stages[1..].iter().map(image).sum::<usize>()
}

/// The result, and where gradients are wanted what the backward can use.
pub(super) fn forward(
    kernels: &Kernels,
    plan: &Plan,
    images: &[f32],
    parameters: &[f32],
    wanted: Wanted,
) -> (Vec<f32>, Option<Kept>) {
    let n = images.len() / plan.image_len();
    let mut packed = Packed::new(kernels, plan, parameters);
    let stack = Stack { kernels, plan, packed: &packed };
    let schedule = schedule(plan, n, wanted.parameters);
    let tracked = wanted.images || wanted.parameters;
    let keep = tracked && trace_len(plan, n, wanted) <= MOST_KEPT;
    let mut out = vec![0.0; n * plan.output_len()];
    let outs = slices(&mut out, plan.output_len(), &schedule);
    let run = |run: &Range<usize>, out: &mut [f32]| {
        let images = &images[run.start * plan.image_len()..run.end * plan.image_len()];
        Workspace::with(|work| {
            if !keep {
                stack.forward(images, run.len(), work, false, out);
                return Trace::default();
            }
            let own = std::mem::take(&mut work.trace);
            stack.forward(images, run.len(), work, true, out);
            let mut trace = std::mem::replace(&mut work.trace, own);
            if !wanted.parameters {
                trace.maps.iter_mut().for_each(Buffer::recycle);
            }
            trace
        })
    };
    let traces = (&schedule, outs)
        .into_par_iter()
        .with_max_len(1)
        .map(|(group, outs)| group.par_iter().zip(outs).map(|(range, out)| run(range, out)).collect())
        .collect();
    if !tracked {
        return (out, None);
    }
    if keep {
        packed.drop_forward();
    }
    (out, Some(Kept { schedule, packed, traces: if keep { traces } else { Vec::new() } }))
}

/// The gradients that are wanted, of images and of parameters.
pub(super) fn backward(
    kernels: &Kernels,
    plan: &Plan,
    images: &[f32],
    parameters: &[f32],
    gradient: &[f32],
    wanted: Wanted,
    kept: Option<&mut Kept>,
) -> (Option<Vec<f32>>, Option<Vec<f32>>) {
    let n = images.len() / plan.image_len();
    let mut fresh;
    let kept = if let Some(kept) = kept {
        kept
    } else {
        let (packed, schedule) = (Packed::new(kernels, plan, parameters), schedule(plan, n, wanted.parameters));
        fresh = Kept { schedule, packed, traces: Vec::new() };
        &mut fresh
    };
    let Kept { schedule, packed, traces } = kept;
    packed.add_backward(kernels, plan, parameters);
    if traces.is_empty() {
        // Nothing was kept: every run computes its own once more.
        traces.resize_with(schedule.len(), Vec::new);
    }
    let stack = Stack { kernels, plan, packed };
    let layout = GradientLayout::new(plan);
    let mut to_images = vec![0.0; if wanted.images { images.len() } else { 0 }];
    let outs = slices(&mut to_images, if wanted.images { plan.image_len() } else { 0 }, schedule);

    let sums: Vec<Buffer> = (&*schedule, traces, outs)
        .into_par_iter()
        .with_max_len(1)
        .map(|(group, traces, outs)| {
            let mut sums = Workspace::with(|work| std::mem::take(&mut work.sums));
            let sums_of_group = sums.take(if wanted.parameters { layout.len } else { 0 });
            if wanted.parameters {
                layout.clear(plan, sums_of_group);
            }
            let mut traces = traces.iter_mut();
            for (number, (run, out)) in group.iter().zip(outs).enumerate() {
                let run = Run {
                    images: &images[run.start * plan.image_len()..run.end * plan.image_len()],
                    gradient: &gradient[run.start * plan.output_len()..run.end * plan.output_len()],
                    count: run.len(),
                };
                let gathered = wanted.parameters.then(|| Gathered {
                    layout: &layout,
                    sums: sums.as_mut_slice(),
                    fresh: number == 0,
                });
                let to_images = wanted.images.then_some(out);
                Workspace::with(|work| stack.run_backward(run, work, traces.next(), gathered, to_images));
            }
            let to_parameters =
                if wanted.parameters { layout.unpack(kernels, plan, sums.as_mut_slice()) } else { Buffer::default() };
            Workspace::with(|work| work.sums = sums);
            to_parameters
        })
        .collect();
    packed.drop_backward();
    (wanted.images.then_some(to_images), wanted.parameters.then(|| add_in_order(sums, plan.parameter_count())))
}

impl Stack<'_> {
    /// The backward of one run, with its trace or a forward that makes one.
    fn run_backward(
        &self,
        run: Run,
        work: &mut Workspace,
        trace: Option<&mut Trace>,
        gathered: Option<Gathered>,
        to_images: Option<&mut [f32]>,
    ) {
        if let Some(trace) = trace {
            std::mem::swap(&mut work.trace, trace);
            self.backward(run, work, gathered, to_images);
            std::mem::swap(&mut work.trace, trace);
        } else {
            let mut out = std::mem::take(&mut work.output);
            self.forward(run.images, run.count, work, true, out.take(run.count * self.plan.output_len()));
            work.output = out;
            self.backward(run, work, gathered, to_images);
        }
    }
}

/// The sum of the first `len` floats of all, each element in the order of the groups.
fn add_in_order(mut sums: Vec<Buffer>, len: usize) -> Vec<f32> {
    const PART: usize = 1 << 14;
    let mut total = sums[0].as_slice()[..len].to_vec();
    total.par_chunks_mut(PART).enumerate().for_each(|(i, total)| {
        for sums in &sums[1..] {
            for (to, from) in total.iter_mut().zip(&sums.as_slice()[i * PART..]) {
                *to += from;
            }
        }
    });
    sums.iter_mut().for_each(Buffer::recycle);
    total
}
