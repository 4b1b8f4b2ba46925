//! What expressions are evaluated in: the batch, the document being made, variables, and values in slots.

use super::fail::Fail;
use super::flow::Flow;
use super::program::Program;
use crate::message::{Message, Metadata};
use crate::value::{Items, Str, Value};
use bytes::Bytes;
use smallvec::SmallVec;

/// How deep maps may call each other.
pub(super) const MAX_APPLY: u32 = 5000;
/// How many calls of maps a message may take: a map that calls itself twice would never end.
const MAX_CALLS: u32 = 20_000_000;

/// How much of the caller's stack an evaluation uses before it goes on with a stack of its own.
const STACK_SHARE: usize = 192 * 1024;
/// The size of a thread's stack where messages are dealt with. Much of what is done with a value follows its nesting by recursion, in
/// libraries too, and a document may be ten thousand levels deep. Only what is used takes memory.
pub(crate) const STACK_SIZE: usize = 64 << 20;
/// What is kept free of it for that, twice what the worst was seen to take.
pub(crate) const STACK_RESERVE: usize = 32 << 20;

/// What an evaluation sees and keeps.
pub(crate) struct Context<'a> {
    pub(crate) program: &'a Program,
    pub(crate) batch: &'a [Message],
    /// Which message of the batch functions of the message read; `.from()` changes it.
    pub(crate) index: usize,
    pub(crate) this: This,
    /// The document being made; [`Flow::Nothing`] until it is assigned.
    pub(crate) root: Flow,
    /// Metadata being made; none where only the message's own can be seen.
    pub(crate) metadata: Option<&'a mut Metadata>,
    pub(crate) variables: Vec<Option<Value>>,
    /// The variables' names.
    pub(crate) names: &'a [Str],
    pub(crate) slots: SmallVec<[Flow; 4]>,
    pub(crate) live: Option<Live>,
    pub(crate) applied: u32,
    /// Whether it is for a query that stands in no mapping: there are no root, variables and maps to read.
    pub(crate) is_lone: bool,
    /// How many maps have been called so far.
    calls: u32,
    stack_end: usize,
}

/// What `this` is.
#[derive(Clone, Debug)]
pub(crate) enum This {
    /// The content of the message at the index where the evaluation began.
    Message(usize),
    /// What a map is applied to.
    Value(Flow),
}

