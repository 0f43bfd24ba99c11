//! Two ends in virtual time.

mod flow;
mod hostile;
mod pair;
mod random;
mod resume;
mod streams;
