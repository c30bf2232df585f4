"""SQL of the engine: one round trip per statement for a whole batch. Needs PostgreSQL 18 (uuidv7, RETURNING old)."""

from typing import Final

from sqlalchemy import text

from shared.database.advisory_locks import LockNamespace, take_keyed

TAKE_TURN: Final = text(f"SELECT {take_keyed(LockNamespace.DISPATCHED_SOURCE, 'CAST(:source AS text)')}")
PAUSED: Final = "EXISTS (SELECT FROM scrape_pauses p WHERE p.source = :source)"
PICKED_DUE: Final = f"""
    SELECT due.target_id
    FROM (VALUES (0), (1), (2), (4)) AS priorities (priority)
    CROSS JOIN LATERAL (
        SELECT target_id FROM scrape_schedule s
        WHERE s.source = :source AND s.priority = priorities.priority AND s.due_at <= :now AND s.lease_until IS NULL
        ORDER BY s.due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE NOT {PAUSED}
    LIMIT :limit
"""  # noqa: S608 -- fragments of our own
PICKED_QUARANTINED: Final = f"""
    SELECT target_id FROM scrape_schedule s
    WHERE s.source = :source AND s.priority = 3 AND s.due_at <= :now AND s.lease_until IS NULL AND NOT EXISTS (
        SELECT FROM scrape_schedule o WHERE o.source = :source AND o.priority = 3 AND o.lease_until IS NOT NULL
    ) AND NOT {PAUSED}
    ORDER BY s.due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- fragments of our own
TAKEN: Final = """
WITH picked AS (
    {picked}
), claimed AS (
    UPDATE scrape_schedule s
    SET lease_until = :lease_until, attempt = s.attempt + 1, run_id = coalesce(s.run_id, uuidv7())
    FROM picked WHERE s.target_id = picked.target_id
    RETURNING s.target_id, s.run_id, old.run_id IS NOT NULL AS asked_for
)
SELECT target_id, run_id, CAST(:lease_until AS timestamptz) AS lease_until, asked_for FROM claimed
"""
CLAIM: Final = text(TAKEN.format(picked=PICKED_DUE))
CLAIM_QUARANTINED: Final = text(TAKEN.format(picked=PICKED_QUARANTINED))

# Separate from the claim, which runs all the time and rarely claims a requested run: opening every monthly partition of
# runs for nothing would cost it half as much again.
START: Final = text("""
UPDATE scrape_runs SET status = 'in_progress', started_at = :now WHERE id = ANY(CAST(:runs AS uuid[]))
""")

CLAIM_ONE: Final = text("""
WITH claimed AS (
    UPDATE scrape_schedule
    SET lease_until = :lease_until, attempt = attempt + 1, run_id = coalesce(run_id, uuidv7())
    WHERE target_id = :target AND lease_until IS NULL
    RETURNING target_id, run_id
), started AS (
    UPDATE scrape_runs r SET status = 'in_progress', started_at = :now FROM claimed c WHERE r.id = c.run_id
)
SELECT target_id, run_id, CAST(:lease_until AS timestamptz) AS lease_until FROM claimed
""")

LEASED: Final = text("""
SELECT t.id, s.run_id, s.lease_until, t.key, t.address, t.interval_seconds, t.failures, t.last_reason, t.attempts,
       t.etag, t.last_modified, t.content_hash, t.parser_version,
       coalesce(t.last_changed_at, t.created_at) AS quiet_since, t.steady
FROM unnest(CAST(:targets AS uuid[]), CAST(:runs AS uuid[]), CAST(:leases AS timestamptz[]))
     AS lease (target_id, run_id, lease_until)
JOIN scrape_schedule s
  ON s.target_id = lease.target_id AND s.run_id = lease.run_id AND s.lease_until = lease.lease_until
JOIN scrape_targets t ON t.id = s.target_id
WHERE s.lease_until > :now
  AND NOT EXISTS (SELECT FROM scrape_blocked_keys b WHERE b.source = t.source AND b.key = t.key)
