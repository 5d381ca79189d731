//! Where there is no matrix unit that is known here.

#![allow(clippy::trivially_copy_pass_by_ref)] // as where there is one

use super::super::real::Real;
use super::Geometry;
use super::padded::Padded;

/// There is none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {}

impl Unit {
    pub(super) fn new<T: Real>(_shape: &Geometry, _padded: Padded) -> Option<Self> {
        None
    }

    pub(super) fn filters(&self) -> usize {
        match *self {}
    }

    pub(super) fn workspace(&self) -> usize {
        match *self {}
    }

    pub(super) fn pack<T: Real>(&self, _at: impl Fn(usize, usize, usize) -> T + Sync, _out: &mut [T]) {
        match *self {}
    }

    pub(super) fn run<T: Real>(
        &self,
        _packed: &[T],
        _bias: Option<&[T]>,
        _image: &[T],
        _out: &mut [T],
        _scratch: &mut [T],
    ) -> bool {
        match *self {}
    }
}

/// There is none.
#[derive(Debug, Clone, Copy)]
pub(super) enum UnitGradient {}

impl UnitGradient {
    pub(super) fn new<T: Real>(_shape: &Geometry, _padded: Padded) -> Option<Self> {
        None
    }

    pub(super) fn sums(&self) -> usize {
        match *self {}
    }

    pub(super) fn workspace(&self) -> usize {
        match *self {}
    }

    pub(super) fn add<T: Real>(&self, _images: &[T], _gradients: &[T], _sums: &mut [T], _scratch: &mut [T]) {
        match *self {}
    }

    pub(super) fn add_to<T: Real>(&self, _sums: &[T], _out: &mut [T]) {
        match *self {}
    }
}
