//! IDX, the format of MNIST, Fashion-MNIST, KMNIST, QMNIST and EMNIST: four files in a folder, in torchvision's `raw` within
//! it, or in the `gzip` of EMNIST's archive, packed or not, whatever their names end in.
//!
//! A file is two zeros, the kind of its numbers, how many sizes it has, the sizes as big-endian 32-bit numbers, then the
//! numbers. Sizes are believed only as far as the file goes: nothing is allocated beyond what is really there.

mod known;

use std::path::{Path, PathBuf};

use self::known::{Known, folder_name};
use super::{
    Bytes, ImageShape, Normalisation,
    bytes::Gathered,
    dataset::{About, Dataset, PUBLISHED, Pixels, Split},
    labels::MOST_CLASSES,
    source::Source,
};
use crate::error::{Error, Result};

const IMAGES: u32 = 2051;
/// A side longer than this is a damaged header.
const LONGEST_SIDE: usize = 4096;
/// Kinds of whole numbers: bytes and 32 bits.
const LABELS: [(u8, usize); 2] = [(0x08, 1), (0x0c, 4)];
/// Numbers beside each label that are believed; QMNIST has seven, which say who wrote it.
const MOST_COLUMNS: usize = 16;

/// The four files of a set.
struct Place {
    folder: PathBuf,
    prefix: String,
    /// Which part of EMNIST it is.
    part: Option<&'static str>,
}

/// True if a folder looks like such a set.
pub(super) fn is_at(folder: &Path) -> bool {
    !places(folder).is_empty()
}

/// Every set in a folder: beside each other, under `raw` or `gzip`, or in the folders that torchvision makes.
fn places(folder: &Path) -> Vec<Place> {
    let within = |folder: &Path| -> Vec<Place> {
        let folders = [folder.to_owned(), folder.join("raw"), folder.join("gzip"), folder.join("raw/gzip")];
        let places = folders.into_iter().flat_map(|folder| {
            known::prefixes().map(move |(prefix, part)| Place { folder: folder.clone(), prefix, part })
        });
        let mut places: Vec<Place> = places.filter(|place| place.find(&["train-images-idx3-ubyte"]).is_ok()).collect();
        // The same part may lie packed and unpacked.
        let mut seen = Vec::new();
        places.retain(|place| {
            !seen.contains(&place.prefix) && {
                seen.push(place.prefix.clone());
                true
            }
        });
        places
    };
    let here = within(folder);
    if !here.is_empty() {
        return here;
    }
    known::FOLDERS.iter().flat_map(|name| within(&folder.join(name))).collect()
}

/// The one set in a folder that is meant; `part` says which where there are several.
fn place(folder: &Path, part: Option<&str>) -> Result<Place> {
    let mut places = places(folder);
    let several = places.len() > 1;
    if let Some(part) = part {
        places.retain(|place| place.part == Some(part) || folder_name(&place.folder).eq_ignore_ascii_case(part));
    }
    match places.len() {
        1 => Ok(places.remove(0)),
        0 if several || part.is_some() => Err(Error::Data(format!(
            "{} has no files of \"{}\"{}",
            folder.display(),
            part.unwrap_or_default(),
            choices(&self::places(folder))
        ))),
        0 => Err(Error::Data(format!(
            "{} has no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz. Put the four published files there",
            folder.display()
        ))),
        _ => Err(Error::Data(format!("{} holds several sets{}", folder.display(), choices(&places)))),
    }
}

fn choices(places: &[Place]) -> String {
    let names = places.iter().map(|place| place.part.map_or_else(|| folder_name(&place.folder), str::to_owned));
    let names: Vec<String> = names.collect();
    match names.first() {
        Some(first) => format!(": {}. Choose one as in idx@{first}:DIR", names.join(", ")),
        None => String::new(),
    }
}

/// Reads the four files of a folder; `part` is that of EMNIST, or the name of one of several folders.
pub(super) fn load(folder: &Path, part: Option<&str>) -> Result<Dataset> {
    let place = place(folder, part)?;
    let (shape, train, mut train_labels) = place.read(&["train"])?;
    let (test_shape, test, mut test_labels) = place.read(&["t10k", "test"])?;
    if shape != test_shape {
        return Err(Error::Data(format!(
            "{}: training images are {}x{}, test images {}x{}",
            place.folder.display(),
            shape.height,
            shape.width,
            test_shape.height,
            test_shape.width
        )));
    }
    let mut notes = Vec::new();
    if place.part == Some(known::LETTERS) && !train_labels.iter().chain(&test_labels).any(|&label| label == 0) {
        notes.push("the labels of EMNIST's letters begin at 1: a is 1".to_owned());
        train_labels.iter_mut().chain(&mut test_labels).for_each(|label| *label -= 1);
    }
    let classes = train_labels.iter().chain(&test_labels).max().map_or(0, |&label| label as usize + 1);
    let known = Known::of(&place.folder, place.part, shape, classes);
    let name = known.as_ref().map_or_else(|| folder_name(&place.folder), |known| known.name.to_owned());
    let normalisation = known.as_ref().and_then(|known| known.normalisation);
    let numbers = || (0..classes).map(|class| class.to_string()).collect();
    let class_names: Vec<String> = known.map_or_else(numbers, |known| known.classes);
    let (train, test) = match place.part {
        Some(_) => {
            notes.push("EMNIST keeps its images on their side; they were turned upright".to_owned());
            (transposed(&train, shape)?, transposed(&test, shape)?)
        }
        None => (train, test),
    };
    let shape =
        if place.part.is_some() { ImageShape { height: shape.width, width: shape.height, ..shape } } else { shape };
    let count = class_names.len();
    let about = About {
        name,
        origin: format!("IDX files in {}", place.folder.display()),
        class_names,
        shape,
        normalisation: normalisation.map(|[mean, std]| Normalisation { mean: vec![mean], std: vec![std] }),
        split: PUBLISHED.to_owned(),
    };
    let split = |values, labels| Split::new(Pixels::Bytes { values, white: 255 }, labels, shape, count);
    Ok(Dataset::new(about, split(train, train_labels)?, split(test, test_labels)?)?.with_notes(notes))
}

