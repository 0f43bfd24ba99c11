use proptest::prelude::*;

use super::*;

fn rows(text: &[u8]) -> Result<Vec<Row>, DumpError> {
    let mut dump = Dump::new(text, |table| table == "t");
    let mut rows = Vec::new();
    while let Some(row) = dump.next_row()? {
        rows.push(row);
    }
    Ok(rows)
}

fn values(text: &str) -> Vec<Vec<Value>> {
    let rows = rows(text.as_bytes()).unwrap();
    rows.into_iter().map(|row| row.values).collect()
}

fn bytes(text: &[u8]) -> Value {
    Value::Bytes(text.to_vec())
}

#[test]
fn literals() {
    for (literal, expected) in [
        ("NULL", Value::Null),
        ("null", Value::Null),
        ("-1.5e3", Value::Number("-1.5e3".into())),
        ("TRUE", Value::Number("1".into())),
        ("'it''s'", bytes(b"it's")),
        (
            r"'it\'s \\ \n\r\t\0\Z\b\x'",
            bytes(b"it's \\ \n\r\t\0\x1a\x08x"),
        ),
        (r"'50\% \_'", bytes(br"50\% \_")),
        (r#""a""b'c""#, bytes(b"a\"b'c")),
        ("'; -- /* # ('", bytes(b"; -- /* # (")),
        ("'\u{1f600}\nä'", bytes("\u{1f600}\nä".as_bytes())),
        ("0xC3A4", bytes(&[0xc3, 0xa4])),
        ("0xABC", bytes(&[0x0a, 0xbc])),
        ("X'4142'", bytes(b"AB")),
        ("b'101'", bytes(&[5])),
        ("_binary 'a'", bytes(b"a")),
        ("_utf8mb4 0x41", bytes(b"A")),
        ("''", bytes(b"")),
    ] {
        let text = format!("INSERT INTO t (a, b) VALUES ({literal}, 1);");
        let read = values(&text);
        assert_eq!(
            read,
            [vec![expected, Value::Number("1".into())]],
            "{literal}"
        );
    }
    for literal in ["NOW()", "a", "", "(1)", "'a' 'b'", "1 2", "_a _b 'c'", "@x"] {
        let text = format!("\nINSERT INTO t (a) VALUES ({literal});");
        let error = rows(text.as_bytes()).unwrap_err();
        assert!(
            error.to_string().starts_with("line 2: "),
            "{literal}: {error}"
        );
    }
}

#[test]
fn what_mysqldump_writes_around_the_rows() {
    let text = "/*M!999999\\- enable the sandbox mode */ \n\
        -- MariaDB dump 10.19  Distrib 11.8\n--\n-- don't; (\n\
        /*!40101 SET NAMES utf8mb4 */;\n# another's\n\
        DROP TABLE IF EXISTS `t`;\n\
        CREATE TABLE `t` (\n  `Id` varchar(8) NOT NULL DEFAULT '),(',\n\
          `key` enum('a,b','c') COMMENT 'it''s', plain decimal(10,2) /*!80023 INVISIBLE */,\n\
          PRIMARY KEY (`Id`),\n  UNIQUE KEY `k` (`key`,`plain`), KEY x (plain)\n\
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n\
        LOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n\
        INSERT INTO `db`.`t` VALUES ('a','b',1),\n('c',NULL,2);\n\
        INSERT IGNORE INTO t (`plain`, id) VALUES (3,'d') ON DUPLICATE KEY UPDATE x = ';';\n\
        INSERT INTO other VALUES (NOW(), ';', \"it's\");\n\
        REPLACE INTO t VALUE ('e','f',4);\n\
        UNLOCK TABLES;\nDELIMITER ;;\n\
        /*!50003 CREATE*/ /*!50003 TRIGGER x AFTER DELETE ON t FOR EACH ROW BEGIN\n\
        DELETE FROM y WHERE z = CONCAT(';', old.id); END */;;\n\
        CREATE TRIGGER w BEGIN INSERT INTO t VALUES ('no','no',0); END;;\nDELIMITER ;\n\
        -- Dump completed on 2026-11-23\n";
    let read = rows(text.as_bytes()).unwrap();
    let ids: Vec<_> = read
        .iter()
        .map(|row| {
            let id = row.columns.iter().position(|column| column == "id");
            (row.columns.len(), row.values[id.unwrap()].clone())
        })
        .collect();
    let id = |columns, id: &[u8]| (columns, bytes(id));
    assert_eq!(ids, [id(3, b"a"), id(3, b"c"), id(2, b"d"), id(3, b"e")]);
    assert_eq!(&*read[0].columns, ["id", "key", "plain"]);

    let mut dump = Dump::new(text.as_bytes(), |table| table == "t");
    while dump.next_row().unwrap().is_some() {}
    assert!(dump.others().iter().eq(["other"]));
    assert_eq!(dump.made().count(), 1);
}

#[test]
fn a_dump_cut_off_anywhere_is_not_read() {
    let text = "-- MySQL dump 10.13\nCREATE TABLE t (a int, b text);\n\
        INSERT INTO t VALUES (1,'a'),(2,'b;');\nDROP TABLE x;\n-- Dump completed\n";
    assert_eq!(values(text).len(), 2);
    let last = text.find("-- Dump completed").unwrap() + "-- Dump completed".len();
    // Before its first line is whole nobody can know that it was one of these dumps.
    for end in "-- MySQL dump ".len()..last {
        assert!(
            rows(&text.as_bytes()[..end]).is_err(),
            "{end}: {}",
            &text[..end]
        );
    }
    // Two of them in one file, of which the second is not whole.
    let two = format!("{text}-- MySQL dump 10.13\n");
    assert!(
        rows(two.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("Dump completed")
    );
}

#[test]
fn what_is_not_as_it_must_be_is_told_with_its_line() {
    for (text, expected) in [
        (
            "\n\nINSERT INTO t VALUES (1);",
            "line 3: rows without names",
        ),
        ("INSERT INTO t (a) VALUES\n(1,2);", "line 2: a row has more"),
        ("INSERT INTO t (a,b) VALUES\n(1);", "line 2: a row has more"),
        (
            "INSERT INTO t (a) SELECT 1;",
            "line 1: an INSERT that has no VALUES",
        ),
        (
            "INSERT INTO t (a b) VALUES (1);",
            "line 1: a list of columns",
        ),
        (
            "CREATE TABLE t (a int);\nCREATE TABLE t (a int);",
            "line 2: the table t is there twice",
        ),
        ("\u{feff}INSERT INTO t (a) VALUES (1,);", "line 1: "),
        ("DELIMITER \n", "line 2: no delimiter"),
    ] {
        let error = rows(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    for (text, expected) in [
        (&b"\xff\xfeI\0"[..], "UTF-16"),
        (b"\x1f\x8b\x08\0", "gunzip"),
    ] {
        let error = rows(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_row_is_bounded_and_a_statement_is_not() {
    let long = "x".repeat(ROW_MAX_BYTES + 1);
    let text = format!("INSERT INTO t (a) VALUES ('{long}');");
    assert!(
        rows(text.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("4 MiB")
    );
    let text = format!("INSERT INTO other VALUES ('{long}'); INSERT INTO t (a) VALUES (1);");
    assert_eq!(rows(text.as_bytes()).unwrap().len(), 1);
    let many = vec!["('x')"; 200_000].join(",");
    let text = format!("INSERT INTO t (a) VALUES {many};");
    assert_eq!(rows(text.as_bytes()).unwrap().len(), 200_000);
}

/// As `mysql_real_escape_string` does it.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in text {
        match byte {
            0 => escaped.extend(br"\0"),
            b'\n' => escaped.extend(br"\n"),
            b'\r' => escaped.extend(br"\r"),
            0x1a => escaped.extend(br"\Z"),
            b'\'' | b'"' | b'\\' => escaped.extend([b'\\', *byte]),
            _ => escaped.push(*byte),
        }
    }
    escaped
}

proptest! {
    #[test]
    fn any_bytes_never_panic(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = rows(&text);
    }

    #[test]
    fn any_words_of_sql_never_panic(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "INSERT ", "INTO ", "t ", "CREATE ", "TABLE ", "VALUES ", "(", ")", ",", ";", "'", "\"",
            "`", "\\", "--", " ", "\n", "/*", "*/", "0x", "1", "NULL", "_x ", "DELIMITER ", "//",
            "t(a,b) ", "\u{e4}", "#",
        ]), 0..60,
    )) {
        let _ = rows(words.concat().as_bytes());
    }

    #[test]
    fn any_value_is_read_as_it_was(value in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut text = b"INSERT INTO t (a) VALUES ('".to_vec();
        text.extend(escaped(&value));
        text.extend(b"');");
        let read = rows(&text).unwrap();
        prop_assert_eq!(&read[0].values, &[Value::Bytes(value)]);
    }
}
