//! The session, told as stories.

use remote_messages::ssh::Prompt;

use super::*;

fn password(text: &str) -> Credential {
    Credential::Password(text.to_owned())
}

fn submit(session: &mut Session, user: &str, credential: Credential) -> Vec<Action> {
    let user = user.to_owned();
    session.take(Input::Submit { user, credential })
}

fn sign_in(refused: bool) -> ToPage {
    ToPage::SignIn(SignIn {
        password: true,
        key: true,
        refused,
        prompts: None,
    })
}

fn prompts(fields: &[(&str, bool)]) -> Prompts {
    let field = |(text, echo): &(&str, bool)| Prompt {
        text: (*text).to_owned(),
        echo: *echo,
    };
    Prompts {
        title: String::new(),
        text: String::new(),
        fields: fields.iter().map(field).collect(),
    }
}

fn asks(fields: &[(&str, bool)]) -> ToPage {
    ToPage::SignIn(SignIn {
        password: false,
        key: true,
        refused: false,
        prompts: Some(prompts(fields)),
    })
}

fn key() -> HostKey {
    HostKey {
        key: "ssh-ed25519 AAAA".to_owned(),
        algorithm: "ssh-ed25519".to_owned(),
        fingerprint: "SHA256:x".to_owned(),
    }
}

fn fault(session: &Session) -> Option<Fault> {
    match session.stage() {
        Stage::SignIn(form) => form.fault,
        other => panic!("no form: {other:?}"),
    }
}

/// Signed in as far as the first question of the device.
fn connected() -> Session {
    let mut session = Session::new(true);
    let started = submit(&mut session, "ada", password("right"));
    assert!(matches!(started.as_slice(), [Action::Start { user }] if user == "ada"));
    session.take(Input::Loaded);
    assert_eq!(session.stage(), &Stage::Busy(Step::Reaching));
    session.take(Input::Told(ToPage::Connected));
    session
}

#[test]
fn one_form_leads_to_a_shell() {
    let mut session = connected();
    let sent = session.take(Input::Told(sign_in(false)));
    assert!(
        matches!(sent.as_slice(), [Action::Send(ToWorker::Password { password })] if password == "right")
    );
    assert_eq!(session.stage(), &Stage::Busy(Step::SigningIn));
    let begun = session.take(Input::Told(ToPage::Shell));
    assert!(matches!(begun.as_slice(), [Action::Begun { user }] if user == "ada"));
    assert_eq!(session.stage(), &Stage::Running);
}

#[test]
fn a_refused_password_is_told_and_the_next_goes_over_the_same_connection() {
    let mut session = connected();
    session.take(Input::Told(sign_in(false)));
    assert!(session.take(Input::Told(sign_in(true))).is_empty());
    assert_eq!(fault(&session), Some(Fault::Refused(Method::Password)));
    let sent = submit(&mut session, "ada", password("other"));
    assert!(matches!(
        sent.as_slice(),
        [Action::Send(ToWorker::Password { .. })]
    ));
}

#[test]
fn another_account_is_another_connection() {
    let mut session = connected();
    session.take(Input::Told(sign_in(false)));
    session.take(Input::Told(sign_in(true)));
    let sent = submit(&mut session, "eve", password("x"));
    assert!(matches!(sent.as_slice(), [Action::Start { user }] if user == "eve"));
}

#[test]
fn what_the_device_does_not_take_is_not_sent() {
    let mut session = connected();
    let keys_only = SignIn {
        password: false,
        key: true,
        refused: false,
        prompts: None,
    };
    assert!(
        session
            .take(Input::Told(ToPage::SignIn(keys_only)))
            .is_empty()
    );
    assert_eq!(fault(&session), Some(Fault::NotTaken(Method::Password)));
}

#[test]
fn a_locked_key_asks_for_its_passphrase() {
    let mut session = Session::new(true);
    let text = "-----BEGIN".to_owned();
    submit(
        &mut session,
        "ada",
        Credential::Key {
            text,
            passphrase: None,
        },
    );
    session.take(Input::Told(sign_in(false)));
    session.take(Input::Told(ToPage::KeyUnusable(KeyFault::Encrypted)));
    assert_eq!(fault(&session), Some(Fault::Key(KeyFault::Encrypted)));
    // Whether the Worker asks again or not: the reason stays.
    session.take(Input::Told(sign_in(false)));
    assert_eq!(fault(&session), Some(Fault::Key(KeyFault::Encrypted)));
}

