//! The forward pass of a step: real and synthetic images, augmented alike, through its networks, and the penalty that each term makes of
//! their features; and the way back from a loss to the stored pixels.

use std::{ops::Range, sync::Arc};

use candle_core::{Tensor, Var};
use rayon::prelude::*;

use super::{
    Matching,
    terms::{NetworkKind, TermInput},
};
use crate::{
    distilled::{Packing, SyntheticSet},
    error::{Error, Result},
    methods::{Method as _, Pretrained},
    nn::{
        Network,
        augment::{Draw, Prepared},
        init::Init,
    },
    random::{Purpose, choose, stream},
};

/// Values of real images that a chunk of classes may hold where nobody says how many classes it has.
const CHUNK_VALUES: usize = 1 << 20;

/// The networks of a step, and the images that pass them.
pub(super) struct StepNetworks {
    step: u64,
    /// The images as each class finds them at its own turn.
    images: SyntheticSet,
    /// Drawn afresh and never trained, or one of the queue.
    network: Box<dyn Network>,
    /// Its running accuracy on the real images while it learned, a fraction of 1.
    accuracy: f64,
    /// One of the pool, where there is one.
    pretrained: Option<Arc<Pretrained>>,
}

impl StepNetworks {
    pub(super) fn draw(run: &Matching, step: u64) -> Result<Self> {
        if run.lacks_pool() {
            return Err(Error::Config("a term needs networks that were not trained yet".to_owned()));
        }
        let (network, accuracy) = if let Some(queue) = &run.queue {
            queue.draw(step)?
        } else {
            let mut rng = stream(run.seed, Purpose::MatchingNetwork, step, 0);
            let init = Init::frozen(&mut rng, &run.device);
            (run.spec.network.build(run.data.shape(), run.data.classes(), init)?, 0.0)
        };
        let mut rng = stream(run.seed, Purpose::PoolNetwork, step, 0);
        let pretrained = choose(run.pool.len(), 1, &mut rng).first().map(|&index| run.pool[index].clone());
        Ok(Self { step, images: run.images_in_turn(), network, accuracy, pretrained })
    }

    /// A network with the median real distance in its features; none where it is not there.
    fn of(&self, kind: NetworkKind) -> Option<(&dyn Network, f64)> {
        match (kind, &self.pretrained) {
            (NetworkKind::OfStep, _) => Some((self.network.as_ref(), 1.0)),
            (NetworkKind::Pretrained, Some(one)) => Some((one.network.as_ref(), one.typical_distance)),
            (NetworkKind::Pretrained, None) => None,
        }
    }
}

/// What a chunk of classes gave.
pub(super) struct ForwardPass {
    /// Unweighted penalty of each class `(c,)`, for each term; none for those that are not computed.
    pub(super) penalties: Vec<Option<Tensor>>,
    /// The synthetic images that passed: augmented, plain, or both.
    inputs: Vec<Input>,
    packing: Packing,
    /// Stored values of all classes of the chunk.
    len: usize,
    /// Stored images of a class.
    per_class: usize,
}

/// Synthetic images with what they went through.
struct Input {
    images: Var,
    augmentations: Vec<Prepared<f32>>,
}

impl ForwardPass {
    /// The forward pass of the classes at `positions`, for all terms that a step computes.
    pub(super) fn new(run: &mut Matching, networks: &StepNetworks, positions: Range<usize>) -> Result<Self> {
        let images = &networks.images;
        let computed: Vec<usize> = run.computed().collect();
        let len = positions.len() * images.per_class * images.shape.len();
        let packing = Packing::new(images.shape, images.packing);
        let penalties = vec![None; run.terms.len()];
        let mut pass = Self { penalties, inputs: Vec::new(), packing, len, per_class: images.per_class };
        for augmented in [true, false] {
            let alike = |position: &usize| run.terms[*position].term.needs().augmented == augmented;
            let terms: Vec<usize> = computed.iter().copied().filter(alike).collect();
            if !terms.is_empty() {
                pass.compute(run, networks, &terms, positions.clone(), augmented)?;
            }
        }
        Ok(pass)
    }

    /// The penalties of some terms, which all need augmented images or all plain ones.
    fn compute(
        &mut self,
        run: &mut Matching,
        networks: &StepNetworks,
        terms: &[usize],
        positions: Range<usize>,
        augmented: bool,
    ) -> Result<()> {
        let StepNetworks { step, images, accuracy, .. } = networks;
        let classes = positions.len();
        let draw = |position| if augmented { run.augmentation(*step, position) } else { Draw::Identity };
        let augmentations: Vec<Prepared<f32>> =
            positions.clone().map(|position| draw(position).prepare(run.data.shape())).collect();
        let labels = images.classes[positions.clone()].to_vec();
        let synthetic = self.synthetic_images(images, positions.clone(), &augmentations);
        let synthetic = Var::from_tensor(&run.tensor(synthetic)?)?; // (c m, channels, height, width)
        for kind in [NetworkKind::OfStep, NetworkKind::Pretrained] {
            let needs = |position: usize| run.terms[position].term.needs();
            let terms: Vec<usize> = terms.iter().copied().filter(|&position| needs(position).network == kind).collect();
            let Some((network, typical_distance)) = networks.of(kind).filter(|_| !terms.is_empty()) else { continue };
            let by_class = |rows: Tensor| rows.reshape((classes, (), rows.dim(1)?));
            let real = match terms.iter().any(|&position| needs(position).real) {
                true => {
                    let real = run.tensor(run.real_images(*step, positions.clone(), &augmentations))?;
                    Some(by_class(network.embed(&real)?)?.detach()) // (c, n, d)
                }
                false => None,
            };
            let features = network.embed(&synthetic)?; // (c m, d)
            let logits = match terms.iter().any(|&position| needs(position).logits) {
                true => Some(logits_by_class(network, &features, classes)?), // (c, m, k)
                false => None,
            };
            let input = TermInput {
                real,
                synthetic: by_class(features)?, // (c, m, d)
                logits,
                labels: labels.clone(),
                accuracy: *accuracy,
                channels: network.maps()[0],
                typical_distance,
            };
            for position in terms {
                let parameters = run.parameters(position);
                self.penalties[position] = Some(run.terms[position].term.penalty(&input, &parameters)?);
            }
        }
        self.inputs.push(Input { images: synthetic, augmentations });
        Ok(())
    }

