//! A desktop's session as a state machine: what people do and what the Worker tells go in, the next
//! stage and what is to be done come out. It knows no browser and no clock.

use remote_messages::StreamFault;
use remote_messages::vnc::{Ended, ToPage, ToWorker};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// On its way to a picture.
    Busy(Step),
    /// Asks for the password.
    Password(Form),
    /// The desktop is there.
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
    SigningIn,
}

/// What the form says beside its field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// The password before was refused, with these words: untrusted, maybe none.
    pub(super) refused: Option<String>,
}

/// Why it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Told(Ended),
    /// This step took too long.
    TimedOut(Step),
    /// The Worker could not be loaded, or broke.
    ModuleFailed,
}

pub(super) enum Input {
    /// The page is there.
    Begin,
    /// The Worker listens and has its canvas.
    Loaded,
    Told(ToPage),
    ModuleFailed,
    Password(String),
    /// Ends it, whatever is going on.
    Leave,
    Retry,
    /// Whether the live state of the device says online.
    Reachable(bool),
    TimedOut,
}

#[derive(Clone)]
pub(super) enum Action {
    /// A new Worker; an older one ends.
    Start,
    Send(ToWorker),
    /// The Worker ends.
    End,
    /// The Worker says good-bye, then ends.
    Leave,
}

pub(super) struct Session {
    stage: Stage,
    /// The Worker waits for a password.
    asks: bool,
    /// Typed, and not sent yet.
    pending: Option<String>,
    /// The browser's connection is lost; the stream waits for another one.
    lost: bool,
    reachable: bool,
}

impl Session {
    /// At the beginning, with what the live state says.
    pub(super) fn new(reachable: bool) -> Self {
        Self {
            stage: if reachable {
                Stage::Busy(Step::Loading)
            } else {
                Stage::Away
            },
            asks: false,
            pending: None,
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
            Input::Begin if self.stage == Stage::Busy(Step::Loading) => vec![Action::Start],
            Input::Begin => Vec::new(),
            Input::Loaded => {
                if self.stage == Stage::Busy(Step::Loading) {
                    self.stage = Stage::Busy(Step::Reaching);
                }
                Vec::new()
            }
            Input::Told(message) => self.told(message),
            Input::ModuleFailed => self.end(Ending::ModuleFailed),
            Input::Password(password) => self.password(password),
            Input::Leave => self.leave(),
            Input::Retry => self.start(),
            Input::Reachable(reachable) => self.reach(reachable),
            Input::TimedOut => match self.stage {
                Stage::Busy(step) => self.end(Ending::TimedOut(step)),
                _ => Vec::new(),
            },
        }
    }

    fn start(&mut self) -> Vec<Action> {
        self.asks = false;
        if self.reachable {
            self.stage = Stage::Busy(Step::Loading);
            vec![Action::Start]
        } else {
            self.stage = Stage::Away;
            vec![Action::End]
        }
    }

    fn told(&mut self, message: ToPage) -> Vec<Action> {
        match &message {
            ToPage::Reconnecting => self.lost = true,
            ToPage::Connected | ToPage::Reconnected | ToPage::Ended(_) => self.lost = false,
            _ => {}
        }
        match message {
            ToPage::Connected => self.stage = Stage::Busy(Step::SigningIn),
            ToPage::PasswordWanted => match self.pending.take() {
                Some(password) => return vec![Action::Send(ToWorker::Password { password })],
                None => {
                    self.asks = true;
                    self.stage = Stage::Password(Form::default());
                }
            },
            ToPage::Running => {
                self.asks = false;
                self.stage = Stage::Running;
            }
            ToPage::Ended(ended) => return self.ended(ended),
            ToPage::Name { .. }
            | ToPage::Resized { .. }
            | ToPage::ResizeRefused
            | ToPage::Cursor { .. }
            | ToPage::Clipboard { .. }
            | ToPage::Bell
            | ToPage::Refreshed { .. }
            | ToPage::Reconnecting
            | ToPage::Reconnected
            | ToPage::Traffic { .. } => {}
        }
        Vec::new()
    }

    fn password(&mut self, password: String) -> Vec<Action> {
        if !matches!(self.stage, Stage::Password(_)) {
            return Vec::new();
        }
        if self.asks {
            self.asks = false;
            self.stage = Stage::Busy(Step::SigningIn);
            return vec![Action::Send(ToWorker::Password { password })];
        }
        // A wrong one ends the connection: the next one needs a new one.
        self.pending = Some(password);
        self.start()
    }

    fn ended(&mut self, ended: Ended) -> Vec<Action> {
        // While somebody looks for the password, the device may lose its patience: the next attempt
        // just makes a new connection.
        let waits = matches!(self.stage, Stage::Password(_));
        self.asks = false;
        match ended {
            Ended::WrongPassword { text } => {
                self.stage = Stage::Password(Form {
                    refused: Some(text),
                });
                vec![Action::End]
            }
            Ended::Disconnected
            | Ended::Stream {
                fault: StreamFault::Broken | StreamFault::Lost,
            } if waits => vec![Action::End],
            Ended::Stream {
                fault: StreamFault::Offline | StreamFault::Reconnecting,
            } if self.stage != Stage::Running => {
                self.stage = Stage::Away;
                vec![Action::End]
            }
            other => self.end(Ending::Told(other)),
        }
    }

