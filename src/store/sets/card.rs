//! The card of a distilled set: everything that somebody needs to know who has only the files.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    distill::{Masses, SyntheticSet},
    error::{Error, Result},
    report::Evaluation,
    store::files,
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
    /// One class a image, no soft labels.
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
    /// What the set and its data say; the rest is for the caller to fill in.
    pub fn of(set: &SyntheticSet, data: &Dataset) -> Self {
        let info = data.info();
        Self {
            program: concat!("spiritsafe ", env!("CARGO_PKG_VERSION")).to_owned(),
            method: String::new(),
            step: 0,
            seed: 0,
            data: info.name,
            data_origin: info.origin,
            data_fingerprint: info.fingerprint,
            class_names: info.class_names,
            labels: set.classes.clone(),
            per_class: set.per_class,
            shape: info.shape,
            layout: "n channels height width".to_owned(),
            value_range:
                "synthetic.npz, synthetic.safetensors: own range (0 is black, 1 is white), not clamped; res_*.pt: \
                          normalised by mean and std; data.pt: 0 to 1; images: 8 bits"
                    .to_owned(),
            label_kind: "hard".to_owned(),
            packing: set.packing,
            masses: set
                .masses
                .as_ref()
                .map(|masses| masses.shares.chunks(set.per_class.max(1)).map(<[f32]>::to_vec).collect()),
            tempering: set.masses.as_ref().map(|masses| masses.tempering),
            mean: data.normalisation().mean.clone(),
            std: data.normalisation().std.clone(),
            network: String::new(),
            network_config: serde_json::Value::Null,
            augmentation: Vec::new(),
            distilled: None,
            exported: None,
        }
    }

    /// The masses of images in the order of their labels here, each the next of its class; an error where the card has not as many.
    pub(super) fn masses_of(&self, labels: &[u32]) -> std::result::Result<Option<Masses>, String> {
        let (Some(rows), Some(tempering)) = (&self.masses, self.tempering) else { return Ok(None) };
        let mut next = vec![0; rows.len()];
        let share = |&label: &u32| {
            let row = self.labels.iter().position(|known| *known == label)?;
            let next = next.get_mut(row)?;
            *next += 1;
            rows.get(row)?.get(*next - 1).copied()
        };
        let shares: Option<Vec<f32>> = labels.iter().map(share).collect();
        let fault = || {
            "the card beside it has masses of other images. Move the set out of that folder, or take the card away"
                .to_owned()
        };
        Ok(Some(Masses { shares: shares.ok_or_else(fault)?, tempering }))
    }

    /// The name that code of this field gives such a file.
    pub(super) fn results_name(&self) -> String {
        let word = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect() };
        format!("res_{}_{}_ConvNet_{}ipc.pt", word(&self.method), word(&self.data), self.per_class)
    }

    /// Writes the card of a folder, over the one before.
    pub fn write(&self, folder: &Path) -> Result<()> {
        files::replace(&folder.join(FILE), |out| Ok(serde_json::to_writer_pretty(out, self)?))
    }

    /// Reads the card of a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Data(format!("{}: {error}", path.display())))
    }
}
