//! JSON values that know where they stand, so that every error names file, field and value.

use serde_json::Value;
use serde_json::error::Category;

use crate::{Error, Result};

/// Parses a whole file.
pub(super) fn parse(file: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = match error.classify() {
            Category::Eof => "the text ends too early".into(),
            _ => error.to_string(),
        };
        Error::Json { file: file.into(), line, column, reason }
    })
}

/// A value of a JSON file and the way to it.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) file: &'a str,
    pub(super) path: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    pub(super) fn root(file: &'a str, value: &'a Value) -> Self {
        Self { file, path: String::new(), value }
    }

    /// The member `name`, if it is there and not null.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { file: self.file, path: self.member(name), value })
    }

    pub(super) fn get(&self, name: &str) -> Result<Self> {
        self.find(name)
            .ok_or_else(|| Error::MissingField { file: self.file.into(), field: self.member(name) })
    }

    pub(super) fn items(&self) -> Result<impl Iterator<Item = Self> + use<'a>> {
        let Some(values) = self.value.as_array() else {
            return Err(self.wrong("a list"));
        };
        let (file, path) = (self.file, self.path.clone());
        Ok(values.iter().enumerate().map(move |(n, value)| Self {
            file,
            path: format!("{path}[{n}]"),
            value,
        }))
    }

    pub(super) fn number(&self) -> Result<f64> {
        self.value.as_f64().filter(|x| x.is_finite()).ok_or_else(|| self.wrong("a finite number"))
    }

    /// A whole number below `bound`.
    pub(super) fn index(&self, bound: usize) -> Result<usize> {
        self.value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n < bound)
            .ok_or_else(|| self.wrong(&format!("a whole number below {bound}")))
    }

    /// The operands of a gate: one or two distinct qubits below `width`.
    pub(super) fn operands(&self, width: usize) -> Result<Vec<usize>> {
        if !(1..=2).contains(&self.len()) {
            return Err(self.wrong("one or two qubits"));
        }
        let qubits: Vec<usize> = self.items()?.map(|item| item.index(width)).collect::<Result<_>>()?;
        if qubits.len() == 2 && qubits[0] == qubits[1] {
            return Err(self.wrong("two distinct qubits"));
        }
        Ok(qubits)
    }

    /// An edge of a coupling map: two distinct qubits below `width`.
    pub(super) fn edge(&self, width: usize) -> Result<(usize, usize)> {
        match self.operands(width)?[..] {
            [a, b] => Ok((a, b)),
            _ => Err(self.wrong("two distinct qubits")),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str> {
        self.value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| self.wrong("a text"))
    }

    /// How many members or items it has; 0 for a scalar.
    pub(super) fn len(&self) -> usize {
        self.value.as_array().map_or_else(|| self.value.as_object().map_or(0, serde_json::Map::len), Vec::len)
    }

    pub(super) fn parsed<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(self.value).map_err(|error| self.wrong(&error.to_string()))
    }

    /// The error for a value that is not what was wanted.
    pub(super) fn wrong(&self, wanted: &str) -> Error {
        let mut found = self.value.to_string();
        if found.len() > 60 {
            let end = (0..=57).rev().find(|end| found.is_char_boundary(*end)).unwrap_or(0);
            found.truncate(end);
            found.push_str("...");
        }
        let field = if self.path.is_empty() { "top level".into() } else { self.path.clone() };
        Error::BadField { file: self.file.into(), field, found, wanted: wanted.into() }
    }

    fn member(&self, name: &str) -> String {
        if self.path.is_empty() { name.into() } else { format!("{}.{name}", self.path) }
    }
}
