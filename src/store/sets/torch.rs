//! PyTorch's files of a distilled set: a ZIP with a pickle and one record of numbers for each tensor.
//!
//! Written in the two conventions that most code reads: `res_*.pt`, a dictionary whose `data` is a list over runs of
//! `[images, labels]`, normalised; and `data.pt`, a list `[images, labels]` from 0 to 1. Both load with
//! `torch.load(weights_only=True)`. Read: these, dictionaries with `images` and `labels`, a bare tensor of images in the
//! order of their classes, and a tensor of images beside a file of labels.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, Write as _},
    path::Path,
};

use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{FloatImages, State, writer::Writer};
use crate::{
    data::{
        Source,
        pickle::{self, Kind, Pickle, Strided, Value},
    },
    distill::SyntheticSet,
    error::{Error, Result},
    store::files,
};

/// Writes `res_*.pt`: normalised images, the accuracies of the networks that were trained on them, and the factors of their losses
/// where images do not count alike (`weights`).
pub(super) fn write_results(path: &Path, set: &SyntheticSet, accuracies: (&str, &[f64])) -> Result<()> {
    let (labels, dims) = (set.labels(), set.shape.dims());
    let pickle = Writer::pickle(|all| {
        all.dict(|entries| {
            entries.text("data");
            entries.list(|runs| runs.list(|pair| tensors(pair, labels.len(), dims)));
            entries.text("accs_all_exps");
            entries.dict(|networks| {
                networks.text(accuracies.0);
                networks.list(|values| accuracies.1.iter().for_each(|&value| values.float(value)));
            });
            if let Some(factors) = set.factors() {
                entries.text("weights");
                entries.list(|values| factors.iter().for_each(|&factor| values.float(f64::from(factor))));
            }
        });
    });
    write(path, &pickle, &set.values, &labels)
}

/// Writes `data.pt`: images from 0 to 1.
pub(super) fn write_pair(path: &Path, images: &[f32], labels: &[u32], dims: [usize; 3]) -> Result<()> {
    let pickle = Writer::pickle(|all| all.list(|pair| tensors(pair, labels.len(), dims)));
    write(path, &pickle, images, labels)
}

fn tensors(pair: &mut Writer, count: usize, [channels, height, width]: [usize; 3]) {
    pair.tensor(Kind::Float, "0", &[count, channels, height, width]);
    pair.tensor(Kind::Long, "1", &[count]);
}

fn write(path: &Path, pickle: &[u8], images: &[f32], labels: &[u32]) -> Result<()> {
    let images: Vec<u8> = images.iter().flat_map(|value| value.to_le_bytes()).collect();
    let labels: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let records: [(&str, &[u8]); 5] =
        [("data.pkl", pickle), ("byteorder", b"little"), ("data/0", &images), ("data/1", &labels), ("version", b"3\n")];
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut attempt = || -> std::io::Result<()> {
        for (name, bytes) in records {
            archive.start_file(format!("archive/{name}"), options)?;
            archive.write_all(bytes)?;
        }
        Ok(())
    };
    attempt().map_err(Error::file("write", path))?;
    let archive = archive.finish().map_err(std::io::Error::from).map_err(Error::file("write", path))?;
    files::replace(path, |out| out.write_all(archive.get_ref()))
}

/// A tensor with its numbers.
struct Tensor {
    sizes: Vec<usize>,
    values: Vec<f32>,
}

/// Reads a file of images, with its labels where it has them.
pub(super) fn read(path: &Path) -> Result<(FloatImages, Option<Vec<u32>>)> {
    parse(open(path)?, path)
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).map_err(Error::file("read", path))?))
}

/// The same from any reader; `path` names it in messages.
pub(super) fn parse(reader: impl Read + Seek, path: &Path) -> Result<(FloatImages, Option<Vec<u32>>)> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let mut file = Archive::open(reader, path)?;
    let pickle = file.pickle()?;
    // A dictionary with runs holds normalised images by the convention of this field.
    let state = if pickle.entry(&pickle.value, "data").is_some() { State::Normalised } else { State::Unknown };
    let (images, labels) = find(&pickle, &pickle.value).ok_or_else(|| {
        fault(
            "it holds no images that are known: a list [images, labels], a dictionary with data or with images and labels, \
             or a tensor of images is needed"
                .to_owned(),
        )
    })?;
    let images = file.tensor(images)?;
    let labels = match labels {
        Some(labels) => Some(as_labels(file.tensor(labels)?).map_err(fault)?),
        None => None,
    };
    Ok((as_images(images, state).map_err(fault)?, labels))
}

