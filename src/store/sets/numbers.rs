//! Numbers of a file with their sizes, and the images that they are.

use crate::data::{ImageShape, pickle::Kind};

/// Numbers as they stand in a file, the last axis fastest.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) sizes: Vec<usize>,
    pub(super) values: Vec<f32>,
    /// True if the file has them as whole numbers.
    pub(super) whole: bool,
}

/// How images lie in an array.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Channels first, or none at all.
    Planes,
    /// Channels last.
    Pixels,
}

impl Numbers {
    pub(super) fn of(kind: Kind, sizes: Vec<usize>, values: Vec<f32>) -> Self {
        Self { sizes, values, whole: kind.is_whole() }
    }

    /// Several behind each other, as images or as labels.
    pub(super) fn joined(parts: Vec<Self>, shape: ImageShape) -> Result<Self, String> {
        let whole = parts.iter().all(|part| part.whole);
        let mut values = Vec::with_capacity(parts.iter().map(|part| part.values.len()).sum());
        for part in parts {
            values.extend(part.images(shape)?.values);
        }
        let [channels, height, width] = shape.dims();
        Ok(Self { sizes: vec![values.len() / shape.len(), channels, height, width], values, whole })
    }

    /// How many images these are, if they are some of this shape.
    pub(super) fn count(&self, shape: ImageShape) -> Option<usize> {
        count(&self.sizes, shape)
    }

    /// Brings them to `(n, channels, height, width)`.
    pub(super) fn images(self, shape: ImageShape) -> Result<Self, String> {
        let [channels, height, width] = shape.dims();
        let (Some(layout), Some(count)) = (layout(&self.sizes, shape), count(&self.sizes, shape)) else {
            return Err(format!(
                "its images have the sizes {:?}, those of the data set are {:?} (channels, height, width); (n, 1 or 3, h, w) is needed",
                self.sizes,
                shape.dims()
            ));
        };
        let mut values = self.values;
        if layout == Layout::Pixels && channels > 1 {
            let mut turned = Vec::with_capacity(values.len());
            for image in values.chunks_exact(shape.len()) {
                (0..channels).for_each(|channel| turned.extend(image.iter().skip(channel).step_by(channels)));
            }
            values = turned;
        }
        Ok(Self { sizes: vec![count, channels, height, width], values, whole: self.whole })
    }
}

/// How many images numbers of these sizes are, if they are some of this shape.
pub(super) fn count(sizes: &[usize], shape: ImageShape) -> Option<usize> {
    layout(sizes, shape)?;
    let total = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
    total.is_multiple_of(shape.len()).then(|| total / shape.len())
}

fn layout(sizes: &[usize], shape: ImageShape) -> Option<Layout> {
    let [channels, height, width] = shape.dims();
    if sizes.ends_with(&[channels, height, width]) || sizes.len() == 2 && sizes[1] == shape.len() {
        return Some(Layout::Planes);
    }
    if sizes.ends_with(&[height, width, channels]) {
        return Some(Layout::Pixels);
    }
    (channels == 1 && sizes.len() < 4 && sizes.ends_with(&[height, width])).then_some(Layout::Planes)
}
