-- Format 1 to 2: what questions about the past need beyond the rows of history themselves.
ALTER TABLE cluster ADD COLUMN first INTEGER NOT NULL DEFAULT 0;
CREATE INDEX change_at ON change (shard, v, pk);
CREATE TABLE redraw (
  shard INTEGER NOT NULL, v INTEGER NOT NULL, pk INTEGER NOT NULL, how TEXT NOT NULL, last_seen_ms INTEGER,
  PRIMARY KEY (shard, v, pk)
) WITHOUT ROWID;
CREATE INDEX redraw_of ON redraw (pk, v);
CREATE INDEX ended_edge_of ON ended_edge (declarer, until, since);
CREATE TABLE ended_stub (
  shard INTEGER NOT NULL, until INTEGER NOT NULL, pk INTEGER NOT NULL, since INTEGER NOT NULL,
  PRIMARY KEY (shard, until, pk)
) WITHOUT ROWID;
CREATE TABLE horizon (id INTEGER PRIMARY KEY CHECK (id = 1), oldest_ms INTEGER NOT NULL);

-- Which assets had only their edges changed follows from the edges that ended or began. How it was learnt was not kept.
INSERT INTO redraw (shard, v, pk, how)
  SELECT i.shard, e.v, e.declarer, 'derived'
  FROM (SELECT declarer, until AS v FROM ended_edge UNION SELECT declarer, since FROM ended_edge
        UNION SELECT declarer, since FROM edge) e
  JOIN identity i ON i.pk = e.declarer
  WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.pk = e.declarer AND c.v = e.v);

-- The first batch left the oldest row that there is.
UPDATE cluster SET first = coalesce(
  (SELECT min(v) FROM (SELECT min(v) AS v FROM change WHERE change.shard = cluster.shard
                       UNION ALL SELECT min(v) FROM redraw WHERE redraw.shard = cluster.shard)), v);
