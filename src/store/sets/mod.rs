//! Distilled sets as other programs write and read them.
//!
//! [`write()`] puts one set into a folder in every form at once, with a card that says what it is and a script that trains
//! on it; [`read`] reads any of these forms, and those of other people. Nothing in a file is ever executed.

mod arrays;
mod card;
#[doc(hidden)]
pub mod parsers;
mod pictures;
mod script;
mod torch;
mod writer;

use std::{fs, path::Path};

pub use card::{Card, Measured};

use crate::{
    data::{Dataset, Normalisation},
    distill::{Masses, Packing, SyntheticSet},
    error::{Error, Result},
};

/// Images that were read, `(n, channels, height, width)`, as they stand in the file.
pub(super) struct FloatImages {
    dims: [usize; 3],
    values: Vec<f32>,
    state: State,
}

/// What the values of a file mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The data's own range: 0 is black and 1 is white, perhaps not clamped.
    OwnRange,
    /// `(x - mean) / std`.
    Normalised,
    /// Not said: from 0 to 1 it is the own range, otherwise normalised.
    Unknown,
}

/// A set that was read, ready to train on.
pub struct ImportedSet {
    /// Normalised values of the data set that it belongs to: `(n, channels, height, width)`.
    pub values: Vec<f32>,
    /// Class of each image.
    pub labels: Vec<u32>,
    /// Parts of an image along each side, where its card says it.
    pub packing: Option<usize>,
    /// Factor of the loss of each image in training, where the file or its card says it: `(n,)`.
    pub factors: Option<Vec<f32>>,
    /// What was found out about it, in a sentence.
    pub note: String,
}

/// Writes a set into `folder`, which must be new or empty: arrays, PyTorch files, pictures, a contact sheet, the card
/// `card.json` and the script `train.py`.
pub fn write(set: &SyntheticSet, data: &Dataset, card: &Card, folder: &Path) -> Result<()> {
    let is_taken = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken || folder.is_file() {
        return Err(Error::Data(format!(
            "{} is not empty. Choose a new folder; nothing was written",
            folder.display()
        )));
    }
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let (own, labels, dims) = (set.denormalised(data), set.labels(), set.shape.dims());
    let Normalisation { mean, std } = data.normalisation();
    arrays::write(folder, set, &own, (mean, std))?;
    let clamped: Vec<f32> = own.iter().map(|value| value.clamp(0.0, 1.0)).collect();
    let accuracies = card.distilled.as_ref().map(|measured| measured.values.as_slice()).unwrap_or_default();
    let (results, network) = (card.results_name(), card.network.as_str());
    torch::write_results(&folder.join(results), set, (network, accuracies))?;
    if data.is_pictures() {
        torch::write_pair(&folder.join("data.pt"), &clamped, &labels, dims)?;
        pictures::write(folder, set, data, &clamped)?;
    }
    card.write(folder)?;
    script::write(folder, data)
}

