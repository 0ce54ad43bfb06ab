//! Pictures of a set as they are read, one part of it or both, wherever they come from.
//!
//! Where no picture has colour, the set has one channel. A picture that cannot be read is skipped and named; more than a tenth of
//! them and the set is refused.

use std::{collections::BTreeMap, path::PathBuf};

use image::{Rgb, RgbImage};
use rayon::prelude::*;

use super::{
    Bytes, ImageShape,
    bytes::Gathered,
    dataset::{About, Dataset, Pixels, Split},
    parts::Part,
    picture::{picture, planes},
};
use crate::{
    error::{Error, Result},
    random::{Purpose, choose, stream},
};

/// Side of the pictures where nobody says another.
pub(super) const DEFAULT_SIZE: usize = 32;
/// Share of each class that becomes the test split where there is none.
const TEST_SHARE: f64 = 0.2;
/// Where the test images come from, where there are some.
const DIVIDED: &str = "it comes divided into training and test images";
/// Pictures that are read together.
pub(super) const TOGETHER: usize = 64;
/// Skipped files that are named one by one.
const NAMED: usize = 8;

/// Pixels with their labels.
pub(super) type Labelled = (Bytes, Vec<u32>);

/// The pictures of a part: colour planes of every one that can be read, and its class.
pub(super) struct Pile {
    pixels: Gathered,
    labels: Vec<u32>,
    is_grey: bool,
    unreadable: Vec<String>,
    tried: usize,
}

impl Default for Pile {
    fn default() -> Self {
        Self { pixels: Gathered::default(), labels: Vec::new(), is_grey: true, unreadable: Vec::new(), tried: 0 }
    }
}

/// Pictures in files with their classes.
pub(super) type Files = Vec<(PathBuf, u32)>;

/// A set as a folder or a table lists it.
pub(super) struct Listing {
    pub(super) name: String,
    pub(super) origin: String,
    pub(super) class_names: Vec<String>,
    /// Pictures of each part that there is.
    pub(super) parts: BTreeMap<Part, Files>,
    pub(super) notes: Vec<String>,
}

/// An error unless pictures can be made of this size.
pub(super) fn check_size(size: usize) -> Result<()> {
    match (1..=1024).contains(&size) {
        true => Ok(()),
        false => Err(Error::Config(format!("pictures can be made 1 to 1024 pixels wide, not {size}"))),
    }
}

impl Listing {
    /// Reads the pictures at `size x size`; `seed` draws the test split where there is none.
    pub(super) fn load(self, size: usize, seed: u64) -> Result<Dataset> {
        let Self { name, origin, class_names, mut parts, mut notes } = self;
        check_size(size)?;
        let train = Pile::of(&parts.remove(&Part::Train).unwrap_or_default(), size)?;
        let (part, split) = chosen_test(&parts, "validation images", Vec::len, &mut notes);
        let test = part.and_then(|part| parts.remove(&part)).map(|files| Pile::of(&files, size)).transpose()?;
        let set = Set { name, origin, class_names, size, split, notes };
        set.finish(train, test, seed)
    }
}

/// The part that judges, test before validation, and a sentence about it; what is left out is noted. Nothing where a test split has
/// to be drawn.
pub(super) fn chosen_test<T>(
    parts: &BTreeMap<Part, T>,
    what: &str,
    count: impl Fn(&T) -> usize,
    notes: &mut Vec<String>,
) -> (Option<Part>, String) {
    match (parts.get(&Part::Test), parts.get(&Part::Validation)) {
        (Some(_), None) => (Some(Part::Test), DIVIDED.to_owned()),
        (Some(_), Some(left)) => {
            notes.push(format!("{} {what} are left out; the test images judge", count(left)));
            (Some(Part::Test), DIVIDED.to_owned())
        }
        (None, Some(_)) => {
            let said = "there are no test images: the validation images are the test split".to_owned();
            notes.push(said.clone());
            (Some(Part::Validation), said)
        }
        (None, None) => (None, String::new()),
    }
}

impl Pile {
    /// Reads pictures in files.
    fn of(files: &Files, size: usize) -> Result<Self> {
        let mut pile = Self::default();
        for files in files.chunks(TOGETHER) {
            let read: Vec<_> = files.par_iter().map(|(path, _)| picture(path, [size, size])).collect();
            for (picture, (path, label)) in read.into_iter().zip(files) {
                pile.add(picture, *label, || path.display().to_string())?;
            }
        }
        Ok(pile)
    }

    /// Adds a picture, or why it cannot be read.
    pub(super) fn add(
        &mut self,
        picture: Result<RgbImage, String>,
        label: u32,
        name: impl FnOnce() -> String,
    ) -> Result<()> {
        self.tried += 1;
        match picture {
            Ok(picture) => {
                self.is_grey &= picture.pixels().all(|Rgb([r, g, b])| r == g && g == b);
                self.pixels.add(&planes(&picture))?;
                self.labels.push(label);
            }
            Err(reason) => self.unreadable.push(format!("{} ({})", name(), reason.trim())),
        }
        Ok(())
    }

