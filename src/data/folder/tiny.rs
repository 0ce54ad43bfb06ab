//! What Tiny-ImageNet has besides folders: validation images whose classes stand in `val_annotations.txt`, and `words.txt`, which
//! says what the numbers of WordNet mean.

use std::{collections::HashMap, fs, path::Path};

use super::entries::{Class, Found, of_class};
use crate::{
    data::pile::Files,
    error::{Error, Result},
};

/// Bytes of the longest file of words that is read; WordNet's own has 2.7 MB.
const LONGEST: u64 = 1 << 26;

/// The pictures of a part whose classes stand in a file, `NAME<TAB>CLASS<TAB>...`; none where there is no such file.
pub(super) fn annotated(folder: &Path, classes: &[Class], found: &mut Found) -> Result<Option<Files>> {
    let Some(text) = text(&folder.join("val_annotations.txt"))? else { return Ok(None) };
    let labels: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let places: HashMap<&str, u32> =
        classes.iter().enumerate().map(|(at, class)| (class.name.as_str(), at as u32)).collect();
    let mut files = Files::new();
    let paths = of_class(folder, found)?;
    found.was_read();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let class = labels.get(name.as_str()).map(|rest| rest.split('\t').next().unwrap_or_default().trim());
        let label = class.and_then(|class| places.get(class)).ok_or_else(|| {
            Error::Data(format!(
                "{}: val_annotations.txt {}",
                path.display(),
                class.map_or_else(
                    || "does not say its class".to_owned(),
                    |class| format!("says that its class is \"{class}\", of which there are no pictures to train on")
                )
            ))
        })?;
        files.push((path, *label));
    }
    files.sort_by_key(|(_, label)| *label);
    Ok(Some(files))
}

/// Names of classes, with the first word of `words.txt` for each number of WordNet, where there is one.
pub(super) fn words(root: &Path, names: Vec<String>) -> Vec<String> {
    let Ok(Some(text)) = text(&root.join("words.txt")) else { return names };
    let known: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let word = |name: &String| known.get(name.as_str()).and_then(|words| words.split(',').next()).map(str::trim);
    let mut count: HashMap<&str, usize> = HashMap::new();
    names.iter().filter_map(word).for_each(|word| *count.entry(word).or_default() += 1);
    // Two numbers may mean the same word: cranes fly and lift.
    let full = |name: &String| match word(name).filter(|word| !word.is_empty()) {
        Some(word) if count[word] > 1 => format!("{word} ({name})"),
        Some(word) => word.to_owned(),
        None => name.clone(),
    };
    names.iter().map(full).collect()
}

/// The text of a small file; none where there is no file.
fn text(path: &Path) -> Result<Option<String>> {
    if !path.is_file() {
        return Ok(None);
    }
    let length = fs::metadata(path).map_err(Error::file("read", path))?.len();
    if length > LONGEST {
        return Err(Error::Data(format!("{} has {length} bytes, too many for a list of names", path.display())));
    }
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
