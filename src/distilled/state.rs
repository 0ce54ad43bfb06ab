//! What changes from step to step, and the numbers that people turn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Blobs, SyntheticSet};
use crate::{
    error::{Error, Result},
    report::{LEARNING_RATE, TermValue},
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
    /// What people turn.
    pub values: Values,
}

/// Everything that a checkpoint holds.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The step, the images and the controls.
    pub state: State,
    /// What else changes from step to step: networks that learn beside the run, a map, points.
    pub blobs: Blobs,
}

/// The values of all controls by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, f64>);

impl Values {
    /// Controls with their values, and the learning rate.
    pub fn new<'a>(learning_rate: f64, others: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        let others = others.into_iter().map(|(id, value)| (id.to_owned(), value));
        Self(std::iter::once((LEARNING_RATE.to_owned(), learning_rate)).chain(others).collect())
    }

    /// The value of a control; 0 for one that is not there.
    pub fn get(&self, control: &str) -> f64 {
        self.0.get(control).copied().unwrap_or_default()
    }

    /// The learning rate.
    pub fn learning_rate(&self) -> f64 {
        self.get(LEARNING_RATE)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(id, value)| (id.as_str(), *value))
    }

    /// Sets a control, which must be a number from 0 up, and returns the value before.
    pub fn set(&mut self, control: &str, value: f64) -> Result<f64> {
        let Some(old) = self.0.get_mut(control) else {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            return Err(Error::Config(format!("there is no control \"{control}\"; there are {}", known.join(", "))));
        };
        if !(value.is_finite() && value >= 0.0) {
            return Err(Error::Config(format!("\"{control}\" is a number from 0 up, not {value}")));
        }
        Ok(std::mem::replace(old, value))
    }

    /// Takes over the values of controls that are known here; false if there was one that is not.
    pub fn take_over(&mut self, others: &Self) -> bool {
        let known = others.0.keys().all(|control| self.0.contains_key(control));
        self.0.extend(others.0.iter().map(|(control, value)| (control.clone(), *value)));
        known
    }

    /// What a step reports of a term, with its unweighted value.
    pub fn valued(&self, term: &str, raw: f64) -> TermValue {
        let own = |(id, value): (&String, &f64)| Some((id.strip_prefix(term)?.strip_prefix('.')?.to_owned(), *value));
        TermValue {
            term: term.to_owned(),
            raw,
            weight: self.get(term),
            parameters: self.0.iter().filter_map(own).collect(),
        }
    }
}

/// Euclidean norm, summed in double precision.
pub fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}