#[test]
fn nothing_secret_is_sent_before_the_unknown_key_is_trusted() {
    let mut session = connected();
    assert!(
        session
            .take(Input::Told(ToPage::HostKeyUnknown(key())))
            .is_empty()
    );
    assert_eq!(session.stage(), &Stage::HostKey(key()));
    let trusted = session.take(Input::TrustHostKey);
    assert!(matches!(
        trusted.as_slice(),
        [Action::Keep(kept), Action::Send(ToWorker::TrustHostKey)] if *kept == key()
    ));
    // Trusting twice does nothing.
    assert!(session.take(Input::TrustHostKey).is_empty());
}

#[test]
fn an_unknown_key_that_is_not_trusted_ends_the_connection() {
    let mut session = connected();
    session.take(Input::Told(ToPage::HostKeyUnknown(key())));
    assert!(matches!(
        session.take(Input::Cancel).as_slice(),
        [Action::End]
    ));
    assert_eq!(fault(&session), None);
    // What was typed is forgotten: it is not sent by the next connection.
    assert!(session.pending.is_none());
}

#[test]
fn a_shell_that_is_left_is_closed_in_order() {
    let mut session = connected();
    session.take(Input::Told(ToPage::Shell));
    assert!(matches!(
        session.take(Input::Cancel).as_slice(),
        [Action::Leave]
    ));
}

#[test]
fn another_host_key_is_a_hard_stop() {
    let mut session = connected();
    let mismatch = Ended::HostKeyMismatch {
        presented: key(),
        known: Vec::new(),
    };
    let ended = session.take(Input::Told(ToPage::Ended(mismatch.clone())));
    assert!(matches!(ended.as_slice(), [Action::End]));
    assert_eq!(session.stage(), &Stage::Over(Ending::Told(mismatch)));
    assert!(session.pending.is_none());
    assert!(session.take(Input::TrustHostKey).is_empty());
}

#[test]
fn a_question_for_the_password_is_answered_with_the_password() {
    for text in ["(ada@pump) Password: ", "Passwort:", "Mot de passe : "] {
        let mut session = connected();
        let sent = session.take(Input::Told(asks(&[(text, false)])));
        assert!(
            matches!(sent.as_slice(), [Action::Send(ToWorker::Answers { answers })] if answers == &["right"]),
            "{text}"
        );
    }
}

#[test]
fn a_refused_answer_leads_back_to_the_form_and_the_next_goes_to_the_open_question() {
    let mut session = connected();
    session.take(Input::Told(asks(&[("Password: ", false)])));
    let mut again = asks(&[("Password: ", false)]);
    if let ToPage::SignIn(sign_in) = &mut again {
        sign_in.refused = true;
    }
    assert!(session.take(Input::Told(again)).is_empty());
    assert_eq!(fault(&session), Some(Fault::Refused(Method::Password)));
    let sent = submit(&mut session, "ada", password("other"));
    assert!(
        matches!(sent.as_slice(), [Action::Send(ToWorker::Answers { answers })] if answers == &["other"])
    );
}

#[test]
fn a_second_question_is_for_the_person() {
    let mut session = connected();
    session.take(Input::Told(asks(&[("Password: ", false)])));
    let code = &[("Verification code: ", false)];
    session.take(Input::Told(asks(code)));
    let expected = Stage::Prompts {
        prompts: prompts(code),
        refused: false,
    };
    assert_eq!(session.stage(), &expected);
}

#[test]
fn a_key_goes_before_a_question() {
    let mut session = Session::new(true);
    let text = "-----BEGIN".to_owned();
    let key = Credential::Key {
        text,
        passphrase: None,
    };
    submit(&mut session, "ada", key);
    let sent = session.take(Input::Told(asks(&[("Password: ", false)])));
    assert!(matches!(
        sent.as_slice(),
        [Action::Send(ToWorker::PrivateKey { .. })]
    ));
}

