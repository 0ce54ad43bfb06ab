//! Checkpoints: everything that changes from step to step, in a safetensors file with its own checksum.
//!
//! Tensors `images` and `velocity` have shape `(classes * per_class, channels, height, width)`; the metadata holds the
//! step, the labels of the classes, the weights, and a SHA-256 over both tensors. Files are written under a temporary
//! name, synced and renamed; reading takes the newest whole one.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::files;
use crate::{
    data::ImageShape,
    distill::{State, SyntheticSet, Weights},
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
    shape: [usize; 3],
    weights: Weights,
    sha256: String,
}

impl Checkpoints {
    /// The checkpoints in a folder, of which the newest `keep` are kept.
    pub fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep }
    }

    /// Writes a checkpoint, then removes the oldest ones.
    pub fn save(&self, state: &State) -> Result<()> {
        let set = &state.images;
        let [images, velocity] = [bytes(&set.values), bytes(&state.velocity)];
        let head = Head {
            step: state.step,
            classes: set.classes.clone(),
            per_class: set.per_class,
            shape: set.shape.dims(),
            weights: state.weights.clone(),
            sha256: checksum(&images, &velocity),
        };
        let dims: Vec<usize> = [set.len()].into_iter().chain(set.shape.dims()).collect();
        let view = |data| {
            TensorView::new(Dtype::F32, dims.clone(), data)
                .map_err(|error| Error::Data(format!("a checkpoint cannot be made: {error}")))
        };
        let tensors = [("images", view(&images)?), ("velocity", view(&velocity)?)];
        let head = serde_json::to_string(&head).expect("plain data");
        let metadata = HashMap::from([("run".to_owned(), head)]);
        let file = safetensors::serialize(tensors, Some(metadata))
            .map_err(|error| Error::Data(format!("a checkpoint cannot be made: {error}")))?;
        let path = self.folder.join(format!("step-{:010}.safetensors", state.step));
        files::replace(&path, |out| out.write_all(&file))?;
        // A newer one is damaged, or this run would not stand here: it must not push out a whole one.
        let whole = self.newest_first()?.into_iter().filter(|other| *other <= path);
        for old in whole.skip(self.keep) {
            fs::remove_file(&old).map_err(Error::file("remove", &old))?;
        }
        Ok(())
    }

    /// The newest whole checkpoint, and a sentence about each newer one that is damaged.
    pub fn newest(&self) -> Result<(Option<State>, Vec<String>)> {
        let mut damaged = Vec::new();
        for path in self.newest_first()? {
            match read(&path) {
                Ok(state) => return Ok((Some(state), damaged)),
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

fn read(path: &Path) -> std::result::Result<State, String> {
    let file = fs::read(path).map_err(|error| error.to_string())?;
    let text = |error: safetensors::SafeTensorError| error.to_string();
    let (_, metadata) = SafeTensors::read_metadata(&file).map_err(text)?;
    let head = metadata.metadata().as_ref().and_then(|entries| entries.get("run")).ok_or("it has no head")?;
    let head: Head = serde_json::from_str(head).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(&file).map_err(text)?;
    let images = tensors.tensor("images").map_err(text)?;
    let velocity = tensors.tensor("velocity").map_err(text)?;
    if checksum(images.data(), velocity.data()) != head.sha256 {
        return Err("its checksum does not fit".to_owned());
    }
    let [channels, height, width] = head.shape;
    let shape = ImageShape { channels, height, width };
    let images =
        SyntheticSet { shape, classes: head.classes, per_class: head.per_class, values: floats(images.data()) };
    if images.values.len() != images.len() * shape.len() {
        return Err("its sizes do not fit".to_owned());
    }
    Ok(State { step: head.step, images, velocity: floats(velocity.data()), weights: head.weights })
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}

fn checksum(images: &[u8], velocity: &[u8]) -> String {
    Fingerprint::default().of(images).of(velocity).finish()
}
