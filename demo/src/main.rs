//! A server and three demo devices in one command.

fn main() {}
