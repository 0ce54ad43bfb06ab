//! The parsers of files that other people wrote, on bytes alone: where the fuzz targets of `fuzz/` go in.
//!
//! Each gives how many values it read, or the error that people would see.

use std::{
    io::{BufReader, Cursor},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use super::{cifar, idx, mat, npz, picture, source::Source, svhn};
use crate::error::{Error, Result};

fn source(bytes: &[u8]) -> Source<'_> {
    Source::new(Box::new(bytes), Path::new("fuzz"), bytes.len() as u64)
}

/// An IDX file of images or of labels, plain or zipped.
pub fn idx(bytes: &[u8]) -> Result<usize> {
    let zipped = || Source::new(Box::new(MultiGzDecoder::new(bytes)), Path::new("fuzz"), bytes.len() as u64);
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return idx::images(&mut zipped())
            .map_or_else(|_| idx::labels(&mut zipped()).map(|labels| labels.len()), |(_, _, values)| Ok(values.len()));
    }
    match idx::images(&mut source(bytes)) {
        Ok((_, _, values)) => Ok(values.len()),
        Err(_) => idx::labels(&mut source(bytes)).map(|labels| labels.len()),
    }
}

/// A batch of CIFAR-10 or CIFAR-100.
pub fn cifar(bytes: &[u8]) -> Result<usize> {
    let read = |version: &cifar::Version| {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        version.records(bytes, "fuzz", &mut values, &mut labels).map(|()| values.len())
    };
    read(&cifar::CIFAR10).or_else(|_| read(&cifar::CIFAR100))
}

/// The archive of CIFAR-100, zipped or, so that its headers are reached at once, not.
pub fn tar(bytes: &[u8]) -> Result<usize> {
    let count = |files: std::collections::HashMap<String, Vec<u8>>| files.values().map(Vec::len).sum();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let (size, path) = (bytes.len() as u64, Path::new("fuzz"));
        return cifar::CIFAR100.unpacked(BufReader::new(bytes), size, path).map(count);
    }
    cifar::CIFAR100.files_of(bytes, bytes.len() as u64, Path::new("fuzz")).map(count)
}

/// A MAT file, and SVHN out of it.
pub fn mat(bytes: &[u8]) -> Result<usize> {
    let path = Path::new("fuzz");
    svhn::from_arrays(&mat::read(bytes, path)?, path).map(|split| split.len())
}

/// A NumPy archive.
pub fn npz(bytes: &[u8]) -> Result<usize> {
    npz::assemble(npz::NumpyFile::new(Cursor::new(bytes), Path::new("fuzz"))?, 0).map(|data| data.train().len())
}

/// A picture.
pub fn picture(bytes: &[u8]) -> Result<usize> {
    picture::decode(bytes, 8).map(|picture| picture.as_raw().len()).map_err(Error::Data)
}