""")

LOCK_LEASED: Final = text("""
SELECT s.target_id
FROM scrape_schedule s
JOIN unnest(CAST(:targets AS uuid[]), CAST(:runs AS uuid[]), CAST(:leases AS timestamptz[]))
     AS lease (target_id, run_id, lease_until)
  ON s.target_id = lease.target_id AND s.run_id = lease.run_id AND s.lease_until = lease.lease_until
ORDER BY s.target_id
FOR UPDATE OF s
""")

RENEW: Final = text("""
WITH mine AS (
    SELECT s.target_id
    FROM scrape_schedule s
    JOIN unnest(CAST(:targets AS uuid[]), CAST(:runs AS uuid[]), CAST(:leases AS timestamptz[]))
         AS lease (target_id, run_id, lease_until)
      ON s.target_id = lease.target_id AND s.run_id = lease.run_id AND s.lease_until = lease.lease_until
    WHERE s.lease_until > :now
    ORDER BY s.target_id
    FOR UPDATE OF s
)
UPDATE scrape_schedule s SET lease_until = :lease_until FROM mine WHERE s.target_id = mine.target_id
RETURNING s.target_id, s.run_id, s.lease_until
""")

FINISH: Final = text("""
WITH results AS (
    SELECT * FROM jsonb_to_recordset(CAST(:finished AS jsonb)) AS x (
        target_id uuid, run_id uuid, status text, reason text, error text, started_at timestamptz,
        http_status smallint, requests smallint, bytes bigint, changed boolean, due_at timestamptz,
        etag text, last_modified text, content_hash text, parser_version smallint, failures bigint
    )
), scheduled AS (
    UPDATE scrape_schedule s
    SET lease_until = NULL, run_id = NULL, attempt = 0, priority = s.usual_priority, due_at = x.due_at
    FROM results x WHERE s.target_id = x.target_id
), noted AS (
    UPDATE scrape_targets t
    SET last_status = x.status, last_reason = x.reason, last_error = x.error, last_attempt_at = :now,
        last_success_at = CASE WHEN x.status = 'completed' THEN :now ELSE t.last_success_at END,
        last_changed_at = CASE WHEN x.changed THEN :now ELSE t.last_changed_at END,
        failures = x.failures,
        attempts = t.attempts + 1,
        successes = t.successes + CASE WHEN x.status = 'completed' THEN 1 ELSE 0 END,
        etag = CASE WHEN x.status = 'completed' THEN x.etag ELSE t.etag END,
        last_modified = CASE WHEN x.status = 'completed' THEN x.last_modified ELSE t.last_modified END,
        content_hash = CASE WHEN x.status = 'completed' THEN decode(x.content_hash, 'hex') ELSE t.content_hash END,
        parser_version = CASE WHEN x.status = 'completed' THEN x.parser_version ELSE t.parser_version END
    FROM results x WHERE t.id = x.target_id
)
INSERT INTO scrape_runs (id, target_id, trigger, status, reason, requested_at, started_at, finished_at,
                         http_status, requests, bytes, changed, error)
SELECT run_id, target_id, 'schedule', status, reason, started_at, started_at, :now,
       http_status, requests, bytes, changed, error
FROM results
ON CONFLICT (id) DO UPDATE
SET status = excluded.status, reason = excluded.reason, finished_at = excluded.finished_at,
    http_status = excluded.http_status, requests = excluded.requests, bytes = excluded.bytes,
    changed = excluded.changed, error = excluded.error
