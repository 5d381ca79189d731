//! Text to tokens, one at a time.

use super::diagnostic::{Fault, Located, Span};

/// What a token is; its text is looked up by its span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A name or keyword.
    Word,
    /// A name of a physical qubit, such as `$3`.
    Physical,
    Integer(u64),
    Float(f64),
    /// A number with a unit of time.
    Timing,
    /// Text in quotes.
    Text,
    /// An operator or punctuation.
    Symbol(&'static str),
    End,
}

/// A token with its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Longest first, so that the first that fits is right.
const SYMBOLS: &[&str] = &[
    "**=", "<<=", ">>=", "**", "++", "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "~=", "(", ")", "[", "]", "{", "}", ";", ",", ":", ".", "=", "+", "-", "*",
    "/", "%", "<", ">", "!", "~", "&", "|", "^", "@", "#",
];

const UNITS: &[&str] = &["dt", "ns", "us", "µs", "μs", "ms", "s"];

/// Reads tokens from a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // some editors put a byte-order mark before everything
        Self { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } }
    }

    /// The next token; after the last one [`Kind::End`] for ever.
    pub(super) fn next(&mut self) -> Result<Token, Located> {
        self.skip()?;
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return Ok(self.token(Kind::End, start, 0)) };
        if is_start(first) {
            let length = rest.find(|c| !is_continuation(c)).unwrap_or(rest.len());
            return Ok(self.token(Kind::Word, start, length));
        }
        let digit_follows = |at: usize| rest.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        if first.is_ascii_digit() || first == '.' && digit_follows(1) {
            return self.number(start);
        }
        if first == '$' && digit_follows(1) {
            let length = 1 + rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            return Ok(self.token(Kind::Physical, start, length));
        }
        if let '"' | '\'' = first {
            return match rest[1..].find([first, '\n']) {
                Some(end) if rest[1 + end..].starts_with(first) => Ok(self.token(Kind::Text, start, end + 2)),
                _ => Err(Self::fault("text without a closing quote", "a quote", start, 1)),
            };
        }
        match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => Ok(self.token(Kind::Symbol(symbol), start, symbol.len())),
            None => Err(Self::fault(
                &format!("`{}`", first.escape_debug()),
                "a statement",
                start,
                first.len_utf8(),
            )),
        }
    }

    /// The text of a span.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start..span.end]
    }

    /// The rest of the line from `from` on, which is skipped: annotations and pragmas end there.
    pub(super) fn skip_line(&mut self, from: usize) {
        self.at = self.text[from..].find('\n').map_or(self.text.len(), |end| from + end);
    }

    fn token(&mut self, kind: Kind, start: usize, length: usize) -> Token {
        self.at = start + length;
        Token { kind, span: Span::new(start, self.at) }
    }

    fn fault(found: &str, expected: &str, start: usize, length: usize) -> Located {
        Fault::Syntax { found: found.to_owned(), expected: expected.to_owned() }
            .at(Span::new(start, start + length))
    }

    /// White space and comments.
    fn skip(&mut self) -> Result<(), Located> {
        loop {
            let rest = &self.text[self.at..];
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                self.at += blank;
            } else if rest.starts_with("//") {
                self.skip_line(self.at);
            } else if let Some(comment) = rest.strip_prefix("/*") {
                match comment.find("*/") {
                    Some(end) => self.at += end + 4,
                    None => return Err(Self::fault("a comment without an end", "`*/`", self.at, 2)),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn number(&mut self, start: usize) -> Result<Token, Located> {
        let rest = &self.text[start..];
        let bytes = rest.as_bytes();
        for (prefixes, radix) in [(["0x", "0X"], 16), (["0b", "0B"], 2), (["0o", "0O"], 8)] {
            if prefixes.iter().any(|prefix| rest.starts_with(prefix)) {
                let length =
                    2 + bytes[2..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                let value = u64::from_str_radix(&rest[2..length].replace('_', ""), radix);
                let fault = || {
                    Self::fault(&format!("`{}`", cut(&rest[..length])), "a number below 2^64", start, length)
                };
                let value = value.map_err(|_| fault())?;
                return Ok(self.token(Kind::Integer(value), start, length));
            }
        }
        let digits =
            |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count();
        let mut end = digits(0);
        let mut float = false;
        if bytes.get(end) == Some(&b'.') {
            float = true;
            end += 1 + digits(end + 1);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                float = true;
                end += 1 + sign + exponent;
            }
        }
        let suffix = rest[end..].find(|c| !is_continuation(c)).unwrap_or(rest.len() - end);
        let (number, unit) = (rest[..end].replace('_', ""), &rest[end..end + suffix]);
        let fault = |expected| {
            Self::fault(&format!("`{}`", cut(&rest[..end + suffix])), expected, start, end + suffix)
        };
        if UNITS.contains(&unit) {
            return Ok(self.token(Kind::Timing, start, end + suffix));
        }
        if !unit.is_empty() {
            return Err(fault("a number, alone or with a unit of time"));
        }
        let kind = if float {
            Kind::Float(
                number
                    .parse()
                    .ok()
                    .filter(|value: &f64| value.is_finite())
                    .ok_or_else(|| fault("a finite number"))?,
            )
        } else {
            Kind::Integer(number.parse().map_err(|_| fault("a number below 2^64"))?)
        };
        Ok(self.token(kind, start, end))
    }
}

/// At most 24 characters, for a message.
pub(super) fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(24).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push_str("..");
    }
    short
}

/// Whether a name may start with the character.
pub(super) fn is_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Whether a name may go on with the character.
pub(super) fn is_continuation(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
