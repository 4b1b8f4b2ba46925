//! A message, its metadata and its error flag; a batch of messages.
//!
//! The content is bytes, or a value, or both in agreement: bytes are parsed at most once and only when somebody reads
//! inside, a value is written at most once and only when somebody wants bytes. Cloning shares everything.

mod flow;
pub mod trace;

use crate::value::{self, JsonError, Str, Value};
use bytes::Bytes;
use flow::Flow;
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};

pub(crate) use flow::want as want_flow_ids;

/// What flows through a stream.
#[derive(Clone, Debug, Default)]
pub struct Message {
    content: Content,
    metadata: Metadata,
    error: Option<Arc<MessageError>>,
    replies: Option<Arc<Replies>>,
    origin: u32,
    flow: Flow,
}

/// What a message holds: as it was given, and in the other form once somebody has asked for that.
#[derive(Clone, Debug)]
enum Content {
    Bytes(Bytes, OnceLock<Result<Value, JsonError>>),
    Value(Value, OnceLock<Bytes>),
}

impl Default for Content {
    fn default() -> Content {
        Content::Bytes(Bytes::new(), OnceLock::new())
    }
}

/// The origin of a message that was made from several of its batch.
const MERGED: u32 = u32::MAX;

/// Where answers to whoever sent a message are put, for sources that wait for one (`http_server`).
#[derive(Debug, Default)]
pub struct Replies(Mutex<Vec<Batch>>);

impl Replies {
    pub fn push(&self, batch: Batch) {
        self.0.lock().push(batch);
    }

    /// Takes what was put here so far.
    pub fn take(&self) -> Vec<Batch> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// The messages that travel and are answered together, in order. Most batches hold one.
pub type Batch = smallvec::SmallVec<[Message; 1]>;

/// Why a processor failed on a message, and which one it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageError {
    pub text: Str,
    /// The component's type (`mapping`), label and path (`root.pipeline.processors.0`), where known.
    pub component: Option<ComponentName>,
    /// Whether the error stays without a component, as those of `branch` do.
    pub is_anonymous: bool,
    /// Whether the engine has counted and logged it.
    pub is_noted: bool,
}

impl MessageError {
    /// A failure whose component the engine fills in.
    pub fn new(text: impl Into<Str>) -> MessageError {
        MessageError {
            text: text.into(),
            component: None,
            is_anonymous: false,
            is_noted: false,
        }
    }

    /// A failure that is put down to no component.
    pub fn anonymous(text: impl Into<Str>) -> MessageError {
        MessageError {
            is_anonymous: true,
            ..MessageError::new(text)
        }
    }
}

/// How logs, metrics and errors name a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentName {
    pub kind: Str,
    pub label: Str,
    pub path: Str,
}

impl Message {
    /// A message whose content is these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Message {
        Message {
            content: Content::Bytes(bytes.into(), OnceLock::new()),
            ..Message::default()
        }
    }

    /// A message whose content is this value.
    pub fn from_value(value: Value) -> Message {
        Message {
            content: Content::Value(value, OnceLock::new()),
            ..Message::default()
        }
    }

    /// The content as bytes; written from the value if it was set as one.
    pub fn bytes(&self) -> &Bytes {
        match &self.content {
            Content::Bytes(bytes, _) => bytes,
            Content::Value(value, bytes) => bytes.get_or_init(|| value.to_json().into()),
        }
    }

    /// The content as a value; parsed as JSON on the first call.
    pub fn value(&self) -> Result<&Value, &JsonError> {
        match &self.content {
            Content::Bytes(bytes, value) => value.get_or_init(|| parse(bytes)).as_ref(),
            Content::Value(value, _) => Ok(value),
        }
    }

    /// About how much memory the message holds, for budgets. Never writes or parses anything to find out.
    pub fn weight(&self) -> usize {
        let bytes = match &self.content {
            Content::Bytes(bytes, _) => Some(bytes),
            Content::Value(_, bytes) => bytes.get(),
        };
        256 + bytes.map_or(256, Bytes::len)
    }

    /// The same message but for its content, which is empty: metadata, error, origin and replies.
    pub fn without_content(&self) -> Message {
        Message {
            content: Content::default(),
            metadata: self.metadata.clone(),
            error: self.error.clone(),
            replies: self.replies.clone(),
            origin: self.origin,
            flow: self.flow.clone(),
        }
    }

    /// Replaces the content with bytes.
    pub fn set_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.content = Content::Bytes(bytes.into(), OnceLock::new());
    }

    /// Replaces the content with a value.
    pub fn set_value(&mut self, value: Value) {
        self.content = Content::Value(value, OnceLock::new());
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Why this message is flagged as failed, if it is.
    pub fn error(&self) -> Option<&MessageError> {
        self.error.as_deref()
    }

    pub fn set_error(&mut self, error: Option<MessageError>) {
        self.error = error.map(Arc::new);
    }

    /// Which message of its source's batch this came from: a failure is answered by it, however batches were split,
    /// merged or reordered since. Messages made from another keep its origin.
    pub fn origin(&self) -> u32 {
        self.origin
    }

    pub fn set_origin(&mut self, origin: u32) {
        self.origin = origin;
    }

    /// Says that this message was made from several of its batch (an archive): its failure is the failure of all of them.
    pub fn set_merged(&mut self) {
        self.origin = MERGED;
    }

    /// Whether this message was made from several of its batch.
    pub fn is_merged(&self) -> bool {
        self.origin == MERGED
    }

    /// The id of this message and of everything that is made of it on its way through the stream.
    pub fn flow_id(&self) -> uuid::Uuid {
        self.flow.id()
    }

    /// Has an id from now on, if any mapping asks for ids: called before copies are made of a message that came in.
    #[inline]
    pub(crate) fn begin_flow(&self) {
        self.flow.begin();
    }

    /// Where answers to this message's sender go, if it waits for any. Clones of a message share it.
    pub fn replies(&self) -> Option<&Arc<Replies>> {
        self.replies.as_ref()
    }

    pub fn set_replies(&mut self, replies: Option<Arc<Replies>>) {
        self.replies = replies;
    }
}

/// Named values beside the content; keys in byte order. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Metadata(Option<Arc<Vec<(Str, Value)>>>);

impl Metadata {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.position(key).ok()?;
        Some(&self.entries()[at].1)
    }

    pub fn set(&mut self, key: impl Into<Str>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        let position = self.position(&key);
        let entries = Arc::make_mut(self.0.get_or_insert_default());
        match position {
            Ok(at) => entries[at].1 = value,
            Err(at) => entries.insert(at, (key, value)),
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key).ok()?;
        self.0.as_mut().map(|all| Arc::make_mut(all).remove(at).1)
    }

    pub fn clear(&mut self) {
        self.0 = None;
    }

    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Str, &Value)> {
        self.entries().iter().map(|(k, v)| (k, v))
    }

    fn entries(&self) -> &[(Str, Value)] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.entries().binary_search_by(|(k, _)| (**k).cmp(key))
    }
}

/// Content as JSON; there being none has an error of its own.
pub(crate) fn parse(bytes: &Bytes) -> Result<Value, JsonError> {
    match bytes.is_empty() {
        true => Err(JsonError {
            message: "target message part does not exist".into(),
            offset: 0,
        }),
        false => value::parse(bytes),
    }
}
