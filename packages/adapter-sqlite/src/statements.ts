/**
 * The schema and all SQL. Values reach SQL as bound parameters and in no other way (law S5); lists cross as one JSON
 * parameter, so that every statement has one text and is prepared once.
 *
 * - Names compare bytewise (BINARY), which on UTF-8 is code-point order (law D4).
 * - `events` is a rowid table: its rowid is the position in the one total order. Positions and stream ids are never
 *   given out twice, so that a query under way cannot take new rows for old ones. Small columns stand first: a scan
 *   that excludes a row doesn't touch the overflow pages of its `data` (law Q4).
 * - Types of events are numbered, and stand in the index of seqs: what a query excludes by its type is never looked up.
 *   A number stays when the last event of its type is removed: names of types are vocabulary, not data.
 * - An event's epoch follows from `epochs`: the row of its stream with the greatest `first` up to its seq.
 * - Everything up to a position is secured: a FULL commit has synced it. Each event says how far it stands behind that
 *   position, so the last event tells it, and a synced commit writes no page more (measured: a row of its own for it
 *   made a commit 50 to 90 us longer). What is secured without new events stands in `meta`.
 * - A stream's synced seq is `seq` when its last `position` is secured, else `synced`: what was secured when its last
 *   group was written. Exact, since the next FULL commit secures all of that group.
 */
import type { Database } from "better-sqlite3"
import { Types } from "./Types.ts"

/** "varv", so that `file` and we ourselves can tell our files from others'. */
export const applicationId = 0x76617276

/** Raised with every change of the schema. Newer ones are refused, and older ones as long as none was published. */
export const schemaVersion = 2

