//! Joins a tool's WebSocket with a stream to a device. A CLOSE is the end of one side, not of
//! both: what the other still says is passed on.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tunnel::webtunnel::Rouse;
use tunnel::webtunnel::frame::{ClientFrame, put_bytes, put_close, put_nudge, put_pong};

/// For the front to hand over its connection after the 101.
pub(super) const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// Read of the device, or of the tool, at once.
const READ_BYTES: usize = 16 << 10;
/// Signs of life and PINGs that wait for the writer. Beyond it they are dropped: there is one to
/// answer already.
const NEWS: usize = 4;

/// What the reader tells the writer.
enum News {
    Heard,
    Ping(Bytes),
    /// The tool says no more.
    Ended,
}

/// Carries bytes until both sides have ended or one breaks; `silence` is the end of a tool of
/// which nothing is heard and to which nothing is sent.
pub(super) async fn carry<S>(upgrade: OnUpgrade, stream: S, silence: Duration) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let upgraded = timeout(UPGRADE_TIMEOUT, upgrade).await?;
    let upgraded = TokioIo::new(upgraded.map_err(io::Error::other)?);
    let (from_tool, to_tool) = tokio::io::split(upgraded);
    let (from_device, to_device) = tokio::io::split(stream);
    let (news, heard) = mpsc::channel(NEWS);
    tokio::select! {
        // It waits for the tool's own end of the socket, and is done then, whoever else is not.
        ended = from_tool_to_device(from_tool, to_device, news) => ended,
        ended = from_device_to_tool(from_device, to_tool, heard, silence) => ended,
    }
}

async fn from_tool_to_device(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    news: mpsc::Sender<News>,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    let mut has_ended = false;
    loop {
        buffer.reserve(READ_BYTES);
        if from.read_buf(&mut buffer).await? == 0 {
            return if has_ended {
                Ok(())
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        let _ = news.try_send(News::Heard);
        while let Some(frame) = ClientFrame::take(&mut buffer).map_err(io::Error::other)? {
            match frame {
                ClientFrame::Bytes(bytes) if !has_ended => to.write_all(&bytes).await?,
                ClientFrame::Ping(payload) => {
                    let _ = news.try_send(News::Ping(payload));
                }
                ClientFrame::Close if !has_ended => {
                    has_ended = true;
                    to.shutdown().await?;
                    // Not lost: the writer always comes round to its news.
                    let _ = news.send(News::Ended).await;
                }
                _ => {}
            }
        }
    }
}

async fn from_device_to_tool(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut news: mpsc::Receiver<News>,
    silence: Duration,
) -> io::Result<()> {
    let start = Instant::now();
    let now = || tunnel::Time::since_start(start.elapsed());
    let mut rouse = Rouse::new(now());
    let mut buffer = vec![0; READ_BYTES];
    let mut frames = BytesMut::new();
    let (mut device_ended, mut tool_ended) = (false, false);
    let mut alive_at = start;
    loop {
        let rouse_at = rouse.deadline().map(|at| start + at.elapsed());
        tokio::select! {
            read = from.read(&mut buffer), if !device_ended && !rouse.holds() => {
                match read? {
                    0 => {
                        device_ended = true;
                        put_close(&mut frames);
                    }
                    read => put_bytes(&buffer[..read], &mut frames),
                }
                rouse.sent();
            }
            Some(told) = news.recv() => {
                alive_at = Instant::now();
                rouse.heard();
                match told {
                    News::Heard => {}
                    News::Ping(payload) => put_pong(&payload, &mut frames),
                    News::Ended => tool_ended = true,
                }
            }
            () = sleep_until(rouse_at.unwrap_or(alive_at)), if rouse_at.is_some() => rouse.check(now()),
            () = sleep_until(alive_at + silence) => return Err(io::ErrorKind::TimedOut.into()),
        }
        if rouse.is_due() && !device_ended {
            put_nudge(&mut frames);
            rouse.pinged(now());
        }
        if !frames.is_empty() {
            // A tool that takes nothing is cut by the front.
            to.write_all(&frames).await?;
            to.flush().await?;
            frames.clear();
            alive_at = Instant::now();
        }
        if device_ended && tool_ended {
            return to.shutdown().await;
        }
    }
}
