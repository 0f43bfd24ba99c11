-- A small fleet with odd values, from which the dumps beside this file were made.
CREATE TABLE auth_user (
  username VARCHAR(64) NOT NULL PRIMARY KEY, password VARCHAR(64) NOT NULL, tenant VARCHAR(64),
  domain VARCHAR(64), firstName VARCHAR(64), lastName VARCHAR(64), organization VARCHAR(64),
  email VARCHAR(256), tags VARCHAR(256), lastLogin VARCHAR(32), createdBy VARCHAR(64),
  created VARCHAR(32));
CREATE TABLE auth_role (rolename VARCHAR(64) PRIMARY KEY);
CREATE TABLE auth_user_roles (username VARCHAR(64) NOT NULL, rolename VARCHAR(64) NOT NULL);
CREATE TABLE auth_user_permissions (username VARCHAR(64) NOT NULL, permission VARCHAR(64) NOT NULL);
CREATE TABLE auth_role_permissions (rolename VARCHAR(64) NOT NULL, permission VARCHAR(64) NOT NULL);
CREATE TABLE auth_user_attributes (
  username VARCHAR(64) NOT NULL, attribute VARCHAR(64) NOT NULL, value VARCHAR(4096) NOT NULL,
  UNIQUE KEY attribute_once (username, attribute));
CREATE TABLE reflector_systemprop (name VARCHAR(64) NOT NULL, value VARCHAR(1024));
CREATE TABLE reflector_domain (
  id VARCHAR(48) NOT NULL PRIMARY KEY, name VARCHAR(128), description VARCHAR(1024),
  tags VARCHAR(256), createdBy VARCHAR(64), created VARCHAR(32));
CREATE TABLE reflector_domainprop (
  domain VARCHAR(48) NOT NULL, name VARCHAR(64) NOT NULL, value VARCHAR(4096),
  FOREIGN KEY (domain) REFERENCES reflector_domain (id) ON DELETE CASCADE);
CREATE TABLE reflector_tenant (
  id VARCHAR(48) NOT NULL PRIMARY KEY, name VARCHAR(128), description VARCHAR(1024),
  tags VARCHAR(256), createdBy VARCHAR(64), created VARCHAR(32));
CREATE TABLE reflector_tenantprop (
  tenant VARCHAR(48) NOT NULL, name VARCHAR(64) NOT NULL, value VARCHAR(4096));
CREATE TABLE reflector_device (
  id VARCHAR(48) NOT NULL PRIMARY KEY, name VARCHAR(128), description VARCHAR(1024),
  tags VARCHAR(256), type VARCHAR(64), version VARCHAR(32), parent VARCHAR(48), server VARCHAR(64),
  online BOOLEAN, protocol VARCHAR(16), lastConnect VARCHAR(32), host VARCHAR(64), port VARCHAR(8),
  domain VARCHAR(48), userAgent VARCHAR(256), hashedPassword VARCHAR(64), createdBy VARCHAR(64),
  created VARCHAR(32), category VARCHAR(256), site VARCHAR(256),
  serial VARBINARY(48) COMMENT 'bytes, so that a dump may have them in hexadecimal; (a, b)',
  bytesTx BIGINT, bytesRx BIGINT, connects BIGINT, color ENUM('red','a,b)') DEFAULT 'red',
  KEY by_site (site), FOREIGN KEY (domain) REFERENCES reflector_domain (id) ON DELETE CASCADE);
CREATE TABLE reflector_deviceprop (
  device VARCHAR(48) NOT NULL, name VARCHAR(64) NOT NULL, value VARCHAR(4096),
  UNIQUE KEY property_once (device, name),
  FOREIGN KEY (device) REFERENCES reflector_device (id) ON DELETE CASCADE);
CREATE TABLE pictures (id INT PRIMARY KEY, bytes BLOB);
DELIMITER //
CREATE TRIGGER forget_device AFTER DELETE ON reflector_device FOR EACH ROW
BEGIN
  DELETE FROM auth_user_permissions WHERE permission = CONCAT('reflector.device:', old.id);
  INSERT INTO reflector_systemprop VALUES ('last;deleted', old.id);
END//
DELIMITER ;
CREATE VIEW names AS SELECT id, name FROM reflector_device;

INSERT INTO reflector_systemprop VALUES ('schemaVersion', '9'), ('motd', NULL);
INSERT INTO reflector_domain VALUES
  ('11111111-1111-4111-8111-111111111111', 'North plant', 'It''s "north"; \\ (1), /* x */', 'a,b',
   'admin', '2024-05-01T10:00:00Z'),
  ('22222222-2222-4222-8222-222222222222', 'Süd 🌊\nplant', NULL, '', NULL, NULL),
  ('not-a-uuid', 'Old', NULL, NULL, NULL, NULL);