export const schema = `
  CREATE TABLE meta(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,        -- raised by the first append of every opening
    secured INTEGER NOT NULL,           -- everything up to this position was secured by this row's FULL commit
    removed INTEGER NOT NULL,           -- positions up to this one are taken, though their events may be gone
    syncs INTEGER NOT NULL              -- changes with this row's FULL commits: an empty one syncs nothing
  ) STRICT;
  INSERT INTO meta VALUES (1, 0, 0, 0, 0);

  CREATE TABLE streams(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    synced INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    generation INTEGER NOT NULL,
    sealed INTEGER NOT NULL,
    largest INTEGER NOT NULL,           -- size of its largest event, to bound a page before reading it
    min_at INTEGER NOT NULL,
    max_at INTEGER NOT NULL,
    written_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE epochs(
    stream_id INTEGER NOT NULL,
    first INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    PRIMARY KEY (stream_id, first)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE attributes(
    stream_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (stream_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attributes_by_value ON attributes(key, value, stream_id);

  CREATE TABLE types(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE events(
    position INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    seals INTEGER NOT NULL,
    at INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    unsecured INTEGER NOT NULL,         -- positions up to this one that weren't secured by its commit; 0 if it was FULL
    checksum INTEGER NOT NULL,
    type_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    meta TEXT,
    data TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_seq ON events(stream_id, seq, type_id);
  CREATE UNIQUE INDEX events_by_id ON events(stream_id, id);

  CREATE TABLE snapshots(
    stream_id INTEGER NOT NULL,         -- 0: of a projection over all streams
    projection TEXT NOT NULL,
    version INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (stream_id, projection)
  ) STRICT;

  CREATE TABLE removed(
    stream_id INTEGER PRIMARY KEY       -- its events are still to be deleted
  ) STRICT;

  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

export interface MetaRow {
  readonly generation: number
  /** Everything up to this position survives power loss. */
  readonly secured: number
  /** The last position that was given out. */
  readonly position: number
}

export interface StreamRow {
  readonly id: number
  readonly name: string
  readonly seq: number
  readonly position: number
  readonly synced: number
  readonly epoch: string
  readonly generation: number
  readonly sealed: number
  readonly largest: number
  readonly min_at: number
  readonly max_at: number
  readonly written_at: number
  /** A JSON object. */
  readonly attributes: string
}

/** A stream, and where its events end. */
export interface LastingRow extends StreamRow {
  readonly last: number
}

/** What a query's plan needs of a stream. */
export interface PlanRow {
  readonly id: number
  readonly name: string
  readonly seq: number
  readonly epoch: string
  readonly largest: number
  readonly min_at: number
  readonly max_at: number
}

export interface EventRow {
  readonly position: number
  readonly seq: number
  readonly id: string
  readonly type_id: number
  readonly version: number
  readonly seals: number
  readonly at: number
  readonly written_at: number
  readonly unsecured: number
  readonly meta: string | null
  readonly data: string
  readonly checksum: number
}

/** Of which of the ranges asked for the event is one. */
export interface PlacedRow extends EventRow {
  readonly place: number
}

export interface TotalRow extends EventRow {
  readonly stream_id: number
  readonly name: string
  readonly head_seq: number
  readonly head_epoch: string
}

export interface EpochRow {
  readonly stream_id: number
  readonly first: number
  readonly epoch: string
}

export interface SnapshotRow {
  readonly stream: string
  readonly projection: string
  readonly version: number
  readonly epoch: string
  readonly seq: number
  readonly state: string
  readonly checksum: string
}

/** Which streams, by name: `low <= name < high`. `high` is bytes, since no text stands behind all others. */
export interface NameRange {
  readonly low: string
  readonly high: Uint8Array
  /** A JSON object, or null for any. */
  readonly attributes: string | null
}

export interface Names {
  /** A JSON array. */
  readonly names: string
  readonly attributes: string | null
}

/** Which events of a stream. `types` is a JSON array of their numbers, or null for all. */
export interface Filter {
  readonly types: string | null
  readonly since: number
  readonly until: number
}

const headColumns = `s.id, s.name, s.seq, s.position, s.synced, s.epoch, s.generation, s.sealed, s.largest, s.min_at, s.max_at,
  s.written_at, (SELECT json_group_object(key, value) FROM attributes WHERE stream_id = s.id) AS attributes`

const planColumns = "s.id, s.name, s.seq, s.epoch, s.largest, s.min_at, s.max_at"

const eventColumns = `e.position, e.seq, e.id, e.type_id, e.version, e.seals, e.at, e.written_at, e.unsecured, e.meta,
  e.data, e.checksum`

const hasAttributes = `(:attributes IS NULL OR s.id IN (
  SELECT a.stream_id FROM json_each(:attributes) w CROSS JOIN attributes a ON a.key = w.key AND a.value = w.value
  GROUP BY a.stream_id HAVING count(*) = (SELECT count(*) FROM json_each(:attributes))
))`

const inRange = `FROM streams s WHERE s.name >= :low AND s.name < CAST(:high AS TEXT) AND ${hasAttributes}`
const inNames = `FROM json_each(:names) n CROSS JOIN streams s ON s.name = n.value WHERE ${hasAttributes}`

const passes = `(:types IS NULL OR e.type_id IN (SELECT value FROM json_each(:types))) AND e.at >= :since AND e.at < :until`

const slice = `SELECT ${eventColumns} FROM events e INDEXED BY events_by_seq
  WHERE e.stream_id = :stream AND e.seq BETWEEN :from AND :to AND ${passes}`

// Materialized and cast, so that SQLite looks a stream's cursor up by an index of its own, not by going through all.
const total = `WITH cursors(stream, seq) AS MATERIALIZED (
    SELECT CAST(value ->> 0 AS TEXT), value ->> 1 FROM json_each(:after)
  )
  SELECT e.stream_id, s.name, s.seq AS head_seq, s.epoch AS head_epoch, ${eventColumns}
  FROM events e CROSS JOIN streams s ON s.id = e.stream_id LEFT JOIN cursors c ON c.stream = s.name
  WHERE e.position BETWEEN :from AND :to AND ${passes}
    AND e.seq BETWEEN max(:fromSeq, coalesce(c.seq, 0) + 1) AND :toSeq
    AND s.name >= :low AND s.name < CAST(:high AS TEXT)
    AND (:names IS NULL OR s.name IN (SELECT value FROM json_each(:names)))
    AND ${hasAttributes}`

/** One event, in the order of `insertEvent`'s columns. */
export type InsertEvent = [
  position: number,
  stream: number,
  seq: number,
  version: number,
  seals: number,
  at: number,
  writtenAt: number,
  unsecured: number,
  checksum: number,
  type: number,
  id: string,
  meta: string | null,
  data: string
]

export type UpdateStream = [
  seq: number,
  position: number,
  synced: number,
  epoch: string,
  generation: number,
  sealed: number,
  largest: number,
  minAt: number,
  maxAt: number,
  writtenAt: number,
  id: number
]

type Slice = Filter & {
  readonly stream: number
  readonly from: number
  readonly to: number
  readonly rows: number
}
type Many = Filter & { readonly ranges: string }
export type Total = Filter &
  Pick<NameRange, "low" | "high" | "attributes"> & {
    readonly from: number
    readonly to: number
    readonly fromSeq: number
    readonly toSeq: number
    readonly names: string | null
    readonly after: string
    readonly rows: number
  }

/** A prepared statement, as far as it is used here. */
export interface Prepared<Parameters extends Array<unknown>, Row> {
  readonly run: (...parameters: Parameters) => {
    readonly changes: number
    readonly lastInsertRowid: number | bigint
  }
  readonly get: (...parameters: Parameters) => Row | undefined
  readonly all: (...parameters: Parameters) => Array<Row>
  readonly iterate: (...parameters: Parameters) => IterableIterator<Row>
}

/** Prepares everything once for a connection. */
export const prepare = (db: Database) => {
  const as = <Parameters extends Array<unknown> | object, Row = unknown>(sql: string) =>
    db.prepare(sql) as unknown as Prepared<Parameters extends Array<unknown> ? Parameters : [Parameters], Row>
  return {
    types: new Types({
      name: as<[id: number], { readonly name: string }>("SELECT name FROM types WHERE id = ?"),
      id: as<[name: string], { readonly id: number }>("SELECT id FROM types WHERE name = ?"),
      add: as<[name: string]>("INSERT INTO types(name) VALUES (?)"),
      drop: as<[id: number]>("DELETE FROM types WHERE id = ?")
    }),

    begin: as<[]>("BEGIN IMMEDIATE"),
    commit: as<[]>("COMMIT"),
    rollback: as<[]>("ROLLBACK"),

    meta: as<[], MetaRow>(
      `SELECT generation, max(secured, coalesce(position - unsecured, 0)) AS secured, max(removed, coalesce(position, 0)) AS position
       FROM meta LEFT JOIN (SELECT position, unsecured FROM events ORDER BY position DESC LIMIT 1)`
    ),
    /** None where its stream is being removed: then `meta` tells as much. */
    lastEvent: as<[], EventRow & { readonly name: string }>(
      `SELECT s.name, ${eventColumns} FROM events e CROSS JOIN streams s ON s.id = e.stream_id
       WHERE e.position = (SELECT max(position) FROM events)`
    ),
    mint: as<[]>("UPDATE meta SET generation = generation + 1"),
    /** Makes a FULL commit without events one that syncs, and says what it secures. */
    secure: as<[position: number]>("UPDATE meta SET secured = ?, syncs = syncs + 1"),

    /** With its last seq by the index: rows of `streams` have no checksum, and a seq isn't given out twice. */
    stream: as<[name: string], LastingRow>(
      `SELECT ${headColumns},
         (SELECT coalesce(max(seq), 0) FROM events INDEXED BY events_by_seq WHERE stream_id = s.id) AS last
       FROM streams s WHERE s.name = ?`
    ),
    createStream: as<[name: string]>(
      `INSERT INTO streams(name, seq, position, synced, epoch, generation, sealed, largest, min_at, max_at, written_at)
       VALUES (?, 0, 0, 0, '', -1, 0, 0, 0, 0, 0)`
    ),
    updateStream: as<UpdateStream>(
      `UPDATE streams SET seq = ?, position = ?, synced = ?, epoch = ?, generation = ?, sealed = ?, largest = ?, min_at = ?,
       max_at = ?, written_at = ? WHERE id = ?`
    ),
    addEpoch: as<[stream: number, first: number, epoch: string]>("INSERT INTO epochs VALUES (?, ?, ?)"),
    setAttribute: as<[stream: number, key: string, value: string]>(
      "INSERT INTO attributes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
    ),
    /** Changes nothing where the id is taken. */
    insertEvent: as<InsertEvent>(
      `INSERT INTO events(position, stream_id, seq, version, seals, at, written_at, unsecured, checksum, type_id, id, meta, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(stream_id, id) DO NOTHING`
    ),
    deleteEventsFrom: as<[stream: number, first: number]>(
      "DELETE FROM events WHERE stream_id = ? AND seq >= ?"
    ),
    eventById: as<[stream: number, id: string], EventRow>(
      `SELECT ${eventColumns} FROM events e INDEXED BY events_by_id WHERE e.stream_id = ? AND e.id = ?`
    ),

    headsInRange: as<NameRange & { readonly rows: number }, StreamRow>(
      `SELECT ${headColumns} ${inRange} ORDER BY s.name LIMIT :rows`
    ),
    headsByName: as<Names, StreamRow>(`SELECT ${headColumns} ${inNames}`),
    planForward: as<NameRange & { readonly rows: number }, PlanRow>(
      `SELECT ${planColumns} ${inRange} ORDER BY s.name LIMIT :rows`
    ),
    planBackward: as<NameRange & { readonly rows: number }, PlanRow>(
      `SELECT ${planColumns} ${inRange} ORDER BY s.name DESC LIMIT :rows`
    ),
    planByName: as<Names, PlanRow>(`SELECT ${planColumns} ${inNames}`),
    epochs: as<[ids: string], EpochRow>(
      "SELECT stream_id, first, epoch FROM epochs WHERE stream_id IN (SELECT value FROM json_each(?)) ORDER BY stream_id, first"
    ),
    exists: as<[id: number], { readonly id: number }>("SELECT id FROM streams WHERE id = ?"),

    sliceForward: as<Slice, EventRow>(`${slice} ORDER BY e.seq LIMIT :rows`),
    sliceBackward: as<Slice, EventRow>(`${slice} ORDER BY e.seq DESC LIMIT :rows`),
    /** Of whole small streams at once; `ranges` is a JSON array of [id, from, to]. In no promised order. */
    many: as<Many, PlacedRow>(
      `SELECT p.key AS place, ${eventColumns} FROM json_each(:ranges) p CROSS JOIN events e INDEXED BY events_by_seq
       WHERE e.stream_id = p.value ->> 0 AND e.seq BETWEEN p.value ->> 1 AND p.value ->> 2 AND ${passes}`
    ),
    totalForward: as<Total, TotalRow>(`${total} ORDER BY e.position LIMIT :rows`),
    totalBackward: as<Total, TotalRow>(`${total} ORDER BY e.position DESC LIMIT :rows`),

    snapshots: as<{ readonly projection: string; readonly names: string }, SnapshotRow>(
      `SELECT n.value AS stream, p.projection, p.version, p.epoch, p.seq, p.state, p.checksum
       FROM json_each(:names) n CROSS JOIN snapshots p
       ON p.stream_id = CASE n.value WHEN '' THEN 0 ELSE (SELECT id FROM streams WHERE name = n.value) END
         AND p.projection = :projection`
    ),
    saveSnapshot: as<
      [
        projection: string,
        version: number,
        epoch: string,
        seq: number,
        checksum: string,
        state: string,
        stream: string
      ]
    >(
      `INSERT INTO snapshots(stream_id, projection, version, epoch, seq, checksum, state)
       SELECT id, ?, ?, ?, ?, ?, ? FROM (SELECT id, name FROM streams UNION ALL SELECT 0, '') WHERE name = ?
       ON CONFLICT(stream_id, projection) DO UPDATE SET version = excluded.version, epoch = excluded.epoch,
         seq = excluded.seq, checksum = excluded.checksum, state = excluded.state`
    ),
    dropSnapshots: as<{ readonly projection: string | null }>(
      "DELETE FROM snapshots WHERE :projection IS NULL OR projection = :projection"
    ),

    removeStream: as<[id: number]>("DELETE FROM streams WHERE id = ?"),
    removeEpochs: as<[id: number]>("DELETE FROM epochs WHERE stream_id = ?"),
    removeAttributes: as<[id: number]>("DELETE FROM attributes WHERE stream_id = ?"),
    removeSnapshots: as<[id: number]>("DELETE FROM snapshots WHERE stream_id = ?"),
    removeSomeEvents: as<[id: number, rows: number]>(
      "DELETE FROM events WHERE position IN (SELECT position FROM events INDEXED BY events_by_seq WHERE stream_id = ? LIMIT ?)"
    ),
    /** What the events that go may have told alone. */
    keepPositions: as<[removed: number, secured: number]>("UPDATE meta SET removed = ?, secured = ?"),
    noteRemoval: as<[id: number]>("INSERT INTO removed VALUES (?)"),
    removals: as<[], { readonly stream_id: number }>("SELECT stream_id FROM removed"),
    forgetRemoval: as<[id: number]>("DELETE FROM removed WHERE stream_id = ?")
  }
}

export type Statements = ReturnType<typeof prepare>
