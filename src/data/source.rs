//! Reading files that other people wrote: a header is believed only as far as the file goes.

use std::{fs::File, io::Read, path::Path};

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
    /// Reads what `unpack` makes of the file at `path`.
    pub fn open(path: &'a Path, unpack: impl FnOnce(File) -> Box<dyn Read>) -> Result<Self> {
        let file = File::open(path).map_err(Error::file("read", path))?;
        let size = file.metadata().map_err(Error::file("read", path))?.len();
        Ok(Self::new(unpack(file), path, size))
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
