//! The relay over pipes: a real multiplexer at the agent's end, no socket between.

mod agent;
mod duplicates;
mod herd;
mod places;
mod resume;
mod rights;
mod room;
