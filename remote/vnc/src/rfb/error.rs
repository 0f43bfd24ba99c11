//! What can end a session.

/// Why the session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What speaks there is not RFB.
    #[error("what answers does not speak VNC")]
    NotRfb,
    /// The server refused before any sign-in; its own words, untrusted.
    #[error("the server refused: {0}")]
    Refused(String),
    /// Every security type that is offered is one not spoken here.
    #[error("no security type in common")]
    NoSecurity(Vec<SecurityType>),
    /// The password is wrong, or the server wants no more tries; its own words, untrusted.
    #[error("the password was refused: {0}")]
    WrongPassword(String),
    /// The server broke the protocol.
    #[error("the server broke the protocol: {0}")]
    Malformed(&'static str),
    /// The server wants more than this client gives it.
    #[error("too large: {0}")]
    TooLarge(&'static str),
    /// The stream ended.
    #[error("the connection ended")]
    Ended,
}

/// A security type by its number (RFC 6143 section 7.1.2 and the registry that goes on from it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityType(pub u8);

impl SecurityType {
    /// No sign-in.
    pub const NONE: Self = Self(1);
    /// A password of 8 letters, with DES.
    pub const VNC_AUTH: Self = Self(2);

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "None",
            2 => "VNC password",
            5 | 6 | 129 | 133 => "RSA-AES (RealVNC)",
            16 => "Tight",
            17 => "Ultra",
            18 => "TLS",
            19 => "VeNCrypt",
            20 => "SASL",
            22 => "XVP",
            30..=36 => "Apple",
            113 => "MSLogon II",
            _ => "an unknown type",
        }
    }

    /// What to set on the server instead.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self.0 {
            5 | 6 | 129 | 133 => {
                "In RealVNC Server set Authentication to \"VNC password\" and Encryption to \"Prefer off\"."
            }
            16 | 17 => "In TightVNC or UltraVNC switch on the plain VNC password.",
            18..=20 => {
                "Start the server with the security types None or VncAuth; the tunnel encrypts already."
            }
            30..=36 => {
                "On the Mac, in Screen Sharing, allow \"VNC viewers may control screen with password\"."
            }
            113 => "In UltraVNC switch off \"Require MS Logon\" and set a VNC password.",
            _ => "Switch on the plain VNC password.",
        }
    }
}
