//! S42: whom one talks to.

use remote_messages::ssh::{Ended, ToPage, ToWorker};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::client::Client;
use crate::server::{Server, USER, stranger};

const ALL: &[&str] = &["rsa", "ecdsa", "ed25519"];

#[tokio::test(flavor = "multi_thread")]
async fn s42_an_unknown_key_waits_for_a_decision() {
    let server = Server::openssh(&["ed25519"], "").await;
    let client = Client::connect(server.port, USER, &[]).await;
    let ToPage::HostKeyUnknown(key) = client.told().await else {
        panic!("nobody knows this key");
    };
    assert_eq!(key.key, server.host_keys[0]);
    assert_eq!(key.algorithm, "ssh-ed25519");
    assert!(key.fingerprint.starts_with("SHA256:"), "{key:?}");
    // What is said out of turn does not go to somebody whom nobody trusts.
    client.say(ToWorker::Password {
        password: "secret".into(),
    });
    client.say(ToWorker::TrustHostKey);
    let ToPage::SignIn(sign_in) = client.told().await else {
        panic!("signing in comes next");
    };
    assert!(!sign_in.refused, "nothing was tried");
    client.key(&server.key, None);
    assert_eq!(client.told().await, ToPage::Shell);
    client.say(ToWorker::Close);
    client.ended().await;

    let client = Client::connect(server.port, USER, &[]).await;
    client.told().await;
    client.say(ToWorker::Close);
    assert_eq!(client.ended().await, Ended::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn s42_another_key_is_a_hard_stop() {
    let server = Server::openssh(&["ed25519"], "").await;
    let known = vec![stranger().1];
    let client = Client::connect(server.port, USER, &known).await;
    let Ended::HostKeyMismatch {
        presented,
        known: told,
    } = client.ended().await
    else {
        panic!("it must stop");
    };
    assert_eq!(presented.key, server.host_keys[0]);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].key, known[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s42_one_known_of_three_is_the_one_presented() {
    let server = Server::openssh(ALL, "").await;
    for known in &server.host_keys {
        let client = Client::connect(server.port, USER, std::slice::from_ref(known)).await;
        let told = client.told().await;
        assert!(matches!(told, ToPage::SignIn(_)), "{known}: {told:?}");
        client.say(ToWorker::Close);
        client.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s42_a_key_of_a_kind_the_server_lacks_is_no_way_in() {
    let server = Server::openssh(&["rsa"], "").await;
    let client = Client::connect(server.port, USER, &[stranger().1]).await;
    let ended = client.ended().await;
    assert!(matches!(ended, Ended::NotSpoken { .. }), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s42_a_server_with_rsa_alone_is_known_without_sha_1() {
    let more = "HostKeyAlgorithms rsa-sha2-256";
    let server = Server::openssh(&["rsa"], more).await;
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    assert!(matches!(client.told().await, ToPage::SignIn(_)));
    client.say(ToWorker::Close);
    client.ended().await;

    let server = Server::openssh(&["rsa"], "HostKeyAlgorithms ssh-rsa").await;
    let client = Client::connect(server.port, USER, &server.host_keys).await;
    let ended = client.ended().await;
    assert!(matches!(ended, Ended::NotSpoken { .. }), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s42_weak_algorithms_are_not_spoken() {
    for more in [
        "Ciphers aes256-cbc,3des-cbc",
        "KexAlgorithms diffie-hellman-group1-sha1,diffie-hellman-group14-sha1",
    ] {
        let server = Server::openssh(&["ed25519"], more).await;
        let client = Client::connect(server.port, USER, &server.host_keys).await;
        let ended = client.ended().await;
        assert!(
            matches!(&ended, Ended::NotSpoken { text } if text.contains("sha1") || text.contains("cbc")),
            "{ended:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ssh_is_told() {
    let (mut device, stream) = duplex(64 << 10);
    let client = Client::over(stream, "user", &[]);
    device.write_all(&[b'x'; 4000]).await.unwrap();
    let ended = client.ended().await;
    assert!(matches!(ended, Ended::NotSpoken { .. }), "{ended:?}");

    let (mut device, stream) = duplex(64 << 10);
    let client = Client::over(stream, "user", &[]);
    device.read_u8().await.expect("its first words");
    drop(device);
    let text = String::new();
    assert_eq!(client.ended().await, Ended::Disconnected { text });
}
