//! NumPy archives: images and labels, with or without parts: `x_train` and its kin as Keras has them, `train_images` and
//! its kin as MedMNIST has them, or `images` and `labels`, of which a seeded share becomes the test split.
//!
//! Names are taken in the usual words and any case. Images are numbers of any kind, `(n, h, w)`, `(n, h, w, c)`,
//! `(n, c, h, w)` with one or three channels or rows of pixels; labels are whole numbers, words, or rows with a single 1.

mod array;
mod file;

use std::{
    io::{Read, Seek},
    path::Path,
};

pub use self::{array::NumpyArray, file::NumpyFile};
use super::{
    Bytes, ImageShape,
    bytes::Gathered,
    dataset::{About, Dataset, PUBLISHED, Pixels, Split},
    labels::{self, Labels},
    levels::{self, Extent, Range},
    parts::Part,
    pile::held_back,
};
use crate::error::{Error, Result};

/// Names of images, the likeliest first.
const IMAGES: [&str; 9] = ["images", "x", "image", "imgs", "img", "data", "inputs", "pixels", "arr_0"];
/// Names of labels.
const LABELS: [&str; 9] = ["labels", "y", "label", "targets", "target", "classes", "class", "cls", "arr_1"];

/// Images with their labels.
struct Pair {
    images: NumpyArray,
    labels: Labels,
}

/// Reads a file; `seed` draws the test split where it has none.
pub(super) fn load(path: &Path, seed: u64) -> Result<Dataset> {
    assemble(NumpyFile::open(path)?, seed)
}

/// A set out of the arrays of a file.
pub(super) fn assemble<R: Read + Seek>(mut file: NumpyFile<'_, R>, seed: u64) -> Result<Dataset> {
    let path = file.path;
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let mut notes = Vec::new();
    let Some(train) = pair(&mut file, Part::Train, &mut notes)? else {
        let names = file.names();
        return Err(fault(format!(
            "it needs x_train, y_train, x_test and y_test, or images and labels; it has {}",
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        )));
    };
    let (test, mut split) = match pair(&mut file, Part::Test, &mut notes)? {
        Some(test) => {
            if let Some(left) = count(&mut file, Part::Validation)? {
                notes.push(format!("{left} validation images are left out; the test images of the file judge"));
            }
            (Some(test), PUBLISHED.to_owned())
        }
        None => match pair(&mut file, Part::Validation, &mut notes)? {
            Some(test) => {
                let said = "there are no test images: the validation images are the test split".to_owned();
                notes.push(said.clone());
                (Some(test), said)
            }
            None => (None, String::new()),
        },
    };
    let pairs: Vec<Pair> = std::iter::once(train).chain(test).collect();
    let (shape, range, pixels) = pixels(&pairs, &mut notes).map_err(|error| fault(error.to_string()))?;
    let columns = pairs.into_iter().map(|pair| pair.labels).collect();
    let (class_names, labels) = labels::classes(columns).map_err(|error| fault(error.to_string()))?;
    let mut parts: Vec<(Bytes, Vec<u32>)> = pixels.into_iter().zip(labels).collect();
    let [train, test] = if parts.len() > 1 {
        let test = parts.remove(1);
        [parts.remove(0), test]
    } else {
        let (pixels, labels) = parts.remove(0);
        let (train, test) = held_back(&pixels, &labels, shape, seed).map_err(|error| fault(error.to_string()))?;
        split = format!(
            "there are no test images: {} images, a fifth of each class, are drawn from the seed",
            test.1.len()
        );
        notes.push(split.clone());
        [train, test]
    };
    let classes = class_names.len();
    let about = About {
        name: path.file_stem().map_or_else(|| "npz".to_owned(), |name| name.to_string_lossy().into_owned()),
        origin: format!("NumPy archive {}", path.display()),
        class_names,
        shape,
        normalisation: None,
        split,
    };
    let white = range.white();
    let split = |(values, labels)| {
        Split::new(Pixels::Bytes { values, white }, labels, shape, classes).map_err(|error| fault(error.to_string()))
    };
    Ok(Dataset::new(about, split(train)?, split(test)?)?.with_notes(notes))
}

