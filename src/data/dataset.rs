//! A data set in memory.

use rayon::prelude::*;

use super::{Bytes, ImageShape};
use crate::{
    error::{Error, Result},
    fingerprint::Fingerprint,
    random::{Purpose, choose, stream},
    report::DataInfo,
};

/// Raw values of images, image after image, each `(channels, height, width)` row by row.
#[derive(Clone, Debug)]
pub enum Pixels {
    /// Levels from 0 (black) to `white`.
    Bytes {
        /// One byte a value.
        values: Bytes,
        /// The level that means 1.0: 255 for most files, 16 for the digits.
        white: u8,
    },
    /// Numbers without bounds.
    Floats(Vec<f32>),
}

impl Pixels {
    fn len(&self) -> usize {
        match self {
            Self::Bytes { values, .. } => values.len(),
            Self::Floats(values) => values.len(),
        }
    }
}

/// Images with their labels, and where to find the images of a class.
#[derive(Clone, Debug)]
pub struct Split {
    pixels: Pixels,
    labels: Vec<u32>,
    by_class: Vec<Vec<u32>>,
}

impl Split {
    /// Indexes `labels` (each below `classes`) over `pixels`.
    pub fn new(pixels: Pixels, labels: Vec<u32>, shape: ImageShape, classes: usize) -> Result<Self> {
        if pixels.len() != labels.len() * shape.len() {
            return Err(Error::Data(format!(
                "{} values do not make {} images of {:?}",
                pixels.len(),
                labels.len(),
                shape.dims()
            )));
        }
        let mut by_class = vec![Vec::new(); classes];
        for (index, &label) in labels.iter().enumerate() {
            let class = by_class.get_mut(label as usize).ok_or_else(|| {
                Error::Data(format!("image {index} has label {label}, but there are {classes} classes"))
            })?;
            class.push(index as u32);
        }
        Ok(Self { pixels, labels, by_class })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True if there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The values as they were read.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The label of each image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Without the classes that are not `kept`; each of those has no image here.
    fn renumbered(mut self, kept: &[bool]) -> Self {
        let places: Vec<u32> =
            kept.iter().scan(0, |next, kept| Some(std::mem::replace(next, *next + u32::from(*kept)))).collect();
        self.labels.iter_mut().for_each(|label| *label = places[*label as usize]);
        let mut kept = kept.iter();
        self.by_class.retain(|_| kept.next() == Some(&true));
        self
    }

    /// Indices of the images of a class.
    pub fn of_class(&self, class: u32) -> &[u32] {
        &self.by_class[class as usize]
    }
}

/// Mean and standard deviation of each channel, by which pixels are normalised: `(x - mean) / std`.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// One number a channel.
    pub mean: Vec<f32>,
    /// One positive number a channel.
    pub std: Vec<f32>,
}

impl Normalisation {
    /// Back to the data's own range, in place; `image` is `(channels, height, width)`.
    pub fn denormalise(&self, image: &mut [f32]) {
        let area = image.len() / self.mean.len();
        for ((plane, mean), std) in image.chunks_exact_mut(area).zip(&self.mean).zip(&self.std) {
            plane.iter_mut().for_each(|value| *value = *value * std + mean);
        }
    }

    /// `(x - mean) / std`, in place; `image` is `(channels, height, width)`.
    pub fn normalise(&self, image: &mut [f32]) {
        let area = image.len() / self.mean.len();
        for ((plane, mean), std) in image.chunks_exact_mut(area).zip(&self.mean).zip(&self.std) {
            plane.iter_mut().for_each(|value| *value = (*value - mean) / std);
        }
    }
}

/// Training images, test images and a hold-out.
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    origin: String,
    class_names: Vec<String>,
    shape: ImageShape,
    normalisation: Normalisation,
    fingerprint: String,
    train: Split,
    test: Split,
    /// For each class, the training images that may be used.
    usable: Vec<Vec<u32>>,
    holdout: Vec<u32>,
    /// Normalised value of each level, `(channels, 256)`.
    levels: Vec<f32>,
    /// What people should know about how it was read, for example which files were skipped.
    notes: Vec<String>,
    /// False where an image means something else in the mirror.
    flips: bool,
    /// Where the test images come from.
    split: String,
}

/// Where the test images of most sets come from.
pub(super) const PUBLISHED: &str = "training and test images are those of the published files";

/// What a loader knows about a set besides its pixels.
pub(super) struct About {
    pub(super) name: String,
    pub(super) origin: String,
    pub(super) class_names: Vec<String>,
    pub(super) shape: ImageShape,
    /// Published mean and deviation; computed from the training split where there are none.
    pub(super) normalisation: Option<Normalisation>,
    /// Where the test images come from, in a sentence.
    pub(super) split: String,
}

