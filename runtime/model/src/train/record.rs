//! What a training leaves behind: a log of numbers, and the decision to stop.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::Result;
use crate::file::write_whole;

/// The numbers of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// Number of the step, counted from one.
    pub step: u64,
    /// The loss of its batch, before the parameters changed.
    pub loss: f64,
    /// The norm of the gradient before clipping, if it was taken.
    pub gradient_norm: Option<f64>,
    /// The learning rate.
    pub rate: f64,
}

/// Named columns of numbers over steps, written as CSV.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    columns: Vec<String>,
    rows: Vec<(u64, Vec<f64>)>,
}

impl Log {
    /// A log with these columns after the step.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; columns that are left out are NaN, which the file leaves empty.
    pub fn push(&mut self, step: u64, values: &[f64]) {
        let mut values = values.to_vec();
        values.resize(self.columns.len(), f64::NAN);
        self.rows.push((step, values));
    }

    /// The points (step, value) of a column, without those left out.
    pub fn column(&self, name: &str) -> impl Iterator<Item = (f64, f64)> {
        let k = self.columns.iter().position(|column| column == name);
        self.rows.iter().filter_map(move |(step, values)| {
            let value = values[k?];
            value.is_finite().then_some((*step as f64, value))
        })
    }

    /// The log as CSV.
    pub fn csv(&self) -> String {
        let mut text = format!("step,{}\n", self.columns.join(","));
        for (step, values) in &self.rows {
            let _ = write!(text, "{step}");
            for value in values {
                let _ = if value.is_nan() { write!(text, ",") } else { write!(text, ",{value}") };
            }
            text.push('\n');
        }
        text
    }

    /// Writes the log as CSV, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, |file| file.write_all(self.csv().as_bytes()))
    }
}

/// Stops a training whose validation no longer improves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStop {
    /// Evaluations without improvement that are waited for.
    pub patience: usize,
    best: f64,
    since: usize,
}

impl EarlyStop {
    /// Waits for so many evaluations without improvement.
    pub const fn new(patience: usize) -> Self {
        Self { patience, best: f64::INFINITY, since: 0 }
    }

    /// Takes a validation loss; says whether it is the best so far.
    pub fn observe(&mut self, loss: f64) -> bool {
        let better = loss < self.best;
        if better {
            (self.best, self.since) = (loss, 0);
        } else {
            self.since += 1;
        }
        better
    }

    /// Whether it is time to stop.
    pub fn stops(&self) -> bool {
        self.since > self.patience
    }

    /// The best loss so far.
    pub fn best(&self) -> f64 {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_csv() {
        let mut log = Log::new(["loss", "valid"]);
        log.push(1, &[2.5, 3.0]);
        log.push(2, &[2.25]);
        assert_eq!(log.csv(), "step,loss,valid\n1,2.5,3\n2,2.25,\n");
        assert_eq!(log.column("valid").collect::<Vec<_>>(), [(1.0, 3.0)]);
        assert_eq!(log.column("none").count(), 0);
    }

    #[test]
    fn patience_ends() {
        let mut stop = EarlyStop::new(1);
        assert!(stop.observe(2.0) && stop.observe(1.0) && !stop.observe(1.5) && !stop.stops());
        assert!(!stop.observe(f64::NAN) && stop.stops());
        assert_eq!(stop.best(), 1.0);
    }
}
