//! What people drop, choose, type or paste: which paths it means, and what lies there.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Something to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// What `spiritsafe compare` has written.
    Comparison(PathBuf),
    /// A distilled set.
    Set(PathBuf),
    /// Data for a run.
    Data(PathBuf),
}

const COMPARISON: &str = "comparison.json";
/// Names of files that hold labels.
const LABELS: [&str; 3] = ["label", "target", "lbl"];
const PICTURES: [&str; 9] = ["png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff", "ppm"];

impl Found {
    /// In words, for what would happen if it were let go.
    pub(crate) fn describe(&self) -> String {
        let (path, what) = match self {
            Self::Comparison(path) => (path, "shows this comparison beside the run"),
            Self::Set(path) => (path, "opens this distilled set beside the run and judges it"),
            Self::Data(path) => (path, "makes this the data of the next run"),
        };
        format!("{}: dropping {what}", short_name(path))
    }
}

/// The last two parts of a path: names like `data.pt` say too little alone.
pub(crate) fn short_name(path: &Path) -> String {
    let parts: Vec<_> = path.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/").replace("//", "/")
}

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

/// What a path leads to, by names alone; of an archive of arrays by the names in it.
pub(crate) fn find(path: &Path) -> Result<Found, String> {
    let owned = path.to_owned();
    if path.ends_with(COMPARISON) || path.join(COMPARISON).is_file() {
        return Ok(Found::Comparison(owned));
    }
    if path.join("run.json").is_file() {
        // The images of a run.
        let images = path.join("synthetic.npz");
        return if images.is_file() {
            Ok(Found::Set(images))
        } else {
            let text = "is the folder of a run that has written no images yet. Go on with it first: spiritsafe distill --resume --out";
            Err(format!("{} {text} {}", path.display(), path.display()))
        };
    }
    let beside_card = path.join("card.json").is_file() || path.with_file_name("card.json").is_file();
    let is_set = beside_card || ends_in(path, &["pt", "pth", "safetensors"]);
    let is_arrays = ends_in(path, &["npz"]) && path.is_file();
    Ok(if is_set || is_arrays && !has_a_training_split(path) { Found::Set(owned) } else { Found::Data(owned) })
}

/// True if an archive names a training split. The list of names stands at the end of the file.
fn has_a_training_split(path: &Path) -> bool {
    const LIST: u64 = 1 << 16;
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LIST)))?;
        let mut tail = Vec::new();
        file.take(LIST).read_to_end(&mut tail)?;
        Ok(tail)
    };
    tail().is_ok_and(|tail| tail.windows(5).any(|word| word.eq_ignore_ascii_case(b"train")))
}

/// What several paths that were chosen together lead to.
pub(crate) fn find_all(paths: &[PathBuf]) -> Result<Vec<Found>, String> {
    let [first, others @ ..] = paths else { return Ok(Vec::new()) };
    if others.is_empty() {
        return Ok(vec![find(first)?]);
    }
    let is_beside = paths.iter().all(|path| path.parent() == first.parent() && path.is_file());
    if let Some(folder) = first.parent().filter(|_| is_beside) {
        if let Some(images) = images_with_labels(paths) {
            return Ok(vec![Found::Set(images)]);
        }
        if paths.iter().all(|path| ends_in(path, &PICTURES)) {
            return Err("these are single pictures. Drop the folder that holds a folder for each class".to_owned());
        }
        let found = paths.iter().map(|path| find(path)).collect::<Result<Vec<_>, _>>()?;
        let is_data = |one: &Found| matches!(one, Found::Data(_));
        // The files of a published data set lie in one folder.
        return Ok(if found.iter().all(is_data) { vec![Found::Data(folder.to_owned())] } else { found });
    }
    let found = paths.iter().map(|path| find(path)).collect::<Result<Vec<_>, _>>()?;
    match found.iter().filter(|one| matches!(one, Found::Data(_))).count() {
        0 | 1 => Ok(found),
        _ => Err("these are several data sets, or parts of one. Drop the one folder that holds them".to_owned()),
    }
}

/// The images of a set whose labels lie in the other files.
fn images_with_labels(paths: &[PathBuf]) -> Option<PathBuf> {
    let is_labels = |path: &&PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        LABELS.iter().any(|word| stem.contains(word)) || stem == "y" || stem.ends_with("_y")
    };
    let are_arrays = paths.iter().all(|path| ends_in(path, &["pt", "pth", "npz", "npy", "safetensors"]));
    let (labels, images): (Vec<_>, Vec<_>) = paths.iter().partition(is_labels);
    match images.as_slice() {
        [images] if are_arrays && !labels.is_empty() => Some((*images).clone()),
        _ => None,
    }
}

