//! Parquet as the Hugging Face hub keeps image data sets: a struct `image` of `bytes` and `path`, a column of labels, and the names
//! of the classes as JSON in the file's metadata. One file or the shards of a folder, whose names say the part.
//!
//! A column is read by itself, row after row. The crate gives an error where a file is damaged in most ways and panics in some; those
//! are caught here. A page is unpacked as a whole: 2 GiB at most, since its length is a signed 32-bit number.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use parquet::{
    column::reader::ColumnReader,
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader},
    },
};
use rayon::prelude::*;
use serde_json::Value;

use super::{
    Dataset,
    labels::{MOST_CLASSES, Words},
    parts::Part,
    picture::decode,
    pile::{self, Pile, Set, TOGETHER},
    source::{most_unpacked, refuse_other},
};
use crate::error::{Error, Result};

const IMAGES: [&str; 4] = ["image", "img", "picture", "images"];
const LABELS: [&str; 9] =
    ["label", "labels", "fine_label", "class", "target", "category", "digit", "coarse_label", "y"];
/// What stands where an image has no label.
const NO_LABEL: i64 = -1;
/// Folders that are searched within each other.
const DEEPEST: usize = 3;
/// A folder with more in it has one for each class, and pictures in them, of which there may be a million.
const MOST_FOLDERS: usize = 64;

/// True for a file of this format and for a folder that holds some.
pub(super) fn is_at(path: &Path) -> bool {
    shards(path).is_ok_and(|shards| !shards.is_empty())
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet")) && path.is_file()
}

/// The files of a set, by name, with their parts.
fn shards(path: &Path) -> Result<Vec<(Part, PathBuf)>> {
    fn search(folder: &Path, around: Option<Part>, depth: usize, found: &mut Vec<(Part, PathBuf)>) -> Result<()> {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
            let entry = entry.map_err(Error::file("read", folder))?;
            let (path, is_folder) = (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
            match is_folder {
                true if !entry.file_name().to_string_lossy().starts_with('.') => folders.push(path),
                false if is_parquet(&path) => files.push(path),
                _ => {}
            }
        }
        files.sort_unstable();
        folders.sort_unstable();
        let part = |path: &Path| Part::within(&path.file_stem().unwrap_or_default().to_string_lossy()).0.or(around);
        found.extend(files.into_iter().map(|path| (part(&path).unwrap_or(Part::Train), path)));
        if depth == 0 || folders.len() > MOST_FOLDERS {
            return Ok(());
        }
        folders.iter().try_for_each(|folder| search(folder, part(folder), depth - 1, found))
    }
    if !path.is_dir() {
        return Ok(if is_parquet(path) { vec![(Part::Train, path.to_owned())] } else { Vec::new() });
    }
    let mut found = Vec::new();
    search(path, None, DEEPEST, &mut found)?;
    Ok(found)
}

/// Reads the pictures of a file or a folder at `size x size`; `column` names that of the labels; `seed` draws the test split where
/// there is none.
pub(super) fn load(path: &Path, column: Option<&str>, size: usize, seed: u64) -> Result<Dataset> {
    pile::check_size(size)?;
    let mut parts: BTreeMap<Part, Vec<PathBuf>> = BTreeMap::new();
    for (part, shard) in shards(path)? {
        parts.entry(part).or_default().push(shard);
    }
    let Some(train) = parts.remove(&Part::Train) else {
        return Err(Error::Data(format!(
            "{} has no Parquet files to train on. Their names say the part, for example train-00000-of-00001.parquet",
            path.display()
        )));
    };
    let mut notes = Vec::new();
    let mut reading = Reading { column, size, names: None, words: Words::default(), blind: 0 };
    let mut train = reading.part(&train)?;
    let (mut test, split) = loop {
        let mut said = Vec::new();
        let (part, split) = pile::chosen_test(&parts, "validation files", Vec::len, &mut said);
        let test = part.map(|part| reading.part(&parts[&part])).transpose()?;
        match (part, test) {
            // Many test splits are published without their labels.
            (Some(part), Some(test)) if test.tried() == 0 => drop(parts.remove(&part)),
            (_, test) => {
                notes.extend(said);
                break (test, split);
            }
        }
    };
    if reading.blind > 0 {
        notes.push(format!("{} images are left out, since they have no label", reading.blind));
    }
    let class_names = reading.names.unwrap_or_else(|| {
        let (names, places) = reading.words.sorted();
        std::iter::once(&mut train).chain(&mut test).for_each(|pile| pile.relabel(&places));
        names
    });
    let set = Set {
        name: path.file_stem().map_or_else(|| "parquet".to_owned(), |name| name.to_string_lossy().into_owned()),
        origin: format!("Parquet in {}", path.display()),
        class_names,
        size,
        split,
        notes,
    };
    set.finish(train, test, seed)
}

