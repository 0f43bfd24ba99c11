//! cargo xtask: every task of the project by name.

fn main() {}
