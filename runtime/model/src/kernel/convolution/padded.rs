//! Planes of images with zeros around them, row after row.

use super::super::real::Real;

/// Elements after the end that a tile may read: three of the widest vectors.
const SLACK: usize = 48;

/// Planes of an image with zeros around them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Padded {
    pub(super) channels: usize,
    pub(super) size: (usize, usize),
    pub(super) padding: (usize, usize),
}

impl Padded {
    pub(super) fn width(&self) -> usize {
        self.size.1 + 2 * self.padding.1
    }

    pub(super) fn plane(&self) -> usize {
        (self.size.0 + 2 * self.padding.0) * self.width()
    }

    /// Elements, with as many after the end as a tile may read.
    pub(super) fn elements(&self) -> usize {
        self.channels * self.plane() + SLACK
    }

    /// Copies an image between the zeros.
    pub(super) fn fill<T: Real>(&self, image: &[T], padded: &mut [T]) {
        let (height, width) = self.size;
        for (plane, padded) in image.chunks_exact(height * width).zip(padded.chunks_exact_mut(self.plane())) {
            let inner = &mut padded[self.padding.0 * self.width() + self.padding.1..];
            for (row, padded) in plane.chunks_exact(width).zip(inner.chunks_mut(self.width())) {
                padded[..width].copy_from_slice(row);
            }
        }
    }
}
