//! Labels as files have them, numbers or words, and the names of the classes that they make.

use std::collections::HashMap;

use crate::error::{Error, Result};

/// More classes than any set has.
pub(super) const MOST_CLASSES: u32 = 100_000;

/// The labels of a part of a set.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Labels {
    /// Places in a list of classes.
    Numbers(Vec<u32>),
    /// Names of classes.
    Words(Vec<String>),
}

impl Labels {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(labels) => labels.len(),
            Self::Words(words) => words.len(),
        }
    }
}

/// The names of all classes in order, and the labels of each part as places in that list.
pub(super) fn classes(parts: Vec<Labels>) -> Result<(Vec<String>, Vec<Vec<u32>>)> {
    let words = |part: &Labels| matches!(part, Labels::Words(_));
    if parts.iter().any(words) && !parts.iter().all(words) {
        return Err(Error::Data("the labels of one part are words, those of another are numbers".to_owned()));
    }
    let mut known = Words::default();
    let numbered = |part: Labels| match part {
        Labels::Numbers(labels) => labels,
        Labels::Words(words) => words.iter().map(|word| known.place(word)).collect(),
    };
    let mut parts: Vec<Vec<u32>> = parts.into_iter().map(numbered).collect();
    let (known, places) = known.sorted();
    if known.len() > MOST_CLASSES as usize {
        return Err(Error::Data(format!("there are {} different labels, more than any set has", known.len())));
    }
    if !known.is_empty() {
        parts.iter_mut().flatten().for_each(|label| *label = places[*label as usize]);
    }
    let count = parts.iter().flatten().max().map_or(0, |&label| label as usize + 1);
    let names = if known.is_empty() { (0..count).map(|class| class.to_string()).collect() } else { known };
    Ok((names, parts))
}

/// Sorts names of classes: by number where all are whole numbers, else as text.
pub(super) fn sort(names: &mut [String]) {
    let number = |name: &String| name.parse::<u64>().ok();
    names.sort_unstable();
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by_key(number);
    }
}

/// Words in the order in which they were met, each with its place.
#[derive(Default)]
pub(super) struct Words {
    known: Vec<String>,
    places: HashMap<String, u32>,
}

impl Words {
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The place of a word.
    pub(super) fn place(&mut self, word: &str) -> u32 {
        if let Some(place) = self.places.get(word) {
            return *place;
        }
        let place = self.known.len() as u32;
        self.known.push(word.to_owned());
        self.places.insert(word.to_owned(), place);
        place
    }

    /// The words in order, and for each place the one that it has there.
    pub(super) fn sorted(self) -> (Vec<String>, Vec<u32>) {
        let mut names = self.known.clone();
        sort(&mut names);
        let at: HashMap<&str, u32> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at as u32)).collect();
        let places = self.known.iter().map(|name| at[name.as_str()]).collect();
        (names, places)
    }
}
