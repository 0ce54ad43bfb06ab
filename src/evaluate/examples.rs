//! What a network is trained on: images with labels, wherever they lie.

use std::sync::Arc;

use crate::{
    data::{Dataset, ImageShape},
    distilled::{Packing, SyntheticSet},
};

/// Labelled images.
pub trait Examples: Send + Sync {
    /// Channels, height and width of an image.
    fn shape(&self) -> ImageShape;
    /// The label of each image.
    fn labels(&self) -> &[u32];
    /// How much each image counts, with a mean of 1 in every class; none where all count alike.
    fn factors(&self) -> Option<&[f32]> {
        None
    }
    /// The share of every class in each image, `(n, classes)`; none where each has one class.
    fn shares(&self) -> Option<&[f32]> {
        None
    }
    /// Images that are stored: fewer where they are mosaics.
    fn stored(&self) -> usize {
        self.labels().len()
    }
    /// The normalised image `index` into `out`.
    fn fetch(&self, index: usize, out: &mut [f32]);
}

/// Images in memory, already normalised.
pub struct Images {
    shape: ImageShape,
    values: Vec<f32>,
    labels: Vec<u32>,
    factors: Option<Vec<f32>>,
    shares: Option<Vec<f32>>,
    stored: usize,
}

impl Images {
    /// Normalised images `(n, channels, height, width)` with the class of each.
    pub fn new(shape: ImageShape, values: Vec<f32>, labels: Vec<u32>) -> Self {
        Self { shape, values, stored: labels.len(), labels, factors: None, shares: None }
    }

    /// Mosaics of `packing` by `packing` parts `(n, channels, height, width)` with the class of each, taken apart.
    pub fn packed(shape: ImageShape, values: &[f32], labels: &[u32], packing: usize) -> Self {
        let packing = Packing::new(shape, packing);
        let repeated = labels.iter().flat_map(|&label| std::iter::repeat_n(label, packing.parts())).collect();
        Self { stored: labels.len(), ..Self::new(shape, packing.expand_all(values), repeated) }
    }

    /// What networks see of a synthetic set.
    pub fn of(set: &SyntheticSet) -> Self {
        Self::packed(set.shape, &set.values, &set.labels(), set.packing).counting(set.factors())
    }

    /// Has every stored image count by a factor of its own.
    #[must_use]
    pub fn counting(mut self, factors: Option<Vec<f32>>) -> Self {
        let parts = self.parts();
        let repeated =
            |factors: Vec<f32>| factors.into_iter().flat_map(|one| std::iter::repeat_n(one, parts)).collect();
        self.factors = factors.map(repeated);
        self
    }

    /// Gives every stored image a share of each class: `(stored, classes)`. Networks are trained on them by soft cross-entropy.
    #[must_use]
    pub fn softly_labelled(mut self, shares: Option<Vec<f32>>) -> Self {
        let (parts, stored) = (self.parts(), self.stored.max(1));
        let repeated = |shares: Vec<f32>| {
            let rows = shares.chunks_exact(shares.len() / stored).flat_map(|row| std::iter::repeat_n(row, parts));
            rows.flatten().copied().collect()
        };
        self.shares = shares.filter(|shares| !shares.is_empty()).map(repeated);
        self
    }

    /// Images that networks see of a stored one.
    fn parts(&self) -> usize {
        self.labels.len() / self.stored.max(1)
    }
}

impl Examples for Images {
    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn labels(&self) -> &[u32] {
        &self.labels
    }

    fn factors(&self) -> Option<&[f32]> {
        self.factors.as_deref()
    }

    fn shares(&self) -> Option<&[f32]> {
        self.shares.as_deref()
    }

    fn stored(&self) -> usize {
        self.stored
    }

    fn fetch(&self, index: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.values[index * out.len()..(index + 1) * out.len()]);
    }
}

/// Some of the training images of a data set.
pub struct Chosen {
    data: Arc<Dataset>,
    indices: Vec<u32>,
    labels: Vec<u32>,
}

impl Chosen {
    /// The training images `indices`.
    pub fn new(data: Arc<Dataset>, indices: Vec<u32>) -> Self {
        let labels = indices.iter().map(|&index| data.train().labels()[index as usize]).collect();
        Self { data, indices, labels }
    }

    /// Which training image the example `position` is.
    pub fn index(&self, position: usize) -> u32 {
        self.indices[position]
    }
}

impl Examples for Chosen {
    fn shape(&self) -> ImageShape {
        self.data.shape()
    }

    fn labels(&self) -> &[u32] {
        &self.labels
    }

    fn fetch(&self, index: usize, out: &mut [f32]) {
        self.data.fetch(self.data.train(), self.indices[index], out);
    }
}
