//! What the client says (RFC 6143 section 7.5), each message written whole.

use super::decode::number;
use super::shared::Shared;
use super::{Event, Quality};

/// Pseudo-encodings: what else a client understands.
pub(super) mod pseudo {
    pub(crate) const DESKTOP_SIZE: i32 = -223;
    pub(crate) const LAST_RECT: i32 = -224;
    pub(crate) const CURSOR: i32 = -239;
    pub(crate) const LED_STATE: i32 = -261;
    pub(crate) const DESKTOP_NAME: i32 = -307;
    pub(crate) const EXTENDED_DESKTOP_SIZE: i32 = -308;
    pub(crate) const FENCE: i32 = -312;
    pub(crate) const CURSOR_WITH_ALPHA: i32 = -314;
    /// As a number without sign it is 0xC0A1E5CE.
    pub(crate) const EXTENDED_CLIPBOARD: i32 = -1_063_131_698;
    /// Worst of ten steps of JPEG.
    pub(crate) const QUALITY_0: i32 = -32;
    /// Quickest of ten steps of zlib.
    pub(crate) const COMPRESSION_0: i32 = -256;
}

/// Buttons of the pointer that are down. The wheel is four of them: one press is one notch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buttons(pub u8);

impl Buttons {
    /// The first.
    pub const LEFT: u8 = 1;
    /// The second.
    pub const MIDDLE: u8 = 2;
    /// The third.
    pub const RIGHT: u8 = 4;
    /// A notch away from the hand.
    pub const WHEEL_UP: u8 = 8;
    /// A notch towards the hand.
    pub const WHEEL_DOWN: u8 = 16;
    /// A notch to the left.
    pub const WHEEL_LEFT: u8 = 32;
    /// A notch to the right.
    pub const WHEEL_RIGHT: u8 = 64;
}

/// Pixels as the screen has them: 32 bits, of which the first byte is red.
pub(super) fn set_pixel_format(shared: &Shared) {
    #[rustfmt::skip]
    shared.send(&[
        0, 0, 0, 0,
        32, 24, 0, 1, // bits, depth, little-endian, true colour
        0, 255, 0, 255, 0, 255, // the most of red, green and blue
        0, 8, 16, // where they begin
        0, 0, 0,
    ]);
}

pub(super) fn set_encodings(shared: &Shared) {
    let mut list = vec![
        number::COPY_RECT,
        number::TIGHT,
        number::ZRLE,
        number::TRLE,
        number::HEXTILE,
        number::ZLIB,
        number::RRE,
        number::RAW,
        pseudo::CURSOR_WITH_ALPHA,
        pseudo::CURSOR,
        pseudo::EXTENDED_DESKTOP_SIZE,
        pseudo::DESKTOP_SIZE,
        pseudo::LAST_RECT,
        pseudo::DESKTOP_NAME,
        // Without it, servers take a capital letter without Shift, as in text that came as a whole,
        // for a sign that Caps Lock is on, and switch theirs on.
        pseudo::LED_STATE,
        pseudo::FENCE,
        pseudo::EXTENDED_CLIPBOARD,
        pseudo::COMPRESSION_0 + 2,
    ];
    let jpeg = match shared.quality.get() {
        Quality::Lossless => None,
        Quality::High => Some(8),
        Quality::Medium => Some(5),
        Quality::Low => Some(1),
    };
    list.extend(jpeg.map(|step| pseudo::QUALITY_0 + step));
    if let Some(only) = &*shared.encodings.borrow() {
        list.retain(|encoding| *encoding < 0 || only.contains(encoding));
    }
    // A list of ours, far below what 16 bits hold.
    let mut message = vec![2, 0];
    message.extend_from_slice(&(list.len() as u16).to_be_bytes());
    for encoding in &list {
        message.extend_from_slice(&encoding.to_be_bytes());
    }
    shared.send(&message);
}

/// Asks for the whole screen: what changes from now on, or (`incremental` false) all of it anew.
/// One request is under way at a time.
pub(super) fn request_update(shared: &Shared, incremental: bool) {
    if !shared.running.get() || shared.asked.replace(true) {
        return;
    }
    let (width, height) = shared.screen.borrow().size();
    let mut message = vec![3, u8::from(incremental), 0, 0, 0, 0];
    message.extend_from_slice(&width.to_be_bytes());
    message.extend_from_slice(&height.to_be_bytes());
    shared.send(&message);
}

pub(super) fn key(shared: &Shared, keysym: u32, down: bool) {
    if !shared.running.get() {
        return;
    }
    let mut message = vec![4, u8::from(down), 0, 0];
    message.extend_from_slice(&keysym.to_be_bytes());
    shared.send(&message);
}

pub(super) fn pointer(shared: &Shared, x: u16, y: u16, buttons: Buttons) {
    if !shared.running.get() {
        return;
    }
    let (width, height) = shared.screen.borrow().size();
    let x = x.min(width.saturating_sub(1)).to_be_bytes();
    let y = y.min(height.saturating_sub(1)).to_be_bytes();
    shared.send(&[5, buttons.0, x[0], x[1], y[0], y[1]]);
}

/// One screen of this size: the server's first one, which it knows by its number.
pub(super) fn resize(shared: &Shared, width: u16, height: u16) {
    let Some((screen, flags)) = shared.first_screen.get() else {
        // It has never said that it takes any.
        return shared.tell(Event::ResizeRefused);
    };
    if width == 0 || height == 0 {
        return;
    }
    let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
    let mut message = vec![251, 0, width[0], width[1], height[0], height[1], 1, 0];
    message.extend_from_slice(&screen.to_be_bytes());
    message.extend_from_slice(&[0; 4]);
    message.extend_from_slice(&[width[0], width[1], height[0], height[1]]);
    message.extend_from_slice(&flags.to_be_bytes());
    shared.send(&message);
}

/// The answer to a fence: the same, without its wish for an answer.
pub(super) async fn fence(shared: &Shared, flags: u32, payload: &[u8]) {
    let mut message = vec![248, 0, 0, 0];
    message.extend_from_slice(&flags.to_be_bytes());
    // At most 64, as read.
    message.push(payload.len() as u8);
    message.extend_from_slice(payload);
    shared.answer(&message).await;
}
