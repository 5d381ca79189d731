//! Tokens to statements, one statement at a time: recursive descent over one token of lookahead.

mod declaration;
mod expression;
mod statement;

use super::diagnostic::{Fault, Located, Span};
use super::lexer::{Kind, Lexer, Token, cut};
use super::syntax::{Block, Expression, ExpressionKind, Name, Statement};
use super::{Limits, Version};

/// Words of OpenQASM 3 that name nothing else.
const RESERVED: &[&str] = &[
    "OPENQASM",
    "include",
    "defcalgrammar",
    "def",
    "cal",
    "defcal",
    "gate",
    "extern",
    "box",
    "let",
    "break",
    "continue",
    "if",
    "else",
    "end",
    "return",
    "for",
    "while",
    "in",
    "switch",
    "case",
    "default",
    "pragma",
    "input",
    "output",
    "const",
    "readonly",
    "mutable",
    "qreg",
    "qubit",
    "creg",
    "bool",
    "bit",
    "int",
    "uint",
    "float",
    "angle",
    "complex",
    "array",
    "void",
    "duration",
    "stretch",
    "gphase",
    "inv",
    "pow",
    "ctrl",
    "negctrl",
    "durationof",
    "delay",
    "reset",
    "measure",
    "barrier",
    "true",
    "false",
    "pi",
    "π",
    "tau",
    "τ",
    "euler",
    "ℇ",
    "U",
];

/// Words of OpenQASM 2 that name nothing else.
const RESERVED_2: &[&str] = &[
    "OPENQASM", "include", "qreg", "creg", "gate", "opaque", "reset", "measure", "barrier", "if", "pi", "U",
    "CX", "sin", "cos", "tan", "exp", "ln", "sqrt",
];

/// Tokens of the longest statement: a definition with its whole body is one.
const STATEMENT: usize = 1 << 20;

/// Tokens of all definitions, which are kept until the end.
const DEFINITIONS: usize = 1 << 21;

/// Whether `name` is a word of the language.
pub(super) fn is_reserved(name: &str, version: Version) -> bool {
    match version {
        Version::Two => RESERVED_2,
        Version::Three => RESERVED,
    }
    .contains(&name)
}

/// A parser that stands before a statement.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    /// The token before.
    last: Span,
    version: Version,
    /// Blocks, parentheses and operators that are open.
    depth: usize,
    deepest: usize,
    /// Tokens read for this statement, and for definitions so far.
    tokens: usize,
    defined: usize,
}

impl<'a> Parser<'a> {
    /// Reads the version, if it is there; `text` is one of version 3 otherwise, or of 2 if it includes qelib1.inc first.
    pub(super) fn new(text: &'a str, limits: &Limits) -> Result<Self, Located> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        let mut parser = Self {
            lexer,
            token,
            last: Span::default(),
            version: Version::Three,
            depth: 0,
            deepest: limits.depth,
            tokens: 0,
            defined: 0,
        };
        if parser.is_word("OPENQASM") {
            parser.advance()?;
            let number = parser.lexer.slice(parser.token.span);
            parser.version = match number {
                "2.0" | "2" => Version::Two,
                "3.0" | "3" | "3.1" => Version::Three,
                _ => return Err(Fault::Version { found: cut(number) }.at(parser.token.span)),
            };
            parser.advance()?;
            parser.expect(";")?;
        } else if parser.is_word("include") {
            let file = parser.lexer.clone().next()?;
            if parser.lexer.slice(file.span).contains("qelib1.inc") {
                parser.version = Version::Two;
            }
        }
        Ok(parser)
    }

    /// The version that the text is read as.
    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// The next statement, or none at the end.
    pub(super) fn statement(&mut self) -> Result<Option<Statement<'a>>, Located> {
        self.tokens = 0;
        while self.accept(";")? {}
        if self.token.kind == Kind::End { Ok(None) } else { self.one_statement().map(Some) }
    }

    fn advance(&mut self) -> Result<Token, Located> {
        self.tokens += 1;
        if self.tokens > STATEMENT {
            return Err(Fault::Limit { what: "tokens of a statement", limit: STATEMENT }.at(self.token.span));
        }
        let token = self.token;
        self.last = token.span;
        self.token = self.lexer.next()?;
        Ok(token)
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.token.kind, Kind::Symbol(found) if found == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        self.token.kind == Kind::Word && self.lexer.slice(self.token.span) == word
    }

    fn accept(&mut self, symbol: &str) -> Result<bool, Located> {
        let found = self.is(symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn accept_word(&mut self, word: &str) -> Result<bool, Located> {
        let found = self.is_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Located> {
        if self.accept(symbol)? { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    /// The current token is not what it should be.
    fn unexpected(&self, expected: &str) -> Located {
        let found = match self.token.kind {
            Kind::End => "the end of the text".to_owned(),
            _ => format!("`{}`", cut(self.lexer.slice(self.token.span))),
        };
        Fault::Syntax { found, expected: expected.to_owned() }.at(self.token.span)
    }

    fn unsupported<T>(&self, what: &str, reason: &'static str) -> Result<T, Located> {
        Err(Fault::unsupported(format!("`{what}`"), reason).at(self.token.span))
    }

    /// A name that is declared.
    fn name(&mut self) -> Result<Name<'a>, Located> {
        let text = self.lexer.slice(self.token.span);
        if self.token.kind != Kind::Word || is_reserved(text, self.version) {
            return Err(self.unexpected("a name"));
        }
        Ok(Name { text, span: self.advance()?.span })
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Located>) -> Result<T, Located> {
        self.depth += 1;
        if self.depth > self.deepest {
            return Err(Fault::Limit { what: "nested levels", limit: self.deepest }.at(self.token.span));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// An expression, unless it is too high to be walked.
    fn tree(&self, kind: ExpressionKind<'a>, span: Span, below: usize) -> Result<Expression<'a>, Located> {
        let height = below + 1;
        if height > self.deepest {
            return Err(Fault::Limit { what: "nested levels", limit: self.deepest }.at(span));
        }
        Ok(Expression { kind, span, height })
    }

    /// Statements in braces.
    fn block(&mut self) -> Result<Block<'a>, Located> {
        self.expect("{")?;
        self.nested(|parser| {
            let mut block = Vec::new();
            while !parser.accept("}")? {
                if parser.token.kind == Kind::End {
                    return Err(parser.unexpected("`}`"));
                }
                if !parser.accept(";")? {
                    block.push(parser.one_statement()?);
                }
            }
            Ok(block)
        })
    }
}
