//! What a pipeline is made of, with the user's own tokens kept in every part.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Expr, Generics, Path, Token, Type, Visibility};

/// One function inside `pipeline!`.
pub(crate) struct Pipeline {
    /// Docs and attributes, without the macro's own.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) fits: Option<Fits>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) inputs: Vec<Input>,
    /// What is returned, and its tokens.
    pub(crate) outputs: Vec<Declared>,
    pub(crate) body: Block,
    /// Whether something was left out that could not be read.
    pub(crate) broken: bool,
}

/// `#[fits(devices = 4, memory = 16GiB, batch = 64)]`.
pub(crate) struct Fits {
    pub(crate) attribute: Attribute,
    pub(crate) devices: Expr,
    pub(crate) memory: Expr,
    pub(crate) batch: Expr,
    pub(crate) micro_batches: Option<Expr>,
    /// Other run-time sizes, by name.
    pub(crate) sizes: Vec<(Ident, Expr)>,
}

pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Tensor(Declared),
    /// `[I32<B, 1>; 26]`.
    Tensors(Declared, Expr),
    /// `Hop<V1, V0, E>`: so many edges from the nodes of one set to those of another.
    Hop([Expr; 3]),
    /// Read when the pipeline is built.
    Plain,
    /// What was reported.
    Broken,
}

/// `F32<B, S, H>`.
#[derive(Clone)]
pub(crate) struct Declared {
    pub(crate) tokens: Type,
    pub(crate) dtype: DType,
    pub(crate) sizes: Vec<Expr>,
}

/// Types of elements, as they are written and as the runtime calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DType {
    F32,
    F64,
    Bf16,
    I32,
    I64,
    Bool,
}

impl DType {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("F32", Self::F32),
        ("F64", Self::F64),
        ("Bf16", Self::Bf16),
        ("I32", Self::I32),
        ("I64", Self::I64),
        ("Bool", Self::Bool),
    ];

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, dtype)| *dtype)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, dtype)| *dtype == self).map_or("", |(name, _)| name)
    }

    pub(crate) fn bytes(self) -> i128 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::Bf16 => 2,
            Self::Bool => 1,
        }
    }

    pub(crate) fn is_real(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    pub(crate) fn is_id(self) -> bool {
        matches!(self, Self::I32 | Self::I64)
    }
}

/// Statements and what they end with.
pub(crate) struct Block {
    pub(crate) steps: Vec<Let>,
    pub(crate) tail: Option<Box<Value>>,
}

pub(crate) struct Let {
    pub(crate) stage: Option<Stage>,
    pub(crate) token: Token![let],
    pub(crate) names: Vec<Ident>,
    /// `(a, b)`, though it were one.
    pub(crate) is_tuple: bool,
    pub(crate) value: Value,
}

/// `#[stage]`, `#[stage(repeat = 12)]`.
pub(crate) struct Stage {
    pub(crate) repeat: Option<(Ident, Expr)>,
    pub(crate) name: Option<String>,
}

pub(crate) enum Value {
    Name(Ident),
    Call(Call),
    /// `a + b`, with the operator's own tokens.
    Binary(Box<Value>, syn::BinOp, Box<Value>),
    Negative(Token![-], Box<Value>),
    Block(Block, TokenStream),
    Tuple(Vec<Value>, TokenStream),
    /// Ordinary Rust: numbers and what is computed from them.
    Plain(Expr),
}

/// `linear(x, out = 2)`, `x.at(axis = 1, index = 0)`, `encoder(x, mask)`.
pub(crate) struct Call {
    pub(crate) path: Path,
    pub(crate) operands: Vec<Value>,
    pub(crate) named: Vec<(Ident, Expr)>,
    /// `name = "up"`.
    pub(crate) label: Option<String>,
    pub(crate) source: TokenStream,
}

impl Call {
    /// The name, if it is a bare one: layers are.
    pub(crate) fn bare(&self) -> Option<&Ident> {
        self.path.get_ident().or_else(|| {
            let segment = self.path.segments.first().filter(|_| self.path.segments.len() == 1)?;
            Some(&segment.ident)
        })
    }

    /// The last name of the path.
    pub(crate) fn word(&self) -> &Ident {
        &self.path.segments[self.path.segments.len() - 1].ident
    }

    pub(crate) fn argument(&self, name: &str) -> Option<&Expr> {
        self.named.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Name(name) => name.to_tokens(tokens),
            Self::Call(call) => call.source.to_tokens(tokens),
            Self::Binary(left, op, right) => {
                left.to_tokens(tokens);
                op.to_tokens(tokens);
                right.to_tokens(tokens);
            }
            Self::Negative(sign, value) => {
                sign.to_tokens(tokens);
                value.to_tokens(tokens);
            }
            Self::Block(_, source) | Self::Tuple(_, source) => source.to_tokens(tokens),
            Self::Plain(expr) => expr.to_tokens(tokens),
        }
    }
}

impl Pipeline {
    pub(crate) fn input(&self, name: &Ident) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == *name)
    }

    pub(crate) fn generic_names(&self) -> Vec<&Ident> {
        self.generics.const_params().map(|param| &param.ident).collect()
    }

    /// The sizes that are written in the types of inputs and outputs.
    pub(crate) fn declared_sizes(&self) -> impl Iterator<Item = &Expr> {
        let inputs = self.inputs.iter().flat_map(|input| match &input.kind {
            Kind::Tensor(declared) | Kind::Tensors(declared, _) => declared.sizes.as_slice(),
            Kind::Hop(sizes) => sizes,
            Kind::Plain | Kind::Broken => &[],
        });
        inputs.chain(self.outputs.iter().flat_map(|output| &output.sizes))
    }

    /// Names of sizes that are known when a plan is made: bare names in a signature that are neither generics nor arguments.
    pub(crate) fn run_time_names(&self) -> Vec<String> {
        let generics = self.generic_names();
        let mut names = Vec::new();
        for size in self.declared_sizes() {
            if let Expr::Path(path) = size
                && let Some(ident) = path.path.get_ident()
                && !generics.contains(&ident)
                && self.input(ident).is_none()
                && !names.contains(&ident.to_string())
            {
                names.push(ident.to_string());
            }
        }
        names
    }

    /// Attributes that every item of the expansion carries.
    pub(crate) fn shared_attributes(&self) -> Vec<&Attribute> {
        let shared = |attribute: &&Attribute| {
            ["allow", "warn", "deny", "forbid", "expect", "cfg"]
                .iter()
                .any(|name| attribute.path().is_ident(name))
        };
        self.attributes.iter().filter(shared).collect()
    }

    /// Conditions under which the pipeline exists at all.
    pub(crate) fn cfg(&self) -> Vec<&Attribute> {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
    }
}
