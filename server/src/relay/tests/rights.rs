//! S34: a stream through a real tunnel ends with a right that nobody said has ended.

use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tunnel::wire::{Target, Windows};

use super::agent::{Scene, soon};
use crate::access::{Records, Subject, recheck};

#[tokio::test]
async fn s34_a_user_deleted_behind_the_servers_back_loses_the_stream() {
    let scene = Scene::new().await;
    let mut agent = scene.connect(1, Windows::default()).await.unwrap();
    let mut incoming = agent.incoming.take().unwrap();
    let state = &scene.server.state;
    scene.server.user("ada").await;
    let mut headers = HeaderMap::new();
    headers.insert("cookie", scene.server.cookie("ada").await.parse().unwrap());
    let principal = state.accounts.signed_in(&headers).await.unwrap().unwrap();
    let lease = state
        .leases
        .issue(Subject::new(&principal, Some(scene.device)));
    let target = Target::Service("shell".to_owned());
    let (opened, asked) = tokio::join!(state.relay.open(scene.device, target, lease), async {
        soon("an OPEN", incoming.next()).await.unwrap().accept()
    });
    let (mut near, mut far) = (opened.unwrap(), asked);
    far.write_all(b"$").await.unwrap();
    assert_eq!(near.read_u8().await.unwrap(), b'$');

    let mut write = scene.server.db.write().await.unwrap();
    let delete = sqlx::raw_sql("DELETE FROM users");
    delete.execute(&mut *write).await.unwrap();
    write.commit().await.unwrap();
    let records = Records::new(state.accounts.clone(), state.devices.clone());
    assert!(recheck(&state.leases, &records, Instant::now()).await);
    for end in [
        soon("the device", far.read_u8()).await,
        soon("here", near.read_u8()).await,
    ] {
        assert!(end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    }
}
