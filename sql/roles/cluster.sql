-- Only with ENGAGE_CLICKHOUSE_CLUSTER, after roles.sql: statements for all nodes, and tables over other nodes. Rights
-- that are not bound to a database.
GRANT CLUSTER, REMOTE ON *.* TO engagement_migrator;
