-- Devices that are kept out until somebody lets them in again; NULL: they are not.
ALTER TABLE devices ADD COLUMN disabled_at INTEGER;
