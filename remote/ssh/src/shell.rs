//! The shell on its PTY.

use std::time::Duration;

use remote_messages::ssh::{Ended, Size, ToPage};
use russh::client::{Handle, Handler, Msg};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Error, Pty, Sig};
use tunnel::wire::clean;

use crate::client::{Page, Surroundings};
use crate::inbox::Inbox;

const TERM: &str = "xterm-256color";
/// Keeps what lies between the agent and the SSH server from forgetting a silent connection.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(60);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_SIGNAL_BYTES: usize = 32;

/// Runs a shell to its end. `None`: the session ended before it did.
pub(crate) async fn run<H: Handler, P: Page, W: Surroundings>(
    handle: &Handle<H>,
    size: Size,
    inbox: &Inbox,
    page: &P,
    around: &W,
) -> Option<Ended> {
    let channel = match handle.channel_open_session().await {
        Ok(channel) => channel,
        Err(Error::ChannelOpenFailure(_)) => return Some(Ended::NoShell),
        Err(_) => return None,
    };
    let (mut output, input) = channel.split();
    let size = inbox.take_size().unwrap_or(size);
    let (columns, rows) = cells(size);
    input
        .request_pty(true, TERM, columns, rows, 0, 0, &[(Pty::IUTF8, 1)])
        .await
        .ok()?;
    if !is_granted(&mut output, page, around).await? {
        return Some(Ended::NoShell);
    }
    input.request_shell(true).await.ok()?;
    if !is_granted(&mut output, page, around).await? {
        return Some(Ended::NoShell);
    }
    page.tell(ToPage::Shell);
    // Output must always be taken: were it left where it is, the session would wait for it and
    // no Ctrl+C would leave. It is held back further below, by the gate.
    tokio::select! {
        ended = read(&mut output, page) => ended,
        never = type_on(&input, inbox) => never,
        never = resize(&input, inbox) => never,
        never = keep_alive(handle, around) => never,
    }
}

/// The answer to a request; none in time is a no.
async fn is_granted<P: Page, W: Surroundings>(
    output: &mut ChannelReadHalf,
    page: &P,
    around: &W,
) -> Option<bool> {
    let mut too_late = std::pin::pin!(around.sleep(ANSWER_TIMEOUT));
    loop {
        let message = tokio::select! {
            message = output.wait() => message,
            () = &mut too_late => return Some(false),
        };
        match message? {
            ChannelMsg::Success => return Some(true),
            ChannelMsg::Failure | ChannelMsg::Close => return Some(false),
            ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => page.write(data),
            _ => {}
        }
    }
}

async fn read<P: Page>(output: &mut ChannelReadHalf, page: &P) -> Option<Ended> {
    let (mut status, mut signal) = (None, None);
    let mut is_over = false;
    while let Some(message) = output.wait().await {
        match message {
            ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => page.write(data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => signal = Some(name(signal_name)),
            ChannelMsg::Close => is_over = true,
            _ => {}
        }
    }
    is_over |= status.is_some() || signal.is_some();
    is_over.then_some(Ended::Exit { status, signal })
}

/// Never returns: a session that ended shows in [`read`].
async fn type_on<N>(input: &ChannelWriteHalf<Msg>, inbox: &Inbox) -> N {
    loop {
        let typed = inbox.typed().await;
        if input.data_bytes(typed).await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn resize<N>(input: &ChannelWriteHalf<Msg>, inbox: &Inbox) -> N {
    loop {
        let (columns, rows) = cells(inbox.resized().await);
        if input.window_change(columns, rows, 0, 0).await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn keep_alive<H: Handler, W: Surroundings, N>(handle: &Handle<H>, around: &W) -> N {
    loop {
        around.sleep(KEEPALIVE_EVERY).await;
        if handle.send_keepalive(true).await.is_err() {
            return std::future::pending().await;
        }
    }
}

fn cells(size: Size) -> (u32, u32) {
    (size.columns.max(1).into(), size.rows.max(1).into())
}

fn name(signal: Sig) -> String {
    match signal {
        Sig::Custom(name) => clean(&name, MAX_SIGNAL_BYTES),
        // The variants are the names.
        named => format!("{named:?}"),
    }
}
