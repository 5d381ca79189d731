//! What a program stores: samples, made of fields.

use std::marker::PhantomData;

use ndarray::ArrayView;

use crate::columns::{Columns, Lists, Texts};
use crate::element::{self, Element};
use crate::schema::{Kind, Schema};
use crate::tensor::{Axes, Axes0, Tensor};
use crate::{Bytes, Error, Result};

/// A type that a field can have.
///
/// Numbers, [`Tensor`]s, `Vec`s of numbers, `String` and [`Jpeg`] are there; a type of your own is stored by what it is
/// made of:
///
/// ```
/// use ketline_data::{Columns, Element, Field, Kind, Result};
///
/// struct Celsius(f32);
///
/// impl Field for Celsius {
///     type Column<'a> = <f32 as Field>::Column<'a>;
///     const SIZE: Option<usize> = <f32 as Field>::SIZE;
///     fn kind() -> Kind {
///         f32::kind()
///     }
///     fn write(&self, out: &mut Vec<u8>) {
///         self.0.write(out);
///     }
///     fn read(bytes: &[u8]) -> Option<Self> {
///         f32::read(bytes).map(Self)
///     }
///     fn column<'a>(columns: &'a Columns, name: &str) -> Result<Self::Column<'a>> {
///         f32::column(columns, name)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a dataset",
    label = "not a stored type",
    note = "implement `Field` for it, or store it as numbers, a `String` or a `Vec` of numbers"
)]
pub trait Field: Sized {
    /// What a batch shows of such a field.
    type Column<'a>;
    /// Bytes of each value, where all have the same.
    const SIZE: Option<usize>;
    /// What is stored.
    fn kind() -> Kind;
    /// Appends the value's bytes, numbers little-endian, without a length before them.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads what [`write`](Self::write) wrote; `None` if these bytes are no such value.
    fn read(bytes: &[u8]) -> Option<Self>;
    /// The values of a batch.
    fn column<'a>(columns: &'a Columns, name: &str) -> Result<Self::Column<'a>>;
}

macro_rules! numbers {
    ($($type:ty),* $(,)?) => {$(
        impl Field for $type {
            type Column<'a> = ArrayView<'a, $type, ndarray::Ix1>;
            const SIZE: Option<usize> = Some(size_of::<$type>());
            fn kind() -> Kind {
                Kind::Fixed { dtype: <$type>::DTYPE, shape: Vec::new() }
            }
            fn write(&self, out: &mut Vec<u8>) {
                self.write_le(out);
            }
            fn read(bytes: &[u8]) -> Option<Self> {
                <Self as Element>::from_le(bytes)
            }
            fn column<'a>(columns: &'a Columns, name: &str) -> Result<Self::Column<'a>> {
                columns.tensor::<$type, Axes0>(name)
            }
        }
    )*};
}

numbers!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, bool);

impl<T: Element, A: Axes> Field for Tensor<T, A> {
    type Column<'a> = ArrayView<'a, T, A::Many>;
    const SIZE: Option<usize> = Some(A::LEN * size_of::<T>());

    fn kind() -> Kind {
        Kind::Fixed { dtype: T::DTYPE, shape: A::AXES.to_vec() }
    }

    fn write(&self, out: &mut Vec<u8>) {
        element::write_all(self, out);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_vec(list(bytes)?).ok()
    }

    fn column<'a>(columns: &'a Columns, name: &str) -> Result<Self::Column<'a>> {
        columns.tensor::<T, A>(name)
    }
}

impl<T: Element> Field for Vec<T> {
    type Column<'a> = Lists<'a, T>;
    const SIZE: Option<usize> = None;

    fn kind() -> Kind {
        Kind::Variable { dtype: T::DTYPE }
    }

    fn write(&self, out: &mut Vec<u8>) {
        element::write_all(self, out);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        list(bytes)
    }

    fn column<'a>(columns: &'a Columns, name: &str) -> Result<Self::Column<'a>> {
        columns.lists(name)
    }
}

impl Field for String {
    type Column<'a> = Texts<'a>;
    const SIZE: Option<usize> = None;

    fn kind() -> Kind {
        Kind::Text
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(Into::into)
    }

    fn column<'a>(columns: &'a Columns, name: &str) -> Result<Self::Column<'a>> {
        columns.texts(name)
    }
}

