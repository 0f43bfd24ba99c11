//! An SSH server in this process, for what needs accounts with passwords.

use std::sync::Arc;

use rand::rng;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, Handler, Msg, Response, Session, run_stream};
use russh::server::{ChannelOpenHandle, Config};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty};
use tokio::io::{DuplexStream, duplex};

/// What the stub asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// A password by the method of that name.
    Password,
    /// One question without echo, as PAM asks it, by keyboard-interactive alone.
    Question,
    /// Password and keyboard-interactive are offered; the latter asks a second question.
    SecondFactor,
    /// Password and keyboard-interactive are offered, and the latter has nobody behind it.
    NobodyAsks,
    /// A password, and then a question.
    Both,
}

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const CODE: &str = "123456";

/// A connection to it.
pub(crate) fn serve(policy: Policy) -> DuplexStream {
    let (device, stream) = duplex(64 << 10);
    let key = PrivateKey::random(&mut rng(), Algorithm::Ed25519).unwrap();
    let config = Config {
        keys: vec![key],
        methods: offered(policy, false),
        auth_rejection_time: std::time::Duration::ZERO,
        ..Config::default()
    };
    let stub = Stub {
        policy,
        has_password: false,
        questions: 0,
    };
    tokio::spawn(async move {
        if let Ok(session) = run_stream(Arc::new(config), device, stub).await {
            let _ = session.await;
        }
    });
    stream
}

fn offered(policy: Policy, has_password: bool) -> MethodSet {
    let methods: &[MethodKind] = match policy {
        Policy::Password => &[MethodKind::Password],
        Policy::Question => &[MethodKind::KeyboardInteractive, MethodKind::PublicKey],
        Policy::SecondFactor | Policy::NobodyAsks => {
            &[MethodKind::Password, MethodKind::KeyboardInteractive]
        }
        Policy::Both if has_password => &[MethodKind::KeyboardInteractive],
        Policy::Both => &[MethodKind::Password],
    };
    MethodSet::from(methods)
}

struct Stub {
    policy: Policy,
    has_password: bool,
    questions: usize,
}

impl Stub {
    fn refuse(&self, partial_success: bool) -> Auth {
        Auth::Reject {
            proceed_with_methods: Some(offered(self.policy, self.has_password)),
            partial_success,
        }
    }

    fn ask(&mut self, prompt: &'static str, echo: bool) -> Auth {
        self.questions += 1;
        Auth::Partial {
            name: "".into(),
            instructions: "two\nlines\u{202e}".into(),
            prompts: vec![(prompt.into(), echo)].into(),
        }
    }
}

impl Handler for Stub {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        Ok(self.refuse(false))
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        self.has_password = password == PASSWORD;
        Ok(match (self.policy, self.has_password) {
            (Policy::Password | Policy::NobodyAsks, true) => Auth::Accept,
            (Policy::Both, true) => self.refuse(true),
            _ => self.refuse(false),
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        if self.policy == Policy::NobodyAsks {
            return Ok(self.refuse(false));
        }
        let answer = response.and_then(|mut answers| answers.next());
        let answer = answer.map(|answer| String::from_utf8_lossy(&answer).into_owned());
        let Some(answer) = answer else {
            self.questions = 0;
            return Ok(match self.policy {
                Policy::Both => self.ask("Code: ", true),
                _ => self.ask("Password: ", false),
            });
        };
        let asked_code = self.policy == Policy::Both || self.questions == 2;
        Ok(match (asked_code, answer.as_str()) {
            (true, CODE) => Auth::Accept,
            (false, PASSWORD) if self.policy == Policy::SecondFactor => self.ask("Code: ", true),
            (false, PASSWORD) => Auth::Accept,
            _ => self.refuse(false),
        })
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}
