//! The parsers of sets on bytes alone, for fuzzing: each says how much it found.

use std::{io::Cursor, path::Path};

use super::torch;
use crate::{
    data::pickle,
    error::{Error, Result},
};

/// A pickle.
pub fn pickle(bytes: &[u8]) -> Result<usize> {
    let read = pickle::read(bytes, bytes.len() as u64).map_err(Error::Data)?;
    Ok(read.list(&read.value).map_or(1, <[_]>::len))
}

/// A file of PyTorch.
pub fn torch(bytes: &[u8]) -> Result<usize> {
    let (images, labels) = torch::parse(Cursor::new(bytes), Path::new("bytes"))?;
    Ok(images.values.len() + labels.map_or(0, |labels| labels.len()))
}
