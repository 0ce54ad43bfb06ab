//! Checkpoints: everything that changes from step to step, in a safetensors file with its own checksum.
//!
//! Tensors `images` and `velocity` have shape `(classes * per_class, channels, height, width)`; the metadata holds the
//! step, the labels of the classes, the weights, and a SHA-256 over all tensors. Networks that learn beside the run are
//! `queue.POSITION.variable.NUMBER` and `queue.POSITION.velocity.NUMBER`, their counts stand in the metadata. Files are written
//! under a temporary name, synced and renamed; reading takes the newest whole one.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::files;
use crate::{
    data::ImageShape,
    distill::{KeptNetwork, Masses, Saved, State, SyntheticSet, Weights},
    error::{Error, Result},
    fingerprint::Fingerprint,
};

/// The checkpoints of a run.
pub struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

#[derive(Serialize, Deserialize)]
struct Head {
    step: u64,
    classes: Vec<u32>,
    per_class: usize,
    #[serde(default = "whole")]
    packing: usize,
    shape: [usize; 3],
    weights: Weights,
    /// What share of its class each image stands for, where they do not count alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    masses: Option<Masses>,
    /// Counts of each network that learns beside the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    queue: Vec<[u64; 4]>,
    sha256: String,
}

/// Files of version 0.1 do not say it.
fn whole() -> usize {
    1
}

/// A tensor by its name, sizes and bytes.
type Named = (String, Vec<usize>, Vec<u8>);

impl Checkpoints {
    /// The checkpoints in a folder, of which the newest `keep` are kept.
    pub fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep }
    }

    /// Writes a checkpoint, then removes the oldest ones.
    pub fn save(&self, state: &State, queue: &[KeptNetwork]) -> Result<()> {
        let set = &state.images;
        let dims: Vec<usize> = [set.len()].into_iter().chain(set.shape.dims()).collect();
        let mut tensors = vec![
            ("images".to_owned(), dims.clone(), bytes(&set.values)),
            ("velocity".to_owned(), dims, bytes(&state.velocity)),
        ];
        tensors.extend(named(queue)?);
        let head = Head {
            step: state.step,
            classes: set.classes.clone(),
            per_class: set.per_class,
            packing: set.packing,
            shape: set.shape.dims(),
            weights: state.weights.clone(),
            masses: set.masses.clone(),
            queue: queue.iter().map(|network| network.counts).collect(),
            sha256: checksum(tensors.iter().map(|(_, _, bytes)| bytes.as_slice())),
        };
        let fault = |error| Error::Data(format!("a checkpoint cannot be made: {error}"));
        let mut views = Vec::with_capacity(tensors.len());
        for (name, dims, bytes) in &tensors {
            views.push((name, TensorView::new(Dtype::F32, dims.clone(), bytes).map_err(fault)?));
        }
        let head = serde_json::to_string(&head).expect("plain data");
        let metadata = HashMap::from([("run".to_owned(), head)]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(fault)?;
        let path = self.folder.join(format!("step-{:010}.safetensors", state.step));
        files::replace(&path, |out| out.write_all(&file))?;
        // A newer one is damaged, or this run would not stand here: it must not push out a whole one.
        let whole = self.newest_first()?.into_iter().filter(|other| *other <= path);
        for old in whole.skip(self.keep) {
            fs::remove_file(&old).map_err(Error::file("remove", &old))?;
        }
        Ok(())
    }

    /// The newest whole checkpoint, with the networks that learn beside the run, and a sentence about each newer one that is
    /// damaged.
    pub fn newest(&self) -> Result<(Option<Saved>, Vec<String>)> {
        let mut damaged = Vec::new();
        for path in self.newest_first()? {
            match read(&path) {
                Ok(saved) => return Ok((Some(saved), damaged)),
                Err(reason) => damaged.push(format!(
                    "the checkpoint {} is damaged ({reason}) and was passed over for an older one",
                    path.display()
                )),
            }
        }
        Ok((None, damaged))
    }

    fn newest_first(&self) -> Result<Vec<PathBuf>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(Error::file("read", &self.folder))? {
            let path = entry.map_err(Error::file("read", &self.folder))?.path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                paths.push(path);
            }
        }
        paths.sort_unstable_by(|a, b| b.cmp(a)); // Steps are written with leading zeros.
        Ok(paths)
    }
}

