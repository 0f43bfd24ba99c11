//! The SSH client of the browser, a wasm module of its own.
