//! Distilled sets as other programs write and read them.
//!
//! [`write()`] puts one set into a folder in every form at once, with a card that says what it is and a script that trains
//! on it; [`read`] reads any of these forms, and those of other people. Nothing in a file is ever executed. What a file does not say
//! is decided by its values, and said; [`Reading`] decides it instead.

mod arrays;
mod card;
mod labels;
mod numbers;
#[doc(hidden)]
pub mod parsers;
mod pictures;
mod range;
mod script;
mod shapes;
mod torch;
mod writer;

use std::{fs, path::Path};

pub use card::{Card, Measured};

use self::{card::About, labels::Labels, numbers::Numbers, range::Said, shapes::Belongs};
use crate::{
    data::{Dataset, ImageShape, Normalisation},
    distilled::{Masses, Packing, SyntheticSet},
    error::{Error, Result},
    report::{ReadAs, Reading, ValueRange},
};

/// What a file holds, before it is known what its values mean.
pub(super) struct Found {
    images: Numbers,
    labels: Option<Numbers>,
    /// Factor of the loss of each image.
    weights: Option<Vec<f32>>,
    range: Option<Said>,
    /// What is to be said about it.
    notes: Vec<String>,
}

impl Found {
    fn of(images: Numbers) -> Self {
        Self { images, labels: None, weights: None, range: None, notes: Vec::new() }
    }
}

/// Images with labels, ready to train on.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Channels, height and width of each image.
    pub shape: ImageShape,
    /// Normalised values of the data set that it belongs to: `(n, channels, height, width)`.
    pub values: Vec<f32>,
    /// Class of each image, the likeliest where it has shares of several: `(n,)`.
    pub labels: Vec<u32>,
    /// Shares of all classes, which add up to 1 for each image: `(n, classes)`; none where each image has one class.
    pub shares: Option<Vec<f32>>,
    /// What share of its class each image stands for, where that is known.
    pub masses: Option<Masses>,
    /// Factor of the loss of each image in training, where the file or its card says it: `(n,)`.
    pub factors: Option<Vec<f32>>,
    /// How it was read.
    pub read_as: ReadAs,
}

impl Labelled {
    /// The images of a run.
    pub fn of(set: &SyntheticSet) -> Self {
        Self {
            shape: set.shape,
            values: set.values.clone(),
            labels: set.labels(),
            shares: None,
            masses: set.masses.clone(),
            factors: set.factors(),
            read_as: ReadAs {
                range: ValueRange::Normalised,
                packing: set.packing,
                soft_labels: false,
                note: String::new(),
            },
        }
    }

    /// The images in the data's own range, not clamped.
    fn denormalised(&self, data: &Dataset) -> Vec<f32> {
        let mut values = self.values.clone();
        values.chunks_exact_mut(self.shape.len()).for_each(|image| data.normalisation().denormalise(image));
        values
    }
}

/// Writes a set into `folder`, which must be new or empty: arrays, PyTorch files, pictures, a contact sheet, the card
/// `card.json` and the script `train.py`.
pub fn write(set: &SyntheticSet, data: &Dataset, card: &Card, folder: &Path) -> Result<()> {
    write_labelled(&Labelled::of(set), data, card, folder)
}

/// The same for any images with labels.
pub fn write_labelled(set: &Labelled, data: &Dataset, card: &Card, folder: &Path) -> Result<()> {
    let is_taken = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken || folder.is_file() {
        return Err(Error::Data(format!(
            "{} is not empty. Choose a new folder; nothing was written",
            folder.display()
        )));
    }
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let own = set.denormalised(data);
    let Normalisation { mean, std } = data.normalisation();
    arrays::write(folder, set, &own, (mean, std))?;
    let clamped: Vec<f32> = own.iter().map(|value| value.clamp(0.0, 1.0)).collect();
    let accuracies = card.distilled.as_ref().map(|measured| measured.values.as_slice()).unwrap_or_default();
    torch::write_results(&folder.join(card.results_name()), set, (&card.network, accuracies))?;
    if data.is_pictures() {
        torch::write_pair(&folder.join("data.pt"), &clamped, set)?;
        pictures::write(folder, set, data, &clamped)?;
    }
    let mut card = card.clone();
    card.list(folder)?;
    card.write(folder)?;
    script::write(folder, data)
}

