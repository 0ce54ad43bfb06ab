//! What lies outside the ball of its class: class centralization with a threshold, our reading of IID (CVPR 2024).

use candle_core::{Result, Tensor};

use super::{Needs, NetworkKind, Parameter, Term, TermInput, centralization::squared_distances};

/// Steepness of the exponential, as a comment of the released code has it.
const ALPHA: f64 = 0.02;
/// From this exponent on the exponential goes on as its tangent, so that single precision cannot overflow.
const STEEPEST: f64 = 30.0;

/// `sum_i max(0, exp(alpha d_i^2) - beta)` with `d_i = || g(s_i) - gbar ||` and `beta = exp(alpha r^2)`, one number for
/// each class.
///
/// `g` is a network that was trained on real images and `gbar` the mean of the class's synthetic features, through which
/// gradient flows. An image inside the ball of radius `r` around `gbar` costs nothing. `alpha` is 0.02.
///
/// This is *our reading*: the form is recalled from the paper, not checked against it, and the released code has
/// dropped exponential and threshold ([`Centralization`](super::Centralization)). The parameter `radius` is `r` in units
/// of the median distance of real features to the mean of their class in that network, so that 1 means "as close as the
/// closer half of the real images". Departure: above an exponent of 30 the exponential is continued by its tangent.
pub struct Ball;

impl Ball {
    /// The name of its parameter.
    pub const RADIUS: &'static str = "radius";

    /// The radius in the features of a network with this median real distance.
    pub fn radius(parameter: f64, typical_distance: f64) -> f64 {
        parameter * typical_distance
    }
}

impl Term for Ball {
    fn id(&self) -> &'static str {
        "ball"
    }

    fn meaning(&self) -> &'static str {
        "Pulls back the synthetic images that lie outside the ball of their class (our reading of IID's threshold)"
    }

    fn needs(&self) -> Needs {
        Needs { network: NetworkKind::Pretrained, real: false, augmented: true, logits: false }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let meaning = "Radius of the ball; 1 is the median distance of real images to the mean of their class";
        vec![Parameter { id: Self::RADIUS, meaning, default: 1.0 }]
    }

    fn vanishes_alone(&self) -> bool {
        true
    }

    fn penalty(&mut self, input: &TermInput, parameters: &[f64]) -> Result<Tensor> {
        let exponents = (squared_distances(&input.synthetic)? * ALPHA)?; // (c, m)
        let radius = Self::radius(parameters[0], input.typical_distance);
        let threshold = stretched(ALPHA * radius * radius);
        let below = exponents.minimum(STEEPEST)?.exp()?;
        let above = (exponents - STEEPEST)?.relu()?;
        let cost = (below + (above * STEEPEST.exp())?)?;
        (cost - threshold)?.relu()?.sum(1)
    }
}

/// The exponential, continued by its tangent.
fn stretched(exponent: f64) -> f64 {
    exponent.min(STEEPEST).exp() + (exponent - STEEPEST).max(0.0) * STEEPEST.exp()
}
