//! Stochastic gradient descent with momentum and weight decay, as PyTorch computes it.

use candle_core::{Result, Tensor, Var, backprop::GradStore};

/// How fast and with what memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of the last direction that is kept.
    pub momentum: f64,
    /// Pull towards zero, on every parameter.
    pub weight_decay: f64,
}

/// `v <- momentum v + (g + weight_decay p)`, `p <- p - learning_rate v`; the first `v` is the first gradient.
pub struct Sgd {
    settings: SgdSettings,
    variables: Vec<Var>,
    velocities: Vec<Option<Tensor>>,
}

impl Sgd {
    /// An optimiser without memory yet.
    pub fn new(variables: Vec<Var>, settings: SgdSettings) -> Self {
        let velocities = vec![None; variables.len()];
        Self { settings, variables, velocities }
    }

    /// One step against the gradients; a variable without one is left alone.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        let SgdSettings { learning_rate, momentum, weight_decay } = self.settings;
        for (variable, velocity) in self.variables.iter().zip(&mut self.velocities) {
            let Some(gradient) = gradients.get(variable) else { continue };
            let current = variable.as_tensor().detach();
            let pull = (gradient + (&current * weight_decay)?)?;
            let next = match velocity.take() {
                Some(old) => ((old * momentum)? + pull)?,
                None => pull,
            };
            variable.set(&(current - (&next * learning_rate)?)?)?;
            *velocity = Some(next);
        }
        Ok(())
    }

    /// The direction of each variable, where it has one yet.
    pub fn velocities(&self) -> Vec<Option<Tensor>> {
        self.velocities.clone()
    }

    /// Goes on in these directions.
    pub fn set_velocities(&mut self, velocities: Vec<Option<Tensor>>) {
        self.velocities = velocities;
    }

    /// Changes the learning rate and forgets the direction, as a new optimiser would.
    pub fn restart(&mut self, learning_rate: f64) {
        self.settings.learning_rate = learning_rate;
        self.velocities.fill(None);
    }
}
