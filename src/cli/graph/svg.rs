//! An SVG picture that needs nothing else, with a title and a description for screen readers.

use super::{Drawing, Node, Shape, layout};
use std::fmt::Write;

const BOX_WIDTH: usize = 220;
const BOX_HEIGHT: usize = 48;
const GAP_X: usize = 60;
const GAP_Y: usize = 56;
const MARGIN: usize = 40;
/// Longest title that fits into a box.
const TITLE_CHARS_MAX: usize = 30;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1a1a1a;text-anchor:middle}\
.kind,.label{font-size:11px;fill:#555}.node{fill:#fff;stroke:#3a4a5a;stroke-width:1.5}\
.people{fill:#fdf3dc}.wait{fill:#e8f1fb}.branch{fill:#f0ebf8}.end{fill:#eef4ee}\
.arrow{fill:none;stroke:#5a6a7a;stroke-width:1.5}.back{stroke-dasharray:5 4}.label{paint-order:stroke;stroke:#fff;stroke-width:4px}";

/// Draws.
pub fn draw(drawing: &Drawing) -> String {
    let places = layout::places(drawing);
    let columns = places.iter().map(|place| place.1 + 1).max().unwrap_or(1);
    let rows = places.iter().map(|place| place.0 + 1).max().unwrap_or(1);
    let width = 2 * MARGIN + columns * (BOX_WIDTH + GAP_X) + GAP_X;
    let height = 2 * MARGIN + rows * (BOX_HEIGHT + GAP_Y);
    let title = escaped(&drawing.title);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{title}</title>\n<desc id=\"desc\">{}</desc>\n\
         <style>{STYLE}</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#5a6a7a\"/></marker></defs>\n",
        escaped(&description(drawing))
    );
    let corners: Vec<(usize, usize)> = places.iter().map(|place| corner(*place)).collect();
    for arrow in &drawing.arrows {
        let (from, to) = (corners[arrow.from], corners[arrow.to]);
        text.push_str(&path(from, to, arrow.is_back, arrow.label.as_deref()));
    }
    for (node, at) in drawing.nodes.iter().zip(&corners) {
        text.push_str(&boxed(node, *at));
    }
    text.push_str("</svg>\n");
    text
}

/// The flow in sentences.
fn description(drawing: &Drawing) -> String {
    let name = |at: usize| drawing.nodes[at].title.as_str();
    let sentences: Vec<String> = drawing
        .arrows
        .iter()
        .map(|arrow| match &arrow.label {
            Some(label) => format!("From {} to {} on {label}.", name(arrow.from), name(arrow.to)),
            None => format!("From {} to {}.", name(arrow.from), name(arrow.to)),
        })
        .collect();
    sentences.join(" ")
}

fn corner((row, place): (usize, usize)) -> (usize, usize) {
    (
        MARGIN + place * (BOX_WIDTH + GAP_X),
        MARGIN + row * (BOX_HEIGHT + GAP_Y),
    )
}

fn boxed(node: &Node, (x, y): (usize, usize)) -> String {
    let (class, radius) = match node.shape {
        Shape::Start | Shape::End => ("end", BOX_HEIGHT / 2),
        Shape::Action => ("action", 4),
        Shape::Wait => ("wait", 4),
        Shape::People => ("people", 4),
        Shape::Branch => ("branch", 16),
    };
    let middle = x + BOX_WIDTH / 2;
    let title = escaped(&shortened(&node.title));
    let mut text = format!(
        "<rect class=\"node {class}\" x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\"/>\n"
    );
    let title_y = if node.kind.is_empty() { y + 29 } else { y + 21 };
    writeln!(text, "<text x=\"{middle}\" y=\"{title_y}\">{title}</text>").expect("a text takes text");
    if !node.kind.is_empty() {
        let kind = escaped(&node.kind);
        writeln!(
            text,
            "<text class=\"kind\" x=\"{middle}\" y=\"{}\">{kind}</text>",
            y + 38
        )
        .expect("a text takes text");
    }
    text
}

/// An arrow from the bottom of a box to the top of another, or, back, from side to side.
fn path(from: (usize, usize), to: (usize, usize), is_back: bool, label: Option<&str>) -> String {
    let (shape, label_at, class) = if is_back {
        let (x1, y1) = (from.0 + BOX_WIDTH, from.1 + BOX_HEIGHT / 2);
        let (x2, y2) = (to.0 + BOX_WIDTH, to.1 + BOX_HEIGHT / 2);
        let out = x1.max(x2) + GAP_X;
        (
            format!("M{x1} {y1}C{out} {y1} {out} {y2} {x2} {y2}"),
            (out - 10, usize::midpoint(y1, y2)),
            "arrow back",
        )
    } else {
        let (x1, y1) = (from.0 + BOX_WIDTH / 2, from.1 + BOX_HEIGHT);
        let (x2, y2) = (to.0 + BOX_WIDTH / 2, to.1);
        let (low, high) = (y1 + GAP_Y / 2, y2.saturating_sub(GAP_Y / 2));
        (
            format!("M{x1} {y1}C{x1} {low} {x2} {high} {x2} {y2}"),
            (usize::midpoint(x1, x2), usize::midpoint(y1, y2)),
            "arrow",
        )
    };
    let mut text = format!("<path class=\"{class}\" d=\"{shape}\" marker-end=\"url(#tip)\"/>\n");
    if let Some(label) = label {
        let (x, y) = label_at;
        writeln!(
            text,
            "<text class=\"label\" x=\"{x}\" y=\"{y}\">{}</text>",
            escaped(label)
        )
        .expect("a text takes text");
    }
    text
}

fn shortened(title: &str) -> String {
    if title.chars().count() <= TITLE_CHARS_MAX {
        return title.to_owned();
    }
    let mut short: String = title.chars().take(TITLE_CHARS_MAX - 1).collect();
    short.push('…');
    short
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;

    #[test]
    fn titles_cannot_break_out_of_the_picture() {
        let picture = super::draw(&example());
        assert!(picture.contains("Ask &lt;them&gt;") && !picture.contains("<them>"));
        assert!(picture.contains("Review &quot;A &amp; B&quot;"));
    }

    #[test]
    fn every_node_and_arrow_is_drawn() {
        let drawing = example();
        let picture = super::draw(&drawing);
        assert_eq!(picture.matches("<rect").count(), drawing.nodes.len());
        assert_eq!(picture.matches("class=\"arrow").count(), drawing.arrows.len());
    }

    #[test]
    fn a_long_title_is_shortened_at_the_limit_and_not_before() {
        assert_eq!(super::shortened(&"x".repeat(30)).chars().count(), 30);
        assert!(super::shortened(&"x".repeat(31)).ends_with('…'));
    }
}
