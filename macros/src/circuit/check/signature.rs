//! What a circuit takes and what it returns.

use syn::{Expr, parse_quote};

use super::Walk;
use super::measurement::Count;
use crate::circuit::model::{Dialect, Input, Kind, Output, Size, Value, root};
use crate::diag::source;
use crate::gates::{self, BUILDER};
use crate::pulse::word;
use crate::replay::{Message, Tight};

impl<'a> Walk<'a> {
    pub(super) fn signature(&mut self) {
        let circuit = self.circuit;
        let name = circuit.name.to_string();
        let noun = circuit.dialect.noun();
        let known = gates::is_known(&name) || BUILDER.contains(&name.as_str());
        if known || circuit.dialect == Dialect::Pulse && word::is_known(&name) {
            let message = format!("`{name}` is a word of the language already; name the {noun} otherwise");
            self.diagnostics.error(&circuit.name, message);
        }
        if !circuit.inputs.iter().any(Input::is_quantum) {
            let (message, ty) = match circuit.dialect {
                Dialect::Circuit => (format!("circuit `{name}` has no register"), "Qubits<2>"),
                Dialect::Pulse => (format!("pulse program `{name}` has no qubit"), "Qubit"),
            };
            self.diagnostics.error_help(&circuit.name, message, &format!("`fn {name}(q: {ty})`"));
        }
        for input in &circuit.inputs {
            match &input.kind {
                Kind::Register(size) => self.positive(size, "a register needs at least one qubit"),
                Kind::Angles(sizes) => {
                    for size in sizes {
                        self.positive(size, "a parameter needs at least one angle");
                    }
                }
                Kind::Qubit | Kind::Value => {}
            }
        }
        if let Some(device) = &circuit.device {
            self.device_width(device);
        }
    }

    /// A size is a whole number above zero.
    fn positive(&mut self, size: &Size, message: &str) {
        let expr = &size.expr;
        match size.literal() {
            Some(value) if value <= 0 => self.diagnostics.error(expr, message),
            Some(_) => {}
            None if matches!(expr, Expr::Infer(_)) => {
                self.diagnostics.error_help(
                    expr,
                    "the size of a register is written out",
                    "`Qubits<2>`, or `Qubits<N>`",
                );
            }
            None => self.assert(
                parse_quote!((#expr) > 0),
                Message::default().text(message),
                expr,
                Tight::Anywhere,
            ),
        }
    }

    /// Checks the last expression of the body against the declared return type.
    pub(super) fn output(&mut self, tail: Option<&'a Value>) {
        let declared = match &self.circuit.output {
            Output::None => None,
            Output::Bit(ty) => Some((ty, Some(1))),
            Output::Bits(ty, size) => Some((ty, size.literal())),
        };
        let found = match tail {
            None => None,
            Some(Value::Action(action)) => {
                let width = self.measured(action);
                self.action(action);
                width
            }
            Some(Value::Plain(expr)) => {
                self.plain(expr);
                root(expr)
                    .and_then(|name| self.bits.get(&name.to_string()).copied())
                    .filter(|_| matches!(expr, Expr::Path(_)))
            }
        };
        match (declared, tail) {
            (Some((ty, _)), None) => {
                let message = format!("declared to return `{}`, but nothing is measured", source(ty));
                let register = self.circuit.inputs.iter().find(|input| input.is_quantum());
                let register = register.map_or_else(|| "q".into(), |input| input.name.to_string());
                self.diagnostics.error_help(ty, message, &format!("end with `measure({register})`"));
            }
            (Some((ty, Some(wanted))), Some(_)) => {
                if let Some(Count::Literal(found)) = found
                    && found != wanted
                {
                    let bits = if found == 1 { "bit" } else { "bits" };
                    let declared = source(ty);
                    let message = format!(
                        "measures {found} {bits}, but the circuit is declared to return `{declared}`"
                    );
                    self.diagnostics.error(ty, message);
                }
            }
            (None, Some(Value::Action(action))) => self.dropped(action),
            (None, Some(Value::Plain(expr))) => {
                let message = "the circuit ends with a value, but is not declared to return one";
                self.diagnostics.error_help(expr, message, "`-> Bit`, or `-> Bits<N>`");
            }
            _ => {}
        }
    }
}
