//! The machine: a stack, a memo, and one arm for each word.

use std::rc::Rc;

use super::{Arena, Pickle, Value, damaged, table};

/// Reads one pickle.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What may still be done: a word is one, and so is each item or byte that is copied.
    left: usize,
    pub(super) stack: Vec<Value>,
    memo: Vec<Option<Value>>,
    pub(super) arena: Arena,
}

fn cut_off() -> String {
    "its pickle is cut off".to_owned()
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8], most: usize) -> Self {
        Self { bytes, at: 0, left: most, stack: Vec::new(), memo: Vec::new(), arena: Arena::default() }
    }

    pub(super) fn run(mut self) -> Result<Pickle, String> {
        loop {
            self.charge(1)?;
            let word = self.take(1)?[0];
            if word == b'.' {
                let value = self.pop()?;
                return Ok(Pickle { value, arena: self.arena });
            }
            self.obey(word)?;
        }
    }

    /// Counts work, so that a small file cannot ask for much.
    pub(super) fn charge(&mut self, work: usize) -> Result<(), String> {
        self.left =
            self.left.checked_sub(work).ok_or("its pickle is far longer than its file: it is damaged or a trap")?;
        Ok(())
    }

    fn obey(&mut self, word: u8) -> Result<(), String> {
        match word {
            0x80 => drop(self.take(1)?), // PROTO
            0x95 => drop(self.take(8)?), // FRAME
            b'N' => self.stack.push(Value::Nothing),
            0x88 => self.stack.push(Value::Bool(true)),
            0x89 => self.stack.push(Value::Bool(false)),
            b'K' => self.number::<1>()?,
            b'M' => self.number::<2>()?,
            b'J' => {
                let four = self.array::<4>()?;
                self.stack.push(Value::Int(i32::from_le_bytes(four).into()));
            }
            0x8a => self.long::<1>()?,
            0x8b => self.long::<4>()?,
            b'G' => {
                let eight = self.array::<8>()?;
                self.stack.push(Value::Float(f64::from_be_bytes(eight)));
            }
            b'X' | 0x8c | 0x8d => self.text(word)?,
            b'U' | b'C' | b'T' | b'B' | 0x8e | 0x96 => self.octets(word)?,
            b'(' => self.stack.push(Value::Mark),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => {
                let top = self.stack.last().cloned().ok_or_else(damaged)?;
                self.stack.push(top);
            }
            b']' | b')' | 0x8f => self.push_list(Vec::new()),
            b'}' => self.push_dict(Vec::new()),
            b't' | b'l' | 0x91 => {
                let items = self.since_mark()?;
                self.push_list(items);
            }
            0x85..=0x87 => {
                let items = self.last(usize::from(word - 0x84))?;
                self.push_list(items);
            }
            b'd' => {
                let items = self.since_mark()?;
                self.push_dict(Vec::new());
                self.set(items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
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
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember_or_recall(word)?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.stack.push(table::global(&module, &name)?);
            }
            0x93 => {
                let names = self.last(2)?;
                let [Value::Text(module), Value::Text(name)] = names.as_slice() else { return Err(damaged()) };
                self.stack.push(table::global(module, name)?);
            }
            b'Q' => self.storage()?,
            b'R' | 0x81 => self.reduce()?,
            b'b' => self.build()?,
            other => {
                return Err(format!("its pickle uses the word {other:#04x}, which no numbers need; it is not read"));
            }
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or_else(cut_off)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("that many"))
    }

    /// A number of `N` bytes without a sign.
    fn whole<const N: usize>(&mut self) -> Result<usize, String> {
        let value = self.array::<N>()?.iter().rev().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        usize::try_from(value).map_err(|_| cut_off())
    }

    fn number<const N: usize>(&mut self) -> Result<(), String> {
        let value = self.whole::<N>()?;
        self.stack.push(Value::Int(value as i64));
        Ok(())
    }

    /// A number as long as its first `N` bytes say; the state of a generator may have very long ones.
    fn long<const N: usize>(&mut self) -> Result<(), String> {
        let length = self.whole::<N>()?;
        let bytes = self.take(length)?;
        let mut eight = [if bytes.last().is_some_and(|byte| *byte > 127) { 255 } else { 0 }; 8];
        self.stack.push(match eight.get_mut(..bytes.len()) {
            None => Value::Nothing,
            Some(room) => {
                room.copy_from_slice(bytes);
                Value::Int(i64::from_le_bytes(eight))
            }
        });
        Ok(())
    }

    fn text(&mut self, word: u8) -> Result<(), String> {
        let length = match word {
            b'X' => self.whole::<4>()?,
            0x8c => self.whole::<1>()?,
            _ => self.whole::<8>()?,
        };
        let text = String::from_utf8_lossy(self.take(length)?).as_ref().into();
        self.stack.push(Value::Text(text));
        Ok(())
    }

    fn octets(&mut self, word: u8) -> Result<(), String> {
        let length = match word {
            b'U' | b'C' => self.whole::<1>()?,
            b'T' | b'B' => self.whole::<4>()?,
            _ => self.whole::<8>()?,
        };
        let bytes = Rc::from(self.take(length)?);
        self.stack.push(Value::Bytes(bytes));
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n').ok_or_else(cut_off)?;
        let line = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(line)
    }

    pub(super) fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(damaged)
    }

    pub(super) fn last(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let start = self.stack.len().checked_sub(count).ok_or_else(damaged)?;
        Ok(self.stack.split_off(start))
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark).ok_or_else(damaged)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    pub(super) fn push_list(&mut self, items: Vec<Value>) {
        self.stack.push(Value::List(self.arena.lists.len()));
        self.arena.lists.push(items);
    }

    pub(super) fn push_dict(&mut self, entries: Vec<(Value, Value)>) {
        self.stack.push(Value::Dict(self.arena.dicts.len()));
        self.arena.dicts.push(entries);
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::List(at)) = self.stack.last() else { return Err(damaged()) };
        self.arena.lists[*at].extend(items);
        Ok(())
    }

    fn set(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::Dict(at)) = self.stack.last() else { return Err(damaged()) };
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(damaged());
        }
        self.arena.dicts[*at].extend(pairs.iter().map(|[key, value]| (key.clone(), value.clone())));
        Ok(())
    }

    fn remember_or_recall(&mut self, word: u8) -> Result<(), String> {
        let at = match word {
            b'q' | b'h' => self.whole::<1>()?,
            b'r' | b'j' => self.whole::<4>()?,
            _ => self.memo.len(),
        };
        if matches!(word, b'h' | b'j') {
            let value = self.memo.get(at).cloned().flatten().ok_or_else(damaged)?;
            self.stack.push(value);
        } else {
            let value = self.stack.last().ok_or_else(damaged)?.clone();
            if at >= self.memo.len() {
                self.charge(at - self.memo.len())?; // Programs count up; a file that leaves room pays for it.
                self.memo.resize(at + 1, None);
            }
            self.memo[at] = Some(value);
        }
        Ok(())
    }

    /// `("storage", class, record, device, count)` stands for the numbers of a tensor.
    fn storage(&mut self) -> Result<(), String> {
        let Value::List(at) = self.pop()? else { return Err(damaged()) };
        let [_, Value::Global(table::Global::Storage(kind)), Value::Text(record), ..] = self.arena.lists[at].as_slice()
        else {
            return Err(damaged());
        };
        let storage = Value::Storage(*kind, record.clone());
        self.stack.push(storage);
        Ok(())
    }
}
