//! Where parameters come from: drawn from a named stream, frozen or as variables; or known already.
//!
//! The law is PyTorch's default for convolutions and linear layers, weight and bias alike:
//! uniform on `[-1/sqrt(fan_in), 1/sqrt(fan_in))`.

use candle_core::{DType, Device, Result, Shape, Tensor, Var, bail};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Draws parameters in the order in which a network asks for them.
pub struct Init<'a> {
    rng: &'a mut ChaCha8Rng,
    device: &'a Device,
    dtype: DType,
    variables: Option<Vec<Var>>,
    known: Option<std::vec::IntoIter<Tensor>>,
}

impl<'a> Init<'a> {
    /// Parameters of a network that is only looked through.
    pub fn frozen(rng: &'a mut ChaCha8Rng, device: &'a Device) -> Self {
        Self { rng, device, dtype: DType::F32, variables: None, known: None }
    }

    /// Parameters of a network that learns.
    pub fn trainable(rng: &'a mut ChaCha8Rng, device: &'a Device) -> Self {
        Self { variables: Some(Vec::new()), ..Self::frozen(rng, device) }
    }

    /// Takes known parameters, in the order of [`Network::variables`](super::Network::variables), instead of what is
    /// drawn.
    #[must_use]
    pub fn with_known(mut self, parameters: Vec<Tensor>) -> Self {
        self.known = Some(parameters.into_iter());
        self
    }

    /// In another precision; the numbers are the same draws.
    #[must_use]
    pub fn with_dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// True if the network will not learn.
    pub fn is_frozen(&self) -> bool {
        self.variables.is_none()
    }

    /// `count` numbers of the law for a layer with `fan_in` inputs.
    pub fn draw(&mut self, count: usize, fan_in: usize) -> Vec<f32> {
        let bound = 1.0 / (fan_in as f32).sqrt();
        (0..count).map(|_| (2.0 * self.rng.random::<f32>() - 1.0) * bound).collect()
    }

    /// Puts numbers on the device, as a variable unless frozen.
    pub fn place(&mut self, values: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
        let tensor = match &mut self.known {
            None => Tensor::from_vec(values, shape, self.device)?,
            Some(known) => match known.next() {
                Some(tensor) if tensor.dims() == shape.into().dims() => tensor.to_device(self.device)?,
                _ => bail!("the parameters belong to another network"),
            },
        };
        let tensor = tensor.to_dtype(self.dtype)?;
        match &mut self.variables {
            None => Ok(tensor),
            Some(variables) => {
                let variable = Var::from_tensor(&tensor)?;
                variables.push(variable.clone());
                Ok(variable.as_tensor().clone())
            }
        }
    }

    /// Weight `(output, input)` and bias `(output,)` of a linear layer.
    pub fn linear(&mut self, input: usize, output: usize) -> Result<candle_nn::Linear> {
        let weight = self.draw(output * input, input);
        let bias = self.draw(output, input);
        Ok(candle_nn::Linear::new(self.place(weight, (output, input))?, Some(self.place(bias, output)?)))
    }

    /// The variables that were made, in order.
    pub fn into_variables(self) -> Vec<Var> {
        self.variables.unwrap_or_default()
    }
}
