//! The twin of `cuda.rs` without the feature.

use super::{Backend, Device};
use crate::{Error, Result};

pub(super) fn open(number: usize, _bytes: usize) -> Result<Box<dyn Backend>> {
    let reason = "found a build without the feature `cuda`, expected one with it".into();
    Err(Error::Device { device: Device::Cuda(number).to_string(), reason })
}
