//! Memory for many queries side by side.
//!
//! Input: bytes that sorts and groups ask for. Output: yes or no. `FairSpillPool` gives
//! each the same part, too small for a batch where there are many; `GreedyMemoryPool` gives
//! one sort all of it, and then nothing is left to merge what the sort wants to spill. Here
//! the first come are served, and what can spill leaves room for what cannot.

use std::fmt;
use std::sync::Mutex;

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};

/// Of the limit, percent that may be held by what can spill. A sort that spills merges its
/// batches, and counts each once more while it does.
const SPILLABLE_PERCENT: usize = 45;

/// What each may hold however much the others do: without room for a batch, some 20 MB
/// where rows are wide, a sort fails, as it has nothing to spill.
const SURE_BYTES: usize = 64 * 1024 * 1024;

/// Of the limit, the part that this is at most.
const SURE_PART: usize = 8;

/// Bytes below which a limit is too small to be parted.
const PARTED_MIN_BYTES: usize = 128 * 1024 * 1024;

/// A pool of which what can spill takes a part.
#[derive(Debug)]
pub(super) struct FirstComePool {
    limit: usize,
    used: Mutex<Used>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Used {
    all: usize,
    spillable: usize,
}

impl FirstComePool {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: Mutex::default() }
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().expect("nothing panics while it is held")
    }

    /// Bytes a reservation may still grow by.
    fn room(&self, used: Used, reservation: &MemoryReservation) -> usize {
        let free = self.limit.saturating_sub(used.all);
        if !reservation.consumer().can_spill() || self.limit < PARTED_MIN_BYTES {
            return free;
        }
        let of_spillable = (self.limit / 100 * SPILLABLE_PERCENT).saturating_sub(used.spillable);
        let sure = SURE_BYTES.min(self.limit / SURE_PART).saturating_sub(reservation.size());
        free.min(of_spillable.max(sure))
    }
}

impl MemoryPool for FirstComePool {
    fn name(&self) -> &str {
        "first_come"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut used = self.used();
        used.all += additional;
        if reservation.consumer().can_spill() {
            used.spillable += additional;
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut used = self.used();
        used.all = used.all.saturating_sub(shrink);
        if reservation.consumer().can_spill() {
            used.spillable = used.spillable.saturating_sub(shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut used = self.used();
        let room = self.room(*used, reservation);
        if additional > room {
            return Err(resources_datafusion_err!(
                "{} asks for {} more, and {} of {} are left for it",
                reservation.consumer().name(),
                human_readable_size(additional),
                human_readable_size(room),
                human_readable_size(self.limit)
            ));
        }
        used.all += additional;
        if reservation.consumer().can_spill() {
            used.spillable += additional;
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.used().all
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl fmt::Display for FirstComePool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = *self.used();
        write!(
            formatter,
            "{}(used: {}, of it spillable: {}, pool_size: {})",
            self.name(),
            human_readable_size(used.all),
            human_readable_size(used.spillable),
            human_readable_size(self.limit)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::memory_pool::MemoryConsumer;

    use super::*;

    fn pool(limit: usize) -> Arc<dyn MemoryPool> {
        Arc::new(FirstComePool::new(limit))
    }

    fn asks(pool: &Arc<dyn MemoryPool>, can_spill: bool) -> MemoryReservation {
        MemoryConsumer::new("test").with_can_spill(can_spill).register(pool)
    }

    #[test]
    fn what_can_spill_leaves_room_for_merging() {
        const PART: usize = 100_000;
        let pool = pool(3_200 * PART);
        let (first, second) = (asks(&pool, true), asks(&pool, true));
        first.try_grow(1_440 * PART).unwrap();
        assert!(first.try_grow(1).is_err());
        // Room for a batch is there all the same, and no more than that.
        second.try_grow(400 * PART).unwrap();
        assert!(second.try_grow(SURE_BYTES).is_err());
        let merge = asks(&pool, false);
        merge.try_grow(1_360 * PART).unwrap();
        let message = merge.try_grow(1).unwrap_err().to_string();
        assert!(message.contains("asks for 1.0 B more, and 0.0 B of"), "{message}");
        assert_eq!(pool.reserved(), 3_200 * PART);
        // What is spilled may be held again.
        first.free();
        second.try_grow(1_040 * PART).unwrap();
        assert!(second.try_grow(1).is_err());
        drop((first, second, merge));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn a_small_limit_is_not_parted() {
        let pool = pool(PARTED_MIN_BYTES - 1);
        let first = asks(&pool, true);
        first.try_grow(PARTED_MIN_BYTES - 1).unwrap();
        assert!(first.try_grow(1).is_err());
    }
}
