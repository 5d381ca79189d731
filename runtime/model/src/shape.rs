//! Element types and shapes with sizes that are named until a plan is made.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Mul;
use std::sync::Arc;

use crate::{Error, Result};

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DType {
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// The upper half of a single: storage only, arithmetic is done in `F32`.
    BF16,
    /// 32-bit ids.
    I32,
    /// 64-bit ids.
    I64,
    /// A byte that is 0 or 1.
    Bool,
}

impl DType {
    /// Bytes of an element.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::BF16 => 2,
            Self::Bool => 1,
        }
    }

    /// Whether arithmetic is done in this type.
    pub const fn is_real(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Whether the elements can name rows.
    pub const fn is_id(self) -> bool {
        matches!(self, Self::I32 | Self::I64)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "F32",
            Self::F64 => "F64",
            Self::BF16 => "BF16",
            Self::I32 => "I32",
            Self::I64 => "I64",
            Self::Bool => "Bool",
        })
    }
}

/// The size of an axis: a number times run-time sizes known by name, such as `4 * B * S`.
///
/// Two sizes are equal only if they are equal whatever the named sizes turn out to be.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim {
    factor: usize,
    names: Vec<Arc<str>>,
}

impl Dim {
    /// A size that is given a value when a plan is made.
    pub fn named(name: &str) -> Self {
        Self { factor: 1, names: vec![name.into()] }
    }

    /// The size as a number, if no named one takes part.
    pub fn known(&self) -> Option<usize> {
        self.names.is_empty().then_some(self.factor)
    }

    /// `self / by`, if that is a whole size whatever the named ones are.
    pub fn divided(&self, by: &Self) -> Option<Self> {
        if by.factor == 0 || !self.factor.is_multiple_of(by.factor) {
            return None;
        }
        let mut names = self.names.clone();
        for name in &by.names {
            let at = names.iter().position(|known| known == name)?;
            names.remove(at);
        }
        Some(Self { factor: self.factor / by.factor, names })
    }

    /// The size as a number.
    ///
    /// # Errors
    /// [`Error::Size`] if a name has no value, [`Error::Elements`] beyond what can be addressed.
    pub fn resolve(&self, sizes: &Sizes) -> Result<usize> {
        self.names.iter().try_fold(self.factor, |product, name| {
            let value = sizes.0.get(&**name).ok_or_else(|| Error::Size {
                name: name.to_string(),
                known: sizes.0.keys().cloned().collect::<Vec<_>>().join(", "),
            })?;
            product.checked_mul(*value).ok_or_else(|| Error::Elements {
                name: self.to_string(),
                found: "too many".into(),
                limit: usize::MAX,
            })
        })
    }
}

impl From<usize> for Dim {
    fn from(size: usize) -> Self {
        Self { factor: size, names: Vec::new() }
    }
}

impl From<&str> for Dim {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

impl Mul for Dim {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let mut names = [self.names, other.names].concat();
        names.sort();
        Self { factor: self.factor.saturating_mul(other.factor), names }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() || self.factor != 1 {
            write!(f, "{}", self.factor)?;
        }
        for (k, name) in self.names.iter().enumerate() {
            let dot = if k > 0 || self.factor != 1 { "*" } else { "" };
            write!(f, "{dot}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Values of the named sizes.
///
/// ```
/// use ketline_model::{Dim, Sizes};
///
/// let tokens = Dim::named("B") * Dim::from(128);
/// assert_eq!(tokens.to_string(), "128*B");
/// assert_eq!(tokens.resolve(&Sizes::new().with("B", 8))?, 1024);
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes(BTreeMap<String, usize>);

impl Sizes {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: usize) -> Self {
        self.0.insert(name.into(), value);
        self
    }
}

/// Element type and shape of a tensor in a graph.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Type of the elements.
    pub dtype: DType,
    /// Sizes of the axes, the last one contiguous in memory; none for a single number.
    pub shape: Vec<Dim>,
}

impl TensorType {
    /// A type from sizes, which are numbers or names.
    pub fn new<D: Into<Dim>>(dtype: DType, shape: impl IntoIterator<Item = D>) -> Self {
        Self { dtype, shape: shape.into_iter().map(Into::into).collect() }
    }

