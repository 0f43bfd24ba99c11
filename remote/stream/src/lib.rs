//! A stream to a service, over the browser's WebSocket: `adit.stream.v1` for remote modules.
