//! Sets as arrays: `synthetic.npz` and `synthetic.safetensors`, both with `images` `(n, channels, height, width)` float32
//! in the data's own range and not clamped, `labels` `(n,)` int64, and `mean` and `std` `(channels,)`; where images have soft labels,
//! `soft_labels` `(n, classes)`; where they do not count alike, `masses` and `weights` `(n,)`.
//!
//! Read are arrays of any kind by the usual names, or one array for each class.

use std::{collections::HashMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{
    Found, Labelled, Numbers,
    range::Said,
    shapes::{Belongs, IMAGES, LABELS},
};
use crate::{
    data::{
        NumpyFile,
        pickle::{Kind, View},
    },
    error::{Error, Result},
    report::ValueRange,
    store::{export::write_arrays, files},
};

/// Writes both files; `images` are those of the set in the data's own range.
pub(super) fn write(folder: &Path, set: &Labelled, images: &[f32], (mean, std): (&[f32], &[f32])) -> Result<()> {
    let [channels, height, width] = set.shape.dims();
    let count = set.labels.len();
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let numbers: Vec<u8> = set.labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let mut arrays = vec![
        ("images", Dtype::F32, vec![count, channels, height, width], floats(images)),
        ("labels", Dtype::I64, vec![count], numbers),
        ("mean", Dtype::F32, vec![channels], floats(mean)),
        ("std", Dtype::F32, vec![channels], floats(std)),
    ];
    if let Some(shares) = &set.shares {
        arrays.push(("soft_labels", Dtype::F32, vec![count, shares.len() / count.max(1)], floats(shares)));
    }
    let masses = set.masses.as_ref().map(|masses| ("masses", masses.shares.as_slice()));
    let counts = masses.into_iter().chain(set.factors.as_ref().map(|factors| ("weights", factors.as_slice())));
    arrays.extend(counts.map(|(name, values)| (name, Dtype::F32, vec![count], floats(values))));
    let plain = arrays.iter().map(|(name, kind, sizes, bytes)| {
        (*name, if *kind == Dtype::F32 { "<f4" } else { "<i8" }, sizes.as_slice(), bytes.as_slice())
    });
    write_arrays(&plain.collect::<Vec<_>>(), &folder.join("synthetic.npz"))?;
    let path = folder.join("synthetic.safetensors");
    let fault = |error: safetensors::SafeTensorError| Error::Data(format!("{}: {error}", path.display()));
    let mut views = Vec::new();
    for (name, kind, sizes, bytes) in &arrays {
        views.push((*name, TensorView::new(*kind, sizes.clone(), bytes).map_err(fault)?));
    }
    let about = HashMap::from([("layout".to_owned(), "n channels height width, own range, not clamped".to_owned())]);
    let file = safetensors::serialize(views, Some(about)).map_err(fault)?;
    files::replace(&path, |out| out.write_all(&file))
}

/// Reads a NumPy archive.
pub(super) fn read_npz(path: &Path, belongs: Belongs<'_>) -> Result<Found> {
    let mut file = NumpyFile::open(path)?;
    assemble(|name| of_npz(&mut file, name, path), path, belongs)
}

/// Reads a safetensors file.
pub(super) fn read_safetensors(path: &Path, belongs: Belongs<'_>) -> Result<Found> {
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let file = deserialized(&bytes, path)?;
    assemble(|name| of_tensors(&file, name, path), path, belongs)
}

/// Reads labels that stand alone in a file of arrays.
pub(super) fn read_labels(path: &Path) -> Result<Numbers> {
    let names = LABELS.into_iter().chain(["arr_0"]);
    let missing = || Error::Data(format!("{}: it needs an array labels", path.display()));
    if path.extension().is_some_and(|ending| ending == "npz") {
        let mut file = NumpyFile::open(path)?;
        return first(names, |name| of_npz(&mut file, name, path))?.ok_or_else(missing);
    }
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let file = deserialized(&bytes, path)?;
    first(names, |name| of_tensors(&file, name, path))?.ok_or_else(missing)
}

fn first<'a>(
    mut names: impl Iterator<Item = &'a str>,
    mut take: impl FnMut(&str) -> Result<Option<Numbers>>,
) -> Result<Option<Numbers>> {
    names.find_map(|name| take(name).transpose()).transpose()
}

