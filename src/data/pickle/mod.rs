//! Pickles, as far as numbers in plain containers need them, read by a strict machine.
//!
//! A pickle is a program. The machine here knows the words for numbers, texts, bytes and containers, and a short table of
//! functions that rebuild tensors of PyTorch, arrays and scalars of NumPy and containers of `collections`. They are never called:
//! each stands for a value that the machine makes itself. A name that is not in the table is refused by name, so nothing in a file
//! is ever executed. Containers lie in an arena and are shared, not copied, and the work is limited by the size of the file, so a
//! small file cannot grow.

mod machine;
mod numbers;
mod table;

use std::{borrow::Cow, rc::Rc};

pub(crate) use numbers::{Kind, View};

/// Words that any file may have; larger files may have as many as they have bytes.
const FEW_WORDS: usize = 1 << 16;

/// What a pickle may hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// None, and whatever does not matter: hooks, devices, numbers of more than eight bytes.
    Nothing,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// Bytes, and every text of Python 2.
    Bytes(Rc<[u8]>),
    /// A list, tuple, set or deque of the arena.
    List(usize),
    /// A dictionary of any kind in the arena.
    Dict(usize),
    /// A tensor of PyTorch.
    Tensor(Rc<Strided>),
    /// An array of NumPy in the arena.
    Array(usize),
    /// The kind of the numbers of an array, in the arena.
    Dtype(usize),
    /// A function or class of the table.
    Global(table::Global),
    /// The numbers of a tensor: kind, where it is known, and name of the record.
    Storage(Option<Kind>, Rc<str>),
    Mark,
}

/// A tensor as a view of a record of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strided {
    /// Name of the record that holds the numbers.
    pub(crate) record: Rc<str>,
    pub(crate) view: View,
}

/// An array whose numbers stand in the pickle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    /// None for objects and texts.
    pub(crate) kind: Option<Kind>,
    /// True where the numbers have their largest byte first.
    pub(crate) big_endian: bool,
    pub(crate) sizes: Vec<usize>,
    /// True where the first axis is the fastest.
    pub(crate) fortran: bool,
    pub(crate) bytes: Rc<[u8]>,
    /// The list of an array of objects.
    pub(crate) objects: Option<Value>,
}

/// The kind of the numbers of an array: NumPy's letter with the bytes of a number, and their order.
#[derive(Clone, Debug, PartialEq)]
struct Dtype {
    name: Rc<str>,
    big_endian: bool,
}

/// A pickle that was read: its value, and the containers that it refers to.
pub(crate) struct Pickle {
    pub(crate) value: Value,
    arena: Arena,
}

#[derive(Default)]
struct Arena {
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    arrays: Vec<Array>,
    dtypes: Vec<Dtype>,
}

impl Pickle {
    /// The items of a list, tuple, set or deque.
    pub(crate) fn list(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::List(at) => Some(&self.arena.lists[*at]),
            Value::Array(at) => self.list(self.arena.arrays[*at].objects.as_ref()?),
            _ => None,
        }
    }

    /// The entries of a dictionary, in the order in which they were set.
    pub(crate) fn dict(&self, value: &Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(at) => Some(&self.arena.dicts[*at]),
            _ => None,
        }
    }

    /// An entry of a dictionary by its name; the last of several, as in Python.
    pub(crate) fn entry(&self, value: &Value, key: &str) -> Option<&Value> {
        let is_key = |(known, _): &&(Value, Value)| text(known).is_some_and(|known| known == key);
        self.dict(value)?.iter().rev().find(is_key).map(|(_, value)| value)
    }

    /// An array of NumPy.
    pub(crate) fn array(&self, value: &Value) -> Option<&Array> {
        match value {
            Value::Array(at) => Some(&self.arena.arrays[*at]),
            _ => None,
        }
    }
}

/// A text, also one of Python 2.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes)),
        _ => None,
    }
}

/// Reads a pickle out of a file of `size` bytes, which limits how many words it may have.
pub(crate) fn read(bytes: &[u8], size: u64) -> Result<Pickle, String> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    machine::Machine::new(bytes, FEW_WORDS.saturating_add(size)).run()
}

fn damaged() -> String {
    "its pickle is damaged".to_owned()
}

#[cfg(test)]
mod tests;
