//! Graphviz text.

use super::{Drawing, Shape};
use std::fmt::Write;

/// Draws.
pub fn draw(drawing: &Drawing) -> String {
    let mut text = String::from("digraph flow {\n  rankdir=TB;\n  node [fontname=\"Helvetica\"];\n");
    writeln!(text, "  label={};", quoted(&drawing.title)).expect("a text takes text");
    nodes(drawing, None, "  ", &mut text);
    for arrow in &drawing.arrows {
        let mut attributes = Vec::new();
        if let Some(label) = &arrow.label {
            attributes.push(format!("label={}", quoted(label)));
        }
        if arrow.is_back {
            attributes.push("style=dashed, constraint=false".to_owned());
        }
        let attributes = if attributes.is_empty() {
            String::new()
        } else {
            format!(" [{}]", attributes.join(", "))
        };
        let (from, to) = (&drawing.nodes[arrow.from].id, &drawing.nodes[arrow.to].id);
        writeln!(text, "  {} -> {}{attributes};", quoted(from), quoted(to)).expect("a text takes text");
    }
    text.push_str("}\n");
    text
}

/// The nodes inside of `each`, those of an `each` among them in a frame below it.
fn nodes(drawing: &Drawing, each: Option<usize>, indent: &str, text: &mut String) {
    for (at, node) in drawing.inside(each) {
        let label = if node.kind.is_empty() {
            node.title.clone()
        } else {
            format!("{}\n{}", node.title, node.kind)
        };
        let (id, label, shape) = (quoted(&node.id), quoted(&label), shape(node.shape));
        writeln!(text, "{indent}{id} [label={label}, {shape}];").expect("a text takes text");
        if drawing.is_each(at) {
            let title = quoted(&format!("each element of {}", node.title));
            let cluster = quoted(&format!("cluster_{}", node.id));
            writeln!(text, "{indent}subgraph {cluster} {{\n{indent}  label={title};").expect("a text takes text");
            nodes(drawing, Some(at), &format!("{indent}  "), text);
            writeln!(text, "{indent}}}").expect("a text takes text");
        }
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Start | Shape::End => "shape=box, style=rounded",
        Shape::Action => "shape=box",
        Shape::Wait => "shape=parallelogram",
        Shape::People => "shape=box, peripheries=2",
        Shape::Branch => "shape=diamond",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn draws_every_shape_and_escapes_titles() {
        insta::assert_snapshot!(super::draw(&super::super::tests::example()), @r##"
        digraph flow {
          rankdir=TB;
          node [fontname="Helvetica"];
          label="Review \"A & B\" 1.0.0";
          "start" [label="start", shape=box, style=rounded];
          "ask" [label="Ask <them>\nmail.send", shape=box];
          "reply" [label="Wait for it\nwait", shape=parallelogram];
          "sign" [label="Sign\napprove", shape=box, peripheries=2];
          "end_completed" [label="completed", shape=box, style=rounded];
          "start" -> "ask";
          "ask" -> "reply";
          "reply" -> "sign" [label="signed"];
          "sign" -> "reply" [label="no, at most 3 rounds", style=dashed, constraint=false];
          "sign" -> "end_completed";
        }
        "##);
    }
}
