//! Arithmetic of tensors with tensors and with numbers.

use quote::ToTokens;
use syn::BinOp;

use super::Walk;
use super::value::{Condition, Held, Requirement, Tensor};
use crate::diag::source;
use crate::pipeline::model::Value;
use crate::pipeline::size::{Same, Size};

impl<'a> Walk<'a> {
    pub(super) fn negative(&mut self, inner: &'a Value) -> Held {
        match self.value(inner) {
            Held::Tensor(x) => self.scaled(&x, inner),
            Held::Plain(size) => Held::Plain(size.map(|size| size.times(&Size::number(-1)))),
            Held::Unknown => Held::Unknown,
            _ => self.no_arithmetic(inner),
        }
    }

    pub(super) fn binary(&mut self, whole: &'a Value, left: &'a Value, op: BinOp, right: &'a Value) -> Held {
        match (self.value(left), self.value(right)) {
            (Held::Unknown, _) | (_, Held::Unknown) => Held::Unknown,
            (Held::Plain(_), Held::Plain(_)) => {
                let size = syn::parse2(whole.to_token_stream()).ok();
                Held::Plain(size.map(|expr: syn::Expr| self.names.size(&expr)))
            }
            (Held::Plain(_), Held::Tensor(_)) if matches!(op, BinOp::Div(_)) => {
                let message = "a number is not divided by a tensor";
                self.diagnostics.error_help(left, message, "`exp(-log(x))`");
                Held::Unknown
            }
            (Held::Tensor(x), Held::Plain(_)) => self.scaled(&x, left),
            (Held::Plain(_), Held::Tensor(x)) => self.scaled(&x, right),
            (Held::Tensor(a), Held::Tensor(b)) => self.both(&a, left, op, &b, right),
            (Held::Tensor(_) | Held::Plain(_), _) => self.no_arithmetic(right),
            _ => self.no_arithmetic(left),
        }
    }

    fn no_arithmetic(&mut self, at: &'a Value) -> Held {
        self.diagnostics.error(at, format!("there is no arithmetic with `{}`", source(at)));
        Held::Unknown
    }

    fn real(&mut self, x: &Tensor, at: &'a Value) -> bool {
        if x.dtype.is_real() {
            return true;
        }
        self.differs("F32", x, at);
        false
    }

    fn differs(&mut self, wanted: &str, x: &Tensor, at: &'a Value) {
        let of = if let Value::Name(name) = at { name.to_string() } else { "..".to_owned() };
        let message = format!("expected {wanted}, found {}", x.dtype.name());
        self.diagnostics.error_help(at, message, &format!("`cast({of}, to = {wanted})`"));
    }

    /// A tensor times or plus a number.
    fn scaled(&mut self, x: &Tensor, at: &'a Value) -> Held {
        if !self.real(x, at) {
            return Held::Unknown;
        }
        Held::Tensor(Tensor { id: self.fresh(), ..x.clone() })
    }

    fn both(&mut self, a: &Tensor, left: &'a Value, op: BinOp, b: &Tensor, right: &'a Value) -> Held {
        if !self.real(a, left) {
            return Held::Unknown;
        }
        if a.dtype != b.dtype {
            self.differs(a.dtype.name(), b, right);
            return Held::Unknown;
        }
        let Some(shape) = self.broadcast(a, b, right) else {
            let name = |value: &Value| match value {
                Value::Name(name) => format!("`{name}`"),
                _ => "this".to_owned(),
            };
            let message = format!("shapes differ: {} is {a}, {} is {b}", name(left), name(right));
            self.diagnostics.error(right, message);
            return Held::Unknown;
        };
        let out = Tensor { dtype: a.dtype, shape, id: self.fresh(), wanted: a.wanted || b.wanted };
        match op {
            BinOp::Mul(_) => {
                if a.wanted {
                    self.keep(b);
                }
                if b.wanted {
                    self.keep(a);
                }
            }
            BinOp::Div(_) if out.wanted => {
                self.keep(b);
                if b.wanted {
                    self.keep(&out);
                }
            }
            _ => {}
        }
        Held::Tensor(out)
    }

    /// The shape of both, one of which may have fewer axes, or axes of one.
    fn broadcast(&mut self, a: &Tensor, b: &Tensor, at: &'a Value) -> Option<Vec<Size>> {
        let rank = a.rank().max(b.rank());
        let one = Size::number(1);
        let mut shape = Vec::new();
        for axis in 0..rank {
            let of = |x: &Tensor| (axis + x.rank()).checked_sub(rank).map(|axis| x.shape[axis].clone());
            shape.push(match (of(a), of(b)) {
                (Some(x), None) | (None, Some(x)) => x,
                (Some(x), Some(y)) if x == one => y,
                (Some(x), Some(y)) if y == one => x,
                (Some(x), Some(y)) => match x.same(&y) {
                    Same::No => return None,
                    Same::Constant => {
                        self.require(Requirement {
                            at: at.to_token_stream(),
                            what: Condition::Equal(x.clone(), y.clone()),
                            words: "shapes differ: \0 and \0 along an axis".to_owned(),
                            numbers: vec![x.clone(), y],
                        });
                        x
                    }
                    // the one of which more is known
                    _ => {
                        if x.is_unknown() {
                            y
                        } else {
                            x
                        }
                    }
                },
                (None, None) => one.clone(),
            });
        }
        Some(shape)
    }
}
