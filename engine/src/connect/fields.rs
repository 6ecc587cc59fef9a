//! Fields taken out of the body by name, and every error on the way.
//!
//! In: a [`Node`] and the names an object may have. Out: values, and one
//! [`FieldError`] per broken rule, so that a person corrects a file once.
//! Never prints the client secret, nor what may be a token.

use std::collections::HashMap;

use super::document::Node;
use super::error::FieldError;
use crate::near::nearest;

/// An object of the body: where it stands and what it may hold.
pub(super) struct Shape {
    /// JSON path; empty for the body itself.
    pub(super) path: &'static str,
    /// Names of its fields.
    pub(super) names: &'static [&'static str],
}

impl Shape {
    /// The field that holds the object: the last part of its path.
    pub(super) fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

/// A rule for a text: what it breaks, if it does.
pub(super) type Rule = fn(&str) -> Result<(), &'static str>;

/// The rule of a text that may be anything.
pub(super) fn any_text(_: &str) -> Result<(), &'static str> {
    Ok(())
}

/// An object whose names have been checked.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    path: &'static str,
    fields: &'a [(String, Node)],
}

impl<'a> Section<'a> {
    /// The value of a field; of duplicates, which are an error already, the last.
    fn get(self, name: &str) -> Option<&'a Node> {
        self.fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn path_of(self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// Collects errors, and knows what must not be printed.
pub(super) struct Checks {
    secrets: Vec<String>,
    shapes: &'static [Shape],
    errors: Vec<FieldError>,
}

impl Checks {
    /// `secret_name` is the field of the body that is never printed.
    pub(super) fn new(body: &Node, secret_name: &str, shapes: &'static [Shape]) -> Self {
        let Node::Object(fields) = body else {
            return Self { secrets: Vec::new(), shapes, errors: Vec::new() };
        };
        let secrets = fields
            .iter()
            .filter(|(name, _)| name == secret_name)
            .filter_map(|(_, value)| match value {
                Node::Text(text) | Node::Number(text) => Some(text.trim().to_owned()),
                _ => None,
            })
            .filter(|secret| !secret.is_empty())
            .collect();
        Self { secrets, shapes, errors: Vec::new() }
    }

    pub(super) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// An error of a field that was looked at.
    pub(super) fn refuse(
        &mut self,
        section: Section<'_>,
        name: &str,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(section.path_of(name), problem.into(), hint.into());
    }

    fn push(&mut self, path: String, problem: String, hint: String) {
        self.errors.push(FieldError { path, problem, hint });
    }

    /// The whole body as an object.
    pub(super) fn body<'a>(&mut self, body: &'a Node, shape: &Shape) -> Option<Section<'a>> {
        self.open(body, shape, "write { … } with the fields of the bill connect")
    }

