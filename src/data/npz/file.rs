//! NumPy's archives and the headers of their arrays, believed only as far as the file goes.
//!
//! (The tensor library's own reader makes room for whatever a header promises.)

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use zip::{ZipArchive, result::ZipError};

use super::array::{NumpyArray, width};
use crate::{
    data::{
        Bytes,
        bytes::Gathered,
        source::{Source, refuse_other},
    },
    error::{Error, Result},
};

/// No published header is nearly as long.
const LONGEST_HEAD: usize = 1 << 14;
/// NumPy has no more.
const MOST_AXES: usize = 64;

/// A NumPy archive.
pub struct NumpyFile<'a, R = BufReader<File>> {
    pub(super) path: &'a Path,
    archive: ZipArchive<R>,
}

impl<'a> NumpyFile<'a> {
    /// Opens a file; reads no array yet.
    pub fn open(path: &'a Path) -> Result<Self> {
        Self::new(BufReader::new(File::open(path).map_err(Error::file("read", path))?), path)
    }
}

impl<'a, R: Read + Seek> NumpyFile<'a, R> {
    /// Reads from `reader`; `path` names it in messages.
    pub(in crate::data) fn new(mut reader: R, path: &'a Path) -> Result<Self> {
        let mut head = Vec::new();
        reader.by_ref().take(512).read_to_end(&mut head).map_err(Error::file("read", path))?;
        refuse_other(&head, path)?;
        if head.starts_with(b"\x93NUMPY") {
            return Err(Error::Data(format!(
                "{}: this is a single array. Save images and labels together: np.savez(file, images=images, labels=labels)",
                path.display()
            )));
        }
        reader.seek(SeekFrom::Start(0)).map_err(Error::file("read", path))?;
        let archive = ZipArchive::new(reader)
            .map_err(|error| Error::Data(format!("{}: this is no NPZ ({error})", path.display())))?;
        Ok(Self { path, archive })
    }

    /// Names of its arrays.
    pub fn names(&self) -> Vec<String> {
        let name = |name: &str| name.strip_suffix(".npy").map(str::to_owned);
        self.archive.file_names().filter_map(|entry| name(&entry.ok()?)).collect()
    }

    /// One array; none where the archive has none of this name.
    pub fn array(&mut self, name: &str) -> Result<Option<NumpyArray>> {
        let entry = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => {
                return Err(Error::Data(format!("{}: {name} cannot be read ({error})", self.path.display())));
            }
        };
        let size = entry.compressed_size();
        let mut source = Source::new(Box::new(entry), self.path, size);
        let magic: [u8; 8] = source.head()?;
        if &magic[..6] != b"\x93NUMPY" {
            return Err(source.fault(format_args!("{name} is no NumPy array")));
        }
        let length = match magic[6] {
            1 => u16::from_le_bytes(source.head()?).into(),
            _ => u32::from_le_bytes(source.head()?) as usize,
        };
        if length > LONGEST_HEAD {
            return Err(source.fault(format_args!("{name} has a header of {length} bytes")));
        }
        let head = source.bytes(length as u64)?;
        let head = String::from_utf8_lossy(&head);
        let Head { kind, is_fortran, sizes } =
            describe(&head).map_err(|what| source.fault(format_args!("{name} {what}")))?;
        let Some(width) = width(&kind) else {
            return Err(source.fault(format_args!("{name} is of the kind {kind}, which holds no plain numbers")));
        };
        let count = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
        let promised = count.and_then(|count| count.checked_mul(width));
        let promised =
            promised.ok_or_else(|| source.fault(format_args!("{name} says that it has the sizes {sizes:?}")))?;
        let bytes = source.bytes(promised)?;
        source.expect_end(promised)?;
        let bytes = if is_fortran && sizes.len() > 1 { last_fastest(&bytes, &sizes, width as usize)? } else { bytes };
        Ok(Some(NumpyArray { kind, sizes, bytes }))
    }
}

struct Head {
    kind: String,
    /// True if the first axis is the fastest.
    is_fortran: bool,
    sizes: Vec<usize>,
}

/// What stands in `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
fn describe(head: &str) -> Result<Head, String> {
    let damaged = || "has a damaged header".to_owned();
    let after = |key: &str| Some(head.split_once(key)?.1.trim_start_matches(['\'', '"', ':', ' ']));
    let descr = after("'descr").ok_or_else(damaged)?;
    if descr.starts_with('[') {
        return Err("holds records (a structured array). Save its fields as arrays of their own".to_owned());
    }
    let kind: String = descr.chars().take_while(|c| *c != '\'').collect();
    if !kind.is_ascii() {
        return Err(damaged());
    }
    if kind.ends_with('O') {
        return Err("holds Python objects (dtype=object), which only Python can unpack and which are never run here. Save it as \
                    numbers or words, for example np.stack(images) and np.array(labels)"
            .to_owned());
    }
    let order = after("'fortran_order").ok_or_else(damaged)?;
    let is_fortran = order.starts_with("True");
    let sizes = after("'shape").and_then(|sizes| sizes.trim_start_matches('(').split_once(')')).ok_or_else(damaged)?.0;
    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty()).map(|size| size.parse().ok());
    let sizes = sizes.collect::<Option<Vec<usize>>>().filter(|sizes| sizes.len() <= MOST_AXES);
    match sizes {
        Some(sizes) if is_fortran || order.starts_with("False") => Ok(Head { kind, is_fortran, sizes }),
        _ => Err(damaged()),
    }
}

/// Entries of `width` bytes whose first axis is the fastest, with the last one fastest.
fn last_fastest(bytes: &[u8], sizes: &[usize], width: usize) -> Result<Bytes> {
    let strides: Vec<usize> =
        sizes.iter().scan(width, |next, size| Some(std::mem::replace(next, *next * size))).collect();
    let (mut turned, mut at, mut place) = (Gathered::default(), 0, vec![0; sizes.len()]);
    for _ in 0..bytes.len() / width.max(1) {
        turned.add(&bytes[at..at + width])?;
        for axis in (0..sizes.len()).rev() {
            place[axis] += 1;
            at += strides[axis];
            if place[axis] < sizes[axis] {
                break;
            }
            at -= strides[axis] * sizes[axis];
            place[axis] = 0;
        }
    }
    turned.finish()
}
