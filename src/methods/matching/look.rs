//! One look at a chunk of classes: real and synthetic images, augmented alike, through the networks of a step, and what
//! the terms say about it.

use std::{ops::Range, sync::Arc};

use candle_core::{Tensor, Var};
use rayon::prelude::*;

use super::{
    Matching,
    terms::{Seen, Through},
};
use crate::{
    distilled::{Packing, SyntheticSet},
    error::Result,
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

/// What a step looks at, and through what.
pub(super) struct Sight {
    step: u64,
    /// The images as each class finds them at its own turn.
    images: SyntheticSet,
    /// Drawn afresh and never trained, or one of the queue.
    matching: Box<dyn Network>,
    /// How much of the real images it named rightly while it learned.
    accuracy: f64,
    /// One of the pool, where there is one.
    pretrained: Option<Arc<Pretrained>>,
}

impl Sight {
    pub(super) fn draw(run: &Matching, step: u64) -> Result<Self> {
        let (matching, accuracy) = if let Some(queue) = &run.queue {
            queue.look(step)?
        } else {
            let mut rng = stream(run.seed, Purpose::MatchingNetwork, step, 0);
            let init = Init::frozen(&mut rng, &run.device);
            (run.spec.network.build(run.data.shape(), run.data.classes(), init)?, 0.0)
        };
        let mut rng = stream(run.seed, Purpose::PoolNetwork, step, 0);
        let pretrained = choose(run.pool.len(), 1, &mut rng).first().map(|&index| run.pool[index].clone());
        Ok(Self { step, images: run.images_in_turn(), matching, accuracy, pretrained })
    }
}

/// What was seen of a chunk of classes.
pub(super) struct Look {
    /// Unweighted penalty of each class `(c,)`, for each term; none for those that are not wanted.
    pub(super) penalties: Vec<Option<Tensor>>,
    /// The synthetic images as they were shown: augmented, plain, or both.
    shown: Vec<Shown>,
    packing: Packing,
    /// Stored values of all classes that are looked at.
    len: usize,
    /// Stored images of a class.
    per_class: usize,
}

/// Synthetic images with what they went through.
struct Shown {
    images: Var,
    augmentations: Vec<Prepared<f32>>,
}

impl Look {
    /// Looks at the classes at `positions` for the terms at `wanted`.
    pub(super) fn at(run: &mut Matching, sight: &Sight, wanted: &[usize], positions: Range<usize>) -> Result<Self> {
        let images = &sight.images;
        let packing = Packing::new(images.shape, images.packing);
        let (per_class, penalties) = (images.per_class, vec![None; run.terms.len()]);
        let len = positions.len() * per_class * images.shape.len();
        let mut look = Self { penalties, shown: Vec::new(), packing, len, per_class };
        for augmented in [true, false] {
            let here = |position: &usize| run.terms[*position].term.needs().augmented == augmented;
            let wanted: Vec<usize> = wanted.iter().copied().filter(here).collect();
            if !wanted.is_empty() {
                look.show(run, sight, &wanted, positions.clone(), augmented)?;
            }
        }
        Ok(look)
    }

    /// Shows images to the terms at `wanted`, which all want them augmented or all as they are.
    fn show(
        &mut self,
        run: &mut Matching,
        sight: &Sight,
        wanted: &[usize],
        positions: Range<usize>,
        augmented: bool,
    ) -> Result<()> {
        let Sight { step, images, .. } = sight;
        let (shape, step) = (run.data.shape(), *step);
        let (classes, n, m) = (positions.len(), run.real_count(), images.seen_per_class());
        let draw = |position| if augmented { run.augmentation(step, position) } else { Draw::Identity };
        let augmentations: Vec<Prepared<f32>> =
            positions.clone().map(|position| draw(position).prepare(shape)).collect();
        let [channels, height, width] = shape.dims();
        let place = |values, count| Tensor::from_vec(values, (classes * count, channels, height, width), &run.device);
        let labels = images.classes[positions.clone()].to_vec();
        let seen = self.synthetic_images(images, positions.clone(), &augmentations);
        let images = Var::from_tensor(&place(seen, m)?)?;
        for through in [Through::Matching, Through::Pretrained] {
            let needs = |position: &usize| run.terms[*position].term.needs();
            let terms: Vec<usize> =
                wanted.iter().copied().filter(|position| needs(position).through == through).collect();
            let (network, typical_distance) = match (through, &sight.pretrained) {
                (Through::Matching, _) => (sight.matching.as_ref(), 1.0),
                (Through::Pretrained, Some(pretrained)) => (pretrained.network.as_ref(), pretrained.typical_distance),
                (Through::Pretrained, None) => continue,
            };
            if terms.is_empty() {
                continue;
            }
            let by_class = |rows: Tensor| rows.reshape((classes, (), rows.dim(1)?));
            let real = match terms.iter().any(|position| needs(position).real) {
                true => {
                    let real = run.real_images(step, positions.clone(), &augmentations);
                    Some(by_class(network.embed(&place(real, n)?)?)?.detach()) // (c, n, d)
                }
                false => None,
            };
            let embedding = network.embed(&images)?; // (c m, d)
            let scores = match terms.iter().any(|position| needs(position).scores) {
                true => {
                    // Class by class: the last bits of a product depend on its rows, and chunks must not show.
                    let of_class = |class| network.classify(&embedding.narrow(0, class * m, m)?);
                    let scores = (0..classes).map(of_class).collect::<candle_core::Result<Vec<_>>>()?;
                    Some(Tensor::stack(&scores, 0)?) // (c, m, k)
                }
                false => None,
            };
            let seen = Seen {
                real,
                synthetic: by_class(embedding)?, // (c, m, d)
                scores,
                labels: labels.clone(),
                accuracy: sight.accuracy,
                channels: network.maps()[0],
                typical_distance,
            };
            for position in terms {
                let parameters = run.parameters(position);
                self.penalties[position] = Some(run.terms[position].term.penalty(&seen, &parameters)?);
            }
        }
        self.shown.push(Shown { images, augmentations });
        Ok(())
    }

    /// The gradient of a loss that was made of the penalties, carried back to the stored images, before augmentation and
    /// expansion.
    pub(super) fn gradient(&self, loss: Option<&Tensor>) -> Result<Vec<f32>> {
        let parts = self.packing.parts();
        let mut back = vec![0.0; self.len]; // Nothing is shown where no term is computed.
        let Some(loss) = loss else { return Ok(back) };
        let mut gradients = loss.backward()?;
        for Shown { images, augmentations } in &self.shown {
            let Some(gradient) = gradients.remove(images) else { continue };
            let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
            let len = gradient.len() / (augmentations.len() * self.per_class * parts);
            let mut before = vec![0.0; len];
            for (seen, gradient) in gradient.chunks_exact(len).enumerate() {
                let (image, part) = (seen / parts, seen % parts);
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
