//! Statements.

use super::super::Version;
use super::super::diagnostic::{Fault, Located};
use super::super::lexer::Kind;
use super::super::syntax::{
    Binary, Block, Expression, ExpressionKind, GateCall, Item, Modifier, Name, Statement, StatementKind,
    TypeKind,
};
use super::Parser;

const ASSIGNMENTS: &[(&str, Binary)] = &[
    ("+=", Binary::Add),
    ("-=", Binary::Subtract),
    ("*=", Binary::Multiply),
    ("/=", Binary::Divide),
    ("%=", Binary::Remainder),
    ("**=", Binary::Power),
    ("<<=", Binary::ShiftLeft),
    (">>=", Binary::ShiftRight),
    ("&=", Binary::BitAnd),
    ("|=", Binary::BitOr),
    ("^=", Binary::BitXor),
];

/// What a circuit of fixed length cannot hold.
const REFUSED: &[(&str, &str)] = &[
    ("while", "a circuit has a fixed length; `for` with constant bounds is unrolled"),
    ("switch", "write it as `if` and `else`"),
    ("end", "a circuit has a fixed length"),
    ("defcal", "a circuit has gates, not the pulses that make them"),
    ("cal", "a circuit has gates, not the pulses that make them"),
    ("defcalgrammar", "a circuit has gates, not the pulses that make them"),
    ("pragma", "what it means is known only to the program that it was written for"),
];

