//! What is said to people, as pure functions: no browser, no clock.

mod desktop;
mod device;
mod failure;
mod legible;
mod number;
mod relative;
mod stream;
mod terminal;
mod usage;

pub(crate) use desktop::desktop_end_words;
pub(crate) use device::{attention_words, offline_advice, services_in_order, state_words};
pub(crate) use failure::failure_words;
pub(crate) use legible::{cleaned, legible};
pub(crate) use number::{counted, grouped};
pub(crate) use relative::{duration, relative};
pub(crate) use stream::{EndWords, WayOn, data_size, late_words, module_words};
pub(crate) use terminal::{end_words, key_words, lines};
pub(crate) use usage::{UsageWords, usage_words};
