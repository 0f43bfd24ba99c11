//! The twelve things that break a naive server (WEBTUNNEL section 0), as far as no other test is
//! about them: 1 and 2 `door`, 3, 4, 9, 11 and 12 `bytes`, 5, 6 and 8 `life`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::life::properties;
use crate::place::{Scene, banner};
use crate::stub::{Ended, PING, Settings, Stub};
use crate::waiting::soon;

/// The first frame comes together with the 101: the agent holds it until it is roused.
#[tokio::test]
async fn item_10_a_frame_that_the_agent_holds_gets_through() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    scene.connect().await.stop().await;
    // A busy server may be slower than the first of them.
    for dozes_ms in [150, 400, 900, 2000] {
        let dozing = Settings {
            dozes: Duration::from_millis(dozes_ms),
            ..scene.settings.clone()
        };
        let opened = async {
            loop {
                if let Ok(stream) = scene.open(port).await {
                    return stream;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let (stub, mut stream) = tokio::join!(Stub::connect(&dozing), soon("a stream", opened));
        let stub = stub.unwrap();
        let mut banner = [0; 11];
        soon("the banner", stream.read_exact(&mut banner))
            .await
            .unwrap();
        assert_eq!(&banner, b"SSH-2.0-x\r\n");
        if stub.seen.held.load(Ordering::SeqCst) {
            let seen = &stub.seen;
            let opens = seen.count(&seen.opens);
            assert_eq!(opens, 1, "roused, not asked again after 12 s");
            return;
        }
        stub.stop().await;
    }
    panic!("no frame was held, so nothing was shown");
}

/// Agents before 1.15 send DATA before they confirm.
#[tokio::test]
async fn data_before_the_confirmation_is_taken_for_it() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    scene.settings.confirms_late = true;
    let _stub = scene.connect().await;
    let mut stream = scene.open(port).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut heard = [0; 16];
    soon("an echo", stream.read_exact(&mut heard))
        .await
        .unwrap();
    assert_eq!(&heard, b"SSH-2.0-x\r\nhello");
}

/// What agents ask is answered with what they asked, and what makes no sense harms nobody else.
#[tokio::test]
async fn item_06_hostile_agents_harm_only_themselves() {
    let scene = Scene::new().await;
    for (opcode, payload, ended) in [
        (PING, &b"four"[..], None),
        (2, &[], None),
        (2, &[0x00, 0, 0xff, 0xff, 1, 2, 3], None),
        (2, &[0x77, 0, 0, 0], None),
        (2, &[0x01, 0, 0, 1, 0, 80], None),
        (2, &[0x81, 0, 0, 1, 0, 7], None),
        (2, &[1, 2, 3], Some(Ended::Gracefully)),
        (2, &[0x40, 0, 0, 0, 5, 200], Some(Ended::Gracefully)),
        (1, b"text", Some(Ended::Gracefully)),
    ] {
        let stub = scene.connect().await;
        stub.send(opcode, payload).await;
        match ended {
            Some(ended) => assert_eq!(stub.ended().await, ended, "{opcode} {payload:?}"),
            None => {
                stub.ping(b"x").await;
                let seen = &stub.seen;
                soon("a PONG", async {
                    while seen.count(&seen.pongs) == 0 {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                })
                .await;
                assert!(stub.is_running(), "{opcode} {payload:?}");
                let mut browser = scene.visiting().await;
                assert_eq!(browser.fetch(&scene.page()).await.status(), 200);
            }
        }
    }
}

/// Opened and dropped in every state: the stub hangs at any frame that agents cannot live with.
#[tokio::test]
async fn item_09_no_frame_kills_the_agent_whatever_clients_do() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    let stub = scene.connect().await;
    scene.signed_in().await;
    for round in 0..60_u64 {
        let opening = scene.open(port);
        let Ok(Ok(mut stream)) =
            tokio::time::timeout(Duration::from_micros(round * 1500), opening).await
        else {
            continue;
        };
        let _ = stream.write_all(&vec![7; round as usize * 999]).await;
        if round % 3 == 0 {
            let _ = stream.shutdown().await;
        }
        if round % 2 == 0 {
            let _ = stream.read_u8().await;
        }
    }
    let mut stream = scene.open(port).await.unwrap();
    let mut banner = [0; 11];
    soon("the banner", stream.read_exact(&mut banner))
        .await
        .unwrap();
    assert!(stub.is_running());
}

/// Each property that somebody made up is a field of the request.
#[tokio::test]
async fn three_hundred_properties_are_known() {
    let mut scene = Scene::new().await;
    let custom = (0..300).map(|number| format!("custom{number}=\"value {number}\""));
    scene.settings.properties.extend(custom);
    let stub = scene.connect().await;
    let known = properties(&scene).await;
    let known = known.as_object().unwrap();
    assert_eq!(known["custom299"], "value 299");
    let custom = known.keys().filter(|name| name.starts_with("custom"));
    assert_eq!(custom.count(), 300);
    // Beyond what is let pass there is an answer all the same.
    let custom = (300..600).map(|number| format!("custom{number}=1"));
    scene.settings.properties.extend(custom);
    let refused = Stub::connect(&scene.settings).await.err().unwrap();
    assert_eq!(refused.status, 431);
    assert!(stub.is_running());
}