impl Dataset {
    /// Puts two splits together: computes the normalisation and the fingerprint. No hold-out yet.
    ///
    /// A class without any image is left out with a note; one that has test images only is an error.
    pub(super) fn new(about: About, train: Split, test: Split) -> Result<Self> {
        let About { name, origin, mut class_names, shape, normalisation, split } = about;
        let of = |classes: &mut dyn Iterator<Item = usize>| {
            words(&classes.map(|class| class_names[class].as_str()).collect::<Vec<_>>())
        };
        let kept: Vec<bool> = train.by_class.iter().map(|images| !images.is_empty()).collect();
        let empty = || (0..kept.len()).filter(|&class| !kept[class]);
        let untrained = of(&mut empty().filter(|&class| !test.by_class[class].is_empty()));
        if !untrained.is_empty() || train.is_empty() {
            return Err(Error::Data(match train.is_empty() {
                true => format!("{name}: there is no training image"),
                false => format!(
                    "{name}: there are test images but no training image of {untrained}. Add some, or remove those"
                ),
            }));
        }
        let mut notes = Vec::new();
        let mut note = |what: &str, classes: String| {
            if !classes.is_empty() {
                notes.push(format!("{what}: {classes}"));
            }
        };
        note("left out, since they have no image", of(&mut empty()));
        note("no test image", of(&mut (0..kept.len()).filter(|&class| kept[class] && test.by_class[class].is_empty())));
        note("one training image only", of(&mut (0..kept.len()).filter(|&class| train.by_class[class].len() == 1)));
        let (train, test) = (train.renumbered(&kept), test.renumbered(&kept));
        let mut each = kept.iter();
        class_names.retain(|_| each.next() == Some(&true));
        let normalisation = normalisation.unwrap_or_else(|| measure(&train.pixels, shape));
        let levels = match &train.pixels {
            Pixels::Bytes { white, .. } => level_table(&normalisation, *white),
            Pixels::Floats(_) => Vec::new(),
        };
        let fingerprint = fingerprint(shape, [&train, &test]);
        let usable = train.by_class.clone();
        Ok(Self {
            name,
            origin,
            class_names,
            shape,
            normalisation,
            fingerprint,
            train,
            test,
            usable,
            holdout: Vec::new(),
            levels,
            notes,
            split,
            flips: true,
        })
    }

    /// Keeps back `share` of the training images of every class, drawn from the seed, for evaluations during a run.
    /// At least one image of each class stays usable.
    #[must_use]
    pub fn with_holdout(mut self, share: f64, seed: u64) -> Self {
        self.holdout.clear();
        for (class, all) in self.train.by_class.iter().enumerate() {
            let count = ((all.len() as f64 * share) as usize).min(all.len() - 1);
            let mut rng = stream(seed, Purpose::HoldOut, 0, class as u64);
            let mut kept_back = vec![false; all.len()];
            for index in choose(all.len(), count, &mut rng) {
                kept_back[index] = true;
            }
            let pick = |wanted: bool| {
                all.iter().zip(&kept_back).filter(move |(_, kept)| **kept == wanted).map(|(index, _)| *index)
            };
            self.usable[class] = pick(false).collect();
            self.holdout.extend(pick(true));
        }
        self
    }

