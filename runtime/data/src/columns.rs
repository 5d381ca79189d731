//! A batch: the values of each field in one piece of memory.

use std::fmt;

use ndarray::{ArrayView, ArrayViewD, IxDyn};

use crate::element::{self, DType, Element};
use crate::schema::Kind;
use crate::storage::advise_huge;
use crate::tensor::Axes;
use crate::{Error, Result, Schema};

/// The samples of a batch, field by field.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_field_names)] // a table's columns have no better name
pub struct Columns {
    names: Vec<String>,
    columns: Vec<Column>,
    ids: Vec<u64>,
}

/// The values of one field.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) kind: Kind,
    /// Bytes of each row, where they are the same.
    size: Option<usize>,
    /// Words, so that numbers of any type are aligned.
    words: Vec<u64>,
    used: usize,
    /// Where the rows end, in bytes; only for rows that vary.
    ends: Vec<usize>,
    /// The images of a column of JPEG files, row by row.
    images: Vec<u8>,
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.kind, self.used)
    }
}

impl Column {
    /// Room for so many rows of at most so many bytes. Memory is not resident before it is used.
    pub(crate) fn new(kind: Kind, rows: usize, largest: usize) -> Self {
        let size = kind.size();
        let bytes = rows.saturating_mul(size.unwrap_or(largest));
        let ends = if size.is_some() { Vec::new() } else { Vec::with_capacity(rows) };
        let mut words = vec![0_u64; bytes.div_ceil(8)];
        advise_huge(bytemuck::cast_slice_mut(&mut words));
        Self { kind, size, words, used: 0, ends, images: Vec::new() }
    }

    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.ends.clear();
        self.images.clear();
    }

    /// Files of a column and room for their images.
    pub(crate) fn files_and_images(&mut self, image: usize) -> (Vec<&[u8]>, &mut [u8]) {
        let rows = self.ends.len();
        self.images.resize(rows * image, 0);
        let bytes: &[u8] = bytemuck::cast_slice(&self.words);
        let start = |row| if row == 0 { 0 } else { self.ends[row - 1] };
        let files = (0..rows).map(|row| &bytes[start(row)..self.ends[row]]).collect();
        (files, &mut self.images)
    }

    /// Appends room for a row of so many bytes.
    pub(crate) fn row(&mut self, bytes: usize) -> &mut [u8] {
        let (start, end) = (self.used, self.used + bytes);
        if end > self.words.len() * 8 {
            self.words.resize(end.div_ceil(8), 0);
        }
        self.used = end;
        if self.size.is_none() {
            self.ends.push(end);
        }
        &mut bytemuck::cast_slice_mut(&mut self.words)[start..end]
    }

    fn push(&mut self, bytes: &[u8]) {
        let dtype = self.kind.dtype();
        let row = self.row(bytes.len());
        row.copy_from_slice(bytes);
        element::to_native(dtype, row);
    }

    pub(crate) fn rows(&self) -> usize {
        self.size.map_or(self.ends.len(), |size| self.used / size)
    }

    /// Leaves out the rows that are not kept.
    fn retain(&mut self, kept: &[bool]) {
        let rows = self.rows();
        let image = self.images.len() / rows.max(1);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.words);
        let (mut start, mut used, mut left) = (0, 0, 0);
        for (row, kept) in kept.iter().enumerate().take(rows) {
            let end = self.size.map_or_else(|| self.ends[row], |size| start + size);
            if *kept {
                bytes.copy_within(start..end, used);
                used += end - start;
                self.images.copy_within(row * image..(row + 1) * image, left * image);
                if self.size.is_none() {
                    self.ends[left] = used;
                }
                left += 1;
            }
            start = end;
        }
        self.used = used;
        self.images.truncate(left * image);
        if self.size.is_none() {
            self.ends.truncate(left);
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.used]
    }

    pub(crate) fn ends(&self) -> &[usize] {
        &self.ends
    }
}

