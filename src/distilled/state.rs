//! What changes from step to step, and the numbers that people turn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Blobs, SyntheticSet};
use crate::{
    error::{Error, Result},
    report::TermValue,
};

/// What changes from step to step; a checkpoint holds exactly this.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps that are done.
    pub step: u64,
    /// The images.
    pub images: SyntheticSet,
    /// Velocity of every value, in the layout of the images.
    pub velocity: Vec<f32>,
    /// Learning rate and weights.
    pub weights: Weights,
}

/// Everything that a checkpoint holds.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The step, the images and the faders.
    pub state: State,
    /// What else changes from step to step: networks that learn beside the run, a map, points.
    pub blobs: Blobs,
}

/// The numbers that may be changed while a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Learning rate of the images.
    pub learning_rate: f64,
    /// Every term by its name.
    pub terms: Vec<Setting>,
}

/// What may be turned about a term.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Name of the term.
    pub term: String,
    /// Factor before its value.
    pub weight: f64,
    /// Its parameters by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, f64>,
}

impl Setting {
    /// A term with its weight and its parameters by name.
    pub fn new(term: &str, weight: f64, parameters: &[(&str, f64)]) -> Self {
        let parameters = parameters.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        Self { term: term.to_owned(), weight, parameters }
    }

    /// What a step reports of it, beside its unweighted value.
    pub fn valued(&self, raw: f64) -> TermValue {
        TermValue { term: self.term.clone(), raw, weight: self.weight, parameters: self.parameters.clone() }
    }
}

impl Weights {
    /// The place of a term.
    pub fn position(&self, term: &str) -> Result<usize> {
        self.terms.iter().position(|setting| setting.term == term).ok_or_else(|| {
            let known: Vec<&str> = self.terms.iter().map(|setting| setting.term.as_str()).collect();
            Error::Config(format!("there is no term \"{term}\"; there are {}", known.join(", ")))
        })
    }

    /// Sets the weight of a term and returns the one before.
    pub fn set_weight(&mut self, term: &str, weight: f64) -> Result<f64> {
        let position = self.position(term)?;
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(Error::Config(format!("a weight is a number from 0 up, not {weight}")));
        }
        Ok(std::mem::replace(&mut self.terms[position].weight, weight))
    }

    /// Sets a parameter of a term and returns the one before.
    pub fn set_parameter(&mut self, term: &str, parameter: &str, value: f64) -> Result<f64> {
        let position = self.position(term)?;
        let parameters = &mut self.terms[position].parameters;
        let known = parameters.keys().cloned().collect::<Vec<_>>().join(", ");
        let Some(old) = parameters.get_mut(parameter) else {
            return Err(Error::Config(match known.as_str() {
                "" => format!("the term \"{term}\" has nothing to set but its weight"),
                known => format!("the term \"{term}\" has no \"{parameter}\"; it has {known}"),
            }));
        };
        if !(value.is_finite() && value >= 0.0) {
            return Err(Error::Config(format!("a parameter is a number from 0 up, not {value}")));
        }
        Ok(std::mem::replace(old, value))
    }

    /// Sets the learning rate and returns the one before.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<f64> {
        if !(rate.is_finite() && rate >= 0.0) {
            return Err(Error::Config(format!("a learning rate is a number from 0 up, not {rate}")));
        }
        Ok(std::mem::replace(&mut self.learning_rate, rate))
    }
}

/// Euclidean norm, summed in double precision.
pub fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}
