//! Sets as pictures: `images/CLASS/000.png`, which any program that reads folders of classes takes, and one contact sheet
//! with a row for each class. Soft labels stand beside the classes in `soft-labels.json`, by the path of each picture.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::{Found, Labelled, Numbers, card::Card, labels::classes_of, range::Said};
use crate::{
    data::{Dataset, read_picture},
    error::{Error, Result},
    report::ValueRange,
    store::{
        export::{class_folders, write_picture},
        files,
    },
};

/// Pixels between the pictures of the sheet.
const GAP: usize = 2;
/// Name of the folder of classes.
pub(super) const FOLDER: &str = "images";
/// Name of the file of soft labels in it.
const SOFT_LABELS: &str = "soft-labels.json";
/// What systems leave in folders.
const LEFT_BEHIND: [&str; 3] = ["Thumbs.db", "desktop.ini", "__MACOSX"];

/// Writes the pictures and the sheet; `values` lie between 0 and 1.
pub(super) fn write(folder: &Path, set: &Labelled, data: &Dataset, values: &[f32]) -> Result<()> {
    let names = class_folders(data);
    let mut next = vec![0; names.len()];
    let digits = set.labels.len().to_string().len().max(3); // Names in order are pictures in order.
    let mut shares = BTreeMap::new();
    for (index, (image, &class)) in values.chunks_exact(set.shape.len()).zip(&set.labels).enumerate() {
        let place = format!("{}/{:0digits$}.png", names[class as usize], next[class as usize]);
        next[class as usize] += 1;
        write_picture(set.shape, image, &folder.join(FOLDER).join(&place))?;
        if let Some(all) = &set.shares {
            shares.insert(place, &all[index * data.classes()..(index + 1) * data.classes()]);
        }
    }
    if !shares.is_empty() {
        files::replace(&folder.join(FOLDER).join(SOFT_LABELS), |out| Ok(serde_json::to_writer(out, &shares)?))?;
    }
    let path = folder.join("contact-sheet.png");
    let (width, height, pixels) = sheet(set, values);
    files::replace(&path, |out| {
        PngEncoder::new(out).write_image(&pixels, width, height, ExtendedColorType::Rgb8).map_err(std::io::Error::other)
    })
}

/// All images on white, in colour, a row for each class.
fn sheet(set: &Labelled, values: &[f32]) -> (u32, u32, Vec<u8>) {
    let [channels, height, width] = set.shape.dims();
    let (cell_width, cell_height) = (width + GAP, height + GAP);
    let mut rows: BTreeMap<u32, Vec<&[f32]>> = BTreeMap::new();
    let images = values.chunks_exact(set.shape.len());
    images.zip(&set.labels).for_each(|(image, &class)| rows.entry(class).or_default().push(image));
    let longest = rows.values().map(Vec::len).max().unwrap_or(0);
    let (wide, high) = (longest * cell_width + GAP, rows.len() * cell_height + GAP);
    let mut pixels = vec![255; 3 * wide * high];
    for (row, images) in rows.values().enumerate() {
        for (column, image) in images.iter().enumerate() {
            let (left, top) = (GAP + column * cell_width, GAP + row * cell_height);
            for position in 0..set.shape.plane() {
                let at = 3 * ((top + position / width) * wide + left + position % width);
                for channel in 0..3 {
                    let value = image[(channel % channels) * set.shape.plane() + position];
                    pixels[at + channel] = (value * 255.0).round() as u8;
                }
            }
        }
    }
    (wide as u32, high as u32, pixels)
}

