-- Bytes of a day (UTC, days since 1970-01-01) by device, user and purpose.
--
-- The day leads the key: the rows of today stand together where they are written, those of one
-- day go together, and a device's are found by one step a day. No reference to devices or users:
-- what was used stays known for its time when they are gone, and one that goes while its bytes
-- wait to be written does not fail the write. A user of zeros is nobody.
CREATE TABLE data_usage (
    day               INTEGER NOT NULL,
    device_id         BLOB NOT NULL,
    user_id           BLOB NOT NULL,
    purpose           TEXT NOT NULL,
    to_device_bytes   INTEGER NOT NULL,
    from_device_bytes INTEGER NOT NULL,
    PRIMARY KEY (day, device_id, user_id, purpose)
) STRICT, WITHOUT ROWID;