/// Reads a set that belongs to `data`: a file of arrays or of PyTorch, or a folder of pictures in folders of classes.
pub fn read(path: &Path, data: &Dataset) -> Result<Labelled> {
    read_as(path, data, Reading::default())
}

/// The same, with what is known about it from elsewhere.
pub fn read_as(path: &Path, data: &Dataset, reading: Reading) -> Result<Labelled> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let beside = beside(path)?;
    let mut found = find(path, data, beside.as_ref().map(|(card, _)| card))?;
    let card = match beside {
        Some((card, About::This)) => Some(card),
        Some((card, About::Changed)) if card.masses.is_some() || card.weights.is_some() => {
            return Err(fault(
                "the card beside it has masses of other images: this file has changed since. Move the set out of that folder, or \
                 take the card away"
                    .to_owned(),
            ));
        }
        Some((_, About::Changed)) => {
            found.notes.push("it has changed since the card beside it was written, which does not count".to_owned());
            None
        }
        _ => None,
    };
    let whole = found.images.whole;
    let mut values = found.images.images(data.shape()).map_err(fault)?.values;
    let count = values.len() / data.shape().len();
    let labels = match found.labels {
        Some(labels) => Labels::of(&labels, data.classes()).map_err(fault)?,
        None => labels_beside(path, count, data, &mut found.notes)?,
    };
    check(&values, &labels, data).map_err(fault)?;
    let packing = packing(reading, card.as_ref(), data, &mut found.notes).map_err(fault)?;
    let Labels { classes: labels, shares, note } = labels;
    let shares = shares.filter(|_| !reading.argmax);
    found.notes.extend(match (note, reading.argmax) {
        (Some(_), true) => Some("the likeliest class of each soft label is taken".to_owned()),
        (note, _) => note,
    });
    let (factors, masses) = match (found.weights, &card) {
        (None, Some(card)) => card.counts_of(&labels).map_err(fault)?,
        // The file says itself what each image counts; its card knows the masses from which that follows.
        (Some(factors), Some(card)) => (Some(factors), card.counts_of(&labels).map_or(None, |(_, masses)| masses)),
        (factors, None) => (factors, None),
    };
    check_factors(factors.as_deref(), count).map_err(fault)?;
    let said = match (reading.range, found.range) {
        (Some(range), _) => Some(Said::Asked(range)),
        // The card of this program knows what it wrote.
        (None, Some(Said::Usually(range))) if card.is_some() => Some(Said::Surely(range)),
        (None, said) => said,
    };
    let verdict = range::decide(&values, whole, said, data);
    let (range, reason) = (verdict.range, verdict.reason);
    if verdict.clamped {
        values.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    }
    range::normalise(&mut values, range, data);
    let named = labels.iter().collect::<std::collections::BTreeSet<_>>().len();
    let mut note = format!("{count} images of {named} classes, range {range} ({}): {reason}", range.describe());
    found.notes.iter().for_each(|more| note = format!("{note}; {more}"));
    let read_as = ReadAs { range, packing, soft_labels: shares.is_some(), note };
    Ok(Labelled { shape: data.shape(), values, labels, shares, masses, factors, read_as })
}

/// What a path holds, by its kind.
fn find(path: &Path, data: &Dataset, card: Option<&Card>) -> Result<Found> {
    let names: Vec<String> = (0..data.classes() as u32).map(|class| data.class_name(class).to_owned()).collect();
    let belongs = Belongs { shape: data.shape(), names: &names };
    let ending = ending(path);
    match ending.as_str() {
        _ if path.is_dir() => {
            let inner = path.join(pictures::FOLDER);
            pictures::read(if inner.is_dir() { &inner } else { path }, data, card)
        }
        "pt" | "pth" => torch::read(path, belongs),
        "npz" => arrays::read_npz(path, belongs),
        "safetensors" => arrays::read_safetensors(path, belongs),
        _ if !path.exists() => Err(Error::Data(format!("there is nothing at {}. Check the path", path.display()))),
        _ => Err(Error::Data(format!(
            "{} is no set that can be read: .pt, .npz, .safetensors or a folder of pictures is needed",
            path.display()
        ))),
    }
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn check(values: &[f32], labels: &Labels, data: &Dataset) -> std::result::Result<(), String> {
    let count = values.len() / data.shape().len();
    if count == 0 {
        return Err("it has no images".to_owned());
    }
    if labels.classes.len() != count {
        return Err(format!("it has {} labels for {count} images", labels.classes.len()));
    }
    if let Some(odd) = labels.classes.iter().find(|&&label| label as usize >= data.classes()) {
        return Err(format!("an image has the label {odd}, but {} has {} classes", data.name(), data.classes()));
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("image {} has a value that is no number", at / data.shape().len())),
        None => Ok(()),
    }
}