impl Columns {
    /// Room for so many samples of at most so many bytes.
    pub(crate) fn new(schema: &Schema, rows: usize, largest: usize) -> Self {
        let columns = schema.fields().iter().map(|field| Column::new(field.kind.clone(), rows, largest));
        Self {
            names: schema.fields().iter().map(|field| field.name.clone()).collect(),
            columns: columns.collect(),
            ids: Vec::with_capacity(rows),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.columns.iter_mut().for_each(Column::clear);
        self.ids.clear();
    }

    /// Appends a stored sample.
    pub(crate) fn push(&mut self, schema: &Schema, id: u64, record: &[u8]) -> Result<()> {
        if let [only] = &mut self.columns[..]
            && only.size == Some(record.len())
        {
            only.push(record);
        } else {
            for (field, bytes) in schema.split(record).enumerate() {
                let fault = |reason: String| Error::Sample { sample: id, reason };
                let column = &mut self.columns[field];
                let bytes = bytes.ok_or_else(|| fault(format!("its {} bytes are too few", record.len())))?;
                let unit = column.kind.dtype().size();
                if !bytes.len().is_multiple_of(unit) {
                    let name = &self.names[field];
                    return Err(fault(format!(
                        "`{name}` has {} bytes, expected a multiple of {unit}",
                        bytes.len()
                    )));
                }
                column.push(bytes);
            }
        }
        self.ids.push(id);
        Ok(())
    }

    /// Leaves out the samples that are not kept.
    pub(crate) fn retain(&mut self, kept: &[bool]) {
        if kept.iter().all(|kept| *kept) {
            return;
        }
        self.columns.iter_mut().for_each(|column| column.retain(kept));
        let mut kept = kept.iter();
        self.ids.retain(|_| kept.next().is_some_and(|kept| *kept));
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The numbers of the samples in the set.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    fn column(&self, field: &str) -> Result<&Column> {
        let at = self.names.iter().position(|name| name == field).ok_or_else(|| Error::Field {
            field: field.into(),
            found: "not there".into(),
            expected: format!("one of {}", self.names.join(", ")),
        })?;
        Ok(&self.columns[at])
    }

    fn other(field: &str, column: &Column, expected: &str) -> Error {
        Error::Field { field: field.into(), found: column.kind.to_string(), expected: expected.to_owned() }
    }

    fn values<'a, T: Element>(field: &str, column: &'a Column) -> Result<&'a [T]> {
        if column.kind.dtype() != T::DTYPE {
            return Err(Self::other(field, column, T::DTYPE.name()));
        }
        let bytes = if column.images.is_empty() { column.bytes() } else { &column.images };
        // Alignment and length are right; what can fail is a byte that is no `bool`.
        bytemuck::checked::try_cast_slice(bytes).map_err(|_| Error::Field {
            field: field.into(),
            found: "a byte above 1".into(),
            expected: "0 or 1".into(),
        })
    }

