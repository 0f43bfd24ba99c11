-- Devices of other people's agents (WebTunnel 1.0). Such a device has a row in `devices` like all
-- others, but no key: its `public_key` is a number that is no one's (a hash of its id).

-- What an agent's configuration calls its domain: a UUID that an organization was given, or that a
-- fleet brought along.
CREATE TABLE webtunnel_domains (
    domain          BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX webtunnel_domains_by_organization
    ON webtunnel_domains (organization_id, created_at);

CREATE TABLE webtunnel_devices (
    domain        BLOB NOT NULL REFERENCES webtunnel_domains (domain) ON DELETE CASCADE,
    -- The id in the agent's configuration, and its user name's first half.
    agent_id      TEXT NOT NULL,
    device_id     BLOB NOT NULL UNIQUE REFERENCES devices (id) ON DELETE CASCADE,
    -- SHA-256 in base64url of a secret that we made; argon2id (PHC) of a password that the fleet
    -- brought along, of which nobody knows how good it is.
    secret_hash   TEXT NOT NULL,
    -- What the agent reported last: an object in JSON.
    properties    TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (domain, agent_id)
) STRICT;
