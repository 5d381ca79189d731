//! A build without `parquet`.

use std::path::Path;

use super::Batches;
use crate::{Error, Result, Schema};

pub(super) fn open(_: &Path) -> Result<(Schema, Batches)> {
    Err(Error::Feature { what: "a Parquet file", feature: "parquet" })
}
