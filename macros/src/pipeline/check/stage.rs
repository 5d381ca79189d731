//! Stages: where a planner may cut.

use proc_macro2::Ident;

use super::Walk;
use super::value::{Condition, Held, Memory, Requirement};
use crate::diag::{first_span, source};
use crate::pipeline::model::{Block, Let, Stage, Value};
use crate::pipeline::size::{Same, Size};

/// A stage and what it needs.
pub(crate) struct Cost {
    /// The tokens that messages about it point at.
    pub(crate) at: Ident,
    pub(crate) name: String,
    pub(crate) repeat: Size,
    pub(crate) memory: Memory,
}

impl<'a> Walk<'a> {
    /// Where some statements are stages, all are, and what they end with.
    pub(super) fn belongs_to_stages(&mut self, body: &'a Block) {
        if body.steps.iter().all(|step| step.stage.is_none()) {
            return;
        }
        let tail = body.tail.as_deref();
        let outside = match tail {
            Some(Value::Tuple(parts, _)) => parts.iter().find(|part| !matches!(part, Value::Name(_))),
            Some(Value::Name(_)) | None => None,
            Some(other) => Some(other),
        };
        if let Some(value) = outside {
            let message = "this belongs to no stage; bind it";
            self.diagnostics.error_help(value, message, &format!("`#[stage] let y = {};`", source(value)));
        }
    }

    pub(super) fn stage(&mut self, step: &'a Let, stage: &'a Stage) -> Held {
        let before = std::mem::take(&mut self.memory);
        let is_new = step.names.iter().any(|name| !self.is_bound(name));
        self.in_stage = true;
        let mut repeat = Size::number(1);
        let held = match &stage.repeat {
            None => self.value(&step.value),
            Some((word, count)) => {
                repeat = self.names.size(count);
                self.require(Requirement {
                    at: quote::ToTokens::to_token_stream(count),
                    what: Condition::AtMost(Size::number(1), repeat.clone()),
                    words: "a stage repeats at least once".to_owned(),
                    numbers: Vec::new(),
                });
                self.repeated(step, word)
            }
        };
        self.in_stage = false;
        let memory = std::mem::replace(&mut self.memory, before);
        let (at, name) = match (&step.value, step.names.as_slice()) {
            (Value::Call(call), _) if !is_new => (call.word().clone(), call.word().to_string()),
            (_, [name, ..]) => (name.clone(), name.to_string()),
            (value, []) => (Ident::new("stage", first_span(value)), "stage".to_owned()),
        };
        let name = stage.name.clone().unwrap_or(name);
        self.stages.push(Cost { at, name, repeat, memory });
        held
    }

    /// A repeated stage gives what it takes, under the same name.
    fn repeated(&mut self, step: &'a Let, word: &'a Ident) -> Held {
        let [name] = step.names.as_slice() else {
            self.diagnostics.error(word, "a repeated stage gives one tensor");
            return self.value(&step.value);
        };
        let before = self.find(name);
        let after = self.value(&step.value);
        let (before, after) = match (before, after) {
            (Some(Held::Tensor(before)), Held::Tensor(after)) => (before, after),
            (Some(Held::Unknown), _) | (_, Held::Unknown) => return Held::Unknown,
            (None, _) => {
                let message =
                    format!("a repeated stage goes on with what it gave, and there is no `{name}` before it");
                self.diagnostics.error_help(name, message, &format!("`let {name} = ..;` before the stage"));
                return Held::Unknown;
            }
            _ => {
                self.diagnostics.error(word, "a repeated stage takes one tensor and gives one");
                return Held::Unknown;
            }
        };
        let is_same = before.dtype == after.dtype
            && before.rank() == after.rank()
            && before.shape.iter().zip(&after.shape).all(|(a, b)| a.same(b) != Same::No);
        if !is_same {
            let message = format!("a repeated stage must return what it takes: {before} in, {after} out");
            self.diagnostics.error(word, message);
        }
        Held::Tensor(after)
    }
}