/// What holds for all files of a set.
struct Reading<'a> {
    column: Option<&'a str>,
    size: usize,
    /// Names of the classes, where the first file says them.
    names: Option<Vec<String>>,
    /// Labels that were met, where it does not.
    words: Words,
    /// Images that have none.
    blind: usize,
}

impl Reading<'_> {
    fn part(&mut self, shards: &[PathBuf]) -> Result<Pile> {
        let mut pile = Pile::default();
        for path in shards {
            let mut file = File::open(path).map_err(Error::file("read", path))?;
            let size = file.metadata().map_err(Error::file("read", path))?.len();
            let mut head = Vec::new();
            file.by_ref().take(512).read_to_end(&mut head).map_err(Error::file("read", path))?;
            refuse_other(&head, path)?;
            let name = path.display().to_string();
            self.shard(file, size, &name, &mut pile).map_err(|what| Error::Data(format!("{name}: {what}")))?;
        }
        Ok(pile)
    }

    /// Adds the pictures of a file of `size` bytes. The crate panics where some files are damaged.
    fn shard(
        &mut self,
        file: impl ChunkReader + 'static,
        size: u64,
        name: &str,
        pile: &mut Pile,
    ) -> Result<(), String> {
        let read = AssertUnwindSafe(|| self.rows(file, size, name, pile));
        catch_unwind(read).unwrap_or_else(|_| Err("it is damaged".to_owned()))
    }

    fn rows(&mut self, file: impl ChunkReader + 'static, size: u64, name: &str, pile: &mut Pile) -> Result<(), String> {
        let file = SerializedFileReader::new(file).map_err(damaged)?;
        let columns = Columns::of(file.metadata(), self.column)?;
        if self.names.is_none() && self.words.is_empty() {
            self.names.clone_from(&columns.names);
        }
        let (mut left, mut row) = (most_unpacked(size), 0);
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group).map_err(damaged)?;
            let mut images = Column::new(&*group, columns.image)?;
            let mut labels = Column::new(&*group, columns.label)?;
            loop {
                let (pictures, named) = (images.next()?, labels.next()?);
                if pictures.len() != named.len() {
                    return Err(format!("it has {} labels for {} images", named.len(), pictures.len()));
                }
                if pictures.is_empty() {
                    break;
                }
                let bytes: usize = pictures.iter().map(Cell::len).sum();
                left = left
                    .checked_sub(bytes as u64)
                    .ok_or("it unpacks to far more than a file of its size can hold: a trap")?;
                let size = [self.size, self.size];
                let decoded: Vec<_> = pictures.par_iter().map(|picture| picture.decoded(size)).collect();
                for (picture, label) in decoded.into_iter().zip(named) {
                    row += 1;
                    if matches!(label, Cell::Nothing | Cell::Number(NO_LABEL)) {
                        self.blind += 1;
                        continue;
                    }
                    let label = self.label(&label).map_err(|what| format!("row {row}: {what}"))?;
                    pile.add(picture, label, || format!("row {row} of {name}")).map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(())
    }

    /// The place of a label among the classes.
    fn label(&mut self, cell: &Cell) -> Result<u32, String> {
        match (cell, &self.names) {
            (Cell::Number(label), Some(names)) if (0..names.len() as i64).contains(label) => Ok(*label as u32),
            (Cell::Number(label @ 0..), None) if *label < i64::from(MOST_CLASSES) => {
                Ok(self.words.place(&label.to_string()))
            }
            (Cell::Number(label), _) => Err(format!("its label is {label}, which names no class")),
            (Cell::Bytes(word), names) => {
                let word = String::from_utf8_lossy(word.data());
                match names {
                    None => Ok(self.words.place(&word)),
                    Some(names) => {
                        names.iter().position(|name| *name == word).map(|place| place as u32).ok_or_else(|| {
                            format!("its label is \"{word}\", which is none of the classes that the file names")
                        })
                    }
                }
            }
            (Cell::Nothing, _) => Err("it has no label".to_owned()),
        }
    }
}

