//! What a SAS token says of itself.
//!
//! In: a token, with or without its `?`. Out: when it ends and what it allows
//! (learn.microsoft.com/rest/api/storageservices/create-service-sas and
//! …/create-account-sas). Never checks its signature: only the store can.

use std::fmt;

use crate::discover::manifest::parse_instant_ms;
use crate::model::date::DAY_MS;

/// A SAS token, read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SasToken {
    /// When it ends, milliseconds since 1970 UTC; none when a stored access
    /// policy says so, or when it cannot be read.
    pub expires_at_ms: Option<i64>,
    /// When it begins, likewise.
    pub starts_at_ms: Option<i64>,
    /// Permissions, a letter each, e.g. `rl`; none when a policy has them (`sp`).
    pub permissions: Option<String>,
    /// Services of an account SAS, a letter each, e.g. `bf` (`ss`).
    pub services: Option<String>,
    /// Resource types of an account SAS: `s`ervice, `c`ontainer, `o`bject (`srt`).
    pub resource_types: Option<String>,
    /// What a service SAS is for: `c`ontainer, `d`irectory, `b`lob, … (`sr`).
    pub resource: Option<String>,
    /// Addresses it is limited to (`sip`).
    pub addresses: Option<String>,
    /// Whether more than the token was given: quotes around it, or the URL before it.
    pub is_wrapped: bool,
    /// Its signature, which is the secret in it.
    pub(super) signature: Option<String>,
}

impl fmt::Debug for SasToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SasToken")
            .field("expires_at_ms", &self.expires_at_ms)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

/// Where a token stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SasState {
    /// Not begun; milliseconds until it does.
    Early(i64),
    /// Good for more than [`SAS_LEFT_DAYS_MIN`] days, or nobody knows.
    Good,
    /// Ends within so many milliseconds.
    Ending(i64),
    /// Ended so many milliseconds ago.
    Ended(i64),
}

/// A token that ends sooner is warned about: time enough to renew it.
pub const SAS_LEFT_DAYS_MIN: i64 = 14;

impl SasToken {
    /// Reads a token. What is not there or not readable is unknown.
    pub fn parse(text: &str) -> Self {
        let text = text.trim().trim_start_matches('?');
        let is_wrapped = text.contains("://") || text.contains(['"', '\'', ' ']);
        let mut token = Self { is_wrapped, ..Self::default() };
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "se" => token.expires_at_ms = parse_instant_ms(&value),
                "st" => token.starts_at_ms = parse_instant_ms(&value),
                "sp" => token.permissions = Some(value.into_owned()),
                "ss" => token.services = Some(value.into_owned()),
                "srt" => token.resource_types = Some(value.into_owned()),
                "sr" => token.resource = Some(value.into_owned()),
                "sip" => token.addresses = Some(value.into_owned()),
                "sig" => token.signature = Some(value.into_owned()),
                _ => {}
            }
        }
        token
    }

    /// Whether it is signed at all: what a token cut short is not.
    pub fn is_signed(&self) -> bool {
        self.signature.as_ref().is_some_and(|signature| !signature.is_empty())
    }

    /// Where it stands at a time, milliseconds since 1970 UTC.
    pub fn state(&self, now_ms: i64) -> SasState {
        let early = self.starts_at_ms.map_or(0, |start| start - now_ms);
        match self.expires_at_ms.map(|end| end - now_ms) {
            Some(left) if left <= 0 => SasState::Ended(-left),
            _ if early > 0 => SasState::Early(early),
            Some(left) if left < SAS_LEFT_DAYS_MIN * DAY_MS => SasState::Ending(left),
            _ => SasState::Good,
        }
    }

    /// Permissions of `needed` that it does not give, as far as it says.
    pub fn lacks(&self, needed: &str) -> String {
        lacking(self.permissions.as_deref(), needed)
    }

    /// Services of `needed` that it is not for, as far as it says.
    pub fn lacks_services(&self, needed: &str) -> String {
        lacking(self.services.as_deref(), needed)
    }

    /// Resource types of `needed` that it is not for, as far as it says.
    pub fn lacks_resource_types(&self, needed: &str) -> String {
        lacking(self.resource_types.as_deref(), needed)
    }
}

fn lacking(given: Option<&str>, needed: &str) -> String {
    let Some(given) = given else { return String::new() };
    needed.chars().filter(|letter| !given.contains(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str =
        "?sv=2024-11-04&ss=b&srt=co&sp=rl&st=2026-01-01&se=2026-12-01T08%3A00%3A00Z&sig=U0VD%3D";

    #[test]
    fn a_token_tells_its_end_and_what_it_allows() {
        let token = SasToken::parse(TOKEN);
        assert_eq!(token, SasToken::parse(&TOKEN[1..]));
        let end = token.expires_at_ms.unwrap();
        assert_eq!(token.state(end), SasState::Ended(0));
        assert_eq!(token.state(end - 1), SasState::Ending(1));
        assert_eq!(token.state(end - SAS_LEFT_DAYS_MIN * DAY_MS), SasState::Good);
        assert!(matches!(token.state(0), SasState::Early(_)));
        assert_eq!((token.lacks("rl"), token.lacks("rlw")), (String::new(), "w".to_owned()));
        assert_eq!(
            (token.lacks_services("bq"), token.lacks_resource_types("sco")),
            ("q".into(), "s".into())
        );
        assert!(token.is_signed() && !format!("{token:?}").contains("U0VD"));
        for wrapped in [format!("\"{TOKEN}\""), format!("https://a.blob.core.windows.net/c{TOKEN}")]
        {
            assert!(SasToken::parse(&wrapped).is_wrapped && !token.is_wrapped, "{wrapped}");
        }
        let cut = SasToken::parse("sv=1&se=nonsense");
        assert_eq!((cut.expires_at_ms, cut.is_signed()), (None, false));
        assert_eq!(cut.state(0), SasState::Good);
    }
}
