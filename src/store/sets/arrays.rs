//! Sets as arrays: `synthetic.npz` and `synthetic.safetensors`, both with `images` `(n, channels, height, width)` float32
//! in the data's own range and not clamped, `labels` `(n,)` int64, and `mean` and `std` `(channels,)`.

use std::{collections::HashMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{FloatImages, State};
use crate::{
    data::{NumpyArray, NumpyFile},
    error::{Error, Result},
    store::{export::write_arrays, files},
};

/// Writes both files.
pub(super) fn write(
    folder: &Path,
    images: &[f32],
    labels: &[u32],
    [channels, height, width]: [usize; 3],
    (mean, std): (&[f32], &[f32]),
) -> Result<()> {
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let numbers: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let arrays = [
        ("images", Dtype::F32, vec![labels.len(), channels, height, width], floats(images)),
        ("labels", Dtype::I64, vec![labels.len()], numbers),
        ("mean", Dtype::F32, vec![channels], floats(mean)),
        ("std", Dtype::F32, vec![channels], floats(std)),
    ];
    let plain = arrays.each_ref().map(|(name, kind, sizes, bytes)| {
        (*name, if *kind == Dtype::F32 { "<f4" } else { "<i8" }, sizes.as_slice(), bytes.as_slice())
    });
    write_arrays(&plain, &folder.join("synthetic.npz"))?;
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

/// Reads `images` and `labels` of a NumPy archive.
pub(super) fn read_npz(path: &Path) -> Result<(FloatImages, Vec<u32>)> {
    let mut file = NumpyFile::open(path)?;
    let (Some(images), Some(labels)) = (file.array("images")?, file.array("labels")?) else {
        return Err(Error::Data(format!("{}: it needs the arrays images and labels", path.display())));
    };
    let labels = labels.whole_numbers().map_err(|what| Error::Data(format!("{}: {what}", path.display())))?;
    // Files of this program say how they are normalised, and are not.
    let state = if file.array("mean")?.is_some() { State::OwnRange } else { State::Unknown };
    Ok((images_of(&images, state, path)?, labels))
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

/// Reads `images` and `labels` of a safetensors file.
pub(super) fn read_safetensors(path: &Path) -> Result<(FloatImages, Vec<u32>)> {
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
    let values = images.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let state = if tensors.tensor("mean").is_ok() { State::OwnRange } else { State::Unknown };
    Ok((FloatImages { dims: [channels, height, width], values, state }, labels))
}
