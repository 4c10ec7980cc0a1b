//! Parser events → value and positions, without recursion.

use super::scalar::{Plain, resolve};
use super::{MAX_ALIAS_BYTES, MAX_ALIAS_NODES, MAX_ANCHORS, MAX_DEPTH, NodeSpan, SpanMap, escape};
use crate::base::{Diagnostic, Findings, Span, Value, codes};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle};
use serde_json::Map;
use std::collections::HashMap;

/// What one pass over a text gave.
pub(super) struct Built {
    pub value: Value,
    pub spans: SpanMap,
    pub findings: Findings,
    /// Stretches that were understood to be something else than what was meant.
    pub unread: Vec<Span>,
    pub stopped: Option<Stopped>,
}

/// Why a pass ended before the text did.
pub(super) enum Stopped {
    /// The parser gave up.
    Syntax(SyntaxError),
    /// A limit; nothing behind this offset was looked at.
    Limit(usize),
}

/// Where the parser gave up, and what surrounds it.
pub(super) struct SyntaxError {
    pub kind: ErrorKind,
    pub offset: usize,
    /// Where the outermost bracket begins that is still open.
    pub flow_start: Option<usize>,
    /// The last thing that was read.
    pub last: Span,
    /// Whether that was a text without quotes.
    pub last_plain: bool,
}

/// Reads `text` up to its end, its first syntax error or a limit.
pub(super) fn build(text: &str) -> Built {
    let options = granit_parser::options! {
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder::new(text);
    let mut parser = Parser::new_from_str_with_options(text, options);
    while builder.built.stopped.is_none() && !builder.done {
        match parser.next_event() {
            Some(Ok((event, span))) => builder.event(event, span),
            Some(Err(error)) => builder.failed(&error),
            None => break,
        }
    }
    builder.finish()
}

/// What an anchor stands for.
struct Anchored {
    /// Nothing while it is being read, and where it is too large to be repeated.
    value: Option<Value>,
    open: bool,
    weight: Weight,
}

/// How much a value holds.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl Weight {
    fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self {
                nodes: 1,
                bytes: text.len(),
                depth: 0,
            },
            Value::Array(items) => items.iter().map(Self::of).fold(Self::collection(), Self::with),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| {
                    let weight = Self::of(value);
                    Self {
                        bytes: weight.bytes + key.len(),
                        ..weight
                    }
                })
                .fold(Self::collection(), Self::with),
            _ => Self {
                nodes: 1,
                bytes: 0,
                depth: 0,
            },
        }
    }

    const fn collection() -> Self {
        Self {
            nodes: 1,
            bytes: 0,
            depth: 1,
        }
    }

    fn with(self, child: Self) -> Self {
        Self {
            nodes: self.nodes + child.nodes,
            bytes: self.bytes + child.bytes,
            depth: self.depth.max(child.depth + 1),
        }
    }
}

/// What a map expects next.
enum Pending {
    Key,
    ValueOf(String, Span),
    /// A value whose key cannot be kept.
    Dropped,
}

enum Content {
    Items(Vec<Value>),
    Entries(Map<String, Value>, Pending),
}

/// A list or map that is being read.
struct Frame {
    content: Content,
    /// Length of the pointer outside of it.
    outside: usize,
    key: Option<Span>,
    start: usize,
    end: usize,
    flow: bool,
    anchor: usize,
    /// Whether it stands where a key should.
    is_key: bool,
    /// Whether its positions are not kept.
    muted: bool,
}

