//! How a network that is being trained names the synthetic images (IDM, CVPR 2023).

use candle_core::{D, Result, Tensor};

use super::{Base, Needs, NetworkKind, PaperCase, Term, TermInput, paper::marks};
use crate::report::PaperMark;

/// `a (1/m) sum_i -log softmax(h(s_i))_y`, one number for each class `y`, in nats.
///
/// `h` are the logits of the network of the step, `a` its running accuracy on real images in percent (0 to 100): the better
/// it knows the real images, the more its word counts. A network that has learned nothing yet has `a = 0`; where networks
/// never learn, the term has no effect. Source: section 3.3 of IDM, `IDM_cifar10.py` of uitrbn/IDM, weight 0.5 for CIFAR-10
/// with 1 or 10 images in each class and 0.1 with 50.
pub struct CrossEntropy;

impl Term for CrossEntropy {
    fn id(&self) -> &'static str {
        "cross_entropy"
    }

    fn meaning(&self) -> &'static str {
        "Lets networks that learn real images recognise the synthetic ones; counts more as they get better"
    }

    fn paper(&self, case: PaperCase<'_>) -> Vec<PaperMark> {
        const ROWS: [(&str, [f64; 3]); 3] =
            [("cifar10", [0.5, 0.5, 0.1]), ("cifar100", [0.5, 0.1, 0.1]), ("tiny-imagenet", [0.5, 0.5, 0.8])];
        let of_set = |(data, weights): (&'static str, [f64; 3])| {
            [1, 10, 50].into_iter().zip(weights).map(move |(images, weight)| (Base::Idm, data, images, weight))
        };
        marks(&ROWS.into_iter().flat_map(of_set).collect::<Vec<_>>(), case, false)
    }

    fn needs(&self) -> Needs {
        Needs { network: NetworkKind::OfStep, real: false, augmented: true, logits: true }
    }

    fn penalty(&mut self, input: &TermInput, _parameters: &[f64]) -> Result<Tensor> {
        let Some(logits) = &input.logits else { candle_core::bail!("the term did not ask for logits") };
        let (classes, images, _) = logits.dims3()?;
        let labels = Tensor::from_slice(&input.labels, (classes, 1, 1), logits.device())?;
        let labels = labels.broadcast_as((classes, images, 1))?.contiguous()?;
        let logarithms = candle_nn::ops::log_softmax(logits, D::Minus1)?; // (c, m, k)
        logarithms.gather(&labels, 2)?.squeeze(2)?.mean(1)? * (-100.0 * input.accuracy)
    }
}
