-- The file behind the embedded graph. Kinds and relations are stored by name, so that a newer program with longer
-- tables reads an older file.
CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE relation (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- One shard each. `sum` adds up the rows of `asset` and `edge` that its batches wrote, less those that they removed;
-- over all clusters it equals the sum of all rows there are, or the file is damaged. `seal` is the hash of the row and of
-- its rows of `source`. `first` is the version of its first batch; 0 before that.
CREATE TABLE cluster (
  shard INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL, fence INTEGER NOT NULL, v INTEGER NOT NULL,
  sum INTEGER NOT NULL, known INTEGER NOT NULL, seal INTEGER NOT NULL, claimed_ms INTEGER,
  first INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE source (
  shard INTEGER NOT NULL, kind INTEGER NOT NULL, resume TEXT, fresh_ms INTEGER NOT NULL, coverage TEXT NOT NULL,
  PRIMARY KEY (shard, kind)
) WITHOUT ROWID;

-- Who is who. A number is never given twice and a row never goes, so that history can be read for ever.
CREATE TABLE identity (
  pk INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, shard INTEGER NOT NULL, kind INTEGER NOT NULL,
  namespace TEXT NOT NULL, name TEXT NOT NULL
);

-- What exists now. `created` in seconds since 1970, `since` the version at which this state began, `hash` over uid,
-- created and body.
CREATE TABLE asset (
  pk INTEGER PRIMARY KEY, uid BLOB, rv INTEGER NOT NULL, created INTEGER, since INTEGER NOT NULL,
  hash INTEGER NOT NULL, stub INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE edge (
  declarer INTEGER NOT NULL, relation INTEGER NOT NULL, src INTEGER NOT NULL, dst INTEGER NOT NULL,
  since INTEGER NOT NULL, detail BLOB,
  PRIMARY KEY (declarer, relation, src, dst)
) WITHOUT ROWID;

-- History. One row for each accepted change of an asset, with the state that ended then (none for a creation). Rows are
-- appended in the order in which their batches were committed. op: C, U or D.
CREATE TABLE change (
  seq INTEGER PRIMARY KEY, shard INTEGER NOT NULL, v INTEGER NOT NULL, pk INTEGER NOT NULL, op TEXT NOT NULL,
  how TEXT NOT NULL, last_seen_ms INTEGER, before_uid BLOB, before_rv INTEGER, before_created INTEGER,
  before_since INTEGER, before_body BLOB
);
CREATE INDEX change_of ON change (pk, v);
CREATE INDEX change_at ON change (shard, v, pk);
-- One row for each asset of which a batch changed only the edges that it declares.
CREATE TABLE redraw (
  shard INTEGER NOT NULL, v INTEGER NOT NULL, pk INTEGER NOT NULL, how TEXT NOT NULL, last_seen_ms INTEGER,
  PRIMARY KEY (shard, v, pk)
) WITHOUT ROWID;
CREATE INDEX redraw_of ON redraw (pk, v);
-- One row for each edge that ended, or began to say something else.
CREATE TABLE ended_edge (
  seq INTEGER PRIMARY KEY, shard INTEGER NOT NULL, declarer INTEGER NOT NULL, relation INTEGER NOT NULL,
  src INTEGER NOT NULL, dst INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, detail BLOB
);
CREATE INDEX ended_edge_of ON ended_edge (declarer, until, since);
-- One row for each time that an asset was known by name only, once that is over.
CREATE TABLE ended_stub (
  shard INTEGER NOT NULL, until INTEGER NOT NULL, pk INTEGER NOT NULL, since INTEGER NOT NULL,
  PRIMARY KEY (shard, until, pk)
) WITHOUT ROWID;
-- At most one row: history from before this instant (Unix ms) is being removed, or gone.
CREATE TABLE horizon (id INTEGER PRIMARY KEY CHECK (id = 1), oldest_ms INTEGER NOT NULL);