fn read(path: &Path) -> std::result::Result<Saved, String> {
    let file = fs::read(path).map_err(|error| error.to_string())?;
    let text = |error: safetensors::SafeTensorError| error.to_string();
    let (_, metadata) = SafeTensors::read_metadata(&file).map_err(text)?;
    let head = metadata.metadata().as_ref().and_then(|entries| entries.get("run")).ok_or("it has no head")?;
    let head: Head = serde_json::from_str(head).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(&file).map_err(text)?;
    let images = tensors.tensor("images").map_err(text)?;
    let velocity = tensors.tensor("velocity").map_err(text)?;
    let queue = networks(&tensors, &head.queue)?;
    let own = [images.data(), velocity.data()].into_iter();
    if checksum(own.chain(queue.iter().flat_map(|(_, views)| views.iter().map(TensorView::data)))) != head.sha256 {
        return Err("its checksum does not fit".to_owned());
    }
    let [channels, height, width] = head.shape;
    let shape = ImageShape { channels, height, width };
    let images = SyntheticSet {
        shape,
        classes: head.classes,
        per_class: head.per_class,
        packing: head.packing,
        values: floats(images.data()),
        masses: head.masses,
    };
    if images.values.len() != images.len() * shape.len() {
        return Err("its sizes do not fit".to_owned());
    }
    let networks = queue.into_iter().map(|(network, _)| network).collect();
    let state = State { step: head.step, images, velocity: floats(velocity.data()), weights: head.weights };
    Ok(Saved { state, networks })
}

const VARIABLE: &str = "variable";
const VELOCITY: &str = "velocity";

/// The tensors of the networks, in the order in which they are summed.
fn named(queue: &[KeptNetwork]) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for (position, network) in queue.iter().enumerate() {
        for (number, variable) in network.variables.iter().enumerate() {
            let velocity = network.velocities.get(number).and_then(Option::as_ref);
            for (kind, tensor) in [(VARIABLE, Some(variable)), (VELOCITY, velocity)] {
                if let Some(tensor) = tensor {
                    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
                    all.push((format!("queue.{position}.{kind}.{number}"), tensor.dims().to_vec(), bytes(&values)));
                }
            }
        }
    }
    Ok(all)
}

/// A network with the tensors that it was read from.
type Read<'a> = (KeptNetwork, Vec<TensorView<'a>>);

fn networks<'a>(tensors: &SafeTensors<'a>, counts: &[[u64; 4]]) -> std::result::Result<Vec<Read<'a>>, String> {
    let mut all = Vec::new();
    for (position, &counts) in counts.iter().enumerate() {
        let mut network = KeptNetwork { counts, variables: Vec::new(), velocities: Vec::new() };
        let mut views = Vec::new();
        let find = |kind: &str, number: usize| tensors.tensor(&format!("queue.{position}.{kind}.{number}")).ok();
        let place = |view: &TensorView<'_>| {
            Tensor::from_vec(floats(view.data()), view.shape(), &Device::Cpu).map_err(|error| error.to_string())
        };
        while let Some(variable) = find(VARIABLE, network.variables.len()) {
            let velocity = find(VELOCITY, network.variables.len());
            network.variables.push(place(&variable)?);
            network.velocities.push(velocity.as_ref().map(place).transpose()?);
            views.push(variable);
            views.extend(velocity);
        }
        all.push((network, views));
    }
    Ok(all)
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}

fn checksum<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    parts.fold(Fingerprint::default(), Fingerprint::of).finish()
}
