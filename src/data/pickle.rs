//! Pickles, as far as tensors in plain containers need them: written by a fixed recipe, read by a strict machine.
//!
//! A pickle is a program. The machine here knows the words that `torch.save` uses for numbers, texts, lists, tuples,
//! dictionaries and tensors, and nothing else: a global that is not in its short table is refused by name, so nothing in
//! a file is ever executed. Containers lie in an arena and are shared, not copied, so a small file cannot grow.

use std::rc::Rc;

/// Words of a file; PyTorch's own files of a data set have a few hundred.
const MOST_WORDS: usize = 1 << 20;

/// What a pickle may hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// None, and whatever does not matter: hooks, flags.
    Nothing,
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A list or tuple of the arena.
    List(usize),
    /// A dictionary of the arena.
    Dict(usize),
    Tensor(Rc<Strided>),
    /// A function or class of the table.
    Global(Global),
    /// The numbers of a tensor: kind and name of its record.
    Storage(Kind, Rc<str>),
    Mark,
}

/// Functions and classes that are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Global {
    RebuildTensor,
    RebuildParameter,
    OrderedDict,
    Storage(Kind),
}

/// Numbers of a storage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Half,
    Float,
    Double,
    Byte,
    Short,
    Int,
    Long,
}

impl Kind {
    /// Bytes of a number.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Half | Self::Short => 2,
            Self::Float | Self::Int => 4,
            Self::Double | Self::Long => 8,
        }
    }
}

/// A tensor as a view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strided {
    pub(crate) kind: Kind,
    /// Name of the record that holds the numbers.
    pub(crate) record: Rc<str>,
    pub(crate) offset: usize,
    pub(crate) sizes: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// A pickle that was read: its value, and the containers that it refers to.
pub(crate) struct Pickle {
    pub(crate) value: Value,
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
}

impl Pickle {
    /// The items of a list or tuple.
    pub(crate) fn list(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::List(at) => Some(&self.lists[*at]),
            _ => None,
        }
    }

    /// An entry of a dictionary.
    pub(crate) fn entry(&self, value: &Value, key: &str) -> Option<&Value> {
        let Value::Dict(at) = value else { return None };
        let is_key = |(known, _): &&(Value, Value)| matches!(known, Value::Text(text) if **text == *key);
        self.dicts[*at].iter().find(is_key).map(|(_, value)| value)
    }
}

/// Reads a pickle.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    Machine { bytes, at: 0, stack: Vec::new(), memo: Vec::new(), lists: Vec::new(), dicts: Vec::new() }.run()
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    memo: Vec<(usize, Value)>,
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
}

fn cut_off() -> String {
    "its pickle is cut off".to_owned()
}

fn damaged() -> String {
    "its pickle is damaged".to_owned()
}

