//! Expressions, by precedence climbing.

use super::super::Version;
use super::super::diagnostic::{Fault, Located};
use super::super::lexer::{Kind, cut};
use super::super::syntax::{Binary, Expression, ExpressionKind, Item, Range, Unary};
use super::Parser;

/// Levels of precedence; more binds tighter.
const JOIN: u8 = 0;
const OR: u8 = 1;
const UNARY: u8 = 11;
const POWER: u8 = 12;

fn binary(symbol: &str, version: Version) -> Option<(Binary, u8)> {
    Some(match (symbol, version) {
        ("+", _) => (Binary::Add, 9),
        ("-", _) => (Binary::Subtract, 9),
        ("*", _) => (Binary::Multiply, 10),
        ("/", _) => (Binary::Divide, 10),
        ("^", Version::Two) | ("**", Version::Three) => (Binary::Power, POWER),
        ("==", _) => (Binary::Equal, 6),
        (_, Version::Two) => return None,
        ("++", _) => (Binary::Join, JOIN),
        ("||", _) => (Binary::Or, OR),
        ("&&", _) => (Binary::And, 2),
        ("|", _) => (Binary::BitOr, 3),
        ("^", _) => (Binary::BitXor, 4),
        ("&", _) => (Binary::BitAnd, 5),
        ("!=", _) => (Binary::NotEqual, 6),
        ("<", _) => (Binary::Less, 7),
        ("<=", _) => (Binary::LessEqual, 7),
        (">", _) => (Binary::Greater, 7),
        (">=", _) => (Binary::GreaterEqual, 7),
        ("<<", _) => (Binary::ShiftLeft, 8),
        (">>", _) => (Binary::ShiftRight, 8),
        ("%", _) => (Binary::Remainder, 10),
        _ => return None,
    })
}

