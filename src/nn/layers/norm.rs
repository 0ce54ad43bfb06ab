//! Norms: `y = gamma (x - mean) / sqrt(variance + eps) + beta`, with the mean and the biased variance of a group.
//!
//! A group is some channels of one image (instance, layer and group norm) or a channel of all images (batch norm). The
//! ReLU that follows nearly everywhere is part of the operation: a pass less over the largest tensors there are.

use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, Var, bail};
use rayon::prelude::*;

use super::{
    numbers::{Number, by_precision, forward_by_precision, is_ours, on_values, tensor_like, values},
    plain::{self, EPSILON},
};

/// Share of the last batch in the running statistics, as PyTorch's default.
const BATCH_SHARE: f64 = 0.1;

/// What is normalised together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::nn) enum Groups {
    /// The channels of each image, in so many groups.
    OfImage(usize),
    /// Each channel of all images.
    OfBatch,
}

/// `x` `(n, c, h, w)`, `gamma` and `beta` `(c,)`.
pub(in crate::nn) fn normalise(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    groups: Groups,
    relu: bool,
) -> Result<Tensor> {
    if !is_ours(x) {
        let y = match groups {
            Groups::OfImage(groups) => plain::group_norm(x, gamma, beta, groups)?,
            Groups::OfBatch => plain::batch_norm(x, gamma, beta)?,
        };
        return if relu { y.relu() } else { Ok(y) };
    }
    let sizes = Sizes::new(x, groups)?;
    x.contiguous()?.apply_op3(&gamma.contiguous()?, &beta.contiguous()?, Operation { sizes, relu })
}

/// A batch norm, which remembers the statistics of the batches that it was trained on.
pub(in crate::nn) struct BatchNorm {
    mean: Var,
    variance: Var,
    training: AtomicBool,
}

impl BatchNorm {
    /// Nothing remembered yet: mean 0, variance 1, and learning.
    pub(in crate::nn) fn new(channels: usize, dtype: DType, device: &Device) -> Result<Self> {
        let mean = Var::zeros(channels, dtype, device)?;
        let variance = Var::ones(channels, dtype, device)?;
        Ok(Self { mean, variance, training: AtomicBool::new(true) })
    }

    /// While it learns it normalises by the batch and remembers; afterwards by what it remembers.
    pub(in crate::nn) fn set_training(&self, training: bool) {
        self.training.store(training, Ordering::Relaxed);
    }

    /// `x` `(n, c, h, w)`, `gamma` and `beta` `(c,)`.
    pub(in crate::nn) fn forward(&self, x: &Tensor, gamma: &Tensor, beta: &Tensor, relu: bool) -> Result<Tensor> {
        if self.training.load(Ordering::Relaxed) {
            self.remember(&x.detach())?;
            return normalise(x, gamma, beta, Groups::OfBatch, relu);
        }
        let column = |values: &Tensor| values.reshape((1, (), 1, 1));
        let scale = gamma.div(&(self.variance.as_detached_tensor() + EPSILON)?.sqrt()?)?;
        let shift = beta.sub(&(self.mean.as_detached_tensor() * &scale)?)?;
        let y = x.broadcast_mul(&column(&scale)?)?.broadcast_add(&column(&shift)?)?;
        if relu { y.relu() } else { Ok(y) }
    }

    fn remember(&self, x: &Tensor) -> Result<()> {
        let (n, _, h, w) = x.dims4()?;
        let count = (n * h * w) as f64;
        let (mean, variance) = if is_ours(x) {
            by_precision!(x.dtype(), batch_statistics, (&x.contiguous()?))?
        } else {
            plain::batch_statistics(x)?
        };
        // The running variance is the unbiased one.
        let unbiased = (variance * (count / (count - 1.0).max(1.0)))?;
        for (running, batch) in [(&self.mean, mean), (&self.variance, unbiased)] {
            running.set(&((running.as_detached_tensor() * (1.0 - BATCH_SHARE))? + (batch * BATCH_SHARE)?)?)?;
        }
        Ok(())
    }
}

/// Mean and biased variance of each channel, `(c,)`.
fn batch_statistics<T: Number>(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let sizes = Sizes::new(x, Groups::OfBatch)?;
    let moments = on_values::<T, 1, _>([x], |[x]| sizes.moments(x))?;
    let part = |of: fn(&Moments) -> f64| {
        Tensor::from_iter(moments.iter().map(|moments| T::from_f64(of(moments))), &Device::Cpu)
    };
    Ok((part(|moments| moments.mean)?, part(|moments| moments.variance)?))
}

