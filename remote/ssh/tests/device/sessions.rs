//! Signing in with keys, and the shell.

use remote_messages::ssh::{Ended, KeyFault, SignIn, Size, ToPage, ToWorker};

use crate::client::Client;
use crate::server::{PASSWORD, Server, USER, stranger};

const ED25519: &[&str] = &["ed25519"];

/// The sign-in that is asked for; only keys are taken.
fn asks_for_key(refused: bool) -> ToPage {
    ToPage::SignIn(SignIn {
        password: false,
        key: true,
        refused,
        prompts: None,
    })
}

pub(crate) async fn signed_in(server: &Server) -> Client {
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    assert!(matches!(client.told().await, ToPage::SignIn(_)));
    client.key(&server.key, None);
    assert_eq!(client.told().await, ToPage::Shell, "{}", server.log());
    // One prompt and no echo, whatever shell the account has.
    client.type_text("exec env PS1='$ ' sh\nstty -echo\necho rea''dy\n");
    client.see("ready").await;
    client
}

async fn runs_a_shell(server: &Server) {
    let client = signed_in(server).await;
    client.type_text("echo $TERM; stty size\n");
    client.see("xterm-256color").await;
    client.see("30 100").await;
    let size = Size {
        columns: 132,
        rows: 43,
    };
    client.say(ToWorker::Resize(size));
    // The window change is a message of its own and may come after what was typed next.
    client
        .type_text("while [ \"$(stty size)\" != '43 132' ]; do sleep 0.05; done; echo resi''zed\n");
    client.see("resized").await;
    client.type_text("exit 7\n");
    let ended = client.ended().await;
    let exit = Ended::Exit {
        status: Some(7),
        signal: None,
    };
    assert_eq!(ended, exit, "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_on_openssh() {
    runs_a_shell(&Server::openssh(ED25519, "").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_on_dropbear() {
    runs_a_shell(&Server::dropbear().await).await;
}

async fn takes_a_password(server: &Server) {
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    let ToPage::SignIn(first) = client.told().await else {
        panic!("signing in comes first");
    };
    assert!(first.password && first.key && !first.refused);
    for (password, refused) in [("wrong", true), (PASSWORD, false)] {
        client.say(ToWorker::Password {
            password: password.to_owned(),
        });
        match client.told().await {
            ToPage::SignIn(again) => assert!(refused && again.refused, "{}", server.log()),
            told => assert!(!refused && told == ToPage::Shell, "{told:?}"),
        }
    }
    client.say(ToWorker::Close);
    client.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_on_openssh() {
    let more = "PasswordAuthentication yes";
    takes_a_password(&Server::openssh(ED25519, more).await).await;
    // Keyboard-interactive is offered too, and nobody is behind it without PAM.
    let more = "PasswordAuthentication yes\nKbdInteractiveAuthentication yes";
    takes_a_password(&Server::openssh(ED25519, more).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_on_dropbear() {
    takes_a_password(&Server::dropbear().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_ends_the_shell_is_told() {
    let server = Server::openssh(ED25519, "").await;
    let client = signed_in(&server).await;
    client.type_text("kill -KILL $$\n");
    let ended = client.ended().await;
    assert!(
        matches!(&ended, Ended::Exit { signal: Some(name), .. } if name == "KILL"),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_ends_it() {
    let server = Server::openssh(ED25519, "").await;
    let client = signed_in(&server).await;
    client.say(ToWorker::Close);
    assert_eq!(client.ended().await, Ended::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_closes_is_told() {
    let server = Server::openssh(ED25519, "").await;
    let client = signed_in(&server).await;
    // The process that serves this connection.
    client.type_text("kill -KILL $PPID\n");
    let ended = client.ended().await;
    let text = String::new();
    assert_eq!(ended, Ended::Disconnected { text });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_and_another_may_follow() {
    let server = Server::openssh(ED25519, "").await;
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    assert_eq!(client.told().await, asks_for_key(false));
    client.key(&stranger().0, None);
    assert_eq!(client.told().await, asks_for_key(true));
    client.key(&server.key, None);
    assert_eq!(client.told().await, ToPage::Shell);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_tries_are_the_end() {
    let server = Server::openssh(ED25519, "MaxAuthTries 2").await;
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    assert_eq!(client.told().await, asks_for_key(false));
    client.key(&stranger().0, None);
    assert_eq!(client.told().await, asks_for_key(true));
    client.key(&stranger().0, None);
    assert_eq!(client.ended().await, Ended::SignInRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_format_sign_in() {
    let server = Server::openssh(ED25519, "").await;
    let kinds: &[(&str, &[&str], Option<&str>)] = &[
        ("rsa", &["-t", "rsa", "-b", "2048", "-N", ""], None),
        ("ecdsa", &["-t", "ecdsa", "-b", "384", "-N", ""], None),
        (
            "openssh-encrypted",
            &["-t", "ed25519", "-N", "secret"],
            Some("secret"),
        ),
        (
            "pkcs1",
            &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""],
            None,
        ),
        (
            "pkcs8",
            &["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""],
            None,
        ),
        (
            "pkcs8-encrypted",
            &["-t", "ecdsa", "-m", "PKCS8", "-N", "secret"],
            Some("secret"),
        ),
        (
            "pkcs1-encrypted",
            &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"],
            Some("secret"),
        ),
        ("sec1", &["-t", "ecdsa", "-m", "PEM", "-N", ""], None),
    ];
    for (name, words, passphrase) in kinds {
        let key = server.another_key(name, words);
        let client = Client::connect(server.port, USER, &server.host_keys).await;
        assert_eq!(client.told().await, asks_for_key(false), "{name}");
        if passphrase.is_some() {
            client.key(&key, None);
            let fault = ToPage::KeyUnusable(KeyFault::Encrypted);
            assert_eq!(client.told().await, fault, "{name}");
            client.key(&key, Some("wrong"));
            let fault = ToPage::KeyUnusable(KeyFault::WrongPassphrase);
            assert_eq!(client.told().await, fault, "{name}");
        }
        // As it comes out of a text field.
        let pasted = format!("\n  {}  \r\n", key.replace('\n', "\r\n"));
        client.key(&pasted, *passphrase);
        assert_eq!(client.told().await, ToPage::Shell, "{name}");
        client.say(ToWorker::Close);
        client.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_told() {
    let server = Server::openssh(ED25519, "").await;
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    assert_eq!(client.told().await, asks_for_key(false));
    for text in [
        "",
        "hello",
        &server.host_keys[0],
        "-----BEGIN PRIVATE KEY-----",
    ] {
        client.key(text, Some("x"));
        let fault = ToPage::KeyUnusable(KeyFault::Unreadable);
        assert_eq!(client.told().await, fault, "{text}");
    }
    client.key(&server.key, None);
    assert_eq!(client.told().await, ToPage::Shell);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_pty_is_told() {
    let server = Server::openssh(ED25519, "PermitTTY no").await;
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    client.told().await;
    client.key(&server.key, None);
    assert_eq!(client.ended().await, Ended::NoShell);
}
