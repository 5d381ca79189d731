//! Statements: `let`, calls, `for`, `if`, and nothing else.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, Stmt};

use crate::circuit::model::{
    Action, Argument, Call, Circuit, Dialect, For, If, Modified, Modifier, Operand, Place, Step, Value, root,
};
use crate::diag::{Diagnostics, source};
use crate::pulse;

/// Statements to steps.
pub(super) struct Lower<'a> {
    pub(super) circuit: &'a Circuit,
    pub(super) diagnostics: &'a mut Diagnostics,
}

const ALLOWED: &str = "a circuit is made of `let`, calls, `for` and `if`";

impl Lower<'_> {
    pub(super) fn block(&mut self, statements: Vec<Stmt>) -> Vec<Step> {
        statements.into_iter().filter_map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, statement: Stmt) -> Option<Step> {
        match statement {
            Stmt::Local(local) => {
                let Some(init) = local.init.filter(|init| init.diverge.is_none()) else {
                    self.diagnostics.error(local.let_token, "`let` needs a value here, and has no `else`");
                    return None;
                };
                let value = self.value(*init.expr, false)?;
                Some(Step::Let { token: local.let_token, pat: local.pat, value })
            }
            Stmt::Expr(Expr::ForLoop(for_loop), _) => {
                self.allowed(&for_loop.expr).then_some(())?;
                if let Some(label) = &for_loop.label {
                    self.diagnostics.error(label, "a loop needs no label: nothing can break out of it");
                }
                let body = self.block(for_loop.body.stmts);
                Some(Step::For(For {
                    token: for_loop.for_token,
                    pat: *for_loop.pat,
                    items: *for_loop.expr,
                    body,
                }))
            }
            Stmt::Expr(Expr::If(branch), _) => self.branch(branch).map(Step::If),
            Stmt::Expr(Expr::Block(block), _) => {
                self.diagnostics.error(block, ALLOWED);
                None
            }
            Stmt::Expr(Expr::Macro(mac), _) if mac.mac.path.is_ident("pulse") => {
                pulse::parse::inline(mac.mac, self.circuit, self.diagnostics).map(Step::Pulse)
            }
            Stmt::Expr(expr, None) => self.value(expr, true).map(Step::Tail),
            Stmt::Expr(expr @ Expr::Call(_), Some(_)) => match self.value(expr, true)? {
                Value::Action(action) => Some(Step::Run(action)),
                Value::Plain(expr) => {
                    self.diagnostics.error(expr, ALLOWED);
                    None
                }
            },
            Stmt::Expr(expr, Some(_)) => {
                if self.allowed(&expr) {
                    self.diagnostics.error(expr, ALLOWED);
                }
                None
            }
            Stmt::Item(item) => {
                self.diagnostics.error(item, ALLOWED);
                None
            }
            Stmt::Macro(mac) if mac.mac.path.is_ident("pulse") => {
                pulse::parse::inline(mac.mac, self.circuit, self.diagnostics).map(Step::Pulse)
            }
            Stmt::Macro(mac) => {
                self.diagnostics.error(mac, ALLOWED);
                None
            }
        }
    }

    fn branch(&mut self, branch: syn::ExprIf) -> Option<If> {
        let cond = self.allowed(&branch.cond);
        let then = self.block(branch.then_branch.stmts);
        let otherwise = match branch.else_branch {
            None => None,
            Some((_, otherwise)) => match *otherwise {
                Expr::Block(block) => Some(self.block(block.block.stmts)),
                Expr::If(branch) => Some(vec![Step::If(self.branch(branch)?)]),
                other => {
                    self.diagnostics.error(other, ALLOWED);
                    None
                }
            },
        };
        cond.then_some(If { token: branch.if_token, condition: *branch.cond, then, otherwise })
    }

    /// `acts`: a call that stands as a statement is an action whatever its arguments are.
    fn value(&mut self, expr: Expr, acts: bool) -> Option<Value> {
        match expr {
            Expr::Call(call) if acts || self.touches_qubits(&call) => self.action(call).map(Value::Action),
            expr => self.allowed(&expr).then_some(Value::Plain(expr)),
        }
    }

    fn touches_qubits(&self, call: &ExprCall) -> bool {
        struct Roots<'a>(&'a Circuit, bool);
        impl<'ast> Visit<'ast> for Roots<'_> {
            fn visit_path(&mut self, path: &'ast syn::Path) {
                self.1 |= path
                    .get_ident()
                    .is_some_and(|name| self.0.input(name).is_some_and(|(_, input)| input.is_quantum()));
                visit::visit_path(self, path);
            }
        }
        let word = matches!(&*call.func, Expr::Path(path)
            if ["measure", "inverse", "control", "power"].iter().any(|word| path.path.is_ident(word)));
        let mut roots = Roots(self.circuit, word);
        call.args.iter().for_each(|argument| roots.visit_expr(argument));
        roots.1
    }

    fn action(&mut self, call: ExprCall) -> Option<Action> {
        let Expr::Path(function) = &*call.func else {
            self.diagnostics.error(&call.func, "a call names a gate or a circuit");
            return None;
        };
        let path = function.path.clone();
        if let Some(word) = path.get_ident()
            && ["inverse", "control", "power"].iter().any(|modifier| word == modifier)
        {
            return self.modified(word.clone(), &call).map(|modified| Action::Modified(Box::new(modified)));
        }
        if !call.args.iter().all(|argument| self.allowed(argument)) {
            return None;
        }
        let arguments = call.args.iter().map(|argument| self.argument(argument)).collect();
        Some(Action::Call(Call { path, arguments, source: call }))
    }

    fn modified(&mut self, word: Ident, call: &ExprCall) -> Option<Modified> {
        let wanted = if word == "inverse" { 1 } else { 2 };
        if call.args.len() != wanted {
            let help = match wanted {
                1 => "`inverse({ h(q[0]); })`",
                _ if word == "control" => "`control(q[0], x(q[1]))`",
                _ => "`power(2, h(q[0]))`",
            };
            let plural = if wanted == 1 { "" } else { "s" };
            let message = format!("`{word}` takes {wanted} argument{plural}, found {}", call.args.len());
            self.diagnostics.error_help(call, message, help);
            return None;
        }
        let modifier = match call.args.first().filter(|_| wanted == 2) {
            None => Modifier::Inverse,
            Some(first) if !self.allowed(first) => return None,
            Some(first) if word == "control" => Modifier::Control(self.argument(first)),
            Some(first) => Modifier::Power(first.clone()),
        };
        let body = match call.args.last().cloned()? {
            Expr::Block(block) => self.block(block.block.stmts),
            expr @ Expr::Call(_) => match self.value(expr, true)? {
                Value::Action(action) => vec![Step::Run(action)],
                Value::Plain(_) => Vec::new(),
            },
            other => {
                let message =
                    format!("`{word}` takes a gate, a circuit or a block, and this is `{}`", source(&other));
                self.diagnostics.error(other, message);
                return None;
            }
        };
        Some(Modified { word, modifier, body })
    }

    fn argument(&self, expr: &Expr) -> Argument {
        argument(self.circuit, expr)
    }

    /// Reports the words of Rust that a circuit cannot contain.
    fn allowed(&mut self, expr: &Expr) -> bool {
        allowed(expr, Dialect::Circuit, self.diagnostics)
    }
}

