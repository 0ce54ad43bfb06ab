//! An array of NumPy: numbers of any kind and byte order, or words.

use crate::data::{
    Bytes,
    labels::{Labels, MOST_CLASSES},
    pickle::Kind,
};

/// An array of a file.
pub struct NumpyArray {
    /// NumPy's name of the kind, for example `<f4`.
    pub kind: String,
    /// Its sizes.
    pub sizes: Vec<usize>,
    /// Its numbers, the last axis fastest.
    pub bytes: Bytes,
}

impl NumpyArray {
    /// Its numbers, whatever their kind.
    pub fn numbers(&self) -> Result<impl Iterator<Item = f64>, String> {
        let kind = self.kind.get(1..).and_then(Kind::of_numpy).ok_or_else(|| {
            format!("an array is of the kind {}; whole numbers, floats and bool can be read", self.kind)
        })?;
        let (width, is_big) = (kind.width(), self.kind.starts_with('>'));
        Ok(self.bytes.chunks_exact(width).map(move |bytes| {
            let mut number = [0; 8];
            number[..width].copy_from_slice(bytes);
            if is_big {
                number[..width].reverse();
            }
            kind.number(&number[..width])
        }))
    }

    /// True if its numbers are floats.
    pub fn is_float(&self) -> bool {
        self.kind.contains('f')
    }

    /// A row of whole numbers from 0: labels.
    pub fn whole_numbers(&self) -> Result<Vec<u32>, String> {
        match self.sizes[..] {
            [_] | [_, 1] => {}
            _ => return Err(format!("labels have the sizes {:?}; a row of whole numbers is needed", self.sizes)),
        }
        let label = |number: f64| match number.fract() == 0.0 && (0.0..f64::from(MOST_CLASSES)).contains(&number) {
            true => Ok(number as u32),
            false => Err(format!("a label is {number}; labels are whole numbers from 0")),
        };
        self.numbers()?.map(label).collect()
    }

    /// One label for each of `count` images: whole numbers, words, or rows with a single 1.
    pub(in crate::data) fn labels(&self, count: usize) -> Result<Labels, String> {
        match self.sizes[..] {
            _ if matches!(self.kind.as_bytes().get(1), Some(b'U' | b'S')) => Ok(Labels::Words(self.words()?)),
            [rows, columns] if columns > 1 && rows == count => self.hot(columns).map(Labels::Numbers),
            [1, columns] if columns == count => {
                let row = Self { kind: self.kind.clone(), sizes: vec![columns], bytes: self.bytes.clone() };
                row.whole_numbers().map(Labels::Numbers)
            }
            _ => self.whole_numbers().map(Labels::Numbers),
        }
    }

    /// Where the 1 of each row stands.
    fn hot(&self, columns: usize) -> Result<Vec<u32>, String> {
        let numbers: Vec<f64> = self.numbers()?.collect();
        let one = |row: &[f64]| -> Result<u32, String> {
            let ones = row.iter().filter(|value| **value == 1.0).count();
            let zeros = row.iter().filter(|value| **value == 0.0).count();
            match row.iter().position(|value| *value == 1.0) {
                Some(at) if ones == 1 && zeros + 1 == columns => Ok(at as u32),
                _ if ones + zeros == columns => Err(format!(
                    "images have several labels each, or none: an image with {ones} of {columns} was found. Only sets with \
                     exactly one label an image can be distilled; choose one column, or the images that have one label"
                )),
                _ => Err(format!(
                    "labels have the sizes {:?} but are no rows with a single 1. One whole number for each image is needed; \
                     where a row holds several labels, choose one column, and where it holds shares, their largest \
                     (argmax)",
                    self.sizes
                )),
            }
        };
        numbers.chunks_exact(columns).map(one).collect()
    }

    /// Texts, without the zeros that fill them up.
    pub fn words(&self) -> Result<Vec<String>, String> {
        let width: usize = self.kind.get(2..).and_then(|width| width.parse().ok()).unwrap_or(0);
        let (width, is_big) = (if self.kind.contains('U') { 4 * width } else { width }, self.kind.starts_with('>'));
        match self.sizes[..] {
            [_] | [_, 1] if width > 0 => {}
            _ => return Err(format!("labels have the sizes {:?}; one word for each image is needed", self.sizes)),
        }
        let letter = |bytes: &[u8; 4]| if is_big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
        let word = |bytes: &[u8]| match self.kind.contains('U') {
            true => {
                let letters =
                    bytes.as_chunks().0.iter().map(|bytes| char::from_u32(letter(bytes)).unwrap_or('\u{fffd}'));
                letters.collect::<String>().trim_end_matches('\0').to_owned()
            }
            false => String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned(),
        };
        Ok(self.bytes.chunks_exact(width).map(word).collect())
    }
}

/// Bytes of an entry of this kind; none where it is no plain entry.
pub(super) fn width(kind: &str) -> Option<u64> {
    let width: u64 = kind.get(2..)?.parse().ok()?;
    if kind.as_bytes()[1] == b'U' { width.checked_mul(4) } else { Some(width) }
}
