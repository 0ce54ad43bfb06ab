//! File names out of any text: class names of a data set, names in a config, a card or an archive.
//!
//! A name is never empty and never leads out of its folder, and it is valid on Linux, macOS and Windows. Ordinary names stay as they
//! are. The names of a list are distinct also where a file system ignores case (macOS, Windows) and Unicode form (macOS).

use std::collections::{HashMap, HashSet};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Bytes of a name. File systems allow 255 bytes or UTF-16 units, of which the decomposed form of this many stays short.
const MOST_BYTES: usize = 120;
/// Bytes of an ending that a shortened name keeps, with its dot.
const LONGEST_ENDING: usize = 16;
/// Names of devices on Windows, whatever ending they have.
const DEVICES: [&str; 8] = ["CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$", "$MFT"];

/// A file name out of a text.
pub fn file_name(text: &str) -> String {
    let mut name: String = text.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    if is_device(stem) {
        name.insert(stem.len(), '_');
    }
    // A leading dot hides a file, and `.` and `..` are no names; Windows drops dots and spaces at the end.
    let mut letters: Vec<char> = shortened(&name, MOST_BYTES).chars().collect();
    if let Some(first) = letters.first_mut().filter(|first| matches!(first, '.' | ' ')) {
        *first = '_';
    }
    letters.iter_mut().rev().take_while(|last| matches!(last, '.' | ' ')).for_each(|last| *last = '_');
    if letters.is_empty() { "_".to_owned() } else { letters.into_iter().collect() }
}

/// File names out of the texts of a list, one for each and all distinct. A text that may stay as it is does, where it is the first
/// of those that some file system takes for the same.
pub fn file_names<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    let plain: Vec<String> = texts.iter().map(|text| file_name(text.as_ref())).collect();
    let keys: Vec<String> = plain.iter().map(|name| folded(name)).collect();
    // Those that stay as they are come first: no other may take their place.
    let mut taken = HashSet::new();
    let mut names: Vec<Option<String>> = vec![None; texts.len()];
    for (at, text) in texts.iter().enumerate() {
        if plain[at] == text.as_ref() && taken.insert(keys[at].clone()) {
            names[at] = Some(plain[at].clone());
        }
    }
    let mut next: HashMap<&str, usize> = HashMap::new();
    for at in 0..texts.len() {
        if names[at].is_some() {
            continue;
        }
        let mut name = plain[at].clone();
        let number = next.entry(&keys[at]).or_insert(2);
        while !taken.insert(folded(&name)) {
            name = numbered(&plain[at], *number);
            *number += 1;
        }
        names[at] = Some(name);
    }
    names.into_iter().flatten().collect()
}

/// A field of a CSV file (RFC 4180): in quotes where it has to be.
pub fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// What case and Unicode form leave of a name; names with different ones are different on every file system.
fn folded(name: &str) -> String {
    let upper: String = name.nfd().flat_map(char::to_uppercase).collect();
    let lower: String = upper.chars().flat_map(char::to_lowercase).collect();
    lower.nfd().collect()
}

/// Letters, digits and signs that every file system takes and that every one shows.
fn is_plain(letter: char) -> bool {
    match letter {
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => false,
        // ASCII, then general punctuation without spaces and directions, currencies, letters as signs, arrows and operators.
        ' '..='~'
        | '\u{a1}'..='\u{ac}'
        | '\u{ae}'..='\u{bf}'
        | '\u{d7}'
        | '\u{f7}'
        | '\u{2010}'..='\u{2027}'
        | '\u{2030}'..='\u{205e}'
        | '\u{20a0}'..='\u{20bf}'
        | '\u{2100}'..='\u{214f}'
        | '\u{2190}'..='\u{22ff}'
        | '\u{3001}'..='\u{3030}' => true,
        // Newer systems write letters that older ones refuse: of those beyond the first plane only ideographs stay.
        '\u{20000}'..='\u{2fa1f}' => letter.is_alphanumeric(),
        '\0'..='\u{ffff}' => letter.is_alphanumeric() || is_combining_mark(letter),
        _ => false,
    }
}

fn is_device(stem: &str) -> bool {
    let stem = stem.to_uppercase();
    let numbered = ["COM", "LPT"].iter().filter_map(|device| stem.strip_prefix(device)).any(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    numbered || DEVICES.contains(&stem.as_str())
}

/// The name with a number behind its stem.
fn numbered(name: &str, number: usize) -> String {
    let (stem, ending) = parts(name);
    let behind = format!("-{number}{ending}");
    format!("{}{behind}", cut(stem, MOST_BYTES - behind.len()))
}

/// At most so many bytes, with the ending kept.
fn shortened(name: &str, most: usize) -> String {
    if name.len() <= most {
        return name.to_owned();
    }
    let (stem, ending) = parts(name);
    format!("{}{ending}", cut(stem, most - ending.len()))
}

/// Stem and ending with its dot.
fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= LONGEST_ENDING => name.split_at(at),
        _ => (name, ""),
    }
}

/// As many letters from the start as fit.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
