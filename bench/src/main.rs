//! Speed and memory against a reference pair of plain TLS proxies.

fn main() {}
