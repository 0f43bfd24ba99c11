//! Signing in: what the server takes, what the page tries.

use std::sync::Arc;

use remote_messages::ssh::{Prompt, Prompts, SignIn, ToPage};
use russh::client::{AuthResult, Handle, Handler, KeyboardInteractiveAuthResponse as Interactive};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{Error, MethodKind, MethodSet};
use tunnel::wire::clean;

use crate::client::Page;
use crate::inbox::{Inbox, Reply};
use crate::private_key;

/// Of a prompt, each.
const MAX_TEXT_BYTES: usize = 1000;
/// More than a page can show, or any server asks.
const MAX_PROMPTS: usize = 16;
/// How often an abandoned question may be followed by another.
const MAX_ABANDONED: usize = 8;

/// Why nobody is signed in.
pub(crate) enum Failed {
    /// There is nothing left to try.
    Refused,
    /// The session has ended.
    Session {
        /// While something was tried.
        tried: bool,
    },
}

impl From<Error> for Failed {
    fn from(_: Error) -> Self {
        Self::Session { tried: true }
    }
}

/// How one try went.
enum Outcome {
    Done,
    Failed { methods: MethodSet, partial: bool },
}

/// What the server takes now.
struct Offer {
    methods: MethodSet,
    /// Keyboard-interactive is offered and asks nothing: some servers have nobody behind it.
    asks_nothing: bool,
    refused: bool,
}

struct Dialogue<'a, H: Handler, P> {
    handle: &'a mut Handle<H>,
    user: &'a str,
    inbox: &'a Inbox,
    page: &'a P,
    offer: Offer,
    /// A reply that came while something else was asked.
    kept: Option<Reply>,
}

/// Goes on until somebody is signed in.
pub(crate) async fn run<H: Handler, P: Page>(
    handle: &mut Handle<H>,
    user: &str,
    inbox: &Inbox,
    page: &P,
) -> Result<(), Failed> {
    let probe = handle.authenticate_none(user).await;
    let probe = probe.map_err(|_| Failed::Session { tried: false })?;
    let methods = match Outcome::from(probe) {
        Outcome::Done => return Ok(()),
        Outcome::Failed { methods, .. } => methods,
    };
    let offer = Offer {
        methods,
        asks_nothing: false,
        refused: false,
    };
    let mut dialogue = Dialogue {
        handle,
        user,
        inbox,
        page,
        offer,
        kept: None,
    };
    loop {
        match dialogue.try_once().await? {
            Outcome::Done => return Ok(()),
            Outcome::Failed { methods, partial } => {
                dialogue.offer.methods = methods;
                dialogue.offer.refused = !partial;
            }
        }
    }
}

