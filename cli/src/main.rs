//! adit: the command for people.

fn main() {}
