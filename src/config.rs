//! A run as it is typed: TOML that states differences from defaults, and the one door through which it becomes runnable.
//!
//! Each module owns the spec of its own part; this file gathers them. [`RunConfig::check`] turns what was typed into
//! what can run on a data set, or says what to type instead.

use std::{fmt::Write as _, path::Path, sync::Arc};

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::{
    data::{DataSpec, Dataset},
    distilled::{Packing, Start, SyntheticSet},
    error::{Error, Result},
    evaluate::Protocol,
    latent::LatentSpec,
    methods::{
        EnergyMap, EnergySpec, Matching, MatchingSpec, Method, PoolSpec, Quantizer, QuantizerSpec, QueueSpec, Scope,
        Updates, matching::terms::TermsSpec, quantization::SpaceKind,
    },
    nn::{DeviceSpec, NetworkSpec, augment::Family},
};

/// Everything that decides a run, apart from what people change while it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Name of the preset.
    pub name: String,
    /// One sentence about the method.
    pub about: String,
    /// The data set.
    pub data: DataSpec,
    /// Share of the training images of every class kept back for evaluations during the run.
    pub holdout: f64,
    /// Labels of the classes to distil; empty means all.
    pub classes: Vec<u32>,
    /// Where everything random comes from.
    pub seed: u64,
    /// Number of steps.
    pub steps: u64,
    /// Where tensors live.
    pub device: DeviceSpec,
    /// The synthetic images.
    pub images: ImagesSpec,
    /// The network through which they are matched.
    pub network: NetworkSpec,
    /// How real images reach a step.
    pub real: RealSpec,
    /// What both kinds of images go through before they are seen.
    pub augmentation: AugmentationSpec,
    /// The loss.
    pub terms: TermsSpec,
    /// Networks trained on the real images, for the terms that look through such.
    pub pool: PoolSpec,
    /// Networks that learn beside the run, through which the images are matched; where there is none, the network of a step
    /// is drawn afresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueSpec>,
    /// A map of features whose balls say which real images stand for a class, instead of images that are matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergySpec>,
    /// Points that compete for the samples of their class, instead of images that are matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantizer: Option<QuantizerSpec>,
    /// The autoencoder and the prior in whose space a quantizer works, trained on the real images.
    #[serde(skip_serializing_if = "is_default")]
    pub latent: LatentSpec,
    /// How pixels move, or the map, or points.
    pub optimizer: OptimizerSpec,
    /// When and how the images are judged.
    pub evaluation: EvaluationSpec,
    /// When the run is saved.
    pub checkpoint: CheckpointSpec,
}

/// The synthetic images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImagesSpec {
    /// Images in each class, as they are stored.
    pub per_class: usize,
    /// Parts of an image along each side: with 2, every stored image is a mosaic of four, which networks see one by one.
    pub packing: usize,
    /// What they are before the first step.
    pub start: Start,
}

/// How real images reach a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RealSpec {
    /// Real images of each class in a step; fewer where the smallest class has fewer.
    pub batch: usize,
    /// Classes computed together; 0 chooses by memory. It never changes the result on a CPU.
    pub chunk: usize,
}

/// What both kinds of images go through before they are seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentationSpec {
    /// One of these is drawn for each class and step; where nothing is said, one of all, without the flip for digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub families: Option<Vec<Family>>,
}

impl AugmentationSpec {
    /// The families for a data set: those of the config, otherwise what the images allow. Points have none.
    pub fn of(&self, data: &Dataset) -> &[Family] {
        match &self.families {
            Some(families) => families,
            None if !data.is_pictures() => &[],
            None if data.flips() => &Family::ALL,
            None => &Family::WITHOUT_FLIP,
        }
    }
}

/// How pixels move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerSpec {
    /// Step size in normalised space.
    pub learning_rate: f64,
    /// Share of the last direction that is kept.
    pub momentum: f64,
    /// Once a step, all classes together, or class by class.
    pub updates: Updates,
}

/// When and how the images are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationSpec {
    /// Steps between evaluations on the hold-out; 0 for none.
    pub every: u64,
    /// Protocol of those.
    pub during: Protocol,
    /// Protocol on the test split when all steps are done.
    pub last: Protocol,
    /// Protocol of the whole training set, for comparison.
    pub whole: Protocol,
}

/// When the run is saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointSpec {
    /// Steps between checkpoints; 0 for the end only.
    pub every: u64,
    /// How many are kept; the newest ones.
    pub keep: usize,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            name: "custom".to_owned(),
            about: String::new(),
            data: DataSpec::default(),
            holdout: 0.1,
            classes: Vec::new(),
            seed: 0,
            steps: 1000,
            device: DeviceSpec::default(),
            images: ImagesSpec::default(),
            network: NetworkSpec::default(),
            real: RealSpec::default(),
            augmentation: AugmentationSpec::default(),
            terms: TermsSpec::default(),
            pool: PoolSpec::default(),
            queue: None,
            energy: None,
            quantizer: None,
            latent: LatentSpec::default(),
            optimizer: OptimizerSpec::default(),
            evaluation: EvaluationSpec::default(),
            checkpoint: CheckpointSpec::default(),
        }
    }
}

