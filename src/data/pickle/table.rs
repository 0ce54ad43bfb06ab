//! The functions and classes that are known by name, and the value that each stands for.

use std::rc::Rc;

use super::{Array, Dtype, Kind, Strided, Value, View, damaged, machine::Machine, text};

/// Axes that a tensor or an array may have.
const MOST_AXES: usize = 32;

/// Functions and classes that are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Global {
    /// Storage, offset, sizes and strides to a tensor; `true` where its dtype stands behind.
    Tensor(bool),
    /// Its first argument, with what does not matter behind.
    First,
    /// A function with its arguments, for tensors that have attributes of their own.
    Typed,
    /// A dictionary out of nothing, pairs or another dictionary.
    Dict,
    /// A list out of nothing or another.
    List,
    /// Bytes out of a text of the letters 0 to 255.
    Encode,
    /// Class, sizes and a letter to an array that is filled later.
    EmptyArray,
    /// Bytes, dtype, sizes and order to an array.
    FromBuffer,
    /// Dtype and bytes to a number.
    Scalar,
    /// A name to a dtype.
    Dtype,
    /// Numbers of a tensor; the kind is said elsewhere where it is none.
    Storage(Option<Kind>),
    /// A kind of PyTorch.
    Kind(Kind),
    /// What matters to no numbers.
    Inert,
}

/// A name of the table; anything else is refused.
pub(super) fn global(module: &str, name: &str) -> Result<Value, String> {
    let of_torch = || match name.strip_suffix("Storage") {
        Some(kind) => Kind::of_storage(kind).map(|kind| Global::Storage(Some(kind))),
        None => Kind::of_torch(name).map(Global::Kind),
    };
    if let Some(known) = of_torch().filter(|_| module == "torch") {
        return Ok(Value::Global(known));
    }
    Ok(Value::Global(match (module, name) {
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Tensor(false),
        ("torch._utils", "_rebuild_tensor_v3") => Global::Tensor(true),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Global::First,
        ("torch._tensor", "_rebuild_from_type_v2") => Global::Typed,
        ("torch.storage", "UntypedStorage" | "TypedStorage") | ("torch", "UntypedStorage") => Global::Storage(None),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Global::EmptyArray,
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Global::Scalar,
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Global::FromBuffer,
        ("numpy", "dtype") => Global::Dtype,
        ("collections", "OrderedDict" | "defaultdict" | "Counter") | ("builtins" | "__builtin__", "dict") => {
            Global::Dict
        }
        ("collections", "deque")
        | ("torch", "Size")
        | ("builtins" | "__builtin__", "set" | "frozenset" | "list" | "tuple") => Global::List,
        ("builtins" | "__builtin__", "int" | "float" | "str" | "bool" | "bytes" | "complex" | "slice" | "range")
        | ("torch", "device" | "Tensor")
        | ("torch.nn.parameter", "Parameter" | "Buffer")
        | ("numpy", "ndarray") => Global::Inert,
        ("_codecs", "encode") => Global::Encode,
        _ => {
            return Err(format!(
                "its pickle wants to call {module}.{name}; only numbers in plain containers are read, and nothing is executed"
            ));
        }
    }))
}