/// What the crate says, and what to do about files that are packed in ways that are left out here.
fn damaged(error: ParquetError) -> String {
    let text = error.to_string();
    match text.split_once("Disabled feature at compile time: ") {
        Some((_, codec)) => format!(
            "it is packed with {codec}, which is not read here. Write it anew with compression=\"snappy\", \"gzip\" or none"
        ),
        None => format!("it cannot be read ({text})"),
    }
}

/// A value of a column.
enum Cell {
    Nothing,
    Number(i64),
    Bytes(ByteArray),
}

impl Cell {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            _ => 8,
        }
    }

    fn decoded(&self, size: [usize; 2]) -> Result<image::RgbImage, String> {
        match self {
            Self::Bytes(bytes) => decode(bytes.data(), size),
            _ => Err("its bytes are not in the file".to_owned()),
        }
    }
}

/// Where images and labels stand among the leaves of the schema, and the names of the classes.
struct Columns {
    image: usize,
    label: usize,
    names: Option<Vec<String>>,
}

impl Columns {
    fn of(metadata: &ParquetMetaData, chosen: Option<&str>) -> Result<Self, String> {
        let schema = metadata.file_metadata().schema_descr();
        let paths: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
        let find = |name: &str| paths.iter().position(|path| path == name);
        let image = IMAGES.iter().find_map(|name| find(&format!("{name}.bytes")).or_else(|| find(name)));
        let any = paths.iter().position(|path| path.split('.').next_back() == Some("bytes"));
        let label = match chosen {
            Some(chosen) => find(chosen),
            None => LABELS.iter().find_map(|name| find(name)),
        };
        let (Some(image), Some(label)) = (image.or(any), label) else {
            return Err(format!(
                "its columns are {}; one of pictures (image, img) and one of labels (label, fine_label) are needed. Name that \
                 of the labels as in parquet@COLUMN:PATH",
                paths.join(", ")
            ));
        };
        for at in [image, label] {
            if schema.column(at).max_rep_level() > 0 {
                return Err(format!("{} holds lists; one value for each picture is needed", paths[at]));
            }
        }
        let entries = metadata.file_metadata().key_value_metadata();
        let about = entries.into_iter().flatten().find(|entry| entry.key == "huggingface");
        let about: Option<Value> = about.and_then(|entry| serde_json::from_str(entry.value.as_ref()?).ok());
        let names = about.as_ref().and_then(|about| about["info"]["features"][&paths[label]]["names"].as_array());
        let names = names.map(|names| names.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect());
        Ok(Self { image, label, names })
    }
}

/// A column of a group of rows, some values at a time.
struct Column {
    reader: ColumnReader,
    /// Level of a value that is there.
    full: i16,
}

impl Column {
    fn new(group: &dyn RowGroupReader, at: usize) -> Result<Self, String> {
        let full = group.metadata().column(at).column_descr().max_def_level();
        let reader = group.get_column_reader(at).map_err(damaged)?;
        Ok(Self { reader, full })
    }

    /// The next values; none at the end.
    fn next(&mut self) -> Result<Vec<Cell>, String> {
        macro_rules! read {
            ($reader:expr, $cell:expr) => {{
                let (mut levels, mut values) = (Vec::new(), Vec::new());
                let read = $reader.read_records(TOGETHER, Some(&mut levels), None, &mut values);
                let (count, _, _) = read.map_err(damaged)?;
                let mut values = values.into_iter().map($cell);
                if self.full == 0 {
                    return Ok(values.collect());
                }
                levels.truncate(count);
                let cell = |level: i16| if level == self.full { values.next() } else { Some(Cell::Nothing) };
                levels.into_iter().map(cell).collect::<Option<Vec<Cell>>>()
            }};
        }
        let cells = match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => read!(reader, Cell::Bytes),
            ColumnReader::Int64ColumnReader(reader) => read!(reader, Cell::Number),
            ColumnReader::Int32ColumnReader(reader) => read!(reader, |value| Cell::Number(value.into())),
            ColumnReader::BoolColumnReader(reader) => read!(reader, |value| Cell::Number(value.into())),
            _ => return Err("pictures must be bytes, and labels whole numbers or words".to_owned()),
        };
        cells.ok_or_else(|| "it is damaged".to_owned())
    }
}

/// Pictures in the bytes of a file.
pub(super) fn count(bytes: &[u8]) -> Result<usize> {
    let mut reading = Reading { column: None, size: 8, names: None, words: Words::default(), blind: 0 };
    let mut pile = Pile::default();
    let file = bytes::Bytes::copy_from_slice(bytes);
    reading.shard(file, bytes.len() as u64, "bytes", &mut pile).map_err(Error::Data)?;
    Ok(pile.tried())
}
