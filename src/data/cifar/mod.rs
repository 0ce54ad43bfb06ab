//! CIFAR-10 and CIFAR-100 in their versions for C and for Python. The first has records of label bytes and 3,072 bytes, red, green
//! and blue planes row by row; the second has pickled dictionaries with the same rows, read by the strict machine. CIFAR-100 has a
//! coarse and a fine label; the fine one counts where nobody says otherwise.
//!
//! The files lie in a folder, in the published folder within it, or in the published `.tar.gz`.

mod files;

use std::path::Path;

use self::files::Files;
use super::{
    ImageShape, Normalisation,
    dataset::{About, Dataset, PUBLISHED, Pixels, Split},
    pickle::{self, Kind, Pickle, Value},
};
use crate::error::{Error, Result};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
/// Images of the longest published file.
const MOST_RECORDS: usize = 50_000;
/// Bytes of an image in a pickle besides its pixels: its labels and its name.
const BESIDE: usize = 128;
/// Bytes that no file exceeds.
const LONGEST: usize = MOST_RECORDS * (SHAPE.len() + BESIDE);

/// Which of the two.
pub(super) struct Version {
    name: &'static str,
    title: &'static str,
    /// Bytes before the pixels of a record.
    label_bytes: usize,
    layouts: [Layout; 2],
    labellings: &'static [Labelling],
    /// Published mean and deviation (VICO-UoE/DatasetCondensation).
    normalisation: [[f32; 3]; 2],
}

/// Names of files.
struct Layout {
    folder: &'static str,
    /// Without its ending.
    archive: &'static str,
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// A pickle of names; nothing in the version for C.
    meta: &'static str,
}

/// What the images of a file are called.
struct Labelling {
    /// What is typed for it.
    part: &'static str,
    classes: usize,
    /// Which byte of a record it is.
    byte: usize,
    /// A file of names, one a line.
    names_file: &'static str,
    /// Keys in pickles: labels, and their names.
    keys: [&'static str; 2],
}

/// Ten classes of 6,000 images.
pub(super) const CIFAR10: Version = Version {
    name: "cifar10",
    title: "CIFAR-10",
    label_bytes: 1,
    layouts: [
        Layout {
            folder: "cifar-10-batches-bin",
            archive: "cifar-10-binary",
            train: &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            test: &["test_batch.bin"],
            meta: "",
        },
        Layout {
            folder: "cifar-10-batches-py",
            archive: "cifar-10-python",
            train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
            test: &["test_batch"],
            meta: "batches.meta",
        },
    ],
    labellings: &[Labelling {
        part: "labels",
        classes: 10,
        byte: 0,
        names_file: "batches.meta.txt",
        keys: ["labels", "label_names"],
    }],
    normalisation: [[0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]],
};

/// A hundred classes of 600 images, in twenty coarse ones.
pub(super) const CIFAR100: Version = Version {
    name: "cifar100",
    title: "CIFAR-100",
    label_bytes: 2,
    layouts: [
        Layout {
            folder: "cifar-100-binary",
            archive: "cifar-100-binary",
            train: &["train.bin"],
            test: &["test.bin"],
            meta: "",
        },
        Layout {
            folder: "cifar-100-python",
            archive: "cifar-100-python",
            train: &["train"],
            test: &["test"],
            meta: "meta",
        },
    ],
    labellings: &[
        Labelling {
            part: "fine",
            classes: 100,
            byte: 1,
            names_file: "fine_label_names.txt",
            keys: ["fine_labels", "fine_label_names"],
        },
        Labelling {
            part: "coarse",
            classes: 20,
            byte: 0,
            names_file: "coarse_label_names.txt",
            keys: ["coarse_labels", "coarse_label_names"],
        },
    ],
    normalisation: [[0.5071, 0.4866, 0.4409], [0.2673, 0.2564, 0.2762]],
};

const NAMES10: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

impl Version {
    /// Reads the set from a folder or an archive; `part` chooses among its labels.
    pub(super) fn load(&self, path: &Path, part: Option<&str>) -> Result<Dataset> {
        let labelling = part
            .map_or(Some(&self.labellings[0]), |part| self.labellings.iter().find(|labelling| labelling.part == part));
        let labelling = labelling.ok_or_else(|| {
            let parts: Vec<&str> = self.labellings.iter().map(|labelling| labelling.part).collect();
            Error::Config(format!(
                "{} has the labels {}, not \"{}\"",
                self.title,
                parts.join(" and "),
                part.unwrap_or_default()
            ))
        })?;
        let (files, layout) = self.files(path)?;
        let [mean, std] = self.normalisation.map(|values| values.to_vec());
        let is_first = labelling.part == self.labellings[0].part;
        let kind = if layout.meta.is_empty() { "binary version" } else { "version for Python" };
        let about = About {
            name: if is_first { self.name.to_owned() } else { format!("{}-{}", self.name, labelling.part) },
            origin: format!("{}, A. Krizhevsky 2009, {kind}", self.title),
            class_names: Self::class_names(&files, layout, labelling)?,
            shape: SHAPE,
            normalisation: Some(Normalisation { mean, std }),
            split: PUBLISHED.to_owned(),
        };
        let split = |names| self.split(&files, names, layout, labelling);
        Dataset::new(about, split(layout.train)?, split(layout.test)?)
    }