    /// The numbers of a field of fixed shape: the samples along the first axis.
    pub fn array<T: Element>(&self, field: &str) -> Result<ArrayViewD<'_, T>> {
        let column = self.column(field)?;
        let mut axes = vec![self.len()];
        match &column.kind {
            Kind::Fixed { shape, .. } => axes.extend(shape),
            Kind::Jpeg { shape } if !column.images.is_empty() => axes.extend(shape),
            _ => return Err(Self::other(field, column, "a fixed shape")),
        }
        let values = Self::values::<T>(field, column)?;
        ArrayView::from_shape(IxDyn(&axes), values)
            .map_err(|_| Self::other(field, column, "as many numbers as its axes say"))
    }

    /// The same with axes that the type says.
    pub fn tensor<T: Element, A: Axes>(&self, field: &str) -> Result<ArrayView<'_, T, A::Many>> {
        let column = self.column(field)?;
        match &column.kind {
            Kind::Fixed { shape, .. } if shape == A::AXES => {}
            Kind::Jpeg { shape }
                if shape == A::AXES && T::DTYPE == DType::U8 && !column.images.is_empty() => {}
            Kind::Jpeg { .. } => return Err(Self::other(field, column, "decoded images (feature `jpeg`)")),
            _ => return Err(Self::other(field, column, &format!("{}{:?}", T::DTYPE, A::AXES))),
        }
        let values = Self::values::<T>(field, column)?;
        ArrayView::from_shape(A::many(self.len()), values)
            .map_err(|_| Self::other(field, column, "as many numbers as its axes say"))
    }

    /// The numbers of a field of varying length.
    pub fn lists<T: Element>(&self, field: &str) -> Result<Lists<'_, T>> {
        let column = self.column(field)?;
        if column.size.is_some() {
            return Err(Self::other(field, column, "a varying length"));
        }
        Ok(Lists { values: Self::values(field, column)?, ends: column.ends() })
    }

    /// The texts of a field.
    pub fn texts(&self, field: &str) -> Result<Texts<'_>> {
        let column = self.column(field)?;
        if column.kind != Kind::Text {
            return Err(Self::other(field, column, "text"));
        }
        let wrong =
            || Error::Field { field: field.into(), found: "other bytes".into(), expected: "UTF-8".into() };
        let text = std::str::from_utf8(column.bytes()).map_err(|_| wrong())?;
        let whole = column.ends().iter().all(|end| text.is_char_boundary(*end));
        if whole { Ok(Texts { text, ends: column.ends() }) } else { Err(wrong()) }
    }
}

/// Numbers of varying length in one piece of memory.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a, T> {
    values: &'a [T],
    ends: &'a [usize],
}

impl<'a, T> Lists<'a, T> {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The numbers of one sample, counted within the batch.
    pub fn get(&self, sample: usize) -> Option<&'a [T]> {
        let unit = size_of::<T>();
        let end = self.ends.get(sample)? / unit;
        let start = if sample == 0 { 0 } else { self.ends[sample - 1] / unit };
        self.values.get(start..end)
    }

    /// The samples' numbers in turn.
    pub fn iter(&self) -> impl Iterator<Item = &'a [T]> + '_ {
        (0..self.len()).filter_map(|sample| self.get(sample))
    }

    /// All numbers, one sample after the other.
    pub fn flat(&self) -> &'a [T] {
        self.values
    }
}

/// Texts in one piece of memory.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Texts<'a> {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of one sample, counted within the batch.
    pub fn get(&self, sample: usize) -> Option<&'a str> {
        let end = *self.ends.get(sample)?;
        let start = if sample == 0 { 0 } else { self.ends[sample - 1] };
        self.text.get(start..end)
    }

    /// The samples' texts in turn.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + '_ {
        (0..self.len()).filter_map(|sample| self.get(sample))
    }
}

/// How many bytes of memory a batch takes at most.
pub(crate) fn batch_bytes(schema: &Schema, rows: usize, largest: usize) -> u64 {
    let mut varies = false;
    let mut row = 8_u64;
    for field in schema.fields() {
        match (&field.kind, field.kind.size()) {
            (_, Some(size)) => row += size as u64,
            (Kind::Jpeg { shape }, None) => {
                // decoded beside what it is decoded from
                row += 8 + shape.iter().map(|axis| *axis as u64).product::<u64>();
                varies = true;
            }
            _ => {
                row += 8;
                varies = true;
            }
        }
    }
    if varies {
        row += largest as u64;
    }
    row * rows as u64
}

impl Columns {
    /// The stored form of one sample of the batch.
    pub(crate) fn record(&self, row: usize, out: &mut Vec<u8>) {
        out.clear();
        for column in &self.columns {
            let bytes = column.bytes();
            let own = if let Some(size) = column.size {
                &bytes[row * size..(row + 1) * size]
            } else {
                let start = if row == 0 { 0 } else { column.ends[row - 1] };
                let own = &bytes[start..column.ends[row]];
                out.extend((own.len() as u32).to_le_bytes());
                own
            };
            let at = out.len();
            out.extend_from_slice(own);
            element::to_native(column.kind.dtype(), &mut out[at..]);
        }
    }
}
