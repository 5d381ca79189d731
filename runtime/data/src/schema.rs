//! What a sample consists of: stored in every set, compared when it is opened.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::element::{self, DType};
use crate::{Error, Result};

/// The most numbers that one sample may hold in one field.
const MOST_NUMBERS: usize = 1 << 28;

/// The fields of a sample in the order in which they are stored.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Schema {
    fields: Vec<FieldSchema>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSchema {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(flatten)]
    pub kind: Kind,
    /// Numbers lie in `range.0 .. range.1`, if it is given; checked when samples are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// The same number of numbers in every sample, the last axis fastest; no axes for a single number.
    Fixed {
        /// The type of the numbers.
        #[serde(rename = "type")]
        dtype: DType,
        /// The axes.
        shape: Vec<usize>,
    },
    /// As many numbers as a sample has.
    Variable {
        /// The type of the numbers.
        #[serde(rename = "type")]
        dtype: DType,
    },
    /// UTF-8 text.
    Text,
    /// A JPEG file that is decoded to `u8` numbers of this shape: channels, height, width.
    Jpeg {
        /// Channels (1 or 3), height, width.
        shape: [usize; 3],
    },
}

impl Kind {
    /// Bytes of every sample, where they are the same.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Fixed { dtype, shape } => {
                shape.iter().try_fold(dtype.size(), |size, axis| size.checked_mul(*axis))
            }
            _ => None,
        }
    }

    /// The type of the stored numbers.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Fixed { dtype, .. } | Self::Variable { dtype } => *dtype,
            Self::Text | Self::Jpeg { .. } => DType::U8,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes = |f: &mut fmt::Formatter<'_>, shape: &[usize]| {
            let axes: Vec<_> = shape.iter().map(ToString::to_string).collect();
            write!(f, "[{}]", axes.join(", "))
        };
        match self {
            Self::Fixed { dtype, shape } if shape.is_empty() => write!(f, "{dtype}"),
            Self::Fixed { dtype, shape } => {
                write!(f, "{dtype}")?;
                axes(f, shape)
            }
            Self::Variable { dtype } => write!(f, "{dtype}[..]"),
            Self::Text => f.write_str("text"),
            Self::Jpeg { shape } => {
                f.write_str("jpeg")?;
                axes(f, shape)
            }
        }
    }
}

