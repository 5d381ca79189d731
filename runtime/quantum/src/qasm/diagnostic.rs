//! What is wrong with a text, and where: line, column and a caret under the place.

use std::fmt;

use crate::Error;

/// A piece of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the beginning of `self` to the end of `other`.
    pub(super) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.end) }
    }
}

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // each message names its fields
pub enum Fault {
    /// Text that does not follow the grammar.
    #[error("found {found}, expected {expected}")]
    Syntax { found: String, expected: String },
    /// A version other than 2 and 3.
    #[error("found OpenQASM {found}, expected version 2.0 or 3")]
    Version { found: String },
    /// A file to include that is not built in.
    #[error(
        "`{file}` cannot be included: qelib1.inc and stdgates.inc are built in, and no other file is read"
    )]
    Include { file: String },
    /// A name that nothing has declared.
    #[error("no {what} `{name}` is declared here{help}")]
    Undefined { what: &'static str, name: String, help: String },
    /// A name declared twice in one scope.
    #[error("`{name}` is declared twice{help}")]
    DeclaredTwice { name: String, help: &'static str },
    /// Something of another kind than is needed.
    #[error("found {found}, expected {expected}")]
    Mismatch { found: String, expected: String },
    /// A wrong number of qubits, angles or arguments.
    #[error("`{name}` takes {expected} {what}, found {found}")]
    Count { name: String, what: &'static str, found: usize, expected: usize },
    /// An index outside of its register.
    #[error("index {index} is out of range: `{name}` has {len} elements")]
    Index { name: String, index: i64, len: usize },
    /// A number that does not exist or does not fit.
    #[error("{what}: found {found}, expected {expected}")]
    Value { what: String, found: String, expected: &'static str },
    /// A comparison of outcomes that comes out the same whatever they are.
    #[error("{comparison} asks nothing: {what} reaches from {lowest} to {highest}{help}")]
    Decided { comparison: String, what: String, lowest: i64, highest: i64, help: &'static str },
    /// An input that takes part other than as a multiple in a sum.
    #[error("{what} is no sum of multiples of inputs and numbers; an angle of a circuit must be")]
    NotAffine { what: String },
    /// A program that is correct, but more than a circuit can hold.
    #[error("{what}: {reason}")]
    Unsupported { what: String, reason: &'static str },
    /// A program that is larger than allowed.
    #[error("the {what} exceed the limit of {limit}")]
    Limit { what: &'static str, limit: usize },
    /// A step that a circuit refuses.
    #[error("{0}")]
    Step(Box<Error>),
}

impl Fault {
    pub(super) fn unsupported(what: impl Into<String>, reason: &'static str) -> Self {
        Self::Unsupported { what: what.into(), reason }
    }

    pub(super) fn mismatch(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Mismatch { found: found.into(), expected: expected.into() }
    }

    pub(super) fn at(self, span: Span) -> Located {
        Located { fault: Box::new(self), span }
    }
}

/// A fault with its place, before the text is looked at again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located {
    pub(super) fault: Box<Fault>,
    pub(super) span: Span,
}

/// A refused text: the fault, its place, and the line with a caret under it.
///
/// ```
/// let error = ketline_quantum::qasm::import("OPENQASM 3;\nqubit[2] q;\nU(0, 0, 0) q[2];").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "index 2 is out of range: `q` has 2 elements\n \
///      --> line 3, column 14\n  |\n3 | U(0, 0, 0) q[2];\n  |              ^"
/// );
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    fault: Fault,
    line: usize,
    column: usize,
    excerpt: String,
    /// Where the carets stand in the excerpt, in characters.
    caret: usize,
    length: usize,
}

/// Characters of the longest excerpt.
const EXCERPT: usize = 96;

impl Diagnostic {
    pub(super) fn new(text: &str, located: Located) -> Self {
        let Span { start, end } = located.span;
        // a span may end in the middle of what the text no longer has: both ends are put on characters
        let start = floor(text, start);
        let end = floor(text, end).max(start);
        let head = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let tail = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let column = text[head..start].chars().count();
        let length = text[start..end.min(tail).max(start)].chars().count().max(1);
        // a long line is cut around the place
        let first = column.saturating_sub(EXCERPT / 2);
        let shown = text[head..tail].chars().skip(first).take(EXCERPT);
        let excerpt: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
        let caret = column - first;
        let length = length.min(excerpt.chars().count().saturating_sub(caret).max(1));
        let line = text[..start].matches('\n').count() + 1;
        Self {
            fault: *located.fault,
            line,
            column: column + 1,
            excerpt: excerpt.trim_end().to_owned(),
            caret,
            length,
        }
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, gap) = (self.line.to_string(), " ".repeat(self.line.to_string().len()));
        let carets = " ".repeat(self.caret) + &"^".repeat(self.length);
        write!(
            f,
            "{}\n{gap}--> line {number}, column {}\n{gap} |\n{number} | {}\n{gap} | {carets}",
            self.fault, self.column, self.excerpt
        )
    }
}
