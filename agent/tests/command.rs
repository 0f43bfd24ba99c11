//! The command as people run it.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adit-agent"))
        .args(arguments)
        .env_remove("ADIT_AGENT_CONFIG")
        .env_remove("ADIT_INSTALL_KEY")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_missing_file_is_named() {
    let output = run(&["run", "--config", "/nowhere/agent.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("/nowhere/agent.toml"),
        "{}",
        said(&output)
    );
}

#[test]
fn s29_plain_http_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    let path = path.to_str().unwrap();
    let output = run(&[
        "enroll",
        "--server",
        "http://adit.example",
        "--key",
        "secret",
        "--config",
        path,
    ]);
    assert!(!output.status.success());
    assert!(
        said(&output).contains("plain http is refused"),
        "{}",
        said(&output)
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_failed_enrolment_leaves_the_file_alone_and_the_install_key_unsaid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server = format!("http://localhost:{port}");
    let output = run(&[
        "enroll",
        "--server",
        &server,
        "--key",
        "install-secret",
        "--config",
        path.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no connection"), "{}", said(&output));
    assert!(
        !said(&output).contains("install-secret"),
        "{}",
        said(&output)
    );
    assert!(!path.exists());
}

#[test]
fn help_does_not_tell_the_install_key() {
    let output = Command::new(env!("CARGO_BIN_EXE_adit-agent"))
        .args(["enroll", "--help"])
        .env("ADIT_INSTALL_KEY", "install-secret")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(!said(&output).contains("install-secret"));
}
