//! What a component has to say, with its name.

use crate::message::ComponentName;
use std::{fmt, sync::Arc};

/// Writes events that name a stream and a component of it.
#[derive(Clone)]
pub(crate) struct Log {
    stream: Arc<str>,
    name: ComponentName,
}

macro_rules! levels {
    ($($level:ident)*) => {$(
        pub fn $level(&self, message: fmt::Arguments<'_>) {
            tracing::$level!(target: "stream", stream = &*self.stream, label = &*self.name.label, path = &*self.name.path, "{message}");
        }
    )*};
}

impl Log {
    pub fn new(stream: Arc<str>, name: ComponentName) -> Log {
        Log { stream, name }
    }

    pub fn name(&self) -> &ComponentName {
        &self.name
    }

    pub fn kind(&self) -> &str {
        &self.name.kind
    }

    levels! { error warn info debug }
}
