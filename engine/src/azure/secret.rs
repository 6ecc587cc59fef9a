//! Secrets, and texts without them.
//!
//! In: text. Out: a [`Secret`], which prints as nothing, and [`Secrets`], which
//! take known secrets and whatever looks like one out of other texts.

use std::fmt;
use std::sync::Arc;

/// A secret. Its only way out is [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret in clear, for a request. Never print it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<redacted>")
    }
}

/// Texts that must not appear in any error.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[String]>);

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secrets({} redacted)", self.0.len())
    }
}

/// Shorter values are not secrets, and cutting them out would garble texts.
const SECRET_LENGTH_MIN: usize = 6;

/// Longest reason kept of a service's answer, in characters.
const REASON_LENGTH_MAX: usize = 400;

/// Parameters whose values are cut out of every text. Each is a way in which a
/// secret travels in a URL, a form or an answer.
const PARAMETERS: [&str; 6] = [
    "sig=",
    "client_secret=",
    "client_assertion=",
    "access_token=",
    "\"access_token\":",
    "sasToken\":",
];

impl Secrets {
    /// Secrets to be cut out, also in the form they have in a URL or a form body.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut all = Vec::new();
        for value in values.into_iter().filter(|value| value.len() >= SECRET_LENGTH_MIN) {
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            if encoded != value {
                all.push(encoded);
            }
            all.push(value);
        }
        // A secret may hold another; the longer one goes first.
        all.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(all.into())
    }

    /// The text on one line, bounded, without secrets and signatures.
    pub fn scrub(&self, text: &str) -> String {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for secret in self.0.iter() {
            text = text.replace(secret.as_str(), "<redacted>");
        }
        text = redact(&text);
        match text.char_indices().nth(REASON_LENGTH_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// A text without what looks like a secret: signatures, values of parameters that
/// hold secrets, bearer tokens. What a proxy or a service echoes may have any of
/// them. Layout and length stay.
pub fn redact(text: &str) -> String {
    let mut text = text.to_owned();
    for name in PARAMETERS {
        text = cut_parameter(&text, name);
    }
    for name in ["Bearer ", "bearer ", "SharedKey "] {
        text = cut_parameter(&text, name);
    }
    cut_tokens(&text)
}

/// Blanks JSON Web Tokens: their first part is the base64 of a brace and a quote.
fn cut_tokens(text: &str) -> String {
    const BEGIN: &str = "eyJ";
    let of_token =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '=');
    let mut pieces = text.split(BEGIN);
    let mut cut = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        cut.push_str("<redacted>");
        cut.push_str(piece.trim_start_matches(of_token));
    }
    cut
}

/// Blanks the value of each `name` in a text of parameters.
fn cut_parameter(text: &str, name: &str) -> String {
    let mut pieces = text.split(name);
    let mut cut = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        if piece.starts_with("<redacted>") {
            cut.push_str(name);
            cut.push_str(piece);
            continue;
        }
        // In JSON the value stands between quotes.
        let (opening, value) = match piece.trim_start().strip_prefix('"') {
            Some(value) if name.ends_with(':') => ("\"", value),
            _ => ("", piece),
        };
        let end = value.find(['&', ' ', '"', '\'', ')', '<']).unwrap_or(value.len());
        cut.push_str(name);
        cut.push_str(opening);
        cut.push_str("<redacted>");
        cut.push_str(&value[end..]);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_cut_out_in_every_form() {
        let secrets = Secrets::new(["top/secret+1=".to_owned(), "short".to_owned()]);
        for text in [
            "no top/secret+1= here",
            "form client_secret=top%2Fsecret%2B1%3D&x=1",
            "https://a/b?sv=1&sig=AbC%2f&se=2",
            r#"{"access_token":"ey.J.x","a":1}"#,
            r#"{"access_token": "ey.J.x"}"#,
            "header was Authorization: Bearer ey.J.x here",
            "an echo of eyJhbGciOi.eyJhdWQ.c2ln, alone",
        ] {
            let scrubbed = secrets.scrub(text);
            assert!(scrubbed.contains("<redacted>"), "{scrubbed}");
            for hidden in ["top/secret", "top%2F", "AbC", "ey.J", "eyJ", "c2ln"] {
                assert!(!scrubbed.contains(hidden), "{scrubbed}");
            }
        }
        assert_eq!(secrets.scrub("short  stays\nhere"), "short stays here");
        assert_eq!(format!("{:?} {secrets:?}", Secret::new("x")), "<redacted> Secrets(2 redacted)");
    }
}
