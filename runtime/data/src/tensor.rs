//! Arrays whose axes are part of their type.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use ndarray::{ArrayView, Dimension, Ix0, Ix1, Ix2, Ix3, Ix4, Ix5};

use crate::element::Element;
use crate::{Error, Result};

/// Axes as a type, the last one fastest: [`Axes1`] to [`Axes4`], or [`Axes0`] for a single number.
pub trait Axes: Copy + fmt::Debug + Default + Send + Sync + 'static {
    /// The axes of one sample.
    type One: Dimension;
    /// The axes of a batch: those of one sample after that of the samples.
    type Many: Dimension;
    /// The axes as numbers.
    const AXES: &'static [usize];
    /// How many numbers.
    const LEN: usize;
    /// The axes of one sample.
    fn one() -> Self::One;
    /// The axes of so many samples.
    fn many(samples: usize) -> Self::Many;
}

macro_rules! axes {
    ($($name:ident [$($axis:ident),*] $one:ident $many:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name<$(const $axis: usize),*>;

        impl<$(const $axis: usize),*> Axes for $name<$($axis),*> {
            type One = $one;
            type Many = $many;
            const AXES: &'static [usize] = &[$($axis),*];
            const LEN: usize = 1 $(* $axis)*;
            fn one() -> Self::One {
                ndarray::Dim([$($axis),*])
            }
            fn many(samples: usize) -> Self::Many {
                ndarray::Dim([samples, $($axis),*])
            }
        }
    )*};
}

axes! {
    Axes0 [] Ix0 Ix1, "No axis: a single number.";
    Axes1 [A] Ix1 Ix2, "One axis.";
    Axes2 [A, B] Ix2 Ix3, "Two axes.";
    Axes3 [A, B, C] Ix3 Ix4, "Three axes.";
    Axes4 [A, B, C, D] Ix4 Ix5, "Four axes.";
}

/// An array of the axes `A`, stored in one piece, the last axis fastest.
///
/// ```
/// use ketline_data::{Axes2, Tensor};
///
/// let mut x = Tensor::<f32, Axes2<2, 3>>::zeros();
/// x[4] = 1.0;
/// assert_eq!(x.view()[[1, 1]], 1.0);
/// ```
#[derive(Clone, PartialEq)]
pub struct Tensor<T, A> {
    values: Box<[T]>,
    axes: PhantomData<A>,
}

impl<T: Element, A: Axes> Tensor<T, A> {
    /// Numbers that are all zero.
    pub fn zeros() -> Self {
        Self { values: vec![T::zeroed(); A::LEN].into(), axes: PhantomData }
    }

    /// These numbers, the last axis fastest.
    ///
    /// # Errors
    /// [`Error::Field`] if there are too many or too few.
    pub fn from_vec(values: Vec<T>) -> Result<Self> {
        if values.len() != A::LEN {
            return Err(Error::Field {
                field: format!("{}{:?}", T::DTYPE, A::AXES),
                found: format!("{} numbers", values.len()),
                expected: format!("{}", A::LEN),
            });
        }
        Ok(Self { values: values.into(), axes: PhantomData })
    }

    /// As an array of `ndarray`.
    ///
    /// # Panics
    /// Never: there are as many numbers as the axes say.
    pub fn view(&self) -> ArrayView<'_, T, A::One> {
        ArrayView::from_shape(A::one(), &self.values).expect("as many numbers as the axes say")
    }
}

impl<T: Element, A: Axes> Default for Tensor<T, A> {
    fn default() -> Self {
        Self::zeros()
    }
}

impl<T, A> Deref for Tensor<T, A> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T, A> DerefMut for Tensor<T, A> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

impl<T: Element, A: Axes> fmt::Debug for Tensor<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.values.len() <= 16 {
            fmt::Debug::fmt(&self.view(), f)
        } else {
            write!(f, "Tensor({}{:?})", T::DTYPE, A::AXES)
        }
    }
}