impl Machine<'_> {
    /// Makes what a function of the table stands for out of its arguments.
    pub(super) fn reduce(&mut self) -> Result<(), String> {
        let both = self.last(2)?;
        let [Value::Global(function), Value::List(at)] = both[..] else { return Err(damaged()) };
        let arguments = self.copied(at)?;
        let made = self.made(function, &arguments)?;
        self.stack.push(made);
        Ok(())
    }

    /// The items of a list; copying counts as work.
    fn copied(&mut self, at: usize) -> Result<Vec<Value>, String> {
        self.charge(self.arena.lists[at].len())?;
        Ok(self.arena.lists[at].clone())
    }

    fn made(&mut self, function: Global, arguments: &[Value]) -> Result<Value, String> {
        match (function, arguments) {
            (Global::First, [first @ (Value::Tensor(_) | Value::Array(_)), ..]) => Ok(first.clone()),
            (Global::Typed, [Value::Global(inner), _, Value::List(at), ..]) if *inner != Global::Typed => {
                let arguments = self.copied(*at)?;
                self.made(*inner, &arguments)
            }
            (Global::Tensor(typed), [Value::Storage(kind, record), Value::Int(offset), sizes, strides, rest @ ..]) => {
                let kind = match (typed, rest) {
                    (false, _) => *kind,
                    (true, [_, _, Value::Global(Global::Kind(kind)), ..]) => Some(*kind),
                    (true, _) => None,
                };
                let (sizes, strides) = (self.whole_numbers(sizes)?, self.whole_numbers(strides)?);
                let offset = usize::try_from(*offset).map_err(|_| damaged())?;
                let kind = kind.filter(|_| sizes.len() == strides.len()).ok_or_else(damaged)?;
                let view = View { kind, offset, sizes, strides };
                Ok(Value::Tensor(Rc::new(Strided { record: record.clone(), view })))
            }
            (Global::Dict, arguments) => self.made_dict(arguments),
            (Global::List, arguments) => {
                let items = match arguments {
                    [Value::List(at), ..] => self.copied(*at)?,
                    _ => Vec::new(),
                };
                self.push_list(items);
                self.pop()
            }
            (Global::Encode, [Value::Text(text), ..]) => {
                self.charge(text.len())?;
                let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
                Ok(Value::Bytes(bytes.ok_or_else(damaged)?.into()))
            }
            (Global::EmptyArray, _) => {
                let empty = Array {
                    kind: None,
                    big_endian: false,
                    sizes: Vec::new(),
                    fortran: false,
                    bytes: Rc::from([]),
                    objects: None,
                };
                Ok(self.add_array(empty))
            }
            (Global::FromBuffer, [Value::Bytes(bytes), Value::Dtype(dtype), sizes, order, ..]) => {
                let sizes = self.whole_numbers(sizes)?;
                let fortran = text(order).is_some_and(|order| order == "F");
                let array = self.array_of(*dtype, sizes, fortran, &Value::Bytes(bytes.clone()))?;
                Ok(self.add_array(array))
            }
            (Global::Scalar, [Value::Dtype(dtype), Value::Bytes(bytes), ..]) => Ok(self.scalar(*dtype, bytes)),
            (Global::Inert | Global::Scalar, _) => Ok(Value::Nothing),
            (Global::Dtype, [name, ..]) => {
                let name = text(name).ok_or_else(damaged)?.trim_start_matches(['<', '|', '=', '>']).into();
                self.arena.dtypes.push(Dtype { name, big_endian: false });
                Ok(Value::Dtype(self.arena.dtypes.len() - 1))
            }
            _ => Err(damaged()),
        }
    }

    /// An ordered dictionary of Python 2 comes with a list of pairs, a counter with a dictionary, others are filled later.
    fn made_dict(&mut self, arguments: &[Value]) -> Result<Value, String> {
        let mut entries = Vec::new();
        match arguments {
            [Value::Dict(at), ..] => {
                self.charge(self.arena.dicts[*at].len())?;
                entries.clone_from(&self.arena.dicts[*at]);
            }
            [Value::List(at), ..] => {
                for pair in self.copied(*at)? {
                    let Value::List(pair) = pair else { return Err(damaged()) };
                    let [key, value] = self.arena.lists[pair].as_slice() else { return Err(damaged()) };
                    entries.push((key.clone(), value.clone()));
                }
            }
            _ => {}
        }
        self.push_dict(entries);
        self.pop()
    }

    fn add_array(&mut self, array: Array) -> Value {
        self.arena.arrays.push(array);
        Value::Array(self.arena.arrays.len() - 1)
    }

    fn scalar(&self, dtype: usize, bytes: &[u8]) -> Value {
        let Dtype { name, big_endian } = &self.arena.dtypes[dtype];
        match Kind::of_numpy(name) {
            Some(kind) if bytes.len() == kind.width() => {
                let mut bytes = bytes.to_vec();
                if *big_endian {
                    bytes.reverse();
                }
                let number = kind.number(&bytes);
                if kind.is_whole() { Value::Int(number as i64) } else { Value::Float(number) }
            }
            _ => Value::Nothing,
        }
    }

    fn array_of(&self, dtype: usize, sizes: Vec<usize>, fortran: bool, content: &Value) -> Result<Array, String> {
        let Dtype { name, big_endian } = &self.arena.dtypes[dtype];
        let kind = Kind::of_numpy(name);
        let (bytes, objects) = match content {
            Value::Bytes(bytes) => (bytes.clone(), None),
            Value::List(_) => (Rc::from([]), Some(content.clone())),
            _ => return Err(damaged()),
        };
        let count = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        if let Some(kind) = kind
            && count.and_then(|count| count.checked_mul(kind.width())) != Some(bytes.len())
        {
            return Err(damaged());
        }
        Ok(Array {
            kind,
            big_endian: *big_endian && kind.is_none_or(|kind| kind.width() > 1),
            sizes,
            fortran,
            bytes,
            objects,
        })
    }

    /// Fills an array or a dtype; the state of anything else does not matter.
    pub(super) fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let state = match state {
            Value::List(at) => self.copied(at)?,
            _ => Vec::new(),
        };
        match self.stack.last() {
            Some(&Value::Array(at)) => {
                let [_, sizes, Value::Dtype(dtype), fortran, content, ..] = state.as_slice() else {
                    return Err(damaged());
                };
                let fortran = matches!(fortran, Value::Bool(true) | Value::Int(1));
                let sizes = self.whole_numbers(sizes)?;
                self.arena.arrays[at] = self.array_of(*dtype, sizes, fortran, content)?;
            }
            Some(&Value::Dtype(at)) => {
                let order = state.get(1).and_then(text);
                self.arena.dtypes[at].big_endian = order.is_some_and(|order| order == ">");
            }
            _ => {}
        }
        Ok(())
    }

    /// Sizes or strides.
    fn whole_numbers(&self, value: &Value) -> Result<Vec<usize>, String> {
        let Value::List(at) = value else { return Err(damaged()) };
        let items = &self.arena.lists[*at];
        let number = |value: &Value| match value {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        if items.len() > MOST_AXES {
            return Err(damaged());
        }
        items.iter().map(number).collect::<Option<Vec<usize>>>().ok_or_else(damaged)
    }
}