impl Default for ImagesSpec {
    fn default() -> Self {
        Self { per_class: 10, packing: 1, start: Start::Real }
    }
}

impl Default for RealSpec {
    fn default() -> Self {
        Self { batch: 256, chunk: 0 }
    }
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self { learning_rate: 1.0, momentum: 0.5, updates: Updates::Together }
    }
}

impl Default for EvaluationSpec {
    fn default() -> Self {
        Self { every: 0, during: Protocol::quick(100, 3), last: Protocol::dm(300, 5), whole: Protocol::whole(60) }
    }
}

impl Default for CheckpointSpec {
    fn default() -> Self {
        Self { every: 100, keep: 3 }
    }
}

/// What may be typed for a data set, for help texts.
pub const DATA_FORMS: &str = DataSpec::FORMS;

/// A preset that is part of the program.
pub struct Preset {
    /// The name that is typed.
    pub name: &'static str,
    /// The text of its file in `configs/`.
    pub text: &'static str,
}

/// Every preset, in the order in which they are listed.
pub const PRESETS: [Preset; 29] = [
    Preset { name: "digits", text: include_str!("../configs/digits.toml") },
    Preset { name: "plane", text: include_str!("../configs/plane.toml") },
    Preset { name: "dm", text: include_str!("../configs/dm.toml") },
    Preset { name: "dm-cpu", text: include_str!("../configs/dm-cpu.toml") },
    Preset { name: "iid", text: include_str!("../configs/iid.toml") },
    Preset { name: "iid-digits", text: include_str!("../configs/iid-digits.toml") },
    Preset { name: "iid-cpu", text: include_str!("../configs/iid-cpu.toml") },
    Preset { name: "cmi", text: include_str!("../configs/cmi.toml") },
    Preset { name: "cmi-digits", text: include_str!("../configs/cmi-digits.toml") },
    Preset { name: "cmi-cpu", text: include_str!("../configs/cmi-cpu.toml") },
    Preset { name: "idm", text: include_str!("../configs/idm.toml") },
    Preset { name: "idm-digits", text: include_str!("../configs/idm-digits.toml") },
    Preset { name: "idm-cpu", text: include_str!("../configs/idm-cpu.toml") },
    Preset { name: "idm-iid", text: include_str!("../configs/idm-iid.toml") },
    Preset { name: "idm-iid-digits", text: include_str!("../configs/idm-iid-digits.toml") },
    Preset { name: "idm-iid-cpu", text: include_str!("../configs/idm-iid-cpu.toml") },
    Preset { name: "idm-cmi", text: include_str!("../configs/idm-cmi.toml") },
    Preset { name: "idm-cmi-digits", text: include_str!("../configs/idm-cmi-digits.toml") },
    Preset { name: "idm-cmi-cpu", text: include_str!("../configs/idm-cmi-cpu.toml") },
    Preset { name: "pemdd-digits", text: include_str!("../configs/pemdd-digits.toml") },
    Preset { name: "pemdd-cpu", text: include_str!("../configs/pemdd-cpu.toml") },
    Preset { name: "ddoq-digits", text: include_str!("../configs/ddoq-digits.toml") },
    Preset { name: "ddoq-cpu", text: include_str!("../configs/ddoq-cpu.toml") },
    Preset { name: "d4m-digits", text: include_str!("../configs/d4m-digits.toml") },
    Preset { name: "d4m-cpu", text: include_str!("../configs/d4m-cpu.toml") },
    Preset { name: "ddoq-medoid-digits", text: include_str!("../configs/ddoq-medoid-digits.toml") },
    Preset { name: "ddoq-medoid-cpu", text: include_str!("../configs/ddoq-medoid-cpu.toml") },
    Preset { name: "kmeans-digits", text: include_str!("../configs/kmeans-digits.toml") },
    Preset { name: "kmeans-cpu", text: include_str!("../configs/kmeans-cpu.toml") },
];