#[derive(Clone, Copy)]
struct Sizes {
    images: usize,
    channels: usize,
    /// Numbers of a channel of an image.
    plane: usize,
    groups: Groups,
}

/// Mean and biased variance of a group.
#[derive(Clone, Copy, Default)]
struct Moments {
    mean: f64,
    variance: f64,
}

impl Moments {
    fn inverse_deviation(self) -> f64 {
        (self.variance + EPSILON).sqrt().recip()
    }
}

impl Sizes {
    fn new(x: &Tensor, groups: Groups) -> Result<Self> {
        let (images, channels, height, width) = x.dims4()?;
        if let Groups::OfImage(groups) = groups
            && (groups == 0 || !channels.is_multiple_of(groups))
        {
            bail!("{channels} channels are no {groups} equal groups");
        }
        Ok(Self { images, channels, plane: height * width, groups })
    }

    fn count(&self) -> usize {
        match self.groups {
            Groups::OfImage(groups) => self.images * groups,
            Groups::OfBatch => self.channels,
        }
    }

    /// The group of a plane, planes counted through all images.
    fn group(&self, plane: usize) -> usize {
        match self.groups {
            Groups::OfImage(groups) => plane / (self.channels / groups),
            Groups::OfBatch => plane % self.channels,
        }
    }

    /// Planes in a group.
    fn planes(&self) -> usize {
        match self.groups {
            Groups::OfImage(groups) => self.channels / groups,
            Groups::OfBatch => self.images,
        }
    }

    fn moments<T: Number>(&self, x: &[T]) -> Vec<Moments> {
        let of_planes: Vec<Moments> = x.par_chunks_exact(self.plane).map(moments_of_plane).collect();
        if self.planes() == 1 {
            return of_planes;
        }
        let share = 1.0 / self.planes() as f64;
        let mut of_groups = vec![Moments::default(); self.count()];
        for (plane, moments) in of_planes.iter().enumerate() {
            of_groups[self.group(plane)].mean += moments.mean * share;
        }
        for (plane, moments) in of_planes.iter().enumerate() {
            let group = &mut of_groups[self.group(plane)];
            group.variance += (moments.variance + (moments.mean - group.mean).powi(2)) * share;
        }
        of_groups
    }
}

/// The sum of `f` over what slices of one length have at each place, in a fixed order that fits vector registers.
fn sum<T: Number, const N: usize>(slices: [&[T]; N], f: impl Fn([T; N]) -> T) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [T::zero(); LANES];
    let chunks = slices.map(|slice| slice.as_chunks::<LANES>());
    for number in 0..chunks[0].0.len() {
        let chunks = chunks.map(|(chunks, _)| &chunks[number]);
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(chunks.map(|chunk| chunk[lane]));
        }
    }
    let rest = (0..chunks[0].1.len()).map(|place| f(chunks.map(|(_, rest)| rest[place])));
    lanes.into_iter().chain(rest).map(WithF64::f64).sum()
}

/// Numbers as double precision, by a name that two traits do not share.
trait WithF64 {
    fn f64(self) -> f64;
}

impl<T: Number> WithF64 for T {
    fn f64(self) -> f64 {
        candle_core::WithDType::to_f64(self)
    }
}

fn moments_of_plane<T: Number>(x: &[T]) -> Moments {
    let count = x.len() as f64;
    let mean = sum([x], |[x]| x) / count;
    let centre = T::from_f64(mean);
    // Squares of what is left after rounding the centre, corrected for the rounding.
    let off = mean - centre.f64();
    let variance = sum([x], |[x]| (x - centre) * (x - centre)) / count - off * off;
    Moments { mean, variance: variance.max(0.0) }
}

struct Operation {
    sizes: Sizes,
    relu: bool,
}

impl CustomOp3 for Operation {
    fn name(&self) -> &'static str {
        "norm"
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
        let storage = forward_by_precision!(self, (s1, l1), (s2, l2), (s3, l3));
        Ok((storage, l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        by_precision!(x.dtype(), gradients, (self, [x, gamma, beta, result, &gradient.contiguous()?]))
    }
}

fn gradients<T: Number>(
    operation: &Operation,
    tensors: [&Tensor; 5],
) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
    let [x, gamma, beta, result, gradient] = tensors;
    let (to_x, to_gamma, to_beta) =
        on_values::<T, 4, _>([x, gamma, result, gradient], |[x, gamma, result, gradient]| {
            operation.backward(x, gamma, result, gradient)
        })?;
    Ok((
        Some(tensor_like(to_x, x)?),
        gamma.track_op().then(|| tensor_like(to_gamma, gamma)).transpose()?,
        beta.track_op().then(|| tensor_like(to_beta, beta)).transpose()?,
    ))
}