impl Machine<'_> {
    fn run(mut self) -> Result<Pickle, String> {
        for _ in 0..MOST_WORDS {
            let word = self.take(1)?[0];
            if word == b'.' {
                let value = self.pop()?;
                return Ok(Pickle { value, lists: self.lists, dicts: self.dicts });
            }
            self.obey(word)?;
        }
        Err("its pickle is longer than any of a data set".to_owned())
    }

    fn obey(&mut self, word: u8) -> Result<(), String> {
        match word {
            0x80 => drop(self.take(1)?), // PROTO
            0x95 => drop(self.take(8)?), // FRAME
            b'N' | 0x88 | 0x89 => self.stack.push(Value::Nothing),
            b'K' => self.number::<1>()?,
            b'M' => self.number::<2>()?,
            b'J' => {
                let four = self.array::<4>()?;
                self.stack.push(Value::Int(i32::from_le_bytes(four).into()));
            }
            0x8a => self.long()?,
            b'G' => {
                let eight = self.array::<8>()?;
                self.stack.push(Value::Float(f64::from_be_bytes(eight)));
            }
            b'X' => {
                let length = u32::from_le_bytes(self.array()?) as usize;
                self.text(length)?;
            }
            0x8c => {
                let length = self.take(1)?[0].into();
                self.text(length)?;
            }
            b'(' => self.stack.push(Value::Mark),
            b']' | b')' => self.push_list(Vec::new()),
            b'}' => self.push_dict(),
            b't' => {
                let items = self.since_mark()?;
                self.push_list(items);
            }
            0x85..=0x87 => {
                let count = usize::from(word - 0x84);
                let items = self.last(count)?;
                self.push_list(items);
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.append(items)?;
            }
            b's' => {
                let items = self.last(2)?;
                self.set(items)?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set(items)?;
            }
            b'q' => {
                let at = self.take(1)?[0].into();
                self.remember(at)?;
            }
            b'r' => {
                let at = u32::from_le_bytes(self.array()?) as usize;
                self.remember(at)?;
            }
            0x94 => self.remember(self.memo.len())?,
            b'h' => {
                let at = self.take(1)?[0].into();
                self.recall(at)?;
            }
            b'j' => {
                let at = u32::from_le_bytes(self.array()?) as usize;
                self.recall(at)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.stack.push(global(&module, &name)?);
            }
            0x93 => {
                let names = self.last(2)?;
                let [Value::Text(module), Value::Text(name)] = names.as_slice() else { return Err(damaged()) };
                self.stack.push(global(module, name)?);
            }
            b'Q' => self.storage()?,
            b'R' => self.reduce()?,
            b'b' => drop(self.pop()?), // BUILD: the state of an ordered dictionary, which has none that matters.
            other => {
                return Err(format!("its pickle uses the word {other:#04x}, which no tensor needs; it is not read"));
            }
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or_else(cut_off)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("that many"))
    }

    fn number<const N: usize>(&mut self) -> Result<(), String> {
        let value = self.array::<N>()?.iter().rev().fold(0_i64, |value, &byte| value << 8 | i64::from(byte));
        self.stack.push(Value::Int(value));
        Ok(())
    }

    fn long(&mut self) -> Result<(), String> {
        let length = self.take(1)?[0].into();
        let bytes = self.take(length)?;
        let mut eight = [if bytes.last().is_some_and(|byte| *byte > 127) { 255 } else { 0 }; 8];
        eight.get_mut(..bytes.len()).ok_or_else(damaged)?.copy_from_slice(bytes);
        self.stack.push(Value::Int(i64::from_le_bytes(eight)));
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.take(length)?).as_ref().into();
        self.stack.push(Value::Text(text));
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n').ok_or_else(cut_off)?;
        let line = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(line)
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(damaged)
    }

    fn last(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let start = self.stack.len().checked_sub(count).ok_or_else(damaged)?;
        Ok(self.stack.split_off(start))
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark).ok_or_else(damaged)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn push_list(&mut self, items: Vec<Value>) {
        self.lists.push(items);
        self.stack.push(Value::List(self.lists.len() - 1));
    }

    fn push_dict(&mut self) {
        self.dicts.push(Vec::new());
        self.stack.push(Value::Dict(self.dicts.len() - 1));
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::List(at)) = self.stack.last() else { return Err(damaged()) };
        self.lists[*at].extend(items);
        Ok(())
    }

    fn set(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::Dict(at)) = self.stack.last() else { return Err(damaged()) };
        let pairs = items.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        self.dicts[*at].extend(pairs);
        Ok(())
    }

    fn remember(&mut self, at: usize) -> Result<(), String> {
        let value = self.stack.last().ok_or_else(damaged)?.clone();
        self.memo.push((at, value));
        Ok(())
    }

    fn recall(&mut self, wanted: usize) -> Result<(), String> {
        let known = self.memo.iter().rev().find(|(at, _)| *at == wanted).ok_or_else(damaged)?;
        self.stack.push(known.1.clone());
        Ok(())
    }

    /// `('storage', KIND, NAME, DEVICE, COUNT)`.
    fn storage(&mut self) -> Result<(), String> {
        let value = self.pop()?;
        let Value::List(at) = value else { return Err(damaged()) };
        match self.lists[at].as_slice() {
            [Value::Text(tag), Value::Global(Global::Storage(kind)), Value::Text(name), ..] if **tag == *"storage" => {
                let storage = Value::Storage(*kind, name.clone());
                self.stack.push(storage);
                Ok(())
            }
            _ => Err(damaged()),
        }
    }

    fn reduce(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::List(at), Value::Global(function)) = (arguments, function) else { return Err(damaged()) };
        let arguments = &self.lists[at];
        match (function, arguments.as_slice()) {
            (Global::OrderedDict, _) => self.push_dict(),
            (Global::RebuildParameter, [tensor @ Value::Tensor(_), ..]) => {
                let tensor = tensor.clone();
                self.stack.push(tensor);
            }
            (
                Global::RebuildTensor,
                [Value::Storage(kind, record), Value::Int(offset), Value::List(sizes), Value::List(strides), ..],
            ) => {
                let whole = |at: &usize| -> Option<Vec<usize>> {
                    let number = |value: &Value| match value {
                        Value::Int(number) => usize::try_from(*number).ok(),
                        _ => None,
                    };
                    self.lists[*at].iter().map(number).collect()
                };
                let (sizes, strides) = (whole(sizes).ok_or_else(damaged)?, whole(strides).ok_or_else(damaged)?);
                let offset = usize::try_from(*offset).map_err(|_| damaged())?;
                if sizes.len() != strides.len() {
                    return Err(damaged());
                }
                let tensor = Strided { kind: *kind, record: record.clone(), offset, sizes, strides };
                self.stack.push(Value::Tensor(Rc::new(tensor)));
            }
            _ => return Err(damaged()),
        }
        Ok(())
    }
}

