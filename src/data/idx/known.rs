//! What is known about the sets that come as IDX files: names of classes, published mean and deviation, and how EMNIST differs.

use std::path::Path;

use crate::data::ImageShape;

/// A published set.
pub(super) struct Known {
    /// Its name here.
    pub(super) name: &'static str,
    /// Names of its classes.
    pub(super) classes: Vec<String>,
    /// Published mean and deviation, where there are some.
    pub(super) normalisation: Option<[f32; 2]>,
}

/// What the splits of EMNIST are called in the names of their files.
const EMNIST: [&str; 6] = ["balanced", "byclass", "bymerge", "digits", LETTERS, "mnist"];
/// The part whose labels begin at 1.
pub(super) const LETTERS: &str = "letters";
/// Letters whose capitals look alike, which `balanced` and `bymerge` do not tell apart.
const MERGED: &str = "cijklmopsuvwxyz";
const FASHION: [&str; 10] =
    ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
const KUZUSHIJI: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];

/// What torchvision calls the folders of its sets.
pub(super) const FOLDERS: [&str; 5] = ["MNIST", "FashionMNIST", "KMNIST", "EMNIST", "QMNIST"];

/// The prefixes that the files of a set may have, with what they mean: nothing, or a split of EMNIST.
pub(super) fn prefixes() -> impl Iterator<Item = (String, Option<&'static str>)> {
    let emnist = EMNIST.into_iter().map(|split| (format!("emnist-{split}-"), Some(split)));
    [(String::new(), None), ("qmnist-".to_owned(), None)].into_iter().chain(emnist)
}

impl Known {
    /// A set that is known by the name of its folder, or as a split of EMNIST.
    pub(super) fn of(folder: &Path, split: Option<&'static str>, shape: ImageShape, classes: usize) -> Option<Self> {
        let is_size = (shape.height, shape.width) == (28, 28);
        if let Some(split) = split.filter(|_| is_size) {
            let name = [
                "emnist-balanced",
                "emnist-byclass",
                "emnist-bymerge",
                "emnist-digits",
                "emnist-letters",
                "emnist-mnist",
            ];
            let at = EMNIST.iter().position(|known| *known == split)?;
            let names = emnist(split);
            return (classes <= names.len()).then_some(Self { name: name[at], classes: names, normalisation: None });
        }
        let words = |names: [&str; 10]| names.map(str::to_owned).to_vec();
        let digits = || (0..10).map(|digit| digit.to_string()).collect();
        let folder = folder_name(folder).to_lowercase().replace(['-', '_'], "");
        let has = |name: &str| folder.contains(name);
        let (name, classes, normalisation) = match () {
            () if !is_size || classes != 10 => return None,
            () if has("fashion") => ("fashion-mnist", words(FASHION), Some([0.2861, 0.3530])),
            () if has("kmnist") || has("kuzushiji") => ("kmnist", words(KUZUSHIJI), None),
            () if has("qmnist") => ("qmnist", digits(), None),
            () if has("mnist") && !has("emnist") => ("mnist", digits(), Some([0.1307, 0.3081])),
            () => return None,
        };
        Some(Self { name, classes, normalisation })
    }
}

/// Names of the classes of a split: digits, capitals, small letters.
fn emnist(split: &str) -> Vec<String> {
    let characters: Vec<char> = match split {
        LETTERS => ('a'..='z').collect(),
        "digits" | "mnist" => ('0'..='9').collect(),
        "byclass" => ('0'..='9').chain('A'..='Z').chain('a'..='z').collect(),
        _ => ('0'..='9').chain('A'..='Z').chain(('a'..='z').filter(|letter| !MERGED.contains(*letter))).collect(),
    };
    characters.into_iter().map(String::from).collect()
}

/// The name of a folder; that of the folder around it where the files lie in torchvision's `raw` or EMNIST's `gzip`.
pub(super) fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut names = full.ancestors().filter_map(name).filter(|name| !matches!(name.as_str(), "raw" | "gzip"));
    names.next().unwrap_or_else(|| "idx".to_owned())
}
