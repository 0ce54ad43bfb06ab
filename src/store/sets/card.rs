//! The card of a distilled set: everything that somebody needs to know who has only the files.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    Labelled,
    pictures::{FOLDER, entries},
};
use crate::{
    data::Dataset,
    distilled::{Masses, SyntheticSet},
    error::{Error, Result},
    fingerprint::Fingerprint,
    names::file_name,
    program::Build,
    report::Evaluation,
    store::{export::class_folders, files},
};

/// Name of the card in the folder of its set.
pub(super) const FILE: &str = "card.json";

/// `card.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Program and version.
    pub program: String,
    /// Preset or config that made the set.
    pub method: String,
    /// Steps that were done.
    pub step: u64,
    /// Where everything random came from.
    pub seed: u64,
    /// Name of the data set.
    pub data: String,
    /// Where it comes from and under which licence; the licence of the distilled images follows from it.
    pub data_origin: String,
    /// SHA-256 over shapes, labels and pixels of the data set.
    pub data_fingerprint: String,
    /// Names of the classes; a label is a position in this list.
    pub class_names: Vec<String>,
    /// The folder of the pictures of each class, where they lie in folders.
    #[serde(default)]
    pub class_folders: Vec<String>,
    /// Labels that the set has images of.
    pub labels: Vec<u32>,
    /// Images in each class.
    pub per_class: usize,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Order of the axes in every array.
    pub layout: String,
    /// Range of the values in each file.
    pub value_range: String,
    /// `hard`: one class an image; `soft`: shares of all classes.
    pub label_kind: String,
    /// Parts of an image along each side, down first, then to the right; networks are trained on every part, brought back to
    /// the full size (bilinear, half-pixel centres); 1 where images are whole.
    pub packing: usize,
    /// What share of its class each image stands for, a row for each of `labels`; none where all count alike.
    #[serde(default)]
    pub masses: Option<Vec<Vec<f32>>>,
    /// The exponent by which masses count in training: the loss of an image has the factor `K w^tau / sum(w^tau)`.
    #[serde(default)]
    pub tempering: Option<f64>,
    /// What each image counts in training, a row for each of `labels`, where that does not follow from `masses`.
    #[serde(default)]
    pub weights: Option<Vec<Vec<f32>>>,
    /// By which training normalises: `(x - mean) / std`.
    pub mean: Vec<f32>,
    /// See `mean`.
    pub std: Vec<f32>,
    /// The network that was trained for the accuracies, in words.
    pub network: String,
    /// The same as the config has it.
    pub network_config: serde_json::Value,
    /// Families of augmentation, of which one is drawn for each batch while training.
    pub augmentation: Vec<String>,
    /// Accuracy of networks trained on the set itself; none where it was not judged at this step.
    pub distilled: Option<Measured>,
    /// Accuracy of networks trained on the 8-bit pictures as they were read back; none until they were judged.
    pub exported: Option<Measured>,
    /// The files that this card is about, each with the SHA-256 of its bytes; `images` stands for all pictures.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// What a card says about a file beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// It was written with this file.
    This,
    /// It was written with a file of this name that has changed since.
    Changed,
    /// It does not list the file.
    Others,
}

/// An accuracy with everything that belongs beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Name of the protocol with its size.
    pub protocol: String,
    /// Mean over networks, a fraction of 1.
    pub mean: f64,
    /// Standard deviation over networks.
    pub std: f64,
    /// Each network.
    pub values: Vec<f64>,
}

impl Measured {
    /// Of an evaluation.
    pub fn of(evaluation: &Evaluation) -> Self {
        let accuracy = &evaluation.accuracy;
        let (protocol, mean, std) = (accuracy.protocol.clone(), accuracy.mean, accuracy.std);
        Self { protocol, mean, std, values: evaluation.values.clone() }
    }
}

impl Card {
    /// What the images of a run and their data say; the rest is for the caller to fill in.
    pub fn of(set: &SyntheticSet, data: &Dataset) -> Self {
        let mut card = Self::of_labelled(&Labelled::of(set), data);
        (card.labels, card.per_class) = (set.classes.clone(), set.per_class);
        card
    }