/// An image that is stored as a JPEG file and decoded when a batch is read (feature `jpeg`), scaled to `C` channels (1
/// or 3), `H` rows and `W` columns: the file's middle, cut to these proportions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jpeg<const C: usize, const H: usize, const W: usize> {
    /// The bytes of the file.
    pub file: Vec<u8>,
}

impl<const C: usize, const H: usize, const W: usize> Field for Jpeg<C, H, W> {
    type Column<'a> = ArrayView<'a, u8, ndarray::Ix4>;
    const SIZE: Option<usize> = None;

    fn kind() -> Kind {
        Kind::Jpeg { shape: [C, H, W] }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(&self.file);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self { file: bytes.to_vec() })
    }

    fn column<'a>(columns: &'a Columns, name: &str) -> Result<Self::Column<'a>> {
        columns.tensor::<u8, crate::Axes3<C, H, W>>(name)
    }
}

fn list<T: Element>(bytes: &[u8]) -> Option<Vec<T>> {
    let size = size_of::<T>();
    bytes
        .len()
        .is_multiple_of(size)
        .then(|| bytes.chunks_exact(size).map(<T as Element>::from_le).collect())?
}

/// A sample: what `dataset!` makes of a struct, or an implementation by hand.
///
/// ```
/// use ketline_data::{Columns, Field, RecordReader, RecordWriter, Result, Sample, Schema};
/// use ndarray::ArrayView1;
///
/// struct Point {
///     x: f32,
///     label: u8,
/// }
///
/// impl Sample for Point {
///     type Batch<'a> = (ArrayView1<'a, f32>, ArrayView1<'a, u8>);
///     fn schema() -> Option<Schema> {
///         Some(Schema::new().field("x", f32::kind()).field("label", u8::kind()))
///     }
///     fn write(&self, record: &mut RecordWriter<'_>) {
///         record.field(&self.x).field(&self.label);
///     }
///     fn read(record: &mut RecordReader<'_>) -> Result<Self> {
///         Ok(Self { x: record.field()?, label: record.field()? })
///     }
///     fn batch(columns: &Columns) -> Result<Self::Batch<'_>> {
///         Ok((f32::column(columns, "x")?, u8::column(columns, "label")?))
///     }
/// }
/// ```
pub trait Sample: Sized + Send + Sync + 'static {
    /// A batch of samples, field by field.
    type Batch<'a>;
    /// What is stored; `None` for samples that take whatever a set holds.
    fn schema() -> Option<Schema>;
    /// Writes the fields in the order of the schema.
    fn write(&self, record: &mut RecordWriter<'_>);
    /// Reads the fields in the order of the schema.
    fn read(record: &mut RecordReader<'_>) -> Result<Self>;
    /// The fields of a batch.
    fn batch(columns: &Columns) -> Result<Self::Batch<'_>>;
    /// How a set of such samples is written and read where nothing else is said.
    fn defaults() -> Defaults {
        Defaults::default()
    }
}

/// How a set is written and read where nothing else is said: what the attributes of `dataset!` state.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub struct Defaults {
    /// Samples in a chunk.
    pub chunk_samples: Option<usize>,
    /// Bytes of a chunk, where samples are not counted.
    pub chunk_bytes: Option<Bytes>,
    /// How chunks are packed.
    pub codec: crate::Codec,
    /// Chunks that are open at once.
    pub open_chunks: Option<usize>,
    /// Samples that are drawn from at once, another way to say the former.
    pub window: Option<usize>,
    /// The seed of the order.
    pub seed: Option<u64>,
    /// Chunks that are read ahead.
    pub ahead: Option<usize>,
    /// Threads that read.
    pub threads: Option<usize>,
    /// The memory that all of it may take.
    pub budget: Option<Bytes>,
    /// Samples in a batch.
    pub batch: Option<usize>,
    /// Names of the splits and their shares.
    pub splits: Vec<(&'static str, f64)>,
}

/// A stored sample as it is, for programs that learn from the set what its fields are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(pub Vec<u8>);

impl Sample for Raw {
    type Batch<'a> = &'a Columns;

    fn schema() -> Option<Schema> {
        None
    }

    fn write(&self, record: &mut RecordWriter<'_>) {
        record.out.extend(&self.0);
    }

    fn read(record: &mut RecordReader<'_>) -> Result<Self> {
        Ok(Self(record.whole.to_vec()))
    }

    fn batch(columns: &Columns) -> Result<Self::Batch<'_>> {
        Ok(columns)
    }
}

