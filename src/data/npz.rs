//! NumPy archives: `x_train`, `y_train`, `x_test`, `y_test` as Keras has them, or `images` and `labels`, of which a
//! seeded share becomes the test split.
//!
//! Images are bytes, or floats from 0 to 1; `(n, h, w)`, `(n, h, w, c)` or `(n, c, h, w)` with one or three channels.
//! Labels are whole numbers. (The tensor library's own reader makes room for whatever a header promises.)

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

use zip::{ZipArchive, result::ZipError};

use super::{
    Bytes, ImageShape,
    bytes::Gathered,
    dataset::{About, Dataset, Pixels, Split},
    folder::held_back,
    source::Source,
};
use crate::error::{Error, Result};

/// No published header is nearly as long.
const LONGEST_HEAD: usize = 1 << 14;
/// More classes than any set has.
const MOST_CLASSES: i64 = 100_000;

/// An array of a file.
pub struct NumpyArray {
    /// NumPy's name of the kind, for example `<f4`.
    pub kind: String,
    /// Its sizes.
    pub sizes: Vec<usize>,
    /// Its numbers, the last axis fastest.
    pub bytes: Bytes,
}

/// A NumPy archive.
pub struct NumpyFile<'a, R = BufReader<File>> {
    path: &'a Path,
    archive: ZipArchive<R>,
}

/// Reads a file; `seed` draws the test split where it has none.
pub(super) fn load(path: &Path, seed: u64) -> Result<Dataset> {
    assemble(NumpyFile::open(path)?, seed)
}

/// A set out of the arrays of a file.
pub(super) fn assemble<R: Read + Seek>(mut file: NumpyFile<'_, R>, seed: u64) -> Result<Dataset> {
    let path = file.path;
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let mut take = |name: &str| file.array(name);
    let (train, test) = if let (Some(images), Some(labels)) = (take("x_train")?, take("y_train")?) {
        let test = match (take("x_test")?, take("y_test")?) {
            (Some(images), Some(labels)) => Some((images, labels)),
            _ => return Err(fault("it has x_train and y_train but not both of x_test and y_test".to_owned())),
        };
        ((images, labels), test)
    } else if let (Some(images), Some(labels)) = (take("images")?, take("labels")?) {
        ((images, labels), None)
    } else {
        let names = file.names();
        return Err(fault(format!(
            "it needs x_train, y_train, x_test and y_test, or images and labels; it has {}",
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        )));
    };
    let labels = |array: &NumpyArray| array.whole_numbers().map_err(&fault);
    let train_labels = labels(&train.1)?;
    let test_labels = test.as_ref().map(|(_, array)| labels(array)).transpose()?;
    let classes = train_labels.iter().chain(test_labels.iter().flatten()).max().map_or(0, |&label| label as usize + 1);
    let (shape, train_pixels) = pixels(&train.0).map_err(&fault)?;
    let about = About {
        name: path.file_stem().map_or_else(|| "npz".to_owned(), |name| name.to_string_lossy().into_owned()),
        origin: format!("NumPy archive {}", path.display()),
        class_names: (0..classes).map(|class| class.to_string()).collect(),
        shape,
        normalisation: None,
    };
    let split = |values, labels: Vec<u32>| {
        Split::new(Pixels::Bytes { values, white: 255 }, labels, shape, classes)
            .map_err(|error| fault(error.to_string()))
    };
    let Some(test) = test else {
        let (train, test) =
            held_back(&train_pixels, &train_labels, shape, seed).map_err(|error| fault(error.to_string()))?;
        return Dataset::new(about, split(train.0, train.1)?, split(test.0, test.1)?);
    };
    let (test_shape, test_pixels) = pixels(&test.0).map_err(&fault)?;
    if test_shape != shape {
        return Err(fault(format!(
            "training images are {:?}, test images {:?} (channels, height, width)",
            shape.dims(),
            test_shape.dims()
        )));
    }
    Dataset::new(about, split(train_pixels, train_labels)?, split(test_pixels, test_labels.unwrap_or_default())?)
}

impl<'a> NumpyFile<'a> {
    /// Opens a file; reads no array yet.
    pub fn open(path: &'a Path) -> Result<Self> {
        Self::new(BufReader::new(File::open(path).map_err(Error::file("read", path))?), path)
    }
}

impl<'a, R: Read + Seek> NumpyFile<'a, R> {
    /// Reads from `reader`; `path` names it in messages.
    pub(super) fn new(reader: R, path: &'a Path) -> Result<Self> {
        let archive = ZipArchive::new(reader)
            .map_err(|error| Error::Data(format!("{}: this is no NPZ ({error})", path.display())))?;
        Ok(Self { path, archive })
    }

    fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
    }

    /// One array; none where the archive has none of this name.
    pub fn array(&mut self, name: &str) -> Result<Option<NumpyArray>> {
        let entry = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => {
                return Err(Error::Data(format!("{}: {name} cannot be read ({error})", self.path.display())));
            }
        };
        let size = entry.compressed_size();
        let mut source = Source::new(Box::new(entry), self.path, size);
        let magic: [u8; 8] = source.head()?;
        if &magic[..6] != b"\x93NUMPY" {
            return Err(source.fault(format_args!("{name} is no NumPy array")));
        }
        let length = match magic[6] {
            1 => u16::from_le_bytes(source.head()?).into(),
            _ => u32::from_le_bytes(source.head()?) as usize,
        };
        if length > LONGEST_HEAD {
            return Err(source.fault(format_args!("{name} has a header of {length} bytes")));
        }
        let head = source.bytes(length as u64)?;
        let head = String::from_utf8_lossy(&head);
        let (kind, sizes) = describe(&head).ok_or_else(|| source.fault(format_args!("{name} has a damaged header")))?;
        let width: Option<u64> = kind.get(2..).and_then(|width| width.parse().ok());
        let count = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
        let promised = count.zip(width).and_then(|(count, width)| count.checked_mul(width));
        let promised =
            promised.ok_or_else(|| source.fault(format_args!("{name} says that it has the sizes {sizes:?}")))?;
        let bytes = source.bytes(promised)?;
        source.expect_end(promised)?;
        Ok(Some(NumpyArray { kind, sizes, bytes }))
    }
}

/// Kind and sizes out of `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
fn describe(head: &str) -> Option<(String, Vec<usize>)> {
    let after = |key: &str| Some(head.split_once(key)?.1.trim_start_matches(['\'', '"', ':', ' ']));
    let kind: String = after("'descr")?.chars().take_while(|c| *c != '\'').collect();
    if !after("'fortran_order")?.starts_with("False") || !kind.is_ascii() {
        return None;
    }
    let sizes = after("'shape")?.trim_start_matches('(').split_once(')')?.0;
    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty()).map(|size| size.parse().ok());
    Some((kind, sizes.collect::<Option<Vec<usize>>>()?))
}

impl NumpyArray {
    /// A row of whole numbers from 0: labels.
    pub fn whole_numbers(&self) -> Result<Vec<u32>, String> {
        let array = self;
        let count: usize = match array.sizes[..] {
            [count] | [count, 1] => count,
            _ => return Err(format!("labels have the sizes {:?}; a row of whole numbers is needed", array.sizes)),
        };
        let values: Vec<i64> = match array.kind.as_str() {
            "|u1" => array.bytes.iter().map(|&value| value.into()).collect(),
            "<i4" => array.bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes).into()).collect(),
            "<i8" => array.bytes.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(),
            kind => return Err(format!("labels are of the kind {kind}; |u1, <i4 and <i8 can be read")),
        };
        match values.iter().find(|value| !(0..MOST_CLASSES).contains(value)) {
            Some(odd) => Err(format!("a label is {odd}; labels are whole numbers from 0")),
            None if values.len() == count => Ok(values.into_iter().map(|value| value as u32).collect()),
            None => Err("labels are cut off".to_owned()),
        }
    }
}

/// Images as bytes, channel after channel.
fn pixels(array: &NumpyArray) -> Result<(ImageShape, Bytes), String> {
    let is_channels = |size: usize| size == 1 || size == 3;
    let (shape, last) = match array.sizes[..] {
        [_, height, width] => (ImageShape { channels: 1, height, width }, false),
        [_, height, width, channels] if is_channels(channels) => (ImageShape { channels, height, width }, true),
        [_, channels, height, width] if is_channels(channels) => (ImageShape { channels, height, width }, false),
        _ => {
            return Err(format!(
                "images have the sizes {:?}; (n, h, w), (n, h, w, c) or (n, c, h, w) with 1 or 3 channels are needed",
                array.sizes
            ));
        }
    };
    if shape.is_empty() || array.sizes[0] == 0 {
        return Err("there is no image".to_owned());
    }
    let levels = match array.kind.as_str() {
        "|u1" => array.bytes.clone(),
        "<f4" => from_floats(&array.bytes).map_err(|error| error.to_string())?,
        kind => return Err(format!("images are of the kind {kind}; bytes (|u1) and floats (<f4) can be read")),
    };
    if !last || shape.channels == 1 {
        return Ok((shape, levels));
    }
    let mut turned = Gathered::default();
    let mut image = vec![0; shape.len()];
    for pixels in levels.chunks_exact(shape.len()) {
        for (channel, plane) in image.chunks_exact_mut(shape.plane()).enumerate() {
            plane.iter_mut().enumerate().for_each(|(at, value)| *value = pixels[at * shape.channels + channel]);
        }
        turned.add(&image).map_err(|error| error.to_string())?;
    }
    Ok((shape, turned.finish().map_err(|error| error.to_string())?))
}

/// Floats from 0 to 1 as levels.
fn from_floats(bytes: &[u8]) -> Result<Bytes> {
    let mut levels = Gathered::default();
    for piece in bytes.as_chunks::<4>().0.chunks(1 << 14) {
        let values = piece.iter().map(|bytes| {
            let value = f32::from_le_bytes(*bytes);
            (-1e-3..=1.001).contains(&value).then_some((value.clamp(0.0, 1.0) * 255.0).round() as u8)
        });
        let values: Option<Vec<u8>> = values.collect();
        levels.add(&values.ok_or_else(|| Error::Data("floats must lie between 0 and 1".to_owned()))?)?;
    }
    levels.finish()
}
