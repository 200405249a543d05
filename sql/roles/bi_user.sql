-- clickhouse-client --param_bi_reader_sha256=… : SHA-256 of the password, in hex. Passwords themselves go nowhere.
-- The profile is the role's and, for SET ROLE NONE, the user's own.
CREATE USER IF NOT EXISTS bi_reader IDENTIFIED WITH sha256_hash BY {bi_reader_sha256:String};
ALTER USER bi_reader
    IDENTIFIED WITH sha256_hash BY {bi_reader_sha256:String}
    SETTINGS PROFILE 'engagement_bi';
GRANT engagement_bi TO bi_reader;
ALTER USER bi_reader DEFAULT ROLE engagement_bi;