""")

RELEASE: Final = text("""
WITH released AS (
    UPDATE scrape_schedule s
    SET lease_until = NULL, due_at = :due_at, attempt = greatest(s.attempt - 1, 0),
        run_id = (SELECT r.id FROM scrape_runs r WHERE r.id = s.run_id)
    FROM unnest(CAST(:targets AS uuid[]), CAST(:runs AS uuid[]), CAST(:leases AS timestamptz[]))
         AS lease (target_id, run_id, lease_until)
    WHERE s.target_id = lease.target_id AND s.run_id = lease.run_id AND s.lease_until = lease.lease_until
    RETURNING s.run_id
)
UPDATE scrape_runs r SET status = 'pending', started_at = NULL FROM released g WHERE r.id = g.run_id
""")

RECLAIM: Final = text("""
WITH lost AS (
    SELECT target_id FROM scrape_schedule
    WHERE source = :source AND lease_until < :now
    ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED
), reclaimed AS (
    UPDATE scrape_schedule s
    SET lease_until = NULL, due_at = CASE WHEN s.attempt >= :dead_after THEN 'infinity'::timestamptz ELSE :now END,
        priority = CASE WHEN s.attempt >= :quarantine_after THEN 3 ELSE s.priority END,
        run_id = CASE WHEN s.attempt >= :dead_after THEN NULL
                      ELSE (SELECT r.id FROM scrape_runs r WHERE r.id = s.run_id) END
    FROM lost WHERE s.target_id = lost.target_id
    RETURNING s.target_id, old.run_id AS lost_run, s.run_id, s.attempt >= :dead_after AS dead
), waiting AS (
    UPDATE scrape_runs r SET status = 'pending', started_at = NULL FROM reclaimed b WHERE r.id = b.run_id
), dead_letters AS (
    UPDATE scrape_targets t
    SET last_status = 'failed', last_reason = 'error', last_error = :dead_letter_reason, last_attempt_at = :now,
        failures = t.failures + 1, attempts = t.attempts + 1
    FROM reclaimed b WHERE b.dead AND t.id = b.target_id
), noted AS (
    INSERT INTO scrape_runs (id, target_id, trigger, status, reason, requested_at, finished_at, error)
    SELECT lost_run, target_id, 'schedule', 'failed', 'error', :now, :now, :dead_letter_reason
    FROM reclaimed WHERE dead
    ON CONFLICT (id) DO UPDATE SET status = 'failed', reason = 'error', finished_at = :now, error = :dead_letter_reason
)
SELECT target_id, lost_run, dead FROM reclaimed
""")

TRACK: Final = text("""
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:addresses AS text[]))
        AS w (id, key, address)
)
INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
SELECT id, :source, key, address, CAST(:interval AS bigint), :now FROM given ORDER BY key
ON CONFLICT (source, key) DO NOTHING
""")

SCHEDULE: Final = text("""
WITH found AS (
    SELECT id, key, interval_seconds FROM scrape_targets WHERE source = :source AND key = ANY(CAST(:keys AS text[]))
), paced AS (
    UPDATE scrape_targets t SET interval_seconds = :interval
    FROM found f WHERE f.interval_seconds <> :interval AND t.id = f.id
), scheduled AS (
    INSERT INTO scrape_schedule (target_id, due_at, priority, source)
    SELECT id, :now, 1, :source FROM found ORDER BY id
    ON CONFLICT (target_id) DO NOTHING
)
SELECT key, id FROM found
""")

# Targets that are fetched before a target: leased ones, and those that are due before it in its own priority or an
# earlier one. Counted up to a bound, by the index of due rows.
COUNT_AHEAD: Final = text("""
SELECT (SELECT count(*) FROM (
           SELECT FROM scrape_schedule s
           WHERE s.source = :source AND s.lease_until IS NOT NULL AND s.target_id <> :target LIMIT :most) AS leased)
     + coalesce((SELECT sum(waiting.count) FROM scrape_schedule me
        CROSS JOIN LATERAL generate_series(0, me.priority) AS priorities (priority)
        CROSS JOIN LATERAL (
            SELECT count(*) FROM (
                SELECT FROM scrape_schedule s
                WHERE s.source = :source AND s.priority = priorities.priority AND s.lease_until IS NULL
                  AND s.target_id <> :target
                  AND s.due_at <= CASE WHEN priorities.priority < me.priority THEN CAST(:now AS timestamptz)
                                       ELSE me.due_at END
                ORDER BY s.due_at LIMIT :most
            ) AS counted
        ) AS waiting
        WHERE me.target_id = :target AND me.lease_until IS NULL), 0)
