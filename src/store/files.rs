//! Writing so that a torn file can never be mistaken for a whole one.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::version::{Fault, parse, versioned};
use crate::error::{Error, Result};

/// Writes a file under a temporary name, syncs it, then gives it its name.
pub(super) fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    put(path, write, File::sync_all)?;
    sync_folder_of(path).map_err(Error::file("write", path))
}

/// The same for what is made of other files and can be made again: nobody waits until it is on disk.
pub(super) fn replace_derived(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    put(path, write, |_| Ok(()))
}

fn put(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    sync: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<()> {
    let temporary = temporary_name(path);
    let attempt = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(&temporary)?);
        write(&mut file)?;
        sync(&file.into_inner().map_err(std::io::IntoInnerError::into_error)?)?;
        fs::rename(&temporary, path)
    };
    attempt().map_err(|error| {
        let _ = fs::remove_file(&temporary); // Make room again where the disk is full.
        Error::file("write", path)(error)
    })
}

/// The name that a file has until it is whole.
pub(super) fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// A renamed file is safe only when its folder is on disk too.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Writes JSON with the version of its format, for people to read too. What a later program has written there is kept beside.
pub(super) fn write_json(path: &Path, what: &impl Serialize) -> Result<()> {
    let there = fs::read(path).unwrap_or_default();
    if let Err(Fault::Newer(_)) = parse::<serde::de::IgnoredAny>(&there) {
        fs::rename(path, name_aside(path, "newer")).map_err(Error::file("rename", path))?;
    }
    replace(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &versioned(what))?;
        out.write_all(b"\n")
    })
}

/// Reads JSON of a known version; `otherwise` says what to do about a damaged file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path, otherwise: &str) -> Result<T> {
    let text = fs::read(path).map_err(Error::file("read", path))?;
    parse(&text).map_err(|fault| match fault {
        Fault::Damaged(why) => Error::Data(format!("{} cannot be read: {why}. {otherwise}", path.display())),
        newer @ Fault::Newer(_) => Error::Data(format!("{} cannot be read: {newer}", path.display())),
    })
}

/// The first name `NAME.KIND-1`, `NAME.KIND-2`, ... that is free: for what is set aside.
pub(super) fn name_aside(path: &Path, kind: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |number: u64| path.with_file_name(format!("{name}.{kind}-{number}"));
    (1..u64::MAX).map(numbered).find(|path| !path.exists()).expect("numbers do not end")
}

/// Moves ranges of bytes, in order, out of a file into a new one beside it, which is on disk before the file is touched.
pub(super) fn set_aside(path: &Path, ranges: &[Range<u64>], kind: &str) -> Result<PathBuf> {
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let part = |range: &Range<u64>| &bytes[range.start as usize..range.end as usize];
    let aside = name_aside(path, kind);
    replace(&aside, |out| ranges.iter().try_for_each(|range| out.write_all(part(range))))?;
    if let [range] = ranges
        && range.end == bytes.len() as u64
    {
        let shorten = || -> std::io::Result<()> {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(range.start)?;
            file.sync_all()
        };
        shorten().map_err(Error::file("write", path))?;
    } else {
        let starts = std::iter::once(0).chain(ranges.iter().map(|range| range.end));
        let ends = ranges.iter().map(|range| range.start).chain([bytes.len() as u64]);
        let kept: Vec<Range<u64>> = starts.zip(ends).map(|(start, end)| start..end).collect();
        replace(path, |out| kept.iter().try_for_each(|range| out.write_all(part(range))))?;
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::VERSION;

    #[test]
    fn what_a_later_program_has_written_is_kept_beside() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("map.json"), folder.path().join("map.json.newer-1"));
        write_json(&path, &json!({"step": 1})).unwrap();
        write_json(&path, &json!({"step": 2})).unwrap();
        fs::write(folder.path().join("damaged.json"), "{").unwrap();
        write_json(&folder.path().join("damaged.json"), &json!({"step": 2})).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "what is known, or damaged, is written anew");
        let newer = format!("{{\"version\": {}, \"steps\": [1, 2]}}", VERSION + 1);
        fs::write(&path, &newer).unwrap();
        write_json(&path, &json!({"step": 3})).unwrap();
        assert_eq!(fs::read_to_string(&beside).unwrap(), newer);
        let now: serde_json::Value = read_json(&path, "").unwrap();
        assert_eq!(now["step"], 3);
    }
}