    fn leave(&mut self) -> Vec<Action> {
        self.pending = None;
        self.asks = false;
        self.stage = Stage::Over(Ending::Told(Ended::Closed));
        vec![Action::Leave]
    }

    fn end(&mut self, ending: Ending) -> Vec<Action> {
        self.pending = None;
        self.asks = false;
        self.stage = Stage::Over(ending);
        vec![Action::End]
    }

    fn reach(&mut self, reachable: bool) -> Vec<Action> {
        let before = self.reachable;
        self.reachable = reachable;
        if self.stage == Stage::Away && reachable && !before {
            return self.start();
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(actions: &[Action]) -> Vec<&'static str> {
        let name = |action: &Action| match action {
            Action::Start => "start",
            Action::Send(ToWorker::Password { .. }) => "password",
            Action::Send(_) => "send",
            Action::End => "end",
            Action::Leave => "leave",
        };
        actions.iter().map(name).collect()
    }

    fn asked() -> Session {
        let mut session = Session::new(true);
        assert_eq!(kinds(&session.take(Input::Begin)), ["start"]);
        session.take(Input::Loaded);
        session.take(Input::Told(ToPage::Connected));
        session.take(Input::Told(ToPage::PasswordWanted));
        assert_eq!(*session.stage(), Stage::Password(Form::default()));
        session
    }

    #[test]
    fn the_way_to_a_picture() {
        let mut session = asked();
        let actions = session.take(Input::Password("secret".to_owned()));
        assert_eq!(kinds(&actions), ["password"]);
        assert_eq!(*session.stage(), Stage::Busy(Step::SigningIn));
        session.take(Input::Told(ToPage::Running));
        assert_eq!(*session.stage(), Stage::Running);
        assert_eq!(kinds(&session.take(Input::Leave)), ["leave"]);
        assert_eq!(*session.stage(), Stage::Over(Ending::Told(Ended::Closed)));
    }

    #[test]
    fn a_wrong_password_is_asked_for_again_over_a_new_connection() {
        let mut session = asked();
        session.take(Input::Password("wrong".to_owned()));
        let text = "no".to_owned();
        let ended = ToPage::Ended(Ended::WrongPassword { text: text.clone() });
        assert_eq!(kinds(&session.take(Input::Told(ended))), ["end"]);
        let refused = Some(text);
        assert_eq!(*session.stage(), Stage::Password(Form { refused }));
        let actions = session.take(Input::Password("right".to_owned()));
        assert_eq!(kinds(&actions), ["start"]);
        session.take(Input::Loaded);
        session.take(Input::Told(ToPage::Connected));
        let actions = session.take(Input::Told(ToPage::PasswordWanted));
        assert_eq!(kinds(&actions), ["password"], "not asked for twice");
    }

    #[test]
    fn a_server_that_loses_its_patience_is_called_again() {
        let mut session = asked();
        let actions = session.take(Input::Told(ToPage::Ended(Ended::Disconnected)));
        assert_eq!(kinds(&actions), ["end"]);
        assert_eq!(*session.stage(), Stage::Password(Form::default()));
        let actions = session.take(Input::Password("late".to_owned()));
        assert_eq!(kinds(&actions), ["start"]);
    }

    #[test]
    fn a_device_that_is_away_is_waited_for() {
        let mut session = Session::new(false);
        assert_eq!(kinds(&session.take(Input::Begin)), [""; 0]);
        assert_eq!(*session.stage(), Stage::Away);
        assert_eq!(kinds(&session.take(Input::Reachable(true))), ["start"]);
        let fault = StreamFault::Offline;
        session.take(Input::Told(ToPage::Ended(Ended::Stream { fault })));
        assert_eq!(*session.stage(), Stage::Away);
        // In the middle, it is told: what was on the screen is not what is there now.
        session.take(Input::Retry);
        session.take(Input::Told(ToPage::Running));
        session.take(Input::Told(ToPage::Ended(Ended::Stream { fault })));
        assert!(matches!(session.stage(), Stage::Over(_)));
    }

    #[test]
    fn a_lost_connection_leaves_the_picture() {
        let mut session = asked();
        session.take(Input::Told(ToPage::Reconnecting));
        assert!(!session.is_reconnecting(), "there is no picture yet");
        session.take(Input::Told(ToPage::Running));
        assert!(session.is_reconnecting());
        assert_eq!(*session.stage(), Stage::Running);
        session.take(Input::Told(ToPage::Reconnected));
        assert!(!session.is_reconnecting());
        session.take(Input::Told(ToPage::Reconnecting));
        let fault = StreamFault::Lost;
        session.take(Input::Told(ToPage::Ended(Ended::Stream { fault })));
        session.take(Input::Told(ToPage::Running));
        assert!(!session.is_reconnecting(), "what was lost is over");
    }

    #[test]
    fn a_step_that_takes_too_long_ends_it() {
        let mut session = Session::new(true);
        session.take(Input::Begin);
        assert_eq!(kinds(&session.take(Input::TimedOut)), ["end"]);
        assert_eq!(
            *session.stage(),
            Stage::Over(Ending::TimedOut(Step::Loading))
        );
        assert_eq!(kinds(&session.take(Input::TimedOut)), [""; 0]);
    }
}
