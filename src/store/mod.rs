//! The only SQL: SQLite embedded, PostgreSQL by URI.
