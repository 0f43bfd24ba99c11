//! The bytes that came, read by a coroutine that waits where there are too few.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};

use super::error::Error;

/// What came and was not read yet. The owner feeds no more than it wants held: whatever is read
/// here is read in pieces of bounded size.
#[derive(Debug, Default)]
pub(super) struct Input {
    buffer: RefCell<Buffer>,
}

#[derive(Debug, Default)]
struct Buffer {
    available: Bytes,
    ended: bool,
}

impl Input {
    /// Copied only where something is left of what came before.
    pub(super) fn feed(&self, bytes: Bytes) {
        let mut buffer = self.buffer.borrow_mut();
        if buffer.available.is_empty() {
            buffer.available = bytes;
            return;
        }
        let mut all = BytesMut::with_capacity(buffer.available.len() + bytes.len());
        all.extend_from_slice(&buffer.available);
        all.extend_from_slice(&bytes);
        buffer.available = all.freeze();
    }

    /// What came and was not read.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.buffer.borrow().available.len()
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.buffer.borrow_mut().ended = true;
    }

    /// Looks at exactly so many bytes, and takes them. They must fit in memory as a whole: callers
    /// ask for what the protocol bounds.
    pub(super) async fn exact<T>(
        &self,
        length: usize,
        mut look: impl FnMut(&[u8]) -> T,
    ) -> Result<T, Error> {
        poll_fn(|_| {
            let mut buffer = self.buffer.borrow_mut();
            let Some(bytes) = buffer.available.get(..length) else {
                return if buffer.ended {
                    Poll::Ready(Err(Error::Ended))
                } else {
                    Poll::Pending
                };
            };
            let seen = look(bytes);
            buffer.available.advance(length);
            Poll::Ready(Ok(seen))
        })
        .await
    }

    /// Looks at as much as there is, at least a byte and at most `max`, and takes it.
    pub(super) async fn some<T>(
        &self,
        max: usize,
        mut look: impl FnMut(&[u8]) -> T,
    ) -> Result<T, Error> {
        poll_fn(|_| {
            let mut buffer = self.buffer.borrow_mut();
            let length = buffer.available.len().min(max);
            if length == 0 {
                return if buffer.ended {
                    Poll::Ready(Err(Error::Ended))
                } else {
                    Poll::Pending
                };
            }
            let seen = look(&buffer.available[..length]);
            buffer.available.advance(length);
            Poll::Ready(Ok(seen))
        })
        .await
    }

    /// Lets `read` look at all there is, and again when more has come, until it tells how much it
    /// has taken.
    pub(super) async fn attempt(
        &self,
        mut read: impl FnMut(&[u8]) -> Result<Option<usize>, Error>,
    ) -> Result<(), Error> {
        poll_fn(|_| {
            let mut buffer = self.buffer.borrow_mut();
            match read(&buffer.available) {
                Err(error) => Poll::Ready(Err(error)),
                Ok(Some(taken)) => {
                    buffer.available.advance(taken);
                    Poll::Ready(Ok(()))
                }
                Ok(None) if buffer.ended => Poll::Ready(Err(Error::Ended)),
                Ok(None) => Poll::Pending,
            }
        })
        .await
    }

    pub(super) async fn array<const N: usize>(&self) -> Result<[u8; N], Error> {
        self.exact(N, |bytes| {
            let mut array = [0; N];
            array.copy_from_slice(bytes);
            array
        })
        .await
    }

    pub(super) async fn u8(&self) -> Result<u8, Error> {
        Ok(self.array::<1>().await?[0])
    }

    pub(super) async fn u16(&self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes(self.array().await?))
    }

    pub(super) async fn u32(&self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array().await?))
    }

    /// Takes bytes that mean nothing here.
    pub(super) async fn skip(&self, mut length: usize) -> Result<(), Error> {
        while length > 0 {
            length -= self.some(length, <[u8]>::len).await?;
        }
        Ok(())
    }

    /// A text of at most `max` bytes; what is beyond is dropped.
    pub(super) async fn text(&self, length: usize, max: usize) -> Result<Vec<u8>, Error> {
        let kept = length.min(max);
        let bytes = self.exact(kept, <[u8]>::to_vec).await?;
        self.skip(length - kept).await?;
        Ok(bytes)
    }
}
