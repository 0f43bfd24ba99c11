//! Passwords, and servers that cannot be spoken to.

use remote_vnc::rfb::{Error, Event, SecurityType};
use zeroize::Zeroizing;

use crate::desktop::Desktop;
use crate::viewer::Viewer;

fn try_password(desktop: &Desktop, password: &str) -> Viewer {
    let mut viewer = Viewer::new(desktop.dial());
    viewer.until("the question", |viewer| viewer.saw(&Event::PasswordWanted));
    let password = Zeroizing::new(password.to_owned());
    viewer.client.answer_password(password).unwrap();
    viewer
}

#[test]
fn the_right_password_opens_and_a_wrong_one_does_not() {
    let desktop = Desktop::with_password("lantern7");
    let mut viewer = try_password(&desktop, "lantern7");
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    assert!(viewer.saw(&Event::Name("Prüfstand".to_owned())));

    let error = try_password(&desktop, "lantern8").until_ended();
    assert!(matches!(error, Error::WrongPassword(_)), "{error:?}");
}

#[test]
fn types_that_are_not_spoken_are_named() {
    let desktop = Desktop::start();
    let server = desktop.x11vnc(&["-ssl", "TMP", "-vencrypt", "only", "-anontls", "never"]);
    let error = Viewer::new(server.dial()).until_ended();
    let Error::NoSecurity(offered) = error else {
        panic!("{error:?}")
    };
    assert_eq!(offered, [SecurityType(19)]);
    assert_eq!(offered[0].name(), "VeNCrypt");
}
