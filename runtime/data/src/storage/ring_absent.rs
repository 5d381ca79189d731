//! A build without `io_uring`, or another system than Linux.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::marker::PhantomData;

use super::AlignedBuffer;

pub(crate) const PRESENT: bool = false;

/// None can be made.
#[derive(Debug)]
pub(crate) struct Ring<T>(Infallible, PhantomData<T>);

/// A read that is over.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) buffer: AlignedBuffer,
    pub(crate) with: T,
    pub(crate) read: io::Result<usize>,
}

impl<T> Ring<T> {
    pub(crate) fn new(_: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn depth(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn under_way(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn read(&mut self, _: &File, _: AlignedBuffer, _: usize, _: u64, _: T) {
        match self.0 {}
    }

    pub(crate) fn wait(&mut self) -> io::Result<Done<T>> {
        match self.0 {}
    }

    pub(crate) fn abandon(&mut self) -> Vec<T> {
        match self.0 {}
    }
}