/// A message that is edited in place: reads see the edits made so far.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    /// Which message of the batch it is.
    pub(crate) index: usize,
    /// Whether `root` was replaced as a whole, or wasn't a document: reads then see what was before.
    pub(crate) detached: bool,
    /// That document, if it had been edited.
    pub(crate) before: Option<Value>,
    /// Whether anything below the root was edited.
    pub(crate) edited: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn new(program: &'a Program, batch: &'a [Message], index: usize) -> Context<'a> {
        Context {
            program,
            batch,
            index,
            this: This::Message(index),
            root: Flow::Nothing,
            metadata: None,
            variables: unset(program.names.len()),
            names: &program.names,
            slots: SmallVec::new(),
            live: None,
            applied: 0,
            is_lone: false,
            calls: 0,
            stack_end: here().saturating_sub(STACK_SHARE),
        }
    }

    /// The value of `this`; `path` is what is going to be read from it, for the error's text.
    pub(crate) fn this(&self, path: impl FnOnce() -> String) -> Result<Flow, Fail> {
        match &self.this {
            This::Value(flow) => Ok(flow.clone()),
            This::Message(index) => match self.document(*index) {
                Ok(value) => Ok(Flow::Value(value)),
                Err(_) => Err(Fail::no_context(&path())),
            },
        }
    }

    /// Whether `this` is the content of a message that is no document.
    pub(crate) fn lacks_document(&self) -> bool {
        match &self.this {
            This::Message(index) => self.batch.get(*index).is_none_or(|m| m.value().is_err()),
            This::Value(_) => false,
        }
    }

    /// The value of `this`, where it is simply the content of the message as it came.
    pub(crate) fn content_of_this(&self) -> Option<&Value> {
        match (&self.this, &self.live) {
            (This::Message(index), None) => self.batch.get(*index)?.value().ok(),
            _ => None,
        }
    }

    /// The content of a message as a value, or why it has none.
    pub(crate) fn document(&self, index: usize) -> Result<Value, Str> {
        if let Some(live) = self.live.as_ref().filter(|live| live.index == index) {
            match (live.detached, &live.before, &self.root) {
                (true, Some(value), _) => return Ok(value.clone()),
                (false, _, Flow::Value(value)) if live.edited => return Ok(value.clone()),
                _ => {}
            }
        }
        let Some(message) = self.batch.get(index) else {
            return Err("message is empty".into());
        };
        match message.value() {
            Ok(value) => Ok(value.clone()),
            Err(_) if message.bytes().is_empty() => Err("message is empty".into()),
            Err(e) => Err(format!("parse as json: {}", e.message).into()),
        }
    }

    /// The content of a message as bytes.
    pub(crate) fn content(&self, index: usize) -> Bytes {
        // What is edited in place is a document, and no longer the text that it came as.
        let is_live = |live: &Live| live.index == index;
        if self.live.as_ref().is_some_and(is_live)
            && let Ok(value) = self.document(index)
        {
            return value.to_json().into();
        }
        match self.batch.get(index) {
            Some(message) => message.bytes().clone(),
            None => Bytes::new(),
        }
    }

    /// The metadata of the message at the current index, as it came in (or is now, if it is edited in place).
    pub(crate) fn source_metadata(&self) -> Option<&Metadata> {
        match (&self.live, &self.metadata) {
            (Some(live), Some(metadata)) if live.index == self.index => Some(metadata),
            _ => self.batch.get(self.index).map(Message::metadata),
        }
    }

    /// The metadata being made.
    pub(crate) fn new_metadata(&self) -> Option<&Metadata> {
        match &self.metadata {
            Some(metadata) => Some(metadata),
            None => self.batch.get(self.index).map(Message::metadata),
        }
    }

    /// Evaluates with `value` in a further slot.
    pub(crate) fn with<T>(&mut self, value: Flow, run: impl FnOnce(&mut Self) -> T) -> T {
        self.slots.push(value);
        let result = run(self);
        self.slots.pop();
        result
    }

    /// Evaluates with each of `items` in a further slot, one after the other, until one fails. `run` is given its place in the
    /// array; [`Context::item`] is the item itself.
    pub(crate) fn each(
        &mut self,
        mut items: Items<'_>,
        mut run: impl FnMut(&mut Self, usize) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        let slot = self.slots.len();
        self.slots.push(Flow::NULL);
        let mut result = Ok(());
        let mut place = 0;
        while let Flow::Value(item) = &mut self.slots[slot]
            && items.advance(item)
            && result.is_ok()
        {
            result = run(self, place);
            place += 1;
        }
        self.slots.pop();
        result
    }

    /// What stands in the topmost slot.
    pub(crate) fn item(&self) -> Value {
        let item = self.slots.last().cloned();
        item.map_or(Value::Null, Flow::into_value)
    }

    /// Evaluates as the body of a map that is applied to `target`: own root, own variables, own slots. Returns also what was
    /// made of the root.
    pub(crate) fn apply<T>(
        &mut self,
        target: Flow,
        names: &'a [Str],
        run: impl FnOnce(&mut Self) -> Result<T, Fail>,
    ) -> Result<(T, Flow), Fail> {
        if self.calls >= MAX_CALLS {
            return Err(Fail::text(format!(
                "more than {MAX_CALLS} calls of maps for one message"
            )));
        }
        self.calls += 1;
        self.applied += 1;
        let this = std::mem::replace(&mut self.this, This::Value(target));
        let root = std::mem::replace(&mut self.root, Flow::Nothing);
        let outer_variables = std::mem::replace(&mut self.variables, unset(names.len()));
        let outer_names = std::mem::replace(&mut self.names, names);
        let slots = std::mem::take(&mut self.slots);
        let live = self.live.take();
        let result = run(self);
        self.applied -= 1;
        self.this = this;
        let made = std::mem::replace(&mut self.root, root);
        self.variables = outer_variables;
        self.names = outer_names;
        self.slots = slots;
        self.live = live;
        result.map(|value| (value, made))
    }

    /// Whether the stack is nearly used up.
    pub(crate) fn stack_is_low(&self) -> bool {
        here() < self.stack_end
    }

    /// Goes on with a stack of its own. Depth is bounded elsewhere (of the text when it is parsed, of maps when they are
    /// applied); this makes the bounds independent of whose stack it is.
    pub(crate) fn on_new_stack<T: Send>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Fail> + Send,
    ) -> Result<T, Fail> {
        let outer_end = self.stack_end;
        let result = on_new_stack(|| {
            self.stack_end = here().saturating_sub(STACK_SIZE - STACK_RESERVE);
            run(&mut *self)
        });
        let result = result.unwrap_or_else(|| Err(Fail::text("exceeded maximum stack size")));
        self.stack_end = outer_end;
        result
    }
}

/// So many variables without a value; usually none.
fn unset(variables: usize) -> Vec<Option<Value>> {
    (0..variables).map(|_| None).collect()
}

/// Runs on a thread with a large stack, and waits for it; none if there can't be another thread.
pub(crate) fn on_new_stack<T: Send>(run: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, run)
            .ok()?;
        match thread.join() {
            Ok(result) => Some(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Where the stack is, roughly; it grows towards zero on every platform there is.
pub(crate) fn here() -> usize {
    let marker = 0u8;
    std::hint::black_box(&raw const marker) as usize
}
