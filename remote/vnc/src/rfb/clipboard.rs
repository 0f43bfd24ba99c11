//! Text to and from the server's clipboard: Latin-1 by the old message, any by the extended one.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::Event;
use super::error::Error;
use super::shared::Shared;

/// Either way; what is beyond is dropped.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;
/// Of an extended message on the wire.
const MAX_EXTENDED_BYTES: usize = 4 << 20;

/// The format that is text.
const TEXT: u32 = 1;
const CAPS: u32 = 1 << 24;
const REQUEST: u32 = 1 << 25;
const PEEK: u32 = 1 << 26;
const NOTIFY: u32 = 1 << 27;
const PROVIDE: u32 = 1 << 28;

/// What is known of both clipboards.
#[derive(Default)]
pub(super) struct Clipboard {
    /// People want them shared.
    enabled: bool,
    /// The server speaks the extended messages.
    extended: bool,
    ours: String,
    /// The server was told of ours and has not got it yet.
    offered: bool,
    /// The server has a text that was not asked for.
    theirs: bool,
}

/// Shares both clipboards, or no longer.
pub(super) fn enable(shared: &Shared, enabled: bool) {
    let mut clipboard = shared.clipboard.borrow_mut();
    if std::mem::replace(&mut clipboard.enabled, enabled) == enabled {
        return;
    }
    if enabled {
        if std::mem::take(&mut clipboard.theirs) {
            shared.send(&extended_message(REQUEST | TEXT, &[]));
        }
    } else {
        clipboard.ours.clear();
        if std::mem::take(&mut clipboard.offered) {
            shared.send(&extended_message(NOTIFY, &[]));
        }
    }
}

/// Offers our text to the server.
pub(super) fn offer(shared: &Shared, text: &str) {
    let mut clipboard = shared.clipboard.borrow_mut();
    if !clipboard.enabled || !shared.running.get() {
        return;
    }
    cut(text).clone_into(&mut clipboard.ours);
    if clipboard.extended {
        // It asks for it when somebody pastes.
        clipboard.offered = true;
        shared.send(&extended_message(NOTIFY | TEXT, &[]));
    } else {
        let latin: Vec<u8> = clipboard
            .ours
            .chars()
            .filter(|letter| *letter != '\r')
            .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
            .collect();
        let mut message = vec![6, 0, 0, 0];
        // Within MAX_TEXT_BYTES.
        message.extend_from_slice(&(latin.len() as u32).to_be_bytes());
        message.extend_from_slice(&latin);
        shared.send(&message);
    }
}

/// ServerCutText; a negative length is the extended one's.
pub(super) async fn read(shared: &Shared) -> Result<(), Error> {
    let input = &shared.input;
    input.skip(3).await?;
    let length = i32::from_be_bytes(input.array().await?);
    let enabled = shared.clipboard.borrow().enabled;
    if length >= 0 {
        let length = length as usize;
        if !enabled {
            return input.skip(length).await;
        }
        let latin = input.text(length, MAX_TEXT_BYTES).await?;
        let text = latin.into_iter().map(char::from).collect();
        shared.tell(Event::Clipboard(text));
        return Ok(());
    }
    let length = length.unsigned_abs() as usize;
    if !(4..=MAX_EXTENDED_BYTES).contains(&length) {
        return Err(Error::TooLarge("the clipboard"));
    }
    let flags = input.u32().await?;
    let body = input.exact(length - 4, <[u8]>::to_vec).await?;
    if let Some(answer) = extended(shared, flags, &body) {
        shared.answer(&answer).await;
    }
    Ok(())
}

/// Takes an extended message; gives what it is to be answered with.
fn extended(shared: &Shared, flags: u32, body: &[u8]) -> Option<Vec<u8>> {
    let mut clipboard = shared.clipboard.borrow_mut();
    if flags & CAPS != 0 {
        clipboard.extended = true;
        // How much text may be provided unasked: none.
        return Some(extended_message(
            CAPS | REQUEST | PEEK | NOTIFY | PROVIDE | TEXT,
            &0_u32.to_be_bytes(),
        ));
    }
    if flags & NOTIFY != 0 && !clipboard.enabled {
        clipboard.theirs = flags & TEXT != 0;
    }
    if !clipboard.enabled {
        return None;
    }
    if flags & REQUEST != 0 && flags & TEXT != 0 {
        // Once for each offer: a server keeps what it got, and each answer costs a whole text.
        std::mem::take(&mut clipboard.offered)
            .then(|| extended_message(PROVIDE | TEXT, &pack(&clipboard.ours)))
    } else if flags & PEEK != 0 {
        let has_text = !clipboard.ours.is_empty();
        Some(extended_message(
            NOTIFY | if has_text { TEXT } else { 0 },
            &[],
        ))
    } else if flags & NOTIFY != 0 && flags & TEXT != 0 {
        Some(extended_message(REQUEST | TEXT, &[]))
    } else {
        if flags & PROVIDE != 0
            && flags & TEXT != 0
            && let Some(text) = unpack(body)
        {
            shared.tell(Event::Clipboard(text));
        }
        None
    }
}

fn extended_message(flags: u32, body: &[u8]) -> Vec<u8> {
    let mut message = vec![6, 0, 0, 0];
    // Far below what 31 bits hold.
    message.extend_from_slice(&(-(4 + body.len() as i32)).to_be_bytes());
    message.extend_from_slice(&flags.to_be_bytes());
    message.extend_from_slice(body);
    message
}

/// Its length, the text with a zero at its end and CR LF between lines, compressed.
fn pack(text: &str) -> Vec<u8> {
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n") + "\0";
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = packer
        .write_all(&(text.len() as u32).to_be_bytes())
        .and_then(|()| packer.write_all(text.as_bytes()))
        .and_then(|()| packer.finish());
    // Into memory, which does not fail.
    written.unwrap_or_default()
}

fn unpack(body: &[u8]) -> Option<String> {
    let mut unpacker = ZlibDecoder::new(body);
    let mut length = [0; 4];
    unpacker.read_exact(&mut length).ok()?;
    let length = u64::from(u32::from_be_bytes(length)).min(MAX_TEXT_BYTES as u64);
    let mut text = Vec::new();
    // Never more than was told, whatever it inflates to.
    unpacker.take(length).read_to_end(&mut text).ok()?;
    while text.last() == Some(&0) {
        text.pop();
    }
    Some(String::from_utf8_lossy(&text).replace("\r\n", "\n"))
}

fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT_BYTES {
        return text;
    }
    let end = (0..=MAX_TEXT_BYTES)
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_as_it_was() {
        for text in ["", "plain", "zwei\nZeilen: äöü ß €", "emoji 🛰"] {
            assert_eq!(unpack(&pack(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn s43_a_bomb_is_not_unpacked() {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&u32::MAX.to_be_bytes()).unwrap();
        packer.write_all(&vec![b'x'; 8 << 20]).unwrap();
        let text = unpack(&packer.finish().unwrap()).unwrap();
        assert_eq!(text.len(), MAX_TEXT_BYTES);
    }

    #[test]
    fn broken_ones_are_dropped() {
        assert_eq!(unpack(b"not zlib"), None);
        assert_eq!(unpack(b""), None);
    }
}
