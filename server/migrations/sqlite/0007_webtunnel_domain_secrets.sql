-- A domain may have a secret of its own, for devices that have none: those that registered
-- themselves by it, and those that were brought along without one.
ALTER TABLE webtunnel_domains ADD COLUMN secret_hash TEXT;
ALTER TABLE webtunnel_domains ADD COLUMN secret_made_at INTEGER;
ALTER TABLE webtunnel_domains ADD COLUMN self_registration INTEGER NOT NULL DEFAULT FALSE;

CREATE TABLE webtunnel_agents (
    domain        BLOB NOT NULL REFERENCES webtunnel_domains (domain) ON DELETE CASCADE,
    -- The id in the agent's configuration, and its user name's first half.
    agent_id      TEXT NOT NULL,
    device_id     BLOB NOT NULL UNIQUE REFERENCES devices (id) ON DELETE CASCADE,
    -- SHA-256 in base64url of a secret that we made; argon2id (PHC) of a password that the fleet
    -- brought along, of which nobody knows how good it is. NULL: none of its own, its domain's
    -- counts.
    secret_hash   TEXT,
    -- What the agent reported last: an object in JSON.
    properties    TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (domain, agent_id)
) STRICT;
INSERT INTO webtunnel_agents SELECT domain, agent_id, device_id, secret_hash, properties
    FROM webtunnel_devices;
DROP TABLE webtunnel_devices;
ALTER TABLE webtunnel_agents RENAME TO webtunnel_devices;