/// An argument of a call: qubits of an input, or anything else.
pub(crate) fn argument(circuit: &Circuit, expr: &Expr) -> Argument {
    let (base, place) = match expr {
        Expr::Index(index) => match &*index.index {
            Expr::Range(range) => (&*index.expr, Place::Part(range.clone())),
            at => (&*index.expr, Place::At(at.clone())),
        },
        whole => (whole, Place::Whole),
    };
    let name = match base {
        Expr::Path(_) => root(base),
        _ => None,
    };
    let input = name.and_then(|name| circuit.input(name)).filter(|(_, input)| input.is_quantum());
    Argument { expr: expr.clone(), operand: input.map(|(input, _)| Operand { input, place }) }
}

/// Reports the words of Rust that a circuit or a pulse program cannot contain.
pub(crate) fn allowed(expr: &Expr, dialect: Dialect, diagnostics: &mut Diagnostics) -> bool {
    let mut words = Words { dialect, found: Vec::new() };
    words.visit_expr(expr);
    let allowed = words.found.is_empty();
    for (token, word, why) in words.found {
        let help = if matches!(word, "while" | "loop") { "\nhelp: `for i in a..b`" } else { "" };
        diagnostics.error(token, format!("`{word}` is not allowed: {why}{help}"));
    }
    allowed
}

/// Finds control flow that would give a circuit a length known at run time only.
struct Words {
    dialect: Dialect,
    found: Vec<(TokenStream, &'static str, String)>,
}

impl<'ast> Visit<'ast> for Words {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        let noun = self.dialect.noun();
        let fixed = || format!("a {noun} has a fixed length");
        let branches = || match self.dialect {
            Dialect::Circuit => "a circuit branches on measured bits, with `if`".to_owned(),
            Dialect::Pulse => "a pulse program has no branches".to_owned(),
        };
        let (token, word, why) = match expr {
            // a named argument
            Expr::Assign(e) if self.dialect == Dialect::Pulse => return self.visit_expr(&e.right),
            Expr::While(e) => (e.while_token.to_token_stream(), "while", fixed()),
            Expr::Loop(e) => (e.loop_token.to_token_stream(), "loop", fixed()),
            Expr::Return(e) => (e.return_token.to_token_stream(), "return", fixed()),
            Expr::Break(e) => (e.break_token.to_token_stream(), "break", fixed()),
            Expr::Continue(e) => (e.continue_token.to_token_stream(), "continue", fixed()),
            Expr::Match(e) => (e.match_token.to_token_stream(), "match", branches()),
            Expr::Try(e) => {
                let why = format!("a {noun} reports its errors when it is built");
                (e.question_token.to_token_stream(), "?", why)
            }
            Expr::Await(e) => (e.await_token.to_token_stream(), "await", fixed()),
            Expr::Yield(e) => (e.yield_token.to_token_stream(), "yield", fixed()),
            Expr::Async(e) => (e.async_token.to_token_stream(), "async", fixed()),
            Expr::Unsafe(e) => (e.unsafe_token.to_token_stream(), "unsafe", fixed()),
            Expr::Let(e) => (e.let_token.to_token_stream(), "if let", branches()),
            Expr::Assign(e) => {
                let why = format!("nothing is assigned in a {noun}; `let` makes a new name");
                (e.eq_token.to_token_stream(), "=", why)
            }
            Expr::Verbatim(tokens) => (tokens.clone(), "_", ALLOWED.to_owned()),
            other => return visit::visit_expr(self, other),
        };
        self.found.push((token, word, why));
    }
}
