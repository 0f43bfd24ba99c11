//! Streams as their owners see them.

use super::*;
use crate::wire::Code;

#[tokio::test(start_paused = true)]
async fn bytes_go_both_ways_and_each_way_ends_by_itself() {
    let (server, mut agent) = pair().await;
    let (mut near, mut far) = stream(&server, &mut agent).await;
    soon(write_all_and_finish(&mut near, b"request"))
        .await
        .expect("the stream is open");
    assert_eq!(
        soon(read_all(&mut far)).await.expect("a clean end"),
        b"request"
    );
    soon(write_all_and_finish(&mut far, b"answer"))
        .await
        .expect("the other half is open");
    assert_eq!(
        soon(read_all(&mut near)).await.expect("a clean end"),
        b"answer"
    );
    soon(near.control().ended()).await;
    soon(server.tunnel.idle()).await;
}

#[tokio::test(start_paused = true)]
async fn the_agent_opens_streams_too() {
    let (mut server, agent) = pair().await;
    let target = Target::Internal("device-api".into());
    let _near = agent.tunnel.open(&target).expect("room for a stream");
    assert_eq!(
        soon(server.incoming.next())
            .await
            .expect("an OPEN")
            .target(),
        &target
    );
}

#[tokio::test(start_paused = true)]
async fn bytes_written_before_the_answer_arrive_with_the_open() {
    let (server, mut agent) = pair().await;
    let mut near = server.tunnel.open(&web()).expect("room for a stream");
    soon(write_all_and_finish(&mut near, b"early"))
        .await
        .expect("the stream is open");
    let mut far = soon(agent.incoming.next()).await.expect("an OPEN").accept();
    assert_eq!(
        soon(read_all(&mut far)).await.expect("a clean end"),
        b"early"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_arrives_with_its_text() {
    let (server, mut agent) = pair().await;
    let mut near = server.tunnel.open(&web()).expect("room for a stream");
    soon(agent.incoming.next())
        .await
        .expect("an OPEN")
        .reject(Code::NotOffered, "no web");
    let refusal = OpenError::Rejected {
        code: Code::NotOffered,
        text: "no web".into(),
    };
    assert_eq!(soon(near.accepted()).await, Err(refusal.clone()));
    let error = soon(read_all(&mut near)).await.expect_err("never accepted");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(inner(&error), Some(&StreamError::Open(refusal)));
}

#[tokio::test(start_paused = true)]
async fn an_incoming_stream_that_is_dropped_is_refused() {
    let (server, mut agent) = pair().await;
    let mut near = server.tunnel.open(&web()).expect("room for a stream");
    drop(soon(agent.incoming.next()).await.expect("an OPEN"));
    let refused = soon(near.accepted()).await.expect_err("refused");
    assert!(matches!(
        refused,
        OpenError::Rejected {
            code: Code::Internal,
            ..
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn nobody_who_takes_streams_is_a_refusal() {
    let (server, agent) = pair().await;
    drop(agent.incoming);
    let mut near = server.tunnel.open(&web()).expect("room for a stream");
    let refused = soon(near.accepted()).await.expect_err("refused");
    assert!(matches!(
        refused,
        OpenError::Rejected {
            code: Code::NotOffered,
            ..
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_control_cuts_a_stream_that_others_use_at_both_ends() {
    let (server, mut agent) = pair().await;
    let (mut near, mut far) = stream(&server, &mut agent).await;
    let control = near.control();
    let reader = spawn(async move { read_all(&mut near).await });
    tokio::task::yield_now().await;
    control.reset(Code::Revoked, "signed out");
    let reset = StreamError::Reset {
        code: Code::Revoked,
        text: "signed out".into(),
    };
    let here = soon(reader)
        .await
        .expect("no panic")
        .expect_err("cut, not ended");
    assert_eq!(
        (here.kind(), inner(&here)),
        (io::ErrorKind::ConnectionReset, Some(&reset))
    );
    let there = soon(read_all(&mut far)).await.expect_err("cut, not ended");
    assert_eq!(
        (there.kind(), inner(&there)),
        (io::ErrorKind::ConnectionReset, Some(&reset))
    );
    assert!(far.write_all(b"x").await.is_err());
    soon(control.ended()).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_is_cancelled_and_never_looks_ended() {
    let (server, mut agent) = pair().await;
    let (mut near, mut far) = stream(&server, &mut agent).await;
    near.write_all(b"half a").await.expect("the stream is open");
    drop(near);
    let error = soon(read_all(&mut far)).await.expect_err("cut, not ended");
    let Some(StreamError::Reset {
        code: Code::Cancelled,
        ..
    }) = inner(&error)
    else {
        panic!("cancelled: {error}");
    };
}

#[tokio::test(start_paused = true)]
async fn a_stream_dropped_after_its_shutdown_still_delivers_everything() {
    let (server, mut agent) = pair().await;
    let (mut near, mut far) = stream(&server, &mut agent).await;
    let reader = spawn(async move { (read_all(&mut far).await, far) });
    soon(write_all_and_finish(&mut near, &[7; 300_000]))
        .await
        .expect("the stream is open");
    drop(near);
    let (read, mut far) = soon(reader).await.expect("no panic");
    assert_eq!(read.expect("a clean end").len(), 300_000);
    let refused = async {
        while far.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(refused).await;
}

#[tokio::test(start_paused = true)]
async fn a_pending_connect_learns_that_it_is_no_longer_wanted() {
    let (server, mut agent) = pair().await;
    let near = server.tunnel.open(&web()).expect("room for a stream");
    let pending = soon(agent.incoming.next()).await.expect("an OPEN");
    drop(near);
    soon(pending.cancelled()).await;
    assert!(soon(read_all(&mut pending.accept())).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn after_goaway_living_streams_go_on_and_new_ones_are_refused() {
    let (server, mut agent) = pair().await;
    let (mut near, mut far) = stream(&server, &mut agent).await;
    let goaway = GoAway {
        reason: GoAwayReason::Restart,
        reconnect_after: Duration::from_millis(1500),
        url: None,
    };
    server.tunnel.go_away(goaway.clone());
    assert_eq!(soon(agent.tunnel.sent_away()).await, Some(goaway.clone()));
    assert_eq!(server.tunnel.open(&web()).err(), Some(OpenError::Draining));
    assert_eq!(agent.tunnel.open(&web()).err(), Some(OpenError::Draining));
    soon(write_all_and_finish(&mut near, b"last"))
        .await
        .expect("it lives");
    assert_eq!(
        soon(read_all(&mut far)).await.expect("a clean end"),
        b"last"
    );
    far.shutdown().await.expect("it lives");
    soon(server.tunnel.idle()).await;
    server.tunnel.close();
    assert_eq!(
        soon(agent.driver).await.expect("no panic"),
        Closed::GoAway(goaway)
    );
    assert_eq!(soon(server.driver).await.expect("no panic"), Closed::Local);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_all_streams_as_lost() {
    let (server, mut agent) = pair().await;
    let (mut near, mut far) = stream(&server, &mut agent).await;
    server.tunnel.close();
    for stream in [&mut near, &mut far] {
        let error = soon(read_all(stream)).await.expect_err("lost, not ended");
        assert_eq!(inner(&error), Some(&StreamError::TunnelLost));
    }
    assert_eq!(soon(agent.tunnel.closed()).await, Closed::Peer);
    assert_eq!(server.tunnel.open(&web()).err(), Some(OpenError::Closed));
    assert!(soon(agent.incoming.next()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_driver_ends_all_streams_as_lost() {
    let (server, mut agent) = pair().await;
    let (mut near, _far) = stream(&server, &mut agent).await;
    server.driver.abort();
    let error = soon(read_all(&mut near))
        .await
        .expect_err("lost, not ended");
    assert_eq!(inner(&error), Some(&StreamError::TunnelLost));
    assert_eq!(soon(server.tunnel.closed()).await, Closed::Local);
    assert_eq!(soon(agent.tunnel.closed()).await, Closed::Peer);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_fin_is_read_even_after_the_tunnel_was_lost() {
    let (server, mut agent) = pair().await;
    let (mut near, mut far) = stream(&server, &mut agent).await;
    soon(write_all_and_finish(&mut near, b"all of it"))
        .await
        .expect("the stream is open");
    soon(far.read_exact(&mut [0; 3])).await.expect("it came");
    server.driver.abort();
    soon(agent.tunnel.closed()).await;
    assert_eq!(read_all(&mut far).await.expect("a clean end"), b" of it");
}