    /// The same of any set.
    pub fn of_labelled(set: &Labelled, data: &Dataset) -> Self {
        let info = data.info();
        let mut labels = set.labels.clone();
        labels.sort_unstable();
        labels.dedup();
        let own = |values: &[f32]| rows(values, &set.labels, &labels);
        Self {
            program: format!("spiritsafe {}", Build::of_this_program()),
            method: String::new(),
            step: 0,
            seed: 0,
            data: info.name,
            data_origin: info.origin,
            data_fingerprint: info.fingerprint,
            class_names: info.class_names,
            class_folders: class_folders(data),
            per_class: set.labels.len() / labels.len().max(1),
            shape: info.shape,
            layout: "n channels height width".to_owned(),
            value_range:
                "synthetic.npz, synthetic.safetensors: own range (0 is black, 1 is white), not clamped; res_*.pt: \
                          normalised by mean and std; data.pt: 0 to 1; images: 8 bits"
                    .to_owned(),
            label_kind: if set.shares.is_some() { "soft" } else { "hard" }.to_owned(),
            packing: set.read_as.packing,
            masses: set.masses.as_ref().map(|masses| own(&masses.shares)),
            tempering: set.masses.as_ref().map(|masses| masses.tempering),
            weights: set.factors.as_ref().filter(|_| set.masses.is_none()).map(|factors| own(factors)),
            labels,
            mean: data.normalisation().mean.clone(),
            std: data.normalisation().std.clone(),
            network: String::new(),
            network_config: serde_json::Value::Null,
            augmentation: Vec::new(),
            distilled: None,
            exported: None,
            files: BTreeMap::new(),
        }
    }

    /// How much images count in the order of their labels here, each the next of its class, with their masses where the card has
    /// them; an error where the card has not as many.
    pub(super) fn counts_of(&self, labels: &[u32]) -> std::result::Result<(Option<Vec<f32>>, Option<Masses>), String> {
        if let (Some(rows), Some(tempering)) = (&self.masses, self.tempering) {
            let masses = Masses { shares: self.next_of(rows, labels)?, tempering };
            return Ok((Some(by_label(&masses, labels)), Some(masses)));
        }
        let weights = self.weights.as_ref().map(|rows| self.next_of(rows, labels)).transpose()?;
        Ok((weights, None))
    }

    fn next_of(&self, rows: &[Vec<f32>], labels: &[u32]) -> std::result::Result<Vec<f32>, String> {
        let mut next = vec![0; rows.len()];
        let number = |&label: &u32| {
            let row = self.labels.iter().position(|known| *known == label)?;
            let next = next.get_mut(row)?;
            *next += 1;
            rows.get(row)?.get(*next - 1).copied()
        };
        let numbers: Option<Vec<f32>> = labels.iter().map(number).collect();
        numbers.ok_or_else(|| {
            "the card beside it has masses of other images. Move the set out of that folder, or take the card away"
                .to_owned()
        })
    }

    /// Writes down the files of a folder that the card is about.
    pub(super) fn list(&mut self, folder: &Path) -> Result<()> {
        for name in [self.results_name().as_str(), "synthetic.npz", "synthetic.safetensors", "data.pt", FOLDER] {
            let path = folder.join(name);
            if path.exists() {
                self.files.insert(name.to_owned(), fingerprint(&path)?);
            }
        }
        Ok(())
    }

    /// Whether the card is about a file of its folder.
    pub(super) fn is_about(&self, folder: &Path, name: &str) -> Result<About> {
        if self.files.is_empty() {
            // Older cards list nothing; they stand beside the files that were written with them.
            let names = [self.results_name().as_str(), "synthetic.npz", "synthetic.safetensors", "data.pt", FOLDER]
                .contains(&name);
            return Ok(if names { About::This } else { About::Others });
        }
        Ok(match self.files.get(name) {
            None => About::Others,
            Some(known) if *known == fingerprint(&folder.join(name))? => About::This,
            Some(_) => About::Changed,
        })
    }

    /// The name that code of this field gives such a file.
    pub(super) fn results_name(&self) -> String {
        let word = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect() };
        file_name(&format!("res_{}_{}_ConvNet_{}ipc.pt", word(&self.method), word(&self.data), self.per_class))
    }

    /// Writes the card of a folder, over the one before.
    pub fn write(&self, folder: &Path) -> Result<()> {
        files::write_json(&folder.join(FILE), self)
    }

    /// Reads the card of a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        files::read_json(&folder.join(FILE), "Put it back from a copy, or take it away to read the set without it")
    }
}

/// The numbers of the images of each class, in their order.
fn rows(values: &[f32], of: &[u32], labels: &[u32]) -> Vec<Vec<f32>> {
    let of_class =
        |label: &u32| values.iter().zip(of).filter(|(_, own)| *own == label).map(|(value, _)| *value).collect();
    labels.iter().map(of_class).collect()
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

/// SHA-256 of a file, or of all files of a folder with their names.
fn fingerprint(path: &Path) -> Result<String> {
    let mut all = Fingerprint::default();
    if !path.is_dir() {
        return Ok(all.of(&fs::read(path).map_err(Error::file("read", path))?).finish());
    }
    for place in entries(path)? {
        let files = if place.is_dir() { entries(&place)? } else { vec![place] };
        for file in files.iter().filter(|file| file.is_file()) {
            let name = file.strip_prefix(path).unwrap_or(file).to_string_lossy().replace('\\', "/");
            // Systems leave hidden files behind when they look at a folder.
            if !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                all = all.of(name.as_bytes()).of(&fs::read(file).map_err(Error::file("read", file))?);
            }
        }
    }
    Ok(all.finish())
}
