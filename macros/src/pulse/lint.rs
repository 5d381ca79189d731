//! What is legal but hardly meant in a pulse program: warnings.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Expr, Pat};

use super::model::{Pulses, Step, each_expr, is_waveform};
use crate::circuit::model;
use crate::diag::Diagnostics;

/// Row 51: waveforms that nothing plays, in all pulses of a step of a circuit.
pub(crate) fn lint(step: &model::Step, diagnostics: &mut Diagnostics) {
    match step {
        model::Step::Pulse(pulses) => unplayed(pulses).into_iter().for_each(|name| {
            diagnostics.lint(name, "UNPLAYED_WAVEFORM", format!("`{name}` is never played"));
        }),
        model::Step::For(for_loop) => for_loop.body.iter().for_each(|inner| lint(inner, diagnostics)),
        model::Step::If(branch) => {
            let inner = branch.then.iter().chain(branch.otherwise.iter().flatten());
            inner.for_each(|inner| lint(inner, diagnostics));
        }
        _ => {}
    }
}

/// Names of waveforms that no instruction mentions, also not by another name.
pub(crate) fn unplayed(pulses: &Pulses) -> Vec<&Ident> {
    let (mut waveforms, mut seen) = (Vec::new(), BTreeSet::new());
    collect(&pulses.steps, &mut waveforms, &mut seen);
    // A waveform is played if one that is made of it is; those that are made later come later.
    let mut unplayed = Vec::new();
    for (name, value) in waveforms.into_iter().rev() {
        if seen.contains(&name.to_string()) {
            each_name(value, &mut |name| _ = seen.insert(name));
        } else if !name.to_string().starts_with('_') {
            unplayed.push(name);
        }
    }
    unplayed.reverse();
    unplayed
}

fn collect<'a>(steps: &'a [Step], waveforms: &mut Vec<(&'a Ident, &'a Expr)>, seen: &mut BTreeSet<String>) {
    for step in steps {
        match step {
            Step::Let { pat: Pat::Ident(pat), value, .. }
                if is_waveform(value, &|name| waveforms.iter().any(|(known, _)| *known == name)) =>
            {
                waveforms.push((&pat.ident, value));
            }
            Step::For { items, body, .. } => {
                each_name(items, &mut |name| _ = seen.insert(name));
                collect(body, waveforms, seen);
            }
            other => each_expr(std::slice::from_ref(other), &mut |expr| {
                each_name(expr, &mut |name| _ = seen.insert(name));
            }),
        }
    }
}

fn each_name(expr: &Expr, see: &mut dyn FnMut(String)) {
    struct Names<'a>(&'a mut dyn FnMut(String));
    impl<'ast> Visit<'ast> for Names<'_> {
        fn visit_expr_assign(&mut self, named: &'ast syn::ExprAssign) {
            // the name of an argument is no use of a waveform
            self.visit_expr(&named.right);
        }
        fn visit_path(&mut self, path: &'ast syn::Path) {
            if let Some(name) = path.get_ident() {
                (self.0)(name.to_string());
            }
            visit::visit_path(self, path);
        }
    }
    Names(see).visit_expr(expr);
}
