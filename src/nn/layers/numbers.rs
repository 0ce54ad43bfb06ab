//! Numbers in the memory of the CPU, in single or in double precision.

use std::ops::AddAssign;

use candle_core::{CpuStorage, DType, Device, Layout, Result, Storage, Tensor, WithDType, bail};
use num_traits::Float;

/// What the operations of this folder compute in.
pub(super) trait Number: WithDType + Float + AddAssign + faer::traits::ComplexField {}

impl Number for f32 {}
impl Number for f64 {}

/// Calls a function that is generic in its first type argument with the type of the numbers.
macro_rules! by_precision {
    ($dtype:expr, $function:ident, ($($argument:expr),*)) => {
        match $dtype {
            candle_core::DType::F32 => $function::<f32>($($argument),*),
            candle_core::DType::F64 => $function::<f64>($($argument),*),
            other => candle_core::bail!("layers on the CPU compute in single or double precision, not in {other:?}"),
        }
    };
}
pub(super) use by_precision;

/// The forward of an operation, generic in its numbers, on operands and their layouts, in the precision of the first.
macro_rules! forward_by_precision {
    ($operation:expr, $(($storage:expr, $layout:expr)),*) => {{
        let operands = [$($storage),*];
        match operands[0] {
            CpuStorage::F32(_) => CpuStorage::F32($operation.forward($(values($storage, $layout)?),*)),
            CpuStorage::F64(_) => CpuStorage::F64($operation.forward($(values($storage, $layout)?),*)),
            _ => candle_core::bail!("layers on the CPU compute in single or double precision"),
        }
    }};
}
pub(super) use forward_by_precision;

/// True where the operations of this folder can compute on a tensor.
pub(super) fn is_ours(x: &Tensor) -> bool {
    x.device().is_cpu() && matches!(x.dtype(), DType::F32 | DType::F64)
}

/// The numbers of an operand.
pub(super) fn values<'a, T: Number>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<T>()?[start..end]),
        None => bail!("layers on the CPU need contiguous tensors"),
    }
}

/// Runs `work` on the numbers of tensors, which must be contiguous.
pub(super) fn on_values<T: Number, const N: usize, R>(
    tensors: [&Tensor; N],
    work: impl FnOnce([&[T]; N]) -> R,
) -> Result<R> {
    let locked = tensors.map(Tensor::storage_and_layout);
    let mut slices: [&[T]; N] = [&[]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&locked) {
        let Storage::Cpu(storage) = &**storage else { bail!("layers of this kind are for the CPU") };
        *slice = values(storage, layout)?;
    }
    Ok(work(slices))
}

/// A tensor of the shape of `like`.
pub(super) fn tensor_like<T: Number>(values: Vec<T>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), &Device::Cpu)
}
