//! What expressions of a pipeline hold, and what is found out about them on the way.

use std::collections::BTreeMap;
use std::fmt;

use proc_macro2::TokenStream;

use crate::pipeline::model::DType;
use crate::pipeline::size::{Name, Size};

/// A tensor as far as the macro knows it.
#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<Size>,
    /// Which memory it lies in; a view has that of the tensor that it shows.
    pub(crate) id: usize,
    /// Whether the backward pass goes through it.
    pub(crate) wanted: bool,
}

impl Tensor {
    pub(crate) fn bytes(&self) -> Size {
        bytes(self.dtype, &self.shape)
    }

    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }
}

pub(crate) fn bytes(dtype: DType, shape: &[Size]) -> Size {
    shape.iter().fold(Size::number(dtype.bytes()), |product, size| product.times(size))
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&type_name(self.dtype, &self.shape))
    }
}

/// `F32<B, 4 * H>`, as the user would write it.
pub(crate) fn type_name(dtype: DType, shape: &[Size]) -> String {
    if shape.is_empty() {
        return dtype.name().to_owned();
    }
    let sizes = shape.iter().map(|size| {
        let text = size.to_string();
        if text.contains(' ') { format!("{{ {text} }}") } else { text }
    });
    format!("{}<{}>", dtype.name(), sizes.collect::<Vec<_>>().join(", "))
}

#[derive(Clone)]
pub(crate) enum Held {
    Tensor(Tensor),
    /// So many tensors of one type.
    Tensors(Tensor, Size),
    Hop {
        from: Size,
        to: Size,
        edges: Size,
        /// Memory of the ids.
        ids: [usize; 2],
    },
    /// A plain value: a size, where it is one that is followed.
    Plain(Option<Size>),
    Tuple(Vec<Held>),
    /// Of this nothing is said any more.
    Unknown,
}

/// What must hold of sizes, and the words if it does not; each zero byte of them stands for a number.
#[derive(Clone)]
pub(crate) struct Requirement {
    pub(crate) at: TokenStream,
    pub(crate) what: Condition,
    pub(crate) words: String,
    pub(crate) numbers: Vec<Size>,
}

#[derive(Clone)]
pub(crate) enum Condition {
    /// The first is a multiple of the second.
    Multiple(Size, Size),
    Equal(Size, Size),
    /// The first is not above the second.
    AtMost(Size, Size),
}

impl Condition {
    pub(crate) fn sizes(&self) -> [&Size; 2] {
        match self {
            Self::Multiple(a, b) | Self::Equal(a, b) | Self::AtMost(a, b) => [a, b],
        }
    }

    fn sizes_mut(&mut self) -> [&mut Size; 2] {
        match self {
            Self::Multiple(a, b) | Self::Equal(a, b) | Self::AtMost(a, b) => [a, b],
        }
    }
}

impl Requirement {
    pub(crate) fn is_constant(&self) -> bool {
        self.what.sizes().into_iter().chain(&self.numbers).all(Size::is_constant)
    }

    pub(crate) fn is_generic(&self) -> bool {
        self.what.sizes().into_iter().chain(&self.numbers).any(Size::is_generic)
    }

    /// Whether it holds, where numbers decide it.
    pub(crate) fn holds(&self) -> Option<bool> {
        let [a, b] = self.what.sizes();
        if let Condition::Multiple(a, b) = &self.what
            && a.value().is_none()
            && !a.over(b).is_unknown()
        {
            return Some(true);
        }
        let (a, b) = (a.value()?, b.value()?);
        Some(match self.what {
            Condition::Multiple(..) => b != 0 && a % b == 0,
            Condition::Equal(..) => a == b,
            Condition::AtMost(..) => a <= b,
        })
    }

    /// The words with numbers in their places.
    pub(crate) fn message(&self) -> String {
        let mut numbers = self.numbers.iter();
        let mut text = String::new();
        for letter in self.words.chars() {
            match letter {
                '\0' => text.extend(numbers.next().map(ToString::to_string)),
                letter => text.push(letter),
            }
        }
        text
    }

    pub(crate) fn substituted(&self, by: &BTreeMap<Name, Size>) -> Self {
        let mut new = self.clone();
        for size in new.what.sizes_mut().into_iter().chain(&mut new.numbers) {
            *size = size.substituted(by);
        }
        new
    }
}

/// Bytes that a part of a pipeline needs in training.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    /// Of parameters.
    pub(crate) parameters: Size,
    /// Of what is kept from the forward to the backward pass, for each batch, by the memory that it lies in.
    pub(crate) kept: BTreeMap<usize, Size>,
}

impl Memory {
    pub(crate) fn keep(&mut self, id: usize, bytes: Size) {
        self.kept.insert(id, bytes);
    }

    pub(crate) fn kept_bytes(&self) -> Size {
        self.kept.values().fold(Size::default(), |sum, size| sum.plus(size))
    }
}