/// Reads a set that belongs to `data`: a file of arrays or of PyTorch, or a folder of pictures in folders named after
/// the classes.
pub fn read(path: &Path, data: &Dataset) -> Result<ImportedSet> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (images, labels, factors) = match ending.as_str() {
        _ if path.is_dir() => {
            let (images, labels) = pictures::read(path, data)?;
            (images, labels, None)
        }
        "pt" | "pth" => {
            let (images, labels) = torch::read(path)?;
            let labels = match labels {
                Some(labels) => labels,
                None => labels_beside(path, &images, data)?,
            };
            (images, labels, None)
        }
        "npz" => arrays::read_npz(path)?,
        "safetensors" => arrays::read_safetensors(path)?,
        _ if !path.exists() => {
            return Err(Error::Data(format!("there is nothing at {}. Check the path", path.display())));
        }
        _ => {
            return Err(Error::Data(format!(
                "{} is no set that can be read: .pt, .npz, .safetensors or a folder of pictures is needed",
                path.display()
            )));
        }
    };
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    if images.dims != data.shape().dims() {
        return Err(fault(format!(
            "its images are {:?}, those of {} are {:?} (channels, height, width)",
            images.dims,
            data.name(),
            data.shape().dims()
        )));
    }
    let count = images.values.len() / data.shape().len();
    if labels.len() != count {
        return Err(fault(format!("it has {} labels for {count} images", labels.len())));
    }
    if let Some(odd) = labels.iter().find(|&&label| label as usize >= data.classes()) {
        return Err(fault(format!("an image has the label {odd}, but {} has {} classes", data.name(), data.classes())));
    }
    if let Some(at) = images.values.iter().position(|value| !value.is_finite()) {
        return Err(fault(format!("image {} has a value that is no number", at / data.shape().len())));
    }
    let card = card_beside(path, data)?;
    let factors = match (factors, &card) {
        (None, Some(card)) => card.masses_of(&labels).map_err(fault)?.map(|masses| by_label(&masses, &labels)),
        (factors, _) => factors,
    };
    if let Some(factors) = factors.as_ref().filter(|factors| factors.len() != count) {
        return Err(fault(format!("it has {} weights for {count} images", factors.len())));
    }
    if let Some(odd) = factors.iter().flatten().find(|factor| !(factor.is_finite() && **factor >= 0.0)) {
        return Err(fault(format!("an image has the weight {odd}; numbers from 0 up are needed")));
    }
    Ok(ImportedSet { packing: card.map(|card| card.packing), factors, ..as_set(images, labels, data) })
}

/// Factors of images that stand in any order of their classes.
fn by_label(masses: &Masses, labels: &[u32]) -> Vec<f32> {
    let mut factors = vec![1.0; labels.len()];
    let classes: std::collections::BTreeSet<u32> = labels.iter().copied().collect();
    for class in classes {
        let own: Vec<usize> = (0..labels.len()).filter(|&image| labels[image] == class).collect();
        let shares = own.iter().map(|&image| masses.shares[image]).collect();
        let of_class = Masses { shares, tempering: masses.tempering }.factors(own.len());
        own.into_iter().zip(of_class).for_each(|(image, factor)| factors[image] = factor);
    }
    factors
}

/// Values in the data's own range are normalised.
fn as_set(FloatImages { mut values, state, .. }: FloatImages, labels: Vec<u32>, data: &Dataset) -> ImportedSet {
    let is_own = match state {
        State::OwnRange => true,
        State::Normalised => false,
        State::Unknown => values.iter().all(|value| (-1e-3..=1.001).contains(value)),
    };
    if is_own {
        values.chunks_exact_mut(data.shape().len()).for_each(|image| data.normalisation().normalise(image));
    }
    let state = if is_own { "in the range of the data" } else { "normalised" };
    let classes = labels.iter().collect::<std::collections::BTreeSet<_>>().len();
    let note = format!("{} images of {classes} classes, taken as {state}", labels.len());
    ImportedSet { values, labels, packing: None, factors: None, note }
}

/// The card beside a set.
fn card_beside(path: &Path, data: &Dataset) -> Result<Option<Card>> {
    let folders = [Some(path), path.parent()].into_iter().flatten();
    let Some(folder) = folders.into_iter().find(|folder| folder.join(card::FILE).is_file()) else { return Ok(None) };
    let card = Card::read(folder)?;
    Packing::check(data.shape(), card.packing).map_err(|what| Error::Data(format!("{}: {what}", folder.display())))?;
    Ok(Some(card))
}

/// Labels that a tensor of images does not have itself: in the file beside it, or by the order of the classes.
fn labels_beside(path: &Path, images: &FloatImages, data: &Dataset) -> Result<Vec<u32>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = path.with_file_name(name.replace("images", "labels"));
    if beside != path && beside.is_file() {
        return torch::read_labels(&beside);
    }
    let count = images.values.len() / images.dims.iter().product::<usize>().max(1);
    if count == 0 || !count.is_multiple_of(data.classes()) {
        return Err(Error::Data(format!(
            "{} has {count} images and no labels, and {} classes do not share them evenly. Put a file of labels beside it, \
             named like it with \"labels\" for \"images\"",
            path.display(),
            data.classes()
        )));
    }
    let per_class = count / data.classes();
    Ok((0..count).map(|index| (index / per_class) as u32).collect())
}
