//! Where something stands, in an author's words: "`due` in `deadline` of step "Legal sign-off"".

use crate::base::{Document, Span, Value};

/// A part of a document that is checked on its own: the flow without its steps, or one step.
pub(super) struct Place<'d> {
    pub document: &'d Document,
    /// JSON pointer of the part.
    pub pointer: String,
    /// What people call it.
    pub name: String,
}

impl<'d> Place<'d> {
    /// A whole document that is no flow.
    pub fn whole(document: &'d Document, name: &str) -> Self {
        Self {
            document,
            pointer: String::new(),
            name: name.to_owned(),
        }
    }

    /// The flow itself.
    pub fn flow(document: &'d Document) -> Self {
        Self {
            document,
            pointer: String::new(),
            name: "the flow".to_owned(),
        }
    }

    /// The step at `pointer`, the `index`th of its list.
    pub fn step(document: &'d Document, pointer: String, index: usize, step: &Value) -> Self {
        let text = |key: &str| step.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let name = match (text("title"), text("id")) {
            (Some(title), _) => format!("step \"{title}\""),
            (None, Some(id)) => format!("step `{id}`"),
            (None, None) => format!("step number {}", index + 1),
        };
        Self {
            document,
            pointer,
            name,
        }
    }

    /// The pointer into the whole document of a pointer into this part.
    pub fn absolute(&self, inside: &str) -> String {
        format!("{}{inside}", self.pointer)
    }

    /// The value at a pointer into the whole document.
    pub fn value(&self, pointer: &str) -> &'d Value {
        self.document.value.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// What people call the node at `inside`, a pointer into this part.
    pub fn subject(&self, inside: &str) -> String {
        let mut words: Vec<String> = inside.split('/').skip(1).map(unescape).collect();
        let mut owner = (!self.pointer.is_empty()).then(|| self.name.clone());
        let mut parent = self.absolute(inside);
        if self.pointer.is_empty() && words.len() > 1 {
            owner = match words[0].as_str() {
                "inputs" => Some(format!("input `{}`", words[1])),
                "outputs" => Some(format!("output `{}`", words[1])),
                _ => None,
            };
            if owner.is_some() {
                words.drain(..2);
            }
        }
        let mut subject = String::new();
        while let Some(word) = words.pop() {
            parent.truncate(parent.rfind('/').unwrap_or(0));
            let is_entry = self.value(&parent).is_array();
            let number = word.parse::<usize>().ok().filter(|_| is_entry);
            let link = match (subject.is_empty(), subject.ends_with(" of")) {
                (true, _) => "",
                (false, true) => " ",
                (false, false) => " in ",
            };
            match number {
                Some(index) if self.pointer.is_empty() && words.as_slice() == ["steps"] => {
                    return format!("{subject}{link}step number {}", index + 1);
                }
                Some(index) => subject = format!("{subject}{link}entry {} of", index + 1),
                None => subject = format!("{subject}{link}`{word}`"),
            }
        }
        match (owner, subject.is_empty()) {
            (Some(owner), true) => owner,
            (Some(owner), false) => format!("{subject} of {owner}"),
            (None, true) => self.name.clone(),
            (None, false) => subject,
        }
    }

    /// The place of the value at `pointer`, or of its key where nothing is written.
    pub fn span(&self, pointer: &str) -> Span {
        let spans = &self.document.spans;
        let value = spans.value(pointer);
        let span = if value.is_empty() { spans.key(pointer) } else { value };
        first_line(&self.document.text, span)
    }

    /// The place of the key at `pointer`; of an entry without one, its first key or first line.
    pub fn key_span(&self, pointer: &str) -> Span {
        first_line(&self.document.text, self.document.spans.key(pointer))
    }
}

/// The first line of a stretch, without blanks at its end.
pub(super) fn first_line(text: &str, span: Span) -> Span {
    let whole = text.get(span.start..span.end).unwrap_or_default();
    let line = whole.lines().next().unwrap_or_default().trim_end();
    Span::new(span.start, span.start + line.len())
}

/// A segment of a JSON pointer as the key it means.
pub(super) fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}