/// A name of the table; anything else is refused.
fn global(module: &str, name: &str) -> Result<Value, String> {
    let known = match (module, name) {
        ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch", "HalfStorage") => Global::Storage(Kind::Half),
        ("torch", "FloatStorage") => Global::Storage(Kind::Float),
        ("torch", "DoubleStorage") => Global::Storage(Kind::Double),
        ("torch", "ByteStorage") => Global::Storage(Kind::Byte),
        ("torch", "ShortStorage") => Global::Storage(Kind::Short),
        ("torch", "IntStorage") => Global::Storage(Kind::Int),
        ("torch", "LongStorage") => Global::Storage(Kind::Long),
        _ => {
            return Err(format!("its pickle wants to call {module}.{name}; only tensors in plain containers are read"));
        }
    };
    Ok(Value::Global(known))
}

/// Writes a pickle, word by word.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// A pickle of protocol 2 with what `fill` writes.
    pub(crate) fn pickle(fill: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut writer = Self(vec![0x80, 2]);
        fill(&mut writer);
        writer.0.push(b'.');
        writer.0
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.0.push(b'G');
        self.0.extend(value.to_be_bytes());
    }

    pub(crate) fn list(&mut self, fill: impl FnOnce(&mut Self)) {
        self.around(b"](", fill, b'e');
    }

    /// `fill` writes keys and values in turn.
    pub(crate) fn dict(&mut self, fill: impl FnOnce(&mut Self)) {
        self.around(b"}(", fill, b'u');
    }

    /// A contiguous tensor whose numbers lie in the record of this name.
    pub(crate) fn tensor(&mut self, kind: Kind, record: &str, sizes: &[usize]) {
        let class = if kind == Kind::Long { "LongStorage" } else { "FloatStorage" };
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.0.push(b'(');
        self.tuple(|storage| {
            storage.text("storage");
            storage.global("torch", class);
            storage.text(record);
            storage.text("cpu");
            storage.int(sizes.iter().product());
        });
        self.0.push(b'Q');
        self.int(0);
        self.tuple(|writer| sizes.iter().for_each(|&size| writer.int(size)));
        self.tuple(|writer| (0..sizes.len()).for_each(|axis| writer.int(sizes[axis + 1..].iter().product())));
        self.0.push(0x89);
        self.global("collections", "OrderedDict");
        self.0.extend(b")R");
        self.0.extend(b"tR");
    }

    fn tuple(&mut self, fill: impl FnOnce(&mut Self)) {
        self.around(b"(", fill, b't');
    }

    fn around(&mut self, before: &[u8], fill: impl FnOnce(&mut Self), after: u8) {
        self.0.extend(before);
        fill(self);
        self.0.push(after);
    }

    fn int(&mut self, value: usize) {
        self.0.push(b'J');
        self.0.extend((value as i32).to_le_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").as_bytes());
    }
}
