//! An HTTP server that answers by script.
//!
//! In: for a method and path, answers in order, of which the last stays; or a
//! function. Out: all requests as they arrived. HTTP/1.1 on 127.0.0.1 with
//! bodies of a known length: as much as an HTTP client of one's own needs.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;

/// Largest body taken.
const BODY_SIZE_BYTES_MAX: usize = 16 << 20;

/// Most headers of a request.
const HEADERS_MAX: usize = 100;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Parameters of the query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Whole body.
    pub body: Vec<u8>,
}

impl Received {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status; 0 hangs up without an answer.
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    /// A status and a text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into().into_bytes() }
    }

    /// A status and JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string()).header("content-type", "application/json")
    }

    /// An error as Azure Resource Manager writes it.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": { "code": code, "message": message } }))
    }

    /// No answer: the request arrived, and the connection drops.
    pub fn hang_up() -> Self {
        Self::text(0, "")
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Answer = Box<dyn FnMut(&Received) -> Reply + Send>;

struct Route {
    method: String,
    path: String,
    answer: Answer,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    routes: Mutex<Vec<Route>>,
    received: Mutex<Vec<Received>>,
    connections: Mutex<Vec<TcpStream>>,
}

/// A running server. Stops when dropped.
pub struct HttpStub {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl HttpStub {
    /// Starts on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of this machine");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                if let Ok(copy) = stream.try_clone() {
                    locked(&serving.connections).push(copy);
                }
                let shared = Arc::clone(&serving);
                // Ends with its connection, which ends with the server.
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, shared, listening: Some(listening) }
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers a method and path in this order; the last answer stays. Replaces
    /// what was scripted for them before.
    pub fn on(&self, method: &str, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        self.on_call(method, path, move |_| match replies.len() {
            0 => Reply::error(501, "Unscripted", "there is no answer left"),
            1 => replies[0].clone(),
            _ => replies.pop_front().expect("there are several"),
        });
    }

    /// Answers a method and path by a function.
    pub fn on_call(
        &self,
        method: &str,
        path: &str,
        answer: impl FnMut(&Received) -> Reply + Send + 'static,
    ) {
        let mut routes = locked(&self.shared.routes);
        routes.retain(|route| (route.method.as_str(), route.path.as_str()) != (method, path));
        routes.push(Route {
            method: method.to_owned(),
            path: path.to_owned(),
            answer: Box::new(answer),
        });
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        locked(&self.shared.received).clone()
    }

    /// Methods and paths so far, e.g. `GET /x`.
    pub fn calls(&self) -> Vec<String> {
        let received = locked(&self.shared.received);
        received.iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

impl Drop for HttpStub {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
        for connection in locked(&self.shared.connections).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// A test that failed while it held the lock has said so already.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one connection until it ends.
fn serve(stream: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        locked(&shared.received).push(request.clone());
        let reply = {
            let mut routes = locked(&shared.routes);
            let mut wanted = routes
                .iter_mut()
                .filter(|route| route.method == request.method && route.path == request.path);
            match wanted.next() {
                Some(route) => (route.answer)(&request),
                // No status that a client would try again.
                None => {
                    Reply::error(501, "Unscripted", &format!("{} {}", request.method, request.path))
                }
            }
        };
        if reply.status == 0 || write(stream, &reply).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    while headers.len() < HEADERS_MAX {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
    if length > BODY_SIZE_BYTES_MAX {
        return None;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Received { method, path: path.to_owned(), query: pairs(query.as_bytes()), headers, body })
}

fn write(mut stream: &TcpStream, reply: &Reply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status);
    head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    // In one piece, so that no answer waits for an acknowledgment of its head.
    stream.write_all(&[head.as_bytes(), &reply.body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(stub: &HttpStub, text: &str) -> String {
        let mut stream = TcpStream::connect(stub.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn answers_come_in_order_and_requests_are_kept() {
        let stub = HttpStub::start();
        stub.on(
            "GET",
            "/x",
            [Reply::text(500, ""), Reply::text(200, "a").header("retry-after", "0")],
        );
        let get = "GET /x?a=1&b=%2f HTTP/1.1\r\nHost: h\r\n\r\n";
        let answer = ask(&stub, &format!("{get}{get}{get}"));
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
        assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("retry-after: 0\r\n\r\na"));
        let post = "POST /y HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        assert!(ask(&stub, post).contains("Unscripted"));
        stub.on("POST", "/y", [Reply::hang_up()]);
        assert_eq!(ask(&stub, post), "");
        let received = stub.received();
        assert_eq!(received[0].query, [("a".into(), "1".into()), ("b".into(), "/".into())]);
        assert_eq!((received[0].header("host"), &received[3].json()["a"]), (Some("h"), &1.into()));
        assert_eq!(stub.calls(), ["GET /x", "GET /x", "GET /x", "POST /y", "POST /y"]);
    }
}
