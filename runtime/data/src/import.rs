//! Sets made of files that are there: each importer gives samples one by one, for [`Writer::extend`](crate::Writer::extend).
//!
//! | from | see |
//! |---|---|
//! | an iterator of samples | [`Writer::extend`](crate::Writer::extend) itself |
//! | a folder whose folders are classes | [`ClassFolder`] |
//! | IDX files, as MNIST's | [`Idx`] |
//! | a table of comma-separated values | [`Csv`] |
//! | an Arrow or Parquet file (features `arrow`, `parquet`) | [`Columnar`] |
//! | tar files, as `WebDataset`'s | [`Tar`] |
//! | MDS shards, as `StreamingDataset`'s | [`Mds`] |
//! | a safetensors file | [`Safetensors`] |

mod columnar;
mod csv;
mod folder;
mod idx;
mod mds;
mod safetensors;
mod tar;

use std::fs::File;
use std::path::Path;

pub use columnar::Columnar;
pub use csv::Csv;
pub use folder::{ClassFile, ClassFolder};
pub use idx::Idx;
pub use mds::Mds;
pub use safetensors::{Safetensors, View};
pub use tar::{Tar, TarSample};

use crate::{Error, Result};

/// The most bytes of one imported sample or header.
const MOST_BYTES: u64 = 1 << 30;

/// Reads a whole file of bounded length.
fn read(path: &Path) -> Result<Vec<u8>> {
    let length = std::fs::metadata(path).map_err(Error::file("open", path))?.len();
    if length > MOST_BYTES {
        return Err(Error::import(path, format!("it has {length} bytes, expected at most {MOST_BYTES}")));
    }
    std::fs::read(path).map_err(Error::file("read", path))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(Error::file("open", path))
}
