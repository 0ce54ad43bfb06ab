//! The potential energy of the synthetic images of all classes: PEMDD's idea (ACCVW 2022) as a constraint on matching.

use candle_core::{D, Result, Tensor};

use super::{Needs, NetworkKind, Parameter, Term, TermInput};
use crate::methods::Scope;

/// Added to every scaled distance, as released.
const OFFSET: f64 = 0.3;
/// Squared distances are no smaller where a root is taken.
const SMALLEST: f64 = 1e-8;

/// `(C / 2P) sum_{i in class} sum_{j != i} E(gamma_ij |g(s_i) - g(s_j)| / t + 0.3)` with `E(r) = r^-3 - r^-2` over all
/// `P = n (n - 1) / 2` pairs of synthetic images, one number for each of `C` classes; their mean is the mean energy of a pair.
///
/// `gamma` is 1 for images of one class and the parameter `ratio` for images of two, `g` a network that was trained on real
/// images, `t` the median distance of its real features to the mean of their class. A class draws into a ball 1.2 `t` wide, and
/// balls keep 1.2 `t` / ratio apart.
///
/// *Ours*: the paper learns a map of frozen features with this energy; as a term on pixels it is not published. Pairs join all
/// classes, so parts of a run cannot be made alone.
pub struct Energy;

impl Term for Energy {
    fn id(&self) -> &'static str {
        "energy"
    }

    fn meaning(&self) -> &'static str {
        "Draws classes into compact balls that keep apart in the eyes of a trained network (ours, after PEMDD)"
    }

    fn needs(&self) -> Needs {
        Needs { network: NetworkKind::Pretrained, real: false, augmented: true, logits: false }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let meaning =
            "How much nearer images of two classes seem than they are: balls rest 1 / ratio times as far apart";
        vec![Parameter { id: "ratio", meaning, default: 0.5 }]
    }

    fn scope(&self) -> Scope {
        Scope::Set
    }

    fn penalty(&mut self, input: &TermInput, parameters: &[f64]) -> Result<Tensor> {
        let (classes, images, dimensions) = input.synthetic.dims3()?;
        let (count, device) = (classes * images, input.synthetic.device());
        let points = (input.synthetic.reshape((count, dimensions))? / input.typical_distance.max(f64::MIN_POSITIVE))?;
        let squares = points.sqr()?.sum_keepdim(D::Minus1)?; // (n, 1)
        let products = (points.matmul(&points.t()?)? * -2.0)?;
        let distances = products.broadcast_add(&squares)?.broadcast_add(&squares.t()?)?.maximum(SMALLEST)?.sqrt()?;
        let pair = |value: &dyn Fn(usize, usize) -> f64| -> Result<Tensor> {
            let values: Vec<f64> = (0..count * count).map(|at| value(at / count, at % count)).collect();
            Tensor::from_vec(values, (count, count), device)?.to_dtype(input.synthetic.dtype())
        };
        let gamma = pair(&|one, other| if one / images == other / images { 1.0 } else { parameters[0] })?;
        let counts = pair(&|one, other| f64::from(u8::from(one != other)))?;
        let inverse = ((distances * gamma)? + OFFSET)?.recip()?;
        let energies = ((inverse.sqr()? * (inverse - 1.0)?)? * counts)?; // (n, n)
        let pairs = (count * count.saturating_sub(1)) as f64 / 2.0;
        let of_class = energies.sum(D::Minus1)?.reshape((classes, images))?.sum(D::Minus1)?;
        of_class * (classes as f64 / (2.0 * pairs.max(1.0)))
    }
}