    /// The gradient of a loss that was made of the penalties, carried back to the stored images, before augmentation and
    /// expansion; zero where there is no loss.
    pub(super) fn backward(&self, loss: Option<&Tensor>) -> Result<Vec<f32>> {
        let parts = self.packing.parts();
        let mut back = vec![0.0; self.len];
        let Some(loss) = loss else { return Ok(back) };
        let mut gradients = loss.backward()?;
        for Input { images, augmentations } in &self.inputs {
            let Some(gradient) = gradients.remove(images) else { continue };
            let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
            let len = gradient.len() / (augmentations.len() * self.per_class * parts);
            let mut before = vec![0.0; len];
            for (at, gradient) in gradient.chunks_exact(len).enumerate() {
                let (image, part) = (at / parts, at % parts);
                augmentations[image / self.per_class].adjoint(gradient, &mut before);
                self.packing.adjoint(&before, part, &mut back[image * len..(image + 1) * len]);
            }
        }
        Ok(back)
    }

    /// Synthetic images of some classes, expanded and augmented: `(c, m, channels, height, width)`.
    fn synthetic_images(
        &self,
        set: &SyntheticSet,
        positions: Range<usize>,
        augmentations: &[Prepared<f32>],
    ) -> Vec<f32> {
        let (len, parts) = (set.shape.len(), self.packing.parts());
        let mut images = Vec::with_capacity(positions.len() * set.seen_per_class() * len);
        let mut expanded = vec![0.0; len];
        for (position, augmentation) in positions.zip(augmentations) {
            for stored in set.of_class(position).chunks_exact(len) {
                for part in 0..parts {
                    let start = images.len();
                    images.resize(start + len, 0.0);
                    self.packing.expand(stored, part, &mut expanded);
                    augmentation.apply(&expanded, &mut images[start..]);
                }
            }
        }
        images
    }
}

/// Logits `(c, m, k)`, class by class: the last bits of a product depend on its rows, and chunks must not show.
fn logits_by_class(network: &dyn Network, features: &Tensor, classes: usize) -> Result<Tensor> {
    let count = features.dim(0)? / classes;
    let of_class = |class| network.classify(&features.narrow(0, class * count, count)?);
    Ok(Tensor::stack(&(0..classes).map(of_class).collect::<candle_core::Result<Vec<_>>>()?, 0)?)
}

impl Matching {
    /// Classes that are computed together.
    pub(super) fn chunk(&self) -> usize {
        match self.spec.chunk {
            // Pairs join all classes.
            _ if self.joins_classes() => self.state().images.classes.len(),
            0 => (CHUNK_VALUES / (self.real_count() * self.data.shape().len()).max(1)).max(1),
            classes => classes,
        }
    }

    /// Real images of each class in a step: the batch, or what the smallest class of the data set has.
    fn real_count(&self) -> usize {
        self.spec.real_batch.min(self.data.smallest_class())
    }

    /// Images in a row as a tensor `(n, channels, height, width)`.
    fn tensor(&self, values: Vec<f32>) -> Result<Tensor> {
        let [channels, height, width] = self.data.shape().dims();
        let count = values.len() / self.data.shape().len();
        Ok(Tensor::from_vec(values, (count, channels, height, width), &self.device)?)
    }

    /// What real and synthetic images of a class go through.
    fn augmentation(&self, step: u64, position: usize) -> Draw {
        let class = self.state().images.classes[position];
        if self.spec.augmentation.is_empty() {
            return Draw::Identity;
        }
        let mut rng = stream(self.seed, Purpose::Augmentation, step, u64::from(class));
        Draw::sample(&self.spec.augmentation, self.data.shape(), &mut rng)
    }

    /// Real images of some classes, augmented: `(c, n, channels, height, width)`.
    fn real_images(&self, step: u64, positions: Range<usize>, augmentations: &[Prepared<f32>]) -> Vec<f32> {
        let (len, count) = (self.data.shape().len(), self.real_count());
        let chosen: Vec<u32> = positions
            .flat_map(|position| {
                let class = self.state().images.classes[position];
                let usable = self.data.usable(class);
                let mut rng = stream(self.seed, Purpose::RealBatch, step, u64::from(class));
                choose(usable.len(), count, &mut rng).into_iter().map(|index| usable[index])
            })
            .collect();
        let data = self.data.as_ref();
        let mut images = vec![0.0; chosen.len() * len];
        images.par_chunks_exact_mut(len).enumerate().for_each_init(
            || vec![0.0; len],
            |plain, (index, image)| {
                data.fetch(data.train(), chosen[index], plain);
                augmentations[index / count].apply(plain, image);
            },
        );
        images
    }
}