/// Takes the fields of a sample.
#[derive(Debug)]
pub struct RecordWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> RecordWriter<'a> {
    /// Writes a sample's bytes behind what is there.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Writes the next field.
    pub fn field<F: Field>(&mut self, value: &F) -> &mut Self {
        if F::SIZE.is_some() {
            value.write(self.out);
        } else {
            let at = self.out.len();
            self.out.extend([0; 4]);
            value.write(self.out);
            // A longer value is cut by its length and found out when the sample is checked.
            let length = u32::try_from(self.out.len() - at - 4).unwrap_or(u32::MAX);
            self.out[at..at + 4].copy_from_slice(&length.to_le_bytes());
        }
        self
    }
}

/// Gives the fields of a sample.
#[derive(Debug)]
pub struct RecordReader<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
    sample: u64,
    field: usize,
    lifetime: PhantomData<&'a [u8]>,
}

impl<'a> RecordReader<'a> {
    /// Reads a stored sample; its number is for messages.
    pub fn new(record: &'a [u8], sample: u64) -> Self {
        Self { whole: record, rest: record, sample, field: 0, lifetime: PhantomData }
    }

    /// Reads the next field.
    pub fn field<F: Field>(&mut self) -> Result<F> {
        self.field += 1;
        self.next(F::SIZE).and_then(F::read).ok_or_else(|| Error::Sample {
            sample: self.sample,
            reason: format!("field {} of its {} bytes is no {}", self.field, self.whole.len(), F::kind()),
        })
    }

    fn next(&mut self, size: Option<usize>) -> Option<&'a [u8]> {
        let size = if let Some(size) = size {
            size
        } else {
            let (length, rest) = self.rest.split_first_chunk::<4>()?;
            self.rest = rest;
            u32::from_le_bytes(*length) as usize
        };
        let (own, rest) = self.rest.split_at_checked(size)?;
        self.rest = rest;
        Some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Axes2;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let (tensor, list, text) = (
            Tensor::<i16, Axes2<2, 2>>::from_vec(vec![1, -2, 3, -4]).unwrap(),
            vec![1.5_f64, -0.0],
            "hé".to_owned(),
        );
        let mut bytes = Vec::new();
        RecordWriter::new(&mut bytes).field(&tensor).field(&list).field(&true).field(&text);
        let mut reader = RecordReader::new(&bytes, 9);
        assert_eq!(reader.field::<Tensor<i16, Axes2<2, 2>>>().unwrap(), tensor);
        assert_eq!(reader.field::<Vec<f64>>().unwrap(), list);
        assert!(reader.field::<bool>().unwrap());
        assert_eq!(reader.field::<String>().unwrap(), text);
        assert_eq!(
            reader.field::<u8>().unwrap_err().to_string(),
            "sample 9: field 5 of its 36 bytes is no u8"
        );
    }

    #[test]
    fn a_batch_shows_each_field_in_one_piece() {
        let schema = Schema::new()
            .field("x", Tensor::<f32, Axes2<1, 2>>::kind())
            .field("t", String::kind())
            .field("n", Vec::<u16>::kind());
        let mut columns = Columns::new(&schema, 2, 64);
        for (id, (x, text, list)) in
            [([1.0, 2.0], "a", vec![7_u16]), ([3.0, 4.0], "", vec![8, 9])].into_iter().enumerate()
        {
            let mut record = Vec::new();
            let tensor = Tensor::<f32, Axes2<1, 2>>::from_vec(x.to_vec()).unwrap();
            RecordWriter::new(&mut record).field(&tensor).field(&text.to_owned()).field(&list);
            columns.push(&schema, id as u64 + 5, &record).unwrap();
        }
        assert_eq!(columns.ids(), [5, 6]);
        let x = columns.tensor::<f32, Axes2<1, 2>>("x").unwrap();
        assert_eq!((x.shape(), x[[1, 0, 1]]), (&[2, 1, 2][..], 4.0));
        assert_eq!(columns.texts("t").unwrap().iter().collect::<Vec<_>>(), ["a", ""]);
        assert_eq!(columns.lists::<u16>("n").unwrap().get(1), Some(&[8, 9][..]));
        let wrong = columns.tensor::<u8, Axes0>("x").unwrap_err().to_string();
        assert_eq!(wrong, "field `x` is f32[1, 2], expected u8[]");
        assert!(columns.array::<f32>("y").unwrap_err().to_string().contains("one of x, t, n"));
    }
}
