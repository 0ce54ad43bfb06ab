//! Pictures of noise, for timing: as many as wanted, of any size, from nothing but a seed.

use rand::RngCore;

use super::{
    Dataset, ImageShape,
    dataset::{About, Pixels, Split},
};
use crate::{
    error::Result,
    random::{Purpose, stream},
};

/// `per_class` training images and one test image in each class, every level equally likely.
pub fn noise(shape: ImageShape, classes: usize, per_class: usize, seed: u64) -> Result<Dataset> {
    let split = |part: u64, per_class: usize| {
        let mut values = vec![0; classes * per_class * shape.len()];
        stream(seed, Purpose::Noise, part, 0).fill_bytes(&mut values);
        let labels = (0..classes as u32).flat_map(|class| std::iter::repeat_n(class, per_class)).collect();
        Split::new(Pixels::Bytes { values: values.into(), white: 255 }, labels, shape, classes)
    };
    let about = About {
        name: "noise".to_owned(),
        origin: "made up from a seed".to_owned(),
        class_names: (0..classes).map(|class| class.to_string()).collect(),
        shape,
        normalisation: None,
        split: "made up from a seed".to_owned(),
    };
    Dataset::new(about, split(0, per_class)?, split(1, 1)?)
}
