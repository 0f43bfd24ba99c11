//! The desktop. The first message to the Worker is its canvas, an `OffscreenCanvas`, transferred.
//! Bytes to the page are a screenshot: a PNG.
//!
//! ```text
//! page                         Worker
//! (canvas), Open ───────────►  dials
//!      ◄─ PasswordWanted ────  Password, once: a wrong one ends it
//!      ◄──────── Running ────  a first picture is drawn; from here on everything else
//!      ◄────────── Ended ────  the last message; the page may end the Worker
//! ```

use serde::{Deserialize, Serialize};

use crate::StreamFault;

/// What the page asks for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToWorker {
    /// The first message after the canvas.
    Open {
        /// `wss://…/stream` (or `ws:` in development).
        url: String,
        /// To begin with.
        quality: Quality,
        /// No other encodings (by number) are taken: for tests and measurements.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encodings: Option<Vec<i32>>,
    },
    /// The answer to [`ToPage::PasswordWanted`].
    Password {
        /// Never kept.
        password: String,
    },
    /// A key as the browser tells it (UI Events).
    Key {
        /// `key`
        key: String,
        /// `code`
        code: String,
        /// `location`
        location: u32,
        /// It went down, or repeats; else it went up.
        down: bool,
    },
    /// Text that came as a whole: from a phone's keyboard, or to be typed.
    Text {
        /// Line breaks are Enter.
        text: String,
    },
    /// The three keys that no browser lets a page see together.
    ControlAltDelete,
    /// The focus is gone: whatever is down is let go.
    Blur,
    /// The pointer, in pixels of the desktop. Buttons as VNC has them: 1 left, 2 middle, 4 right,
    /// and a notch of the wheel as a press and its end: 8 up, 16 down, 32 left, 64 right.
    Pointer {
        /// From the left.
        x: u16,
        /// From the top.
        y: u16,
        /// That are down.
        buttons: u8,
    },
    /// The text of this computer's clipboard.
    Clipboard {
        /// May be cut to 1 MiB.
        text: String,
    },
    /// Asks for another size of the desktop.
    Resize {
        /// Pixels across.
        width: u16,
        /// Pixels down.
        height: u16,
    },
    /// How pictures are to come from now on.
    Quality {
        /// What people chose.
        quality: Quality,
    },
    /// Asks the device for the whole picture anew; answered by [`ToPage::Refreshed`].
    Refresh,
    /// Asks for the picture of now as bytes.
    Screenshot,
    /// Ends it in order; answered by [`ToPage::Ended`].
    Close,
}

/// How much a picture may lose on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// By what the line carries.
    #[default]
    Automatic,
    /// Nothing.
    Lossless,
    /// Hard to tell from the original.
    High,
    /// Text stays readable.
    Medium,
    /// For the slowest of lines.
    Low,
}

/// What the Worker tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToPage {
    /// The stream stands; VNC begins.
    Connected,
    /// The server asks for a password.
    PasswordWanted,
    /// The first picture is drawn.
    Running,
    /// A picture that came after [`ToWorker::Refresh`] is drawn.
    Refreshed {
        /// How many rectangles have come in each encoding (by number).
        rectangles: Vec<(i32, u32)>,
        /// From the request until it was drawn.
        took_us: u64,
    },
    /// The desktop's name: untrusted text.
    Name {
        /// May be empty.
        name: String,
    },
    /// The desktop has this size.
    Resized {
        /// Pixels across.
        width: u16,
        /// Pixels down.
        height: u16,
    },
    /// It stays as it is.
    ResizeRefused,
    /// The pointer looks like this.
    Cursor {
        /// A `data:` URL of a PNG; absent: no pointer is shown.
        image: Option<String>,
        /// Where it points, from the left.
        hot_x: u16,
        /// Where it points, from the top.
        hot_y: u16,
    },
    /// The desktop's clipboard has this text: untrusted.
    Clipboard {
        /// At most 1 MiB.
        text: String,
    },
    /// The bell rang.
    Bell,
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

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ended {
    /// The page asked for it.
    Closed,
    /// The server refused before any sign-in, with its words: untrusted.
    Refused {
        /// May be empty.
        text: String,
    },
    /// The server takes only sign-ins that are not spoken here.
    NoSecurity {
        /// What it offers.
        offered: Vec<Security>,
    },
    /// The password is wrong, or the server takes no more; its words: untrusted.
    WrongPassword {
        /// May be empty.
        text: String,
    },
    /// What speaks there is not VNC.
    NotSpoken,
    /// The server broke the protocol, or wants more than is given.
    Broken {
        /// For people.
        text: String,
    },
    /// The server closed the connection.
    Disconnected,
    /// The stream under it failed.
    Stream {
        /// Why.
        fault: StreamFault,
    },
}

/// A way to sign in that is not spoken here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// What people call it.
    pub name: String,
    /// What to set on the server instead.
    pub advice: String,
}
