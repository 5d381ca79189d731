//! A build without `arrow`.

use std::path::Path;

use crate::dataset::Set;
use crate::{Error, Result};

pub(super) fn write(_: &Set, _: &Path) -> Result<u64> {
    Err(Error::Feature { what: "an Arrow file", feature: "arrow" })
}
