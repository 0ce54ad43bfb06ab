//! CIFAR-10 and CIFAR-100 in their binary versions: records of one or two label bytes and 3,072 bytes, red, green and blue
//! planes row by row. CIFAR-100 has a coarse and a fine label; the fine one counts.
//!
//! The files lie in a folder, in the published folder within it, or in the published `.tar.gz`, of which only the files
//! of these names are read, into memory.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{
    ImageShape, Normalisation,
    dataset::{About, Dataset, Pixels, Split},
    source::most_unpacked,
};
use crate::error::{Error, Result};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
/// No published file is nearly as long.
const LONGEST: u64 = 1 << 28;

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

    /// Reads the files of these names out of an archive; whatever path stands before a name is only looked at.
    fn unpack(&self, path: &Path) -> Result<Files> {
        let damaged = |error: std::io::Error| Error::Data(format!("{}: it is damaged ({error})", path.display()));
        let file = File::open(path).map_err(Error::file("read", path))?;
        let size = file.metadata().map_err(Error::file("read", path))?.len();
        let unpacked = MultiGzDecoder::new(BufReader::new(file)).take(most_unpacked(size));
        let mut archive = tar::Archive::new(unpacked);
        let mut found = HashMap::new();
        for entry in archive.entries().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let name = entry.path().map_err(damaged)?.file_name().map(|name| name.to_string_lossy().into_owned());
            let Some(name) = name.filter(|name| self.wants(name)) else { continue };
            let mut bytes = Vec::new();
            let length = entry.take(LONGEST + 1).read_to_end(&mut bytes).map_err(damaged)?;
            if length as u64 > LONGEST {
                return Err(Error::Data(format!(
                    "{}: its file {name} is longer than any of {}",
                    path.display(),
                    self.title
                )));
            }
            found.insert(name, bytes);
        }
        Ok(Files::Archive(path.to_owned(), found))
    }

    fn wants(&self, name: &str) -> bool {
        name == self.names || self.train.iter().chain(self.test).any(|wanted| *wanted == name)
    }

    fn class_names(&self, files: &Files) -> Vec<String> {
        let bytes = files.get(self.names).map(|(bytes, _)| bytes).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match names.len() == self.classes {
            true => names,
            false if self.classes == NAMES10.len() => NAMES10.map(str::to_owned).to_vec(),
            false => (0..self.classes).map(|class| class.to_string()).collect(),
        }
    }

    fn split(&self, files: &Files, names: &[&str]) -> Result<Split> {
        let record = self.labels + SHAPE.len();
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            let (bytes, path) = files.get(name).map_err(|error| match error {
                Some(error) => error,
                None => Error::Data(format!(
                    "{} has no file {name}. Put the files of {}'s binary version there, or name its .tar.gz",
                    files.place().display(),
                    self.title
                )),
            })?;
            if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
                let count = bytes.len();
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
        }
        Split::new(Pixels::Bytes { values: values.into(), white: 255 }, labels, SHAPE, self.classes)
    }
}

impl Files {
    fn place(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path, _) => path,
        }
    }

    /// The bytes of a file and its name for messages; no error where there is no such file.
    fn get(&self, name: &str) -> Result<(Vec<u8>, String), Option<Error>> {
        match self {
            Self::Archive(path, files) => {
                let bytes = files.get(name).cloned().ok_or(None)?;
                Ok((bytes, format!("{name} in {}", path.display())))
            }
            Self::Folder(folder) => {
                let path = folder.join(name);
                if !path.is_file() {
                    return Err(None);
                }
                let length = fs::metadata(&path).map_err(|error| Some(Error::file("read", &path)(error)))?.len();
                if length > LONGEST {
                    let what = format!("{} is longer than any file of CIFAR", path.display());
                    return Err(Some(Error::Data(what)));
                }
                let bytes = fs::read(&path).map_err(|error| Some(Error::file("read", &path)(error)))?;
                Ok((bytes, path.display().to_string()))
            }
        }
    }
}
