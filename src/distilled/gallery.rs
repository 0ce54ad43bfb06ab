//! All synthetic images in one picture: a row for each class, a cell for each image.

use std::sync::Arc;

use super::SyntheticSet;
use crate::{
    data::Dataset,
    report::{Gallery, GalleryView},
};

/// A change of this size in the data's [0, 1] is shown as full black or white.
const FULL_DIFFERENCE: f32 = 0.5;
/// What is outside by less than half a level of eight bits is shown as what it is.
const HALF_LEVEL: f32 = 0.5 / 255.0;

/// Paints the images. `start` is what they were before the first step. `apart`: mosaics are shown part by part, as networks
/// see them.
pub fn gallery(now: &SyntheticSet, start: &SyntheticSet, data: &Dataset, view: GalleryView, apart: bool) -> Gallery {
    if apart && now.packing > 1 {
        return gallery(&now.expanded(), &start.expanded(), data, view, false);
    }
    // A start of another number cannot stand beside the images.
    let start = if start.values.len() == now.values.len() { start } else { now };
    let (values, first) = (now.denormalised(data), start.denormalised(data));
    let len = now.shape.len();
    let shown: Vec<f32> = match view {
        GalleryView::Now | GalleryView::Opened => values.clone(),
        GalleryView::Start => first.clone(),
        GalleryView::Difference => {
            values.iter().zip(&first).map(|(now, start)| 0.5 + (now - start) / (2.0 * FULL_DIFFERENCE)).collect()
        }
    };
    let pairs = || values.chunks_exact(len).zip(first.chunks_exact(len));
    let distance = |(now, start): (&[f32], &[f32])| {
        let squared: f32 = now.iter().zip(start).map(|(now, start)| (now - start).powi(2)).sum();
        (squared / len as f32).sqrt()
    };
    let outside =
        |image: &[f32]| image.iter().filter(|value| !(-HALF_LEVEL..=1.0 + HALF_LEVEL).contains(*value)).count();
    Gallery {
        view,
        cell: [now.shape.width, now.shape.height],
        grid: [now.per_class, now.classes.len()],
        packing: now.packing,
        rgba: mosaic(&shown, now),
        moved: pairs().map(distance).collect(),
        clipped: values.chunks_exact(len).map(|image| outside(image) as f32 / len as f32).collect(),
        factors: now.factors().unwrap_or_default(),
    }
}

/// Normalised images in rows of `columns`.
pub fn strips(values: Vec<f32>, columns: usize, data: &Dataset) -> Gallery {
    let rows = values.len() / (columns * data.shape().len()).max(1);
    let classes = (0..rows as u32).collect();
    let set = SyntheticSet { shape: data.shape(), classes, per_class: columns, packing: 1, values, masses: None };
    gallery(&set, &set, data, GalleryView::Now, false)
}

/// The first `columns` training images of each class, in rows of their classes; a cell without an image is transparent.
pub fn thumbnails(data: &Dataset, columns: usize) -> Gallery {
    let blank = vec![0.0; data.shape().len()];
    let (mut values, mut is_blank) = (Vec::new(), Vec::new());
    for class in 0..data.classes() as u32 {
        let images = data.train().of_class(class);
        let shown = &images[..columns.min(images.len())];
        values.extend(data.gather(data.train(), shown));
        (shown.len()..columns).for_each(|_| values.extend(&blank));
        is_blank.extend((0..columns).map(|column| column >= shown.len()));
    }
    let mut gallery = strips(values, columns, data);
    let [width, height] = gallery.cell;
    let mut rgba = gallery.rgba.to_vec();
    for (place, pixel) in rgba.chunks_exact_mut(4).enumerate() {
        let (row, column) = (place / (columns * width) / height, place % (columns * width) / width);
        if is_blank[row * columns + column] {
            pixel.fill(0);
        }
    }
    gallery.rgba = rgba.into();
    gallery
}

fn pixel(values: &[f32], channels: usize, area: usize, position: usize) -> [u8; 4] {
    let level = |channel: usize| (values[channel.min(channels - 1) * area + position].clamp(0.0, 1.0) * 255.0).round();
    [level(0) as u8, level(1) as u8, level(2) as u8, 255]
}

fn mosaic(values: &[f32], set: &SyntheticSet) -> Arc<[u8]> {
    let (shape, columns) = (set.shape, set.per_class);
    let area = shape.plane();
    let mut rgba = vec![0; set.len() * area * 4];
    for (index, image) in values.chunks_exact(shape.len()).enumerate() {
        let (row, column) = (index / columns * shape.height, index % columns * shape.width);
        for position in 0..area {
            let (y, x) = (row + position / shape.width, column + position % shape.width);
            let place = (y * columns * shape.width + x) * 4;
            rgba[place..place + 4].copy_from_slice(&pixel(image, shape.channels, area, position));
        }
    }
    rgba.into()
}
