//! What is wrong with a config, all of it at once.

use std::fmt::Write as _;

use super::RunConfig;
use crate::{
    data::Dataset,
    distilled::Packing,
    error::{Error, Result},
    methods::{Planned, Scope},
};

impl RunConfig {
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
            for (id, value) in entry.values().into_iter().filter(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
                let key = if id == entry.term.id() { format!("{id}.weight") } else { id };
                fault(format!("terms.{key} must be 0 or more, not {value}"));
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
        if let Ok(Some(spec)) = self.method_spec() {
            let section = self.sections.keys().next().expect("a method has a section");
            return (spec.scope() == Scope::Set).then(|| joining(&format!("[{section}]")));
        }
        let terms = self.terms.build();
        let joins = terms.iter().find(|entry| entry.weight > 0.0 && entry.term.scope() == Scope::Set)?;
        Some(joining(&format!("terms.{}", joins.term.id())))
    }

    /// What is wrong with the method, besides its terms.
    fn method_faults(&self, data: &Dataset, has_terms: bool) -> Vec<String> {
        let spec = match self.method_spec() {
            Ok(Some(spec)) => spec,
            Ok(None) if has_terms => return Vec::new(),
            Ok(None) => {
                return vec!["the loss has no term. Add one, for example [terms.mean] with weight = 1".to_owned()];
            }
            Err(error) => return vec![error.to_string()],
        };
        let section = self.sections.keys().next().expect("a method has a section");
        let planned = Planned { data, per_class: self.images.per_class, latent: &self.latent };
        let mut faults = spec.faults(&planned);
        if has_terms || self.queue.is_some() || self.images.packing != 1 {
            faults
                .push(format!("[{section}] has no [terms], no [queue] and no mosaics: leave them out, or [{section}]"));
        }
        faults
    }
}