impl Schema {
    /// A schema without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, kind: Kind) -> Self {
        self.fields.push(FieldSchema { name: name.into(), kind, range: None });
        self
    }

    /// With a range for the numbers of the last field.
    #[must_use]
    pub fn range(mut self, start: f64, end: f64) -> Self {
        if let Some(last) = self.fields.last_mut() {
            last.range = Some((start, end));
        }
        self
    }

    /// The fields in the order in which they are stored.
    pub fn fields(&self) -> &[FieldSchema] {
        &self.fields
    }

    /// The place of a field.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Bytes of a stored sample, where all have the same.
    pub fn record_size(&self) -> Option<usize> {
        self.fields.iter().try_fold(0_usize, |sum, field| sum.checked_add(field.kind.size()?))
    }

    /// The fewest bytes that a stored sample can have.
    pub(crate) fn smallest(&self) -> usize {
        // What varies has a length of four bytes before it.
        self.fields.iter().map(|field| field.kind.size().unwrap_or(4)).sum()
    }

    /// Whether it can be stored: at least one field, names that differ, axes above 0.
    pub fn check(&self) -> Result<()> {
        if self.fields.is_empty() {
            return Err(Error::setting("the number of fields", 0, "at least 1"));
        }
        for (at, field) in self.fields.iter().enumerate() {
            if field.name.is_empty() || self.position(&field.name) != Some(at) {
                return Err(Error::Field {
                    field: field.name.clone(),
                    found: "named twice or not at all".into(),
                    expected: "a name of its own".into(),
                });
            }
            let axes: &[usize] = match &field.kind {
                Kind::Fixed { shape, .. } => shape,
                Kind::Jpeg { shape } => shape,
                _ => &[],
            };
            let numbers = axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(*axis));
            let right = numbers.is_some_and(|numbers| (1..=MOST_NUMBERS).contains(&numbers));
            if !right || matches!(field.kind, Kind::Jpeg { shape } if ![1, 3].contains(&shape[0])) {
                return Err(Error::Field {
                    field: field.name.clone(),
                    found: field.kind.to_string(),
                    expected: format!("axes above 0 and at most {MOST_NUMBERS} numbers; 1 or 3 channels"),
                });
            }
        }
        Ok(())
    }

    /// Splits a stored sample into its fields; the bytes of what varies come without their length.
    pub fn split<'a>(&'a self, record: &'a [u8]) -> impl Iterator<Item = Option<&'a [u8]>> + 'a {
        let mut rest = Some(record);
        let mut left = self.fields.len();
        self.fields.iter().map(move |field| {
            left -= 1;
            let bytes = rest?;
            let (size, bytes) = if let Some(size) = field.kind.size() {
                (size, bytes)
            } else {
                let (length, bytes) = bytes.split_first_chunk::<4>()?;
                (u32::from_le_bytes(*length) as usize, bytes)
            };
            let (own, after) = bytes.split_at_checked(size)?;
            rest = Some(after);
            // The last field ends where the sample ends.
            (left > 0 || after.is_empty()).then_some(own)
        })
    }

    /// Checks that a stored sample is what the schema says, ranges included.
    pub fn check_record(&self, record: &[u8]) -> Result<(), String> {
        for (field, bytes) in self.fields.iter().zip(self.split(record)) {
            let name = &field.name;
            let bytes = bytes.ok_or_else(|| format!("its {} bytes do not hold `{name}`", record.len()))?;
            let dtype = field.kind.dtype();
            if !bytes.len().is_multiple_of(dtype.size()) {
                return Err(format!(
                    "`{name}` has {} bytes, expected a multiple of {}",
                    bytes.len(),
                    dtype.size()
                ));
            }
            if field.kind == Kind::Text && std::str::from_utf8(bytes).is_err() {
                return Err(format!("`{name}` is not UTF-8"));
            }
            if dtype == DType::Bool && bytes.iter().any(|byte| *byte > 1) {
                return Err(format!("`{name}` holds a byte above 1, expected 0 or 1"));
            }
            let Some((start, end)) = field.range else { continue };
            if let Some(value) = element::numbers(dtype, bytes).find(|value| !(start..end).contains(value)) {
                return Err(format!("`{name}` is {value}, expected {start}..{end}"));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, field) in self.fields.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}: {}", field.name, field.kind)?;
            if let Some((start, end)) = field.range {
                write!(f, " in {start}..{end}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Schema {
        Schema::new()
            .field("image", Kind::Fixed { dtype: DType::U8, shape: vec![3, 2, 2] })
            .field("name", Kind::Text)
            .field("label", Kind::Fixed { dtype: DType::U16, shape: vec![] })
            .range(0.0, 1000.0)
    }

    #[test]
    fn a_schema_is_what_its_json_says() {
        let text = serde_json::to_string(&image()).unwrap();
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), image());
        assert_eq!(image().to_string(), "image: u8[3, 2, 2], name: text, label: u16 in 0..1000");
        assert_eq!((image().record_size(), image().smallest()), (None, 18));
    }

    #[test]
    fn samples_are_split_and_checked() {
        let mut record = vec![7; 12];
        record.extend(2_u32.to_le_bytes());
        record.extend(*b"hi");
        record.extend(999_u16.to_le_bytes());
        let schema = image();
        let parts: Vec<_> = schema.split(&record).collect();
        assert_eq!(parts[1..], [Some(&b"hi"[..]), Some(&999_u16.to_le_bytes()[..])]);
        assert_eq!(schema.check_record(&record), Ok(()));
        record[16] = 0xff;
        assert_eq!(schema.check_record(&record), Err("`name` is not UTF-8".into()));
        record[16] = b'h';
        record[18..].copy_from_slice(&1000_u16.to_le_bytes());
        assert_eq!(schema.check_record(&record), Err("`label` is 1000, expected 0..1000".into()));
        record.push(0);
        assert_eq!(schema.check_record(&record), Err("its 21 bytes do not hold `label`".into()));
        record.truncate(15);
        assert_eq!(schema.check_record(&record), Err("its 15 bytes do not hold `name`".into()));
    }

    #[test]
    fn what_cannot_be_stored_is_refused() {
        assert!(Schema::new().check().is_err());
        assert!(image().field("name", Kind::Text).check().is_err());
        assert!(image().field("x", Kind::Fixed { dtype: DType::U8, shape: vec![0] }).check().is_err());
        assert!(image().field("x", Kind::Jpeg { shape: [2, 4, 4] }).check().is_err());
        assert!(image().check().is_ok());
    }
}
