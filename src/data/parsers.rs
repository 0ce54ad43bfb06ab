//! The parsers of files that other people wrote, on bytes alone: where the fuzz targets of `fuzz/` go in.
//!
//! Each gives how many values it read, or the error that people would see.

use std::{io::Cursor, path::Path};

use super::{cifar, idx, mat, npz, parquet, picture, source::Source, svhn, table};
use crate::error::{Error, Result};

/// What reads bytes and says how many values it found.
pub type Parser = fn(&[u8]) -> Result<usize>;

/// Every parser of this file, by the name of its target.
pub const ALL: [(&str, Parser); 8] = [
    ("idx", idx),
    ("cifar", cifar),
    ("tar", tar),
    ("mat", mat),
    ("npz", npz),
    ("parquet", parquet),
    ("csv", csv),
    ("picture", picture),
];

/// An IDX file of images or of labels, plain or zipped.
pub fn idx(bytes: &[u8]) -> Result<usize> {
    let source = || Source::unzipped(bytes, Path::new("fuzz"), bytes.len() as u64);
    match idx::images(&mut source()?) {
        Ok((_, _, values)) => Ok(values.len()),
        Err(_) => idx::labels(&mut source()?).map(|labels| labels.len()),
    }
}

/// A batch of CIFAR-10 or CIFAR-100, in records or pickled.
pub fn cifar(bytes: &[u8]) -> Result<usize> {
    let records = cifar::CIFAR10.count_records(bytes).or_else(|_| cifar::CIFAR100.count_records(bytes));
    records.or_else(|_| cifar::CIFAR10.count_pickled(bytes)).or_else(|_| cifar::CIFAR100.count_pickled(bytes))
}

/// The archive of CIFAR-100, zipped or, so that its headers are reached at once, not.
pub fn tar(bytes: &[u8]) -> Result<usize> {
    let files = cifar::CIFAR100.unpacked(bytes, bytes.len() as u64, Path::new("fuzz"))?;
    Ok(files.values().map(Vec::len).sum())
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

/// A Parquet file of pictures.
pub fn parquet(bytes: &[u8]) -> Result<usize> {
    parquet::count(bytes)
}

/// A table of pictures, which are not read.
pub fn csv(bytes: &[u8]) -> Result<usize> {
    table::rows(bytes, None).map(|rows| rows.len()).map_err(Error::Data)
}

/// A picture.
pub fn picture(bytes: &[u8]) -> Result<usize> {
    picture::decode(bytes, [8, 8]).map(|picture| picture.as_raw().len()).map_err(Error::Data)
}
