//! A build without `arrow`.

use std::path::Path;

use super::Batches;
use crate::{Error, Result, Schema};

pub(super) fn open(_: &Path) -> Result<(Schema, Batches)> {
    Err(Error::Feature { what: "an Arrow file", feature: "arrow" })
}
