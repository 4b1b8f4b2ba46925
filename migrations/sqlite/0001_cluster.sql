-- The cluster's durable state. Times are milliseconds since the Unix epoch, flags 0 or 1, maps JSON objects.

-- One row: who leads, and the highest epoch that was ever granted. Every write of a leader goes through it, so that
-- one that was deposed is refused.
CREATE TABLE cluster (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    term    BIGINT NOT NULL,
    epoch   BIGINT NOT NULL,
    -- Rises with every write and renewal: a follower that sees it stand still knows that the leader is gone.
    beat    BIGINT NOT NULL,
    leader  TEXT,
    address TEXT,
    http    TEXT,
    frozen  TEXT
);
INSERT INTO cluster (id, term, epoch, beat) VALUES (1, 0, 0, 0);

CREATE TABLE workers (
    id          TEXT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    address     TEXT NOT NULL,
    labels      TEXT NOT NULL,
    max_streams BIGINT,
    weight      BIGINT NOT NULL,
    limits      TEXT NOT NULL,
    version     TEXT NOT NULL,
    presence    TEXT NOT NULL,
    reason      TEXT NOT NULL,
    since       BIGINT NOT NULL,
    drain       TEXT,
    started     BIGINT NOT NULL,
    assigned    BIGINT NOT NULL
);

CREATE TABLE streams (
    name         TEXT PRIMARY KEY,
    desired      TEXT NOT NULL,
    revision     BIGINT NOT NULL,
    shards       BIGINT NOT NULL,
    requires     TEXT NOT NULL,
    prefers      TEXT NOT NULL,
    stateless    BIGINT NOT NULL,
    on_partition TEXT NOT NULL
);

CREATE TABLE revisions (
    stream       TEXT NOT NULL,
    revision     BIGINT NOT NULL,
    config       TEXT NOT NULL,
    shards       BIGINT NOT NULL,
    requires     TEXT NOT NULL,
    prefers      TEXT NOT NULL,
    stateless    BIGINT NOT NULL,
    on_partition TEXT NOT NULL,
    created      BIGINT NOT NULL,
    cause        TEXT NOT NULL,
    PRIMARY KEY (stream, revision)
);

CREATE TABLE shards (
    stream   TEXT NOT NULL,
    shard    BIGINT NOT NULL,
    standing TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    deaths   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    since    BIGINT NOT NULL,
    PRIMARY KEY (stream, shard)
);

CREATE TABLE assignments (
    epoch         BIGINT PRIMARY KEY,
    stream        TEXT NOT NULL,
    shard         BIGINT NOT NULL,
    worker        TEXT NOT NULL,
    incarnation   TEXT NOT NULL,
    revision      BIGINT NOT NULL,
    state         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    since         BIGINT NOT NULL,
    running_since BIGINT,
    drain_until   BIGINT,
    failure       TEXT
);
CREATE INDEX assignments_by_shard ON assignments (stream, shard);

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    stream   TEXT,
    shard    BIGINT,
    worker   TEXT,
    epoch    BIGINT,
    cause    TEXT NOT NULL
);
CREATE INDEX events_by_stream ON events (stream, sequence);
CREATE INDEX events_by_worker ON events (worker, sequence);

-- Encrypted: the store never sees what a secret says.
CREATE TABLE secrets (
    name    TEXT PRIMARY KEY,
    value   BLOB NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE resources (
    kind   TEXT NOT NULL,
    label  TEXT NOT NULL,
    config TEXT NOT NULL,
    PRIMARY KEY (kind, label)
);
