//! Arrow files.
#![allow(clippy::cast_possible_wrap)] // no size of a sample or a chunk is above 2^30

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, make_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_ipc::writer::FileWriter;
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use serde_json::json;

use crate::columns::{Column, Columns};
use crate::dataset::{ChunkBuffers, Set};
use crate::writer::PART;
use crate::{DType, Error, Kind, Result};

/// What a list's numbers are called.
const ITEM: &str = "item";

pub(super) fn write(set: &Set, path: &Path) -> Result<u64> {
    let mut part = path.as_os_str().to_owned();
    part.push(PART);
    let part = Path::new(&part);
    let written = write_all(set, part);
    let written = written.and_then(|()| fs::rename(part, path).map_err(Error::file("rename to", path)));
    if written.is_err() {
        // It may not be there; the first error says why.
        let _ = fs::remove_file(part);
    }
    written.map(|()| set.samples())
}

fn write_all(set: &Set, path: &Path) -> Result<()> {
    let fail = |error| Error::File { action: "write", path: path.to_owned(), source: as_io(error) };
    let fields: Vec<_> = set.schema.fields().iter().map(|field| column(&field.name, &field.kind)).collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let file = File::create(path).map_err(Error::file("create", path))?;
    let mut writer = FileWriter::try_new_buffered(file, &schema).map_err(fail)?;
    let mut columns = Columns::new(&set.schema, set.most_samples() as usize, set.largest_sample());
    let mut buffers = ChunkBuffers::default();
    for (chunk, entry) in set.chunks.iter().enumerate() {
        set.load(chunk, &mut buffers, true)?;
        columns.clear();
        let records = set.records(chunk, &buffers);
        for at in 0..entry.samples as usize {
            columns.push(&set.schema, set.firsts[chunk] + at as u64, records.get(at))?;
        }
        let arrays = columns.columns_mut().iter().zip(schema.fields());
        let arrays = arrays.map(|(column, field)| array(column, field.data_type()));
        let arrays: Vec<ArrayRef> = arrays.collect::<Result<_, ArrowError>>().map_err(fail)?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(fail)?;
        writer.write(&batch).map_err(fail)?;
    }
    let buffered = writer.into_inner().map_err(fail)?;
    let file = buffered.into_inner().map_err(|error| fail(ArrowError::from(error.into_error())))?;
    file.sync_all().map_err(Error::file("sync", path))
}

/// A full disk shall be told as one.
fn as_io(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}

/// The column of a field.
fn column(name: &str, kind: &Kind) -> Field {
    let item = |dtype| Arc::new(Field::new(ITEM, data_type(dtype), false));
    let extended = |data_type, name: &str, axes: &[usize]| {
        let axes = json!({ "shape": axes }).to_string();
        let keys = [(EXTENSION_TYPE_NAME_KEY, name.to_owned()), (EXTENSION_TYPE_METADATA_KEY, axes)];
        (data_type, keys.map(|(key, value)| (key.to_owned(), value)).into())
    };
    let (data_type, metadata): (_, HashMap<_, _>) = match kind {
        Kind::Fixed { dtype, shape } => match &shape[..] {
            [] => (data_type(*dtype), HashMap::new()),
            [size] => (DataType::FixedSizeList(item(*dtype), *size as i32), HashMap::new()),
            axes => {
                let list = DataType::FixedSizeList(item(*dtype), axes.iter().product::<usize>() as i32);
                extended(list, "arrow.fixed_shape_tensor", axes)
            }
        },
        Kind::Variable { dtype } => (DataType::List(item(*dtype)), HashMap::new()),
        Kind::Text => (DataType::Utf8, HashMap::new()),
        Kind::Jpeg { shape } => extended(DataType::Binary, "ketline.jpeg", shape),
    };
    Field::new(name, data_type, false).with_metadata(metadata)
}

fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::U8 => DataType::UInt8,
        DType::I8 => DataType::Int8,
        DType::U16 => DataType::UInt16,
        DType::I16 => DataType::Int16,
        DType::U32 => DataType::UInt32,
        DType::I32 => DataType::Int32,
        DType::U64 => DataType::UInt64,
        DType::I64 => DataType::Int64,
        DType::F32 => DataType::Float32,
        DType::F64 => DataType::Float64,
        DType::Bool => DataType::Boolean,
    }
}

/// The values of a column.
fn array(column: &Column, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let data = |len| ArrayData::builder(data_type.clone()).len(len);
    let edges = |unit: usize| {
        let ends = column.ends().iter().map(|end| (end / unit) as i32);
        std::iter::once(0).chain(ends).collect::<Buffer>()
    };
    let (dtype, bytes, rows) = (column.kind.dtype(), column.bytes(), column.rows());
    let data = match column.kind {
        Kind::Fixed { .. } if matches!(data_type, DataType::FixedSizeList(..)) => {
            data(rows).add_child_data(numbers(dtype, bytes)?).build()?
        }
        Kind::Fixed { .. } => numbers(dtype, bytes)?,
        Kind::Variable { .. } => {
            data(rows).add_buffer(edges(dtype.size())).add_child_data(numbers(dtype, bytes)?).build()?
        }
        Kind::Text | Kind::Jpeg { .. } => {
            data(rows).add_buffer(edges(1)).add_buffer(Buffer::from_slice_ref(bytes)).build()?
        }
    };
    Ok(make_array(data))
}

fn numbers(dtype: DType, bytes: &[u8]) -> Result<ArrayData, ArrowError> {
    if dtype == DType::Bool {
        return Ok(bytes.iter().map(|byte| Some(*byte == 1)).collect::<BooleanArray>().into());
    }
    let data = ArrayData::builder(data_type(dtype)).len(bytes.len() / dtype.size());
    data.add_buffer(Buffer::from_slice_ref(bytes)).build()
}