impl RunConfig {
    /// The preset of this name with `settings` (`key=value`) over it.
    pub fn preset(name: &str, settings: &[String]) -> Result<Self> {
        let preset = PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
            Error::Config(format!("there is no preset \"{name}\". Use one of: {}", names.join(", ")))
        })?;
        Self::parse(preset.text, settings, &format!("preset {name}"))
    }

    /// A config file with `settings` (`key=value`) over it.
    pub fn read(path: &Path, settings: &[String]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::Config(format!(
                "cannot read the config {}: {error}. Check the path, or use --preset",
                path.display()
            ))
        })?;
        Self::parse(&text, settings, &path.display().to_string())
    }

    /// Parses TOML, then lays `settings` over it. `source` names the text in messages.
    pub fn parse(text: &str, settings: &[String], source: &str) -> Result<Self> {
        let fault = |error: toml::de::Error| Error::Config(format!("{source}: {}", error.to_string().trim_end()));
        let mut table: toml::Table = toml::from_str(text).map_err(fault)?;
        // Read the bare text first: its errors can point at a line.
        let plain: Self = toml::from_str(text).map_err(fault)?;
        if settings.is_empty() {
            return Ok(plain);
        }
        for setting in settings {
            lay_over(&mut table, setting)?;
        }
        table.try_into().map_err(|error: toml::de::Error| {
            Error::Config(format!("--set {}: {}", settings.join(" --set "), error.to_string().trim_end()))
        })
    }

    /// Checks everything that can be checked against the data, and loads nothing.
    pub fn check(&self, data: &Dataset) -> Result<()> {
        let mut faults = String::new();
        let mut fault = |text: String| writeln!(faults, "{text}").expect("writing to a string");
        if self.images.per_class == 0 {
            fault("images.per_class must be at least 1".to_owned());
        }
        if self.steps == 0 {
            fault("steps must be at least 1".to_owned());
        }
        if self.real.batch == 0 {
            fault("real.batch must be at least 1".to_owned());
        }
        if !(0.0..1.0).contains(&self.holdout) {
            fault(format!("holdout is a share from 0 up to but not including 1, not {}", self.holdout));
        }
        if !(self.optimizer.learning_rate.is_finite() && self.optimizer.learning_rate >= 0.0) {
            fault(format!("optimizer.learning_rate must be 0 or more, not {}", self.optimizer.learning_rate));
        }
        if !(0.0..1.0).contains(&self.optimizer.momentum) {
            fault(format!("optimizer.momentum is from 0 up to but not including 1, not {}", self.optimizer.momentum));
        }
        if self.checkpoint.keep == 0 {
            fault("checkpoint.keep must be at least 1".to_owned());
        }
        let terms = self.terms.build();
        self.joins_classes().filter(|_| !self.classes.is_empty()).into_iter().for_each(&mut fault);
        let has_terms = terms.iter().any(|entry| entry.is_named);
        self.method_faults(data, has_terms).into_iter().for_each(&mut fault);
        for entry in terms {
            let weight = [("weight".to_owned(), entry.weight)];
            for (name, value) in weight.into_iter().chain(entry.named_parameters()) {
                if !(value.is_finite() && value >= 0.0) {
                    fault(format!("terms.{}.{name} must be 0 or more, not {value}", entry.term.id()));
                }
            }
        }
        if let Err(text) = Packing::check(data.shape(), self.images.packing) {
            fault(text);
        }
        if let Some(Err(text)) = self.queue.as_ref().map(|queue| queue.check(&self.network)) {
            fault(text);
        }
        if self.pool.size == 0 {
            fault("pool.size must be at least 1".to_owned());
        }
        if !(self.pool.weight_decay.is_finite() && self.pool.weight_decay >= 0.0) {
            fault(format!("pool.weight_decay must be 0 or more, not {}", self.pool.weight_decay));
        }
        let pool = self.pool.network(&self.network);
        if let Err(text) = pool.check(data.shape()) {
            fault(format!("pool: {text}"));
        }
        for (place, network) in [("network", &self.network), ("pool.network", &pool)] {
            if network.has_batch_norm() {
                let twin = "what it says of an image depends on the batch. Set the norm to \"instance\"";
                fault(format!("{place} has batch norm, which can judge but not be matched through: {twin}"));
            }
        }
        for class in &self.classes {
            if *class as usize >= data.classes() {
                fault(format!("class {class} does not exist: {} has {} classes, from 0", data.name(), data.classes()));
            }
        }
        if (1..self.classes.len()).any(|position| self.classes[position..].contains(&self.classes[position - 1])) {
            fault("classes names a class twice".to_owned());
        }
        if !data.is_pictures() && !self.augmentation.of(data).is_empty() {
            fault(format!("{} has points, not pictures: set augmentation.families=[]", data.name()));
        }
        if self.evaluation.every > 0 && data.holdout().is_empty() {
            fault("evaluations during the run need a hold-out: set holdout=0.1, or evaluation.every=0".to_owned());
        }
        if let Err(text) = self.network.check(data.shape()) {
            fault(text);
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Config(faults.trim_end().to_owned())) }
    }

    /// Why some of the classes cannot be distilled without the others, where that is so.
    pub fn joins_classes(&self) -> Option<String> {
        let joining = |what: &str| format!("classes cannot be chosen with {what}: {}", Scope::Set.describe());
        if self.energy.is_some() {
            return Some(joining("an energy map"));
        }
        let terms = self.terms.build();
        let joins = terms.iter().find(|entry| entry.weight > 0.0 && entry.term.scope() == Scope::Set)?;
        Some(joining(&format!("terms.{}", joins.term.id())))
    }

    /// What is wrong with the method, besides its terms.
    fn method_faults(&self, data: &Dataset, has_terms: bool) -> Vec<String> {
        let mut faults = Vec::new();
        let others = has_terms || self.queue.is_some() || self.images.packing != 1;
        match (&self.energy, &self.quantizer) {
            (Some(_), Some(_)) => faults.push("a run has an [energy] map or a [quantizer], not both".to_owned()),
            (Some(energy), None) => {
                faults.extend(energy.check(self.images.per_class, data).err());
                if others {
                    let text = "an energy map has no [terms], no [queue] and no mosaics: leave them out, or [energy]";
                    faults.push(text.to_owned());
                }
            }
            (None, Some(quantizer)) => {
                faults.extend(quantizer.check(self.images.per_class, data).err());
                faults.extend(self.latent.check().err());
                if others {
                    let text = "a quantizer has no [terms], no [queue] and no mosaics: leave them out, or [quantizer]";
                    faults.push(text.to_owned());
                }
            }
            (None, None) if !has_terms => {
                faults.push("the loss has no term. Add one, for example [terms.mean] with weight = 1".to_owned());
            }
            (None, None) => {}
        }
        faults
    }

    /// The images before the first step.
    pub fn start_images(&self, data: &Dataset) -> Result<SyntheticSet> {
        let ImagesSpec { per_class, packing, start } = self.images;
        start.images(data, &self.chosen_classes(data), (per_class, packing), self.seed)
    }

    /// The labels that are distilled.
    pub fn chosen_classes(&self, data: &Dataset) -> Vec<u32> {
        if self.classes.is_empty() { (0..data.classes() as u32).collect() } else { self.classes.clone() }
    }

    /// True if both make the same images of a class that both have: chunks, devices, evaluations and checkpoints do not
    /// count.
    pub fn same_but_for_classes(&self, other: &Self) -> bool {
        let essence = |config: &Self| Self {
            classes: Vec::new(),
            real: RealSpec { chunk: 0, ..config.real.clone() },
            device: DeviceSpec::default(),
            evaluation: EvaluationSpec::default(),
            checkpoint: CheckpointSpec::default(),
            ..config.clone()
        };
        essence(self) == essence(other)
    }

    /// The method, before its first step.
    pub fn method(&self, data: &Arc<Dataset>, device: &Device, images: SyntheticSet) -> Result<Box<dyn Method>> {
        let (data, device, rate) = (data.clone(), device.clone(), self.optimizer.learning_rate);
        Ok(match (&self.energy, &self.quantizer) {
            (Some(energy), _) => Box::new(EnergyMap::new(energy.clone(), data, device, self.seed, images, rate)?),
            (_, Some(spec)) => Box::new(Quantizer::new(spec.clone(), data, device, self.seed, images, rate)?),
            (None, None) => Box::new(Matching::new(self.matching(&data), data, device, self.seed, images, rate)?),
        })
    }

    /// True if the run needs an autoencoder and a prior.
    pub fn needs_latent(&self) -> bool {
        self.quantizer.as_ref().is_some_and(|quantizer| quantizer.space == SpaceKind::Autoencoder)
    }

    /// The part that the matching method needs.
    pub fn matching(&self, data: &Dataset) -> MatchingSpec {
        MatchingSpec {
            network: self.network.clone(),
            real_batch: self.real.batch,
            chunk: self.real.chunk,
            augmentation: self.augmentation.of(data).to_vec(),
            momentum: self.optimizer.momentum,
            updates: self.optimizer.updates,
            queue: self.queue.clone(),
            terms: self.terms.clone(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Puts `a.b=value` into a table. The value is TOML; what is not TOML is taken as text.
fn lay_over(table: &mut toml::Table, setting: &str) -> Result<()> {
    let (path, value) = setting.split_once('=').ok_or_else(|| {
        Error::Config(format!("--set {setting}: write key=value, for example --set network.width=64"))
    })?;
    let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut keys: Vec<&str> = path.trim().split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut here = table;
    for key in keys {
        here = here
            .entry(key)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(|| Error::Config(format!("--set {setting}: \"{key}\" is a value, not a table")))?;
    }
    if last == "kind" && here.get(last) != Some(&value) {
        here.clear(); // What another kind of network is made of means nothing to this one.
    }
    here.insert(last.to_owned(), value);
    Ok(())
}
