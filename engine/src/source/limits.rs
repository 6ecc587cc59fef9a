//! Keeps downloads within a number of requests and a bandwidth.
//!
//! In: limits, if any. Out: permits, and pauses after bytes. Clones share what
//! they allow, so that one set of limits may govern every store of a process.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Limits of all downloads together. None by default.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    requests: Option<Arc<Semaphore>>,
    bandwidth: Option<Arc<Bandwidth>>,
}

/// Bytes that came in, against the time they may take.
#[derive(Debug)]
struct Bandwidth {
    bytes_per_second: NonZeroU64,
    /// When the bytes so far will have taken their time.
    paid_until: Mutex<Option<Instant>>,
}

impl Limits {
    /// Limits of requests at once and of bytes per second.
    pub fn new(requests: Option<NonZeroUsize>, bytes_per_second: Option<NonZeroU64>) -> Self {
        Self {
            requests: requests.map(|requests| {
                Arc::new(Semaphore::new(requests.get().min(Semaphore::MAX_PERMITS)))
            }),
            bandwidth: bytes_per_second.map(|bytes_per_second| {
                Arc::new(Bandwidth { bytes_per_second, paid_until: Mutex::default() })
            }),
        }
    }

    /// Waits until one more request may be made; it may while the permit is kept.
    pub(super) async fn request(&self) -> Option<OwnedSemaphorePermit> {
        let requests = Arc::clone(self.requests.as_ref()?);
        Some(requests.acquire_owned().await.expect("the semaphore is never closed"))
    }

    /// Whether bytes may have to wait.
    pub(super) fn has_bandwidth(&self) -> bool {
        self.bandwidth.is_some()
    }

    /// Whether any bytes were booked.
    #[cfg(test)]
    pub(super) fn are_used(&self) -> bool {
        let paid = |bandwidth: &Arc<Bandwidth>| bandwidth.paid_until.lock().unwrap().is_some();
        self.bandwidth.as_ref().is_some_and(paid)
    }

    /// Waits as long as bytes that came in must take. Whoever reads on only then
    /// lets the network do the rest: an unread socket slows its sender down.
    pub(super) async fn received(&self, bytes: usize) {
        if let Some(bandwidth) = &self.bandwidth {
            tokio::time::sleep_until(bandwidth.pay(Instant::now(), bytes)).await;
        }
    }
}

impl Bandwidth {
    /// Books bytes that came in; returns when they will have taken their time.
    fn pay(&self, now: Instant, bytes: usize) -> Instant {
        let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        // Time in which nothing came is not made up for: no bursts.
        let from = paid_until.map_or(now, |until| until.max(now));
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let until = from + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        *paid_until = Some(until);
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_and_rests_are_not_made_up_for() {
        let limits = Limits::new(None, NonZeroU64::new(1_000));
        let clone = limits.clone();
        let pay =
            |limits: &Limits, at: Instant, bytes| limits.bandwidth.as_ref().unwrap().pay(at, bytes);
        let begin = Instant::now();
        let second = |count| begin + Duration::from_secs(count);
        assert_eq!(pay(&limits, begin, 1_000), second(1));
        assert_eq!(pay(&clone, begin, 2_000), second(3));
        assert_eq!(pay(&limits, second(60), 1_000), second(61));
    }

    #[test]
    fn requests_wait_for_each_other() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let limits = Limits::new(NonZeroUsize::new(1), None);
            let permit = limits.request().await;
            let mut waiting = std::pin::pin!(limits.request());
            assert!(futures::poll!(waiting.as_mut()).is_pending());
            drop(permit);
            assert!(waiting.await.is_some());
            assert!(Limits::default().request().await.is_none());
        });
    }
}
