-- Who may do what, in the current database (`--database`). No secrets here: users stand in the files beside this one.
-- Runs again at any time. deploy/README.md says how it is applied, and to a cluster.

-- People and BI tools: the views and nothing behind them. Views run with the rights of who migrated (SQL SECURITY DEFINER).
CREATE ROLE IF NOT EXISTS engagement_bi;
GRANT SELECT ON v_* TO engagement_bi;

-- readonly = 2: a client may choose settings, as most drivers do, but neither write, nor change readonly, nor go beyond
-- these bounds.
CREATE SETTINGS PROFILE OR REPLACE engagement_bi SETTINGS
    readonly = 2 CONST,
    allow_ddl = 0 CONST,
    allow_introspection_functions = 0 CONST,
    max_execution_time = 30 MIN 1 MAX 120,
    max_memory_usage = 2000000000 MIN 1 MAX 4000000000,
    max_result_rows = 1000000 MIN 1 MAX 10000000,
    max_threads = 4 MIN 1 MAX 8,
    max_concurrent_queries_for_user = 8 CONST,
    -- On a cluster a view's joins gather their right-hand sides from all shards.
    distributed_product_mode = 'global' CONST
    TO engagement_bi;

CREATE QUOTA OR REPLACE engagement_bi KEYED BY user_name
    FOR INTERVAL 1 minute MAX queries = 600,
    FOR INTERVAL 1 hour MAX execution_time = 3600, read_bytes = 1000000000000
    TO engagement_bi;

-- `engage dashboard`: the same views. No member of engagement_bi, because of several quotas that fit a user ClickHouse takes
-- any one. Both bounds are for two processes: each asks in 6 threads, and shows 200 pages at most.
CREATE ROLE IF NOT EXISTS engagement_dashboard;
GRANT SELECT ON v_* TO engagement_dashboard;

CREATE SETTINGS PROFILE OR REPLACE engagement_dashboard SETTINGS
    readonly = 2 CONST,
    allow_ddl = 0 CONST,
    allow_introspection_functions = 0 CONST,
    max_execution_time = 30 MIN 1 MAX 30,
    max_memory_usage = 2000000000 MIN 1 MAX 2000000000,
    max_result_rows = 1000000 MIN 1 MAX 1000000,
    max_threads = 4 MIN 1 MAX 4,
    -- The threads of both, and of a third that takes over; and what ClickHouse has not noticed to be given up.
    max_concurrent_queries_for_user = 24 CONST,
    distributed_product_mode = 'global' CONST
    TO engagement_dashboard;

-- By the minute, so that a page which was refused is soon back. 400 pages about 400 customers ask 24,000 times.
CREATE QUOTA OR REPLACE engagement_dashboard KEYED BY user_name
    FOR INTERVAL 1 minute MAX queries = 30000, execution_time = 1000
    TO engagement_dashboard;

-- Worker, lag exporter and the commands that read or replay: rows in and out, no DDL.
CREATE ROLE IF NOT EXISTS engagement_writer;
GRANT SELECT, INSERT ON * TO engagement_writer;

CREATE SETTINGS PROFILE OR REPLACE engagement_writer SETTINGS allow_ddl = 0 CONST TO engagement_writer;

-- `engage migrate`, `restate`, `rebuild` and `verify`, which compares in tables of its own session. Tables of earlier rules are dropped, views are replaced.
CREATE ROLE IF NOT EXISTS engagement_migrator;
GRANT
    SELECT, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, ALTER TABLE, ALTER VIEW, OPTIMIZE, SHOW
    ON * TO engagement_migrator;
GRANT CREATE ARBITRARY TEMPORARY TABLE ON *.* TO engagement_migrator;
