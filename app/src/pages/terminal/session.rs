//! A terminal session as a state machine: what people do and what the Worker tells go in, the next
//! stage and what is to be done come out. It knows no browser and no clock.

use remote_messages::StreamFault;
use remote_messages::ssh::{Ended, HostKey, KeyFault, Prompts, SignIn, ToPage, ToWorker};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Asks for the account and a secret.
    SignIn(Form),
    /// On its way to a shell.
    Busy(Step),
    /// Asks whether a key that nobody knows is the device's.
    HostKey(HostKey),
    /// Asks what the device asks.
    Prompts {
        prompts: Prompts,
        /// What was answered before was refused.
        refused: bool,
    },
    /// The shell runs.
    Running,
    /// The device cannot be reached; goes on by itself when it can.
    Away,
    Over(Ending),
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Loading,
    Reaching,
    CheckingKey,
    SigningIn,
}

/// What the sign-in form says beside its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The device says no to it.
    Refused(Method),
    /// The device takes no sign-in of this kind.
    NotTaken(Method),
    Key(KeyFault),
    /// The device asked something and said no to the answer.
    Answers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Password,
    Key,
}

/// What proves who somebody is. Kept only until it is sent.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    Password(String),
    Key {
        text: String,
        passphrase: Option<String>,
    },
}

impl Credential {
    const fn method(&self) -> Method {
        match self {
            Self::Password(_) => Method::Password,
            Self::Key { .. } => Method::Key,
        }
    }
}

/// Why it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Told(Ended),
    /// This step took too long.
    TimedOut(Step),
    /// The Worker or the drawing library could not be loaded, or broke.
    ModuleFailed,
}

pub(super) enum Input {
    Submit {
        user: String,
        credential: Credential,
    },
    /// The Worker listens.
    Loaded,
    Told(ToPage),
    ModuleFailed,
    TrustHostKey,
    Answers(Vec<String>),
    /// Back to the form, whatever is going on.
    Cancel,
    Retry,
    /// Whether the live state of the device says online.
    Reachable(bool),
    TimedOut,
}

#[derive(Clone)]
pub(super) enum Action {
    /// A new Worker for this account; an older one ends.
    Start {
        user: String,
    },
    Send(ToWorker),
    /// The Worker ends.
    End,
    /// The Worker closes the shell in order, then ends.
    Leave,
    /// The key is trusted from now on.
    Keep(HostKey),
    /// A shell runs: the account was right.
    Begun {
        user: String,
    },
}

pub(super) struct Session {
    stage: Stage,
    /// Of the Worker that runs, or of the last one.
    user: Option<String>,
    /// The Worker has said that it takes a sign-in, and has not ended.
    takes_sign_in: bool,
    offered: SignIn,
    pending: Option<Credential>,
    tried: Option<Fault>,
    /// The browser's connection is lost; the stream waits for another one.
    lost: bool,
    reachable: bool,
}