impl Operation {
    fn forward<T: Number>(&self, x: &[T], gamma: &[T], beta: &[T]) -> Vec<T> {
        let sizes = &self.sizes;
        let moments = sizes.moments(x);
        let mut y = vec![T::zero(); x.len()];
        y.par_chunks_exact_mut(sizes.plane).zip(x.par_chunks_exact(sizes.plane)).enumerate().for_each(
            |(plane, (y, x))| {
                let (moments, channel) = (moments[sizes.group(plane)], plane % sizes.channels);
                let mean = T::from_f64(moments.mean);
                let (scale, shift) = (gamma[channel] * T::from_f64(moments.inverse_deviation()), beta[channel]);
                for (y, x) in y.iter_mut().zip(x) {
                    let value = (*x - mean) * scale + shift;
                    *y = if self.relu && value <= T::zero() { T::zero() } else { value };
                }
            },
        );
        y
    }

    /// Gradients of `x`, `gamma` and `beta`. With `d = gradient gamma` and the normal `z`, in each group
    /// `to x = (d - mean(d) - z mean(d z)) / deviation`.
    fn backward<T: Number>(&self, x: &[T], gamma: &[T], result: &[T], gradient: &[T]) -> (Vec<T>, Vec<T>, Vec<T>) {
        let sizes = &self.sizes;
        let moments = sizes.moments(x);
        let open = |result: T| !self.relu || result > T::zero();
        let planes = || x.par_chunks_exact(sizes.plane).zip(result.par_chunks_exact(sizes.plane));
        let planes = || planes().zip(gradient.par_chunks_exact(sizes.plane)).enumerate();
        // Of each plane: the sums of the gradient and of the gradient times the normal.
        let sums: Vec<(f64, f64)> = planes()
            .map(|(plane, ((x, result), gradient))| {
                let moments = moments[sizes.group(plane)];
                let mean = T::from_f64(moments.mean);
                let through = |result, gradient| if open(result) { gradient } else { T::zero() };
                let plain = sum([result, gradient], |[result, gradient]| through(result, gradient));
                let with_normal =
                    sum([x, result, gradient], |[x, result, gradient]| through(result, gradient) * (x - mean));
                (plain, with_normal * moments.inverse_deviation())
            })
            .collect();
        let (mut to_gamma, mut to_beta) = (vec![0.0; sizes.channels], vec![0.0; sizes.channels]);
        let mut of_groups = vec![(0.0, 0.0); sizes.count()];
        let share = 1.0 / (sizes.planes() * sizes.plane) as f64;
        for (plane, (plain, with_normal)) in sums.into_iter().enumerate() {
            let channel = plane % sizes.channels;
            to_beta[channel] += plain;
            to_gamma[channel] += with_normal;
            let (of_group, factor) = (&mut of_groups[sizes.group(plane)], gamma[channel].f64() * share);
            of_group.0 += plain * factor;
            of_group.1 += with_normal * factor;
        }
        let mut to_x = vec![T::zero(); x.len()];
        to_x.par_chunks_exact_mut(sizes.plane).zip(planes()).for_each(|(to, (plane, ((x, result), gradient)))| {
            let group = sizes.group(plane);
            let inverse = moments[group].inverse_deviation();
            let (mean, deviation) = (T::from_f64(moments[group].mean), T::from_f64(inverse));
            let (plain, with_normal) = (T::from_f64(of_groups[group].0), T::from_f64(of_groups[group].1 * inverse));
            let gamma = gamma[plane % sizes.channels];
            for (((to, x), result), gradient) in to.iter_mut().zip(x).zip(result).zip(gradient) {
                let through = if open(*result) { *gradient * gamma } else { T::zero() };
                *to = (through - plain - (*x - mean) * with_normal) * deviation;
            }
        });
        let whole = |sums: Vec<f64>| sums.into_iter().map(T::from_f64).collect();
        (to_x, whole(to_gamma), whole(to_beta))
    }
}