impl Place {
    /// Images and labels of the first of these parts that is there.
    fn read(&self, parts: &[&str]) -> Result<(ImageShape, Bytes, Vec<u32>)> {
        let names = |ending: &str| -> Vec<String> { parts.iter().map(|part| format!("{part}-{ending}")).collect() };
        let path = self.find(&names("images-idx3-ubyte"))?;
        let (count, shape, values) = images(&mut Source::open(&path)?)?;

        let path = self.find(&[names("labels-idx1-ubyte"), names("labels-idx2-int")].concat())?;
        let mut file = Source::open(&path)?;
        let labels = labels(&mut file)?;
        if labels.len() != count {
            return Err(file.fault(format_args!("it has {} labels for {count} images", labels.len())));
        }
        Ok((shape, values, labels))
    }

    /// The first file of these names, as it is or ending in `.gz`; some mirrors write a dot for the first dash of the ending.
    fn find(&self, names: &[impl AsRef<str>]) -> Result<PathBuf> {
        let names = names.iter().map(|name| format!("{}{}", self.prefix, name.as_ref()));
        let written = names.clone().flat_map(|name| {
            let dotted = name.replace("-idx", ".idx");
            [format!("{name}.gz"), format!("{dotted}.gz"), name, dotted]
        });
        let mut paths: Vec<PathBuf> =
            written.map(|name| self.folder.join(name)).filter(|path| path.is_file()).collect();
        // What was unpacked goes before what was not.
        paths.sort_by_key(|path| path.extension().is_some_and(|ending| ending == "gz"));
        paths.into_iter().next().ok_or_else(|| {
            let name = names.clone().next().unwrap_or_default();
            Error::Data(format!(
                "{} has no file {name} or {name}.gz. Put the four published files there",
                self.folder.display()
            ))
        })
    }
}

/// Rows become columns.
fn transposed(images: &[u8], shape: ImageShape) -> Result<Bytes> {
    let (mut all, mut turned) = (Gathered::default(), vec![0; shape.plane()]);
    for image in images.chunks_exact(shape.plane()) {
        for (at, value) in turned.iter_mut().enumerate() {
            *value = image[at % shape.height * shape.width + at / shape.height];
        }
        all.add(&turned)?;
    }
    all.finish()
}

/// A file of images to its end: how many, their shape, their levels.
pub(super) fn images(file: &mut Source<'_>) -> Result<(usize, ImageShape, Bytes)> {
    expect_magic(file, IMAGES)?;
    let [count, height, width] = [number(file)?, number(file)?, number(file)?];
    if count == 0 || !(1..=LONGEST_SIDE).contains(&height) || !(1..=LONGEST_SIDE).contains(&width) {
        return Err(file.fault(format_args!("it says that it has {count} images of {height}x{width}")));
    }
    let promised = count as u64 * (height * width) as u64;
    let values = file.bytes(promised)?;
    file.expect_end(promised)?;
    Ok((count, ImageShape { channels: 1, height, width }, values))
}

/// A file of labels to its end: whole numbers, one for each image, or rows of them that begin with it.
pub(super) fn labels(file: &mut Source<'_>) -> Result<Vec<u32>> {
    let magic: [u8; 4] = file.head()?;
    let width = LABELS.iter().find(|(kind, _)| *kind == magic[2]).map(|(_, width)| *width);
    let (Some(width), [0, 0, _, sizes @ 1..=2]) = (width, magic) else {
        let begins = u32::from_be_bytes(magic);
        return Err(file.fault(format_args!("this is no IDX file of labels: it begins with {begins}, not with 2049")));
    };
    let count = number(file)?;
    let columns = if sizes == 2 { number(file)? } else { 1 };
    if !(1..=MOST_COLUMNS).contains(&columns) {
        return Err(file.fault(format_args!("it says that every label has {columns} numbers")));
    }
    let promised = count as u64 * (width * columns) as u64;
    let bytes = file.bytes(promised)?;
    file.expect_end(promised)?;
    let label = |row: &[u8]| row[..width].iter().fold(0_u32, |label, &byte| label << 8 | u32::from(byte));
    let labels: Vec<u32> = bytes.chunks_exact(width * columns).map(label).collect();
    match labels.iter().find(|label| **label >= MOST_CLASSES) {
        Some(odd) => Err(file.fault(format_args!("a label is {odd}; labels are whole numbers from 0"))),
        None => Ok(labels),
    }
}

fn number(file: &mut Source<'_>) -> Result<usize> {
    Ok(u32::from_be_bytes(file.head()?) as usize)
}

fn expect_magic(file: &mut Source<'_>, expected: u32) -> Result<()> {
    let magic = u32::from_be_bytes(file.head()?);
    if magic == expected {
        return Ok(());
    }
    Err(file.fault(format_args!("this is no IDX file of images: it begins with {magic}, not with {expected}")))
}
