//! Tables of comma-separated values (RFC 4180).

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::{MOST_BYTES, open};
use crate::{Error, Result};

/// The rows of a table, read one by one; the first row names the columns.
#[derive(Debug)]
pub struct Csv<R> {
    path: PathBuf,
    reader: R,
    columns: Vec<String>,
    line: u64,
}

impl Csv<BufReader<std::fs::File>> {
    /// Opens a file and reads its first row.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(path.as_ref(), BufReader::new(open(path.as_ref())?))
    }
}

impl<R: BufRead> Csv<R> {
    /// Reads the first row; the path is for messages.
    pub fn new(path: impl Into<PathBuf>, reader: R) -> Result<Self> {
        let mut table = Self { path: path.into(), reader, columns: Vec::new(), line: 0 };
        table.columns = table.row()?.ok_or_else(|| Error::import(&table.path, "it has no row of names"))?;
        Ok(table)
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    fn row(&mut self) -> Result<Option<Vec<String>>> {
        let (mut text, mut fields, mut field, mut quoted) = (String::new(), Vec::new(), String::new(), false);
        loop {
            text.clear();
            let mut limited = std::io::Read::take(&mut self.reader, MOST_BYTES);
            let read = limited.read_line(&mut text).map_err(Error::file("read", &self.path))?;
            self.line += 1;
            if read == 0 {
                let open = quoted.then(|| Error::import(&self.path, "it ends within quotes"));
                return open.map_or(Ok(None), Err);
            }
            let mut letters = text.chars().peekable();
            while let Some(letter) = letters.next() {
                match letter {
                    '"' if quoted && letters.peek() == Some(&'"') => {
                        letters.next();
                        field.push('"');
                    }
                    '"' => quoted = !quoted,
                    ',' if !quoted => fields.push(std::mem::take(&mut field)),
                    '\r' if !quoted && letters.peek() == Some(&'\n') => {}
                    '\n' if !quoted => {}
                    other => field.push(other),
                }
            }
            if field.len() as u64 > MOST_BYTES {
                return Err(Error::import(
                    &self.path,
                    format!("line {}: a field of more than {MOST_BYTES} bytes", self.line),
                ));
            }
            if quoted {
                continue;
            }
            if fields.is_empty() && field.is_empty() {
                // an empty line is no row
                continue;
            }
            fields.push(field);
            return Ok(Some(fields));
        }
    }
}

impl<R: BufRead> Iterator for Csv<R> {
    type Item = Result<Vec<String>>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row().transpose()?;
        let expected = self.columns.len();
        Some(row.and_then(|row| {
            let found = row.len();
            if found == expected {
                return Ok(row);
            }
            Err(Error::import(
                &self.path,
                format!("line {}: found {found} fields, expected {expected}", self.line),
            ))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_ends_of_lines() {
        let text = "a,b\r\n1,\"x, \"\"y\"\"\n z\"\n\n,2\n3\n";
        let mut table = Csv::new("t.csv", text.as_bytes()).unwrap();
        assert_eq!(table.columns(), ["a", "b"]);
        assert_eq!(table.next().unwrap().unwrap(), ["1", "x, \"y\"\n z"]);
        assert_eq!(table.next().unwrap().unwrap(), ["", "2"]);
        assert_eq!(
            table.next().unwrap().unwrap_err().to_string(),
            "t.csv: line 6: found 1 fields, expected 2"
        );
        assert!(table.next().is_none());
        assert!(Csv::new("t.csv", &b"a,\"b"[..]).is_err());
    }
}
