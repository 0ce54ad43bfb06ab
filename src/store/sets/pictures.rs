//! Sets as pictures: `images/CLASS/000.png`, which any program that reads folders of classes takes, and one contact sheet
//! with a row for each class.

use std::{fs, path::Path};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::{FloatImages, State};
use crate::{
    data::{Dataset, read_picture},
    distill::SyntheticSet,
    error::{Error, Result},
    store::{export::write_pictures, files},
};

/// Pixels between the pictures of the sheet.
const GAP: usize = 2;

/// Writes the pictures and the sheet; `values` lie between 0 and 1.
pub(super) fn write(folder: &Path, set: &SyntheticSet, data: &Dataset, values: &[f32]) -> Result<()> {
    write_pictures(set, data, values, &folder.join("images"))?;
    let path = folder.join("contact-sheet.png");
    let (width, height, pixels) = sheet(set, values);
    files::replace(&path, |out| {
        PngEncoder::new(out).write_image(&pixels, width, height, ExtendedColorType::Rgb8).map_err(std::io::Error::other)
    })
}

/// All images on white, in colour.
fn sheet(set: &SyntheticSet, values: &[f32]) -> (u32, u32, Vec<u8>) {
    let [channels, height, width] = set.shape.dims();
    let (cell_width, cell_height) = (width + GAP, height + GAP);
    let (wide, high) = (set.per_class * cell_width + GAP, set.classes.len() * cell_height + GAP);
    let mut pixels = vec![255; 3 * wide * high];
    for (index, image) in values.chunks_exact(set.shape.len()).enumerate() {
        let (left, top) = (GAP + index % set.per_class * cell_width, GAP + index / set.per_class * cell_height);
        for position in 0..set.shape.plane() {
            let at = 3 * ((top + position / width) * wide + left + position % width);
            for channel in 0..3 {
                let value = image[(channel % channels) * set.shape.plane() + position];
                pixels[at + channel] = (value * 255.0).round() as u8;
            }
        }
    }
    (wide as u32, high as u32, pixels)
}

/// Reads pictures in folders named after the classes of `data`; other folders are a fault, since labels would be lost.
pub(super) fn read(folder: &Path, data: &Dataset) -> Result<(FloatImages, Vec<u32>)> {
    let inner = folder.join("images");
    let folder = if inner.is_dir() { inner.as_path() } else { folder };
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    let [channels, height, _] = data.shape().dims();
    for place in entries(folder)? {
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !place.is_dir() || name.starts_with('.') {
            continue;
        }
        let class = (0..data.classes() as u32).find(|&class| data.class_name(class) == name).ok_or_else(|| {
            Error::Data(format!(
                "{}: {} has no class \"{name}\". Folders are named after its classes",
                place.display(),
                data.name()
            ))
        })?;
        for path in entries(&place)? {
            let picture = read_picture(&path, height)
                .map_err(|error| Error::Data(format!("{}: it cannot be read ({error})", path.display())))?;
            for channel in 0..channels {
                values.extend(picture.pixels().map(|pixel| f32::from(pixel.0[channel]) / 255.0));
            }
            labels.push(class);
        }
    }
    if labels.is_empty() {
        return Err(Error::Data(format!("{} has no pictures in folders named after the classes", folder.display())));
    }
    Ok((FloatImages { dims: data.shape().dims(), values, state: State::OwnRange }, labels))
}

fn entries(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let mut paths =
        entries.map(|entry| Ok(entry.map_err(Error::file("read", folder))?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}
