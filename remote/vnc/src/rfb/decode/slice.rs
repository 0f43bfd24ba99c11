//! Reading what is in memory; `None`: more must come first.

pub(super) struct Slice<'a> {
    bytes: &'a [u8],
    start: usize,
}

impl<'a> Slice<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, start: 0 }
    }

    pub(super) const fn read_bytes(&self) -> usize {
        self.start
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.start.checked_add(length)?;
        let taken = self.bytes.get(self.start..end)?;
        self.start = end;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.start)?;
        self.start += 1;
        Some(byte)
    }

    /// Red, green and blue.
    pub(super) fn compact(&mut self) -> Option<[u8; 4]> {
        let bytes = self.take(3)?;
        Some([bytes[0], bytes[1], bytes[2], 255])
    }

    /// Red, green, blue and padding.
    pub(super) fn pixel(&mut self) -> Option<[u8; 4]> {
        let bytes = self.take(4)?;
        Some([bytes[0], bytes[1], bytes[2], 255])
    }
}
