//! The importer as people run it, on dumps of a real server.
//!
//! `fleet.sql` was read into MariaDB 10.11 and written by its own mysqldump:
//!
//! ```sh
//! mysqldump --skip-dump-date --default-character-set=utf8mb4 fleet > dump.sql
//! mysqldump --skip-dump-date --default-character-set=utf8mb4 --skip-extended-insert \
//!     --complete-insert --hex-blob --skip-comments fleet > dump-by-row.sql
//! ```

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod store;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const DUMPS: [&str; 2] = ["dump.sql", "dump-by-row.sql"];

/// A server that is not running.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let config = format!(
            "public_url = \"http://adit.localhost:8080\"\ndevice_domain = \"adit.localhost\"\n\
             data_dir = {:?}\n",
            place.0.path()
        );
        std::fs::write(place.path("config.toml"), config).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_adit-server"))
            .env_clear()
            .env("ADIT_SERVER_CONFIG", self.path("config.toml"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let written = stdin.write_all(input);
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(written.is_ok() || !output.status.success());
        output
    }

    fn ok(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.run(arguments, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn import(&self, dump: &str, more: &[&str]) -> Value {
        let dump = fixture(dump);
        let arguments = [
            &["import", "webtunnel", dump.to_str().unwrap(), "--json"],
            more,
        ];
        serde_json::from_str(&self.ok(&arguments.concat(), b"")).unwrap()
    }

    async fn database(&self) -> store::Database {
        store::Database::open(&self.path("adit.db")).await
    }
}

fn fixture(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    tests.join(name)
}

fn count(report: &Value, subject: &str, outcome: &str) -> u64 {
    report["counts"][subject][outcome].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_changes_nothing() {
    for dump in DUMPS {
        let place = Place::new();
        let mut told = place.import(dump, &["--dry-run"]);
        let before = place.database().await.everything().await;
        assert!(before.iter().all(|(_, rows)| rows.is_empty()), "{before:?}");
        assert_eq!(told["dry_run"], true);
        let done = place.import(dump, &[]);
        assert_eq!(done["dry_run"], false);
        told["dry_run"] = false.into();
        assert_eq!(told, done);
    }
}

#[tokio::test]
async fn what_the_report_counts_is_there() {
    let mut reports = Vec::new();
    for dump in DUMPS {
        let place = Place::new();
        let report = place.import(dump, &[]);
        let database = place.database().await;
        let there = |table: &'static str| database.count(table);
        assert_eq!(count(&report, "domain", "imported"), 2);
        assert_eq!(there("webtunnel_domains").await, 2);
        // And the one that the command line means.
        assert_eq!(there("organizations").await, 3);
        assert_eq!(count(&report, "device", "imported"), 4);
        assert_eq!(there("devices").await, 4);
        assert_eq!(there("webtunnel_devices").await, 4);
        assert_eq!(count(&report, "user", "imported"), 2);
        assert_eq!(there("users").await, 2);
        assert_eq!(there("members").await, 3);
        assert_eq!(report["need_secret"].as_array().unwrap().len(), 4);
        assert_eq!(report["need_password"].as_array().unwrap().len(), 2);
        assert_eq!(
            database.device("pump-1").await,
            (
                "pump-1".to_owned(),
                r#"Pump 'one' "quoted" \ back; -- x"#.to_owned(),
                "North plant".to_owned()
            )
        );
        assert_eq!(
            database.organizations_of("admin").await,
            ["North plant", "Süd 🌊 plant"]
        );
        assert_eq!(database.organizations_of("ada").await, ["Süd 🌊 plant"]);
        // Nobody of the dump is let into what it makes by itself.
        assert_eq!(database.default_organization().await, "Default");
        let text = format!("{:?}", database.everything().await);
        for secret in ["canary", "0cc175b9c0f1b6a831c399e269772661"] {
            assert!(!text.contains(secret), "{secret}");
        }
        reports.push(report);
    }
    assert_eq!(reports[0], reports[1]);
}

#[tokio::test]
async fn the_second_time_changes_nothing() {
    let place = Place::new();
    place.import(DUMPS[0], &[]);
    let before = place.database().await.everything().await;
    let report = place.import(DUMPS[1], &[]);
    assert_eq!(place.database().await.everything().await, before);
    for (subject, kept) in [("domain", 2), ("device", 4), ("user", 2)] {
        assert_eq!(count(&report, subject, "imported"), 0, "{subject}");
        assert_eq!(count(&report, subject, "kept"), kept, "{subject}");
    }
}

#[tokio::test]
async fn a_dump_that_is_cut_off_changes_nothing() {
    let place = Place::new();
    let dump = std::fs::read(fixture(DUMPS[0])).unwrap();
    place.import(DUMPS[0], &["--dry-run"]);
    let before = place.database().await.everything().await;
    let last = dump.len() - "Dump completed\n".len();
    for part in [last, last / 2, last * 3 / 4, 3000] {
        let output = place.run(&["import", "webtunnel", "-"], &dump[..part]);
        assert_eq!(output.status.code(), Some(1), "{part}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("cut off") && error.contains("line "),
            "{error}"
        );
    }
    assert_eq!(place.database().await.everything().await, before);
    // A place where there was nothing has nothing now.
    let place = Place::new();
    assert_eq!(
        place
            .run(&["import", "webtunnel", "-"], b"DROP")
            .status
            .code(),
        Some(1)
    );
    assert!(!place.path("adit.db").exists());
    // The whole of it is good from standard input, too.
    place.ok(&["import", "webtunnel", "-"], &dump);
    assert_eq!(place.database().await.count("devices").await, 4);
}

#[tokio::test]
async fn who_is_here_is_kept() {
    let place = Place::new();
    let admin = ["admin", "create", "--username", "Admin", "--password-stdin"];
    place.ok(&admin, b"correct horse");
    let before = place.database().await.everything().await;
    let report = place.import(DUMPS[0], &[]);
    assert_eq!(count(&report, "user", "kept"), 1);
    let database = place.database().await;
    assert_eq!(database.organizations_of("admin").await, ["Default"]);
    let after = database.everything().await;
    let users = |tables: &[(String, Vec<String>)]| {
        tables
            .iter()
            .find(|(table, _)| table == "users")
            .unwrap()
            .1
            .clone()
    };
    assert!(
        users(&before)
            .iter()
            .all(|user| users(&after).contains(user))
    );
    assert_eq!(users(&after).len(), 2);
}
