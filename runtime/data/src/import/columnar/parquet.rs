//! Parquet files, as what Arrow makes of them.

use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Batches;
use super::arrow::{batch, schema};
use crate::import::open as open_file;
use crate::{Error, Result, Schema};

pub(super) fn open(path: &Path) -> Result<(Schema, Batches)> {
    let wrong = |reason: String| Error::import(path, reason);
    let builder = ParquetRecordBatchReaderBuilder::try_new(open_file(path)?)
        .map_err(|error| wrong(error.to_string()))?;
    let schema = schema(builder.schema().fields().iter().map(AsRef::as_ref)).map_err(wrong)?;
    let reader = builder.build().map_err(|error| wrong(error.to_string()))?;
    let batches = reader.map(|rows| rows.map_err(|error| error.to_string()).and_then(|rows| batch(&rows)));
    Ok((schema, Box::new(batches)))
}
