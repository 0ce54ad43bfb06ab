//! Tensors with a head, in a safetensors file that notices the change of any of its bytes.
//!
//! The head is JSON in the one entry of the file's metadata. It begins with the version of the format and the SHA-256 of
//! the whole file, for which its own digits are counted as zeros.

use crate::nn::Device;
use std::collections::HashMap;

use candle_core::Tensor;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::version::{Fault, VERSION, check, first};
use crate::fingerprint::Fingerprint;

/// The entry of the metadata.
pub(super) const ENTRY: &str = "run";
/// What stands before the digits in JSON.
pub(super) const MARK: &[u8] = br#""sha256":""#;
/// The same where JSON is a text within JSON.
const INNER_MARK: &[u8] = br#"\"sha256\":\""#;
pub(super) const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A tensor of float32 by its name, sizes and bytes.
pub(super) type Named = (String, Vec<usize>, Vec<u8>);

#[derive(Serialize)]
struct Sealed<'a, H> {
    version: u32,
    sha256: &'a str,
    #[serde(flatten)]
    head: &'a H,
}

#[derive(Deserialize)]
struct Seal {
    #[serde(default = "first")]
    version: u32,
    sha256: String,
}

/// The bytes of a file. Entries of a head that is a map must have an order of their own.
pub(super) fn seal(tensors: &[Named], head: &impl Serialize) -> Result<Vec<u8>, String> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, dims, bytes) in tensors {
        let view = TensorView::new(Dtype::F32, dims.clone(), bytes).map_err(|error| error.to_string())?;
        views.push((name, view));
    }
    let head = serde_json::to_string(&Sealed { version: VERSION, sha256: ZEROS, head }).expect("plain data");
    let metadata = HashMap::from([(ENTRY.to_owned(), head)]);
    let mut file = safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())?;
    stamp(&mut file, INNER_MARK);
    Ok(file)
}

/// What a file holds: the version of its format, its head and its tensors, of which no byte has changed. Files of version 1
/// had no sum over all; `check_first` is their own check.
pub(super) fn unseal<H: DeserializeOwned>(
    file: &[u8],
    check_first: impl FnOnce(&H, &SafeTensors<'_>, &str) -> Result<(), String>,
) -> Result<(H, SafeTensors<'_>), Fault> {
    let damaged = |error: safetensors::SafeTensorError| Fault::Damaged(error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(file).map_err(damaged)?;
    let head = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let head = head.ok_or_else(|| Fault::Damaged("it has no head".to_owned()))?;
    let seal: Seal = serde_json::from_str(head)?;
    let tensors = SafeTensors::deserialize(file).map_err(damaged)?;
    if seal.version == first() {
        let head = serde_json::from_str(head)?;
        check_first(&head, &tensors, &seal.sha256).map_err(Fault::Damaged)?;
        return Ok((head, tensors));
    }
    check_sum(file, INNER_MARK)?;
    check(seal.version)?; // Now it is known that this is what was written.
    Ok((serde_json::from_str(head)?, tensors))
}

/// Puts the sum over a file in the place of its zeros.
pub(super) fn stamp(file: &mut [u8], mark: &[u8]) {
    let sum = Fingerprint::default().of(file).finish();
    let at = digits(file, mark).expect("a place for the sum was made");
    file[at..at + ZEROS.len()].copy_from_slice(sum.as_bytes());
}

/// Refuses a file of which a byte has changed.
pub(super) fn check_sum(file: &[u8], mark: &[u8]) -> Result<(), Fault> {
    let fits = |at: usize| {
        let (before, rest) = file.split_at(at);
        let (digits, behind) = rest.split_at(ZEROS.len());
        Fingerprint::default().of(before).of(ZEROS.as_bytes()).of(behind).finish().as_bytes() == digits
    };
    let fault = || Fault::Damaged("its checksum does not fit".to_owned());
    digits(file, mark).is_some_and(fits).then_some(()).ok_or_else(fault)
}

/// Where the digits of the sum stand: in the head, which comes before everything else.
fn digits(file: &[u8], mark: &[u8]) -> Option<usize> {
    let at = file.windows(mark.len()).position(|window| window == mark)? + mark.len();
    (at + ZEROS.len() <= file.len()).then_some(at)
}

/// A tensor of a file; an error unless it is float32.
pub(super) fn place(view: &TensorView<'_>) -> Result<Tensor, String> {
    Tensor::from_vec(floats(view)?, view.shape(), &Device::CPU).map_err(|error| error.to_string())
}

/// The values of a tensor; an error unless it is float32.
pub(super) fn floats(view: &TensorView<'_>) -> Result<Vec<f32>, String> {
    if view.dtype() != Dtype::F32 {
        return Err(format!("it has numbers of the kind {:?} instead of F32", view.dtype()));
    }
    Ok(view.data().as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
}

/// A tensor as it is written.
pub(super) fn named(name: String, tensor: &Tensor) -> candle_core::Result<Named> {
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    Ok((name, tensor.dims().to_vec(), bytes(&values)))
}

pub(super) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
