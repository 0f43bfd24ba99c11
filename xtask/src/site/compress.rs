//! Compressed copies beside the files, so that the server never compresses anything.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;

use super::Profile;
use crate::tidy::sources;

/// What is packed already, or too small to gain.
const PACKED: &[&str] = &["br", "jpg", "png", "webp", "woff2"];
const SMALLEST_BYTES: usize = 512;

/// A file of the site.
pub(super) struct Size {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) compressed_bytes: Option<u64>,
}

/// Writes `file.br` beside each file that gains by it.
///
/// # Errors
/// A file could not be read or written.
pub(super) fn folder(folder: &Path, profile: Profile) -> Result<Vec<Size>> {
    let mut sizes = Vec::new();
    for path in sources::files_under(folder)? {
        let content = fs::read(&path)?;
        let packed = path
            .extension()
            .is_some_and(|ext| PACKED.iter().any(|name| ext == *name));
        let mut compressed_bytes = None;
        if !packed && content.len() >= SMALLEST_BYTES {
            let compressed = brotli(&content, profile)?;
            if compressed.len() < content.len() {
                let mut name = path.clone().into_os_string();
                name.push(".br");
                fs::write(name, &compressed)?;
                compressed_bytes = Some(compressed.len() as u64);
            }
        }
        let path = path.strip_prefix(folder)?.to_path_buf();
        sizes.push(Size {
            path,
            bytes: content.len() as u64,
            compressed_bytes,
        });
    }
    Ok(sizes)
}

/// The sizes for people.
pub(super) fn table(sizes: &[Size]) -> String {
    let mut text = format!("{:>10} {:>10}  file\n", "bytes", "brotli");
    for size in sizes {
        let compressed = size
            .compressed_bytes
            .map_or("-".to_owned(), |bytes| bytes.to_string());
        text += &format!(
            "{:>10} {compressed:>10}  {}\n",
            size.bytes,
            size.path.display()
        );
    }
    text
}

fn brotli(content: &[u8], profile: Profile) -> Result<Vec<u8>> {
    let quality = match profile {
        Profile::Dev => 5,
        Profile::Release => 11,
    };
    let parameters = BrotliEncoderParams {
        quality,
        lgwin: 22,
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &parameters)
        .context("brotli failed")?;
    Ok(compressed)
}
