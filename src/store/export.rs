//! The images that a run leaves, in forms that other programs read.
//!
//! - `synthetic.npz`: `images` `(n, channels, height, width)` float32 in the data's own range, not clamped; `labels`
//!   `(n,)` int64; `mean` and `std` `(channels,)`, by which training normalises them; where images do not count alike, `masses`
//!   `(n,)`, the share of its class that each stands for, and `weights` `(n,)`, the factor of its loss in training.
//! - `synthetic/CLASS/000.png`: the same as 8-bit pictures, clamped to [0, 1]; folders are named after the classes as far as such
//!   names can be files.
//! - `synthetic/points.csv` instead of pictures where the data are points of a plane.

use std::{
    fmt::Write as _,
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::files;
use crate::{
    data::{Dataset, ImageShape, Normalisation},
    distilled::SyntheticSet,
    error::{Error, Result},
    names::{csv_field, file_names},
};

/// Writes a set into `folder` and returns the path of the archive.
pub fn export(set: &SyntheticSet, data: &Dataset, folder: &Path) -> Result<PathBuf> {
    let pictures = folder.join("synthetic");
    fs::create_dir_all(&pictures).map_err(Error::file("create", &pictures))?;
    let values = set.denormalised(data);
    if data.is_pictures() {
        write_pictures(set, data, &values, &pictures)?;
    } else {
        write_points(set, data, &values, &pictures.join("points.csv"))?;
    }
    let archive = folder.join("synthetic.npz");
    write_archive(set, data, &values, &archive)?;
    Ok(archive)
}

fn write_archive(set: &SyntheticSet, data: &Dataset, values: &[f32], path: &Path) -> Result<()> {
    let [channels, height, width] = set.shape.dims();
    let labels: Vec<u8> = set.labels().iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let Normalisation { mean, std } = data.normalisation();
    let (images, mean, std) = (floats(values), floats(mean), floats(std));
    let counts = counts(set).map(|(name, values)| (name, floats(&values)));
    let (of_images, of_set, of_channels) = ([set.len(), channels, height, width], [set.len()], [channels]);
    let mut arrays: Vec<(&str, &str, &[usize], &[u8])> = vec![
        ("images", "<f4", &of_images, &images),
        ("labels", "<i8", &of_set, &labels),
        ("mean", "<f4", &of_channels, &mean),
        ("std", "<f4", &of_channels, &std),
    ];
    let counts: Vec<_> = counts.collect();
    arrays.extend(counts.iter().map(|(name, bytes)| (*name, "<f4", &of_set[..], bytes.as_slice())));
    write_arrays(&arrays, path)
}

/// What images stand for and how much they count, each `(n,)`; nothing where all count alike.
fn counts(set: &SyntheticSet) -> impl Iterator<Item = (&'static str, Vec<f32>)> {
    let shares = set.masses.as_ref().map(|masses| ("masses", masses.shares.clone()));
    shares.into_iter().chain(set.factors().map(|factors| ("weights", factors)))
}

/// Writes a NumPy archive of arrays: name, kind, sizes and bytes of each.
pub(super) fn write_arrays(arrays: &[(&str, &str, &[usize], &[u8])], path: &Path) -> Result<()> {
    // The tensor library's own writer does not see a full disk, so the archive is made in memory first.
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut attempt = || -> std::io::Result<()> {
        for (name, kind, sizes, bytes) in arrays {
            archive.start_file(format!("{name}.npy"), options)?;
            archive.write_all(&npy_header(kind, sizes))?;
            archive.write_all(bytes)?;
        }
        Ok(())
    };
    attempt().map_err(Error::file("write", path))?;
    let archive = archive.finish().map_err(std::io::Error::from).map_err(Error::file("write", path))?;
    files::replace(path, |out| out.write_all(archive.get_ref()))
}

/// The head of a NumPy array file, version 1.0: magic, length, a dictionary padded to a multiple of 64 bytes.
fn npy_header(kind: &str, sizes: &[usize]) -> Vec<u8> {
    let shape = match sizes {
        [size] => format!("({size},)"),
        sizes => format!("({})", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut dictionary = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let unpadded = 10 + dictionary.len() + 1;
    dictionary.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    dictionary.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((dictionary.len() as u16).to_le_bytes());
    header.extend(dictionary.as_bytes());
    header
}

/// The folder of each class: its name, as far as that is a file name everywhere.
pub(super) fn class_folders(data: &Dataset) -> Vec<String> {
    file_names(&(0..data.classes() as u32).map(|class| data.class_name(class)).collect::<Vec<_>>())
}

fn write_pictures(set: &SyntheticSet, data: &Dataset, values: &[f32], folder: &Path) -> Result<()> {
    let folders = class_folders(data);
    for (index, values) in values.chunks_exact(set.shape.len()).enumerate() {
        let class = set.classes[index / set.per_class] as usize;
        write_picture(
            set.shape,
            values,
            &folder.join(&folders[class]).join(format!("{:03}.png", index % set.per_class)),
        )?;
    }
    Ok(())
}

/// Writes one image from 0 to 1 as a picture, and makes its folder.
pub(super) fn write_picture(shape: ImageShape, values: &[f32], path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    // Planes to pixels: (c, h, w) -> (h, w, c).
    let pixels: Vec<u8> = (0..shape.plane())
        .flat_map(|position| values.iter().skip(position).step_by(shape.plane()))
        .map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8)
        .collect();
    let colour = if shape.channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    files::replace_derived(path, |out| {
        let (width, height) = (shape.width as u32, shape.height as u32);
        PngEncoder::new(out).write_image(&pixels, width, height, colour).map_err(std::io::Error::other)
    })
}

fn write_points(set: &SyntheticSet, data: &Dataset, values: &[f32], path: &Path) -> Result<()> {
    let mut text = "class,x,y\n".to_owned();
    for (point, class) in values.chunks_exact(set.shape.len()).zip(set.labels()) {
        writeln!(text, "{},{},{}", csv_field(data.class_name(class)), point[0], point[1]).expect("writing to a string");
    }
    files::replace(path, |out| out.write_all(text.as_bytes()))
}