    /// A single number.
    pub fn scalar(dtype: DType) -> Self {
        Self { dtype, shape: Vec::new() }
    }

    /// The same type of elements in another shape.
    #[must_use]
    pub fn shaped(&self, shape: Vec<Dim>) -> Self {
        Self { dtype: self.dtype, shape }
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn elements(&self) -> Dim {
        self.shape.iter().cloned().fold(Dim::from(1), Mul::mul)
    }

    /// The type with numbers for names. `name` is for the message.
    ///
    /// # Errors
    /// [`Error::Size`] for a name without value, [`Error::Elements`] if there are no elements or too many.
    pub fn resolve(&self, sizes: &Sizes, name: &str) -> Result<Extent> {
        const LIMIT: usize = 1 << 40;
        let dims = self.shape.iter().map(|dim| dim.resolve(sizes)).collect::<Result<Vec<_>>>()?;
        let elements = dims.iter().try_fold(1_usize, |n, &dim| n.checked_mul(dim));
        match elements {
            Some(1..=LIMIT) => Ok(Extent { dtype: self.dtype, dims }),
            found => Err(Error::Elements {
                name: name.into(),
                found: found.as_ref().map_or("too many".into(), ToString::to_string),
                limit: LIMIT,
            }),
        }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}<", self.dtype)?;
        for (k, dim) in self.shape.iter().enumerate() {
            write!(f, "{}{dim}", if k > 0 { ", " } else { "" })?;
        }
        f.write_str(">")
    }
}

impl fmt::Debug for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Element type and shape of a tensor in a plan: numbers only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Type of the elements.
    pub dtype: DType,
    /// Sizes of the axes, the last one contiguous in memory.
    pub dims: Vec<usize>,
}

impl Extent {
    /// An extent from its parts.
    pub fn new(dtype: DType, dims: &[usize]) -> Self {
        Self { dtype, dims: dims.to_vec() }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.bytes()
    }

    /// Size of the last axis; 1 for a single number.
    pub fn last(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// Product of all sizes but the last.
    pub fn rows(&self) -> usize {
        self.elements() / self.last().max(1)
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype, self.dims)
    }
}

impl fmt::Debug for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_multiply_and_divide_by_name() {
        let (b, s) = (Dim::named("B"), Dim::named("S"));
        let all = b.clone() * Dim::from(6) * s.clone();
        assert_eq!(all, s.clone() * b.clone() * Dim::from(6));
        assert_eq!(all.divided(&(s.clone() * Dim::from(3))), Some(b.clone() * Dim::from(2)));
        assert_eq!(all.divided(&Dim::from(4)), None);
        assert_eq!(b.divided(&s), None);
        assert_eq!(all.to_string(), "6*B*S");
        let sizes = Sizes::new().with("B", 2).with("S", 5);
        assert_eq!(all.resolve(&sizes).unwrap(), 60);
        assert!(matches!(Dim::named("T").resolve(&sizes), Err(Error::Size { .. })));
    }

    #[test]
    fn an_extent_has_elements() {
        let ty = TensorType::new(DType::F32, [Dim::named("B"), 3.into()]);
        assert_eq!(ty.to_string(), "F32<B, 3>");
        assert_eq!(ty.resolve(&Sizes::new().with("B", 4), "x").unwrap().bytes(), 48);
        assert!(matches!(ty.resolve(&Sizes::new().with("B", 0), "x"), Err(Error::Elements { .. })));
        assert!(matches!(ty.resolve(&Sizes::new().with("B", usize::MAX), "x"), Err(Error::Elements { .. })));
    }
}