impl<H: Handler, P: Page> Dialogue<'_, H, P> {
    async fn try_once(&mut self) -> Result<Outcome, Failed> {
        if self.kept.is_none() {
            if !self.offer.password() && !self.offer.key() && !self.offer.interactive() {
                return Err(Failed::Refused);
            }
            if self.offer.interactive() && !self.offer.password() {
                return self.interactive(None).await;
            }
            self.tell(None);
        }
        loop {
            let mut reply = match self.kept.take() {
                Some(reply) => reply,
                None => self.inbox.reply().await,
            };
            match &mut reply {
                Reply::Password(_) if self.offer.interactive() => {
                    return self.password_or_questions(&mut reply).await;
                }
                Reply::Password(password) if self.offer.password() => {
                    let tried = self.handle.authenticate_password(self.user, &**password);
                    return Ok(tried.await?.into());
                }
                Reply::PrivateKey { text, passphrase } if self.offer.key() => {
                    match private_key::read(text, passphrase.as_deref()) {
                        Ok(key) => return self.key(key).await,
                        Err(fault) => self.page.tell(ToPage::KeyUnusable(fault)),
                    }
                }
                // What is not taken now, or a late answer.
                _ => {}
            }
        }
    }

    async fn key(&mut self, key: PrivateKey) -> Result<Outcome, Failed> {
        // Never SHA-1, whatever the server says that it takes.
        let hash = match self.handle.best_supported_rsa_hash().await? {
            Some(Some(hash)) => hash,
            _ => HashAlg::Sha512,
        };
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), Some(hash));
        Ok(self
            .handle
            .authenticate_publickey(self.user, key)
            .await?
            .into())
    }

    /// Where a server takes both, only keyboard-interactive can ask for a second factor: the
    /// password answers its first question, and what else it asks is asked of the page.
    async fn password_or_questions(&mut self, reply: &mut Reply) -> Result<Outcome, Failed> {
        let Reply::Password(password) = reply else {
            return Err(Failed::Refused);
        };
        let outcome = self.interactive(Some(&**password)).await?;
        match outcome {
            Outcome::Failed { .. } if self.offer.asks_nothing && self.offer.password() => {
                let tried = self.handle.authenticate_password(self.user, &**password);
                Ok(tried.await?.into())
            }
            outcome => Ok(outcome),
        }
    }

    async fn interactive(&mut self, mut password: Option<&str>) -> Result<Outcome, Failed> {
        let started = self
            .handle
            .authenticate_keyboard_interactive_start(self.user, None);
        let mut response = started.await?;
        let mut was_asked = false;
        loop {
            let (title, text, prompts) = match response {
                Interactive::Success => return Ok(Outcome::Done),
                Interactive::Failure {
                    remaining_methods: methods,
                    partial_success: partial,
                } => {
                    self.offer.asks_nothing |= !was_asked && !partial;
                    return Ok(Outcome::Failed { methods, partial });
                }
                Interactive::InfoRequest {
                    name,
                    instructions,
                    prompts,
                } => (name, instructions, prompts),
            };
            let answers = if prompts.is_empty() {
                vec![]
            } else if prompts.len() > MAX_PROMPTS {
                vec![String::new(); prompts.len()]
            } else {
                was_asked = true;
                match password.take() {
                    Some(password) if matches!(&prompts[..], [only] if !only.echo) => {
                        vec![password.to_owned()]
                    }
                    _ => {
                        let count = prompts.len();
                        self.tell(Some(shown(&title, &text, prompts)));
                        match self.answers(count).await {
                            Some(answers) => answers,
                            None => return self.abandon(count).await,
                        }
                    }
                }
            };
            response = self
                .handle
                .authenticate_keyboard_interactive_respond(answers)
                .await?;
        }
    }

    /// The answers of the page; `None` when it would rather try something else.
    async fn answers(&mut self, count: usize) -> Option<Vec<String>> {
        loop {
            let mut reply = self.inbox.reply().await;
            match &mut reply {
                Reply::Answers(answers) if answers.len() == count => {
                    return Some(std::mem::take(answers));
                }
                Reply::Password(password) if count == 1 => {
                    return Some(vec![std::mem::take(password)]);
                }
                Reply::PrivateKey { text, passphrase } if self.offer.key() => {
                    // Looked at first: a question is not given up for a key that cannot be used.
                    match private_key::read(text, passphrase.as_deref()) {
                        Ok(_) => {
                            self.kept = Some(reply);
                            return None;
                        }
                        Err(fault) => self.page.tell(ToPage::KeyUnusable(fault)),
                    }
                }
                _ => {}
            }
        }
    }

    /// russh cannot begin another try before the questions are over: they get empty answers.
    async fn abandon(&mut self, count: usize) -> Result<Outcome, Failed> {
        let mut answers = vec![String::new(); count];
        for _ in 0..MAX_ABANDONED {
            let response = self
                .handle
                .authenticate_keyboard_interactive_respond(answers)
                .await?;
            match response {
                Interactive::Success => return Ok(Outcome::Done),
                Interactive::Failure {
                    remaining_methods: methods,
                    partial_success: partial,
                } => return Ok(Outcome::Failed { methods, partial }),
                Interactive::InfoRequest { prompts, .. } => {
                    answers = vec![String::new(); prompts.len()];
                }
            }
        }
        Err(Failed::Refused)
    }

    fn tell(&self, prompts: Option<Prompts>) {
        self.page.tell(ToPage::SignIn(SignIn {
            password: self.offer.password(),
            key: self.offer.key(),
            refused: self.offer.refused,
            prompts,
        }));
    }
}

impl Offer {
    fn password(&self) -> bool {
        self.methods.contains(&MethodKind::Password)
    }

    fn key(&self) -> bool {
        self.methods.contains(&MethodKind::PublicKey)
    }

    fn interactive(&self) -> bool {
        !self.asks_nothing && self.methods.contains(&MethodKind::KeyboardInteractive)
    }
}

impl From<AuthResult> for Outcome {
    fn from(result: AuthResult) -> Self {
        match result {
            AuthResult::Success => Self::Done,
            AuthResult::Failure {
                remaining_methods: methods,
                partial_success: partial,
            } => Self::Failed { methods, partial },
        }
    }
}

fn shown(title: &str, text: &str, prompts: Vec<russh::client::Prompt>) -> Prompts {
    let lines: Vec<String> = text
        .lines()
        .map(|line| clean(line, MAX_TEXT_BYTES))
        .take(MAX_PROMPTS)
        .collect();
    let fields = prompts.into_iter().map(|prompt| Prompt {
        text: clean(&prompt.prompt, MAX_TEXT_BYTES),
        echo: prompt.echo,
    });
    Prompts {
        title: clean(title, MAX_TEXT_BYTES),
        text: lines.join("\n"),
        fields: fields.collect(),
    }
}
