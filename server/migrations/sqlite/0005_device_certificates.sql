-- Client certificates that devices have shown. A key is pinned to the first device that shows it,
-- and to no other ever; a row that is revoked refuses the key for good.
CREATE TABLE device_certificates (
    -- SHA-256 of the public key (SPKI): a certificate that is renewed with its key stays this row.
    spki_sha256   BLOB PRIMARY KEY,
    device_id     BLOB NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    subject       TEXT NOT NULL,
    serial        TEXT NOT NULL,
    not_after     INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT;
CREATE INDEX device_certificates_by_device ON device_certificates (device_id, first_seen_at);