/// Reads pictures in folders of classes: by the names of `card` or of `data`, else by number. What is no picture is counted.
pub(super) fn read(folder: &Path, data: &Dataset, card: Option<&Card>) -> Result<Found> {
    let fault = |what: String| Error::Data(format!("{}: {what}", folder.display()));
    let known = Known::of(data, card);
    let (places, mut skipped) = class_places(folder, &known)?;
    let names: Vec<String> = places.iter().map(|place| name_of(place)).collect();
    let (classes, note) = classes_of(&names, |name| known.class(name), data.classes()).map_err(|odd| {
        fault(format!(
            "{} has no class \"{odd}\". Folders are named after its classes, or numbered from 0",
            data.name()
        ))
    })?;
    let mut places: Vec<(u32, PathBuf)> = classes.into_iter().zip(places).collect();
    places.sort();
    let soft = soft_labels(folder)?;
    let [channels, height, width] = data.shape().dims();
    let (mut values, mut labels, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for (class, place) in places {
        for path in entries(&place)? {
            let picture = match read_picture(&path, [height, width]) {
                Ok(picture) => picture,
                Err(_) if !looks_like_a_picture(&path) => {
                    skipped += 1;
                    continue;
                }
                Err(error) => {
                    return Err(Error::Data(format!("{}: it cannot be read ({error})", path.display())));
                }
            };
            for channel in 0..channels {
                values.extend(picture.pixels().map(|pixel| f32::from(pixel.0[channel]) / 255.0));
            }
            labels.push(class as f32);
            if let Some(soft) = &soft {
                let key = format!("{}/{}", name_of(&place), name_of(&path));
                let row = soft.get(&key).filter(|row| row.len() == data.classes());
                shares.extend(
                    row.ok_or_else(|| fault(format!("{SOFT_LABELS} has no {} shares for {key}", data.classes())))?,
                );
            }
        }
    }
    if labels.is_empty() {
        return Err(fault("has no pictures in folders named after the classes".to_owned()));
    }
    let count = labels.len();
    let mut found = Found::of(Numbers { sizes: vec![count, channels, height, width], values, whole: false });
    found.labels = Some(match soft {
        Some(_) => Numbers { sizes: vec![count, data.classes()], values: shares, whole: false },
        None => Numbers { sizes: vec![count], values: labels, whole: true },
    });
    found.range = Some(Said::Surely(ValueRange::Unit));
    found.notes.extend(note);
    if skipped > 0 {
        found.notes.push(format!("{skipped} files that are no pictures were skipped"));
    }
    Ok(found)
}

/// By which names of folders classes are known.
struct Known<'a> {
    data: &'a Dataset,
    folders: Vec<String>,
    of_card: BTreeMap<&'a str, u32>,
}

impl<'a> Known<'a> {
    fn of(data: &'a Dataset, card: Option<&'a Card>) -> Self {
        let class = |name: &str| (0..data.classes() as u32).find(|&class| data.class_name(class) == name);
        let pairs = card.into_iter().flat_map(|card| card.class_folders.iter().zip(&card.class_names));
        let of_card = pairs.filter_map(|(folder, name)| Some((folder.as_str(), class(name)?))).collect();
        Self { data, folders: class_folders(data), of_card }
    }

    fn class(&self, folder: &str) -> Option<u32> {
        let by_folder = || self.folders.iter().position(|name| name == folder).map(|at| at as u32);
        let by_name = || (0..self.data.classes() as u32).find(|&class| self.data.class_name(class) == folder);
        self.of_card.get(folder).copied().or_else(by_folder).or_else(by_name)
    }
}

/// The folders of classes, and how many other things lie beside them.
fn class_places(folder: &Path, known: &Known<'_>) -> Result<(Vec<PathBuf>, usize)> {
    let all = entries(folder)?;
    let count = all.len();
    let is_ours = |place: &PathBuf| name_of(place) == SOFT_LABELS;
    let ours = all.iter().filter(|place| is_ours(place)).count();
    let is_class = |name: &str| known.class(name).is_some() || !(name.starts_with('.') || LEFT_BEHIND.contains(&name));
    let places: Vec<PathBuf> = all.into_iter().filter(|place| place.is_dir() && is_class(&name_of(place))).collect();
    let others = count - ours - places.len();
    Ok((places, others))
}

/// True for a file that says that it is a picture, whatever it really is: what is damaged is not passed over in silence.
fn looks_like_a_picture(path: &Path) -> bool {
    const ENDINGS: [&str; 12] =
        ["png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "heic", "heif", "avif", "ppm"];
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name_of(path);
    path.is_file()
        && ENDINGS.contains(&ending.as_str())
        && !name.starts_with('.')
        && !LEFT_BEHIND.contains(&name.as_str())
}

fn soft_labels(folder: &Path) -> Result<Option<BTreeMap<String, Vec<f32>>>> {
    let path = folder.join(SOFT_LABELS);
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|error| Error::Data(format!("{}: {error}", path.display())))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What lies in a folder, in the order of names.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let mut paths =
        entries.map(|entry| Ok(entry.map_err(Error::file("read", folder))?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}