#[test]
fn other_questions_never_get_the_password() {
    for fields in [
        &[("Verification code: ", false)][..],
        &[("One-time PIN:", false)],
        &[("Password: ", true)],
        &[("Password: ", false), ("Code: ", false)],
    ] {
        let mut session = connected();
        assert!(session.take(Input::Told(asks(fields))).is_empty());
        let expected = Stage::Prompts {
            prompts: prompts(fields),
            refused: false,
        };
        assert_eq!(session.stage(), &expected);
        let sent = session.take(Input::Answers(vec!["1".to_owned()]));
        assert!(matches!(
            sent.as_slice(),
            [Action::Send(ToWorker::Answers { .. })]
        ));
    }
}

#[test]
fn a_device_that_is_away_is_waited_for_with_what_was_typed() {
    let mut session = Session::new(true);
    submit(&mut session, "ada", password("right"));
    let offline = Ended::Stream {
        fault: StreamFault::Offline,
    };
    session.take(Input::Told(ToPage::Ended(offline)));
    assert_eq!(session.stage(), &Stage::Away);
    assert!(session.take(Input::Reachable(false)).is_empty());
    let started = session.take(Input::Reachable(true));
    assert!(matches!(started.as_slice(), [Action::Start { user }] if user == "ada"));
}

#[test]
fn a_device_that_was_away_from_the_start_leads_to_the_form() {
    let mut session = Session::new(false);
    assert_eq!(session.stage(), &Stage::Away);
    assert!(session.take(Input::Reachable(true)).is_empty());
    assert_eq!(fault(&session), None);
    session.take(Input::Reachable(false));
    assert_eq!(session.stage(), &Stage::Away);
}

#[test]
fn a_shell_that_loses_its_device_stays_to_be_read() {
    let mut session = connected();
    session.take(Input::Told(ToPage::Shell));
    assert!(session.take(Input::Reachable(false)).is_empty());
    assert_eq!(session.stage(), &Stage::Running);
    let offline = Ended::Stream {
        fault: StreamFault::Offline,
    };
    session.take(Input::Told(ToPage::Ended(offline.clone())));
    assert_eq!(session.stage(), &Stage::Over(Ending::Told(offline)));
    session.take(Input::Retry);
    assert_eq!(session.stage(), &Stage::Away);
}

#[test]
fn a_form_that_was_left_alone_just_connects_anew() {
    let mut session = connected();
    session.take(Input::Told(sign_in(false)));
    session.take(Input::Told(sign_in(true)));
    let bored = Ended::Disconnected {
        text: "Timeout before authentication".to_owned(),
    };
    session.take(Input::Told(ToPage::Ended(bored)));
    assert_eq!(fault(&session), Some(Fault::Refused(Method::Password)));
    let sent = submit(&mut session, "ada", password("other"));
    assert!(matches!(sent.as_slice(), [Action::Start { .. }]));
}

#[test]
fn only_what_is_busy_can_take_too_long() {
    let mut session = connected();
    session.take(Input::Told(ToPage::HostKeyUnknown(key())));
    assert!(session.take(Input::TimedOut).is_empty());
    let mut session = connected();
    assert!(matches!(
        session.take(Input::TimedOut).as_slice(),
        [Action::End]
    ));
    assert_eq!(
        session.stage(),
        &Stage::Over(Ending::TimedOut(Step::CheckingKey))
    );
}

#[test]
fn a_module_that_breaks_ends_a_running_shell() {
    let mut session = connected();
    session.take(Input::Told(ToPage::Shell));
    session.take(Input::ModuleFailed);
    assert_eq!(session.stage(), &Stage::Over(Ending::ModuleFailed));
}

#[test]
fn a_lost_connection_leaves_the_shell() {
    let mut session = connected();
    session.take(Input::Told(ToPage::Reconnecting));
    assert!(!session.is_reconnecting(), "there is no shell yet");
    session.take(Input::Told(ToPage::Shell));
    assert!(session.is_reconnecting());
    assert_eq!(session.stage(), &Stage::Running);
    session.take(Input::Told(ToPage::Reconnected));
    assert!(!session.is_reconnecting());
    session.take(Input::Told(ToPage::Reconnecting));
    session.take(Input::ModuleFailed);
    assert!(!session.is_reconnecting());
}