/// A set out of arrays by their names.
fn assemble(mut take: impl FnMut(&str) -> Result<Option<Numbers>>, path: &Path, belongs: Belongs<'_>) -> Result<Found> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let Some(images) = first(IMAGES.into_iter().chain(["arr_0"]), &mut take)? else {
        return class_by_class(take, belongs).map_err(fault)?.ok_or_else(|| {
            fault("it needs the arrays images and labels, or one array for each class by its name or number".to_owned())
        });
    };
    let mut found = Found::of(images);
    found.labels = first(LABELS.into_iter().chain(["arr_1"]), &mut take)?;
    // Files of this program say how they are normalised, and are not.
    if take("mean")?.is_some() && take("std")?.is_some() {
        found.range = Some(Said::Surely(ValueRange::Unit));
    }
    found.weights = take("weights")?
        .map(|weights| match weights.sizes[..] {
            [_] => Ok(weights.values),
            _ => Err(fault(format!("weights have the sizes {:?}; a row of floats is needed", weights.sizes))),
        })
        .transpose()?;
    Ok(found)
}

/// One array for each class, by its name or its number.
fn class_by_class(
    mut take: impl FnMut(&str) -> Result<Option<Numbers>>,
    belongs: Belongs<'_>,
) -> std::result::Result<Option<Found>, String> {
    let (mut parts, mut labels) = (Vec::new(), Vec::new());
    for (class, name) in belongs.names.iter().enumerate() {
        let part = take(name).and_then(|part| match part {
            None => take(&class.to_string()),
            part => Ok(part),
        });
        if let Some(part) = part.map_err(|error| error.to_string())? {
            let count = part.count(belongs.shape).unwrap_or(0);
            labels.extend(std::iter::repeat_n(class as f32, count));
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let mut found = Found::of(Numbers::joined(parts, belongs.shape)?);
    found.labels = Some(Numbers { sizes: vec![labels.len()], values: labels, whole: true });
    found.notes.push("one array a class".to_owned());
    Ok(Some(found))
}

fn of_npz(file: &mut NumpyFile<'_>, name: &str, path: &Path) -> Result<Option<Numbers>> {
    let Some(array) = file.array(name)? else { return Ok(None) };
    let fault = |what: String| Error::Data(format!("{}: {name} {what}", path.display()));
    let kind = Kind::of_numpy(array.kind.get(1..).unwrap_or_default())
        .ok_or_else(|| fault(format!("is of the kind {}; numbers are needed", array.kind)))?;
    let values = array.numbers().map_err(fault)?.map(|value| value as f32).collect();
    Ok(Some(Numbers::of(kind, array.sizes, values)))
}

fn of_tensors(file: &SafeTensors<'_>, name: &str, path: &Path) -> Result<Option<Numbers>> {
    let Ok(tensor) = file.tensor(name) else { return Ok(None) };
    let fault = |what: String| Error::Data(format!("{}: {name} {what}", path.display()));
    let kind = match tensor.dtype() {
        Dtype::BOOL => Kind::Bool,
        Dtype::U8 => Kind::Byte,
        Dtype::I8 => Kind::Char,
        Dtype::I16 => Kind::Short,
        Dtype::U16 => Kind::UShort,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat,
        Dtype::I32 => Kind::Int,
        Dtype::U32 => Kind::UInt,
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::I64 => Kind::Long,
        Dtype::U64 => Kind::ULong,
        other => return Err(fault(format!("is of the kind {other:?}; whole numbers and floats can be read"))),
    };
    numbers(kind, tensor.shape(), tensor.data()).map(Some).map_err(fault)
}

fn numbers(kind: Kind, sizes: &[usize], bytes: &[u8]) -> std::result::Result<Numbers, String> {
    let view = View::whole(kind, sizes, false).ok_or("has sizes beyond all bounds")?;
    Ok(Numbers::of(kind, sizes.to_vec(), view.gather(bytes)?))
}

fn deserialized<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|error| Error::Data(format!("{}: it is damaged ({error})", path.display())))
}
