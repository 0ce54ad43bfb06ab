//! Numbers that PyTorch computed from the formulas of the protocols (`tests/fixtures/protocols.py`).

use safetensors::{Dtype, SafeTensors};

/// The numbers of an entry, in a row.
pub(super) fn golden(name: &str) -> Vec<f64> {
    let file = include_bytes!("../../tests/fixtures/protocols.safetensors");
    let entries = SafeTensors::deserialize(file).expect("a file of the tests");
    let entry = entries.tensor(name).unwrap_or_else(|_| panic!("the fixture has no {name}"));
    match entry.dtype() {
        Dtype::F64 => entry.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
        Dtype::F32 => entry.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect(),
        other => panic!("{name} has numbers of the kind {other:?}"),
    }
}
