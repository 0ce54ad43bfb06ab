//! Reading files that other people wrote: a header is believed only as far as the file goes.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use super::bytes::{Bytes, Gathered};
use crate::error::{Error, Result};

/// Packed files of pictures shrink to a tenth at best; one that claims to unpack to more than this many times its size
/// is refused before it fills the memory.
const MOST_UNPACKED: u64 = 250;
/// And this much more, since a row of equal labels shrinks to a thousandth.
const SPARE: u64 = 1 << 24;
/// Bytes that are read at once.
const PIECE: usize = 1 << 16;

/// Bytes that a packed file of `size` bytes may make.
pub(super) fn most_unpacked(size: u64) -> u64 {
    size.saturating_mul(MOST_UNPACKED).saturating_add(SPARE)
}

/// A file that is read from its start, perhaps unpacked on the way.
pub struct Source<'a> {
    reader: Box<dyn Read + 'a>,
    path: &'a Path,
    /// What may still be unpacked.
    left: u64,
}

impl<'a> Source<'a> {
    /// Reads a file, unpacked where its content is zipped, whatever its name says.
    pub(super) fn open(path: &'a Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::file("read", path))?;
        let size = file.metadata().map_err(Error::file("read", path))?.len();
        Self::unzipped(BufReader::new(file), path, size)
    }

    /// The same of `reader`, which has `size` bytes.
    pub(super) fn unzipped(reader: impl BufRead + 'a, path: &'a Path, size: u64) -> Result<Self> {
        Ok(Self::new(Box::new(plain(reader, path)?), path, size))
    }

    /// Reads from `reader`, which unpacks `size` bytes; `path` names it in messages.
    pub fn new(reader: Box<dyn Read + 'a>, path: &'a Path, size: u64) -> Self {
        Self { reader, path, left: most_unpacked(size) }
    }

    /// An error about this file.
    pub fn fault(&self, what: impl std::fmt::Display) -> Error {
        Error::Data(format!("{}: {what}", self.path.display()))
    }

    /// A few bytes of a header.
    pub fn head<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader
            .read_exact(&mut bytes)
            .map_err(|error| self.fault(format_args!("it ends within its header or is damaged ({error})")))?;
        Ok(bytes)
    }

    /// The next `count` bytes. Memory grows with what is really there.
    pub fn bytes(&mut self, count: u64) -> Result<Bytes> {
        if count > self.left {
            return Err(self.fault(format_args!(
                "its header promises {count} bytes, far more than a file of its size can hold: it is damaged or a trap"
            )));
        }
        self.left -= count;
        let (mut gathered, mut piece, mut read) = (Gathered::default(), vec![0; PIECE], 0);
        while read < count {
            let room = (count - read).min(PIECE as u64) as usize;
            let length = self
                .reader
                .read(&mut piece[..room])
                .map_err(|error| self.fault(format_args!("it is damaged ({error})")))?;
            if length == 0 {
                return Err(self.fault(format_args!(
                    "it is cut off: it has {read} of the {count} bytes that its header promises"
                )));
            }
            gathered.add(&piece[..length])?;
            read += length as u64;
        }
        gathered.finish()
    }

    /// An error unless everything was read.
    pub fn expect_end(&mut self, promised: u64) -> Result<()> {
        let mut one = [0];
        match self.reader.read(&mut one) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.fault(format_args!("it has more than the {promised} bytes that its header promises"))),
            Err(error) => Err(self.fault(format_args!("it is damaged ({error})"))),
        }
    }
}

/// What `reader` has, unpacked where it is zipped; an error where it is something else that people have by mistake.
pub(super) fn plain<'a>(mut reader: impl BufRead + 'a, path: &Path) -> Result<Box<dyn BufRead + 'a>> {
    refuse_other(peek(&mut reader, path)?, path)?;
    if !peek(&mut reader, path)?.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(reader));
    }
    let mut unpacked = BufReader::new(MultiGzDecoder::new(reader));
    refuse_other(peek(&mut unpacked, path)?, path)?;
    Ok(Box::new(unpacked))
}

fn peek<'a>(reader: &'a mut impl BufRead, path: &Path) -> Result<&'a [u8]> {
    reader.fill_buf().map_err(|error| Error::Data(format!("{}: it is damaged ({error})", path.display())))
}

/// An error where a file begins like something that stands in for it, such as the web page of a download that failed.
pub(super) fn refuse_other(head: &[u8], path: &Path) -> Result<()> {
    match stands_in(head) {
        Some(what) => Err(Error::Data(format!("{}: {what}", path.display()))),
        None => Ok(()),
    }
}

/// What a file is instead of what its name says, and what to do, where its first bytes tell.
pub fn stands_in(head: &[u8]) -> Option<&'static str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = head[..head.len().min(512)].trim_ascii_start().to_ascii_lowercase();
    let begins = |with: &[&[u8]]| with.iter().any(|with| head.starts_with(with));
    if begins(&[b"<!doctype html", b"<html", b"<head", b"<body"]) {
        Some("this is a web page, not the file: the download failed. Download it again")
    } else if begins(&[b"<?xml", b"<error"]) {
        Some("this is the answer of a server in XML, not the file: the download failed. Download it again")
    } else if begins(&[b"{\"error", b"{\"message", b"{\"detail"]) {
        Some("this is the error message of a server, not the file: the download failed. Download it again")
    } else if begins(&[b"version https://git-lfs"]) {
        Some("this is a pointer of Git LFS, not the file. Run `git lfs pull` in its folder")
    } else {
        None
    }
}
