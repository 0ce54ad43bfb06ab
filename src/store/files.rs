//! Writing so that a torn file can never be mistaken for a whole one.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// Writes a file under a temporary name, syncs it, then gives it its name.
pub(super) fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let temporary = temporary_name(path);
    let attempt = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(&temporary)?);
        write(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder_of(path)
    };
    attempt().map_err(|error| {
        let _ = fs::remove_file(&temporary); // Make room again where the disk is full.
        Error::file("write", path)(error)
    })
}

/// The name that a file has until it is whole.
pub(super) fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// A renamed file is safe only when its folder is on disk too.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// A file of one JSON object a line, appended to. A line that cannot reach the file yet (the disk is full, say) waits in
/// memory, whole, until a later attempt succeeds.
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    waiting: Vec<u8>,
}

/// Lines wait until there is this much to write.
const WAITING_BYTES: usize = 1 << 16;

impl Lines {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::file("write", &path))?;
        Ok(Self { path, file, waiting: Vec::new() })
    }

    /// Appends a line; it reaches the disk with the next [`sync`](Self::sync).
    pub(super) fn append(&mut self, line: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.waiting, line).expect("plain data");
        self.waiting.push(b'\n');
        if self.waiting.len() < WAITING_BYTES { Ok(()) } else { self.flush() }
    }

    /// Hands all lines to the operating system, so that other programs see them.
    pub(super) fn flush(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            match self.file.write(&self.waiting) {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::file("write", &self.path)(error)),
            }
        }
        Ok(())
    }

    /// Brings all lines to the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.flush()?;
        self.file.sync_data().map_err(Error::file("write", &self.path))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.flush(); // Whoever needs to know has synced before.
    }
}

/// The lines of a file; none where there is no file. A torn last line is left out.
pub(super) fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let reader = BufReader::new(File::open(path).map_err(Error::file("read", path))?);
    let mut lines = Vec::new();
    for line in reader.split(b'\n') {
        match serde_json::from_slice(&line.map_err(Error::file("read", path))?) {
            Ok(line) => lines.push(line),
            Err(_) => break,
        }
    }
    Ok(lines)
}

/// Keeps the lines that `wanted` wants, and drops a torn last line.
pub(super) fn retain_lines<T: DeserializeOwned + Serialize>(path: &Path, wanted: impl Fn(&T) -> bool) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let lines = read_lines::<T>(path)?;
    replace(path, |file| {
        lines.iter().filter(|line| wanted(line)).try_for_each(|line| {
            serde_json::to_writer(&mut *file, line)?;
            file.write_all(b"\n")
        })
    })
}
