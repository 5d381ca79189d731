//! Sets written for other programs.

#[cfg_attr(not(feature = "arrow"), path = "export/arrow_absent.rs")]
mod arrow;

use std::path::Path;

use crate::{Dataset, Result, Sample};

/// Writes all samples, in the order in which they are stored, to an Arrow file (IPC; feature `arrow`), a record batch for
/// each chunk; says how many there were.
///
/// Shapes become lists of fixed size, of more axes Arrow's tensors of fixed shape; JPEG files stay files. The file appears under its
/// name when it is complete. [`Columnar::arrow`](crate::import::Columnar::arrow) reads it back.
///
/// # Errors
/// [`Error::Feature`](crate::Error::Feature) in a build without the feature, [`Error::File`](crate::Error::File) if the disk is
/// full, and what reading the chunks gives.
pub fn arrow<S: Sample>(dataset: &Dataset<S>, path: impl AsRef<Path>) -> Result<u64> {
    arrow::write(&dataset.set, path.as_ref())
}
