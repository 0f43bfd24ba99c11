//! The terminal. Bytes: to the Worker what was typed, to the page what the shell has written.
//!
//! ```text
//! page                         Worker
//! Open ─────────────────────►  dials, checks the host key
//!      ◄── HostKeyUnknown ───  none is known: TrustHostKey or Close
//!      ◄───────── SignIn ────  Password | PrivateKey | Answers, as often as it is asked
//!      ◄────────── Shell ────  from here on bytes both ways, Resize, Drawn
//!      ◄────────── Ended ────  the last message; the page may end the Worker
//! ```

use serde::{Deserialize, Serialize};

use crate::StreamFault;

/// What the page asks for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToWorker {
    /// The first message.
    Open(Open),
    /// The answer to [`ToPage::HostKeyUnknown`].
    TrustHostKey,
    /// Tries a password.
    Password {
        /// Never kept.
        password: String,
    },
    /// Tries a private key. It stays in the Worker's memory, and no longer than the Worker.
    PrivateKey {
        /// OpenSSH, PKCS#8 or PKCS#1, as pasted.
        text: String,
        /// For an encrypted key.
        passphrase: Option<String>,
    },
    /// The answers to [`SignIn::prompts`], one for each.
    Answers {
        /// In the order of the prompts.
        answers: Vec<String>,
    },
    /// The terminal has another size now.
    Resize(Size),
    /// So many bytes of output were drawn: the Worker may hand over as many more.
    Drawn {
        /// Since the last such message.
        bytes: u32,
    },
    /// Ends it in order; answered by [`ToPage::Ended`].
    Close,
}

/// Where to, and what is known of the other end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Open {
    /// `wss://…/stream` (or `ws:` in development).
    pub url: String,
    /// The account on the device.
    pub user: String,
    /// Of the terminal.
    pub size: Size,
    /// Known keys of the device's SSH server, `algorithm base64` as OpenSSH writes them. Empty:
    /// none is known.
    pub host_keys: Vec<String>,
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Letters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// What the Worker tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToPage {
    /// The stream stands; SSH begins.
    Connected,
    /// No key was known. Nothing goes on before the page says [`ToWorker::TrustHostKey`].
    HostKeyUnknown(HostKey),
    /// Signing in goes on, or begins.
    SignIn(SignIn),
    /// The key cannot be used; signing in goes on.
    KeyUnusable(KeyFault),
    /// The shell runs.
    Shell,
    /// The connection to the server was lost, and another is being made: the stream waits.
    Reconnecting,
    /// The stream goes on where it was.
    Reconnected,
    /// What the stream measures, every few seconds.
    Traffic {
        /// To the device, since the stream began.
        sent_bytes: u64,
        /// From the device.
        received_bytes: u64,
        /// Of the browser's connection to the server.
        rtt_ms: Option<u32>,
    },
    /// The end.
    Ended(Ended),
}

/// A host key for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// `algorithm base64`: what a page keeps when it is trusted.
    pub key: String,
    /// `ssh-ed25519` and the like.
    pub algorithm: String,
    /// `SHA256:…` as OpenSSH shows it.
    pub fingerprint: String,
}

/// What can be tried now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// A password is taken.
    pub password: bool,
    /// A key is taken.
    pub key: bool,
    /// What was tried just now was refused.
    pub refused: bool,
    /// What the server asks (keyboard-interactive); to be answered before anything else.
    pub prompts: Option<Prompts>,
}

/// Questions of the server: untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompts {
    /// May be empty.
    pub title: String,
    /// May be empty.
    pub text: String,
    /// One field for each.
    pub fields: Vec<Prompt>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The label.
    pub text: String,
    /// The answer is no secret.
    pub echo: bool,
}

/// Why a private key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFault {
    /// It is not a private key, or of a kind not spoken.
    Unreadable,
    /// It is encrypted and no passphrase was given.
    Encrypted,
    /// The passphrase is not right.
    WrongPassphrase,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ended {
    /// The shell ended.
    Exit {
        /// Its status, where the server told.
        status: Option<u32>,
        /// The signal that ended it, without `SIG`.
        signal: Option<String>,
    },
    /// The page asked for it.
    Closed,
    /// The host key is another than the known ones: a hard stop.
    HostKeyMismatch {
        /// What was presented.
        presented: HostKey,
        /// What was known.
        known: Vec<HostKey>,
    },
    /// The SSH server wants no more tries.
    SignInRefused,
    /// The SSH server has no PTY or shell for this account.
    NoShell,
    /// The SSH server closed the connection, with its words where it said any: untrusted.
    Disconnected {
        /// May be empty.
        text: String,
    },
    /// What speaks there is not SSH, or offers nothing that is safe to speak.
    NotSpoken {
        /// For people.
        text: String,
    },
    /// The stream under it failed.
    Stream {
        /// Why.
        fault: StreamFault,
    },
}
