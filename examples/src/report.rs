//! What an example says at its end: text tables for people, one line of JSON for programs.

use std::fmt;

use serde_json::{Map, Value, json};

/// The metrics of a run, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    metrics: Vec<(String, f64)>,
}

/// A report that cannot be printed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// JSON has no NaN and no infinity.
    #[error("metric `{name}` is {value}, expected a finite number")]
    NotFinite {
        /// The metric.
        name: String,
        /// Its value.
        value: f64,
    },
}

impl Report {
    /// A report without metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a metric, or replaces the one of this name.
    pub fn metric(&mut self, name: impl Into<String>, value: f64) -> &mut Self {
        let name = name.into();
        match self.metrics.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.metrics.push((name, value)),
        }
        self
    }

    /// The metrics, in order.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, f64)> {
        self.metrics.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The line `{"example": .., "metrics": {..}}`.
    ///
    /// # Errors
    /// [`ReportError::NotFinite`] if a metric is NaN or infinite.
    pub fn json(&self, example: &str) -> Result<String, ReportError> {
        let mut metrics = Map::new();
        for (name, value) in &self.metrics {
            if !value.is_finite() {
                return Err(ReportError::NotFinite { name: name.clone(), value: *value });
            }
            metrics.insert(name.clone(), json!(value));
        }
        Ok(json!({ "example": example, "metrics": Value::Object(metrics) }).to_string())
    }
}

/// A text table: the first column aligned to the left, the others to the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; a short one is filled with empty cells, a long one is cut.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Self {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
        self
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = vec![0; self.header.len()];
        for row in std::iter::once(&self.header).chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            });
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())
        };
        line(&self.header)?;
        line(&widths.iter().map(|&width| "-".repeat(width)).collect::<Vec<_>>())?;
        self.rows.iter().try_for_each(|row| line(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_line_with_name_and_metrics() {
        let mut report = Report::new();
        report.metric("gain", 0.5).metric("ratio", 20.0).metric("gain", 0.25);
        let line = report.json("robust_state").unwrap();
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value, json!({ "example": "robust_state", "metrics": { "gain": 0.25, "ratio": 20.0 } }));
        assert_eq!(report.metrics().collect::<Vec<_>>(), [("gain", 0.25), ("ratio", 20.0)]);
        report.metric("gain", f64::NAN);
        assert!(matches!(report.json("x"), Err(ReportError::NotFinite { .. })));
    }

    #[test]
    fn tables_are_aligned_by_characters() {
        let mut table = Table::new(["device", "F before", "×"]);
        table.row(["manila", "0.761", "69"]).row(["ψ", "0.7"]);
        let text = "device  F before   ×\n------  --------  --\nmanila     0.761  69\nψ            0.7\n";
        assert_eq!(table.to_string(), text);
    }
}
