//! The program as it is written: what the parser makes and the lowering walks.

use std::sync::Arc;

use super::diagnostic::Span;

/// A name with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct Expression<'a> {
    pub(super) kind: ExpressionKind<'a>,
    pub(super) span: Span,
    /// Levels below, so that walking it cannot exhaust the stack.
    pub(super) height: usize,
}

#[derive(Debug)]
pub(super) enum ExpressionKind<'a> {
    Integer(u64),
    Float(f64),
    Bool(bool),
    /// A bit string, the first is the least significant: the last character of the text.
    Bits(Vec<bool>),
    Timing,
    Physical(usize),
    Name(&'a str),
    Unary(Unary, Box<Expression<'a>>),
    Binary(Binary, Box<Expression<'a>>, Box<Expression<'a>>),
    Index(Box<Expression<'a>>, Vec<Item<'a>>),
    Call(&'a str, Vec<Expression<'a>>),
    Cast(Type<'a>, Box<Expression<'a>>),
}

/// What stands in the brackets of an index, or after `in`.
#[derive(Debug)]
pub(super) enum Item<'a> {
    One(Expression<'a>),
    Range(Range<'a>),
    Set(Vec<Expression<'a>>),
}

/// `first:last` or `first:step:last`, the last one included.
#[derive(Debug)]
pub(super) struct Range<'a> {
    pub(super) first: Option<Box<Expression<'a>>>,
    pub(super) step: Option<Box<Expression<'a>>>,
    pub(super) last: Option<Box<Expression<'a>>>,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Minus,
    Not,
    Complement,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Join,
}

/// The type of a classical value.
#[derive(Debug)]
pub(super) struct Type<'a> {
    pub(super) kind: TypeKind,
    pub(super) width: Option<Box<Expression<'a>>>,
    /// The dimensions of an array.
    pub(super) shape: Vec<Expression<'a>>,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeKind {
    Qubit,
    Bit,
    Bool,
    Int,
    Uint,
    Float,
    Angle,
}

impl TypeKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Qubit => "qubit",
            Self::Bit => "bit",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Float => "float",
            Self::Angle => "angle",
        }
    }
}

/// The right side of an assignment.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Value(Expression<'a>),
    Measure(Expression<'a>),
}

#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) kind: StatementKind<'a>,
    pub(super) span: Span,
}

pub(super) type Block<'a> = Vec<Statement<'a>>;

#[derive(Debug)]
pub(super) enum StatementKind<'a> {
    Include(&'a str),
    Declare { name: Name<'a>, of: Type<'a>, value: Option<Source<'a>>, constant: bool },
    Input { name: Name<'a>, of: Type<'a> },
    Output { name: Name<'a>, of: Type<'a> },
    Gate(Arc<GateDefinition<'a>>),
    Opaque(Name<'a>),
    Extern(Name<'a>),
    Subroutine(Arc<Subroutine<'a>>),
    Alias { name: Name<'a>, value: Expression<'a> },
    Call(GateCall<'a>),
    Measure { source: Expression<'a>, target: Option<Expression<'a>> },
    Reset(Expression<'a>),
    Barrier(Vec<Expression<'a>>),
    Delay(Vec<Expression<'a>>),
    Box(Block<'a>),
    If { condition: Expression<'a>, then: Block<'a>, otherwise: Block<'a> },
    For { name: Name<'a>, values: Item<'a>, body: Block<'a> },
    Assign { target: Expression<'a>, operator: Option<Binary>, value: Source<'a> },
    Expression(Expression<'a>),
    Return(Option<Source<'a>>),
    Break,
    Continue,
}

#[derive(Debug)]
pub(super) struct GateDefinition<'a> {
    pub(super) name: Name<'a>,
    pub(super) angles: Vec<Name<'a>>,
    pub(super) qubits: Vec<Name<'a>>,
    pub(super) body: Block<'a>,
}

#[derive(Debug)]
pub(super) struct Subroutine<'a> {
    pub(super) name: Name<'a>,
    pub(super) arguments: Vec<(Type<'a>, Name<'a>)>,
    pub(super) result: Option<Type<'a>>,
    pub(super) body: Block<'a>,
}

#[derive(Debug)]
pub(super) struct GateCall<'a> {
    pub(super) modifiers: Vec<Modifier<'a>>,
    pub(super) name: Name<'a>,
    pub(super) angles: Vec<Expression<'a>>,
    pub(super) operands: Vec<Expression<'a>>,
}

#[derive(Debug)]
pub(super) enum Modifier<'a> {
    Inverse,
    Power(Expression<'a>),
    /// Controls that must be 1, or 0 where `negative`.
    Control {
        count: Option<Expression<'a>>,
        negative: bool,
    },
}
