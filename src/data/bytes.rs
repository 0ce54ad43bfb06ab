//! Bytes of pixels: in memory while they are few, in a mapped file where they are many.
//!
//! The file has no name, so nobody else can change it under the map and it is gone with the program.
#![allow(unsafe_code, reason = "memory maps; the one place outside the kernels")]

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    ops::Deref,
    sync::Arc,
};

use memmap2::Mmap;

use crate::{
    error::{Error, Result},
    folders,
};

/// More than this goes into a file.
const IN_MEMORY: usize = 1 << 30;

/// Bytes that are only read.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// In memory.
    Owned(Arc<Vec<u8>>),
    /// In a file of which the system keeps in memory what is used.
    Mapped(Arc<Mmap>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(Arc::new(bytes))
    }
}

/// Gathers bytes, piece by piece.
pub(super) struct Gathered {
    in_memory: usize,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
}

impl Default for Gathered {
    fn default() -> Self {
        Self { in_memory: IN_MEMORY, memory: Vec::new(), file: None }
    }
}

impl Gathered {
    /// Adds bytes at the end.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() > self.in_memory {
            self.file = Some(BufWriter::new(nameless()?));
            let memory = std::mem::take(&mut self.memory);
            self.write(&memory)?;
        }
        if self.file.is_some() {
            return self.write(bytes);
        }
        self.memory.extend_from_slice(bytes);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_mut().expect("just made");
        file.write_all(bytes).map_err(no_room)
    }

    /// All of them.
    pub(super) fn finish(self) -> Result<Bytes> {
        let Some(file) = self.file else { return Ok(self.memory.into()) };
        let file = file.into_inner().map_err(|error| no_room(error.into_error()))?;
        // SAFETY: the file was made by this process and has no name, so nobody can change or shorten it while it is mapped.
        let map = unsafe { Mmap::map(&file) }.map_err(no_room)?;
        Ok(Bytes::Mapped(Arc::new(map)))
    }
}

fn nameless() -> Result<File> {
    let folder = folders::cache().filter(|folder| fs::create_dir_all(folder).is_ok());
    match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    }
    .map_err(no_room)
}

fn no_room(error: std::io::Error) -> Error {
    Error::Data(format!(
        "the pixels are too many for the memory and cannot be kept in a file of the cache folder ({error}). Make room there, \
         or name another folder with SPIRITSAFE_CACHE"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bytes_are_the_same_in_a_file_as_in_memory() {
        let pieces: Vec<Vec<u8>> = (0..50_u8).map(|piece| vec![piece; usize::from(piece) + 1]).collect();
        let gather = |in_memory| {
            let mut gathered = Gathered { in_memory, ..Gathered::default() };
            pieces.iter().for_each(|piece| gathered.add(piece).unwrap());
            gathered.finish().unwrap()
        };
        let (memory, file) = (gather(IN_MEMORY), gather(100));
        assert!(matches!((&memory, &file), (Bytes::Owned(_), Bytes::Mapped(_))));
        assert_eq!(*memory, *file);
        assert_eq!(*memory, *pieces.concat());
    }
}
