-- clickhouse-client --param_dashboard_sha256=… : SHA-256 of the password, in hex. For `engage dashboard` alone.
-- The profile is the role's and, for SET ROLE NONE, the user's own.
CREATE USER IF NOT EXISTS engage_dashboard IDENTIFIED WITH sha256_hash BY {dashboard_sha256:String};
ALTER USER engage_dashboard
    IDENTIFIED WITH sha256_hash BY {dashboard_sha256:String}
    SETTINGS PROFILE 'engagement_dashboard';
GRANT engagement_dashboard TO engage_dashboard;
ALTER USER engage_dashboard DEFAULT ROLE engagement_dashboard;
