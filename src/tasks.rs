//! Named tasks, soft and hard stop, waits with a deadline.
