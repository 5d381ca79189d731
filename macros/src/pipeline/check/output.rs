//! What a pipeline gives against what it declares.

use super::Walk;
use super::value::{Condition, Held, Requirement, type_name};
use crate::pipeline::model::{Declared, Value};
use crate::pipeline::size::Same;

impl<'a> Walk<'a> {
    /// Checks the last expression against the return type; gives the results.
    pub(super) fn output(&mut self, tail: Option<&'a Value>) -> Vec<Held> {
        let pipeline = self.pipeline;
        let Some(tail) = tail else {
            if let Some(declared) = pipeline.outputs.first() {
                let message = format!("declared {}, but nothing is returned", self.declared(declared));
                let last = pipeline.body.steps.last().and_then(|step| step.names.first());
                let help = last
                    .map_or("end with a value, without `;`".to_owned(), |name| format!("end with `{name}`"));
                self.diagnostics.error_help(&declared.tokens, message, &help);
            }
            return Vec::new();
        };
        let held = match self.value(tail) {
            Held::Tuple(parts) => parts,
            Held::Unknown => return Vec::new(),
            held => vec![held],
        };
        if held.len() != pipeline.outputs.len() {
            let message = format!("declared {} results, found {}", pipeline.outputs.len(), held.len());
            if !pipeline.outputs.is_empty() {
                self.diagnostics.error(tail, message);
            }
            return held;
        }
        for (k, (held, declared)) in held.iter().zip(&pipeline.outputs).enumerate() {
            let value = match tail {
                Value::Tuple(parts, _) => &parts[k],
                value => value,
            };
            self.result(held, declared, value);
        }
        held
    }

    fn declared(&self, declared: &Declared) -> String {
        let shape: Vec<_> = declared.sizes.iter().map(|size| self.names.size(size)).collect();
        type_name(declared.dtype, &shape)
    }

    fn result(&mut self, held: &Held, declared: &Declared, value: &'a Value) {
        let found = match held {
            Held::Tensor(tensor) => tensor,
            Held::Unknown => return,
            _ => {
                self.diagnostics
                    .error(value, format!("declared {}, but this is no tensor", self.declared(declared)));
                return;
            }
        };
        let wanted: Vec<_> = declared.sizes.iter().map(|size| self.names.size(size)).collect();
        let mut is_same = found.dtype == declared.dtype && found.rank() == wanted.len();
        for (a, b) in found.shape.iter().zip(&wanted) {
            match a.same(b) {
                Same::No => is_same = false,
                Same::Constant => self.require(Requirement {
                    at: quote::ToTokens::to_token_stream(&declared.tokens),
                    what: Condition::Equal(a.clone(), b.clone()),
                    words: "declared a size of \0, but it is \0".to_owned(),
                    numbers: vec![b.clone(), a.clone()],
                }),
                Same::Yes | Same::Later => {}
            }
        }
        if !is_same {
            let name = match value {
                Value::Name(name) => format!("`{name}`"),
                _ => "the result".to_owned(),
            };
            let message = format!("declared {}, but {name} is {found}", type_name(declared.dtype, &wanted));
            self.diagnostics.error(&declared.tokens, message);
        }
    }
}
