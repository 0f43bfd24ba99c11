//! Two ends in virtual time.

mod flow;
mod hostile;
mod pair;
mod random;
mod streams;