/// Reads a file of labels alone.
pub(super) fn read_labels(path: &Path) -> Result<Vec<u32>> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let mut file = Archive::open(open(path)?, path)?;
    let pickle = file.pickle()?;
    match &pickle.value {
        Value::Tensor(labels) => as_labels(file.tensor(labels)?).map_err(fault),
        _ => Err(fault("it is no tensor of labels".to_owned())),
    }
}

/// Images and labels wherever they stand in a file.
fn find<'a>(pickle: &'a Pickle, value: &'a Value) -> Option<(&'a Strided, Option<&'a Strided>)> {
    let pair = |items: &'a [Value]| match items {
        [Value::Tensor(images), Value::Tensor(labels), ..] => Some((images.as_ref(), Some(labels.as_ref()))),
        _ => None,
    };
    match value {
        Value::Tensor(images) => Some((images, None)),
        Value::List(_) => pair(pickle.list(value)?),
        Value::Dict(_) => match pickle.entry(value, "data") {
            // The first run of several.
            Some(runs) => pair(pickle.list(pickle.list(runs)?.first()?)?),
            None => match (pickle.entry(value, "images")?, pickle.entry(value, "labels")) {
                (Value::Tensor(images), Some(Value::Tensor(labels))) => Some((images, Some(labels))),
                (Value::Tensor(images), None) => Some((images, None)),
                _ => None,
            },
        },
        _ => None,
    }
}

fn as_images(tensor: Tensor, state: State) -> Result<FloatImages, String> {
    match tensor.sizes[..] {
        [count, channels @ (1 | 3), height, width] if count > 0 && height > 0 && width > 0 => {
            Ok(FloatImages { dims: [channels, height, width], values: tensor.values, state })
        }
        _ => Err(format!("its images have the sizes {:?}; (n, 1 or 3, h, w) is needed", tensor.sizes)),
    }
}

fn as_labels(tensor: Tensor) -> Result<Vec<u32>, String> {
    if tensor.sizes.len() != 1 {
        return Err(format!(
            "its labels have the sizes {:?}: soft labels are not read; save the class of each image",
            tensor.sizes
        ));
    }
    let label = |value: f32| (value.fract() == 0.0 && (0.0..1e6).contains(&value)).then_some(value as u32);
    let labels: Option<Vec<u32>> = tensor.values.into_iter().map(label).collect();
    labels.ok_or_else(|| "a label is no whole number from 0".to_owned())
}

/// The ZIP of a file.
struct Archive<'a, R> {
    path: &'a Path,
    zip: ZipArchive<R>,
    /// The folder in it that holds everything.
    root: String,
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    fn open(reader: R, path: &'a Path) -> Result<Self> {
        let fault = |what: &str| Error::Data(format!("{}: {what}", path.display()));
        let zip = ZipArchive::new(reader).map_err(|_| {
            fault("this is no PyTorch file of version 1.6 or later. Load it with torch.load and save it again with torch.save")
        })?;
        let names: Vec<String> = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
        let root = names.iter().find_map(|name| name.strip_suffix("data.pkl"));
        let root = root.ok_or_else(|| fault("it has no data.pkl: this is no PyTorch file"))?.to_owned();
        Ok(Self { path, zip, root })
    }

    fn record(&mut self, name: &str) -> Result<Vec<u8>> {
        let full = format!("{}{name}", self.root);
        let entry = self.zip.by_name(&full).map_err(|error| {
            Error::Data(format!("{}: its record {full} cannot be read ({error})", self.path.display()))
        })?;
        let (packed, size) = (entry.compressed_size(), entry.size());
        let mut source = Source::new(Box::new(entry), self.path, packed);
        Ok(source.bytes(size)?.to_vec())
    }

    fn pickle(&mut self) -> Result<Pickle> {
        let bytes = self.record("data.pkl")?;
        pickle::read(&bytes, bytes.len() as u64).map_err(|what| Error::Data(format!("{}: {what}", self.path.display())))
    }

    fn tensor(&mut self, tensor: &Strided) -> Result<Tensor> {
        let record = self.record(&format!("data/{}", tensor.record))?;
        let fault = |what: String| Error::Data(format!("{}: {what}", self.path.display()));
        let values = tensor.view.gather(&record).map_err(fault)?;
        Ok(Tensor { sizes: tensor.view.sizes.clone(), values })
    }
}
