//! A run as it is typed: TOML that states differences from defaults, and the one door through which it becomes runnable.
//!
//! Each module owns the spec of its own part; this file gathers them. [`RunConfig::check`] turns what was typed into
//! what can run on a data set, or says what to type instead.

mod check;
mod presets;
mod specs;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

pub use presets::{PRESETS, Preset};
pub use specs::{AugmentationSpec, CheckpointSpec, EvaluationSpec, ImagesSpec, OptimizerSpec, RealSpec};

use crate::{
    data::{DataSpec, Dataset},
    distilled::SyntheticSet,
    error::{Error, Result},
    latent::LatentSpec,
    methods::{
        Matching, MatchingSpec, Method, MethodSpec, Methods, PoolSpec, QueueSpec, Setup, matching::terms::TermsSpec,
    },
    nn::{Device, DeviceSpec, NetworkSpec},
};

/// Everything that decides a run, apart from what people change while it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
    /// The autoencoder and the prior in whose space a quantizer works, trained on the real images.
    #[serde(skip_serializing_if = "is_default")]
    pub latent: LatentSpec,
    /// How pixels move, or the map, or points.
    pub optimizer: OptimizerSpec,
    /// When and how the images are judged.
    pub evaluation: EvaluationSpec,
    /// When the run is saved.
    pub checkpoint: CheckpointSpec,
    /// The section of a method other than matching, by its name, written out in full.
    #[serde(flatten)]
    pub sections: BTreeMap<String, toml::Value>,
    /// The methods that sections may name.
    #[serde(skip)]
    pub methods: Methods,
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
            latent: LatentSpec::default(),
            optimizer: OptimizerSpec::default(),
            evaluation: EvaluationSpec::default(),
            checkpoint: CheckpointSpec::default(),
            sections: BTreeMap::new(),
            methods: Methods::default(),
        }
    }
}

/// What may be typed for a data set, for help texts.
pub const DATA_FORMS: &str = DataSpec::FORMS;

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
        Self::parse_with(Methods::default(), text, settings, source)
    }

    /// The same for a program that knows these methods.
    pub fn parse_with(methods: Methods, text: &str, settings: &[String], source: &str) -> Result<Self> {
        let fault = |error: toml::de::Error| Error::Config(format!("{source}: {}", error.to_string().trim_end()));
        let mut table: toml::Table = toml::from_str(text).map_err(fault)?;
        // Read the bare text first: its errors can point at a line.
        let plain: Self = toml::from_str(text).map_err(fault)?;
        let plain = plain.knowing(methods).map_err(|(key, why)| {
            let names = |line: &str| line.trim_start().trim_start_matches('[').starts_with(&key);
            let at = text.lines().position(names).map_or(String::new(), |line| format!("line {}: ", line + 1));
            Error::Config(format!("{source}: {at}{why}"))
        })?;
        if settings.is_empty() {
            return Ok(plain);
        }
        for setting in settings {
            lay_over(&mut table, setting)?;
        }
        let settings = settings.join(" --set ");
        let laid_over: std::result::Result<Self, toml::de::Error> = table.try_into();
        laid_over
            .map_err(|error| error.to_string().trim_end().to_owned())
            .and_then(|config| config.knowing(methods).map_err(|(_, why)| why))
            .map_err(|why| Error::Config(format!("--set {settings}: {why}")))
    }

    /// Refuses what is no section of a method, and writes out what a section leaves to defaults. An error names the key that it is about.
    fn knowing(mut self, methods: Methods) -> std::result::Result<Self, (String, String)> {
        for (name, section) in &mut self.sections {
            let Some(entry) = methods.of(name) else {
                let known = KEYS.into_iter().chain(methods.sections());
                let known: Vec<String> = known.map(|key| format!("`{key}`")).collect();
                let why = format!("unknown field `{name}`, expected one of {}", known.join(", "));
                return Err((name.clone(), why));
            };
            (_, *section) = entry.read(section.clone()).map_err(|why| (name.clone(), why))?;
        }
        if self.sections.len() > 1 {
            let names: Vec<String> = self.sections.keys().map(|name| format!("[{name}]")).collect();
            let (last, _) = self.sections.last_key_value().expect("more than one");
            return Err((last.clone(), format!("a run has one method, not {}", names.join(" and "))));
        }
        self.methods = methods;
        Ok(self)
    }

    /// The method that a section names; none where features are matched.
    pub fn method_spec(&self) -> Result<Option<Box<dyn MethodSpec>>> {
        // A record that was read back has not been held to the table yet.
        if let Some(name) = self.sections.keys().find(|name| self.methods.of(name).is_none()) {
            return Err(Error::Config(format!("this program knows no method [{name}]")));
        }
        let Some((name, section)) = self.sections.iter().next() else { return Ok(None) };
        let entry = self.methods.of(name).expect("just looked");
        let (spec, _) = entry.read(section.clone()).map_err(Error::Config)?;
        Ok(Some(spec))
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
        let setup = self.setup(data, device, images);
        match self.method_spec()? {
            Some(spec) => spec.build(setup),
            None => Ok(Box::new(Matching::new(self.matching(data), setup)?)),
        }
    }

    /// The same without networks that have to be trained first, for a forecast of what a step costs.
    pub fn untrained_method(
        &self,
        data: &Arc<Dataset>,
        device: &Device,
        images: SyntheticSet,
    ) -> Result<Box<dyn Method>> {
        if let Some(spec) = self.method_spec()? {
            return spec.untrained().build(self.setup(data, device, images));
        }
        let mut method = self.method(data, device, images)?;
        for control in method.controls().iter().filter(|control| control.needs_pool) {
            method.set(&control.id, 0.0)?;
        }
        Ok(method)
    }

    fn setup(&self, data: &Arc<Dataset>, device: &Device, images: SyntheticSet) -> Setup {
        let (seed, learning_rate) = (self.seed, self.optimizer.learning_rate);
        Setup { data: data.clone(), device: device.clone(), seed, images, learning_rate }
    }

    /// True if the run needs an autoencoder and a prior.
    pub fn needs_latent(&self) -> bool {
        self.method_spec().is_ok_and(|spec| spec.is_some_and(|spec| spec.needs_latent()))
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

/// What every config may say, for messages.
const KEYS: [&str; 19] = [
    "name",
    "about",
    "data",
    "holdout",
    "classes",
    "seed",
    "steps",
    "device",
    "images",
    "network",
    "real",
    "augmentation",
    "terms",
    "pool",
    "queue",
    "latent",
    "optimizer",
    "evaluation",
    "checkpoint",
];

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
