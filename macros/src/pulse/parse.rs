//! Statements of pulse programs: `let`, calls, `for`, and nothing else.

use quote::ToTokens;
use syn::{Block, Expr, Macro, Stmt};

use super::model::{Pulses, Step};
use crate::circuit::model::{Circuit, Dialect};
use crate::circuit::parse::body::allowed;
use crate::diag::Diagnostics;

const ALLOWED: &str = "a pulse program is made of `let`, calls and `for`";

/// The body of a pulse program.
pub(crate) fn program(statements: Vec<Stmt>, circuit: &Circuit, diagnostics: &mut Diagnostics) -> Pulses {
    Pulses { word: circuit.name.to_token_stream(), steps: block(statements, diagnostics) }
}

/// `pulse!({ .. })` inside a circuit.
pub(crate) fn inline(mac: Macro, circuit: &Circuit, diagnostics: &mut Diagnostics) -> Option<Pulses> {
    let word = mac.path.to_token_stream();
    debug_assert!(circuit.dialect == Dialect::Circuit, "only a circuit has pulses in it");
    match syn::parse2::<Block>(mac.tokens) {
        Ok(body) => Some(Pulses { word, steps: block(body.stmts, diagnostics) }),
        Err(error) => {
            let help = "`pulse!({ play(drive(q[0]), ..); });`";
            diagnostics.error_help(word, format!("pulses inside a circuit are a block: {error}"), help);
            None
        }
    }
}

fn block(statements: Vec<Stmt>, diagnostics: &mut Diagnostics) -> Vec<Step> {
    statements.into_iter().filter_map(|statement| step(statement, diagnostics)).collect()
}

fn step(statement: Stmt, diagnostics: &mut Diagnostics) -> Option<Step> {
    let mut fits = |expr: &Expr| allowed(expr, Dialect::Pulse, diagnostics);
    match statement {
        Stmt::Local(local) => {
            let Some(init) = local.init.filter(|init| init.diverge.is_none()) else {
                diagnostics.error(local.let_token, "`let` needs a value here, and has no `else`");
                return None;
            };
            let fits = fits(&init.expr);
            fits.then_some(Step::Let { token: local.let_token, pat: local.pat, value: *init.expr })
        }
        Stmt::Expr(Expr::ForLoop(for_loop), _) => {
            fits(&for_loop.expr).then_some(())?;
            if let Some(label) = &for_loop.label {
                diagnostics.error(label, "a loop needs no label: nothing can break out of it");
            }
            let body = block(for_loop.body.stmts, diagnostics);
            Some(Step::For { token: for_loop.for_token, pat: *for_loop.pat, items: *for_loop.expr, body })
        }
        Stmt::Expr(Expr::If(branch), _) => {
            let message = "`if` is not allowed: a pulse program has no branches";
            diagnostics.error_help(branch.if_token, message, "branch in the circuit that calls it");
            None
        }
        Stmt::Expr(Expr::Call(call), Some(_)) => {
            let expr = Expr::Call(call);
            let fits = fits(&expr);
            let Expr::Call(call) = expr else { return None };
            fits.then_some(Step::Run(call))
        }
        Stmt::Expr(expr, None) if !matches!(expr, Expr::Block(_)) => fits(&expr).then_some(Step::Tail(expr)),
        Stmt::Expr(expr, _) => {
            if !matches!(expr, Expr::Block(_)) && !fits(&expr) {
                return None;
            }
            diagnostics.error(expr, ALLOWED);
            None
        }
        Stmt::Item(item) => {
            diagnostics.error(item, ALLOWED);
            None
        }
        Stmt::Macro(mac) => {
            diagnostics.error(mac, ALLOWED);
            None
        }
    }
}
