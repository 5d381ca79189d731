//! Files of columns: Arrow's own format (IPC) and Parquet.

#[cfg_attr(not(feature = "arrow"), path = "columnar/arrow_absent.rs")]
mod arrow;
#[cfg_attr(not(feature = "parquet"), path = "columnar/parquet_absent.rs")]
mod parquet;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Error, Raw, Result, Schema};

/// The rows of an Arrow file (feature `arrow`) or a Parquet file (feature `parquet`) as samples, read batch by batch.
///
/// | a column of | becomes |
/// |---|---|
/// | integers, `f32`, `f64`, booleans | a number |
/// | lists of fixed size of these, nested or as tensors of fixed shape; binaries of fixed size | numbers of that shape |
/// | lists of these, binaries | as many numbers as a row has |
/// | strings | text |
///
/// Other types are errors, and so are rows without a value: a sample has all of its fields.
///
/// ```no_run
/// use ketline_data::Settings;
/// use ketline_data::import::Columnar;
///
/// let table = Columnar::parquet("flights.parquet")?;
/// let mut writer = Settings::new().create_raw("flights", &table.schema().clone())?;
/// writer.extend(table)?;
/// writer.finish()?;
/// # Ok::<(), ketline_data::Error>(())
/// ```
pub struct Columnar {
    path: PathBuf,
    schema: Schema,
    batches: Batches,
    batch: Batch,
    row: usize,
}

/// Batches as they come; `Err` says what is wrong.
type Batches = Box<dyn Iterator<Item = Result<Batch, String>> + Send>;

/// Some rows.
#[derive(Debug, Default)]
struct Batch {
    rows: usize,
    columns: Vec<Column>,
}

/// Numbers and texts of some rows, little-endian.
#[derive(Debug)]
struct Column {
    bytes: Vec<u8>,
    /// Where the rows begin and where the last one ends, in bytes; for rows that vary.
    edges: Option<Vec<usize>>,
}

impl Column {
    /// Appends a row as it is stored.
    fn write(&self, row: usize, rows: usize, record: &mut Vec<u8>) {
        if let Some(edges) = &self.edges {
            let own = &self.bytes[edges[row]..edges[row + 1]];
            record.extend((own.len() as u32).to_le_bytes());
            record.extend(own);
        } else {
            let size = self.bytes.len() / rows;
            record.extend(&self.bytes[row * size..(row + 1) * size]);
        }
    }
}

impl fmt::Debug for Columnar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Columnar({}: {})", self.path.display(), self.schema)
    }
}

impl Columnar {
    /// Opens an Arrow file.
    pub fn arrow(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(path.as_ref(), arrow::open)
    }

    /// Opens a Parquet file, not packed or packed by Snappy.
    pub fn parquet(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(path.as_ref(), parquet::open)
    }

    fn new(path: &Path, open: fn(&Path) -> Result<(Schema, Batches)>) -> Result<Self> {
        let (schema, batches) = open(path)?;
        schema.check()?;
        Ok(Self { path: path.to_owned(), schema, batches, batch: Batch::default(), row: 0 })
    }

    /// What its rows are made of.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

impl Iterator for Columnar {
    type Item = Result<Raw>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.row == self.batch.rows {
            self.row = 0;
            self.batch = match self.batches.next()? {
                Ok(batch) => batch,
                Err(reason) => {
                    (self.batch, self.batches) = (Batch::default(), Box::new(std::iter::empty()));
                    return Some(Err(Error::import(&self.path, reason)));
                }
            };
        }
        let mut record = Vec::new();
        for column in &self.batch.columns {
            column.write(self.row, self.batch.rows, &mut record);
        }
        self.row += 1;
        Some(Ok(Raw(record)))
    }
}
