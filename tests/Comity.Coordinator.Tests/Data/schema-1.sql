-- A coordinator's database as schema 1 wrote it, with one member, one request that waits and the secret of its join code.
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE members (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, public_key BLOB NOT NULL,
    certificate BLOB NOT NULL, not_after INTEGER NOT NULL, approved_at INTEGER NOT NULL, revoked_at INTEGER) STRICT;
CREATE TABLE retired_keys (fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, retired_at INTEGER NOT NULL) STRICT;
CREATE TABLE enrolments (
    fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, request BLOB NOT NULL, address TEXT NOT NULL,
    asked_at INTEGER NOT NULL) STRICT;
INSERT INTO settings VALUES ('join-secret', '00112233445566778899');
INSERT INTO members VALUES ('berlin', 'Site', 'GA5TQZAAVQEY6YK9JZKF681Y8J3QDSXZ', x'3059', x'3082', 4102444800000, 1767225600000, NULL);
INSERT INTO enrolments VALUES ('BJPZ7YT1M0DG4R2AP985YAWTDR6P7XK7', 'paris', 'Site', x'3081', '192.0.2.7', 4102444800000);
INSERT INTO retired_keys VALUES ('2BK43QMH2GMW85X97A8YW57XM9DFPN1P', 'berlin', 1767225600000);
PRAGMA user_version = 1;