    /// An object that may be absent; `None` also when it is none.
    pub(super) fn object<'a>(
        &mut self,
        section: Section<'a>,
        shape: &Shape,
    ) -> Option<Section<'a>> {
        self.open(section.get(shape.name())?, shape, "write { … }, or leave the field out")
    }

    fn open<'a>(&mut self, node: &'a Node, shape: &Shape, hint: &str) -> Option<Section<'a>> {
        let Node::Object(fields) = node else {
            let problem = format!("is {}, not an object", self.kind(node));
            self.push(shape.path.to_owned(), problem, hint.to_owned());
            return None;
        };
        let section = Section { path: shape.path, fields };
        let mut times_seen: HashMap<&str, usize> = HashMap::new();
        for (name, _) in fields {
            let times = times_seen.entry(name).and_modify(|times| *times += 1).or_insert(1);
            if *times == 2 {
                let problem = "is given more than once";
                self.refuse(section, &self.shown_name(name), problem, "keep one of them");
            }
            if *times == 1 && !shape.names.contains(&name.as_str()) {
                let hint = self.hint_for_unknown(name, shape);
                self.refuse(section, &self.shown_name(name), "is no field of a bill connect", hint);
            }
        }
        Some(section)
    }

    fn hint_for_unknown(&self, name: &str, shape: &Shape) -> String {
        const ANSWERED: [&str; 6] =
            ["azureCsp", "createdAt", "id", "kind", "onboardingOrigin", "updatedAt"];
        if shape.path.is_empty() && ANSWERED.contains(&name) {
            return "it belongs to the API's answer: give only what stands in azureCsp there, \
                    without onboardingOrigin"
                .to_owned();
        }
        if let Some(home) = self.shapes.iter().find(|other| other.names.contains(&name)) {
            let home = if home.path.is_empty() { "the body itself" } else { home.path };
            return format!("it belongs to {home}");
        }
        match nearest(name, shape.names.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("known are {}", shape.names.join(", ")),
        }
    }

    /// A text that must be there and keep a rule.
    pub(super) fn required_text(
        &mut self,
        section: Section<'_>,
        name: &str,
        rule: Rule,
        hint: &str,
    ) -> Option<String> {
        if !section.has(name) {
            self.refuse(section, name, "is missing", hint);
            return None;
        }
        self.text(section, name, rule, hint)
    }

    /// A text that keeps a rule, if it is there. The secret in a wrong place is
    /// refused: other texts are kept and printed.
    pub(super) fn text(
        &mut self,
        section: Section<'_>,
        name: &str,
        rule: Rule,
        hint: &str,
    ) -> Option<String> {
        let problem = match section.get(name)? {
            Node::Text(text) if self.repeats_secret(text) => {
                "is the same as the client secret".to_owned()
            }
            Node::Text(text) => match rule(text) {
                Ok(()) => return Some(text.clone()),
                Err(problem) => format!("{} {problem}", self.shown(text)),
            },
            other => format!("is {}, not a text", self.kind(other)),
        };
        self.refuse(section, name, problem, hint);
        None
    }

    /// That a secret is there and not blank. Its value goes nowhere.
    pub(super) fn secret_given(&mut self, section: Section<'_>, name: &str, hint: &str) -> bool {
        let problem = match section.get(name) {
            None => "is missing",
            Some(Node::Text(text)) if text.trim().is_empty() => "is empty",
            Some(Node::Text(_)) => return true,
            Some(_) => "is not a text",
        };
        self.refuse(section, name, problem, hint);
        false
    }

    /// `true` or `false`, or the default.
    pub(super) fn flag(&mut self, section: Section<'_>, name: &str, default: bool) -> bool {
        match section.get(name) {
            None => default,
            Some(Node::Bool(value)) => *value,
            Some(other) => {
                let problem = format!("is {}", self.kind(other));
                self.refuse(section, name, problem, "write true or false, without quotes");
                default
            }
        }
    }

    /// A value's kind, with the value where it is short.
    fn kind(&self, node: &Node) -> String {
        match node {
            Node::Null => "null".to_owned(),
            Node::Bool(value) => value.to_string(),
            Node::Number(text) if self.secrets.contains(text) => "a number".to_owned(),
            Node::Number(text) => format!("the number {text}"),
            Node::Text(text) => format!("the text {}", self.shown(text)),
            Node::List => "a list".to_owned(),
            Node::Object(_) => "an object".to_owned(),
        }
    }

    /// A name for a path. Names of fields are short words; anything else may
    /// be a value in a wrong place.
    fn shown_name(&self, name: &str) -> String {
        let plain = !name.is_empty()
            && name.len() <= NAME_LENGTH_MAX
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-$".contains(&byte))
            && !self.holds_secret(name);
        if plain { name.to_owned() } else { self.shown(name) }
    }

    /// A value in quotes as it may be printed: without what a secret may stand
    /// in, and not longer than a line.
    pub(super) fn shown(&self, text: &str) -> String {
        let (before_query, query) = match text.split_once(['?', '#']) {
            Some((before, query)) => (before, Some(query)),
            None => (text, None),
        };
        // A password may itself hold '@', '?' or '/': only what is behind the
        // last '@' is no password, and only if no query hides there.
        let credentials = text.contains("://").then(|| text.rfind('@')).flatten();
        if self.holds_secret(text)
            || holds_token(before_query)
            || (credentials.is_some() && query.is_some())
        {
            return "(a value not repeated here, since it may hold a secret)".to_owned();
        }
        let (plain, cut) = match (credentials, query) {
            (Some(at), _) => (format!("…{}", &text[at..]), ""),
            (None, Some(_)) => (before_query.to_owned(), "?…"),
            (None, None) => (text.to_owned(), ""),
        };
        let mut letters = plain.chars();
        let short: String = letters.by_ref().take(SHOWN_LENGTH_MAX).collect();
        let more = if letters.next().is_some() { "…" } else { "" };
        format!("{:?}", format!("{short}{more}{cut}"))
    }

    /// Whether a value that would be kept has the secret in it. A secret of few
    /// letters is in many words by chance: that one only if it is all there is.
    fn repeats_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| {
            secret == text.trim() || secret.len() >= SECRET_LENGTH_MIN && text.contains(secret)
        })
    }

    fn holds_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(secret.as_str()))
    }
}

/// Shorter secrets are in other words by chance.
const SECRET_LENGTH_MIN: usize = 6;

/// Longest name printed as it is.
const NAME_LENGTH_MAX: usize = 40;

/// Most characters printed of a value: an id of full length fits.
const SHOWN_LENGTH_MAX: usize = 140;

/// Whether a text looks as if it held a SAS token or an account's key, outside
/// of a query too.
pub(super) fn holds_token(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["sig=", "sig%3d", "accountkey", "sharedaccess"].iter().any(|mark| lower.contains(mark))
}