""")

TYPICAL: Final = text("""
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at)) FROM (
    SELECT r.finished_at, r.started_at FROM scrape_runs r
    WHERE r.target_id = :target AND r.finished_at IS NOT NULL AND r.started_at IS NOT NULL
    ORDER BY r.id DESC LIMIT 5
) AS lately
""")

LOCK: Final = text("""
SELECT 1 FROM scrape_schedule WHERE target_id = ANY(CAST(:targets AS uuid[])) ORDER BY target_id FOR UPDATE
""")

LOCK_KNOWN: Final = text("""
SELECT 1 FROM scrape_schedule s JOIN scrape_targets t ON t.id = s.target_id
WHERE t.source = :source AND t.key = ANY(CAST(:keys AS text[])) ORDER BY s.target_id FOR UPDATE OF s
""")

RUNS_ASKED_FOR: Final = text("""
SELECT s.target_id, s.run_id, s.lease_until IS NOT NULL AS leased, r.id IS NOT NULL AS known
FROM scrape_schedule s LEFT JOIN scrape_runs r ON r.id = s.run_id
WHERE s.target_id = ANY(CAST(:targets AS uuid[]))
""")

ASK: Final = text("""
WITH asked AS (
    SELECT * FROM unnest(CAST(:targets AS uuid[]), CAST(:runs AS uuid[]), CAST(:leased AS boolean[]))
        AS a (target_id, run_id, leased)
), made AS (
    INSERT INTO scrape_runs (id, target_id, trigger, status, requested_at, started_at)
    SELECT run_id, target_id, :trigger, CASE WHEN leased THEN 'in_progress' ELSE 'pending' END, :now,
           CASE WHEN leased THEN CAST(:now AS timestamptz) END
    FROM asked
)
UPDATE scrape_schedule s
SET run_id = a.run_id, priority = CASE WHEN a.leased THEN s.priority ELSE :priority END, attempt = 0,
    due_at = CASE WHEN a.leased THEN s.due_at ELSE :now END
FROM asked a WHERE s.target_id = a.target_id
""")

BOOST: Final = text("""
UPDATE scrape_schedule
SET priority = CASE WHEN priority = 3 THEN 3 ELSE least(priority, :priority) END, due_at = least(due_at, :now)
WHERE target_id = ANY(CAST(:targets AS uuid[])) AND lease_until IS NULL
""")

# Targets that wait for their turn get the priority, and new targets too if it is ON_REQUEST; requested targets stay
# ahead. A target that became due meanwhile is due now.
SET_PRIORITY: Final = text("""
UPDATE scrape_schedule s
SET usual_priority = p.priority,
    priority = CASE WHEN s.priority IN (2, 4, 5) OR (s.priority = 1 AND p.priority = 5) THEN p.priority
                    ELSE s.priority END,
    due_at = CASE WHEN s.priority = 5 AND p.priority <> 5 THEN greatest(s.due_at, :now) ELSE s.due_at END
