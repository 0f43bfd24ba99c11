//! Light, dark, or as the system has it; kept in this browser.
//!
//! `public/boot.js` reads the same key before the first paint.

use leptos::prelude::{RwSignal, Set, expect_context, provide_context};

use super::{document, storage};

const KEY: &str = "adit-theme";
const ATTRIBUTE: &str = "data-theme";

/// A choice of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The choice's name in storage.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads the choice and makes it known to all components below.
    pub(crate) fn provide() {
        let kept = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
        provide_context(RwSignal::new(Self::parse(kept.as_deref())));
    }

    /// The choice as a signal.
    pub(crate) fn expect() -> RwSignal<Self> {
        expect_context()
    }

    /// Applies the choice and keeps it.
    pub(crate) fn choose(self, signal: RwSignal<Self>) {
        signal.set(self);
        if let Some(root) = document().and_then(|document| document.document_element()) {
            // Neither a full storage nor a missing root is worth an error: the choice is for now.
            let _ = match self {
                Self::System => root.remove_attribute(ATTRIBUTE),
                _ => root.set_attribute(ATTRIBUTE, self.name()),
            };
        }
        if let Some(storage) = storage() {
            let _ = storage.set_item(KEY, self.name());
        }
    }

    fn parse(name: Option<&str>) -> Self {
        let named = |theme: &&Self| Some(theme.name()) == name;
        Self::ALL
            .iter()
            .find(named)
            .copied()
            .unwrap_or(Self::System)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_all_else_is_the_system() {
        for theme in Theme::ALL {
            assert_eq!(Theme::parse(Some(theme.name())), theme);
        }
        assert_eq!(Theme::parse(Some("pink")), Theme::System);
        assert_eq!(Theme::parse(None), Theme::System);
    }
}