/// The paths in what was typed or pasted: one a line, in quotes or not, also as `file://` with percent signs.
pub(crate) fn typed(text: &str) -> Vec<PathBuf> {
    // A list of files that was copied begins with the word for what was done to them.
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !["copy", "cut"].contains(line));
    lines.map(|line| PathBuf::from(cleaned(line))).collect()
}

/// A path without quotes, `file://` and `~`; anything else as it is.
pub(crate) fn cleaned(text: &str) -> String {
    let mut text = text.trim();
    for quote in ['"', '\''] {
        text = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)).unwrap_or(text);
    }
    if let Some(rest) = text.strip_prefix("file:") {
        let place = match rest.strip_prefix("//") {
            // A name of a machine may stand before the path.
            Some(rest) => rest.find('/').map_or(rest, |at| &rest[at..]),
            None => rest,
        };
        let place = decoded(place);
        // file:///C:/photos is C:/photos.
        let is_drive = place.as_bytes().get(2) == Some(&b':') && place.starts_with('/');
        return if is_drive { place[1..].to_owned() } else { place };
    }
    if let (Some(rest), Some(home)) = (text.strip_prefix("~/"), std::env::home_dir()) {
        return home.join(rest).display().to_string();
    }
    if text.contains('%') && !Path::new(text).exists() && Path::new(&decoded(text)).exists() {
        return decoded(text);
    }
    text.to_owned()
}

/// `%20` is a space, and so on; what is no such sign stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|two| two.bytes().all(|one| one.is_ascii_hexdigit()));
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                plain.push(byte);
                at += 3;
            }
            _ => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

/// True where files cannot be dropped: the window library takes none under Wayland, which it prefers where it is there.
pub(crate) fn cannot_drop() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "linux") && (is_set("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn paths_are_read_as_people_paste_them() {
        for (text, path) in [
            ("/a/b.pt", "/a/b.pt"),
            ("  \"/a b/c.pt\" ", "/a b/c.pt"),
            ("'/a b'", "/a b"),
            ("file:///a%20b/%C3%A4.pt", "/a b/ä.pt"),
            ("file://localhost/a/b", "/a/b"),
            ("file:/a/b", "/a/b"),
            ("file:///C:/photos", "C:/photos"),
            ("file:///100%/x%zz", "/100%/x%zz"),
            ("/not/there%20at%20all", "/not/there%20at%20all"),
            ("plane:moons", "plane:moons"),
            ("\"", "\""),
        ] {
            assert_eq!(cleaned(text), path, "{text}");
        }
        assert_eq!(typed("copy\nfile:///a%20b\r\n\nfile:///c\n"), [PathBuf::from("/a b"), PathBuf::from("/c")]);
    }

    #[test]
    fn what_lies_at_a_path_is_told_by_names() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str, bytes: &[u8]| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            path
        };
        let run = make("run/run.json", b"{}").parent().unwrap().to_owned();
        assert!(find(&run).unwrap_err().contains("--resume"));
        let images = make("run/synthetic.npz", b"PK images.npy labels.npy");
        assert_eq!((find(&run).unwrap(), find(&images).unwrap()), (Found::Set(images.clone()), Found::Set(images)));
        let medical = make("bloodmnist.npz", b"PK train_images.npy");
        assert_eq!(find(&medical).unwrap(), Found::Data(medical));
        let compared = make("c/comparison.json", b"{}");
        assert_eq!(find(compared.parent().unwrap()).unwrap(), Found::Comparison(compared.parent().unwrap().to_owned()));
        let exported = make("export/card.json", b"{}").parent().unwrap().to_owned();
        assert_eq!(find(&exported).unwrap(), Found::Set(exported));
    }

    #[test]
    fn files_that_are_dropped_together_are_one_thing_where_they_belong_together() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            fs::write(root.path().join(name), b"").unwrap();
            root.path().join(name)
        };
        for names in [["images_best.pt", "labels_best.pt"], ["y.npy", "x.npy"], ["data.npz", "targets.npz"]] {
            let paths = names.map(make);
            let images = paths.iter().find(|path| {
                !path.ends_with(
                    names.iter().find(|n| n.contains("label") || n.contains("target") || n.starts_with('y')).unwrap(),
                )
            });
            assert_eq!(find_all(&paths).unwrap(), [Found::Set(images.unwrap().clone())], "{names:?}");
        }
        let idx = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"].map(make);
        assert_eq!(find_all(&idx).unwrap(), [Found::Data(root.path().to_owned())]);
        assert!(find_all(&["a.png", "b.jpg"].map(make)).unwrap_err().contains("folder"));
        let folders = ["cats", "dogs"].map(|name| root.path().join(name));
        folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        assert!(find_all(&folders).unwrap_err().contains("one folder"));
        let two = [make("set.pt"), root.path().join("cats")];
        assert_eq!(find_all(&two).unwrap(), [Found::Set(two[0].clone()), Found::Data(two[1].clone())]);
    }
}
