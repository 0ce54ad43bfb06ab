//! Sets as arrays: `synthetic.npz` and `synthetic.safetensors`, both with `images` `(n, channels, height, width)` float32
//! in the data's own range and not clamped, `labels` `(n,)` int64, and `mean` and `std` `(channels,)`; where images do not count
//! alike, `masses` and `weights` `(n,)`.

use std::{collections::HashMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{FloatImages, State};
use crate::{
    data::{NumpyArray, NumpyFile},
    distill::SyntheticSet,
    error::{Error, Result},
    store::{
        export::{counts, write_arrays},
        files,
    },
};

/// Writes both files; `images` are those of the set in the data's own range.
pub(super) fn write(folder: &Path, set: &SyntheticSet, images: &[f32], (mean, std): (&[f32], &[f32])) -> Result<()> {
    let ([channels, height, width], labels) = (set.shape.dims(), set.labels());
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let numbers: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let mut arrays = vec![
        ("images", Dtype::F32, vec![labels.len(), channels, height, width], floats(images)),
        ("labels", Dtype::I64, vec![labels.len()], numbers),
        ("mean", Dtype::F32, vec![channels], floats(mean)),
        ("std", Dtype::F32, vec![channels], floats(std)),
    ];
    arrays.extend(counts(set).map(|(name, values)| (name, Dtype::F32, vec![labels.len()], floats(&values))));
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

/// Reads `images` and `labels` of a NumPy archive, and what each image counts where it says so.
pub(super) fn read_npz(path: &Path) -> Result<(FloatImages, Vec<u32>, Option<Vec<f32>>)> {
    let mut file = NumpyFile::open(path)?;
    let (Some(images), Some(labels)) = (file.array("images")?, file.array("labels")?) else {
        return Err(Error::Data(format!("{}: it needs the arrays images and labels", path.display())));
    };
    let labels = labels.whole_numbers().map_err(|what| Error::Data(format!("{}: {what}", path.display())))?;
    // Files of this program say how they are normalised, and are not.
    let state = if file.array("mean")?.is_some() { State::OwnRange } else { State::Unknown };
    let weights = file.array("weights")?.map(|weights| floats_of(&weights, path)).transpose()?;
    Ok((images_of(&images, state, path)?, labels, weights))
}

fn floats_of(array: &NumpyArray, path: &Path) -> Result<Vec<f32>> {
    match (array.kind.as_str(), &array.sizes[..]) {
        ("<f4", &[_]) => Ok(array.bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        (kind, sizes) => Err(Error::Data(format!(
            "{}: weights are of the kind {kind} and the sizes {sizes:?}; a row of floats (<f4) is needed",
            path.display()
        ))),
    }
}

fn images_of(array: &NumpyArray, state: State, path: &Path) -> Result<FloatImages> {
    match (array.kind.as_str(), &array.sizes[..]) {
        ("<f4", &[_, channels, height, width]) => Ok(FloatImages {
            dims: [channels, height, width],
            values: array.bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            state,
        }),
        (kind, sizes) => Err(Error::Data(format!(
            "{}: images are of the kind {kind} and the sizes {sizes:?}; floats (<f4) of (n, channels, height, width) are \
             needed",
            path.display()
        ))),
    }
}

/// Reads `images` and `labels` of a safetensors file, and what each image counts where it says so.
pub(super) fn read_safetensors(path: &Path) -> Result<(FloatImages, Vec<u32>, Option<Vec<f32>>)> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let file = fs::read(path).map_err(Error::file("read", path))?;
    let tensors = SafeTensors::deserialize(&file).map_err(|error| fault(format!("it is damaged ({error})")))?;
    let tensor = |name: &str| tensors.tensor(name).map_err(|_| fault(format!("it has no tensor {name}")));
    let (images, labels) = (tensor("images")?, tensor("labels")?);
    let (&[_, channels, height, width], Dtype::F32) = (images.shape(), images.dtype()) else {
        return Err(fault(format!("images have the sizes {:?}; floats (n, c, h, w) are needed", images.shape())));
    };
    let (&[_], Dtype::I64) = (labels.shape(), labels.dtype()) else {
        return Err(fault(format!("labels have the sizes {:?}; a row of int64 is needed", labels.shape())));
    };
    let label = |bytes: &[u8; 8]| u32::try_from(i64::from_le_bytes(*bytes)).ok();
    let labels: Option<Vec<u32>> = labels.data().as_chunks().0.iter().map(label).collect();
    let labels = labels.ok_or_else(|| fault("a label is no whole number from 0".to_owned()))?;
    let floats =
        |bytes: &[u8]| bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>();
    let weights = match tensors.tensor("weights") {
        Err(_) => None,
        Ok(view) if view.dtype() == Dtype::F32 && view.shape().len() == 1 => Some(floats(view.data())),
        Ok(view) => return Err(fault(format!("weights have the sizes {:?}; a row of floats is needed", view.shape()))),
    };
    let values = floats(images.data());
    let state = if tensors.tensor("mean").is_ok() { State::OwnRange } else { State::Unknown };
    Ok((FloatImages { dims: [channels, height, width], values, state }, labels, weights))
}