impl Session {
    /// At the beginning, with what the live state says.
    pub(super) fn new(reachable: bool) -> Self {
        Self {
            stage: if reachable { form(None) } else { Stage::Away },
            user: None,
            takes_sign_in: false,
            offered: SignIn {
                password: true,
                key: true,
                refused: false,
                prompts: None,
            },
            pending: None,
            tried: None,
            lost: false,
            reachable,
        }
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether what runs waits for the browser's next connection.
    pub(super) fn is_reconnecting(&self) -> bool {
        self.lost && self.stage == Stage::Running
    }

    /// Goes on.
    pub(super) fn take(&mut self, input: Input) -> Vec<Action> {
        match input {
            Input::Submit { user, credential } => self.submit(user, credential),
            Input::Loaded => {
                if self.stage == Stage::Busy(Step::Loading) {
                    self.stage = Stage::Busy(Step::Reaching);
                }
                Vec::new()
            }
            Input::Told(message) => self.told(message),
            Input::ModuleFailed => self.end(Ending::ModuleFailed),
            Input::TrustHostKey => self.trust(),
            Input::Answers(answers) => self.answer(answers),
            Input::Cancel => {
                let runs = self.stage == Stage::Running;
                self.pending = None;
                self.takes_sign_in = false;
                self.stage = self.form_or_away(None);
                vec![if runs { Action::Leave } else { Action::End }]
            }
            Input::Retry => {
                self.stage = self.form_or_away(None);
                Vec::new()
            }
            Input::Reachable(reachable) => self.reach(reachable),
            Input::TimedOut => match self.stage {
                Stage::Busy(step) => self.end(Ending::TimedOut(step)),
                _ => Vec::new(),
            },
        }
    }

    fn submit(&mut self, user: String, credential: Credential) -> Vec<Action> {
        self.tried = None;
        // Another account needs another connection: SSH servers hold on to the first.
        if self.takes_sign_in && self.user.as_ref() == Some(&user) {
            self.pending = Some(credential);
            return self.try_pending(None);
        }
        self.pending = Some(credential);
        self.start(user)
    }

    fn start(&mut self, user: String) -> Vec<Action> {
        self.takes_sign_in = false;
        self.user = Some(user.clone());
        self.stage = Stage::Busy(Step::Loading);
        vec![Action::Start { user }]
    }

    fn told(&mut self, message: ToPage) -> Vec<Action> {
        match &message {
            ToPage::Reconnecting => self.lost = true,
            ToPage::Connected | ToPage::Reconnected | ToPage::Ended(_) => self.lost = false,
            _ => {}
        }
        match message {
            ToPage::Connected => {
                self.stage = Stage::Busy(Step::CheckingKey);
                Vec::new()
            }
            ToPage::HostKeyUnknown(key) => {
                self.stage = Stage::HostKey(key);
                Vec::new()
            }
            ToPage::SignIn(sign_in) => self.asked(sign_in),
            ToPage::KeyUnusable(fault) => {
                self.stage = form(Some(Fault::Key(fault)));
                self.tried = Some(Fault::Key(fault));
                Vec::new()
            }
            ToPage::Shell => {
                self.stage = Stage::Running;
                self.takes_sign_in = false;
                self.pending = None;
                let user = self.user.clone().unwrap_or_default();
                vec![Action::Begun { user }]
            }
            ToPage::Reconnecting | ToPage::Reconnected | ToPage::Traffic { .. } => Vec::new(),
            ToPage::Ended(ended) => self.ended(ended),
        }
    }

    fn asked(&mut self, sign_in: SignIn) -> Vec<Action> {
        self.takes_sign_in = true;
        let refused = sign_in.refused;
        self.offered = sign_in;
        let fault = match self.tried {
            Some(fault @ Fault::Key(_)) => Some(fault),
            Some(fault) if refused => Some(fault),
            _ => None,
        };
        self.try_pending(fault)
    }

    /// Tries what was typed, if the device takes it now; else asks, and says what was wrong.
    fn try_pending(&mut self, fault: Option<Fault>) -> Vec<Action> {
        let asks_password = self.offered.prompts.as_ref().is_some_and(wants_password);
        let message = match self.pending.take() {
            // Many servers ask for the password in this way alone: it is not asked for twice.
            Some(Credential::Password(password)) if asks_password => {
                self.tried = Some(Fault::Refused(Method::Password));
                ToWorker::Answers {
                    answers: vec![password],
                }
            }
            Some(Credential::Password(password)) if self.takes_password() => {
                self.tried = Some(Fault::Refused(Method::Password));
                ToWorker::Password { password }
            }
            Some(Credential::Key { text, passphrase }) if self.offered.key => {
                self.tried = Some(Fault::Refused(Method::Key));
                ToWorker::PrivateKey { text, passphrase }
            }
            kept => return self.ask(kept, fault, asks_password),
        };
        self.stage = Stage::Busy(Step::SigningIn);
        vec![Action::Send(message)]
    }

    fn takes_password(&self) -> bool {
        self.offered.password && self.offered.prompts.is_none()
    }

    fn ask(
        &mut self,
        kept: Option<Credential>,
        fault: Option<Fault>,
        asks_password: bool,
    ) -> Vec<Action> {
        let typed_before = matches!(fault, Some(Fault::Refused(_) | Fault::Key(_)));
        match self.offered.prompts.clone() {
            // The form has a field for that, and says beside it what was wrong.
            Some(_) if asks_password && typed_before => self.stage = form(fault),
            Some(prompts) => {
                let refused = self.offered.refused && self.tried.is_some();
                self.stage = Stage::Prompts { prompts, refused };
            }
            None => {
                let not_taken = kept.map(|credential| Fault::NotTaken(credential.method()));
                self.stage = form(not_taken.or(fault));
            }
        }
        Vec::new()
    }

    fn trust(&mut self) -> Vec<Action> {
        let Stage::HostKey(key) = &self.stage else {
            return Vec::new();
        };
        let key = key.clone();
        self.stage = Stage::Busy(Step::SigningIn);
        vec![Action::Keep(key), Action::Send(ToWorker::TrustHostKey)]
    }

    fn answer(&mut self, answers: Vec<String>) -> Vec<Action> {
        if !matches!(self.stage, Stage::Prompts { .. }) {
            return Vec::new();
        }
        self.tried = Some(Fault::Answers);
        self.stage = Stage::Busy(Step::SigningIn);
        vec![Action::Send(ToWorker::Answers { answers })]
    }

    fn ended(&mut self, ended: Ended) -> Vec<Action> {
        // While somebody looks for a password, the device may lose its patience: the next attempt
        // just makes a new connection.
        let waits = matches!(self.stage, Stage::SignIn(_)) && self.takes_sign_in;
        self.takes_sign_in = false;
        match ended {
            Ended::Disconnected { .. }
            | Ended::Stream {
                fault: StreamFault::Broken | StreamFault::Lost,
            } if waits => {
                vec![Action::End]
            }
            Ended::Stream {
                fault: StreamFault::Offline | StreamFault::Reconnecting,
            } if self.stage != Stage::Running => {
                self.stage = Stage::Away;
                vec![Action::End]
            }
            // The page asked for it, and has gone on.
            Ended::Closed if self.stage != Stage::Running => vec![Action::End],
            other => self.end(Ending::Told(other)),
        }
    }

    fn end(&mut self, ending: Ending) -> Vec<Action> {
        self.takes_sign_in = false;
        self.pending = None;
        self.stage = Stage::Over(ending);
        vec![Action::End]
    }

    fn reach(&mut self, reachable: bool) -> Vec<Action> {
        let before = self.reachable;
        self.reachable = reachable;
        match self.stage {
            Stage::Away if reachable && !before => match (&self.user, &self.pending) {
                (Some(user), Some(_)) => {
                    let user = user.clone();
                    self.start(user)
                }
                _ => {
                    self.stage = form(None);
                    Vec::new()
                }
            },
            Stage::SignIn(_) if !reachable && !self.takes_sign_in => {
                self.stage = Stage::Away;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn form_or_away(&self, fault: Option<Fault>) -> Stage {
        if self.reachable {
            form(fault)
        } else {
            Stage::Away
        }
    }
}

fn form(fault: Option<Fault>) -> Stage {
    Stage::SignIn(Form { fault })
}

/// One hidden field is the password, in whatever language, unless it says that it is something else.
fn wants_password(prompts: &Prompts) -> bool {
    const OTHERS: [&str; 6] = ["code", "otp", "pin", "token", "passcode", "verification"];
    let [only] = prompts.fields.as_slice() else {
        return false;
    };
    let text = only.text.to_lowercase();
    let mut words = text.split(|letter: char| !letter.is_alphanumeric());
    !only.echo && !words.any(|word| OTHERS.contains(&word))
}

#[cfg(test)]
mod tests;
