//! A modifier of the key row.

/// A second tap within this time locks a modifier.
const DOUBLE_TAP_MS: f64 = 400.0;

/// How a modifier is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hold {
    #[default]
    Off,
    /// For the next key.
    Once,
    Locked,
}

impl Hold {
    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }

    /// After a tap, so many milliseconds after the one before.
    pub(crate) fn tapped(self, since_last_ms: f64) -> Self {
        match self {
            Self::Off => Self::Once,
            Self::Once if since_last_ms < DOUBLE_TAP_MS => Self::Locked,
            Self::Once | Self::Locked => Self::Off,
        }
    }

    /// After a key.
    pub(crate) fn used(self) -> Self {
        if self == Self::Once { Self::Off } else { self }
    }
}
