//! The bytes of `adit.tunnel.v1`: frames, HELLO, targets, codes.

mod code;
mod hello;
mod target;

pub use code::Code;
pub use hello::{AgentHello, Info, Resume, ServerHello, ServiceInfo, Windows};
pub use target::Target;
