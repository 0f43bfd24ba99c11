//! The form of the panel: what is sent comes back in the page.

use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use super::{Character, Panel};

const LONGEST: usize = 200;

/// What the form sets.
#[derive(Clone, Deserialize)]
pub(super) struct Settings {
    pub(super) set_point: String,
    pub(super) note: String,
}

impl Settings {
    pub(super) fn of(character: Character) -> Self {
        let (_, set_point) = character.set_point();
        Self {
            set_point: set_point.to_owned(),
            note: String::new(),
        }
    }
}

pub(super) async fn apply(State(panel): State<Panel>, Form(mut sent): Form<Settings>) -> Redirect {
    for text in [&mut sent.set_point, &mut sent.note] {
        *text = text.chars().take(LONGEST).collect();
    }
    panel.with_settings(|settings| *settings = sent);
    Redirect::to("/")
}
