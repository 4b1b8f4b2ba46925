//! The cases of a `match`.

use super::context::{Context, This};
use super::expr::{Case, Match};
use super::fail::Fail;
use super::flow::Flow;
use super::operators::values_equal;
use crate::value::Value;

impl Match {
    pub(super) fn eval(&self, cx: &mut Context<'_>) -> Result<Flow, Fail> {
        match &self.subject {
            Some(subject) => {
                let value = subject.eval(cx)?;
                cx.with(value, |cx| self.choose(cx))
            }
            // Of a message that is no document nothing can match, and that isn't a failure.
            None if cx.lacks_document() => {
                let this = std::mem::replace(&mut cx.this, This::Value(Flow::NULL));
                let chosen = self.choose(cx);
                cx.this = this;
                chosen
            }
            None => self.choose(cx),
        }
    }

    /// Evaluates the first case that applies; the subject, if there is one, is in the topmost slot.
    fn choose(&self, cx: &mut Context<'_>) -> Result<Flow, Fail> {
        for (i, (case, result)) in self.cases.iter().enumerate() {
            let applies = match case {
                Case::Otherwise => true,
                Case::Equals(wanted) => {
                    let subject = match &self.subject {
                        Some(_) => cx.slots.last().cloned().unwrap_or(Flow::Nothing),
                        None => cx.this(String::new)?,
                    };
                    matches!(&subject, Flow::Value(v) if values_equal(v, wanted))
                }
                Case::When(condition) => {
                    let flow = condition
                        .eval(cx)
                        .map_err(|e| e.context(format_args!("failed to check match case {i}")))?;
                    matches!(flow, Flow::Value(Value::Bool(true)))
                }
            };
            if applies {
                return result.eval(cx);
            }
        }
        Ok(Flow::Nothing)
    }
}
