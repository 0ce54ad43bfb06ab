//! What of a method changes from step to step beside the images and the controls, by name.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Numbers and arrays by their names, as a checkpoint holds them.
///
/// What belongs to a class has its label in its name (`class.3.points`), so that parts of a run over some of the classes can be joined by
/// their names alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blobs {
    /// Whole numbers.
    pub counters: BTreeMap<String, u64>,
    /// Arrays.
    pub arrays: BTreeMap<String, Array>,
}

/// Numbers in a row, with their sizes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// Sizes, the outermost first.
    pub dims: Vec<usize>,
    /// As many values as the sizes say.
    pub values: Vec<f32>,
}

impl Array {
    /// Values with their sizes.
    pub fn new(dims: &[usize], values: Vec<f32>) -> Self {
        Self { dims: dims.to_vec(), values }
    }
}

impl Blobs {
    /// The whole number of a name.
    pub fn counter(&self, name: &str) -> Result<u64> {
        self.counters.get(name).copied().ok_or_else(|| missing(name))
    }

    /// The array of a name.
    pub fn array(&self, name: &str) -> Result<&Array> {
        self.arrays.get(name).ok_or_else(|| missing(name))
    }

    /// What all parts of a run hold together. What has one name in several of them has to be equal there.
    pub fn joined(parts: &[&Self]) -> Result<Self> {
        let mut joined = Self::default();
        for part in parts {
            let counters = part.counters.iter().map(|(name, value)| (name, joined.counters.get(name) == Some(value)));
            let arrays = part.arrays.iter().map(|(name, value)| (name, joined.arrays.get(name) == Some(value)));
            let known = |name: &String| joined.counters.contains_key(name) || joined.arrays.contains_key(name);
            if let Some((name, _)) = counters.chain(arrays).find(|(name, same)| known(name) && !same) {
                return Err(Error::Data(format!("the parts differ in \"{name}\", which all of them share")));
            }
            joined.counters.extend(part.counters.iter().map(|(name, value)| (name.clone(), *value)));
            joined.arrays.extend(part.arrays.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Ok(joined)
    }
}

fn missing(name: &str) -> Error {
    Error::Data(format!(
        "the checkpoint has no \"{name}\": it belongs to another run, or an older version of the program wrote it. \
         spiritsafe replay makes a run anew from its folder"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(class: u32, shared: u64) -> Blobs {
        let array = Array::new(&[1, 2], vec![class as f32, 0.5]);
        Blobs {
            counters: BTreeMap::from([("queue.0.seen".to_owned(), shared)]),
            arrays: BTreeMap::from([(format!("class.{class}.points"), array)]),
        }
    }

    #[test]
    fn parts_are_joined_by_name_and_must_agree_in_what_they_share() {
        let joined = Blobs::joined(&[&blobs(3, 7), &blobs(0, 7)]).unwrap();
        assert_eq!(joined.arrays.keys().collect::<Vec<_>>(), ["class.0.points", "class.3.points"]);
        assert_eq!(joined.counter("queue.0.seen").unwrap(), 7);
        let told = Blobs::joined(&[&blobs(3, 7), &blobs(0, 8)]).unwrap_err().to_string();
        assert!(told.contains("queue.0.seen"), "{told}");
        assert!(joined.array("map.weights").unwrap_err().to_string().contains("map.weights"));
    }
}
