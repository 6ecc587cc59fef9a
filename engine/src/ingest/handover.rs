//! Work that some threads make and others do.
//!
//! In: pieces of work. Out: the same, each once. A maker leaves a piece to another thread
//! if one would stand idle, and else gets it back, to do it itself while it is in its
//! caches; or it waits until a place is free. What waits is bounded.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Pieces that wait for each thread that makes none: one to go on with, one in reserve.
const WAITING_PER_TAKER: usize = 2;

/// Where work waits.
pub(super) struct Handover<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    threads: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    makers: usize,
    is_closed: bool,
}

impl<T> Handover<T> {
    /// For so many threads, makers among them.
    pub(super) fn new(threads: usize) -> Self {
        let state = State { waiting: VecDeque::new(), makers: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), threads }
    }

    /// Threads that make work, each until its [`Maker`] is dropped: also when it panics, or
    /// never runs. All are asked for before the first thread takes.
    pub(super) fn makers(&self, count: usize) -> Vec<Maker<'_, T>> {
        debug_assert!(count <= self.threads);
        self.lock().makers += count;
        (0..count).map(|_| Maker(self)).collect()
    }

    /// The next work. Waits for it as long as any thread makes some; `None` is the end.
    pub(super) fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            match state.waiting.pop_front() {
                Some(work) => {
                    self.changed.notify_all();
                    return Some(work);
                }
                None if state.makers == 0 || state.is_closed => return None,
                None => state = self.wait(state),
            }
        }
    }

    /// Nobody waits any more: whoever would have taken is gone.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the threads that make work.
pub(super) struct Maker<'a, T>(&'a Handover<T>);

impl<T> Maker<'_, T> {
    /// Leaves work to a thread that makes none. Returns it if those have enough.
    pub(super) fn offer(&self, work: T) -> Option<T> {
        let mut state = self.0.lock();
        if self.is_full(&state) {
            return Some(work);
        }
        state.waiting.push_back(work);
        self.0.changed.notify_all();
        None
    }

    /// Leaves work to another thread, when there is a place for it; drops it after
    /// [`Handover::close`].
    pub(super) fn put(&self, work: T) {
        let mut state = self.0.lock();
        while self.is_full(&state) && !state.is_closed {
            state = self.0.wait(state);
        }
        if !state.is_closed {
            state.waiting.push_back(work);
            self.0.changed.notify_all();
        }
    }

    fn is_full(&self, state: &State<T>) -> bool {
        state.waiting.len() >= (self.0.threads - state.makers) * WAITING_PER_TAKER
    }
}

impl<T> Drop for Maker<'_, T> {
    fn drop(&mut self) {
        self.0.lock().makers -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_maker_without_takers_keeps_its_work() {
        let handover = Handover::new(2);
        let mut makers = handover.makers(2);
        assert_eq!(makers[0].offer(1), Some(1));
        drop(makers.pop());
        assert_eq!([2, 3, 4].map(|work| makers[0].offer(work)), [None, None, Some(4)]);
        drop(makers);
        assert_eq!([(); 3].map(|()| handover.take()), [Some(2), Some(3), None]);
    }

    #[test]
    fn every_piece_is_done_once_by_someone() {
        const PIECES: u64 = 10_000;
        for (threads, makers, waits) in
            [(1, 1, false), (2, 1, false), (4, 2, false), (4, 4, false), (2, 1, true), (5, 3, true)]
        {
            let handover = Handover::new(threads);
            let mut makers = handover.makers(makers);
            let (next, sum) = (AtomicU64::new(0), AtomicU64::new(0));
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    let (maker, handover, next, sum) = (makers.pop(), &handover, &next, &sum);
                    scope.spawn(move || {
                        if let Some(maker) = maker {
                            loop {
                                let piece = next.fetch_add(1, Ordering::Relaxed) + 1;
                                if piece > PIECES {
                                    break;
                                } else if waits {
                                    maker.put(piece);
                                } else if let Some(piece) = maker.offer(piece) {
                                    sum.fetch_add(piece, Ordering::Relaxed);
                                }
                            }
                        }
                        while let Some(piece) = handover.take() {
                            sum.fetch_add(piece, Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(sum.into_inner(), PIECES * (PIECES + 1) / 2, "{threads} {waits}");
        }
    }

    #[test]
    fn nobody_waits_for_a_thread_that_panicked() {
        let handover: Handover<u32> = Handover::new(2);
        let maker = handover.makers(1).pop();
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| handover.take());
            let maker = scope.spawn(move || {
                let _maker = maker;
                panic!("as expected");
            });
            assert!(maker.join().is_err());
            assert_eq!(taker.join().unwrap(), None);
        });
        let maker = handover.makers(1).pop().unwrap();
        std::thread::scope(|scope| {
            // More than may wait, and nobody takes.
            let maker = scope.spawn(move || (0..9).for_each(|work| maker.put(work)));
            handover.close();
            maker.join().unwrap();
        });
    }
}
