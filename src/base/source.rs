//! YAML text → JSON value, with the position of every key and value.
//!
//! YAML 1.2, core schema, one document, no tags and no merge keys. What other versions of YAML
//! read differently stays text and is a finding.
//!
//! Invariants: reading ends quickly and with bounded memory and stack for any input; every span
//! lies within the text and on character boundaries; what a syntax error hides is listed in
//! [`Document::unread`], so that nobody takes it for missing.

mod build;
mod recover;
mod scalar;
mod syntax;

use super::{Diagnostic, Findings, Span, Value, codes};
use std::collections::HashMap;
use std::sync::Arc;

/// Largest file that is read, in bytes: 1 MiB.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// How deep lists and maps may stand inside each other.
pub const MAX_DEPTH: usize = 64;
/// Most anchors (`&name`) in a file.
pub const MAX_ANCHORS: usize = 100;
/// Most values that all aliases (`*name`) of a file may stand for together.
pub const MAX_ALIAS_NODES: usize = 10_000;
/// Most bytes of text that all aliases of a file may stand for together.
pub const MAX_ALIAS_BYTES: usize = MAX_FILE_BYTES;
/// Most syntax errors that are told of one file.
pub const MAX_SYNTAX_ERRORS: usize = 10;
/// Largest file in which reading goes on behind a syntax error, in bytes.
pub const MAX_RECOVERY_BYTES: usize = 256 << 10;

/// Where a value stands, and its key if it is the value of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeSpan {
    /// The key, if the node is the value of one.
    pub key: Option<Span>,
    /// The value as written, quotes and brackets included. Of a block (`|`, `>`) the text alone,
    /// of an alias the alias, of nothing an empty stretch behind the key.
    pub value: Span,
    /// Whether a text was written without quotes.
    pub plain: bool,
}

/// Positions by JSON pointer (RFC 6901); the root is the empty pointer.
#[derive(Clone, Debug, Default)]
pub struct SpanMap {
    nodes: HashMap<String, NodeSpan>,
}

impl SpanMap {
    /// Nothing yet, with room for the nodes of an ordinary text.
    fn for_text(text: &str) -> Self {
        const BYTES_OF_NODE: usize = 10;
        const NODES_MAX: usize = 4_096;
        Self {
            nodes: HashMap::with_capacity((text.len() / BYTES_OF_NODE).min(NODES_MAX)),
        }
    }

    /// Records a node.
    pub fn insert(&mut self, pointer: String, node: NodeSpan) {
        self.nodes.insert(pointer, node);
    }

    /// The node at `pointer`.
    pub fn get(&self, pointer: &str) -> Option<NodeSpan> {
        self.nodes.get(pointer).copied()
    }

    /// Every node with its pointer, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, NodeSpan)> {
        self.nodes.iter().map(|(pointer, node)| (pointer.as_str(), *node))
    }

    /// The value at `pointer`, or the nearest thing around it.
    pub fn value(&self, pointer: &str) -> Span {
        self.nearest(pointer).map(|node| node.value).unwrap_or_default()
    }

    /// The key at `pointer`, or the value where there is no key, or the nearest thing around it.
    pub fn key(&self, pointer: &str) -> Span {
        self.nearest(pointer)
            .map(|node| node.key.unwrap_or(node.value))
            .unwrap_or_default()
    }

    /// Changes every span.
    fn each(&mut self, change: impl Fn(&mut Span)) {
        for node in self.nodes.values_mut() {
            node.key.iter_mut().for_each(&change);
            change(&mut node.value);
        }
    }

    fn nearest(&self, pointer: &str) -> Option<NodeSpan> {
        let mut pointer = pointer;
        loop {
            if let Some(node) = self.get(pointer) {
                return Some(node);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// A key as a segment of a JSON pointer.
pub fn escape(key: &str) -> std::borrow::Cow<'_, str> {
    if key.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        key.replace('~', "~0").replace('/', "~1").into()
    } else {
        key.into()
    }
}

/// One YAML document, read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The path or name to show to people.
    pub name: String,
    /// The text as read.
    pub text: Arc<str>,
    /// The data. Keys keep their order.
    pub value: Value,
    /// Where everything stands.
    pub spans: SpanMap,
    /// Stretches that a syntax error kept from being read, in order. What is missing there may
    /// well have been written.
    pub unread: Vec<Span>,
}

impl Document {
    /// Reads `text`. Returns what was understood (`Value::Null` if nothing) and every finding.
    pub fn parse(name: &str, text: &str) -> (Self, Findings) {
        let mut document = Self {
            name: name.to_owned(),
            text: text.into(),
            value: Value::Null,
            spans: SpanMap::default(),
            unread: Vec::new(),
        };
        if text.len() > MAX_FILE_BYTES {
            document.unread.push(Span::new(0, text.len()));
            let message = format!(
                "this file has {} bytes, and a file may have {MAX_FILE_BYTES}",
                text.len()
            );
            let finding = Diagnostic::error(codes::TOO_LARGE_OR_DEEP, message, Span::default())
                .with_help("split the flow into several");
            return (document, vec![finding].into());
        }
        let read = recover::read(text);
        document.value = read.value;
        document.spans = read.spans;
        document.unread = read.unread;
        let mut findings = read.findings;
        findings.sort();
        (document, findings)
    }

    /// Reads bytes that ought to be UTF-8. Where they are not, says so and reads the rest.
    pub fn parse_bytes(name: &str, bytes: &[u8]) -> (Self, Findings) {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Self::parse(name, text),
            Err(error) => error,
        };
        let shown = &bytes[..bytes.len().min(MAX_FILE_BYTES + 1)];
        let (document, more) = Self::parse(name, &String::from_utf8_lossy(shown));
        let at = error.valid_up_to();
        let found = bytes.get(at).copied().unwrap_or_default();
        let finding = Diagnostic::error(
            codes::YAML_SYNTAX,
            format!("this file is not UTF-8 text: byte {found:#04x} at offset {at} is no part of a character"),
            Span::new(at, (at + '\u{fffd}'.len_utf8()).min(document.text.len()).max(at)),
        )
        .with_help("save the file in the encoding UTF-8");
        let mut findings = Findings::from(vec![finding]);
        findings.append(more);
        findings.sort();
        (document, findings)
    }

    /// The value at `pointer` as it is written, quotes included.
    pub fn raw(&self, pointer: &str) -> Option<&str> {
        let span = self.spans.get(pointer)?.value;
        self.text.get(span.start..span.end)
    }

    /// Whether `span` touches something that a syntax error kept from being read.
    pub fn is_unread(&self, span: Span) -> bool {
        self.unread
            .iter()
            .any(|hidden| hidden.start <= span.end && span.start <= hidden.end)
    }
}

#[cfg(test)]
mod tests;
