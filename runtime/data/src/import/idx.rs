//! IDX files: arrays of numbers with a short header, as MNIST has them.

use std::path::Path;

use super::read;
use crate::{DType, Error, Result};

/// An array whose first axis is that of the samples.
///
/// The format: two zero bytes, a byte for the type, one for the number of axes, the axes as big-endian `u32`, and the numbers,
/// big-endian (Y. `LeCun`'s description of MNIST).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    dtype: DType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Idx {
    /// Reads a file that is not packed (`gunzip` it first).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(read(path)?).map_err(|reason| Error::import(path, reason))
    }

    /// Reads the bytes of a file; `Err` says what is wrong.
    pub fn parse(mut bytes: Vec<u8>) -> Result<Self, String> {
        let [0, 0, code, axes] = *bytes.first_chunk::<4>().ok_or("it has no header")? else {
            let packed = if bytes.starts_with(&[0x1f, 0x8b]) { ": it is packed by gzip" } else { "" };
            return Err(format!("it does not begin with two zeros{packed}"));
        };
        let dtype = match code {
            0x08 => DType::U8,
            0x09 => DType::I8,
            0x0b => DType::I16,
            0x0c => DType::I32,
            0x0d => DType::F32,
            0x0e => DType::F64,
            other => return Err(format!("its type is {other:#04x}, expected one of 0x08..=0x0e")),
        };
        let header = 4 + 4 * axes as usize;
        let sizes = bytes.get(4..header).ok_or("its header ends early")?;
        let shape: Vec<usize> =
            sizes.as_chunks::<4>().0.iter().map(|axis| u32::from_be_bytes(*axis) as usize).collect();
        let size = shape.iter().try_fold(dtype.size(), |size, axis| size.checked_mul(*axis));
        let found = bytes.len() - header;
        if shape.is_empty() || size != Some(found) {
            return Err(format!("it has {found} bytes of numbers, expected {dtype}{shape:?}"));
        }
        bytes.drain(..header);
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
        Ok(Self { dtype, shape, bytes })
    }

    /// The type of the numbers.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The axes, that of the samples first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers of each sample, little-endian.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        let size = self.shape[1..].iter().product::<usize>() * self.dtype.size();
        (0..if size == 0 { 0 } else { self.shape[0] }).map(move |at| &self.bytes[at * size..(at + 1) * size])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_and_wrong_ones_named() {
        let file = [&[0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1][..], &[1, 2, 3, 4]].concat();
        let array = Idx::parse(file.clone()).unwrap();
        assert_eq!((array.dtype(), array.shape()), (DType::I16, &[2, 1][..]));
        assert_eq!(array.samples().collect::<Vec<_>>(), [[2, 1], [4, 3]]);
        for end in 0..file.len() {
            assert!(Idx::parse(file[..end].to_vec()).is_err());
        }
        assert!(Idx::parse(vec![0x1f, 0x8b, 8, 0, 0]).unwrap_err().contains("gzip"));
        assert!(Idx::parse([&[0, 0, 0x0e, 4][..], &[0xff; 16]].concat()).is_err());
    }
}
