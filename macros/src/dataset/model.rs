//! What a data set is made of, with the user's own tokens kept in every part.

use proc_macro2::Ident;
use syn::{Attribute, Expr, ExprRange, Generics, Type, Visibility};

pub(crate) struct Dataset {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) fields: Vec<Field>,
    pub(crate) options: Options,
    /// Whether something was left out that could not be read.
    pub(crate) broken: bool,
}

pub(crate) struct Field {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    /// As the user wrote it.
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
    pub(crate) range: Option<ExprRange>,
    pub(crate) jpeg: Option<Attribute>,
}

/// What a type says.
pub(crate) enum Kind {
    /// `U8<3, 224, 224>`.
    Array { element: &'static str, sizes: Vec<Expr> },
    /// Anything else: the compiler asks whether it can be stored.
    Other,
    /// What cannot be a stored type at all, and was reported.
    Broken,
}

/// The attributes of the item that are ours.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) chunk_samples: Option<Expr>,
    pub(crate) chunk_bytes: Option<Expr>,
    pub(crate) codec: Option<Ident>,
    pub(crate) shuffle: Option<Attribute>,
    pub(crate) open: Option<Expr>,
    pub(crate) window: Option<Expr>,
    pub(crate) seed: Option<Expr>,
    pub(crate) ahead: Option<Expr>,
    pub(crate) threads: Option<Expr>,
    pub(crate) memory: Option<Expr>,
    pub(crate) batch: Option<Expr>,
    pub(crate) splits: Vec<(Ident, Expr)>,
    pub(crate) split: Option<Attribute>,
}

/// Arrays by name, and the type of their numbers.
pub(crate) const ELEMENTS: [(&str, &str); 11] = [
    ("U8", "u8"),
    ("I8", "i8"),
    ("U16", "u16"),
    ("I16", "i16"),
    ("U32", "u32"),
    ("I32", "i32"),
    ("U64", "u64"),
    ("I64", "i64"),
    ("F32", "f32"),
    ("F64", "f64"),
    ("Bool", "bool"),
];

/// The most axes of an array.
pub(crate) const MOST_AXES: usize = 4;

impl Dataset {
    pub(crate) fn cfg(&self) -> Vec<&Attribute> {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
    }

    /// Attributes that go to every item that comes of this one.
    pub(crate) fn shared_attributes(&self) -> Vec<&Attribute> {
        let shared = |attribute: &&Attribute| {
            ["cfg", "allow", "expect"].iter().any(|name| attribute.path().is_ident(name))
        };
        self.attributes.iter().filter(shared).collect()
    }

    /// The names of its generic sizes.
    pub(crate) fn sizes(&self) -> Vec<String> {
        self.generics.const_params().map(|param| param.ident.to_string()).collect()
    }
}
