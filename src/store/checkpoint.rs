//! Checkpoints: everything that changes from step to step, in a safetensors file with a sum over all of its bytes.
//!
//! Tensors `images` and `velocity` have shape `(classes * per_class, channels, height, width)`; the head holds the step, the
//! labels of the classes, the weights, and how long the logs of the steps were. What else a method keeps ([`Blobs`]) are tensors
//! `state.NAME`, and `counters` in the head. Files are written under a temporary name, synced and renamed; reading takes the newest
//! whole one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::{
    files,
    sealed::{self, Named, floats},
    version::Fault,
};
use crate::{
    data::ImageShape,
    distilled::{Array, Blobs, Masses, Saved, State, SyntheticSet, Values},
    error::{Error, Result},
    fingerprint::Fingerprint,
};

/// The checkpoints of a run.
pub struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

/// A checkpoint that was read.
#[derive(Debug)]
pub struct Checkpoint {
    /// Where it lies.
    pub path: PathBuf,
    /// What it holds.
    pub saved: Saved,
    /// How long the logs were; none in files of version 1.
    pub logs: Option<LogLengths>,
    /// What was still to be judged.
    pub owed: Vec<Owed>,
}

/// Images of an earlier step that are still to be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// The step.
    pub step: u64,
    /// The images at that step.
    pub images: SyntheticSet,
}

#[derive(Serialize, Deserialize)]
struct OwedHead {
    step: u64,
    per_class: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    masses: Option<Masses>,
}

/// Bytes of the logs that have a line for each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLengths {
    /// `scalars.jsonl`
    pub scalars: u64,
    /// `timings.jsonl`
    pub timings: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    step: u64,
    classes: Vec<u32>,
    per_class: usize,
    #[serde(default = "whole")]
    packing: usize,
    shape: [usize; 3],
    /// What people turn.
    #[serde(default)]
    values: Option<Values>,
    /// The same in versions 1 and 2.
    #[serde(default, skip_serializing)]
    weights: OlderWeights,
    /// What share of its class each image stands for, where they do not count alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    masses: Option<Masses>,
    /// Counters of the method.
    #[serde(default)]
    counters: Option<BTreeMap<String, u64>>,
    /// Counts of what versions 1 and 2 kept.
    #[serde(default, skip_serializing)]
    queue: Vec<[u64; 4]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logs: Option<LogLengths>,
    /// Those in the tensors `owed.STEP`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owed: Vec<OwedHead>,
}

/// What people turned in versions 1 and 2, which knew a learning rate, weights and parameters.
#[derive(Default, Deserialize)]
struct OlderWeights {
    learning_rate: f64,
    terms: Vec<OlderTerm>,
}

#[derive(Deserialize)]
struct OlderTerm {
    term: String,
    weight: f64,
    #[serde(default)]
    parameters: BTreeMap<String, f64>,
}

impl OlderWeights {
    fn values(self) -> Values {
        let of_term = |OlderTerm { term, weight, parameters }: OlderTerm| {
            let parameters = parameters.into_iter().map(|(name, value)| (format!("{term}.{name}"), value));
            parameters.chain([(term.clone(), weight)]).collect::<Vec<_>>()
        };
        let values: Vec<(String, f64)> = self.terms.into_iter().flat_map(of_term).collect();
        Values::new(self.learning_rate, values.iter().map(|(id, value)| (id.as_str(), *value)))
    }
}

/// Files of version 1 do not always say it.
fn whole() -> usize {
    1
}

