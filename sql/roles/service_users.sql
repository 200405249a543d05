-- clickhouse-client --param_writer_sha256=… --param_migrator_sha256=… : SHA-256 of the passwords, in hex.
CREATE USER IF NOT EXISTS engage_writer IDENTIFIED WITH sha256_hash BY {writer_sha256:String};
ALTER USER engage_writer IDENTIFIED WITH sha256_hash BY {writer_sha256:String};
GRANT engagement_writer TO engage_writer;
ALTER USER engage_writer DEFAULT ROLE engagement_writer;

CREATE USER IF NOT EXISTS engage_migrator IDENTIFIED WITH sha256_hash BY {migrator_sha256:String};
ALTER USER engage_migrator IDENTIFIED WITH sha256_hash BY {migrator_sha256:String};
GRANT engagement_migrator TO engage_migrator;
-- The definer of the views: what they read is what this role may read.
ALTER USER engage_migrator DEFAULT ROLE engagement_migrator;
