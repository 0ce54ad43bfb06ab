//! The files of CIFAR, in a folder or in the published archive, of which only those of known names are read, into memory.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Component, Path, PathBuf},
};

use super::{LONGEST, Layout, Version};
use crate::{
    data::source::{most_unpacked, plain, refuse_other},
    error::{Error, Result},
};

/// Files by their names, from a folder or an archive.
pub(super) enum Files {
    Folder(PathBuf),
    Archive(PathBuf, HashMap<String, Vec<u8>>),
}

impl Version {
    /// True if a folder or an archive looks like this set.
    pub(in crate::data) fn is_at(&self, path: &Path) -> bool {
        let is_archive = |path: &Path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            path.is_file() && self.layouts.iter().any(|layout| layout.archives().contains(&name))
        };
        is_archive(path) || (path.is_dir() && self.place(path).is_some())
    }

    /// The folder or the archive within `path` that holds the files, and how they are laid out.
    fn place(&self, path: &Path) -> Option<(PathBuf, &Layout)> {
        let folders = self.layouts.iter().flat_map(|layout| {
            [path.to_owned(), path.join(layout.folder)]
                .map(|folder| (folder.clone(), folder.join(layout.train[0]), layout))
        });
        let archives = self
            .layouts
            .iter()
            .flat_map(|layout| layout.archives().map(|name| (path.join(&name), path.join(name), layout)));
        let mut places = folders.chain(archives);
        places.find(|(_, file, _)| file.is_file()).map(|(place, _, layout)| (place, layout))
    }

    /// The files at a path, and how they are laid out.
    pub(super) fn files(&self, path: &Path) -> Result<(Files, &Layout)> {
        let (path, layout) = match self.place(path) {
            _ if path.is_file() => (path.to_owned(), None),
            Some((place, layout)) => (place, Some(layout)),
            None => (path.to_owned(), None),
        };
        if !path.is_file() {
            return Ok((Files::Folder(path), layout.unwrap_or(&self.layouts[0])));
        }
        let file = File::open(&path).map_err(Error::file("read", &path))?;
        let size = file.metadata().map_err(Error::file("read", &path))?.len();
        let files = self.unpacked(BufReader::new(file), size, &path)?;
        let layout = self.layouts.iter().find(|layout| files.contains_key(layout.train[0]));
        Ok((Files::Archive(path, files), layout.unwrap_or(&self.layouts[0])))
    }

    /// Reads the files of known names out of an archive of `size` bytes, packed or not; the others are passed over. Long
    /// names and links, of which the published archives have none, are not followed.
    pub(in crate::data) fn unpacked(
        &self,
        packed: impl BufRead,
        size: u64,
        path: &Path,
    ) -> Result<HashMap<String, Vec<u8>>> {
        let most = most_unpacked(size);
        let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
        let damaged = |error: std::io::Error| fault(format!("it is cut off, damaged or a trap ({error})"));
        let mut archive = tar::Archive::new(plain(packed, path)?.take(most));
        let mut found = HashMap::new();
        for entry in archive.entries().map_err(damaged)?.raw(true) {
            let entry = entry.map_err(damaged)?;
            let inner = entry.path().map_err(damaged)?.into_owned();
            if inner.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
                return Err(fault(format!("it holds \"{}\", a path that climbs out of it", inner.display())));
            }
            let name = inner.file_name().map(|name| name.to_string_lossy().into_owned());
            let is_file = !entry.header().entry_type().is_dir();
            let Some(name) = name.filter(|name| is_file && self.wants(name)) else { continue };
            let longest = LONGEST as u64;
            if !entry.header().entry_type().is_file() || entry.size() > longest {
                return Err(fault(format!("its {name} is a link, or longer than any file of {}", self.title)));
            }
            let (mut bytes, promised) = (Vec::new(), entry.size());
            if promised > most {
                return Err(fault(format!("its {name} promises {promised} bytes, far more than it can hold: a trap")));
            }
            entry.take(longest).read_to_end(&mut bytes).map_err(damaged)?;
            if bytes.len() as u64 != promised {
                return Err(fault(format!("its {name} is cut off: it has {} of {promised} bytes", bytes.len())));
            }
            found.insert(name, bytes);
        }
        // To the end, where the checksum stands.
        std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(damaged)?;
        Ok(found)
    }

    fn wants(&self, name: &str) -> bool {
        let of_labels = self.labellings.iter().any(|labelling| labelling.names_file == name);
        let of =
            |layout: &Layout| layout.meta == name || layout.train.iter().chain(layout.test).any(|file| *file == name);
        of_labels || self.layouts.iter().any(of)
    }
}

impl Layout {
    /// Names of its archive: as published, and as browsers leave it that unpack by themselves.
    fn archives(&self) -> [String; 2] {
        [format!("{}.tar.gz", self.archive), format!("{}.tar", self.archive)]
    }
}

impl Files {
    pub(super) fn place(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path, _) => path,
        }
    }

    /// The bytes of a file and its name for messages; none where there is no such file.
    pub(super) fn get(&self, name: &str, longest: usize) -> Result<Option<(Cow<'_, [u8]>, String)>> {
        match self {
            Self::Archive(path, files) => {
                Ok(files.get(name).map(|bytes| (bytes.into(), format!("{name} in {}", path.display()))))
            }
            Self::Folder(folder) => {
                let path = folder.join(name);
                if !path.is_file() {
                    return Ok(None);
                }
                let length = fs::metadata(&path).map_err(Error::file("read", &path))?.len();
                if length > longest as u64 {
                    return Err(Error::Data(format!("{} is longer than any file of CIFAR", path.display())));
                }
                let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
                refuse_other(&bytes, &path)?;
                Ok(Some((bytes.into(), path.display().to_string())))
            }
        }
    }
}
