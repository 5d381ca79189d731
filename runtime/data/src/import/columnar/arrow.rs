//! Arrow files, and what their columns become.

use std::path::Path;

use arrow_array::{Array as _, BooleanArray, RecordBatch};
use arrow_data::ArrayData;
use arrow_ipc::reader::FileReader;
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{DataType, Field};
use serde::Deserialize;

use super::{Batch, Batches, Column};
use crate::import::open as open_file;
use crate::{DType, Error, Kind, Result, Schema, element};

pub(super) fn open(path: &Path) -> Result<(Schema, Batches)> {
    let wrong = |reason: String| Error::import(path, reason);
    let reader =
        FileReader::try_new_buffered(open_file(path)?, None).map_err(|error| wrong(error.to_string()))?;
    let schema = schema(reader.schema().fields().iter().map(AsRef::as_ref)).map_err(wrong)?;
    let batches = reader.map(|rows| rows.map_err(|error| error.to_string()).and_then(|rows| batch(&rows)));
    Ok((schema, Box::new(batches)))
}

/// The schema of the samples that rows of these columns become.
pub(super) fn schema<'a>(columns: impl Iterator<Item = &'a Field>) -> Result<Schema, String> {
    columns.into_iter().try_fold(Schema::new(), |schema, column| {
        let kind = kind(column)
            .map_err(|found| format!("column `{}` is {found}, which is not stored", column.name()))?;
        Ok(schema.field(column.name(), kind))
    })
}

/// The type of numbers, where it is one that is stored.
fn dtype(data_type: &DataType) -> Option<DType> {
    Some(match data_type {
        DataType::UInt8 => DType::U8,
        DataType::Int8 => DType::I8,
        DataType::UInt16 => DType::U16,
        DataType::Int16 => DType::I16,
        DataType::UInt32 => DType::U32,
        DataType::Int32 => DType::I32,
        DataType::UInt64 => DType::U64,
        DataType::Int64 => DType::I64,
        DataType::Float32 => DType::F32,
        DataType::Float64 => DType::F64,
        DataType::Boolean => DType::Bool,
        _ => return None,
    })
}

/// What an extension type says in its metadata.
#[derive(Deserialize)]
struct Axes {
    shape: Vec<usize>,
    #[serde(default)]
    permutation: Vec<usize>,
}

/// The axes of an extension type of this name, in the order in which they are stored.
fn axes(column: &Field, name: &str) -> Option<Vec<usize>> {
    let metadata = column.metadata();
    metadata.get(EXTENSION_TYPE_NAME_KEY).filter(|found| *found == name)?;
    let axes: Axes = serde_json::from_str(metadata.get(EXTENSION_TYPE_METADATA_KEY)?).ok()?;
    axes.permutation.iter().copied().eq(0..axes.permutation.len()).then_some(axes.shape)
}

/// What a column becomes; `Err` says what it is.
fn kind(column: &Field) -> Result<Kind, String> {
    let other = || Err(column.data_type().to_string());
    let scalar = |dtype| Kind::Fixed { dtype, shape: Vec::new() };
    Ok(match column.data_type() {
        DataType::FixedSizeBinary(size) => Kind::Fixed { dtype: DType::U8, shape: vec![*size as usize] },
        DataType::FixedSizeList(item, size) => {
            let Kind::Fixed { dtype, mut shape } = kind(item)? else { return other() };
            shape.insert(0, *size as usize);
            let tensor = axes(column, "arrow.fixed_shape_tensor");
            let fits = |axes: &Vec<usize>| {
                axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(*axis))
                    == Some(*size as usize)
            };
            Kind::Fixed {
                dtype,
                shape: tensor.filter(|axes| shape.len() == 1 && fits(axes)).unwrap_or(shape),
            }
        }
        DataType::List(item) | DataType::LargeList(item) => match dtype(item.data_type()) {
            Some(dtype) => Kind::Variable { dtype },
            None => return other(),
        },
        DataType::Utf8 | DataType::LargeUtf8 => Kind::Text,
        DataType::Binary | DataType::LargeBinary => {
            match axes(column, "ketline.jpeg").and_then(|axes| axes.try_into().ok()) {
                Some(shape) => Kind::Jpeg { shape },
                None => Kind::Variable { dtype: DType::U8 },
            }
        }
        data_type => match dtype(data_type) {
            Some(dtype) => scalar(dtype),
            None => return other(),
        },
    })
}

/// The rows of a batch.
pub(super) fn batch(rows: &RecordBatch) -> Result<Batch, String> {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, array)| {
        column(&array.to_data()).map_err(|reason| format!("column `{}` {reason}", field.name()))
    });
    Ok(Batch { rows: rows.num_rows(), columns: columns.collect::<Result<_, _>>()? })
}

fn column(data: &ArrayData) -> Result<Column, String> {
    let (narrow, wide) = match data.data_type() {
        DataType::Utf8 | DataType::Binary | DataType::List(_) => (true, false),
        DataType::LargeUtf8 | DataType::LargeBinary | DataType::LargeList(_) => (false, true),
        _ => (false, false),
    };
    if !narrow && !wide {
        return Ok(Column { bytes: numbers(data)?, edges: None });
    }
    let all = whole(data)?;
    // All bytes of the values, of which the rows take a part.
    let (bytes, unit) = match data.data_type() {
        DataType::List(item) | DataType::LargeList(item) => {
            let size = dtype(item.data_type()).map_or(1, DType::size);
            (numbers(&all.child_data()[0])?, size)
        }
        _ => (all.buffers()[1].as_slice().to_vec(), 1),
    };
    let edge = |edge: usize| edge * unit;
    let edges: Vec<usize> = if all.is_empty() {
        vec![0]
    } else if narrow {
        all.buffer::<i32>(0)[..=all.len()].iter().map(|at| edge(*at as usize)).collect()
    } else {
        all.buffer::<i64>(0)[..=all.len()].iter().map(|at| edge(*at as usize)).collect()
    };
    let right = edges.is_sorted() && edges.last().is_none_or(|end| *end <= bytes.len());
    if right { Ok(Column { bytes, edges: Some(edges) }) } else { Err("has rows beyond its values".into()) }
}

/// Data without rows that lack a value.
fn whole(data: &ArrayData) -> Result<&ArrayData, String> {
    match data.nulls().and_then(|nulls| (0..data.len()).find(|row| nulls.is_null(*row))) {
        Some(row) => Err(format!("has no value in row {row} of a batch")),
        None => Ok(data),
    }
}

/// Numbers of fixed shape as little-endian bytes.
fn numbers(data: &ArrayData) -> Result<Vec<u8>, String> {
    let data = whole(data)?;
    let part = |size: usize| {
        let all = data.buffers().first().map(|buffer| buffer.as_slice()).unwrap_or_default();
        let part = all.get(data.offset() * size..(data.offset() + data.len()) * size);
        part.map(<[u8]>::to_vec).ok_or_else(|| "has fewer values than rows".to_owned())
    };
    match data.data_type() {
        DataType::FixedSizeList(_, size) => {
            let size = *size as usize;
            numbers(&data.child_data()[0].slice(data.offset() * size, data.len() * size))
        }
        DataType::FixedSizeBinary(size) => part(*size as usize),
        DataType::Boolean => Ok(BooleanArray::from(data.clone()).values().iter().map(u8::from).collect()),
        data_type => {
            let dtype = dtype(data_type).ok_or_else(|| format!("is {data_type}, which is not stored"))?;
            let mut bytes = part(dtype.size())?;
            element::to_native(dtype, &mut bytes); // and back, which is the same
            Ok(bytes)
        }
    }
}