    /// With sentences about how it was read.
    #[must_use]
    pub(super) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes.splice(0..0, notes);
        self
    }

    /// Says whether an image in the mirror is still one of its class.
    #[must_use]
    pub(super) fn with_flips(mut self, flips: bool) -> Self {
        self.flips = flips;
        self
    }

    /// False where an image means something else in the mirror, or nothing, as digits do: then nothing is mirrored unless a
    /// config says so.
    pub fn flips(&self) -> bool {
        self.flips
    }

    /// Where the test images come from, in a sentence.
    pub fn split(&self) -> &str {
        &self.split
    }

    /// What people should know about how it was read, for example which files were skipped.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Name, for example `digits`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Channels, height and width of an image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Name of a class.
    pub fn class_name(&self, class: u32) -> &str {
        &self.class_names[class as usize]
    }

    /// The names of some classes.
    pub fn class_names(&self, classes: &[u32]) -> Vec<String> {
        classes.iter().map(|&class| self.class_name(class).to_owned()).collect()
    }

    /// Mean and standard deviation of each channel of the training split.
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// True if the values are levels of pixels, false if they are numbers without bounds.
    pub fn is_pictures(&self) -> bool {
        matches!(self.train.pixels, Pixels::Bytes { .. })
    }

    /// SHA-256 over shapes, labels and values.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The whole training split, hold-out included.
    pub fn train(&self) -> &Split {
        &self.train
    }

    /// The test split.
    pub fn test(&self) -> &Split {
        &self.test
    }

    /// Training images of a class that may be used for distilling.
    pub fn usable(&self, class: u32) -> &[u32] {
        &self.usable[class as usize]
    }

    /// Training images that may be used, of all classes.
    pub fn all_usable(&self) -> Vec<u32> {
        (0..self.classes() as u32).flat_map(|class| self.usable(class).iter().copied()).collect()
    }

    /// Training images that are kept back, class after class.
    pub fn holdout(&self) -> &[u32] {
        &self.holdout
    }

    /// Usable images in the smallest class.
    pub fn smallest_class(&self) -> usize {
        self.usable.iter().map(Vec::len).min().unwrap_or(0)
    }

    /// The normalised image `index` of a split into `out`, `(channels, height, width)`.
    pub fn fetch(&self, split: &Split, index: u32, out: &mut [f32]) {
        let (len, area) = (self.shape.len(), self.shape.height * self.shape.width);
        let range = index as usize * len..(index as usize + 1) * len;
        match &split.pixels {
            Pixels::Bytes { values, .. } => {
                let planes = out.chunks_exact_mut(area).zip(values[range].chunks_exact(area));
                for ((out, values), levels) in planes.zip(self.levels.chunks_exact(256)) {
                    for (out, value) in out.iter_mut().zip(values) {
                        *out = levels[*value as usize];
                    }
                }
            }
            Pixels::Floats(values) => {
                let planes = out.chunks_exact_mut(area).zip(values[range].chunks_exact(area));
                let Normalisation { mean, std } = &self.normalisation;
                for ((out, values), (mean, std)) in planes.zip(mean.iter().zip(std)) {
                    for (out, value) in out.iter_mut().zip(values) {
                        *out = (value - mean) / std;
                    }
                }
            }
        }
    }

    /// Many normalised images, one after the other.
    pub fn gather(&self, split: &Split, indices: &[u32]) -> Vec<f32> {
        let len = self.shape.len();
        let mut images = vec![0.0; indices.len() * len];
        images.par_chunks_exact_mut(len).zip(indices).for_each(|(image, &index)| self.fetch(split, index, image));
        images
    }

    /// The set in words and numbers.
    pub fn info(&self) -> DataInfo {
        DataInfo {
            name: self.name.clone(),
            origin: self.origin.clone(),
            class_names: self.class_names.clone(),
            shape: self.shape.dims(),
            train: self.train.len() - self.holdout.len(),
            holdout: self.holdout.len(),
            test: self.test.len(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

/// Names in quotes, the first few of many.
fn words(names: &[&str]) -> String {
    const NAMED: usize = 8;
    let named: Vec<String> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
    match names.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Mean and standard deviation of each channel. A channel that never varies is left as it is (deviation 1).
fn measure(pixels: &Pixels, shape: ImageShape) -> Normalisation {
    let area = shape.height * shape.width;
    let mut sums = vec![[0.0_f64; 2]; shape.channels];
    let mut add = |position: usize, value: f64| {
        let sum = &mut sums[position / area % shape.channels];
        sum[0] += value;
        sum[1] += value * value;
    };
    match pixels {
        Pixels::Bytes { values, white } => {
            let white = f64::from(*white);
            values.iter().enumerate().for_each(|(position, value)| add(position, f64::from(*value) / white));
        }
        Pixels::Floats(values) => {
            values.iter().enumerate().for_each(|(position, value)| add(position, f64::from(*value)));
        }
    }
    let count = (pixels.len() / shape.channels) as f64;
    let (mean, std) = sums
        .iter()
        .map(|[sum, squares]| {
            let mean = sum / count;
            let std = (squares / count - mean * mean).max(0.0).sqrt();
            (mean as f32, if std > 0.0 { std as f32 } else { 1.0 })
        })
        .unzip();
    Normalisation { mean, std }
}

fn level_table(normalisation: &Normalisation, white: u8) -> Vec<f32> {
    let channels = normalisation.mean.iter().zip(&normalisation.std);
    channels
        .flat_map(|(mean, std)| (0..=u8::MAX).map(move |level| (f32::from(level) / f32::from(white) - mean) / std))
        .collect()
}

fn fingerprint(shape: ImageShape, splits: [&Split; 2]) -> String {
    let mut all = Fingerprint::default();
    for dim in shape.dims() {
        all = all.of(&(dim as u64).to_le_bytes());
    }
    for split in splits {
        all = all.of(&(split.labels.len() as u64).to_le_bytes());
        all = split.labels.iter().fold(all, |all, label| all.of(&label.to_le_bytes()));
        all = match &split.pixels {
            Pixels::Bytes { values, white } => all.of(&[*white]).of(values),
            Pixels::Floats(values) => values.iter().fold(all, |all, value| all.of(&value.to_le_bytes())),
        };
    }
    all.finish()
}