fn check_factors(factors: Option<&[f32]>, count: usize) -> std::result::Result<(), String> {
    if let Some(factors) = factors.filter(|factors| factors.len() != count) {
        return Err(format!("it has {} weights for {count} images", factors.len()));
    }
    match factors.into_iter().flatten().find(|factor| !(factor.is_finite() && **factor >= 0.0)) {
        Some(odd) => Err(format!("an image has the weight {odd}; numbers from 0 up are needed")),
        None => Ok(()),
    }
}

/// Parts of an image along each side: what was asked for, what the card says, or whole images. Nothing else may cut a set.
fn packing(
    reading: Reading,
    card: Option<&Card>,
    data: &Dataset,
    notes: &mut Vec<String>,
) -> std::result::Result<usize, String> {
    let packing = match (reading.packing, card.map(|card| card.packing)) {
        (Some(packing), _) => {
            notes.push(format!("cut into {packing} x {packing} parts, as was asked for"));
            packing
        }
        (None, Some(packing)) => {
            if packing > 1 {
                notes.push(format!("cut into {packing} x {packing} parts, as its card says"));
            }
            packing
        }
        (None, None) => {
            if Packing::check(data.shape(), 2).is_ok() {
                notes.push("judged as whole images; --packing 2 cuts each into four".to_owned());
            }
            1
        }
    };
    Packing::check(data.shape(), packing)?;
    Ok(packing)
}

/// The card in the folder of a set, and whether it is about it.
fn beside(path: &Path) -> Result<Option<(Card, About)>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let inside = path.is_dir() && path.join(card::FILE).is_file();
    let (folder, name) = match path.parent() {
        _ if inside => (path, pictures::FOLDER.to_owned()),
        Some(folder) if folder.join(card::FILE).is_file() => (folder, name),
        _ => return Ok(None),
    };
    let card = Card::read(folder)?;
    let about = card.is_about(folder, &name)?;
    Ok(Some((card, about)))
}

/// Words for images in the names of files, and those for labels that stand for them.
const BESIDE: [(&str, &[&str]); 7] = [
    ("images", &["labels", "label", "targets"]),
    ("image", &["label", "labels", "target"]),
    ("imgs", &["labels", "lbls"]),
    ("img", &["label", "lbl"]),
    ("data", &["labels", "label", "targets", "target"]),
    ("samples", &["labels", "targets"]),
    ("x", &["y"]),
];

/// Labels that images do not have themselves: in the file beside them, or by the order of the classes.
fn labels_beside(path: &Path, count: usize, data: &Dataset, notes: &mut Vec<String>) -> Result<Labels> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for (word, others) in BESIDE {
        let Some((before, behind)) = name.split_once(word) else { continue };
        let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        if word == "x" && (is_letter(before.chars().next_back()) || is_letter(behind.chars().next())) {
            continue;
        }
        let beside = others.iter().map(|other| path.with_file_name(format!("{before}{other}{behind}")));
        if let Some(beside) = beside.into_iter().find(|beside| beside.is_file()) {
            let names: Vec<String> =
                (0..data.classes() as u32).map(|class| data.class_name(class).to_owned()).collect();
            let belongs = Belongs { shape: data.shape(), names: &names };
            let numbers = match ending(&beside).as_str() {
                "pt" | "pth" => torch::read_labels(&beside, belongs)?,
                _ => arrays::read_labels(&beside)?,
            };
            notes.push(format!("labels from {}", beside.file_name().unwrap_or_default().to_string_lossy()));
            return Labels::of(&numbers, data.classes())
                .map_err(|what| Error::Data(format!("{}: {what}", beside.display())));
        }
    }
    if count == 0 || !count.is_multiple_of(data.classes()) {
        return Err(fault(format!(
            "it has {count} images and no labels, and {} classes do not share them evenly. Put a file of labels beside it, named \
             like it with \"labels\" for \"images\"",
            data.classes()
        )));
    }
    let per_class = count / data.classes();
    notes.push(format!("it has no labels: {per_class} images of each class are taken, in the order of the classes"));
    Ok(Labels::hard((0..count).map(|index| (index / per_class) as u32).collect()))
}
