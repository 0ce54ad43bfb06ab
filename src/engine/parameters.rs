//! The SHA-256 of parameters: two networks with the same one compute the same.

use std::sync::Arc;

use candle_core::Tensor;

use crate::{error::Result, fingerprint::Fingerprint};

/// Something that was trained, with the sum over its parameters.
pub(super) type Summed<T> = (Arc<T>, String);

/// Over the sizes and the values of tensors, in order.
pub(super) fn sum<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<String> {
    let mut sum = Fingerprint::default();
    for tensor in tensors {
        let sizes: Vec<u8> = tensor.dims().iter().flat_map(|&size| (size as u64).to_le_bytes()).collect();
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        sum = sum.of(&sizes).of(&values);
    }
    Ok(sum.finish())
}
