//! PyTorch's files of a distilled set: a ZIP with a pickle and one record of numbers for each storage.
//!
//! Written in the two conventions that most code reads: `res_*.pt`, a dictionary whose `data` is a list over runs of
//! `[images, labels]`, normalised; and `data.pt`, a list `[images, labels]` from 0 to 1. Both load with
//! `torch.load(weights_only=True)`. Which shapes are read says `shapes`.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read, Seek, Write as _},
    path::Path,
    rc::Rc,
};

use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{
    Found, Labelled, Numbers,
    shapes::{Belongs, Search},
    writer::Writer,
};
use crate::{
    data::{
        Source,
        pickle::{self, Array, Kind, Pickle, Strided, View},
    },
    error::{Error, Result},
    store::files,
};

/// Numbers that all tensors of a file may make, beside as many as its bytes.
const FREE_NUMBERS: u64 = 1 << 24;
/// The same for each byte of the file: views may share their numbers.
const NUMBERS_A_BYTE: u64 = 64;

/// Writes `res_*.pt`: normalised images, the accuracies of the networks that were trained on them, and the factors of their losses
/// where images do not count alike (`weights`).
pub(super) fn write_results(path: &Path, set: &Labelled, accuracies: (&str, &[f64])) -> Result<()> {
    let pickle = Writer::pickle(|all| {
        all.dict(|entries| {
            entries.text("data");
            entries.list(|runs| runs.list(|pair| tensors(pair, set)));
            entries.text("accs_all_exps");
            entries.dict(|networks| {
                networks.text(accuracies.0);
                networks.list(|values| accuracies.1.iter().for_each(|&value| values.float(value)));
            });
            if let Some(factors) = &set.factors {
                entries.text("weights");
                entries.list(|values| factors.iter().for_each(|&factor| values.float(f64::from(factor))));
            }
        });
    });
    write(path, &pickle, &set.values, set)
}

/// Writes `data.pt`: `images` from 0 to 1.
pub(super) fn write_pair(path: &Path, images: &[f32], set: &Labelled) -> Result<()> {
    let pickle = Writer::pickle(|all| all.list(|pair| tensors(pair, set)));
    write(path, &pickle, images, set)
}

/// Images and labels; soft labels are floats `(n, classes)`.
fn tensors(pair: &mut Writer, set: &Labelled) {
    let [channels, height, width] = set.shape.dims();
    let count = set.labels.len();
    pair.tensor(Kind::Float, "0", &[count, channels, height, width]);
    match &set.shares {
        Some(shares) => pair.tensor(Kind::Float, "1", &[count, shares.len() / count.max(1)]),
        None => pair.tensor(Kind::Long, "1", &[count]),
    }
}