impl<'a> Parser<'a> {
    pub(super) fn expression(&mut self) -> Result<Expression<'a>, Located> {
        self.nested(|parser| parser.climb(JOIN))
    }

    fn climb(&mut self, lowest: u8) -> Result<Expression<'a>, Located> {
        let mut left = self.unary()?;
        while let Kind::Symbol(symbol) = self.token.kind
            && let Some((operator, level)) = binary(symbol, self.version)
            && level >= lowest
        {
            self.advance()?;
            // a power is grouped from the right, everything else from the left
            let next = if operator == Binary::Power { level } else { level + 1 };
            let right = self.nested(|parser| parser.climb(next))?;
            let (span, height) = (left.span.to(right.span), left.height.max(right.height));
            left = self.tree(ExpressionKind::Binary(operator, left.into(), right.into()), span, height)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression<'a>, Located> {
        let operator = match self.token.kind {
            Kind::Symbol("-") => Unary::Minus,
            Kind::Symbol("!") if self.version == Version::Three => Unary::Not,
            Kind::Symbol("~") if self.version == Version::Three => Unary::Complement,
            Kind::Symbol("+") => {
                self.advance()?;
                return self.nested(Self::unary);
            }
            _ => return self.postfix(),
        };
        let start = self.advance()?.span;
        let inner = self.nested(|parser| parser.climb(UNARY))?;
        let (span, height) = (start.to(inner.span), inner.height);
        self.tree(ExpressionKind::Unary(operator, inner.into()), span, height)
    }

    /// A primary expression with indices.
    pub(super) fn postfix(&mut self) -> Result<Expression<'a>, Located> {
        let mut expression = self.primary()?;
        while self.is("[") {
            let items = self.index()?;
            let (span, height) = (expression.span.to(self.last), expression.height);
            expression =
                self.tree(ExpressionKind::Index(expression.into(), items), span, height.max(1) + 1)?;
        }
        Ok(expression)
    }

    fn primary(&mut self) -> Result<Expression<'a>, Located> {
        let token = self.token;
        let text = self.lexer.slice(token.span);
        let kind = match token.kind {
            Kind::Integer(value) => ExpressionKind::Integer(value),
            Kind::Float(value) => ExpressionKind::Float(value),
            Kind::Timing => ExpressionKind::Timing,
            Kind::Physical => match text[1..].parse() {
                Ok(number) => ExpressionKind::Physical(number),
                Err(_) => return Err(Fault::Limit { what: "qubits", limit: usize::MAX }.at(token.span)),
            },
            Kind::Text => ExpressionKind::Bits(self.bit_string(text)?),
            Kind::Symbol("(") => {
                self.advance()?;
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Kind::Word => return self.word(text),
            _ => return Err(self.unexpected("an expression")),
        };
        self.advance()?;
        self.tree(kind, token.span, 0)
    }

    /// A name, a call, a cast or a constant.
    fn word(&mut self, text: &'a str) -> Result<Expression<'a>, Located> {
        let start = self.token.span;
        if self.version == Version::Three {
            match text {
                "true" | "false" => {
                    self.advance()?;
                    return self.tree(ExpressionKind::Bool(text == "true"), start, 0);
                }
                "measure" => {
                    return self.unsupported(
                        "measure",
                        "it stands alone or right after `=`, not inside an expression",
                    );
                }
                "durationof" => return self.unsupported(text, "a circuit has no durations"),
                _ => {}
            }
            if self.is_type() {
                let of = self.type_name()?;
                self.expect("(")?;
                let inner = self.expression()?;
                self.expect(")")?;
                let (span, height) = (start.to(self.last), inner.height);
                return self.tree(ExpressionKind::Cast(of, inner.into()), span, height + 1);
            }
        }
        self.advance()?;
        if !self.is("(") {
            return self.tree(ExpressionKind::Name(text), start, 0);
        }
        self.advance()?;
        let arguments = self.list(")")?;
        let height = arguments.iter().map(|argument| argument.height).max().unwrap_or(0);
        self.tree(ExpressionKind::Call(text, arguments), start.to(self.last), height)
    }

    /// Expressions up to `close`, which is taken too.
    pub(super) fn list(&mut self, close: &str) -> Result<Vec<Expression<'a>>, Located> {
        let mut list = Vec::new();
        while !self.accept(close)? {
            list.push(self.expression()?);
            if !self.accept(",")? && !self.is(close) {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        Ok(list)
    }

    /// What stands in brackets.
    pub(super) fn index(&mut self) -> Result<Vec<Item<'a>>, Located> {
        self.expect("[")?;
        let mut items = Vec::new();
        while !self.accept("]")? {
            items.push(self.item()?);
            if !self.accept(",")? && !self.is("]") {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        if items.is_empty() { Err(self.unexpected("an index before `]`")) } else { Ok(items) }
    }

    fn item(&mut self) -> Result<Item<'a>, Located> {
        let start = self.token.span;
        if self.accept("{")? {
            return Ok(Item::Set(self.list("}")?));
        }
        let end = |parser: &Self| parser.is(":") || parser.is("]");
        let first = if end(self) { None } else { Some(self.expression()?) };
        if !self.accept(":")? {
            return first.map(Item::One).ok_or_else(|| self.unexpected("an index"));
        }
        let second = if end(self) { None } else { Some(Box::new(self.expression()?)) };
        let (step, last) = if self.accept(":")? {
            (second, if end(self) { None } else { Some(Box::new(self.expression()?)) })
        } else {
            (None, second)
        };
        Ok(Item::Range(Range { first: first.map(Box::new), step, last, span: start.to(self.last) }))
    }

    fn bit_string(&self, text: &str) -> Result<Vec<bool>, Located> {
        let inner = &text[1..text.len() - 1];
        let bit = |c: char| match c {
            '0' => Some(Some(false)),
            '1' => Some(Some(true)),
            '_' => Some(None),
            _ => None,
        };
        let bits: Option<Vec<Option<bool>>> = inner.chars().rev().map(bit).collect();
        let fault = || Fault::Syntax {
            found: format!("`{}`", cut(text)),
            expected: "a bit string such as \"0110\"".into(),
        };
        bits.map(|bits| bits.into_iter().flatten().collect()).ok_or_else(|| fault().at(self.token.span))
    }
}
