//! The statements, with the name of the table put in: each operation is exactly one of them.
//!
//! Every statement is a transaction of its own, so it happens as a whole or not at all, and no lock
//! outlives a round trip.
//!
//! Under READ COMMITTED a statement sees the rows that were committed when it began. Those that
//! change a session therefore begin with `SELECT … FOR UPDATE` of its row: this waits for whoever is
//! changing the row, and then goes on with the row *as that one has left it*, its `WHERE` checked
//! once more. A session is a single row, fields included, so nothing else of it can be older than
//! what is locked. Guards are compared with, and new fields are made from, that locked row alone.
//!
//! Under REPEATABLE READ and SERIALIZABLE the same statements fail with `40001` instead of waiting
//! for a newer row, and are tried again.

use std::sync::Arc;

use sqlx::AssertSqlSafe;

use crate::store::sql::TableName;

/// The statements of one table.
pub(super) struct Statements {
    pub(super) table: TableName,
    pub(super) load: Statement,
    pub(super) create: Statement,
    pub(super) commit: Statement,
    pub(super) rotate: Statement,
    pub(super) touch: Statement,
    pub(super) delete: Statement,
    pub(super) sessions_of: Statement,
    pub(super) sweep: Statement,
}

/// A statement made of constants and a checked name.
pub(super) struct Statement(Arc<str>);

