-- Ids are UUIDv7 as 16 bytes, times are UTC microseconds, secrets are SHA-256 of 256 random bits.

CREATE TABLE server (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    boot_number INTEGER NOT NULL
) STRICT;

CREATE TABLE server_secrets (
    name   TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) STRICT;

CREATE TABLE organizations (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id            BLOB PRIMARY KEY,
    -- Lower case: two names that differ in case alone are one user.
    username      TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    user_id         BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (user_id, organization_id)
) STRICT;

-- A sign-in and a token end with the membership they stand on.
CREATE TABLE sign_ins (
    id              BLOB PRIMARY KEY,
    user_id         BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    secret_hash     BLOB NOT NULL UNIQUE,
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL,
    FOREIGN KEY (user_id, organization_id)
        REFERENCES members (user_id, organization_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sign_ins_by_member ON sign_ins (user_id, organization_id);
CREATE INDEX sign_ins_by_last_used ON sign_ins (last_used_at);

CREATE TABLE api_tokens (
    id              BLOB PRIMARY KEY,
    user_id         BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    name            TEXT NOT NULL,
    scope           TEXT NOT NULL,
    secret_hash     BLOB NOT NULL UNIQUE,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    last_used_at    INTEGER,
    FOREIGN KEY (user_id, organization_id)
        REFERENCES members (user_id, organization_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX api_tokens_by_member ON api_tokens (user_id, organization_id);

-- Every label ever given. Rows are never deleted: a name is not given to a second device.
CREATE TABLE device_labels (
    label      TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    id              BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    public_key      BLOB NOT NULL UNIQUE,
    label           TEXT NOT NULL UNIQUE REFERENCES device_labels (label),
    name            TEXT NOT NULL,
    -- The name in lower case, for one order in every database.
    name_key        TEXT NOT NULL,
    -- Name, label, host name and address in lower case, one per line.
    search_text     TEXT NOT NULL,
    enrolled_at     INTEGER NOT NULL,
    last_seen       INTEGER,
    address         TEXT,
    -- What the agent reports: untrusted text, cleaned and capped.
    agent_version   TEXT,
    os              TEXT,
    arch            TEXT,
    host_name       TEXT,
    ssh_host_keys   TEXT,
    addresses       TEXT,
    report_hash     BLOB
) STRICT;
CREATE INDEX devices_in_order ON devices (organization_id, name_key, id);

CREATE TABLE device_services (
    device_id    BLOB NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    -- The agent's part. One that is no longer reported keeps what people gave it.
    reported     INTEGER NOT NULL,
    report_order INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    host         TEXT NOT NULL,
    port         INTEGER NOT NULL,
    tls          INTEGER NOT NULL,
    -- The people's part.
    title        TEXT,
    position     INTEGER,
    hidden       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, name)
) STRICT;

CREATE TABLE device_sign_ins (
    id          BLOB PRIMARY KEY,
    sign_in_id  BLOB NOT NULL REFERENCES sign_ins (id) ON DELETE CASCADE,
    device_id   BLOB NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    host        TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX device_sign_ins_by_parent ON device_sign_ins (sign_in_id, host);
CREATE INDEX device_sign_ins_by_device ON device_sign_ins (device_id);

CREATE TABLE install_keys (
    id              BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    secret_hash     BLOB NOT NULL UNIQUE,
    use_limit       INTEGER,
    used            INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER
) STRICT;
CREATE INDEX install_keys_by_organization ON install_keys (organization_id, created_at);