struct Builder<'t> {
    text: &'t str,
    built: Built,
    frames: Vec<Frame>,
    pointer: String,
    anchors: HashMap<usize, Anchored>,
    spent: Weight,
    over_budget: bool,
    documents: usize,
    done: bool,
    last: Span,
    last_plain: bool,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            built: Built {
                value: Value::Null,
                spans: SpanMap::for_text(text),
                findings: Findings::default(),
                unread: Vec::new(),
                stopped: None,
            },
            frames: Vec::new(),
            pointer: String::new(),
            anchors: HashMap::new(),
            spent: Weight::default(),
            over_budget: false,
            documents: 0,
            done: false,
            last: Span::default(),
            last_plain: false,
        }
    }

    fn event(&mut self, event: Event<'_>, span: granit_parser::Span) {
        let here = self.sound(span);
        if let Some(tag) = span.tag_span() {
            self.tag(self.sound(tag));
        }
        self.last_plain = false;
        match event {
            Event::DocumentStart(..) => self.document(here),
            Event::Scalar(text, style, anchor, _) => self.scalar(&text, style, anchor, here),
            Event::SequenceStart(style, anchor, _) => self.open(Content::Items(Vec::new()), style, anchor, here),
            Event::MappingStart(style, anchor, _) => {
                self.open(Content::Entries(Map::new(), Pending::Key), style, anchor, here);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(here),
            Event::Anchor(_, name) => self.anchor(&name, here),
            Event::Alias(id) => self.alias(id, here),
            Event::UnresolvedAlias(name) => self.unknown_alias(&name, here),
            Event::StreamEnd => self.done = true,
            _ => {}
        }
        if !here.is_empty() {
            self.last = here;
        }
    }

    /// The parser's span as bytes, on whole characters whatever it counted.
    fn sound(&self, span: granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or_default();
        let start = self.text.floor_char_boundary(range.start);
        Span::new(start, self.text.floor_char_boundary(range.end).max(start))
    }

    fn say(&mut self, finding: Diagnostic) {
        self.built.findings.push(finding);
    }

    fn failed(&mut self, error: &ScanError) {
        let offset = error.marker().byte_offset().unwrap_or(self.text.len());
        let offset = self.text.floor_char_boundary(offset);
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            self.too_deep(offset);
            return;
        }
        self.built.stopped = Some(Stopped::Syntax(SyntaxError {
            kind: error.kind().clone(),
            offset,
            flow_start: self.frames.iter().find(|frame| frame.flow).map(|frame| frame.start),
            last: self.last,
            last_plain: self.last_plain,
        }));
    }

    fn too_deep(&mut self, offset: usize) {
        let message = format!("lists and maps stand more than {MAX_DEPTH} deep inside each other here");
        let end = self.text[offset..]
            .chars()
            .next()
            .map_or(offset, |c| offset + c.len_utf8());
        self.say(Diagnostic::error(
            codes::TOO_LARGE_OR_DEEP,
            message,
            Span::new(offset, end),
        ));
        self.built.stopped = Some(Stopped::Limit(offset));
    }

    fn document(&mut self, here: Span) {
        self.documents += 1;
        if self.documents > 1 {
            let finding = Diagnostic::error(codes::FORBIDDEN_YAML, "a second document begins here", here)
                .with_help("keep one flow in a file: move what follows `---` to a file of its own");
            self.say(finding);
            self.done = true;
        }
    }

    fn tag(&mut self, here: Span) {
        let tag = &self.text[here.start..here.end];
        let finding = Diagnostic::error(
            codes::FORBIDDEN_YAML,
            format!("`{tag}` is a YAML tag, and tags are not used here"),
            here,
        )
        .with_help("leave it out, or put the whole text in quotes if it begins with `!`");
        self.say(finding);
    }

    fn expects_key(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| matches!(frame.content, Content::Entries(_, Pending::Key)))
    }

    fn muted(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| frame.muted || matches!(frame.content, Content::Entries(_, Pending::Dropped)))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, here: Span) {
        let plain = style == ScalarStyle::Plain;
        // The parser writes `~` where there is nothing at all.
        let text = if plain && here.is_empty() { "" } else { text };
        self.last_plain = plain && !here.is_empty();
        if self.expects_key() {
            self.key(text, plain, here);
            return;
        }
        let here = if here.is_empty() {
            self.behind_colon(here)
        } else {
            self.trimmed(here)
        };
        let value = match if plain { resolve(text) } else { Plain::Text } {
            Plain::Is(value) => value,
            Plain::Text => Value::String(text.to_owned()),
            Plain::Ambiguous(meaning) => {
                self.ambiguous(text, meaning, here);
                Value::String(text.to_owned())
            }
        };
        if anchor > 0 {
            self.keep_anchor(anchor, &value);
        }
        self.add(value, here, plain);
    }

    fn ambiguous(&mut self, text: &str, meaning: &str, here: Span) {
        let finding = Diagnostic::warning(
            codes::AMBIGUOUS_SCALAR,
            format!("`{text}` is read as text here, but other readers of YAML take it for {meaning}"),
            here,
        )
        .with_help(format!("write `\"{text}\"`, so that everybody reads the same"))
        .with_fix(here, format!("\"{text}\""));
        self.say(finding);
    }

    fn key(&mut self, text: &str, plain: bool, here: Span) {
        let next = if plain && text == "<<" {
            let finding = Diagnostic::error(codes::FORBIDDEN_YAML, "merge keys (`<<`) are not used here", here)
                .with_help("write the keys out, or give the whole map an anchor and use it as a value");
            self.say(finding);
            self.built.unread.push(here);
            Pending::Dropped
        } else if let (true, Plain::Is(_)) = (plain, resolve(text)) {
            self.odd_key(text, here)
        } else {
            self.name(text.to_owned(), here)
        };
        self.expect(next);
    }

    /// A key that is nothing, true, false or a number.
    fn odd_key(&mut self, text: &str, here: Span) -> Pending {
        let finding = Diagnostic::error(codes::FORBIDDEN_YAML, format!("the key `{text}` is no text"), here);
        if text.is_empty() {
            self.say(finding.with_help("write a name before the colon"));
            return Pending::Dropped;
        }
        self.say(
            finding
                .with_help(format!("write it in quotes: `\"{text}\":`"))
                .with_fix(here, format!("\"{text}\"")),
        );
        self.name(text.to_owned(), here)
    }

    fn name(&mut self, name: String, here: Span) -> Pending {
        let known = match self.frames.last().map(|frame| &frame.content) {
            Some(Content::Entries(map, _)) => map.contains_key(&name),
            _ => false,
        };
        if !known {
            return Pending::ValueOf(name, here);
        }
        let pointer = format!("{}/{}", self.pointer, escape(&name));
        let first = self.built.spans.key(&pointer);
        let finding = Diagnostic::error(
            codes::DUPLICATE_KEY,
            format!("the key `{name}` stands twice in this map"),
            here,
        )
        .with_label("and again here")
        .with_help("leave one of them out: only the first is read");
        self.say(if self.muted() {
            finding
        } else {
            finding.with_related(first, "first here")
        });
        Pending::Dropped
    }

    fn expect(&mut self, next: Pending) {
        if let Some(Content::Entries(_, pending)) = self.frames.last_mut().map(|frame| &mut frame.content) {
            *pending = next;
        }
    }

    /// Goes down to the value that comes next; returns its key.
    fn enter(&mut self) -> Option<Span> {
        use std::fmt::Write;
        match self.frames.last().map(|frame| &frame.content) {
            Some(Content::Items(items)) => {
                write!(self.pointer, "/{}", items.len()).expect("writing to a string succeeds");
                None
            }
            Some(Content::Entries(_, Pending::ValueOf(name, span))) => {
                self.pointer.push('/');
                self.pointer.push_str(&escape(name));
                Some(*span)
            }
            None | Some(Content::Entries(..)) => None,
        }
    }

    fn add(&mut self, value: Value, here: Span, plain: bool) {
        let muted = self.muted();
        let outside = self.pointer.len();
        let key = self.enter();
        if !muted {
            let node = NodeSpan {
                key,
                value: here,
                plain,
            };
            self.built.spans.insert(self.pointer.clone(), node);
        }
        self.pointer.truncate(outside);
        self.attach(value, here.end);
    }

    /// Gives a value to what is being read around it.
    fn attach(&mut self, value: Value, end: usize) {
        let Some(frame) = self.frames.last_mut() else {
            self.built.value = value;
            return;
        };
        frame.end = frame.end.max(end);
        match &mut frame.content {
            Content::Items(items) => items.push(value),
            Content::Entries(map, pending) => {
                if let Pending::ValueOf(name, _) = std::mem::replace(pending, Pending::Key) {
                    map.insert(name, value);
                }
            }
        }
    }

    fn open(&mut self, content: Content, style: StructureStyle, anchor: usize, here: Span) {
        if self.frames.len() >= MAX_DEPTH {
            self.too_deep(here.start);
            return;
        }
        let is_key = self.expects_key();
        let muted = is_key || self.muted();
        let outside = self.pointer.len();
        let key = self.enter();
        if anchor > 0 {
            let open = Anchored {
                value: None,
                open: true,
                weight: Weight::default(),
            };
            self.anchors.insert(anchor, open);
        }
        self.frames.push(Frame {
            content,
            outside,
            key,
            start: here.start,
            end: here.end,
            flow: style == StructureStyle::Flow,
            anchor,
            is_key,
            muted,
        });
    }

    fn close(&mut self, here: Span) {
        let Some(mut frame) = self.frames.pop() else { return };
        if frame.flow {
            frame.end = here.end;
        }
        let whole = Span::new(frame.start, frame.end.max(frame.start));
        let value = match frame.content {
            Content::Items(items) => Value::Array(items),
            Content::Entries(map, _) => Value::Object(map),
        };
        if frame.anchor > 0 {
            self.keep_anchor(frame.anchor, &value);
        }
        if frame.is_key {
            self.pointer.truncate(frame.outside);
            self.collection_as_key(whole);
            return;
        }
        if !frame.muted {
            let node = NodeSpan {
                key: frame.key,
                value: whole,
                plain: false,
            };
            self.built.spans.insert(self.pointer.clone(), node);
        }
        self.pointer.truncate(frame.outside);
        self.attach(value, whole.end);
    }

    /// A list or map where a key should be: nearly always `{{ … }}` without quotes.
    fn collection_as_key(&mut self, whole: Span) {
        let outer = self.frames.last().map_or(whole.start, |frame| frame.start);
        let braces = self.text[outer..].starts_with("{{") && whole.start == outer + 1;
        let place = if braces { Span::new(outer, whole.end) } else { whole };
        let finding = if braces {
            Diagnostic::error(
                codes::FORBIDDEN_YAML,
                "`{{ … }}` without quotes is read as a map in a map",
                place,
            )
            .with_help(
                "an expression begins with `${{` and, behind an opening brace or bracket, needs quotes: \"${{ … }}\"",
            )
        } else {
            Diagnostic::error(
                codes::FORBIDDEN_YAML,
                "a list or map stands where a key should be",
                place,
            )
            .with_help("keys are plain words: put the text in quotes if it begins with `{` or `[`")
        };
        self.say(finding);
        self.built.unread.push(place);
        self.expect(Pending::Dropped);
    }

    fn anchor(&mut self, name: &str, here: Span) {
        if self.anchors.len() <= MAX_ANCHORS || self.over_budget {
            return;
        }
        self.over_budget = true;
        let message = format!("`&{name}` is one anchor more than the {MAX_ANCHORS} that a file may have");
        self.say(Diagnostic::error(codes::ALIAS_BUDGET, message, here).with_help("write the values out"));
    }

    fn keep_anchor(&mut self, id: usize, value: &Value) {
        let weight = Weight::of(value);
        let small = weight.nodes <= MAX_ALIAS_NODES && self.anchors.len() <= MAX_ANCHORS;
        let value = small.then(|| value.clone());
        self.anchors.insert(
            id,
            Anchored {
                value,
                open: false,
                weight,
            },
        );
    }

    fn alias(&mut self, id: usize, here: Span) {
        if self.expects_key() {
            self.alias_as_key(here);
            return;
        }
        let value = self.expanded(id, here).unwrap_or_else(|| {
            self.built.unread.push(here);
            Value::Null
        });
        self.add(value, here, false);
    }

    fn alias_as_key(&mut self, here: Span) {
        let finding = Diagnostic::error(codes::FORBIDDEN_YAML, "an alias stands where a key should be", here)
            .with_help("write the key out");
        self.say(finding);
        self.expect(Pending::Dropped);
    }

    /// The value of an alias, as long as the budget lasts.
    fn expanded(&mut self, id: usize, here: Span) -> Option<Value> {
        let name = self.text[here.start..here.end].to_owned();
        let anchored = self.anchors.get(&id)?;
        if anchored.open {
            self.say(
                Diagnostic::error(
                    codes::ALIAS_BUDGET,
                    format!("`{name}` stands inside the value that it repeats"),
                    here,
                )
                .with_help("a value cannot contain itself: write out what is meant here"),
            );
            return None;
        }
        if self.frames.len() + anchored.weight.depth > MAX_DEPTH {
            let message = format!("what `{name}` repeats is more than {MAX_DEPTH} deep here");
            self.say(Diagnostic::error(codes::TOO_LARGE_OR_DEEP, message, here));
            return None;
        }
        self.spent.nodes += anchored.weight.nodes;
        self.spent.bytes += anchored.weight.bytes;
        if self.spent.nodes <= MAX_ALIAS_NODES && self.spent.bytes <= MAX_ALIAS_BYTES {
            return anchored.value.clone();
        }
        if !self.over_budget {
            self.over_budget = true;
            self.say(
                Diagnostic::error(
                    codes::ALIAS_BUDGET,
                    format!(
                        "the aliases of this file repeat more than {MAX_ALIAS_NODES} values or {MAX_ALIAS_BYTES} bytes \
                         from `{name}` on"
                    ),
                    here,
                )
                .with_help("write the values out, or split the flow"),
            );
        }
        None
    }

    fn unknown_alias(&mut self, name: &str, here: Span) {
        let finding = Diagnostic::error(
            codes::YAML_SYNTAX,
            format!("`*{name}` repeats the anchor `&{name}`, and there is none above"),
            here,
        )
        .with_help(format!("if a text is meant, put it in quotes: \"*{name}\""));
        self.say(finding);
        if self.expects_key() {
            self.expect(Pending::Dropped);
            return;
        }
        self.built.unread.push(here);
        self.add(Value::String(format!("*{name}")), here, true);
    }

    /// Where nothing is written: behind the colon, not before it.
    fn behind_colon(&self, here: Span) -> Span {
        let rest = &self.text[here.start..];
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let offset = if rest[blanks..].starts_with(':') {
            here.start + blanks + 1
        } else {
            here.start
        };
        Span::new(offset, offset)
    }

    /// Without the blanks and line breaks at its end, which blocks carry.
    fn trimmed(&self, here: Span) -> Span {
        let length = self.text[here.start..here.end].trim_end().len();
        Span::new(here.start, here.start + length)
    }

    /// Closes what is still open, so that what was understood is kept.
    fn finish(mut self) -> Built {
        while !self.frames.is_empty() {
            let end = self.frames.last().map_or(0, |frame| frame.end);
            self.close(Span::new(end, end));
        }
        self.built
    }
}
