//! A batch as a training sees it: images drawn, augmented and mixed on the host.

use candle_core::Tensor;
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
    nn::Device,
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

impl Labels {
    /// A share of every class, `(n, classes)`.
    pub(super) fn shares(&self, classes: usize) -> Vec<f32> {
        match self {
            Self::Soft(shares) => shares.clone(),
            Self::Hard(labels) => {
                let mut shares = vec![0.0; labels.len() * classes];
                shares.chunks_exact_mut(classes).zip(labels).for_each(|(row, &label)| row[label as usize] = 1.0);
                shares
            }
        }
    }
}

impl Batch {
    /// The examples `chosen`, augmented and mixed; `taught` has a label for each example `(all, classes)`, where a teacher
    /// gave them. They count before soft labels of the examples.
    pub(super) fn new(
        examples: &dyn Examples,
        chosen: &[usize],
        recipe: &Recipe,
        (classes, taught): (usize, Option<&[f32]>),
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
        let labels = match taught.or(examples.shares()) {
            Some(taught) => {
                Labels::Soft(chosen.iter().flat_map(|&at| &taught[at * classes..(at + 1) * classes]).copied().collect())
            }
            None => Labels::Hard(chosen.iter().map(|&index| examples.labels()[index]).collect()),
        };
        let mut batch = Self { shape, values, labels };
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
        let shares = self.labels.shares(classes);
        let [channels, height, width] = self.shape.dims();
        let side = (1.0 - rng.random::<f64>()).sqrt();
        let mut span = |whole: usize| {
            let half = side * whole as f64 / 2.0;
            let centre = rng.random::<f64>() * whole as f64;
            let end = |at: f64| at.round().clamp(0.0, whole as f64) as usize;
            end(centre - half)..end(centre + half)
        };
        let (rows, columns) = (span(height), span(width));
        let mut others: Vec<usize> = (0..shares.len() / classes).collect();
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
        let own = shares.chunks_exact(classes).zip(&others);
        let mix = |(own, &other): (&[f32], &usize)| {
            let pairs = own.iter().zip(&shares[other * classes..(other + 1) * classes]);
            pairs.map(|(own, other)| (1.0 - mixed) * own + mixed * other).collect::<Vec<f32>>()
        };
        self.labels = Labels::Soft(own.flat_map(mix).collect());
    }
}

/// What each image goes through, one after the other. Of `rng` are taken: one number for the family of the batch, where one
/// is drawn, then image by image three numbers for each family.
fn draws(augmentation: &Augmentation, count: usize, shape: ImageShape, rng: &mut impl Rng) -> Vec<Vec<Draw>> {
    let of_families = |families: &[Family], rng: &mut _| -> Vec<Vec<Draw>> {
        let draws = |rng: &mut _| families.iter().map(|&family| Draw::of_family(family, shape, rng)).collect();
        (0..count).map(|_| draws(rng)).collect()
    };
    match augmentation {
        Augmentation::OneFamily(families) => {
            let chosen: Vec<Family> = Family::choose(families, rng).into_iter().collect();
            of_families(&chosen, rng)
        }
        Augmentation::Layered(families) => {
            let always = [Family::Flip, Family::Color];
            let listed = always.into_iter().filter(|family| families.contains(family));
            let others: Vec<Family> = families.iter().copied().filter(|family| !always.contains(family)).collect();
            let all: Vec<Family> = listed.chain(Family::choose(&others, rng)).collect();
            of_families(&all, rng)
        }
        Augmentation::Window { flip } => {
            let mirrored: &[Family] = if *flip { &[Family::Flip] } else { &[] };
            let mut draws = |_| {
                let window = Draw::window(shape, rng);
                let flips = mirrored.iter().map(|&family| Draw::of_family(family, shape, rng));
                std::iter::once(window).chain(flips).collect()
            };
            (0..count).map(&mut draws).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluate::{Images, golden::golden},
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
            let batch = Batch::new(&examples(), &[0, 1, 2, 3], &recipe, (4, None), &mut rng);
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
    fn soft_labels_are_mixed_as_hard_ones_are() {
        let recipe = Recipe { cut_mix: 1.0, ..Recipe::pretraining(NetworkSpec::default(), 1) };
        let one_hot: Vec<f32> = (0..16).map(|at| if at % 5 == 0 { 1.0 } else { 0.0 }).collect();
        for seed in 0..9 {
            let of = |taught| {
                let mut rng = stream(seed, Purpose::EvaluationAugmentation, 0, 0);
                Batch::new(&examples(), &[3, 1, 0, 2], &recipe, (4, taught), &mut rng).labels.shares(4)
            };
            assert_eq!(of(None), of(Some(&one_hot)));
        }
    }

    /// Gives the numbers of a list, one after the other.
    struct Told(Vec<f64>, usize);

    impl rand::RngCore for Told {
        fn next_u32(&mut self) -> u32 {
            (self.next_u64() >> 32) as u32
        }
        fn next_u64(&mut self) -> u64 {
            self.1 += 1;
            ((self.0[self.1 - 1] * (1_u64 << 53) as f64) as u64) << 11
        }
        fn fill_bytes(&mut self, _: &mut [u8]) {
            unreachable!("only numbers are drawn")
        }
    }

    /// `tests/fixtures/protocols.py` made the numbers with PyTorch: every layering with the numbers that it draws, in the order
    /// in which it draws them.
    #[test]
    fn every_layering_does_what_pytorch_does() {
        let shape = ImageShape { channels: 3, height: 12, width: 12 };
        let of_idc = Recipe::idc(NetworkSpec::default(), 1, &Family::ALL).augmentation;
        assert_eq!(of_idc, Recipe::ncfm(NetworkSpec::default(), 1, &Family::ALL).augmentation);
        let of_digits = Recipe::idc(NetworkSpec::default(), 1, &Family::WITHOUT_FLIP).augmentation;
        let of_dm = Recipe::dm(NetworkSpec::default(), 1, Family::ALL.to_vec()).augmentation;
        let of_fkd = Recipe::fkd(NetworkSpec::default(), 1, &Family::ALL).augmentation;
        let images = golden("layering.images");
        let count = images.len() / shape.len();
        for (name, augmentation, cases) in
            [("idc", of_idc, 3), ("digits", of_digits, 3), ("dm", of_dm, 6), ("fkd", of_fkd, 1)]
        {
            for case in 0..cases {
                let numbers = golden(&format!("layering.{name}.{case}.numbers"));
                let mut told = Told(numbers, 0);
                let drawn = draws(&augmentation, count, shape, &mut told);
                assert_eq!(told.1, told.0.len(), "{name} {case}: all numbers are taken");
                let outputs = golden(&format!("layering.{name}.{case}.outputs"));
                for ((image, output), draws) in
                    images.chunks_exact(shape.len()).zip(outputs.chunks_exact(shape.len())).zip(drawn)
                {
                    let mut values = image.to_vec();
                    for draw in draws {
                        let mut out = values.clone();
                        draw.apply(&values, &mut out, shape);
                        values = out;
                    }
                    let off = values.iter().zip(output).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(off < 1e-6, "{name} {case}: {off}");
                }
            }
        }
    }
}
