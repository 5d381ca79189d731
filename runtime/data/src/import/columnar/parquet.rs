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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray, Float32Array, RecordBatch, StringArray, UInt16Array};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;

    use crate::import::Columnar;
    use crate::{Error, Raw};

    #[test]
    fn rows_are_samples() {
        let path = std::env::temp_dir().join(format!("ketline-parquet-{}", std::process::id()));
        let count = 3000_u16;
        let text = |row: u16| "x".repeat(usize::from(row % 5));
        let columns: [(&str, ArrayRef); 4] = [
            ("id", Arc::new(UInt16Array::from_iter_values(0..count))),
            ("value", Arc::new(Float32Array::from_iter_values((0..count).map(f32::from)))),
            ("text", Arc::new(StringArray::from_iter_values((0..count).map(text)))),
            ("bytes", Arc::new(BinaryArray::from_iter_values((0..count).map(u16::to_le_bytes)))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        for packed in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
            let properties = WriterProperties::builder().set_compression(packed).build();
            let mut writer =
                ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let table = Columnar::parquet(&path).unwrap();
            assert_eq!(table.schema().to_string(), "id: u16, value: f32, text: text, bytes: u8[..]");
            let mut rows = 0;
            for (row, found) in (0..count).zip(table) {
                let text = text(row);
                let mut record = [&row.to_le_bytes()[..], &f32::from(row).to_le_bytes()].concat();
                record.extend([&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat());
                record.extend([&2_u32.to_le_bytes()[..], &row.to_le_bytes()].concat());
                assert_eq!(found.unwrap(), Raw(record));
                rows += 1;
            }
            assert_eq!(rows, count);
        }
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(Columnar::parquet(&path), Err(Error::Import { .. })));
        std::fs::remove_file(path).unwrap();
    }
}
