//! Ctrl-C, and what a service manager sends in its place, heard whatever the workers do.
//!
//! Input: SIGINT, and on Unix SIGTERM. Output: a count of them that anybody may wait
//! for. A thread and a runtime of its own listen: the workers' runtime looks for
//! signals only when one of its workers rests, and a query that computes lets none of
//! them rest.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;

use tokio::sync::watch;

/// Waits for the next Ctrl-C after its making.
#[derive(Debug)]
pub struct Interrupt {
    count: watch::Receiver<u64>,
}

impl Interrupt {
    /// From now on. The first call takes the signal over from the system, which
    /// would end the process.
    pub fn from_now() -> Self {
        static COUNT: OnceLock<watch::Receiver<u64>> = OnceLock::new();
        Self::of(&COUNT, Signal::Interrupt)
    }

    /// The same of what asks a process to end, for who has to clean up before.
    pub fn termination_from_now() -> Self {
        static COUNT: OnceLock<watch::Receiver<u64>> = OnceLock::new();
        Self::of(&COUNT, Signal::Terminate)
    }

    fn of(count: &OnceLock<watch::Receiver<u64>>, signal: Signal) -> Self {
        let mut count = count.get_or_init(|| listen(signal)).clone();
        count.mark_unchanged();
        Self { count }
    }

    /// Returns at the next signal; never where no thread could be had to listen.
    pub async fn next(&mut self) {
        if self.count.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What is heard.
#[derive(Clone, Copy)]
enum Signal {
    Interrupt,
    /// Unix alone has it.
    Terminate,
}

impl Signal {
    async fn heard(self) -> std::io::Result<()> {
        match self {
            Self::Interrupt => tokio::signal::ctrl_c().await,
            #[cfg(unix)]
            Self::Terminate => {
                use tokio::signal::unix::{SignalKind, signal};
                signal(SignalKind::terminate())?.recv().await;
                Ok(())
            }
            #[cfg(not(unix))]
            Self::Terminate => std::future::pending().await,
        }
    }
}

fn listen(signal: Signal) -> watch::Receiver<u64> {
    let (sender, count) = watch::channel(0);
    let (ready, is_ready) = std::sync::mpsc::channel();
    let hear = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async move {
            loop {
                let mut next = pin!(signal.heard());
                // Looked at once, it listens; only then may the first query start.
                let at_once = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await;
                let _ = ready.send(());
                let heard = match at_once {
                    Poll::Ready(heard) => heard,
                    Poll::Pending => next.await,
                };
                if heard.is_err() {
                    return;
                }
                sender.send_modify(|count| *count += 1);
            }
        });
    };
    // Without the thread Ctrl-C does what the system does with it.
    if std::thread::Builder::new().name("costlake-interrupt".to_owned()).spawn(hear).is_ok() {
        let _ = is_ready.recv();
    }
    count
}