/// The likeliest array of a part among those of these names; what names no part is for training.
fn named(all: &[String], part: Part, words: &[&str]) -> Option<String> {
    let rank = |name: &&String| {
        let (found, rest) = Part::within(name);
        let place = words.iter().position(|word| *word == rest)?;
        (found.unwrap_or(Part::Train) == part).then_some((found.is_none(), place))
    };
    all.iter().filter(|name| rank(name).is_some()).min_by_key(rank).cloned()
}

/// How many images a part has; none where it has none.
fn count<R: Read + Seek>(file: &mut NumpyFile<'_, R>, part: Part) -> Result<Option<usize>> {
    let Some(name) = named(&file.names(), part, &LABELS) else { return Ok(None) };
    Ok(file.array(&name)?.and_then(|array| array.sizes.first().copied()))
}

/// Images and labels of a part, where it has both. What has images alone cannot be used, which is said.
fn pair<R: Read + Seek>(file: &mut NumpyFile<'_, R>, part: Part, notes: &mut Vec<String>) -> Result<Option<Pair>> {
    let path = file.path;
    let names = file.names();
    let (images, labels) = match (named(&names, part, &IMAGES), named(&names, part, &LABELS)) {
        (Some(images), Some(labels)) => (images, labels),
        (Some(images), None) if part != Part::Train => {
            notes.push(format!("{images} is left out, since it has no labels"));
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let (Some(images), Some(array)) = (file.array(&images)?, file.array(&labels)?) else { return Ok(None) };
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let count = images.sizes.first().copied().unwrap_or(0);
    let labels = array.labels(count).map_err(|what| fault(format!("{labels}: {what}")))?;
    if labels.len() != count {
        return Err(fault(format!("there are {} labels for {count} images", labels.len())));
    }
    Ok(Some(Pair { images, labels }))
}

/// The levels of every part, of one shape and range.
fn pixels(pairs: &[Pair], notes: &mut Vec<String>) -> Result<(ImageShape, Range, Vec<Bytes>), Error> {
    let mut shapes = pairs.iter().map(|pair| levels::layout(&pair.images.sizes).map_err(Error::Data));
    let (shape, _) = shapes.next().unwrap_or_else(|| Err(Error::Data("there is no image".to_owned())))?;
    for other in shapes {
        let (other, _) = other?;
        if other != shape {
            return Err(Error::Data(format!(
                "training images are {:?}, test images {:?} (channels, height, width)",
                shape.dims(),
                other.dims()
            )));
        }
    }
    let extents = pairs.iter().map(|pair| Extent::of(pair.images.numbers()?, pair.images.is_float()));
    let extents = extents.collect::<Result<Vec<_>, String>>().map_err(Error::Data)?;
    let extent = extents.into_iter().reduce(Extent::and).expect("at least one part");
    let (range, note) = extent.range().map_err(Error::Data)?;
    notes.extend(note);
    let parts = pairs.iter().map(|pair| pair.levels(range, shape)).collect::<Result<Vec<_>>>()?;
    Ok((shape, range, parts))
}

impl Pair {
    /// Levels of its images, channel after channel.
    fn levels(&self, range: Range, shape: ImageShape) -> Result<Bytes> {
        let (_, last) = levels::layout(&self.images.sizes).map_err(Error::Data)?;
        let levels = if self.images.kind == "|u1" {
            self.images.bytes.clone()
        } else {
            let (mut all, mut piece) = (Gathered::default(), Vec::with_capacity(1 << 16));
            for number in self.images.numbers().map_err(Error::Data)? {
                piece.push(range.level(number));
                if piece.len() == piece.capacity() {
                    all.add(&piece)?;
                    piece.clear();
                }
            }
            all.add(&piece)?;
            all.finish()?
        };
        if last && shape.channels > 1 { levels::planes(&levels, shape) } else { Ok(levels) }
    }
}
