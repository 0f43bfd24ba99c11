//! What the SSH session asks of us while it runs.

use std::sync::Arc;

use remote_messages::ssh::{Ended, ToPage};
use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelId, Error};

use crate::client::Page;
use crate::ended::{self, Told};
use crate::host_key::{self, Known, Verdict};
use crate::inbox::{Inbox, Reply};

pub(crate) struct Watcher<P> {
    pub(crate) known: Known,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) page: Arc<P>,
    pub(crate) told: Arc<Told>,
}

impl<P: Page> Watcher<P> {
    /// A person decides; the server waits as long as it likes.
    async fn ask(&self, presented: &russh::keys::PublicKey) -> bool {
        let Some(key) = host_key::for_people(presented) else {
            return false;
        };
        self.page.tell(ToPage::HostKeyUnknown(key));
        while !matches!(self.inbox.reply().await, Reply::Trust) {}
        true
    }
}

impl<P: Page> Handler for Watcher<P> {
    type Error = Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Error> {
        self.told.presented();
        // Certificates are never offered: nobody told us whose to trust.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        Ok(match self.known.judge(key) {
            Verdict::Known => true,
            Verdict::Unknown => self.ask(key).await,
            Verdict::Mismatch => {
                if let Some(presented) = host_key::for_people(key) {
                    self.told.end(Ended::HostKeyMismatch {
                        presented,
                        known: self.known.for_people(),
                    });
                }
                false
            }
        })
    }

    async fn data(&mut self, _: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Error> {
        self.inbox.flow.produced(data.len());
        Ok(())
    }

    async fn extended_data(
        &mut self,
        _: ChannelId,
        _: u32,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), Error> {
        self.inbox.flow.produced(data.len());
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Error>) -> Result<(), Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(words) => {
                self.told.end(ended::disconnected(&words.message));
                Ok(())
            }
            DisconnectReason::Error(error) => {
                if !matches!(error, Error::UnknownKey) {
                    self.told.end(ended::of_error(&error));
                }
                Err(error)
            }
        }
    }

    // A server has no business opening channels towards a browser. An open that nobody accepts is
    // refused when its handle is dropped.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        Ok(())
    }
}