impl Statement {
    pub(super) fn sql(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl Statements {
    pub(super) fn new(table: TableName) -> Self {
        let fill = |template| fill(template, &table);
        Self {
            load: fill(LOAD),
            create: fill(CREATE),
            commit: fill(COMMIT),
            rotate: fill(ROTATE),
            touch: fill(TOUCH),
            delete: fill(DELETE),
            sessions_of: fill(SESSIONS_OF),
            sweep: fill(SWEEP),
            table,
        }
    }

    /// A statement that is not needed again and again.
    pub(super) fn custom(&self, template: &str) -> Statement {
        fill(template, &self.table)
    }
}

fn fill(template: &str, table: &TableName) -> Statement {
    let schema = table.schema.as_ref();
    let schema = schema.map_or_else(String::new, |schema| format!("\"{schema}\"."));
    // In quotes, because a name may be a word of the language.
    let sql = template
        .replace("{table}", "{schema}\"{name}\"")
        .replace("{versions}", "{schema}\"{name}_schema\"")
        .replace("{schema}", &schema)
        .replace("{name}", &table.table)
        .replace("{record}", RECORD)
        .replace("{excluded}", EXCLUDED);
    Statement(sql.into())
}

const LOAD: &str = "
SELECT forward, {record}
FROM {table}
WHERE key = $1";

// Replaces nothing but what has expired under the key and was not swept yet.
const CREATE: &str = "
INSERT INTO {table} AS stored (key, forward, {record})
VALUES ($1, NULL, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (key) DO UPDATE
SET (forward, {record}) = ROW (NULL, {excluded})
WHERE stored.expires_at <= $2";

const COMMIT: &str = "
WITH seen AS MATERIALIZED (
    SELECT key, forward, {record}
    FROM {table}
    WHERE key = $1 AND expires_at > $2
    FOR UPDATE
), verdict AS MATERIALIZED (
    SELECT *, forward IS NULL AND NOT EXISTS (
        SELECT
        FROM unnest($3::bytea[], $4::bigint[]) AS guard (name, revision)
        WHERE guard.revision <> coalesce(
            field_revisions[array_position(field_names, guard.name)], 0)
    ) AS is_allowed
    FROM seen
), field AS (
    SELECT kept.*
    FROM verdict, unnest(field_names, field_values, field_revisions, field_expires_at,
        field_idle_at, field_index_keys)
        AS kept (name, value, revision, expires_at, idle_at, index_key)
    WHERE kept.name <> ALL ($5::bytea[])
    UNION ALL
    SELECT written.name, written.value, verdict.revision + 1, written.expires_at, written.idle_at,
        written.index_key
    FROM verdict, unnest($6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[], $10::bytea[])
        AS written (name, value, expires_at, idle_at, index_key)
), fields AS MATERIALIZED (
    SELECT coalesce(array_agg(name), '{}') AS names,
        coalesce(array_agg(value), '{}') AS values,
        coalesce(array_agg(revision), '{}') AS revisions,
        coalesce(array_agg(expires_at), '{}') AS expires_at,
        coalesce(array_agg(CASE WHEN idle_at IS NOT NULL THEN greatest(idle_at,
            ($12::bigint[])[array_position($11::bytea[], name)]) END), '{}') AS idle_at,
        coalesce(array_agg(index_key), '{}') AS index_keys
    FROM field
), changed AS (
    UPDATE {table} AS stored
    SET last_seen_at = greatest(verdict.last_seen_at, $13),
        expires_at = CASE
            WHEN coalesce($15, verdict.remembered) = verdict.remembered
            THEN greatest(verdict.expires_at, $14)
            ELSE $14
        END,
        revision = verdict.revision + 1,
        remembered = coalesce($15, verdict.remembered),
        identified = verdict.identified OR $16,
        field_names = fields.names,
        field_values = fields.values,
        field_revisions = fields.revisions,
        field_expires_at = fields.expires_at,
        field_idle_at = fields.idle_at,
        field_index_keys = fields.index_keys
    FROM verdict, fields
    WHERE stored.key = verdict.key AND verdict.is_allowed
    RETURNING stored.revision
)
SELECT changed.revision AS applied, conflict.*
FROM verdict
LEFT JOIN changed ON true
LEFT JOIN LATERAL (SELECT verdict.forward, verdict.created_at, verdict.issued_at,
    verdict.last_seen_at, verdict.expires_at, verdict.revision, verdict.remembered,
    verdict.identified, verdict.field_names, verdict.field_values, verdict.field_revisions,
    verdict.field_expires_at, verdict.field_idle_at, verdict.field_index_keys)
    AS conflict ON NOT verdict.is_allowed";

const ROTATE: &str = "
WITH seen AS MATERIALIZED (
    SELECT key, forward, {record}
    FROM {table}
    WHERE key = $16 AND expires_at > $2
    FOR UPDATE
), inserted AS (
    INSERT INTO {table} AS stored (key, forward, {record})
    SELECT $1, NULL, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
    FROM seen
    WHERE seen.forward IS NULL AND seen.revision = coalesce($17, seen.revision)
    ON CONFLICT (key) DO UPDATE
    SET (forward, {record}) = ROW (NULL, {excluded})
    WHERE stored.expires_at <= $2
    RETURNING true AS applied
), moved AS (
    UPDATE {table} AS stored
    SET forward = $18, expires_at = $19, field_names = '{}', field_values = '{}',
        field_revisions = '{}', field_expires_at = '{}', field_idle_at = '{}',
        field_index_keys = '{}'
    FROM inserted
    WHERE stored.key = $16 AND $18 IS NOT NULL
), ended AS (
    DELETE FROM {table} AS stored
    USING inserted
    WHERE stored.key = $16 AND $18 IS NULL
)
SELECT coalesce(inserted.applied, false) AS applied, is_taken,
    seen.forward IS NULL AND seen.revision = coalesce($17, seen.revision) AS is_expected, seen.*
FROM (SELECT EXISTS (SELECT FROM {table} WHERE key = $1 AND expires_at > $2) AS is_taken) AS target
LEFT JOIN seen ON true
LEFT JOIN inserted ON true";

// The deadlines of the fields are made from the row that is updated: if it has changed meanwhile,
// PostgreSQL computes them again from what it has become.
const TOUCH: &str = "
UPDATE {table} AS stored
SET last_seen_at = greatest(last_seen_at, $3),
    expires_at = greatest(expires_at, $4),
    field_idle_at = CASE WHEN cardinality($5::bytea[]) = 0 THEN field_idle_at ELSE ARRAY (
        SELECT CASE WHEN idle_at IS NOT NULL THEN greatest(idle_at,
            ($6::bigint[])[array_position($5::bytea[], name)]) END
        FROM unnest(field_names, field_idle_at) WITH ORDINALITY AS field (name, idle_at, place)
        ORDER BY place
    ) END
WHERE key = $1 AND expires_at > $2 AND forward IS NULL";

const DELETE: &str = "
DELETE FROM {table}
WHERE key = $1
RETURNING forward, expires_at";

// Without a look at the clock: a condition on `expires_at` would tempt the planner, which does not know
// the value, to read everything that has not expired instead of the index on the keys.
const SESSIONS_OF: &str = "
SELECT key, forward, {record}
FROM {table}
WHERE array_remove(field_index_keys, NULL) @> ARRAY[$1]
    AND array_remove(field_index_keys, NULL) <> '{}'
    AND forward IS NULL";

// Rows that somebody else is changing are passed over: either another sweep has them, or they are
// being extended. The lock looks at the deadline again, so what was extended before it stays. An
// array of keys, so that they are looked up one by one: a join may read everything that has expired
// for each batch. And each batch begins where the one before has ended: as long as somebody's
// transaction may still see them, the entries of freed rows stay in the index and have to be read.
const SWEEP: &str = "
WITH freed AS (
    DELETE FROM {table}
    WHERE expires_at <= $1 AND key = ANY (ARRAY (
        SELECT key
        FROM {table}
        WHERE expires_at BETWEEN $3 AND $1
        ORDER BY expires_at
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING expires_at
)
SELECT count(*) AS freed, max(expires_at) AS last FROM freed";

const RECORD: &str = "created_at, issued_at, last_seen_at, expires_at, revision, remembered, \
    identified, field_revisions, field_names, field_values, field_expires_at, field_idle_at, \
    field_index_keys";

const EXCLUDED: &str = "excluded.created_at, excluded.issued_at, excluded.last_seen_at, \
    excluded.expires_at, excluded.revision, excluded.remembered, excluded.identified, \
    excluded.field_revisions, excluded.field_names, excluded.field_values, \
    excluded.field_expires_at, excluded.field_idle_at, excluded.field_index_keys";
