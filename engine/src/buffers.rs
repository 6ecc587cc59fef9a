//! Buffers that come back when nobody points into them any more.
//!
//! In: full buffers, handed on as [`Bytes`]. Out: empty ones, whose memory the
//! kernel has cleared before and the caches may still hold: a fresh buffer of half
//! a mebibyte costs 128 page faults. Buffers may come back on any thread.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

/// Empty buffers kept: more than there are chunks between two threads.
const KEPT_MAX: usize = 16;

type Free = Mutex<Vec<Vec<u8>>>;

/// Where buffers come back to.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    free: Arc<Free>,
}

impl Buffers {
    /// An empty buffer with room for so many bytes.
    pub(crate) fn take(&self, capacity: usize) -> Vec<u8> {
        let known = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = known.unwrap_or_default();
        if buffer.capacity() < capacity {
            buffer.reserve_exact(capacity);
        }
        buffer
    }

    /// Hands a full buffer on. It comes back unless it has grown beyond
    /// `capacity_max`.
    pub(crate) fn lend(&self, buffer: Vec<u8>, capacity_max: usize) -> Bytes {
        if buffer.capacity() > capacity_max {
            return buffer.into();
        }
        Bytes::from_owner(Loan { buffer, home: Arc::downgrade(&self.free) })
    }
}

/// A buffer that somebody points into.
struct Loan {
    buffer: Vec<u8>,
    home: Weak<Free>,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else { return };
        let mut free = home.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT_MAX {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_once_nobody_points_into_it() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take(100);
        buffer.extend_from_slice(b"text");
        let at = buffer.as_ptr();
        let bytes = buffers.lend(buffer, 1_000);
        let part = bytes.slice(1..3);
        drop(bytes);
        let other = buffers.take(100);
        assert_ne!(other.as_ptr(), at, "a part of it is still there");
        assert_eq!(&part[..], b"ex");
        drop(part);
        let again = buffers.take(100);
        assert_eq!((again.as_ptr(), again.len()), (at, 0));
        // One that a long record has made large is not kept.
        drop(buffers.lend(Vec::with_capacity(2_000), 1_000));
        assert!(buffers.free.lock().unwrap().is_empty());
        // Nor is there a home to come back to.
        let orphan = buffers.lend(again, 1_000);
        drop(buffers);
        drop(orphan);
    }
}