INSERT INTO reflector_domainprop VALUES
  ('11111111-1111-4111-8111-111111111111', 'devicePassword', 'domain-canary-c0ffee');
INSERT INTO reflector_tenant VALUES ('t-1', 'Tenant', NULL, NULL, NULL, NULL);
INSERT INTO reflector_tenantprop VALUES ('t-1', 'quota', '5');
INSERT INTO reflector_device
  (id, name, description, tags, type, version, online, lastConnect, domain, hashedPassword, serial,
   bytesTx, connects) VALUES
  ('pump-1', 'Pump ''one'' "quoted" \\ back; -- x', 'line 1\nline 2', 'wet', 'pump', '1.2.3', 1,
   '2026-11-01 10:00:00', '11111111-1111-4111-8111-111111111111', 'device-canary-c0ffee',
   x'00ff27225c0a', 9223372036854775807, 12),
  ('pump-2', NULL, NULL, NULL, NULL, NULL, 0, NULL, '11111111-1111-4111-8111-111111111111', NULL,
   NULL, NULL, NULL),
  ('valve-1', '🚰 Ventil', NULL, NULL, NULL, NULL, NULL, NULL,
   '22222222-2222-4222-8222-222222222222', 'x', NULL, NULL, NULL),
  ('valve-2-with-an-id-that-is-too-long-for-a-label', 'Long', NULL, NULL, NULL, NULL, NULL, NULL,
   '22222222-2222-4222-8222-222222222222', 'x', NULL, NULL, NULL),
  ('Valve_3', 'Bad id', NULL, NULL, NULL, NULL, NULL, NULL,
   '22222222-2222-4222-8222-222222222222', 'x', NULL, NULL, NULL),
  ('lonely', 'No domain', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'x', NULL, NULL, NULL),
  ('stray', 'Domain left out', NULL, NULL, NULL, NULL, NULL, NULL, 'not-a-uuid', 'x', NULL, NULL,
   NULL);
INSERT INTO reflector_deviceprop VALUES
  ('pump-1', 'sshPort', '22'), ('pump-1', 'place', 'Halle 3, "links", it''s \\ ok 🙂'),
  ('pump-1', 'note', 'two\nlines\tand a \0 byte'), ('pump-1', 'empty', ''), ('pump-1', 'null', NULL),
  ('pump-1', 'long', REPEAT('x', 2000)), ('lonely', 'a', '1');
INSERT INTO auth_role VALUES ('systemAdmin'), ('reflectorAdmin'), ('powerUser'), ('user');
INSERT INTO auth_role_permissions VALUES
  ('systemAdmin', 'bundleAdmin'), ('systemAdmin', 'authAdmin'),
  ('reflectorAdmin', 'reflector.device:*'), ('reflectorAdmin', 'reflector.domain:*'),
  ('reflectorAdmin', 'reflector.device.*'), ('reflectorAdmin', 'domainAdmin'),
  ('reflectorAdmin', 'tenantAdmin'), ('powerUser', 'reflector.device.*');
INSERT INTO auth_user VALUES
  ('admin', '0cc175b9c0f1b6a831c399e269772661', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL),
  ('Ada', '92eb5ffee6ae2fec3ad71c777531578f', NULL, '22222222-2222-4222-8222-222222222222', 'Ada',
   'O''Hara', 'Süd AG', 'ada@süd.example', 'x', '2026-11-20', 'admin', '2024-01-01'),
  ('bob', '4a8a08f09d37b73795649038408b5f33', NULL, NULL, 'Bob', NULL, NULL, NULL, NULL, NULL, NULL,
   NULL),
  ('carol', '8277e0910d750195b448797616e091ad', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL),
  ('dave the great', 'e1671797c52e15f763380b45e841ec32', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL);
INSERT INTO auth_user_roles VALUES
  ('admin', 'systemAdmin'), ('admin', 'reflectorAdmin'), ('bob', 'powerUser'),
  ('dave the great', 'reflectorAdmin');
INSERT INTO auth_user_permissions VALUES
  ('Ada', 'reflector.domain:22222222-2222-4222-8222-222222222222'), ('Ada', 'reflector.device.*'),
  ('Ada', 'domainAdmin'), ('Ada', 'reflector.user.*'),
  ('bob', 'reflector.domain:11111111-1111-4111-8111-111111111111'),
  ('carol', 'reflector.device:pump-1');
INSERT INTO auth_user_attributes VALUES ('Ada', 'totpSecret', 'attribute-canary-c0ffee');
INSERT INTO pictures VALUES (1, x'0027225c0a3b2d2d20');