impl<'a> Parser<'a> {
    pub(super) fn one_statement(&mut self) -> Result<Statement<'a>, Located> {
        let start = self.token.span;
        let kind = self.nested(Self::kind)?;
        Ok(Statement { kind, span: start.to(self.last) })
    }

    fn kind(&mut self) -> Result<StatementKind<'a>, Located> {
        let text = self.lexer.slice(self.token.span);
        let three = self.version == Version::Three;
        if self.is("#") {
            return self.unsupported(
                "#pragma",
                "what it means is known only to the program that it was written for",
            );
        }
        if three && self.is("@") {
            // an annotation says how to compile what follows, not what it does
            let from = self.token.span.start;
            self.lexer.skip_line(from);
            self.advance()?;
            return self.kind_after_annotation();
        }
        if self.token.kind != Kind::Word {
            return Err(self.unexpected("a statement"));
        }
        if three && let Some((word, reason)) = REFUSED.iter().find(|(word, _)| *word == text) {
            return self.unsupported(word, reason);
        }
        // statements that end with a block
        match text {
            "gate" => return self.gate(),
            "if" => return self.condition(),
            "opaque" => return self.opaque(),
            "def" if three => return self.subroutine(),
            "for" if three => return self.repetition(),
            "extern" if three => return self.external(),
            "box" if three => {
                self.advance()?;
                if self.is("[") {
                    self.index()?; // its duration says nothing about the state
                }
                return self.block().map(StatementKind::Box);
            }
            _ => {}
        }
        let kind = match text {
            "OPENQASM" => return Err(self.unexpected("the version as the very first statement")),
            "include" => self.include()?,
            "qreg" => self.register(TypeKind::Qubit)?,
            "creg" => self.register(TypeKind::Bit)?,
            "measure" => self.measure()?,
            "reset" => {
                self.advance()?;
                StatementKind::Reset(self.postfix()?)
            }
            "barrier" => {
                self.advance()?;
                StatementKind::Barrier(self.operands()?)
            }
            "const" if three => {
                self.advance()?;
                self.variable(true)?
            }
            "input" | "output" if three => self.port(text == "input")?,
            "let" if three => {
                self.advance()?;
                let name = self.name()?;
                self.expect("=")?;
                StatementKind::Alias { name, value: self.expression()? }
            }
            "delay" if three => {
                self.advance()?;
                self.index()?;
                StatementKind::Delay(self.operands()?)
            }
            "return" if three => {
                self.advance()?;
                StatementKind::Return(if self.is(";") { None } else { Some(self.source()?) })
            }
            "break" | "continue" if three => {
                self.advance()?;
                if text == "break" { StatementKind::Break } else { StatementKind::Continue }
            }
            "ctrl" | "negctrl" | "inv" | "pow" if three => self.modified()?,
            _ if three && self.is_type() => self.typed()?,
            _ => self.called()?,
        };
        self.expect(";")?;
        Ok(kind)
    }

    fn kind_after_annotation(&mut self) -> Result<StatementKind<'a>, Located> {
        if self.token.kind == Kind::End {
            Err(self.unexpected("a statement"))
        } else {
            self.nested(Self::kind)
        }
    }

    fn include(&mut self) -> Result<StatementKind<'a>, Located> {
        self.advance()?;
        if self.token.kind != Kind::Text {
            return Err(self.unexpected("the name of a file in quotes"));
        }
        let token = self.advance()?;
        let text = self.lexer.slice(token.span);
        Ok(StatementKind::Include(&text[1..text.len() - 1]))
    }

    fn measure(&mut self) -> Result<StatementKind<'a>, Located> {
        self.advance()?;
        let source = self.postfix()?;
        let target = if self.accept("->")? { Some(self.postfix()?) } else { None };
        if target.is_none() && self.version == Version::Two {
            return Err(self.unexpected("`->`"));
        }
        Ok(StatementKind::Measure { source, target })
    }

    /// A statement that begins with a type: a declaration, or a cast of no use.
    fn typed(&mut self) -> Result<StatementKind<'a>, Located> {
        self.variable(false)
    }

    /// Operands of a gate or barrier up to `;`.
    fn operands(&mut self) -> Result<Vec<Expression<'a>>, Located> {
        let mut operands = Vec::new();
        while !self.is(";") {
            operands.push(self.postfix()?);
            if !self.accept(",")? && !self.is(";") {
                return Err(self.unexpected("`,` or `;`"));
            }
        }
        Ok(operands)
    }

    fn modified(&mut self) -> Result<StatementKind<'a>, Located> {
        let mut modifiers = Vec::new();
        loop {
            let text = self.lexer.slice(self.token.span);
            let modifier = match text {
                "inv" => {
                    self.advance()?;
                    Modifier::Inverse
                }
                "pow" => {
                    self.advance()?;
                    self.expect("(")?;
                    let exponent = self.expression()?;
                    self.expect(")")?;
                    Modifier::Power(exponent)
                }
                "ctrl" | "negctrl" => {
                    self.advance()?;
                    let mut count = None;
                    if self.accept("(")? {
                        count = Some(self.expression()?);
                        self.expect(")")?;
                    }
                    Modifier::Control { count, negative: text == "negctrl" }
                }
                _ => break,
            };
            modifiers.push(modifier);
            self.expect("@")?;
        }
        if self.token.kind != Kind::Word {
            return Err(self.unexpected("the name of a gate"));
        }
        let head = self.postfix()?;
        let operands = self.operands()?;
        gate_call(modifiers, head, operands)
    }

    /// A gate call, a call of a subroutine or an assignment.
    fn called(&mut self) -> Result<StatementKind<'a>, Located> {
        let head = self.postfix()?;
        if self.version == Version::Three {
            if let Kind::Symbol(symbol) = self.token.kind {
                let operator =
                    ASSIGNMENTS.iter().find(|(text, _)| *text == symbol).map(|(_, operator)| *operator);
                if symbol == "=" || operator.is_some() {
                    self.advance()?;
                    return Ok(StatementKind::Assign { target: head, operator, value: self.source()? });
                }
            }
            let phase = matches!(head.kind, ExpressionKind::Call("gphase", _));
            if self.is(";") && !phase {
                return match head.kind {
                    ExpressionKind::Call(..) => Ok(StatementKind::Expression(head)),
                    _ => Err(self.unexpected("qubits, or `=`")),
                };
            }
        }
        let operands = self.operands()?;
        gate_call(Vec::new(), head, operands)
    }

    fn condition(&mut self) -> Result<StatementKind<'a>, Located> {
        self.advance()?;
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        let then = self.body()?;
        let otherwise = if self.version == Version::Three && self.accept_word("else")? {
            self.body()?
        } else {
            Vec::new()
        };
        Ok(StatementKind::If { condition, then, otherwise })
    }

    /// A block, or one statement.
    fn body(&mut self) -> Result<Block<'a>, Located> {
        if self.is("{") && self.version == Version::Three {
            self.block()
        } else {
            Ok(vec![self.one_statement()?])
        }
    }

    fn repetition(&mut self) -> Result<StatementKind<'a>, Located> {
        self.advance()?;
        if self.is_type() {
            self.type_name()?;
        }
        let name = self.name()?;
        if !self.accept_word("in")? {
            return Err(self.unexpected("`in`"));
        }
        let values = if self.is("[") {
            let mut items = self.index()?;
            match (items.pop(), items.is_empty()) {
                (Some(range @ Item::Range(_)), true) => range,
                _ => return Err(self.unexpected("a range before this")),
            }
        } else if self.accept("{")? {
            Item::Set(self.list("}")?)
        } else {
            Item::One(self.expression()?)
        };
        let body = self.body()?;
        Ok(StatementKind::For { name, values, body })
    }
}

fn gate_call<'a>(
    modifiers: Vec<Modifier<'a>>,
    head: Expression<'a>,
    operands: Vec<Expression<'a>>,
) -> Result<StatementKind<'a>, Located> {
    let (text, angles) = match head.kind {
        ExpressionKind::Name(text) => (text, Vec::new()),
        ExpressionKind::Call(text, angles) => (text, angles),
        _ => return Err(Fault::mismatch("an expression", "the name of a gate").at(head.span)),
    };
    let span = super::Span::new(head.span.start, head.span.start + text.len());
    Ok(StatementKind::Call(GateCall { modifiers, name: Name { text, span }, angles, operands }))
}