fn write(path: &Path, pickle: &[u8], images: &[f32], set: &Labelled) -> Result<()> {
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let images = floats(images);
    let labels = match &set.shares {
        Some(shares) => floats(shares),
        None => set.labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect(),
    };
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

/// Reads a file of images, with its labels where it has them.
pub(super) fn read(path: &Path, belongs: Belongs<'_>) -> Result<Found> {
    let file = File::open(path).map_err(Error::file("read", path))?;
    let size = file.metadata().map_err(Error::file("read", path))?.len();
    parse(BufReader::new(file), size, path, belongs)
}

/// The same from any reader of `size` bytes; `path` names it in messages.
pub(super) fn parse(reader: impl Read + Seek, size: u64, path: &Path, belongs: Belongs<'_>) -> Result<Found> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let mut file = Archive::open(reader, size, path)?;
    let pickle = file.pickle().map_err(fault)?;
    let found = Search { file: &mut file, pickle: &pickle, belongs }.find().map_err(fault)?;
    found.ok_or_else(|| {
        fault(
            "it holds no images that are known: a tensor of images (n, 1 or 3, h, w), a list [images, labels], a list of (image, \
             label), a tensor for each class, or a dictionary with data or with images and labels is needed"
                .to_owned(),
        )
    })
}

/// Reads a file of labels alone.
pub(super) fn read_labels(path: &Path, belongs: Belongs<'_>) -> Result<Numbers> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(Error::file("read", path))?;
    let size = file.metadata().map_err(Error::file("read", path))?.len();
    let mut file = Archive::open(BufReader::new(file), size, path)?;
    let pickle = file.pickle().map_err(fault)?;
    let labels = Search { file: &mut file, pickle: &pickle, belongs }.labels().map_err(fault)?;
    labels.ok_or_else(|| fault("it is no tensor of labels".to_owned()))
}

/// The numbers of an array of NumPy in a pickle.
pub(super) fn array(array: &Array) -> std::result::Result<Numbers, String> {
    let Some(kind) = array.kind else {
        return Err("an array holds texts or records; numbers are needed".to_owned());
    };
    if array.big_endian {
        return Err(
            "an array is big-endian; save it again with array.astype(array.dtype.newbyteorder(\"<\"))".to_owned()
        );
    }
    let view = View::whole(kind, &array.sizes, array.fortran).ok_or("the sizes of an array are beyond all bounds")?;
    Ok(Numbers::of(kind, array.sizes.clone(), view.gather(&array.bytes)?))
}

/// The ZIP of a file.
pub(super) struct Archive<'a, R> {
    path: &'a Path,
    size: u64,
    zip: ZipArchive<R>,
    /// The folder in it that holds everything.
    root: String,
    /// Records that were read: tensors may share one.
    records: HashMap<Rc<str>, Rc<[u8]>>,
    /// Numbers that tensors may still make.
    left: u64,
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    fn open(reader: R, size: u64, path: &'a Path) -> Result<Self> {
        let fault = |what: &str| Error::Data(format!("{}: {what}", path.display()));
        let zip = ZipArchive::new(reader).map_err(|_| {
            fault("this is no PyTorch file of version 1.6 or later. Load it with torch.load and save it again with torch.save")
        })?;
        let root = zip.file_names().find_map(|name| name.ok()?.strip_suffix("data.pkl").map(str::to_owned));
        let root = root.ok_or_else(|| fault("it has no data.pkl: this is no PyTorch file"))?;
        let left = FREE_NUMBERS.saturating_add(size.saturating_mul(NUMBERS_A_BYTE));
        let mut file = Self { path, size, zip, root, records: HashMap::new(), left };
        if file.zip.by_name(&format!("{}byteorder", file.root)).is_ok()
            && file.record("byteorder").map_err(|what| fault(&what))?.starts_with(b"big")
        {
            return Err(fault(
                "its numbers are big-endian. Load it on the machine that wrote it, and save it again with \
                 torch.serialization.set_default_load_endianness or as .npz",
            ));
        }
        Ok(file)
    }

    fn record(&mut self, name: &str) -> std::result::Result<Rc<[u8]>, String> {
        let full = format!("{}{name}", self.root);
        let entry = self.zip.by_name(&full).map_err(|error| format!("its record {full} cannot be read ({error})"))?;
        let (packed, size) = (entry.compressed_size(), entry.size());
        let mut source = Source::new(Box::new(entry), self.path, packed);
        // The error names the file itself.
        let bytes = source.bytes(size).map_err(|error| format!("its record {full}: {error}"))?;
        Ok(Rc::from(&bytes[..]))
    }

    fn pickle(&mut self) -> std::result::Result<Pickle, String> {
        let bytes = self.record("data.pkl")?;
        pickle::read(&bytes, self.size)
    }

    /// The numbers of a tensor.
    pub(super) fn tensor(&mut self, tensor: &Strided) -> std::result::Result<Numbers, String> {
        if !self.records.contains_key(&tensor.record) {
            let record = self.record(&format!("data/{}", tensor.record))?;
            self.records.insert(tensor.record.clone(), record);
        }
        let record = self.records[&tensor.record].clone();
        let count = tensor.view.count().map_or(u64::MAX, |count| count as u64);
        let values = tensor.view.gather(&record)?;
        self.left = self.left.checked_sub(count).ok_or("its tensors make far more numbers than it holds: a trap")?;
        Ok(Numbers::of(tensor.view.kind, tensor.view.sizes.clone(), values))
    }
}
