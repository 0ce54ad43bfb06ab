//! The images that are being distilled, as plain numbers on the host.
//!
//! Values are normalised and never clamped, as in the reference code of DC, DSA and DM; they are brought back to the
//! data's range and clamped only where they are shown or written as 8-bit pictures.

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
        Self { per_class: self.seen_per_class(), packing: 1, values, classes: self.classes.clone(), ..*self }
    }

    /// Bytes at one byte a value: what the images take as 8-bit pictures before compression.
    pub fn bytes(&self) -> u64 {
        self.values.len() as u64
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
