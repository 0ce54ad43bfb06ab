//! A table of pictures: a CSV file with a column of paths, one of labels, and perhaps one that says the part of each.
//!
//! Columns are found by the usual words in the first line; where it has none, the columns are path, label and part. Paths lie in the
//! folder of the file; one that climbs out of it is refused. An absolute path is taken as it stands, since that is what scripts
//! write.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::{Component, Path, PathBuf},
};

use csv_core::ReadRecordResult;

use super::{
    Dataset,
    labels::Words,
    parts::Part,
    pile::{Files, Listing},
    source::plain,
};
use crate::error::{Error, Result};

const PATHS: [&str; 11] = [
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "img",
    "img_path",
    "image_file",
];
const LABELS: [&str; 8] = ["label", "labels", "class", "class_name", "target", "category", "label_name", "y"];
const PARTS: [&str; 7] = ["split", "set", "subset", "part", "partition", "fold", "usage"];

/// Where the columns stand.
#[derive(Debug, PartialEq)]
struct Columns {
    path: usize,
    label: usize,
    part: Option<usize>,
    is_headed: bool,
}

/// A row: its path, its label, its part.
type Row = (String, String, Part);

/// Reads the pictures of a table at `size x size`; `column` names that of the labels; `seed` draws the test split where no row
/// is for testing.
pub(super) fn load(path: &Path, column: Option<&str>, size: usize, seed: u64) -> Result<Dataset> {
    super::pile::check_size(size)?;
    let file = File::open(path).map_err(Error::file("read", path))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let rows = rows(plain(BufReader::new(file), path)?, column).map_err(|what| fault(path, &what))?;
    let (mut words, mut parts) = (Words::default(), BTreeMap::<Part, Files>::new());
    for (name, label, part) in rows {
        let place = place(folder, &name).map_err(|what| fault(path, &what))?;
        parts.entry(part).or_default().push((place, words.place(&label)));
    }
    let (class_names, places) = words.sorted();
    parts.values_mut().flatten().for_each(|(_, label)| *label = places[*label as usize]);
    let listing = Listing {
        name: path.file_stem().map_or_else(|| "table".to_owned(), |name| name.to_string_lossy().into_owned()),
        origin: format!("pictures in {}", path.display()),
        class_names,
        parts,
        notes: Vec::new(),
    };
    listing.load(size, seed)
}

fn fault(path: &Path, what: &str) -> Error {
    Error::Data(format!("{}: {what}", path.display()))
}

/// Where a picture lies.
fn place(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let name = if cfg!(windows) { name.to_owned() } else { name.replace('\\', "/") };
    let path = Path::new(&name);
    if !path.is_absolute() && path.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err(format!(
            "the path \"{name}\" climbs out of its folder. Put the table above the pictures, or write absolute paths"
        ));
    }
    Ok(folder.join(path))
}

/// The rows of a table.
pub(super) fn rows(mut reader: impl Read, column: Option<&str>) -> Result<Vec<Row>, String> {
    let mut text = Vec::new();
    reader.read_to_end(&mut text).map_err(|error| format!("it is damaged ({error})"))?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| first.split(|byte| *byte == delimiter).count();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',');
    let (mut columns, mut rows) = (None, Vec::new());
    for (line, fields) in records(text, delimiter).into_iter().enumerate() {
        if columns.is_none() {
            let found = Columns::of(&fields, column)?;
            let is_headed = found.is_headed;
            columns = Some(found);
            if is_headed {
                continue;
            }
        }
        let Some(Columns { path, label, part, .. }) = &columns else { continue };
        let field = |at: usize| fields.get(at).filter(|field| !field.is_empty());
        let (Some(name), Some(label)) = (field(*path), field(*label)) else {
            return Err(format!("line {}: a path and a label are needed", line + 1));
        };
        let part = match part.and_then(field) {
            None => Part::Train,
            Some(word) => Part::named(word).ok_or_else(|| {
                format!("line {}: the part \"{word}\" is not known; train, val and test are", line + 1)
            })?,
        };
        rows.push((name.clone(), label.clone(), part));
    }
    if rows.is_empty() {
        return Err("it has no rows. Write a line for each picture: path,label or path,label,split".to_owned());
    }
    Ok(rows)
}

/// The fields of every line, without spaces around them.
fn records(mut text: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut bytes, mut ends, mut records) = (vec![0; 1 << 10], vec![0; 1 << 4], Vec::new());
    let (mut filled, mut ended) = (0, 0);
    loop {
        let (result, read, wrote, ends_wrote) = reader.read_record(text, &mut bytes[filled..], &mut ends[ended..]);
        text = &text[read..];
        (filled, ended) = (filled + wrote, ended + ends_wrote);
        match result {
            ReadRecordResult::OutputFull => bytes.resize(2 * bytes.len(), 0),
            ReadRecordResult::OutputEndsFull => ends.resize(2 * ends.len(), 0),
            ReadRecordResult::Record => {
                let starts = std::iter::once(&0).chain(&ends[..ended]);
                let fields = starts.zip(&ends[..ended]).map(|(start, end)| &bytes[*start..*end]);
                records.push(fields.map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect());
                (filled, ended) = (0, 0);
            }
            // With nothing left to read, this is asked once more for the last line.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::End => return records,
        }
    }
}

impl Columns {
    /// By the words of the first line; `column` names that of the labels.
    fn of(first: &[String], column: Option<&str>) -> Result<Self, String> {
        let find = |words: &[&str]| {
            let place =
                |word: &&str| first.iter().position(|field| field.to_lowercase().replace([' ', '-'], "_") == **word);
            words.iter().find_map(place)
        };
        let label = match column {
            Some(column) => first.iter().position(|field| field == column),
            None => find(&LABELS),
        };
        match (find(&PATHS), label) {
            (Some(path), Some(label)) => Ok(Self { path, label, part: find(&PARTS), is_headed: true }),
            (None, None) if column.is_none() && (2..=3).contains(&first.len()) => {
                Ok(Self { path: 0, label: 1, part: (first.len() == 3).then_some(2), is_headed: false })
            }
            _ => Err(format!(
                "its columns are {}; one of paths (path, file, image) and one of labels (label, class) are needed. Name that \
                 of the labels as in csv@COLUMN:FILE",
                first.join(", ")
            )),
        }
    }
}
