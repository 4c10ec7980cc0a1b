//! Mermaid text, as Markdown pages show it.

use super::{Drawing, Node, Shape};
use std::fmt::Write;

/// Draws.
pub fn draw(drawing: &Drawing) -> String {
    // The header is YAML, and a JSON text is a YAML text.
    let title = serde_json::Value::from(drawing.title.as_str());
    let mut text = format!("---\ntitle: {title}\n---\nflowchart TD\n");
    nodes(drawing, None, "  ", &mut text);
    for arrow in &drawing.arrows {
        let line = if arrow.is_back { "-.->" } else { "-->" };
        let label = arrow
            .label
            .as_ref()
            .map_or(String::new(), |label| format!("|{}|", quoted(&escaped(label))));
        let (from, to) = (&drawing.nodes[arrow.from], &drawing.nodes[arrow.to]);
        writeln!(text, "  {} {line}{label} {}", name(from), name(to)).expect("a text takes text");
    }
    text
}

/// The nodes inside of `each`, those of an `each` among them in a frame below it.
fn nodes(drawing: &Drawing, each: Option<usize>, indent: &str, text: &mut String) {
    for (at, node) in drawing.inside(each) {
        let (open, close) = brackets(node.shape);
        writeln!(text, "{indent}{}{open}{}{close}", name(node), quoted(&label(node))).expect("a text takes text");
        if drawing.is_each(at) {
            let title = format!("each element of {}", escaped(&node.title));
            writeln!(text, "{indent}subgraph {}each [{}]", name(node), quoted(&title)).expect("a text takes text");
            nodes(drawing, Some(at), &format!("{indent}  "), text);
            writeln!(text, "{indent}end").expect("a text takes text");
        }
    }
}

/// `end` alone is a word of the language, so every name gets a tail. An id has letters, digits and `_` alone, or it would be read as more than an id.
fn name(node: &Node) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let part = |c: char| {
        if is_plain(c) {
            c.to_string()
        } else {
            format!("x{:x}", u32::from(c))
        }
    };
    format!("{}_", node.id.chars().map(part).collect::<String>())
}

fn label(node: &Node) -> String {
    if node.kind.is_empty() {
        return escaped(&node.title);
    }
    format!("{}<br/>{}", escaped(&node.title), escaped(&node.kind))
}

/// A text as part of a label, where nothing of it is a sign of the language.
fn escaped(text: &str) -> String {
    let part = |c: char| match c {
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(part).collect()
}

fn quoted(label: &str) -> String {
    format!("\"{label}\"")
}

fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Start | Shape::End => ("([", "])"),
        Shape::Action => ("[", "]"),
        Shape::Wait => ("[/", "/]"),
        Shape::People => ("[[", "]]"),
        Shape::Branch => ("{", "}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Drawing, Shape, node};

    #[test]
    fn nothing_that_an_author_writes_is_a_sign_of_the_language() {
        let drawing = Drawing {
            title: "x".to_owned(),
            nodes: vec![node("end_x\"]:::<script>", "x\"]:::<script>\n", "", Shape::End)],
            arrows: Vec::new(),
        };
        let drawn = super::draw(&drawing);
        let line = drawn.lines().last().unwrap();
        assert_eq!(
            line,
            r#"  end_xx22x5dx3ax3ax3ax3cscriptx3e_(["x&quot;]:::&lt;script&gt; "])"#
        );
    }

    #[test]
    fn draws_every_shape_and_escapes_titles() {
        insta::assert_snapshot!(super::draw(&super::super::tests::example()), @r##"
        ---
        title: "Review \"A & B\" 1.0.0"
        ---
        flowchart TD
          start_(["start"])
          ask_["Ask &lt;them&gt;<br/>mail.send"]
          reply_[/"Wait for it<br/>wait"/]
          sign_[["Sign<br/>approve"]]
          end_completed_(["completed"])
          start_ --> ask_
          ask_ --> reply_
          reply_ -->|"signed"| sign_
          sign_ -.->|"no, at most 3 rounds"| reply_
          sign_ --> end_completed_
        "##);
    }
}
