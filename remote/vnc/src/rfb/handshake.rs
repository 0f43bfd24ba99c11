//! From the first byte to the first picture's size (RFC 6143 sections 7.1 to 7.3).

use std::future::poll_fn;
use std::task::Poll;

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use super::Event;
use super::error::{Error, SecurityType};
use super::shared::Shared;

/// What a server may say of itself or of a refusal; the rest is dropped.
const MAX_TEXT_BYTES: usize = 1024;

/// The version both ends speak from here on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V3_3,
    V3_7,
    V3_8,
}

/// Agrees, signs in, and gives the name of the desktop.
pub(super) async fn perform(shared: &Shared) -> Result<(), Error> {
    let version = version(shared).await?;
    let security = security(shared, version).await?;
    if security == SecurityType::VNC_AUTH {
        answer_challenge(shared).await?;
    }
    // Before 3.8, who asks for no password says no result.
    if security == SecurityType::VNC_AUTH || version >= Version::V3_8 {
        result(shared, version).await?;
    }
    // Others may watch too.
    shared.send(&[1]);
    let input = &shared.input;
    let (width, height) = (input.u16().await?, input.u16().await?);
    // Its own pixel format: we ask for ours.
    input.skip(16).await?;
    let length = input.u32().await? as usize;
    let name = input.text(length, MAX_TEXT_BYTES).await?;
    shared.screen.borrow_mut().resize(width, height)?;
    shared.tell(Event::Name(text(&name)));
    shared.tell(Event::Resized { width, height });
    Ok(())
}

async fn version(shared: &Shared) -> Result<Version, Error> {
    let offered: [u8; 12] = shared.input.array().await?;
    let number = |at: usize| -> Option<u32> {
        std::str::from_utf8(offered.get(at..at + 3)?)
            .ok()?
            .parse()
            .ok()
    };
    let (Some(b"RFB "), Some(major), Some(minor)) = (offered.get(..4), number(4), number(8)) else {
        return Err(Error::NotRfb);
    };
    // 3.889 is Apple's, 4.1 and 5.0 are RealVNC's: all of them speak 3.8.
    let (version, answer) = match (major, minor) {
        (3, 7) => (Version::V3_7, b"RFB 003.007\n"),
        (3, 8..) | (4.., _) => (Version::V3_8, b"RFB 003.008\n"),
        (3, _) => (Version::V3_3, b"RFB 003.003\n"),
        _ => return Err(Error::NotRfb),
    };
    shared.send(answer);
    Ok(version)
}

async fn security(shared: &Shared, version: Version) -> Result<SecurityType, Error> {
    let input = &shared.input;
    if version == Version::V3_3 {
        let chosen = input.u32().await?;
        return match u8::try_from(chosen).map(SecurityType) {
            Ok(SecurityType(0)) => Err(Error::Refused(reason(shared).await?)),
            Ok(spoken @ (SecurityType::NONE | SecurityType::VNC_AUTH)) => Ok(spoken),
            Ok(other) => Err(Error::NoSecurity(vec![other])),
            Err(_) => Err(Error::Malformed("a security type that cannot be")),
        };
    }
    let count = usize::from(input.u8().await?);
    if count == 0 {
        return Err(Error::Refused(reason(shared).await?));
    }
    let offered = input
        .exact(count, |bytes| {
            bytes.iter().copied().map(SecurityType).collect::<Vec<_>>()
        })
        .await?;
    let spoken = [SecurityType::NONE, SecurityType::VNC_AUTH];
    let chosen = spoken.into_iter().find(|spoken| offered.contains(spoken));
    let chosen = chosen.ok_or(Error::NoSecurity(offered))?;
    shared.send(&[chosen.0]);
    Ok(chosen)
}

async fn answer_challenge(shared: &Shared) -> Result<(), Error> {
    let mut challenge: [u8; 16] = shared.input.array().await?;
    shared.tell(Event::PasswordWanted);
    let password = poll_fn(|_| match shared.password.borrow_mut().take() {
        Some(password) => Poll::Ready(password),
        None => Poll::Pending,
    })
    .await;
    encrypt(&password, &mut challenge);
    shared.send(&challenge);
    Ok(())
}

/// DES with the first eight bytes of the password, each with its bits the other way round.
fn encrypt(password: &Zeroizing<String>, challenge: &mut [u8; 16]) {
    let mut key = Zeroizing::new([0_u8; 8]);
    for (key, letter) in key.iter_mut().zip(password.bytes()) {
        *key = letter.reverse_bits();
    }
    let cipher = Des::new((&*key).into());
    for block in challenge.chunks_exact_mut(8) {
        if let Ok(block) = block.try_into() {
            cipher.encrypt_block(block);
        }
    }
}

async fn result(shared: &Shared, version: Version) -> Result<(), Error> {
    match shared.input.u32().await? {
        0 => Ok(()),
        1 | 2 if version < Version::V3_8 => Err(Error::WrongPassword(String::new())),
        1 | 2 => Err(Error::WrongPassword(reason(shared).await?)),
        _ => Err(Error::Malformed("a result that cannot be")),
    }
}

/// Why the server refused. One that hangs up instead has refused all the same.
async fn reason(shared: &Shared) -> Result<String, Error> {
    let read = async {
        let length = shared.input.u32().await? as usize;
        shared
            .input
            .text(length.min(MAX_TEXT_BYTES), MAX_TEXT_BYTES)
            .await
    };
    match read.await {
        Ok(bytes) => Ok(text(&bytes)),
        Err(Error::Ended) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Servers write UTF-8 or Latin-1 and do not say which.
pub(super) fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(
        |_| bytes.iter().copied().map(char::from).collect(),
        str::to_owned,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_answered_as_others_do() {
        // Made with OpenSSL's des-ecb and the reversed bits of "password".
        let mut challenge = [0; 16];
        encrypt(&Zeroizing::new("password".to_owned()), &mut challenge);
        assert_eq!(challenge[..8], challenge[8..]);
        let mut longer = [0; 16];
        encrypt(&Zeroizing::new("password and more".to_owned()), &mut longer);
        assert_eq!(challenge, longer, "eight letters count");
    }

    #[test]
    fn text_is_read_whatever_it_is_written_in() {
        assert_eq!(text("Prüfstand".as_bytes()), "Prüfstand");
        assert_eq!(text(b"Pr\xfcfstand"), "Prüfstand");
    }
}
