//! The images that are being distilled, as plain numbers on the host.
//!
//! Values are normalised and never clamped, as in the reference code of DC, DSA and DM; they are brought back to the
//! data's range and clamped only where they are shown or written as 8-bit pictures.

use serde::{Deserialize, Serialize};

use super::Packing;
use crate::data::{Dataset, ImageShape};

/// Synthetic images, class after class.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticSet {
    /// Channels, height and width of each image.
    pub shape: ImageShape,
    /// The classes, as labels of the data set.
    pub classes: Vec<u32>,
    /// Images in each class.
    pub per_class: usize,
    /// Parts of an image along each side, which networks see as images of their own; 1 where images are whole.
    pub packing: usize,
    /// Normalised values: `(classes, per_class, channels, height, width)`.
    pub values: Vec<f32>,
    /// What share of its class each image stands for; none where all count alike.
    pub masses: Option<Masses>,
}

/// How much images stand for, as the cells of a quantizer say it (DDOQ, ICLR 2026).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Masses {
    /// Share of its class that each image stands for; those of a class add up to 1: `(classes * per_class,)`.
    pub shares: Vec<f32>,
    /// The exponent by which they count in training: 0 all alike (D4M), 1 as they are (DDOQ).
    pub tempering: f64,
}

impl Masses {
    /// Factors of the loss of each image: `K w^tau / sum(w^tau)` over the `K` images of its class, so that their mean is 1.
    ///
    /// The paper does not say how masses are normalised; a mean of 1 leaves the rate of a class as it is.
    pub fn factors(&self, per_class: usize) -> Vec<f32> {
        let of_class = |shares: &[f32]| -> Vec<f32> {
            let tempered: Vec<f64> = shares.iter().map(|&share| f64::from(share).powf(self.tempering)).collect();
            let mean = tempered.iter().sum::<f64>() / tempered.len() as f64;
            tempered.into_iter().map(|one| if mean > 0.0 { (one / mean) as f32 } else { 1.0 }).collect()
        };
        self.shares.chunks(per_class.max(1)).flat_map(of_class).collect()
    }
}

impl SyntheticSet {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.classes.len() * self.per_class
    }

    /// True if there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of one class: `(per_class, channels, height, width)`, by its position in `classes`.
    pub fn of_class(&self, position: usize) -> &[f32] {
        let len = self.per_class * self.shape.len();
        &self.values[position * len..(position + 1) * len]
    }

    /// The label of each image.
    pub fn labels(&self) -> Vec<u32> {
        self.classes.iter().flat_map(|&class| std::iter::repeat_n(class, self.per_class)).collect()
    }

    /// Images that networks see in each class.
    pub fn seen_per_class(&self) -> usize {
        self.per_class * self.packing * self.packing
    }

    /// The images as networks see them: every part at the full size, the parts of an image beside each other.
    #[must_use]
    pub fn expanded(&self) -> Self {
        let values = Packing::new(self.shape, self.packing).expand_all(&self.values);
        let parts = self.packing * self.packing;
        let masses = self.masses.as_ref().map(|Masses { shares, tempering }| {
            let shares = shares.iter().flat_map(|share| std::iter::repeat_n(share / parts as f32, parts)).collect();
            Masses { shares, tempering: *tempering }
        });
        Self { per_class: self.seen_per_class(), packing: 1, values, masses, classes: self.classes.clone(), ..*self }
    }

    /// Factors of the loss of each stored image in training, none where all count alike: `(classes * per_class,)`.
    pub fn factors(&self) -> Option<Vec<f32>> {
        self.masses.as_ref().map(|masses| masses.factors(self.per_class))
    }

    /// Bytes at one byte a value: what the images take as 8-bit pictures before compression; masses take four each.
    pub fn bytes(&self) -> u64 {
        self.values.len() as u64 + self.masses.as_ref().map_or(0, |masses| 4 * masses.shares.len() as u64)
    }

    /// The images in the data's own range, not clamped.
    pub fn denormalised(&self, data: &Dataset) -> Vec<f32> {
        let mut values = self.values.clone();
        for image in values.chunks_exact_mut(self.shape.len()) {
            data.normalisation().denormalise(image);
        }
        values
    }
}
