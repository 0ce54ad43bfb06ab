//! MATLAB's MAT files, version 5, as far as SVHN needs them: named arrays of unsigned bytes or doubles, packed or not.
//!
//! A file is a header of 128 bytes and elements: type, length, bytes padded to eight. A packed element (type 15) holds
//! another element behind zlib; a matrix (14) holds flags, sizes, name and numbers. Sizes are believed only as far as the
//! file goes. (The one crate for this format unpacks whatever it is given, however long.)

use std::{
    io::{Cursor, Read},
    path::Path,
};

use flate2::read::ZlibDecoder;

use super::{Bytes, source::Source};
use crate::error::{Error, Result};

const BYTE: u32 = 2;
const DOUBLE: u32 = 9;
const MATRIX: u32 = 14;
const PACKED: u32 = 15;
const DAMAGED: &str = "an array has a damaged head";
/// Elements of a file; SVHN has two.
const MOST_ELEMENTS: usize = 64;

/// An array, column by column as MATLAB keeps it.
pub(super) struct Array {
    /// Its name.
    pub(super) name: String,
    /// Its sizes.
    pub(super) sizes: Vec<usize>,
    /// Its numbers, which must be whole and from 0 to 255.
    pub(super) values: Bytes,
}

/// Every array of a file in memory; `path` names it in messages.
pub(super) fn read(file: &[u8], path: &Path) -> Result<Vec<Array>> {
    let fault = |what: &str| Error::Data(format!("{}: {what}", path.display()));
    let rest = file.get(128..).ok_or_else(|| fault("it ends within its header"))?;
    if &file[124..128] != b"\x00\x01IM" {
        return Err(fault("this is no MAT file of version 5 in little-endian order"));
    }
    let (mut rest, mut arrays) = (rest, Vec::new());
    while !rest.is_empty() {
        let (head, after) = rest.split_at_checked(8).ok_or_else(|| fault("it is cut off within an element"))?;
        let [kind, length] = [number(head, 0), number(head, 4)];
        let (element, after) =
            after.split_at_checked(length as usize).ok_or_else(|| fault("it is cut off within an element"))?;
        let array = match kind {
            PACKED => {
                let mut source = Source::new(Box::new(ZlibDecoder::new(element)), path, u64::from(length));
                let kind = source_number(&mut source)?;
                source_number(&mut source)?; // The length of an array follows from its sizes.
                matrix(&mut source, kind)?
            }
            _ => matrix(&mut Source::new(Box::new(Cursor::new(element)), path, u64::from(length)), kind)?,
        };
        arrays.push(array);
        if arrays.len() > MOST_ELEMENTS {
            return Err(fault("it has more arrays than any file of SVHN"));
        }
        // Packed elements are not padded.
        let padding = if kind == PACKED { 0 } else { (length.wrapping_neg() % 8) as usize };
        rest = after.get(padding.min(after.len())..).unwrap_or_default();
    }
    Ok(arrays)
}

fn matrix(source: &mut Source<'_>, kind: u32) -> Result<Array> {
    if kind != MATRIX {
        return Err(source.fault(format_args!("it has an element of type {kind} where an array should be")));
    }
    let (_, flags) = small(source)?;
    let (_, sizes) = small(source)?;
    let (_, name) = small(source)?;
    if flags.len() != 8 || !(4..=32).contains(&sizes.len()) || !sizes.len().is_multiple_of(4) {
        return Err(source.fault(DAMAGED));
    }
    let sizes: Vec<usize> = sizes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four) as usize).collect();
    let count = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
    let count = count.ok_or_else(|| source.fault(format_args!("an array says that it has the sizes {sizes:?}")))?;
    let (kind, length, few) = tag(source)?;
    let mut bytes = |length: u64| match few {
        Some(few) => few.get(..length as usize).map(|few| few.to_vec().into()).ok_or_else(|| source.fault(DAMAGED)),
        None => source.bytes(length),
    };
    let values = match (kind, count.checked_mul(8)) {
        (BYTE, _) if u64::from(length) == count => bytes(count)?,
        (DOUBLE, Some(wide)) if u64::from(length) == wide => {
            let doubles = bytes(wide)?;
            let whole = doubles.as_chunks::<8>().0.iter().map(|eight| {
                let value = f64::from_le_bytes(*eight);
                (value.fract() == 0.0 && (0.0..256.0).contains(&value)).then_some(value as u8)
            });
            let whole: Option<Vec<u8>> = whole.collect();
            whole.ok_or_else(|| source.fault("an array has numbers that are not whole or not from 0 to 255"))?.into()
        }
        _ => {
            return Err(source.fault(format_args!(
                "an array of {count} numbers has {length} bytes of type {kind}; bytes (2) or doubles (9) can be read"
            )));
        }
    };
    Ok(Array { name: String::from_utf8_lossy(&name).into_owned(), sizes, values })
}

/// A short element: its type and its bytes.
fn small(source: &mut Source<'_>) -> Result<(u32, Vec<u8>)> {
    let (kind, length, few) = tag(source)?;
    if let Some(few) = few {
        let bytes = few.get(..length as usize).ok_or_else(|| source.fault(DAMAGED))?;
        return Ok((kind, bytes.to_vec()));
    }
    if length > 1 << 10 {
        return Err(source.fault(DAMAGED));
    }
    let bytes = source.bytes(u64::from(length))?.to_vec();
    source.bytes(u64::from(length.wrapping_neg() % 8))?;
    Ok((kind, bytes))
}

/// Type and length of an element, and its bytes where they lie within the tag: those of up to four.
fn tag(source: &mut Source<'_>) -> Result<(u32, u32, Option<[u8; 4]>)> {
    let tag = source_number(source)?;
    match tag >> 16 {
        0 => Ok((tag, source_number(source)?, None)),
        length => Ok((tag & 0xffff, length, Some(source.head()?))),
    }
}

fn source_number(source: &mut Source<'_>) -> Result<u32> {
    Ok(u32::from_le_bytes(source.head()?))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Reads a whole file.
pub(super) fn open(path: &Path) -> Result<Vec<Array>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::file("read", path))?;
    std::io::BufReader::new(file).read_to_end(&mut bytes).map_err(Error::file("read", path))?;
    read(&bytes, path)
}