    fn class_names(files: &Files, layout: &Layout, labelling: &Labelling) -> Result<Vec<String>> {
        let file = if layout.meta.is_empty() { labelling.names_file } else { layout.meta };
        let bytes = files.get(file, LONGEST)?.map(|(bytes, _)| bytes).unwrap_or_default();
        let names: Vec<String> = if layout.meta.is_empty() {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
            let names = if lines.len() == labelling.classes { lines } else { text.split_whitespace().collect() };
            names.into_iter().map(str::to_owned).collect()
        } else {
            let read = pickle::read(&bytes, bytes.len() as u64).ok();
            read.and_then(|read| names(&read, labelling.keys[1])).unwrap_or_default()
        };
        Ok(match names.len() == labelling.classes {
            true => names,
            false if labelling.classes == NAMES10.len() => NAMES10.map(str::to_owned).to_vec(),
            false => (0..labelling.classes).map(|class| class.to_string()).collect(),
        })
    }

    fn split(&self, files: &Files, names: &[&str], layout: &Layout, labelling: &Labelling) -> Result<Split> {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            let Some((bytes, path)) = files.get(name, LONGEST)? else {
                return Err(Error::Data(format!(
                    "{} has no file {name}. Put the files of {}'s binary version or of that for Python there, or name its \
                     .tar.gz",
                    files.place().display(),
                    self.title
                )));
            };
            if layout.meta.is_empty() {
                self.records(&bytes, &path, labelling, (&mut values, &mut labels))?;
            } else {
                batch(&bytes, labelling, (&mut values, &mut labels))
                    .map_err(|what| Error::Data(format!("{path}: {what}")))?;
            }
        }
        Split::new(Pixels::Bytes { values: values.into(), white: 255 }, labels, SHAPE, labelling.classes)
    }

    /// Adds the images of a file of records, which `path` names in messages.
    fn records(&self, bytes: &[u8], path: &str, labelling: &Labelling, (values, labels): Rows<'_>) -> Result<()> {
        let (record, count) = (self.label_bytes + SHAPE.len(), bytes.len());
        if bytes.is_empty() || !count.is_multiple_of(record) {
            return Err(Error::Data(format!(
                "{path} has {count} bytes, which is no whole number of records of {record}: it is cut off or no {} file",
                self.title
            )));
        }
        for (index, record) in bytes.chunks_exact(record).enumerate() {
            let label = record[labelling.byte];
            if usize::from(label) >= labelling.classes {
                return Err(Error::Data(format!(
                    "{path}: record {index} has label {label}; {} has {} classes, from 0",
                    self.title, labelling.classes
                )));
            }
            labels.push(u32::from(label));
            values.extend_from_slice(&record[self.label_bytes..]);
        }
        Ok(())
    }

    /// Images that bytes hold as a file of records.
    pub(super) fn count_records(&self, bytes: &[u8]) -> Result<usize> {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        self.records(bytes, "bytes", &self.labellings[0], (&mut values, &mut labels)).map(|()| labels.len())
    }

    /// Images that bytes hold as a pickled batch.
    pub(super) fn count_pickled(&self, bytes: &[u8]) -> Result<usize> {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        batch(bytes, &self.labellings[0], (&mut values, &mut labels)).map_err(Error::Data).map(|()| labels.len())
    }
}

/// Pixels and labels of images that were read.
type Rows<'a> = (&'a mut Vec<u8>, &'a mut Vec<u32>);

/// Adds the images of a pickled batch: `data` `(n, 3072)` bytes, and a list of labels.
fn batch(bytes: &[u8], labelling: &Labelling, (values, labels): Rows<'_>) -> Result<(), String> {
    let read = pickle::read(bytes, bytes.len() as u64)?;
    let entry = |key: &str| read.entry(&read.value, key).ok_or_else(|| format!("it has no \"{key}\""));
    let data = read.array(entry("data")?).ok_or("its \"data\" is no array")?;
    if data.kind != Some(Kind::Byte) || data.sizes.get(1..) != Some(&[SHAPE.len()][..]) || data.fortran {
        return Err(format!("its \"data\" has the sizes {:?}; rows of {} bytes are needed", data.sizes, SHAPE.len()));
    }
    let key = labelling.keys[0];
    let list = read.list(entry(key)?).ok_or_else(|| format!("its \"{key}\" is no list"))?;
    if data.bytes.len() != list.len() * SHAPE.len() || list.is_empty() {
        return Err(format!("it has {} labels for {} bytes of images", list.len(), data.bytes.len()));
    }
    for label in list {
        match label {
            Value::Int(label @ 0..) if (*label as usize) < labelling.classes => labels.push(*label as u32),
            other => return Err(format!("a label is {other:?}; there are {} classes, from 0", labelling.classes)),
        }
    }
    values.extend_from_slice(&data.bytes);
    Ok(())
}

/// A list of texts.
fn names(read: &Pickle, key: &str) -> Option<Vec<String>> {
    let list = read.list(read.entry(&read.value, key)?)?;
    list.iter().map(|name| Some(pickle::text(name)?.into_owned())).collect()
}
