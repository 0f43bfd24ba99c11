/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: fleet
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `auth_role`
--

DROP TABLE IF EXISTS `auth_role`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_role` (
  `rolename` varchar(64) NOT NULL,
  PRIMARY KEY (`rolename`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `auth_role`
--

LOCK TABLES `auth_role` WRITE;
/*!40000 ALTER TABLE `auth_role` DISABLE KEYS */;
INSERT INTO `auth_role` VALUES
('powerUser'),
('reflectorAdmin'),
('systemAdmin'),
('user');
/*!40000 ALTER TABLE `auth_role` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `auth_role_permissions`
--

DROP TABLE IF EXISTS `auth_role_permissions`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_role_permissions` (
  `rolename` varchar(64) NOT NULL,
  `permission` varchar(64) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `auth_role_permissions`
--

LOCK TABLES `auth_role_permissions` WRITE;
/*!40000 ALTER TABLE `auth_role_permissions` DISABLE KEYS */;
INSERT INTO `auth_role_permissions` VALUES
('systemAdmin','bundleAdmin'),
('systemAdmin','authAdmin'),
('reflectorAdmin','reflector.device:*'),
('reflectorAdmin','reflector.domain:*'),
('reflectorAdmin','reflector.device.*'),
('reflectorAdmin','domainAdmin'),
('reflectorAdmin','tenantAdmin'),
('powerUser','reflector.device.*');
/*!40000 ALTER TABLE `auth_role_permissions` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `auth_user`
--

DROP TABLE IF EXISTS `auth_user`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_user` (
  `username` varchar(64) NOT NULL,
  `password` varchar(64) NOT NULL,
  `tenant` varchar(64) DEFAULT NULL,
  `domain` varchar(64) DEFAULT NULL,
  `firstName` varchar(64) DEFAULT NULL,
  `lastName` varchar(64) DEFAULT NULL,
  `organization` varchar(64) DEFAULT NULL,
  `email` varchar(256) DEFAULT NULL,
  `tags` varchar(256) DEFAULT NULL,
  `lastLogin` varchar(32) DEFAULT NULL,
  `createdBy` varchar(64) DEFAULT NULL,
  `created` varchar(32) DEFAULT NULL,
  PRIMARY KEY (`username`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `auth_user`
--

LOCK TABLES `auth_user` WRITE;
/*!40000 ALTER TABLE `auth_user` DISABLE KEYS */;
INSERT INTO `auth_user` VALUES
('Ada','92eb5ffee6ae2fec3ad71c777531578f',NULL,'22222222-2222-4222-8222-222222222222','Ada','O\'Hara','Süd AG','ada@süd.example','x','2026-11-20','admin','2024-01-01'),
('admin','0cc175b9c0f1b6a831c399e269772661',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
('bob','4a8a08f09d37b73795649038408b5f33',NULL,NULL,'Bob',NULL,NULL,NULL,NULL,NULL,NULL,NULL),
('carol','8277e0910d750195b448797616e091ad',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
('dave the great','e1671797c52e15f763380b45e841ec32',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `auth_user` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `auth_user_attributes`
--

DROP TABLE IF EXISTS `auth_user_attributes`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_user_attributes` (
  `username` varchar(64) NOT NULL,
  `attribute` varchar(64) NOT NULL,
  `value` varchar(4096) NOT NULL,
  UNIQUE KEY `attribute_once` (`username`,`attribute`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `auth_user_attributes`
--

LOCK TABLES `auth_user_attributes` WRITE;
/*!40000 ALTER TABLE `auth_user_attributes` DISABLE KEYS */;
INSERT INTO `auth_user_attributes` VALUES
('Ada','totpSecret','attribute-canary-c0ffee');
/*!40000 ALTER TABLE `auth_user_attributes` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `auth_user_permissions`
--

DROP TABLE IF EXISTS `auth_user_permissions`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_user_permissions` (
  `username` varchar(64) NOT NULL,
  `permission` varchar(64) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `auth_user_permissions`
--

LOCK TABLES `auth_user_permissions` WRITE;
/*!40000 ALTER TABLE `auth_user_permissions` DISABLE KEYS */;
INSERT INTO `auth_user_permissions` VALUES
('Ada','reflector.domain:22222222-2222-4222-8222-222222222222'),
('Ada','reflector.device.*'),
('Ada','domainAdmin'),
('Ada','reflector.user.*'),
('bob','reflector.domain:11111111-1111-4111-8111-111111111111'),
('carol','reflector.device:pump-1');
/*!40000 ALTER TABLE `auth_user_permissions` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `auth_user_roles`
--

DROP TABLE IF EXISTS `auth_user_roles`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_user_roles` (
  `username` varchar(64) NOT NULL,
  `rolename` varchar(64) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `auth_user_roles`
--

LOCK TABLES `auth_user_roles` WRITE;
/*!40000 ALTER TABLE `auth_user_roles` DISABLE KEYS */;
INSERT INTO `auth_user_roles` VALUES
('admin','systemAdmin'),
('admin','reflectorAdmin'),
('bob','powerUser'),
('dave the great','reflectorAdmin');
/*!40000 ALTER TABLE `auth_user_roles` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Temporary table structure for view `names`
--

DROP TABLE IF EXISTS `names`;
/*!50001 DROP VIEW IF EXISTS `names`*/;
SET @saved_cs_client     = @@character_set_client;
SET character_set_client = utf8mb4;
/*!50001 CREATE VIEW `names` AS SELECT
 NULL AS `id`,
 NULL AS `name` */;
SET character_set_client = @saved_cs_client;

--
-- Table structure for table `pictures`
--

DROP TABLE IF EXISTS `pictures`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `pictures` (
  `id` int(11) NOT NULL,
  `bytes` blob DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `pictures`
--

LOCK TABLES `pictures` WRITE;
/*!40000 ALTER TABLE `pictures` DISABLE KEYS */;
INSERT INTO `pictures` VALUES
(1,'\0\'\"\\\n;-- ');
/*!40000 ALTER TABLE `pictures` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `reflector_device`
--

DROP TABLE IF EXISTS `reflector_device`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reflector_device` (
  `id` varchar(48) NOT NULL,
  `name` varchar(128) DEFAULT NULL,
  `description` varchar(1024) DEFAULT NULL,
  `tags` varchar(256) DEFAULT NULL,
  `type` varchar(64) DEFAULT NULL,
  `version` varchar(32) DEFAULT NULL,
  `parent` varchar(48) DEFAULT NULL,
  `server` varchar(64) DEFAULT NULL,
  `online` tinyint(1) DEFAULT NULL,
  `protocol` varchar(16) DEFAULT NULL,
  `lastConnect` varchar(32) DEFAULT NULL,
  `host` varchar(64) DEFAULT NULL,
  `port` varchar(8) DEFAULT NULL,
  `domain` varchar(48) DEFAULT NULL,
  `userAgent` varchar(256) DEFAULT NULL,
  `hashedPassword` varchar(64) DEFAULT NULL,
  `createdBy` varchar(64) DEFAULT NULL,
  `created` varchar(32) DEFAULT NULL,
  `category` varchar(256) DEFAULT NULL,
  `site` varchar(256) DEFAULT NULL,
  `serial` varbinary(48) DEFAULT NULL COMMENT 'bytes, so that a dump may have them in hexadecimal; (a, b)',
  `bytesTx` bigint(20) DEFAULT NULL,
  `bytesRx` bigint(20) DEFAULT NULL,
  `connects` bigint(20) DEFAULT NULL,
  `color` enum('red','a,b)') DEFAULT 'red',
  PRIMARY KEY (`id`),
  KEY `by_site` (`site`),
  KEY `domain` (`domain`),
  CONSTRAINT `reflector_device_ibfk_1` FOREIGN KEY (`domain`) REFERENCES `reflector_domain` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reflector_device`
--

LOCK TABLES `reflector_device` WRITE;
/*!40000 ALTER TABLE `reflector_device` DISABLE KEYS */;
INSERT INTO `reflector_device` VALUES
('lonely','No domain',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'x',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'red'),
('pump-1','Pump \'one\' \"quoted\" \\ back; -- x','line 1\nline 2','wet','pump','1.2.3',NULL,NULL,1,NULL,'2026-11-01 10:00:00',NULL,NULL,'11111111-1111-4111-8111-111111111111',NULL,'device-canary-c0ffee',NULL,NULL,NULL,NULL,'\0�\'\"\\\n',9223372036854775807,NULL,12,'red'),
('pump-2',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'11111111-1111-4111-8111-111111111111',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'red'),
('stray','Domain left out',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'not-a-uuid',NULL,'x',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'red'),
('valve-1','🚰 Ventil',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'22222222-2222-4222-8222-222222222222',NULL,'x',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'red'),
('valve-2-with-an-id-that-is-too-long-for-a-label','Long',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'22222222-2222-4222-8222-222222222222',NULL,'x',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'red'),
('Valve_3','Bad id',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'22222222-2222-4222-8222-222222222222',NULL,'x',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'red');
/*!40000 ALTER TABLE `reflector_device` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER forget_device AFTER DELETE ON reflector_device FOR EACH ROW
BEGIN
  DELETE FROM auth_user_permissions WHERE permission = CONCAT('reflector.device:', old.id);
  INSERT INTO reflector_systemprop VALUES ('last;deleted', old.id);
END 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;

--
-- Table structure for table `reflector_deviceprop`
--

DROP TABLE IF EXISTS `reflector_deviceprop`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reflector_deviceprop` (
  `device` varchar(48) NOT NULL,
  `name` varchar(64) NOT NULL,
  `value` varchar(4096) DEFAULT NULL,
  UNIQUE KEY `property_once` (`device`,`name`),
  CONSTRAINT `reflector_deviceprop_ibfk_1` FOREIGN KEY (`device`) REFERENCES `reflector_device` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reflector_deviceprop`
--

LOCK TABLES `reflector_deviceprop` WRITE;
/*!40000 ALTER TABLE `reflector_deviceprop` DISABLE KEYS */;
INSERT INTO `reflector_deviceprop` VALUES
('lonely','a','1'),
('pump-1','empty',''),
('pump-1','long','xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'),
('pump-1','note','two\nlines	and a \0 byte'),
('pump-1','null',NULL),
('pump-1','place','Halle 3, \"links\", it\'s \\ ok 🙂'),
('pump-1','sshPort','22');
/*!40000 ALTER TABLE `reflector_deviceprop` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `reflector_domain`
--

DROP TABLE IF EXISTS `reflector_domain`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reflector_domain` (
  `id` varchar(48) NOT NULL,
  `name` varchar(128) DEFAULT NULL,
  `description` varchar(1024) DEFAULT NULL,
  `tags` varchar(256) DEFAULT NULL,
  `createdBy` varchar(64) DEFAULT NULL,
  `created` varchar(32) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reflector_domain`
--

LOCK TABLES `reflector_domain` WRITE;
/*!40000 ALTER TABLE `reflector_domain` DISABLE KEYS */;
INSERT INTO `reflector_domain` VALUES
('11111111-1111-4111-8111-111111111111','North plant','It\'s \"north\"; \\ (1), /* x */','a,b','admin','2024-05-01T10:00:00Z'),
('22222222-2222-4222-8222-222222222222','Süd 🌊\nplant',NULL,'',NULL,NULL),
('not-a-uuid','Old',NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `reflector_domain` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `reflector_domainprop`
--

DROP TABLE IF EXISTS `reflector_domainprop`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reflector_domainprop` (
  `domain` varchar(48) NOT NULL,
  `name` varchar(64) NOT NULL,
  `value` varchar(4096) DEFAULT NULL,
  KEY `domain` (`domain`),
  CONSTRAINT `reflector_domainprop_ibfk_1` FOREIGN KEY (`domain`) REFERENCES `reflector_domain` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reflector_domainprop`
--

LOCK TABLES `reflector_domainprop` WRITE;
/*!40000 ALTER TABLE `reflector_domainprop` DISABLE KEYS */;
INSERT INTO `reflector_domainprop` VALUES
('11111111-1111-4111-8111-111111111111','devicePassword','domain-canary-c0ffee');
/*!40000 ALTER TABLE `reflector_domainprop` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `reflector_systemprop`
--

DROP TABLE IF EXISTS `reflector_systemprop`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reflector_systemprop` (
  `name` varchar(64) NOT NULL,
  `value` varchar(1024) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reflector_systemprop`
--

LOCK TABLES `reflector_systemprop` WRITE;
/*!40000 ALTER TABLE `reflector_systemprop` DISABLE KEYS */;
INSERT INTO `reflector_systemprop` VALUES
('schemaVersion','9'),
('motd',NULL);
/*!40000 ALTER TABLE `reflector_systemprop` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `reflector_tenant`
--

DROP TABLE IF EXISTS `reflector_tenant`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reflector_tenant` (
  `id` varchar(48) NOT NULL,
  `name` varchar(128) DEFAULT NULL,
  `description` varchar(1024) DEFAULT NULL,
  `tags` varchar(256) DEFAULT NULL,
  `createdBy` varchar(64) DEFAULT NULL,
  `created` varchar(32) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reflector_tenant`
--

LOCK TABLES `reflector_tenant` WRITE;
/*!40000 ALTER TABLE `reflector_tenant` DISABLE KEYS */;
INSERT INTO `reflector_tenant` VALUES
('t-1','Tenant',NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `reflector_tenant` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `reflector_tenantprop`
--

DROP TABLE IF EXISTS `reflector_tenantprop`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reflector_tenantprop` (
  `tenant` varchar(48) NOT NULL,
  `name` varchar(64) NOT NULL,
  `value` varchar(4096) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reflector_tenantprop`
--

LOCK TABLES `reflector_tenantprop` WRITE;
/*!40000 ALTER TABLE `reflector_tenantprop` DISABLE KEYS */;
INSERT INTO `reflector_tenantprop` VALUES
('t-1','quota','5');
/*!40000 ALTER TABLE `reflector_tenantprop` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Final view structure for view `names`
--

/*!50001 DROP VIEW IF EXISTS `names`*/;
/*!50001 SET @saved_cs_client          = @@character_set_client */;
/*!50001 SET @saved_cs_results         = @@character_set_results */;
/*!50001 SET @saved_col_connection     = @@collation_connection */;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 SET character_set_results     = utf8mb4 */;
/*!50001 SET collation_connection      = utf8mb4_general_ci */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `names` AS select `reflector_device`.`id` AS `id`,`reflector_device`.`name` AS `name` from `reflector_device` */;
/*!50001 SET character_set_client      = @saved_cs_client */;
/*!50001 SET character_set_results     = @saved_cs_results */;
/*!50001 SET collation_connection      = @saved_col_connection */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed
