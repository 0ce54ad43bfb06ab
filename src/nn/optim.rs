//! Stochastic gradient descent with momentum and weight decay, as PyTorch computes it.

use candle_core::{CpuStorage, DType, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var, backprop::GradStore, bail};
use rayon::prelude::*;

/// Numbers that a thread takes at a time.
const PART: usize = 1 << 14;

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
        for (variable, velocity) in self.variables.iter().zip(&mut self.velocities) {
            let Some(gradient) = gradients.get(variable) else { continue };
            let old = match velocity.take() {
                Some(old) => old,
                None => variable.zeros_like()?,
            };
            let in_place = variable.device().is_cpu() && variable.dtype() == DType::F32;
            *velocity = Some(match in_place {
                true => self.settings.step_in_place(variable, &gradient.contiguous()?, old)?,
                false => self.settings.step(variable, gradient, &old)?,
            });
        }
        Ok(())
    }

    /// The direction of each variable, where it has one yet. The next step changes them.
    pub fn velocities(&self) -> Vec<Option<Tensor>> {
        self.velocities.clone()
    }

    /// Goes on in these directions.
    pub fn set_velocities(&mut self, velocities: Vec<Option<Tensor>>) {
        self.velocities = velocities;
    }

    /// Changes the learning rate and keeps the direction.
    pub fn set_rate(&mut self, learning_rate: f64) {
        self.settings.learning_rate = learning_rate;
    }

    /// Changes the learning rate and forgets the direction, as a new optimiser would.
    pub fn restart(&mut self, learning_rate: f64) {
        self.settings.learning_rate = learning_rate;
        self.velocities.fill(None);
    }
}

impl SgdSettings {
    /// In tensor operations, for every device and precision. Returns the new velocity.
    fn step(self, variable: &Var, gradient: &Tensor, velocity: &Tensor) -> Result<Tensor> {
        let current = variable.as_tensor().detach();
        let pull = (gradient + (&current * self.weight_decay)?)?;
        let velocity = ((velocity * self.momentum)? + pull)?;
        variable.set(&(current - (&velocity * self.learning_rate)?)?)?;
        Ok(velocity)
    }

    /// The same numbers in two passes, without new memory and without the library's own threads, which showed in a profile
    /// of the training.
    fn step_in_place(self, variable: &Var, gradient: &Tensor, velocity: Tensor) -> Result<Tensor> {
        velocity.inplace_op3(gradient, variable, &Turn(self))?;
        variable.inplace_op2(&velocity, &Move(self))?;
        Ok(velocity)
    }
}

/// `v <- momentum v + (g + weight_decay p)`
struct Turn(SgdSettings);

impl InplaceOp3 for Turn {
    fn name(&self) -> &'static str {
        "sgd-turn"
    }

    fn cpu_fwd(
        &self,
        velocity: &mut CpuStorage,
        velocity_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        variable: &CpuStorage,
        variable_layout: &Layout,
    ) -> Result<()> {
        let (momentum, decay) = (self.0.momentum as f32, self.0.weight_decay as f32);
        let (gradient, variable) = (floats(gradient, gradient_layout)?, floats(variable, variable_layout)?);
        let velocity = floats_mut(velocity, velocity_layout)?;
        let parts = velocity.par_chunks_mut(PART).zip(gradient.par_chunks(PART)).zip(variable.par_chunks(PART));
        parts.for_each(|((velocity, gradient), variable)| {
            for ((v, g), p) in velocity.iter_mut().zip(gradient).zip(variable) {
                *v = *v * momentum + (g + p * decay);
            }
        });
        Ok(())
    }
}

/// `p <- p - learning_rate v`
struct Move(SgdSettings);

impl InplaceOp2 for Move {
    fn name(&self) -> &'static str {
        "sgd-move"
    }

    fn cpu_fwd(
        &self,
        variable: &mut CpuStorage,
        variable_layout: &Layout,
        velocity: &CpuStorage,
        velocity_layout: &Layout,
    ) -> Result<()> {
        let rate = self.0.learning_rate as f32;
        let velocity = floats(velocity, velocity_layout)?;
        let variable = floats_mut(variable, variable_layout)?;
        variable.par_chunks_mut(PART).zip(velocity.par_chunks(PART)).for_each(|(variable, velocity)| {
            for (p, v) in variable.iter_mut().zip(velocity) {
                *p -= v * rate;
            }
        });
        Ok(())
    }
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice()?[start..end]),
        None => bail!("the optimiser needs contiguous tensors"),
    }
}

fn floats_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("the optimiser needs contiguous tensors in float32"),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn in_place_and_in_tensor_operations_are_the_same_numbers() -> Result<()> {
        let settings = SgdSettings { learning_rate: 0.1, momentum: 0.9, weight_decay: 5e-4 };
        let len = 3 * PART + 5;
        let values =
            |seed: usize| -> Vec<f32> { (0..len).map(|i| ((i * 31 + seed) % 97) as f32 / 48.0 - 1.0).collect() };
        let place = |seed: usize| Tensor::from_vec(values(seed), len, &Device::Cpu);
        let [one, other] = [Var::from_tensor(&place(1)?)?, Var::from_tensor(&place(1)?)?];
        let [mut in_place, mut plain] = [one.zeros_like()?, other.zeros_like()?];
        for step in 2..5 {
            let gradient = place(step)?;
            in_place = settings.step_in_place(&one, &gradient, in_place)?;
            plain = settings.step(&other, &gradient, &plain)?;
        }
        assert_eq!(one.to_vec1::<f32>()?, other.to_vec1::<f32>()?);
        assert_eq!(in_place.to_vec1::<f32>()?, plain.to_vec1::<f32>()?);
        assert_ne!(one.to_vec1::<f32>()?, values(1), "it has moved");
        Ok(())
    }
}
