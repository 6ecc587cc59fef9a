//! A proxy before a server on this machine, which does what networks do.
//!
//! In: faults, each for the next requests that match it. Out: everything else as
//! the server answers it, and a record of what was asked. Speaks HTTP/1.1, one
//! request per connection.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What happens to a request instead of its answer, or with it.
#[derive(Clone)]
pub enum Disturbance {
    /// The proxy answers with this status; the server is not asked.
    Status(u16),
    /// The connection closes without an answer.
    HangUp,
    /// The connection closes after so many bytes of the body.
    BreakOff(usize),
    /// So many bytes of the body come, then nothing, until the client hangs up.
    Stall(usize),
    /// Something else happens before the server is asked.
    First(Arc<dyn Fn() + Send + Sync>),
}

struct Rule {
    /// Part of `METHOD target`.
    part: String,
    disturbance: Disturbance,
    times: u32,
}

/// What was asked of the server, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `METHOD target`.
    pub line: String,
    /// `x-ms-range` or `Range`, e.g. `bytes=0-99`.
    pub range: Option<String>,
    /// `If-Match`.
    pub if_match: Option<String>,
}

#[derive(Default)]
struct Shared {
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<Asked>>,
    stopped: AtomicBool,
}

/// A running proxy. Stops when dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Before a server on a port of this machine.
    pub fn before(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if of_thread.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                // A client that goes away in the middle is no fault of the test.
                std::thread::spawn(move || {
                    let _ = serve(client, upstream, &shared);
                });
            }
        });
        Self { port, shared }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Disturbs the next so many requests whose `METHOD target` has `part` in it.
    /// Of several rules the first that matches counts.
    pub fn disturb(&self, part: &str, times: u32, disturbance: Disturbance) {
        lock(&self.shared.rules).push(Rule { part: part.to_owned(), disturbance, times });
    }

    /// Whether every disturbance has happened as often as it was to.
    pub fn is_calm(&self) -> bool {
        lock(&self.shared.rules).iter().all(|rule| rule.times == 0)
    }

    /// What was asked since the last call.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *lock(&self.shared.asked))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // The listener looks at the flag when it has a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut client: TcpStream, upstream: u16, shared: &Shared) -> std::io::Result<()> {
    let (head, body) = read_message(&mut client)?;
    if head.is_empty() {
        return Ok(());
    }
    let line = head.lines().next().unwrap_or_default();
    let line = line.rsplit_once(' ').map_or(line, |(line, _)| line).to_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let range = header("x-ms-range").or_else(|| header("range"));
    lock(&shared.asked).push(Asked { line: line.clone(), range, if_match: header("if-match") });
    let disturbance = {
        let mut rules = lock(&shared.rules);
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && line.contains(&rule.part));
        rule.map(|rule| {
            rule.times -= 1;
            rule.disturbance.clone()
        })
    };
    match &disturbance {
        Some(Disturbance::HangUp) => return client.shutdown(Shutdown::Both),
        Some(Disturbance::Status(status)) => {
            let answer = format!(
                "HTTP/1.1 {status} Disturbed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            return client.write_all(answer.as_bytes());
        }
        Some(Disturbance::First(happens)) => happens(),
        _ => {}
    }
    let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
    let kept: Vec<&str> =
        head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")).collect();
    let head = format!("{}\r\nconnection: close\r\n\r\n", kept.join("\r\n"));
    server.write_all(head.as_bytes())?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let (sent, then_wait) = match disturbance {
        Some(Disturbance::BreakOff(bytes)) => (until(&answer, bytes), false),
        Some(Disturbance::Stall(bytes)) => (until(&answer, bytes), true),
        _ => (answer.len(), false),
    };
    client.write_all(&answer[..sent])?;
    if then_wait {
        // Ends when the client hangs up.
        let _ = client.read(&mut [0]);
    }
    Ok(())
}

/// Where a message ends when so many bytes of its body are sent.
fn until(message: &[u8], body_bytes: usize) -> usize {
    let head = message.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(0, |at| at + 4);
    message.len().min(head + body_bytes)
}

/// Head without its blank line, and body by its length.
fn read_message(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at;
        }
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Ok((String::new(), Vec::new()));
        }
        bytes.extend_from_slice(&piece[..read]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes[end + 4..].to_vec();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while body.len() < length.unwrap_or(0) {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            break;
        }
        body.extend_from_slice(&piece[..read]);
    }
    Ok((head, body))
}