impl Checkpoints {
    /// The checkpoints in a folder, of which the newest `keep` are kept.
    pub fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep }
    }

    /// Writes a checkpoint, then removes the oldest ones. The logs must be on the disk up to these lengths.
    pub fn save(&self, state: &State, blobs: &Blobs, logs: LogLengths, owed: &[Owed]) -> Result<()> {
        let set = &state.images;
        let dims: Vec<usize> = [set.len()].into_iter().chain(set.shape.dims()).collect();
        let mut tensors: Vec<Named> = vec![
            ("images".to_owned(), dims.clone(), sealed::bytes(&set.values)),
            ("velocity".to_owned(), dims, sealed::bytes(&state.velocity)),
        ];
        tensors.extend(
            blobs
                .arrays
                .iter()
                .map(|(name, array)| (format!("{STATE}.{name}"), array.dims.clone(), sealed::bytes(&array.values))),
        );
        tensors.extend(owed.iter().map(|Owed { step, images }| {
            let dims = [images.len()].into_iter().chain(images.shape.dims()).collect();
            (format!("{OWED}.{step}"), dims, sealed::bytes(&images.values))
        }));
        let head = Head {
            step: state.step,
            classes: set.classes.clone(),
            per_class: set.per_class,
            packing: set.packing,
            shape: set.shape.dims(),
            values: Some(state.values.clone()),
            weights: OlderWeights::default(),
            masses: set.masses.clone(),
            counters: Some(blobs.counters.clone()),
            queue: Vec::new(),
            logs: Some(logs),
            owed: owed
                .iter()
                .map(|Owed { step, images }| OwedHead {
                    step: *step,
                    per_class: images.per_class,
                    masses: images.masses.clone(),
                })
                .collect(),
        };
        let file = sealed::seal(&tensors, &head)
            .map_err(|error| Error::Data(format!("a checkpoint cannot be made: {error}")))?;
        let path = self.folder.join(format!("step-{:010}.safetensors", state.step));
        files::replace(&path, |out| out.write_all(&file))?;
        // One of a later step is of no use, or this run would not stand here: it must not push out one that is.
        let whole = self.newest_first()?.into_iter().filter(|other| *other <= path);
        for old in whole.skip(self.keep) {
            fs::remove_file(&old).map_err(Error::file("remove", &old))?;
        }
        Ok(())
    }

    /// The newest whole checkpoint for which `use_of` finds a use, with what it found, or says why not; and each newer one, with
    /// a sentence that says why it was passed over.
    #[expect(clippy::type_complexity, reason = "said in one sentence")]
    pub fn newest<T>(
        &self,
        use_of: impl Fn(&Checkpoint) -> std::result::Result<T, String>,
    ) -> Result<(Option<(Checkpoint, T)>, Vec<(PathBuf, String)>)> {
        let mut passed_over = Vec::new();
        for path in self.newest_first()? {
            let why = match read(&path)? {
                Ok(checkpoint) => match use_of(&checkpoint) {
                    Ok(found) => return Ok((Some((checkpoint, found)), passed_over)),
                    Err(why) => why,
                },
                Err(Fault::Damaged(why)) => format!("is damaged ({why})"),
                Err(newer) => {
                    return Err(Error::Data(format!(
                        "the checkpoint {} cannot be read: {newer}. To go on from an older checkpoint, move this one away",
                        path.display()
                    )));
                }
            };
            passed_over.push((path.clone(), format!("the checkpoint {} {why}", path.display())));
        }
        Ok((None, passed_over))
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

/// What a file holds, or why it cannot be used; an error where the file itself cannot be read.
fn read(path: &Path) -> Result<std::result::Result<Checkpoint, Fault>> {
    let file = fs::read(path).map_err(Error::file("read", path))?;
    let parsed = sealed::unseal(&file, check_first)
        .and_then(|(head, tensors)| parse(path, head, &tensors).map_err(Fault::Damaged));
    Ok(parsed)
}

/// Turns head and tensors into a state whose lengths fit each other.
fn parse(path: &Path, head: Head, tensors: &SafeTensors<'_>) -> std::result::Result<Checkpoint, String> {
    let find = |name: &str| floats(&tensors.tensor(name).map_err(|error| error.to_string())?);
    let Head { step, classes, per_class, packing, shape, values, weights, masses, counters, queue, logs, owed } = head;
    let [channels, height, width] = shape;
    let shape = ImageShape { channels, height, width };
    let of = |per_class, values, masses| {
        let set = SyntheticSet { shape, classes: classes.clone(), per_class, packing, values, masses };
        if fits(&set) { Ok(set) } else { Err("its sizes do not fit".to_owned()) }
    };
    let (images, velocity) = (of(per_class, find("images")?, masses)?, find("velocity")?);
    if velocity.len() != images.values.len() {
        return Err("its sizes do not fit".to_owned());
    }
    let owed = owed.into_iter().map(|OwedHead { step, per_class, masses }| {
        Ok(Owed { step, images: of(per_class, find(&format!("{OWED}.{step}"))?, masses)? })
    });
    let owed = owed.collect::<std::result::Result<Vec<Owed>, String>>()?;
    let blobs = match counters {
        Some(counters) => blobs(tensors, counters, 2 + owed.len())?,
        None => older_blobs(tensors, &queue)?,
    };
    let saved =
        Saved { state: State { step, images, velocity, values: values.unwrap_or_else(|| weights.values()) }, blobs };
    Ok(Checkpoint { path: path.to_owned(), saved, logs, owed })
}

/// True if there are as many values and masses as images.
fn fits(set: &SyntheticSet) -> bool {
    let count = set.classes.len().checked_mul(set.per_class);
    let values = set.shape.dims().iter().try_fold(count.unwrap_or(0), |product, &size| product.checked_mul(size));
    let masses = set.masses.as_ref().map(|masses| masses.shares.len());
    count.is_some()
        && values == Some(set.values.len())
        && masses.is_none_or(|masses| Some(masses) == count)
        && set.packing > 0
}

const OWED: &str = "owed";
/// What a method keeps stands under this name.
const STATE: &str = "state";

/// The arrays of a method, and besides the `taken` ones no tensor is left over.
fn blobs(
    tensors: &SafeTensors<'_>,
    counters: BTreeMap<String, u64>,
    taken: usize,
) -> std::result::Result<Blobs, String> {
    let mut blobs = Blobs { counters, ..Blobs::default() };
    for (name, view) in tensors.iter() {
        if let Some(name) = name.strip_prefix(STATE).and_then(|name| name.strip_prefix('.')) {
            blobs.arrays.insert(name.to_owned(), Array { dims: view.shape().to_vec(), values: floats(&view)? });
        }
    }
    if taken + blobs.arrays.len() == tensors.len() {
        Ok(blobs)
    } else {
        Err("it has tensors that belong to nothing".to_owned())
    }
}

/// What versions 1 and 2 kept of a queue, under the names that it has now. Their maps and points had the same names, under which no
/// method looks any more: those runs are made anew by a replay.
fn older_blobs(tensors: &SafeTensors<'_>, counts: &[[u64; 4]]) -> std::result::Result<Blobs, String> {
    let mut blobs = Blobs::default();
    for (position, counts) in counts.iter().enumerate() {
        let names = ["serial", "batches", "right", "seen"].map(|name| format!("queue.{position}.{name}"));
        blobs.counters.extend(names.into_iter().zip(*counts));
    }
    for (name, view) in tensors.iter().filter(|(name, _)| name.starts_with("queue.")) {
        blobs.arrays.insert(name.to_owned(), Array { dims: view.shape().to_vec(), values: floats(&view)? });
    }
    Ok(blobs)
}

/// Version 1 had a sum over its tensors: images, velocity, then those of the networks.
fn check_first(head: &Head, tensors: &SafeTensors<'_>, sum: &str) -> std::result::Result<(), String> {
    let find = |name: &str| tensors.tensor(name).map_err(|error| error.to_string());
    let mut of_all = Fingerprint::default().of(find("images")?.data()).of(find("velocity")?.data());
    for position in 0..head.queue.len() {
        for number in 0.. {
            let Ok(variable) = tensors.tensor(&format!("queue.{position}.variable.{number}")) else { break };
            of_all = of_all.of(variable.data());
            if let Ok(velocity) = tensors.tensor(&format!("queue.{position}.velocity.{number}")) {
                of_all = of_all.of(velocity.data());
            }
        }
    }
    if of_all.finish() == sum { Ok(()) } else { Err("its checksum does not fit".to_owned()) }
}
