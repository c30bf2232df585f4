# ruff: noqa: E501 -- SQL, a table to a statement
"""Years of a community's life, made by the database itself: what is followed now is the same, only the past differs.

Small on purpose: a query that grows with the past shows it at any scale.
"""

from typing import Final

import asyncpg

NOW_STANDING: Final = """
CREATE FUNCTION id_at(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS
    $$ SELECT uuidv7(at - clock_timestamp()) $$;
INSERT INTO users (id, username, created_at) SELECT uuidv7(), 'u' || n, now() - interval '10 years'
FROM generate_series(1, 40) AS n;
CREATE TABLE person AS SELECT id, row_number() OVER (ORDER BY id) AS place FROM users;

INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at, last_status, last_attempt_at)
SELECT uuidv7(), s.source, s.source || n, 'a', 3600, now() - interval '10 years', 'completed', now()
FROM (VALUES ('games', 60), ('hiscores', 20), ('fencers', 120), ('google', 40)) AS s (source, many),
     generate_series(1, s.many) AS n;
INSERT INTO scrape_schedule (target_id, due_at, priority, source)
SELECT id, now() + (random() - 0.2) * interval '1 hour', 2, source FROM scrape_targets;
CREATE TABLE target AS SELECT id, source, row_number() OVER (PARTITION BY source ORDER BY id) AS place FROM scrape_targets;

INSERT INTO game_accounts (id, target_id, game, platform, identifier, display, current_season)
SELECT uuidv7(), id, 'rocket-league', 'epic', 'p' || place, 'p' || place, 's{last_season}' FROM target WHERE source = 'games';
CREATE TABLE account AS SELECT id, row_number() OVER (ORDER BY id) AS place FROM game_accounts;
INSERT INTO game_trackers (id, user_id, account_id, url, created_at, updated_at)
SELECT uuidv7(), p.id, a.id, 'u', now() - interval '10 years', now() FROM account a JOIN person p ON p.place = a.place % 3 + 1;

INSERT INTO hiscore_players (id, target_id, username, display_name, mode, created_at, verified_at, recorded_at)
SELECT uuidv7(), id, 'player ' || place, 'p', 'regular', now() - interval '10 years', now(), now()
FROM target WHERE source = 'hiscores';
INSERT INTO hiscore_metrics (slug, name, kind, first_seen_at)
SELECT CASE n WHEN 1 THEN 'overall' ELSE 'm' || n END, 'm' || n, 'skill', now() FROM generate_series(1, 40) AS n;
INSERT INTO hiscore_follows (user_id, player_id, created_at)
SELECT p.id, h.id, now() FROM hiscore_players h JOIN person p ON p.place = 1;
INSERT INTO hiscore_gains (player, metric, period, starts, gain)
SELECT h.no, m, 1, CAST(date_trunc('week', now() AT TIME ZONE 'UTC') AS date), 1000
FROM hiscore_players h, generate_series(1, 10) AS m;

INSERT INTO fencing_clubs (id, upstream_id, target_id, name)
SELECT uuidv7(), place, id, 'club' FROM target WHERE source = 'fencers' AND place <= 20;
INSERT INTO fencers (id, upstream_id, target_id, name)
SELECT uuidv7(), place, id, 'fencer' FROM target WHERE source = 'fencers' AND place > 20;
INSERT INTO tracked_fencers (id, user_id, fencer_id, created_at, followed_since)
SELECT uuidv7(), p.id, f.id, now() - interval '10 years', now() - interval '10 years'
FROM fencers f JOIN person p ON p.place = 1 WHERE f.upstream_id <= 30;
INSERT INTO tracked_clubs (id, user_id, club_id, created_at, followed_since)
SELECT uuidv7(), p.id, c.id, now() - interval '10 years', now() - interval '10 years'
FROM fencing_clubs c JOIN person p ON p.place = 2 WHERE c.upstream_id <= 5;

INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at, verified_at)
SELECT uuidv7(), id, 'webhook', 'c', '\\x00', 's', 'h' || place % 5, now(), now() FROM person;
INSERT INTO digest_preferences (user_id, period, hour, weekday, time_zone, next_at, created_at)
SELECT id, 'daily', 8, 1, 'UTC', now() - interval '1 minute', now() - interval '10 years' FROM person WHERE place <= 10;

INSERT INTO esi_categories (category_id, name, group_ids, refreshed_at) VALUES (6, 'Ship', ARRAY[25], now());
INSERT INTO esi_groups (group_id, name, category_id, refreshed_at) VALUES (25, 'Frigate', 6, now());
INSERT INTO esi_types (type_id, name, group_id, published, last_refreshed_at)
SELECT n, 'type ' || n, 25, true, now() FROM generate_series(1, 50) AS n;
INSERT INTO contract_regions (region_id, target_id, followed) VALUES (10000002, uuidv7(), true);
INSERT INTO contract_watches (id, user_id, type_id, created_at) SELECT uuidv7(), id, place, now() FROM person;
"""
PAST: Final = """
INSERT INTO scrape_runs (id, target_id, trigger, status, requested_at, started_at, finished_at)
SELECT id_at(at), t.id, 'schedule', CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'completed' END, at, at, at
FROM generate_series({years} * 10000, 1, -1) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 year' / 10000 AS at) AS moment
JOIN target t ON t.source = 'games' AND t.place = n % 60 + 1;

INSERT INTO game_seasons (account_id, key, name, number)
SELECT a.id, 's' || s, 's', s FROM account a, generate_series({last_season} - 4 * {years} + 1, {last_season}) AS s;
INSERT INTO game_playlist_states (account_id, season_key, playlist_key, name, rating, matches_played, win_streak, estimated,
                            changed_at)
SELECT a.id, 's' || s, 'p' || k, 'p', 1000, 10, 0, false, now() - ({last_season} - s) * interval '3 months'
FROM generate_series({last_season} - 4 * {years} + 1, {last_season}) AS s, account a, generate_series(1, 5) AS k;
INSERT INTO game_snapshots (id, account_id, season_key, captured_at)
SELECT id_at(at), a.id, 's' || ({last_season} - n / 25), at
FROM generate_series({years} * 100 - 1, 0, -1) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 year' / 100 - interval '1 hour' AS at) AS moment, account a;
INSERT INTO game_ratings (snapshot_id, playlist_key, rating_before, rating, matches_played, win_streak, estimated)
SELECT s.id, 'p' || k, 990, 1000, 10, 0, false FROM game_snapshots s, generate_series(1, 2) AS k ORDER BY s.id;

INSERT INTO hiscore_records (player, era, kind, at, metrics, vals, ranks)
SELECT p.no, 0, CASE WHEN n % 50 = 0 THEN 1 ELSE 0 END, now() - n * interval '1 year' / 250,
       filled.metrics, filled.vals, filled.vals
FROM generate_series({years} * 250, 1, -1) AS n, hiscore_players p
CROSS JOIN LATERAL (
    SELECT array_agg(m ORDER BY m) AS metrics, array_agg(1000 - n ORDER BY m) AS vals
    FROM generate_series(1, CASE WHEN n % 50 = 0 THEN 40 ELSE 4 END) AS m
) AS filled;
INSERT INTO hiscore_states (player, metrics, vals, ranks, era, since_keyframe, fetched_at, fetches, records)
SELECT DISTINCT ON (player) player, metrics, vals, ranks, 0, 0, now(), 1, 1
FROM hiscore_records WHERE kind = 1 ORDER BY player, at DESC;

INSERT INTO flight_trips (id, user_id, origin, destination, departs_on, adults, children, infants_in_seat,
                          infants_on_lap, ends_at, ended_at, created_at, updated_at)
SELECT id_at(at - interval '90 days'), p.id, 'JFK', 'LAX', CAST(at AS date), 1, 0, 0, 0, at,
       CASE WHEN at < now() THEN at END, at - interval '90 days', at
FROM generate_series({years} * 60, 1, -1) AS n
CROSS JOIN LATERAL (SELECT now() + interval '45 days' - n * interval '1 year' / 60 AS at) AS moment
JOIN person p ON p.place = n % 6 + 1;
CREATE TABLE trip AS SELECT *, row_number() OVER (ORDER BY id DESC) AS place FROM flight_trips;
INSERT INTO flight_queries (id, key, target_id, provider, origin, destination, departs_on, travellers, cabin_class,
                            currency, ends_at, ended_at, created_at, checked_at, price)
SELECT id_at(t.created_at), 'google_flights:JFK:LAX:' || t.departs_on || ':one-way:1.0.0.0:economy:any:USD',
       g.id, 'google_flights', 'JFK', 'LAX', t.departs_on, 1, 'economy', 'USD', t.ends_at, t.ended_at, t.created_at,
       now(), 30000
FROM trip t LEFT JOIN target g ON g.source = 'google' AND g.place = t.place AND t.ended_at IS NULL ORDER BY t.place DESC;
CREATE TABLE search AS SELECT id, ends_at, row_number() OVER (ORDER BY id DESC) AS place FROM flight_queries;
INSERT INTO flight_trip_queries (trip_id, query_id) SELECT t.id, q.id FROM trip t JOIN search q USING (place);
INSERT INTO price_watches (id, user_id, trip_id, provider, target_price, currency, cabin_class, is_active,
                           check_interval_minutes, alert_cooldown_hours, step_percent, median_days, armed_at,
                           created_at, updated_at)
SELECT id_at(t.created_at), t.user_id, t.id, 'google_flights', 20000, 'USD', 'economy', t.ended_at IS NULL, 360, 24, 5,
       30, t.created_at, t.created_at, t.created_at
FROM trip t ORDER BY t.place DESC;
INSERT INTO price_watch_queries (watch_id, query_id)
SELECT w.id, x.query_id FROM price_watches w JOIN flight_trip_queries x USING (trip_id);
INSERT INTO flight_snapshots (id, query_id, captured_at, seen_at, price, currency, cheapest, origin)
SELECT id_at(at), q.id, at, at, 30000 + n, 'USD', true, 'fetched'
FROM search q, generate_series(90, 46, -1) AS n
CROSS JOIN LATERAL (SELECT q.ends_at - n * interval '1 day' AS at) AS moment ORDER BY at;
INSERT INTO flight_days (query_id, day, price)
SELECT query_id, CAST(captured_at AS date), min(price) FROM flight_snapshots GROUP BY 1, 2 ORDER BY 2;
INSERT INTO price_alerts (id, watch_id, rule, snapshot_id, episode, price, currency, target_price, departs_on,
                          event_key, created_at)
SELECT id_at(w.created_at), w.id, 'target', uuidv7(), 1, 20000, 'USD', 20000, CAST(now() AS date), 'k' || w.id,
       w.created_at
FROM price_watches w ORDER BY w.id;

INSERT INTO fencing_tournaments (id, name, folded, season)
SELECT uuidv7(), 't' || n, 't' || n, 2026 - n / 25 FROM generate_series({years} * 25, 1, -1) AS n;
INSERT INTO fencing_events (id, upstream_id, tournament_id, name, code, weapon, held_on)
SELECT uuidv7(), 1000000 + n, t.id, 'e', 'e', 'epee', CAST(now() + interval '60 days' - n * interval '1 year' / 1000 AS date)
FROM generate_series({years} * 1000, 1, -1) AS n JOIN fencing_tournaments t ON t.name = 't' || (n / 40 % ({years} * 25) + 1);
INSERT INTO fencing_registrations (id, fencer_id, event_id, first_seen_at, last_seen_at)
SELECT id_at(at), f.id, e.id, at, at
FROM fencing_events e JOIN fencers f ON (e.upstream_id + f.upstream_id) % 20 = 0
CROSS JOIN LATERAL (SELECT CAST(e.held_on AS timestamptz) - interval '65 days' AS at) AS moment ORDER BY at;
INSERT INTO fencing_listings (target_id, registration_id, listed_on, listed_at, gone_at)
SELECT page.target_id, r.id, e.held_on, r.first_seen_at, CASE WHEN e.held_on < now() THEN e.held_on END
FROM fencing_registrations r JOIN fencing_events e ON e.id = r.event_id JOIN fencers f ON f.id = r.fencer_id
JOIN fencing_clubs c ON c.upstream_id = f.upstream_id % 20 + 1
CROSS JOIN LATERAL (VALUES (f.target_id), (c.target_id)) AS page (target_id) ORDER BY r.id;
INSERT INTO fencing_changes (id, registration_id, kind, at, day)
SELECT id_at(r.first_seen_at), r.id, 'registered', r.first_seen_at, e.held_on
FROM fencing_registrations r JOIN fencing_events e ON e.id = r.event_id ORDER BY r.id;

INSERT INTO contracts (contract_id, region_id, type, status, title, price, collateral, reward, volume, days_to_complete,
                       issuer_id, issuer_corporation_id, for_corporation, date_issued, date_expired, row_hash,
                       first_seen_at, ended_at, items_state, evaluated, is_ship, ship_type_id, ship_quantity,
                       contains_additional_items)
SELECT 1000000 - n, 10000002, 'item_exchange', CASE WHEN live THEN 'live' ELSE 'gone' END, 'c', 1000 + n % 977, 0, 0, 1,
       0, n % 100, 1, false, at, at + interval '14 days', n, at, CASE WHEN NOT live THEN at + interval '7 days' END,
       'read', true, true, n % 50 + 1, 1, false
FROM generate_series({years} * 5000, 1, -1) AS n
CROSS JOIN LATERAL (SELECT n <= 300 AS live, now() - n * interval '1 year' / 5000 AS at) AS moment;
INSERT INTO contract_items (contract_id, record_id, type_id, quantity, is_included)
SELECT contract_id, 1, ship_type_id, 1, true FROM contracts ORDER BY contract_id;
INSERT INTO contract_alerts (watch_id, contract_id, alerted_at)
SELECT w.id, c.contract_id, c.date_issued FROM contracts c JOIN contract_watches w ON w.type_id = c.ship_type_id
ORDER BY c.contract_id;

INSERT INTO outbox_events (id, event, aggregate, user_id, payload, occurred_at, position, relayed_at)
SELECT id_at(at), 'game_account.changed', 'a' || n % 60, p.id, '{{}}', at, {years} * 10000 + 1 - n, at
FROM generate_series({years} * 10000, 1, -1) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 year' / 10000 AS at) AS moment JOIN person p ON p.place = n % 40 + 1;
SELECT setval('outbox_positions', {years} * 10000);
INSERT INTO outbox_events (id, event, aggregate, payload, occurred_at)
SELECT uuidv7(), 'game_account.changed', 'w' || n, '{{}}', now() FROM generate_series(1, 100) AS n;

INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)
SELECT id_at(at), 'game_account.changed', 'a', '{{}}', p.id, at, at
FROM generate_series({years} * 5000, 1, -1) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 year' / 5000 AS at) AS moment JOIN person p ON p.place = n % 40 + 1;
INSERT INTO notification_deliveries (id, event_id, channel_id, user_id, subject_id, state, gathered, due_at, sent_at)
SELECT id_at(e.noted_at), e.id, c.id, e.user_id, uuidv7(), 'sent', n % 2 = 0, e.noted_at, e.noted_at
FROM (SELECT *, row_number() OVER (ORDER BY id DESC) AS n FROM notified_events) e
JOIN notification_channels c ON c.user_id = e.user_id WHERE n > 60 ORDER BY e.id;
INSERT INTO notification_deliveries (id, event_id, channel_id, user_id, subject_id, state, gathered, due_at)
SELECT id_at(e.noted_at), e.id, c.id, e.user_id, uuidv7(), 'pending', n % 2 = 0, now()
FROM (SELECT *, row_number() OVER (ORDER BY id DESC) AS n FROM notified_events) e
JOIN notification_channels c ON c.user_id = e.user_id WHERE n <= 60 ORDER BY e.id;
INSERT INTO digests (id, user_id, period, since, until, entries, state, created_at, sent_at)
SELECT id_at(at), p.id, 'daily:' || n, at - interval '1 day', at, 1, 'sent', at, at
FROM generate_series({years} * 365, 1, -1) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 day' AS at) AS moment JOIN person p ON p.place <= 10;

INSERT INTO audit_log (id, at, actor_kind, actor_id, method, route, path, status)
SELECT id_at(at), at, 'user', p.id, 'POST', '/r', '/r', 200
FROM generate_series({years} * 10000, 1, -1) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 year' / 10000 AS at) AS moment JOIN person p ON p.place = n % 40 + 1;
INSERT INTO activity_log (id, at, event, subject, subject_id, user_id)
SELECT id_at(at), at, 'scrape.failed', 'target', n % 60, p.id
FROM generate_series({years} * 10000, 1, -1) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 year' / 10000 AS at) AS moment JOIN person p ON p.place = n % 40 + 1;
"""
LAST_SEASON: Final = 60


async def live(url: str, *, years: int) -> None:
    """Let years pass in an empty, migrated database, and let autovacuum have seen it all."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        values = {"years": years, "last_season": LAST_SEASON}
        await connection.execute("SET statement_timeout = 0")
        await connection.execute("SELECT setseed(0.5)")
        await connection.execute(NOW_STANDING.format(**values))
        await connection.execute(PAST.format(**values))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
