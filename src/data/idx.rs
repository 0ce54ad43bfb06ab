//! IDX, the format of MNIST and Fashion-MNIST: four files in a folder, plain or gzipped.
//!
//! A file is a big-endian magic number (2049 for labels, 2051 for images), the sizes as 32-bit numbers, then bytes.
//! Sizes are believed only as far as the file goes: nothing is allocated beyond what is really there.

use std::{
    io::BufReader,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{
    Bytes, ImageShape, Normalisation,
    dataset::{About, Dataset, Pixels, Split},
    source::Source,
};
use crate::error::{Error, Result};

const LABELS: u32 = 2049;
const IMAGES: u32 = 2051;
/// A side longer than this is a damaged header.
const LONGEST_SIDE: usize = 4096;

const FASHION: [&str; 10] =
    ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// True if a folder looks like such a set.
pub(super) fn is_at(folder: &Path) -> bool {
    find(folder, "train-images-idx3-ubyte").is_ok()
}

/// Reads the four files of a folder.
pub(super) fn load(folder: &Path) -> Result<Dataset> {
    let (shape, train, train_labels) = read_split(folder, "train")?;
    let (test_shape, test, test_labels) = read_split(folder, "t10k")?;
    if shape != test_shape {
        return Err(Error::Data(format!(
            "{}: training images are {}x{}, test images {}x{}",
            folder.display(),
            shape.height,
            shape.width,
            test_shape.height,
            test_shape.width
        )));
    }
    let classes = train_labels.iter().chain(&test_labels).max().map_or(0, |&label| label as usize + 1);
    let known = known_set(folder, shape, classes);
    let about = About {
        name: known.map_or_else(|| folder_name(folder), |known| known.0.to_owned()),
        origin: format!("IDX files in {}", folder.display()),
        class_names: match known {
            Some(("fashion-mnist", _)) => FASHION.map(str::to_owned).to_vec(),
            _ => (0..classes).map(|class| class.to_string()).collect(),
        },
        shape,
        normalisation: known.map(|(_, [mean, std])| Normalisation { mean: vec![mean], std: vec![std] }),
    };
    let split = |values, labels| Split::new(Pixels::Bytes { values, white: 255 }, labels, shape, classes);
    Dataset::new(about, split(train, train_labels)?, split(test, test_labels)?)
}

/// The published mean and deviation, for sets that are known by the name of their folder.
fn known_set(folder: &Path, shape: ImageShape, classes: usize) -> Option<(&'static str, [f32; 2])> {
    if (shape.height, shape.width, classes) != (28, 28, 10) {
        return None;
    }
    let name = folder_name(folder).to_lowercase();
    if name.contains("fashion") {
        Some(("fashion-mnist", [0.2861, 0.3530]))
    } else if name.contains("mnist") && !["k", "q", "e"].iter().any(|kind| name.contains(&format!("{kind}mnist"))) {
        Some(("mnist", [0.1307, 0.3081]))
    } else {
        None
    }
}

fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    full.file_name().map_or_else(|| "idx".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn read_split(folder: &Path, prefix: &str) -> Result<(ImageShape, Bytes, Vec<u32>)> {
    let path = find(folder, &format!("{prefix}-images-idx3-ubyte"))?;
    let mut file = open(&path)?;
    let (count, shape, values) = images(&mut file)?;

    let path = find(folder, &format!("{prefix}-labels-idx1-ubyte"))?;
    let mut file = open(&path)?;
    let labels = labels(&mut file)?;
    if labels.len() != count {
        return Err(file.fault(format_args!("it has {} labels for {count} images", labels.len())));
    }
    Ok((shape, values, labels))
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

/// A file of labels to its end.
pub(super) fn labels(file: &mut Source<'_>) -> Result<Vec<u32>> {
    expect_magic(file, LABELS)?;
    let promised = number(file)? as u64;
    let bytes = file.bytes(promised)?;
    file.expect_end(promised)?;
    Ok(bytes.iter().copied().map(u32::from).collect())
}

/// `name` or `name.gz`; some mirrors write a dot for the first dash of the ending.
fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let names = [name.to_owned(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")];
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        Error::Data(format!("{} has no file {name} or {name}.gz. Put the four published files there", folder.display()))
    })
}

fn open(path: &Path) -> Result<Source<'_>> {
    let is_zipped = path.extension().is_some_and(|extension| extension == "gz");
    Source::open(path, |file| match is_zipped {
        true => Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file)))),
        false => Box::new(BufReader::new(file)),
    })
}

fn number(file: &mut Source<'_>) -> Result<usize> {
    Ok(u32::from_be_bytes(file.head()?) as usize)
}

fn expect_magic(file: &mut Source<'_>, expected: u32) -> Result<()> {
    let magic = u32::from_be_bytes(file.head()?);
    if magic == expected {
        return Ok(());
    }
    Err(file.fault(format_args!("this is no such IDX file: it begins with {magic}, not with {expected}")))
}
