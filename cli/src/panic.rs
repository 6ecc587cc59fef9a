//! What people are told when costlake itself breaks.
//!
//! Input: a panic. Output: lines on stderr, without what looks like a secret: a
//! panic's message may hold anything that was at hand.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;

use costlake_engine::azure::redact;

/// Takes the place of the runtime's own hook, which prints messages as they are.
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        let backtrace = Backtrace::capture();
        let backtrace = match backtrace.status() {
            BacktraceStatus::Captured => backtrace.to_string(),
            _ => String::new(),
        };
        // Nobody can be told that stderr is gone.
        let _ = writeln!(std::io::stderr().lock(), "{}", told(message, &place, &backtrace));
    }));
}

fn told(message: &str, place: &str, backtrace: &str) -> String {
    let text = format!(
        "error: costlake broke: {message}\n  at: {place}\n  hint: this is a fault of costlake's; \
         months are replaced whole or not at all, so nothing in the lake is half-written\
         {}{backtrace}",
        if backtrace.is_empty() { "" } else { "\n" }
    );
    redact(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_tells_no_secret() {
        let message = "called `Result::unwrap()` on an `Err` value: \
                       https://a.blob.core.windows.net/c?sv=1&sp=rl&sig=aHVzaA%3D%3D and \
                       Bearer eyJhdWQ.eyJpc3M.c2ln";
        let text = told(message, "src/x.rs:1:1", "at https://a/?sig=aHVzaA");
        assert!(text.contains("sig=<redacted>") && text.contains("src/x.rs:1:1"), "{text}");
        assert!(!text.contains("aHVzaA") && !text.contains("eyJ"), "{text}");
    }
}