FROM unnest(CAST(:targets AS uuid[]), CAST(:priorities AS smallint[])) AS p (target_id, priority)
WHERE s.target_id = p.target_id
""")

# A target with a shorter interval than before does not wait for the rest of the longer one.
SET_INTERVAL: Final = text("""
WITH paced AS (
    UPDATE scrape_targets SET interval_seconds = CAST(:interval AS bigint), steady = CAST(:steady AS boolean)
    WHERE id = :target
)
UPDATE scrape_schedule SET due_at = least(due_at, CAST(:latest AS timestamptz))
WHERE target_id = :target AND due_at < 'infinity'
""")

FORGET: Final = text("""
WITH stopped AS (
    DELETE FROM scrape_schedule WHERE target_id = ANY(CAST(:targets AS uuid[])) RETURNING run_id
)
UPDATE scrape_runs r SET status = 'failed', reason = 'error', error = 'no longer followed', finished_at = :now
FROM stopped WHERE r.id = stopped.run_id AND r.status IN ('pending', 'in_progress')
""")

# A hash that no body has, instead of NULL: the target was fetched before.
INVALIDATE: Final = text(r"""
UPDATE scrape_targets SET etag = NULL, last_modified = NULL,
       content_hash = CASE WHEN content_hash IS NOT NULL THEN '\x00'::bytea END
WHERE id = ANY(CAST(:targets AS uuid[]))
""")

RESET_FAILURES: Final = text("UPDATE scrape_targets SET failures = 0 WHERE id = ANY(CAST(:targets AS uuid[]))")

ERASE: Final = text("""
WITH gone AS (DELETE FROM scrape_targets WHERE id = ANY(CAST(:targets AS uuid[])))
DELETE FROM scrape_runs WHERE target_id = ANY(CAST(:targets AS uuid[]))
""")

REMOVE_OWNERLESS: Final = text("""
WITH RECURSIVE walked (target_id, number) AS (
    SELECT CAST(:after AS uuid), 0
    UNION ALL
    SELECT (SELECT r.target_id FROM scrape_runs r WHERE r.target_id > w.target_id ORDER BY r.target_id LIMIT 1),
           w.number + 1
    FROM walked w WHERE w.target_id IS NOT NULL AND w.number < :targets
), gone AS (
    SELECT w.target_id FROM walked w
    WHERE w.target_id IS NOT NULL AND NOT EXISTS (SELECT FROM scrape_targets t WHERE t.id = w.target_id)
), removed AS (
    DELETE FROM scrape_runs WHERE id IN (
        SELECT r.id FROM gone g JOIN scrape_runs r ON r.target_id = g.target_id LIMIT :limit
    ) RETURNING id
)
SELECT (SELECT target_id FROM walked ORDER BY number DESC LIMIT 1) AS last, (SELECT count(*) FROM removed) AS removed
""")
"""Goes from target to target by the index, so that the cost does not depend on the number of runs of a target."""

RUN_ENDED: Final = "status IN ('completed', 'failed')"
RUN_AWAITED: Final = "status IN ('pending', 'in_progress')"

IS_PAUSED: Final = text(f"SELECT {PAUSED}")

PAUSE: Final = text("""
INSERT INTO scrape_pauses AS p (source, since, reason) VALUES (:source, :now, :reason)
ON CONFLICT (source) DO UPDATE SET reason = excluded.reason
RETURNING since, reason
""")

RESUME: Final = text("DELETE FROM scrape_pauses WHERE source = :source")

# Dead targets are due at infinity. A target that lost its workers runs alone again. Targets that guilds switched off
# (priority 5) are not re-driven.
DEAD: Final = "s.due_at = 'infinity' AND s.lease_until IS NULL AND s.priority <> 5"
REDRIVE: Final = text(f"""
WITH dead AS (
    SELECT s.target_id FROM scrape_schedule s WHERE s.source = :source AND {DEAD}
    ORDER BY s.target_id LIMIT :limit FOR UPDATE
), put AS (
    UPDATE scrape_schedule s
    SET run_id = uuidv7(), due_at = :now, attempt = 0,
        priority = CASE WHEN s.priority = 3 THEN 3 ELSE s.usual_priority END
    FROM dead d WHERE s.target_id = d.target_id
    RETURNING s.target_id, s.run_id
), made AS (
    INSERT INTO scrape_runs (id, target_id, trigger, status, requested_at)
    SELECT run_id, target_id, :trigger, 'pending', :now FROM put
)
SELECT count(*) FROM put
""")  # noqa: S608 -- a fragment of our own
