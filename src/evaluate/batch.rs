//! A batch as a training sees it: images drawn, augmented and mixed on the host.

use candle_core::{Device, Tensor};
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Examples,
    recipe::{Augmentation, Recipe},
};
use crate::{
    data::ImageShape,
    error::Result,
    nn::augment::{Draw, Family},
};

/// Images with their labels.
pub(super) struct Batch {
    shape: ImageShape,
    values: Vec<f32>,
    pub(super) labels: Labels,
}

/// What images are called.
pub(super) enum Labels {
    /// One class each.
    Hard(Vec<u32>),
    /// A share of every class, `(n, classes)`.
    Soft(Vec<f32>),
}

impl Batch {
    pub(super) fn new(
        examples: &dyn Examples,
        chosen: &[usize],
        recipe: &Recipe,
        classes: usize,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let shape = examples.shape();
        let draws = draws(&recipe.augmentation, chosen.len(), shape, rng);
        let len = shape.len();
        let mut values = vec![0.0; chosen.len() * len];
        values.par_chunks_exact_mut(len).enumerate().for_each_init(
            || vec![0.0; len],
            |plain, (index, image)| {
                examples.fetch(chosen[index], image);
                for draw in &draws[index] {
                    plain.copy_from_slice(image);
                    draw.apply(plain, image, shape);
                }
            },
        );
        let labels: Vec<u32> = chosen.iter().map(|&index| examples.labels()[index]).collect();
        let mut batch = Self { shape, values, labels: Labels::Hard(labels) };
        if recipe.cut_mix > 0.0 && rng.random::<f64>() < recipe.cut_mix {
            batch.cut_mix(classes, rng);
        }
        batch
    }

    /// `(n, channels, height, width)`
    pub(super) fn images(&self, device: &Device) -> Result<Tensor> {
        let [channels, height, width] = self.shape.dims();
        let count = self.values.len() / self.shape.len();
        Ok(Tensor::from_slice(&self.values, (count, channels, height, width), device)?)
    }

    /// Puts the same rectangle of another image of the batch into each image, and the share of its area into the labels
    /// (CutMix, Yun et al., ICCV 2019). The rectangle has the image's proportions and, before its ends are cut off at
    /// the border, the area `1 - lambda` with `lambda` uniform.
    fn cut_mix(&mut self, classes: usize, rng: &mut ChaCha8Rng) {
        let Labels::Hard(labels) = &self.labels else { return };
        let [channels, height, width] = self.shape.dims();
        let side = (1.0 - rng.random::<f64>()).sqrt();
        let mut span = |whole: usize| {
            let half = side * whole as f64 / 2.0;
            let centre = rng.random::<f64>() * whole as f64;
            let end = |at: f64| at.round().clamp(0.0, whole as f64) as usize;
            end(centre - half)..end(centre + half)
        };
        let (rows, columns) = (span(height), span(width));
        let mut others: Vec<usize> = (0..labels.len()).collect();
        others.shuffle(rng);
        let plain = self.values.clone();
        let len = self.shape.len();
        for (image, &other) in self.values.chunks_exact_mut(len).zip(&others) {
            for (channel, row) in (0..channels).flat_map(|channel| rows.clone().map(move |row| (channel, row))) {
                let start = (channel * height + row) * width;
                let (from, to) = (start + columns.start, start + columns.end);
                image[from..to].copy_from_slice(&plain[other * len + from..other * len + to]);
            }
        }
        let mixed = (rows.len() * columns.len()) as f32 / (height * width) as f32;
        let mut shares = vec![0.0; labels.len() * classes];
        for ((shares, &own), &other) in shares.chunks_exact_mut(classes).zip(labels).zip(&others) {
            shares[own as usize] += 1.0 - mixed;
            shares[labels[other] as usize] += mixed;
        }
        self.labels = Labels::Soft(shares);
    }
}

/// What each image goes through, one after the other.
fn draws(augmentation: &Augmentation, count: usize, shape: ImageShape, rng: &mut ChaCha8Rng) -> Vec<Vec<Draw>> {
    match augmentation {
        Augmentation::OneFamily(families) => match Family::choose(families, rng) {
            None => vec![Vec::new(); count],
            Some(family) => (0..count).map(|_| vec![Draw::of_family(family, shape, rng)]).collect(),
        },
        Augmentation::Batch(families) => {
            let always = [Family::Flip, Family::Color, Family::Cutout];
            let listed: Vec<Family> = always.into_iter().filter(|family| families.contains(family)).collect();
            let others: Vec<Family> = families.iter().copied().filter(|family| !always.contains(family)).collect();
            let all = listed.into_iter().chain(Family::choose(&others, rng));
            let shared: Vec<Draw> = all.map(|family| Draw::of_family(family, shape, rng)).collect();
            vec![shared; count]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluate::Images,
        nn::NetworkSpec,
        random::{Purpose, stream},
    };

    /// Four images of 6x4, each full of its own number, of classes 0 to 3.
    fn examples() -> Images {
        let shape = ImageShape { channels: 2, height: 6, width: 4 };
        let values = (0..4).flat_map(|class| vec![class as f32; shape.len()]).collect();
        Images::new(shape, values, (0..4).collect())
    }

    #[test]
    fn labels_of_mixed_images_are_the_shares_of_their_areas() {
        let plain = Recipe::pretraining(NetworkSpec::default(), 1);
        let recipe = Recipe { cut_mix: 1.0, ..plain };
        for seed in 0..50 {
            let mut rng = stream(seed, Purpose::EvaluationAugmentation, 0, 0);
            let batch = Batch::new(&examples(), &[0, 1, 2, 3], &recipe, 4, &mut rng);
            let Labels::Soft(shares) = &batch.labels else { panic!("mixed images have shares") };
            for (image, shares) in batch.values.chunks_exact(48).zip(shares.chunks_exact(4)) {
                for (class, share) in shares.iter().enumerate() {
                    let area = image.iter().filter(|&&value| value == class as f32).count() as f32 / 48.0;
                    assert!((area - share).abs() < 1e-6, "seed {seed}, class {class}: {area} and {share}");
                }
            }
        }
    }

    #[test]
    fn a_batch_form_gives_all_images_the_same_draws() {
        let mut rng = stream(1, Purpose::EvaluationAugmentation, 0, 0);
        let shape = ImageShape { channels: 3, height: 8, width: 8 };
        let families = Augmentation::Batch(vec![Family::Color, Family::Cutout, Family::Crop]);
        let draws = draws(&families, 5, shape, &mut rng);
        assert!(draws.iter().all(|one| *one == draws[0]) && draws[0].len() == 3);
        assert!(matches!(draws[0][..], [Draw::Color { .. }, Draw::Cutout { .. }, Draw::Crop { .. }]));
    }
}