    /// Pictures that were added, whether they can be read or not.
    pub(super) fn tried(&self) -> usize {
        self.tried
    }

    /// Gives every label the place that it has in `places`.
    pub(super) fn relabel(&mut self, places: &[u32]) {
        self.labels.iter_mut().for_each(|label| *label = places[*label as usize]);
    }

    /// An error where too many pictures cannot be read, a note where some cannot.
    fn check(&self, origin: &str, notes: &mut Vec<String>) -> Result<()> {
        let (count, tried) = (self.unreadable.len(), self.tried);
        let more = count.saturating_sub(NAMED);
        let mut named = self.unreadable.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        if more > 0 {
            named = format!("{named} and {more} more");
        }
        if count * 10 > tried {
            return Err(Error::Data(format!(
                "{origin}: {count} of the {tried} pictures cannot be read, more than a tenth: {named}. Mend or remove them"
            )));
        }
        if count > 0 {
            notes.push(format!("{count} pictures cannot be read and were skipped: {named}"));
        }
        Ok(())
    }

    /// Its pixels, of which `is_grey` keeps one plane.
    fn labelled(self, is_grey: bool, size: usize) -> Result<Labelled> {
        let pixels = self.pixels.finish()?;
        Ok((if is_grey { first_plane(&pixels, size * size)? } else { pixels }, self.labels))
    }
}

/// What is known about a set of pictures besides them.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) origin: String,
    pub(super) class_names: Vec<String>,
    pub(super) size: usize,
    pub(super) split: String,
    pub(super) notes: Vec<String>,
}

impl Set {
    /// The set out of its parts; `seed` draws the test split where there is none.
    pub(super) fn finish(self, train: Pile, test: Option<Pile>, seed: u64) -> Result<Dataset> {
        let Self { name, origin, class_names, size, mut split, mut notes } = self;
        if train.tried == 0 {
            return Err(Error::Data(format!("{origin}: there are no pictures to train on")));
        }
        let test = test.filter(|test| test.tried > 0);
        for part in std::iter::once(&train).chain(&test) {
            part.check(&origin, &mut notes)?;
        }
        let mut present = train.labels.clone();
        present.sort_unstable();
        present.dedup();
        if present.len() < 2 {
            let only = present.first().map_or("none", |class| class_names[*class as usize].as_str());
            return Err(Error::Data(format!(
                "{origin}: it has one class only with training pictures, \"{only}\". At least two are needed"
            )));
        }
        let is_grey = train.is_grey && test.as_ref().is_none_or(|test| test.is_grey);
        let shape = ImageShape { channels: if is_grey { 1 } else { 3 }, height: size, width: size };
        let train = train.labelled(is_grey, size)?;
        let (train, test) = match test {
            Some(test) => (train, test.labelled(is_grey, size)?),
            None => held_back(&train.0, &train.1, shape, seed)?,
        };
        if split.is_empty() {
            let count = test.1.len();
            split = format!(
                "there is no test folder: {count} pictures, a fifth of each class, were drawn as the test split"
            );
            notes.push(split.clone());
        }
        let classes = class_names.len();
        let about = About { name, origin, class_names, shape, normalisation: None, split };
        let part = |(values, labels)| Split::new(Pixels::Bytes { values, white: 255 }, labels, shape, classes);
        Ok(Dataset::new(about, part(train)?, part(test)?)?.with_notes(notes))
    }
}

/// One plane of three, where all are the same.
fn first_plane(pixels: &[u8], plane: usize) -> Result<Bytes> {
    let mut first = Gathered::default();
    for image in pixels.chunks_exact(3 * plane) {
        first.add(&image[..plane])?;
    }
    first.finish()
}

/// Training and test images out of one pile: a seeded fifth of each class, one image at least, is held back.
pub(super) fn held_back(pixels: &Bytes, labels: &[u32], shape: ImageShape, seed: u64) -> Result<(Labelled, Labelled)> {
    let mut is_test = vec![false; labels.len()];
    let mut of_class = vec![Vec::new(); labels.iter().max().map_or(0, |&label| label as usize + 1)];
    labels.iter().enumerate().for_each(|(index, &label)| of_class[label as usize].push(index));
    for (class, all) in of_class.iter().enumerate() {
        let count = ((all.len() as f64 * TEST_SHARE).round() as usize).max(1).min(all.len().saturating_sub(1));
        let mut rng = stream(seed, Purpose::TestSplit, 0, class as u64);
        choose(all.len(), count, &mut rng).into_iter().for_each(|index| is_test[all[index]] = true);
    }
    let pick = |wanted: bool| -> Result<Labelled> {
        let (mut values, mut kept) = (Gathered::default(), Vec::new());
        for (index, image) in pixels.chunks_exact(shape.len()).enumerate() {
            if is_test.get(index) == Some(&wanted) {
                values.add(image)?;
                kept.push(labels[index]);
            }
        }
        Ok((values.finish()?, kept))
    };
    if pixels.len() != labels.len() * shape.len() {
        return Err(Error::Data(format!(
            "there are {} labels for {} images",
            labels.len(),
            pixels.len() / shape.len()
        )));
    }
    Ok((pick(false)?, pick(true)?))
}
