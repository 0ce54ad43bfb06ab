//! Gradient descent as PyTorch computes it: with momentum and weight decay (SGD), or by moments of the gradient (Adam).

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

/// Shares of the last first and second moment that Adam keeps.
const BETAS: [f64; 2] = [0.9, 0.999];
/// Added to the root of the second moment.
const EPSILON: f64 = 1e-8;

/// `m <- b1 m + (1 - b1) g`, `v <- b2 v + (1 - b2) g^2`, `p <- p - rate m' / (sqrt(v') + eps)`, with `m'` and `v'` freed of their start at
/// zero (Kingma and Ba, ICLR 2015).
///
/// The library's optimiser makes a dozen tensors a step, which was a third of the training of a small network.
pub struct Adam {
    rate: f64,
    variables: Vec<Var>,
    /// First and second moment of each.
    moments: Vec<[Tensor; 2]>,
    steps: i32,
}

impl Adam {
    /// An optimiser without memory yet.
    pub fn new(variables: Vec<Var>, rate: f64) -> Result<Self> {
        let none = |variable: &Var| Ok([variable.zeros_like()?, variable.zeros_like()?]);
        let moments = variables.iter().map(none).collect::<Result<Vec<_>>>()?;
        Ok(Self { rate, variables, moments, steps: 0 })
    }

    /// One step against the gradients; a variable without one is left alone.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.steps += 1;
        let unbias = BETAS.map(|beta| 1.0 - beta.powi(self.steps));
        for (variable, moments) in self.variables.iter().zip(&mut self.moments) {
            let Some(gradient) = gradients.get(variable) else { continue };
            if variable.device().is_cpu() && variable.dtype() == DType::F32 {
                let gradient = gradient.contiguous()?;
                moments[0].inplace_op2(&gradient, &Blend { beta: BETAS[0], squared: false })?;
                moments[1].inplace_op2(&gradient, &Blend { beta: BETAS[1], squared: true })?;
                variable.inplace_op3(&moments[0], &moments[1], &Settle { rate: self.rate, unbias })?;
                continue;
            }
            for (moment, (beta, gradient)) in
                moments.iter_mut().zip([(BETAS[0], gradient.clone()), (BETAS[1], gradient.sqr()?)])
            {
                *moment = ((&*moment * beta)? + (gradient * (1.0 - beta))?)?;
            }
            let root = ((&moments[1] / unbias[1])?.sqrt()? + EPSILON)?;
            let way = (((&moments[0] / unbias[0])? / root)? * self.rate)?;
            variable.set(&(variable.as_tensor().detach() - way)?)?;
        }
        Ok(())
    }

    /// Changes the rate and keeps the moments.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }
}

/// `m <- beta m + (1 - beta) g`, or `g^2`.
struct Blend {
    beta: f64,
    squared: bool,
}

impl InplaceOp2 for Blend {
    fn name(&self) -> &'static str {
        "adam-blend"
    }

    fn cpu_fwd(
        &self,
        moment: &mut CpuStorage,
        moment_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let (beta, rest, gradient) = (self.beta as f32, (1.0 - self.beta) as f32, floats(gradient, gradient_layout)?);
        let moment = floats_mut(moment, moment_layout)?;
        moment.par_chunks_mut(PART).zip(gradient.par_chunks(PART)).for_each(|(moment, gradient)| {
            for (m, &g) in moment.iter_mut().zip(gradient) {
                *m = beta * *m + rest * if self.squared { g * g } else { g };
            }
        });
        Ok(())
    }
}

/// `p <- p - rate m' / (sqrt(v') + eps)`
struct Settle {
    rate: f64,
    unbias: [f64; 2],
}

impl InplaceOp3 for Settle {
    fn name(&self) -> &'static str {
        "adam-settle"
    }

    fn cpu_fwd(
        &self,
        variable: &mut CpuStorage,
        variable_layout: &Layout,
        first: &CpuStorage,
        first_layout: &Layout,
        second: &CpuStorage,
        second_layout: &Layout,
    ) -> Result<()> {
        let (rate, unbias) = (self.rate as f32, self.unbias.map(|unbias| unbias as f32));
        let (first, second) = (floats(first, first_layout)?, floats(second, second_layout)?);
        let variable = floats_mut(variable, variable_layout)?;
        let parts = variable.par_chunks_mut(PART).zip(first.par_chunks(PART)).zip(second.par_chunks(PART));
        parts.for_each(|((variable, first), second)| {
            for ((p, m), v) in variable.iter_mut().zip(first).zip(second) {
                *p -= rate * (m / unbias[0]) / ((v / unbias[1]).sqrt() + EPSILON as f32);
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

    /// Minimises the distance to a point, in place and in double precision, where tensor operations do it.
    #[test]
    fn adam_is_the_published_one_in_place_and_in_tensor_operations() -> Result<()> {
        let goal = [0.3, -2.0, 5.0];
        let run = |dtype| -> Result<Vec<f64>> {
            let goal = Tensor::from_slice(&goal, 3, &Device::Cpu)?.to_dtype(dtype)?;
            let variable = Var::zeros(3, dtype, &Device::Cpu)?;
            let mut adam = Adam::new(vec![variable.clone()], 0.1)?;
            for _ in 0..3 {
                adam.step(&(variable.as_tensor() - &goal)?.sqr()?.sum_all()?.backward()?)?;
            }
            variable.to_dtype(DType::F64)?.to_vec1()
        };
        let mut expected = [0.0; 3];
        let (mut first, mut second) = ([0.0; 3], [0.0; 3]);
        for step in 1..=3 {
            for at in 0..3 {
                let slope = 2.0 * (expected[at] - goal[at]);
                first[at] = 0.9 * first[at] + 0.1 * slope;
                second[at] = 0.999 * second[at] + 0.001 * slope * slope;
                let (m, v) = (first[at] / (1.0 - 0.9_f64.powi(step)), second[at] / (1.0 - 0.999_f64.powi(step)));
                expected[at] -= 0.1 * m / (v.sqrt() + 1e-8);
            }
        }
        for (dtype, bound) in [(DType::F32, 1e-6), (DType::F64, 1e-12)] {
            let found = run(dtype)?;
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < bound), "{found:?} {expected:?}");
        }
        Ok(())
    }
}
