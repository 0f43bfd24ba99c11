//! A download of 100 MB whose every byte is known beforehand.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use data_encoding::HEXLOWER;
use futures_util::stream;
use ring::digest::{Context, SHA256};

use super::Panel;

const BLOCK_BYTES: usize = 64 * 1024;
const BLOCKS: u64 = 100 * 1024 * 1024 / BLOCK_BYTES as u64;

/// Blocks of the same noise, each with its number in front; another noise for each device.
pub(super) struct History {
    block: Bytes,
    sha256: String,
}

impl History {
    /// The history of the device with this name.
    pub(super) fn of(name: &str) -> Self {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        let mut part = ring::digest::digest(&SHA256, name.as_bytes());
        while block.len() < BLOCK_BYTES {
            block.extend_from_slice(part.as_ref());
            part = ring::digest::digest(&SHA256, part.as_ref());
        }
        let block = Bytes::from(block);
        let mut digest = Context::new(&SHA256);
        for number in 0..BLOCKS {
            digest.update(&number.to_be_bytes());
            digest.update(&block[8..]);
        }
        let sha256 = HEXLOWER.encode(digest.finish().as_ref());
        Self { block, sha256 }
    }

    pub(super) fn sha256(&self) -> &str {
        &self.sha256
    }
}

pub(super) async fn digest(State(panel): State<Panel>) -> String {
    panel.0.history.sha256.clone()
}

pub(super) async fn download(State(panel): State<Panel>) -> Response {
    let block = panel.0.history.block.clone();
    let blocks = stream::iter((0..BLOCKS).map(move |number| {
        let mut bytes = BytesMut::from(&block[..]);
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Ok::<_, Infallible>(bytes.freeze())
    }));
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"history.bin\"".to_owned(),
        ),
        (CONTENT_LENGTH, (BLOCKS * BLOCK_BYTES as u64).to_string()),
    ];
    (headers, Body::from_stream(blocks)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_device_has_its_own_history_and_always_the_same() {
        let digest = |name| History::of(name).sha256;
        assert_eq!(digest("a"), digest("a"));
        assert_ne!(digest("a"), digest("b"));
    }
}
