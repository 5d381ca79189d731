//! Arrow files, and what their columns become.

use std::path::Path;

use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_buffer::Buffer;
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
        let all = data.buffers().first().map(Buffer::as_slice).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow_array::builder::{FixedSizeListBuilder, Int16Builder, ListBuilder};
    use arrow_array::{Float64Array, Int32Array, LargeStringArray, NullArray, StringArray};
    use arrow_schema::DataType;

    use super::*;

    /// Rows 1..3 of a column, as they are stored.
    fn rows(array: &dyn Array) -> Vec<Vec<u8>> {
        let column = column(&array.slice(1, 2).to_data()).unwrap();
        let record = |row| {
            let mut record = Vec::new();
            column.write(row, 2, &mut record);
            record
        };
        (0..2).map(record).collect()
    }

    #[test]
    fn slices_are_read_where_they_lie() {
        assert_eq!(rows(&Int32Array::from(vec![1, 2, 3, 4])), [[2, 0, 0, 0], [3, 0, 0, 0]]);
        assert_eq!(rows(&BooleanArray::from(vec![true, false, true, true])), [[0], [1]]);
        let texts = [vec![2, 0, 0, 0, b'b', b'c'], vec![0; 4]];
        assert_eq!(rows(&StringArray::from(vec!["a", "bc", "", "d"])), texts);
        assert_eq!(rows(&LargeStringArray::from(vec!["a", "bc", "", "d"])), texts);
        let mut lists = ListBuilder::new(Int16Builder::new());
        let mut pairs = FixedSizeListBuilder::new(Int16Builder::new(), 2);
        for row in 0..4_i16 {
            lists.append_value((0..row).map(Some));
            (0..2).for_each(|at| pairs.values().append_value(10 * row + at));
            pairs.append(true);
        }
        assert_eq!(rows(&lists.finish()), [vec![2, 0, 0, 0, 0, 0], vec![4, 0, 0, 0, 0, 0, 1, 0]]);
        assert_eq!(rows(&pairs.finish()), [[10, 0, 11, 0], [20, 0, 21, 0]]);
    }

    #[test]
    fn what_is_not_stored_is_named() {
        let missing = Float64Array::from(vec![Some(1.0), None]).to_data();
        assert_eq!(column(&missing).unwrap_err(), "has no value in row 1 of a batch");
        let mut lists = ListBuilder::new(Int16Builder::new());
        lists.append_value([Some(1), None]);
        assert!(column(&lists.finish().to_data()).unwrap_err().contains("no value in row 1"));
        assert!(column(&NullArray::new(2).to_data()).is_err());
        let date = Field::new("when", DataType::Date32, false);
        assert_eq!(schema([&date].into_iter()).unwrap_err(), "column `when` is Date32, which is not stored");
    }

    #[test]
    fn tensors_have_their_axes() {
        let item = Arc::new(Field::new("item", DataType::UInt8, false));
        let list = DataType::FixedSizeList(Arc::clone(&item), 6);
        let of = |metadata: &str| {
            let keys = [
                (EXTENSION_TYPE_NAME_KEY, "arrow.fixed_shape_tensor"),
                (EXTENSION_TYPE_METADATA_KEY, metadata),
            ];
            let keys: HashMap<_, _> =
                keys.map(|(key, value): (&str, &str)| (key.to_owned(), value.to_owned())).into();
            kind(&Field::new("x", list.clone(), false).with_metadata(keys)).unwrap()
        };
        let shape = |axes: &[usize]| Kind::Fixed { dtype: DType::U8, shape: axes.to_vec() };
        assert_eq!(of(r#"{"shape": [3, 2]}"#), shape(&[3, 2]));
        assert_eq!(of(r#"{"shape": [3, 2], "permutation": [0, 1]}"#), shape(&[3, 2]));
        // other orders and sizes are not what is stored
        assert_eq!(of(r#"{"shape": [3, 2], "permutation": [1, 0]}"#), shape(&[6]));
        assert_eq!(of(r#"{"shape": [3, 3]}"#), shape(&[6]));
        let nested = DataType::FixedSizeList(Arc::new(Field::new("item", list, false)), 4);
        assert_eq!(kind(&Field::new("x", nested, false)).unwrap(), shape(&[4, 6]));
    }
}
