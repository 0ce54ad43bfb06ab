//! CIFAR-10 and CIFAR-100 in their binary versions: records of one or two label bytes and 3,072 bytes, red, green and blue
//! planes row by row. CIFAR-100 has a coarse and a fine label; the fine one counts.
//!
//! The files lie in a folder, in the published folder within it, or in the published `.tar.gz`, of which only the files
//! of these names are read, into memory.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Component, Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{
    ImageShape, Normalisation,
    dataset::{About, Dataset, Pixels, Split},
    source::most_unpacked,
};
use crate::error::{Error, Result};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
/// Bytes of a file of names.
const LONGEST_NAMES: usize = 1 << 16;
/// Images of the longest published file.
const MOST_RECORDS: usize = 50_000;

/// Which of the two.
pub(super) struct Version {
    name: &'static str,
    title: &'static str,
    classes: usize,
    /// Bytes before the pixels; the last one is the label.
    labels: usize,
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// Published mean and deviation (VICO-UoE/DatasetCondensation).
    normalisation: [[f32; 3]; 2],
    /// A file of names, one a line.
    names: &'static str,
}

/// Ten classes of 6,000 images.
pub(super) const CIFAR10: Version = Version {
    name: "cifar10",
    title: "CIFAR-10",
    classes: 10,
    labels: 1,
    folder: "cifar-10-batches-bin",
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test: &["test_batch.bin"],
    normalisation: [[0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]],
    names: "batches.meta.txt",
};

/// A hundred classes of 600 images.
pub(super) const CIFAR100: Version = Version {
    name: "cifar100",
    title: "CIFAR-100",
    classes: 100,
    labels: 2,
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: &["test.bin"],
    normalisation: [[0.5071, 0.4866, 0.4409], [0.2673, 0.2564, 0.2762]],
    names: "fine_label_names.txt",
};

const NAMES10: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Files by their names, from a folder or an archive.
enum Files {
    Folder(PathBuf),
    Archive(PathBuf, HashMap<String, Vec<u8>>),
}

impl Version {
    /// Reads the set from a folder or an archive.
    pub(super) fn load(&self, path: &Path) -> Result<Dataset> {
        let files = self.files(path)?;
        let [mean, std] = self.normalisation.map(|values| values.to_vec());
        let about = About {
            name: self.name.to_owned(),
            origin: format!("{}, A. Krizhevsky 2009, binary version", self.title),
            class_names: self.class_names(&files),
            shape: SHAPE,
            normalisation: Some(Normalisation { mean, std }),
        };
        Dataset::new(about, self.split(&files, self.train)?, self.split(&files, self.test)?)
    }

    /// True if a folder or an archive looks like this set.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let has = |folder: &Path| folder.join(self.train[0]).is_file();
        let archive = path.file_name().is_some_and(|name| name == self.archive().as_str());
        has(path) || has(&path.join(self.folder)) || archive || path.join(self.archive()).is_file()
    }

    fn archive(&self) -> String {
        format!("{}.tar.gz", self.folder.replace("-batches-bin", "-binary"))
    }

    fn files(&self, path: &Path) -> Result<Files> {
        let (inner, archive) = (path.join(self.folder), path.join(self.archive()));
        if path.is_file() {
            return self.unpack(path);
        }
        Ok(match (inner.is_dir(), archive.is_file() && !path.join(self.train[0]).is_file()) {
            (true, _) => Files::Folder(inner),
            (false, true) => return self.unpack(&archive),
            (false, false) => Files::Folder(path.to_owned()),
        })
    }

    fn unpack(&self, path: &Path) -> Result<Files> {
        let file = File::open(path).map_err(Error::file("read", path))?;
        let size = file.metadata().map_err(Error::file("read", path))?.len();
        Ok(Files::Archive(path.to_owned(), self.unpacked(BufReader::new(file), size, path)?))
    }

    /// Reads the files of these names out of an archive of `size` bytes, into memory; the others are passed over. Long
    /// names and links, of which the published archives have none, are not followed.
    pub(super) fn unpacked(&self, packed: impl BufRead, size: u64, path: &Path) -> Result<HashMap<String, Vec<u8>>> {
        self.files_of(MultiGzDecoder::new(packed), most_unpacked(size), path)
    }

    /// The same out of an archive that is not packed and has at most `most` bytes.
    pub(super) fn files_of(&self, archive: impl Read, most: u64, path: &Path) -> Result<HashMap<String, Vec<u8>>> {
        let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
        let damaged = |error: std::io::Error| fault(format!("it is cut off, damaged or a trap ({error})"));
        let mut archive = tar::Archive::new(archive.take(most));
        let mut found = HashMap::new();
        for entry in archive.entries().map_err(damaged)?.raw(true) {
            let entry = entry.map_err(damaged)?;
            let inner = entry.path().map_err(damaged)?.into_owned();
            if inner.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
                return Err(fault(format!("it holds \"{}\", a path that climbs out of it", inner.display())));
            }
            let name = inner.file_name().map(|name| name.to_string_lossy().into_owned());
            let Some(name) = name.filter(|name| self.wants(name)) else { continue };
            let longest = (MOST_RECORDS * self.record()) as u64;
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
        name == self.names || self.train.iter().chain(self.test).any(|wanted| *wanted == name)
    }

    fn class_names(&self, files: &Files) -> Vec<String> {
        let bytes = files.get(self.names, LONGEST_NAMES).ok().flatten().map(|(bytes, _)| bytes).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match names.len() == self.classes {
            true => names,
            false if self.classes == NAMES10.len() => NAMES10.map(str::to_owned).to_vec(),
            false => (0..self.classes).map(|class| class.to_string()).collect(),
        }
    }

    fn split(&self, files: &Files, names: &[&str]) -> Result<Split> {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            let Some((bytes, path)) = files.get(name, MOST_RECORDS * self.record())? else {
                return Err(Error::Data(format!(
                    "{} has no file {name}. Put the files of {}'s binary version there, or name its .tar.gz",
                    files.place().display(),
                    self.title
                )));
            };
            self.records(&bytes, &path, &mut values, &mut labels)?;
        }
        Split::new(Pixels::Bytes { values: values.into(), white: 255 }, labels, SHAPE, self.classes)
    }

    /// Bytes of an image with its labels.
    const fn record(&self) -> usize {
        self.labels + SHAPE.len()
    }

    /// Adds the images of a file, which `path` names in messages.
    pub(super) fn records(&self, bytes: &[u8], path: &str, values: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<()> {
        let (record, count) = (self.record(), bytes.len());
        if bytes.is_empty() || !count.is_multiple_of(record) {
            return Err(Error::Data(format!(
                "{path} has {count} bytes, which is no whole number of records of {record}: it is cut off or no {} file",
                self.title
            )));
        }
        for (index, record) in bytes.chunks_exact(record).enumerate() {
            let label = record[self.labels - 1];
            if usize::from(label) >= self.classes {
                return Err(Error::Data(format!(
                    "{path}: record {index} has label {label}; {} has {} classes, from 0",
                    self.title, self.classes
                )));
            }
            labels.push(u32::from(label));
            values.extend_from_slice(&record[self.labels..]);
        }
        Ok(())
    }
}

impl Files {
    fn place(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path, _) => path,
        }
    }

    /// The bytes of a file and its name for messages; none where there is no such file.
    fn get(&self, name: &str, longest: usize) -> Result<Option<(Cow<'_, [u8]>, String)>> {
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
                Ok(Some((bytes.into(), path.display().to_string())))
            }
        }
    }
}
