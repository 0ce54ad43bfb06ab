//! Numbers of tensors and arrays: their kinds, and views with strides.

/// Numbers that a small file may make in views that repeat some, and in each further byte of it.
const FREE_NUMBERS: usize = 1 << 22;
const NUMBERS_A_BYTE: usize = 64;

/// Numbers of a tensor or an array, the smallest byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    /// u8
    Byte,
    /// i8
    Char,
    Short,
    Int,
    Long,
    UShort,
    UInt,
    ULong,
    Half,
    BFloat,
    Float,
    Double,
}

impl Kind {
    /// Bytes of a number.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Bool | Self::Byte | Self::Char => 1,
            Self::Short | Self::UShort | Self::Half | Self::BFloat => 2,
            Self::Int | Self::UInt | Self::Float => 4,
            Self::Long | Self::ULong | Self::Double => 8,
        }
    }

    /// True for whole numbers, of which there may be none but 0 and 1.
    pub(crate) fn is_whole(self) -> bool {
        !matches!(self, Self::Half | Self::BFloat | Self::Float | Self::Double)
    }

    /// By NumPy's letter and width, for example `f4`.
    pub(crate) fn of_numpy(name: &str) -> Option<Self> {
        Some(match name {
            "b1" => Self::Bool,
            "u1" => Self::Byte,
            "i1" => Self::Char,
            "i2" => Self::Short,
            "i4" => Self::Int,
            "i8" => Self::Long,
            "u2" => Self::UShort,
            "u4" => Self::UInt,
            "u8" => Self::ULong,
            "f2" => Self::Half,
            "f4" => Self::Float,
            "f8" => Self::Double,
            _ => return None,
        })
    }

    /// By the name of PyTorch's storage without that word, for example `Float`.
    pub(super) fn of_storage(name: &str) -> Option<Self> {
        Some(match name {
            "Bool" => Self::Bool,
            "Byte" => Self::Byte,
            "Char" => Self::Char,
            "Short" => Self::Short,
            "Int" => Self::Int,
            "Long" => Self::Long,
            "Half" => Self::Half,
            "BFloat16" => Self::BFloat,
            "Float" => Self::Float,
            "Double" => Self::Double,
            _ => return None,
        })
    }

    /// By the name of PyTorch's dtype, for example `uint16`.
    pub(super) fn of_torch(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "uint8" => Self::Byte,
            "int8" => Self::Char,
            "int16" | "short" => Self::Short,
            "int32" | "int" => Self::Int,
            "int64" | "long" => Self::Long,
            "uint16" => Self::UShort,
            "uint32" => Self::UInt,
            "uint64" => Self::ULong,
            "float16" | "half" => Self::Half,
            "bfloat16" => Self::BFloat,
            "float32" | "float" => Self::Float,
            "float64" | "double" => Self::Double,
            _ => return None,
        })
    }

    /// The number in these bytes, of which there are as many as its width.
    pub(crate) fn number(self, bytes: &[u8]) -> f64 {
        let two = || [bytes[0], bytes[1]];
        let four = || [bytes[0], bytes[1], bytes[2], bytes[3]];
        let eight = || bytes.try_into().expect("eight bytes");
        match self {
            Self::Bool => f64::from(u8::from(bytes[0] != 0)),
            Self::Byte => bytes[0].into(),
            Self::Char => (bytes[0] as i8).into(),
            Self::Short => i16::from_le_bytes(two()).into(),
            Self::UShort => u16::from_le_bytes(two()).into(),
            Self::Half => half::f16::from_le_bytes(two()).into(),
            Self::BFloat => half::bf16::from_le_bytes(two()).into(),
            Self::Int => i32::from_le_bytes(four()).into(),
            Self::UInt => u32::from_le_bytes(four()).into(),
            Self::Float => f32::from_le_bytes(four()).into(),
            Self::Double => f64::from_le_bytes(eight()),
            Self::Long => i64::from_le_bytes(eight()) as f64,
            Self::ULong => u64::from_le_bytes(eight()) as f64,
        }
    }
}

/// Where the numbers of a tensor stand among those of its record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) kind: Kind,
    pub(crate) offset: usize,
    pub(crate) sizes: Vec<usize>,
    /// In numbers; 0 repeats a number.
    pub(crate) strides: Vec<usize>,
}

impl View {
    /// All numbers in the order of an array; `fortran` has the first axis fastest.
    pub(crate) fn whole(kind: Kind, sizes: &[usize], fortran: bool) -> Option<Self> {
        let mut strides = vec![1_usize; sizes.len()];
        let mut step = 1_usize;
        let mut axes: Vec<usize> = (0..sizes.len()).collect();
        if !fortran {
            axes.reverse();
        }
        for axis in axes {
            strides[axis] = step;
            step = step.checked_mul(sizes[axis])?;
        }
        Some(Self { kind, offset: 0, sizes: sizes.to_vec(), strides })
    }

    /// How many numbers the view has; none where that is beyond all bounds.
    pub(crate) fn count(&self) -> Option<usize> {
        self.sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
    }

    /// The numbers, the last axis fastest. A view may repeat some, but not so many that it is a trap.
    pub(crate) fn gather(&self, record: &[u8]) -> Result<Vec<f32>, String> {
        let beyond = || "a tensor reaches beyond its numbers".to_owned();
        let width = self.kind.width();
        let numbers = record.len() / width;
        let count = self.count().ok_or_else(beyond)?;
        let far = self.sizes.iter().zip(&self.strides).try_fold(self.offset, |far, (&size, &stride)| {
            far.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        });
        if count == 0 {
            return Ok(Vec::new());
        }
        if far.ok_or_else(beyond)? >= numbers {
            return Err(beyond());
        }
        if count > FREE_NUMBERS.saturating_add(record.len().saturating_mul(NUMBERS_A_BYTE)) {
            return Err("a tensor makes far more numbers than its file holds: it is damaged or a trap".to_owned());
        }
        let mut values = Vec::with_capacity(count);
        let (inner, outer) = match self.sizes.split_last() {
            Some((&inner, _)) => (inner, self.sizes.len() - 1),
            None => (1, 0),
        };
        let step = self.strides.last().copied().unwrap_or(1);
        let mut index = vec![0; outer];
        while values.len() < count {
            let start = self.offset + index.iter().zip(&self.strides).map(|(at, stride)| at * stride).sum::<usize>();
            let row = (0..inner).map(|at| (start + at * step) * width);
            values.extend(row.map(|at| self.kind.number(&record[at..at + width]) as f32));
            for axis in (0..outer).rev() {
                index[axis] += 1;
                if index[axis] < self.sizes[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        Ok(values)
    }
}
