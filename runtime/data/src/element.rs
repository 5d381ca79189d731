//! Numbers that can be stored: one table of types.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a stored number. All are stored little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // they are Rust's own names
pub enum DType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
    /// One byte, 0 or 1.
    Bool,
}

impl DType {
    /// Bytes of one number.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// As Rust writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Bool => "bool",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A number of a type in the table of [`DType`].
pub trait Element:
    sealed::Sealed
    + bytemuck::Zeroable
    + bytemuck::CheckedBitPattern
    + bytemuck::NoUninit
    + fmt::Debug
    + PartialEq
    + Send
    + Sync
    + 'static
{
    /// Its row of the table.
    const DTYPE: DType;
    /// As a number for statistics and ranges.
    fn to_f64(self) -> f64;
    /// From little-endian bytes of the right length; `None` for a byte that is no `bool`.
    fn from_le(bytes: &[u8]) -> Option<Self>;
    /// Appends its little-endian bytes.
    fn write_le(self, out: &mut Vec<u8>);
}

macro_rules! elements {
    ($($type:ty => $dtype:ident),* $(,)?) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
            #[allow(clippy::cast_lossless)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn from_le(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
            fn write_le(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

elements! {
    u8 => U8, i8 => I8, u16 => U16, i16 => I16, u32 => U32, i32 => I32, u64 => U64, i64 => I64, f32 => F32, f64 => F64,
}

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    fn from_le(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
    fn write_le(self, out: &mut Vec<u8>) {
        out.push(u8::from(self));
    }
}

/// Appends numbers as little-endian bytes.
pub(crate) fn write_all<T: Element>(values: &[T], out: &mut Vec<u8>) {
    if cfg!(target_endian = "little") {
        out.extend_from_slice(bytemuck::cast_slice(values));
    } else {
        for value in values {
            value.write_le(out);
        }
    }
}

/// Turns little-endian numbers into those of this machine, or back.
pub(crate) fn to_native(dtype: DType, bytes: &mut [u8]) {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
}

/// Little-endian bytes as numbers in `f64`.
pub(crate) fn numbers(dtype: DType, bytes: &[u8]) -> impl Iterator<Item = f64> + '_ {
    fn read<T: Element>(bytes: &[u8]) -> f64 {
        T::from_le(bytes).map_or(f64::NAN, T::to_f64)
    }
    let read = match dtype {
        DType::U8 => read::<u8>,
        DType::I8 => read::<i8>,
        DType::U16 => read::<u16>,
        DType::I16 => read::<i16>,
        DType::U32 => read::<u32>,
        DType::I32 => read::<i32>,
        DType::U64 => read::<u64>,
        DType::I64 => read::<i64>,
        DType::F32 => read::<f32>,
        DType::F64 => read::<f64>,
        DType::Bool => read::<bool>,
    };
    bytes.chunks_exact(dtype.size()).map(read)
}
