//! A network between the server and everybody else, which can be bad in many ways.

use std::net::{Ipv4Addr, SocketAddr};

use fault::{Command, Counts, FaultProxy, Settings};

pub(crate) struct Network(FaultProxy);

impl Network {
    pub(crate) fn start(server: SocketAddr, settings: Settings) -> Self {
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        Self(FaultProxy::bind(listen, server.to_string(), settings).unwrap())
    }

    /// Where the server is reached.
    pub(crate) fn port(&self) -> u16 {
        self.0.address().port()
    }

    pub(crate) fn apply(&self, command: Command) {
        self.0.apply(command);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.counts()
    }

    /// All connections of now break.
    pub(crate) fn cut(&self) {
        self.0.apply(Command::Cut);
    }

    /// All connections of now fall silent.
    pub(crate) fn freeze(&self) {
        self.0.apply(Command::Lose);
    }
}
