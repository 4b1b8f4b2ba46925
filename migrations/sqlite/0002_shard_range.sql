-- A stream's number of shards may follow its backlog: `shards` is how many there are now, or in a revision the fewest. None: it is fixed.
ALTER TABLE streams ADD COLUMN shards_min BIGINT;
ALTER TABLE streams ADD COLUMN shards_max BIGINT;
ALTER TABLE revisions ADD COLUMN shards_max BIGINT;
