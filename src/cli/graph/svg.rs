//! An SVG picture that needs nothing else, with a title and a description for screen readers.

use super::layout::{BOX, LABEL_LINE, Label, Layout, Line, Point, layout, wrapped};
use super::{Drawing, Node, Shape};
use std::fmt::Write;

/// Most letters of a line in a box.
const TITLE_CHARS_MAX: usize = 30;
/// Most lines of a title.
const TITLE_LINES_MAX: usize = 2;
/// Height of a line in a box.
const TITLE_LINE: i64 = 17;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1a1a1a;text-anchor:middle}\
.kind,.label{font-size:11px;fill:#444}.node{fill:#fff;stroke:#3a4a5a;stroke-width:1.5}\
.people{fill:#fdf3dc}.wait{fill:#e8f1fb}.branch{fill:#f0ebf8}.end{fill:#eef4ee}\
.arrow{fill:none;stroke:#5a6a7a;stroke-width:1.5}.back{stroke-dasharray:5 4}.paper{fill:#fff}";

/// Draws.
pub fn draw(drawing: &Drawing) -> String {
    let Layout {
        corners,
        lines,
        size: (width, height),
    } = layout(drawing);
    let title = escaped(&drawing.title);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{title}</title>\n<desc id=\"desc\">{}</desc>\n\
         <style>{STYLE}</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#5a6a7a\"/></marker></defs>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
        escaped(&description(drawing))
    );
    for (arrow, line) in drawing.arrows.iter().zip(&lines) {
        text.push_str(&path(line, arrow.is_back));
    }
    for (node, at) in drawing.nodes.iter().zip(&corners) {
        text.push_str(&boxed(node, *at));
    }
    // Above all lines, each on a piece of paper of its own.
    for label in lines.iter().filter_map(|line| line.label.as_ref()) {
        text.push_str(&written(label));
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

fn boxed(node: &Node, (x, y): Point) -> String {
    let (width, height) = BOX;
    let (class, radius) = match node.shape {
        Shape::Start | Shape::End => ("end", height / 2),
        Shape::Action => ("action", 4),
        Shape::Wait => ("wait", 4),
        Shape::People => ("people", 4),
        Shape::Branch => ("branch", 16),
    };
    let mut text = format!(
        "<rect class=\"node {class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>\n"
    );
    let title = shortened(&node.title);
    let mut lines: Vec<(&str, &str)> = title.iter().map(|line| ("", line.as_str())).collect();
    if !node.kind.is_empty() {
        lines.push((" class=\"kind\"", &node.kind));
    }
    let count = i64::try_from(lines.len()).expect("a box has few lines");
    let mut line_y = y + height / 2 + 5 - (count - 1) * TITLE_LINE / 2;
    for (class, line) in lines {
        let middle = x + width / 2;
        writeln!(
            text,
            "<text{class} x=\"{middle}\" y=\"{line_y}\">{}</text>",
            escaped(line)
        )
        .expect("a text takes text");
        line_y += TITLE_LINE;
    }
    text
}

/// A line through its places: straight down, bent to the next column, and straight again; a line
/// that leads back has corners.
fn path(line: &Line, is_back: bool) -> String {
    let mut shape = String::new();
    for (at, (x, y)) in line.points.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| line.points[before]);
        match before {
            None => write!(shape, "M{x} {y}"),
            Some((x0, y0)) if x0 != *x && !is_back => {
                let middle = i64::midpoint(y0, *y);
                write!(shape, "C{x0} {middle} {x} {middle} {x} {y}")
            }
            Some(_) => write!(shape, "L{x} {y}"),
        }
        .expect("a text takes text");
    }
    let class = if is_back { "arrow back" } else { "arrow" };
    format!("<path class=\"{class}\" d=\"{shape}\" marker-end=\"url(#tip)\"/>\n")
}

fn written(label: &Label) -> String {
    let (x, y) = (label.x.start, label.y.start);
    let (width, height) = (label.x.end - x, label.y.end - y);
    let mut text = format!("<rect class=\"paper\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>\n");
    let mut line_y = y + LABEL_LINE - 3;
    for line in &label.text {
        let middle = x + width / 2;
        writeln!(
            text,
            "<text class=\"label\" x=\"{middle}\" y=\"{line_y}\">{}</text>",
            escaped(line)
        )
        .expect("a text takes text");
        line_y += LABEL_LINE;
    }
    text
}

/// A title in at most two lines; what does not fit is cut.
fn shortened(title: &str) -> Vec<String> {
    let mut lines = wrapped(title, TITLE_CHARS_MAX);
    let is_cut = lines.len() > TITLE_LINES_MAX;
    lines.truncate(TITLE_LINES_MAX);
    let last = lines.len().saturating_sub(1);
    for (at, line) in lines.iter_mut().enumerate() {
        let is_long = line.chars().count() > TITLE_CHARS_MAX;
        if is_long || is_cut && at == last {
            *line = line.chars().take(TITLE_CHARS_MAX - 1).collect();
            line.push('…');
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{crowded, example};

    #[test]
    fn titles_cannot_break_out_of_the_picture() {
        let picture = super::draw(&example());
        assert!(picture.contains("Ask &lt;them&gt;") && !picture.contains("<them>"));
        assert!(picture.contains("Review &quot;A &amp; B&quot;"));
    }

    #[test]
    fn every_node_arrow_and_label_is_drawn() {
        for drawing in [example(), crowded()] {
            let picture = super::draw(&drawing);
            assert_eq!(picture.matches("<rect class=\"node").count(), drawing.nodes.len());
            assert_eq!(picture.matches("class=\"arrow").count(), drawing.arrows.len());
            let labels = drawing.arrows.iter().filter(|arrow| arrow.label.is_some()).count();
            assert_eq!(picture.matches("<rect class=\"paper\"").count(), labels + 1);
        }
    }

    #[test]
    fn a_long_title_has_two_lines_and_is_cut_at_the_limit_and_not_before() {
        let lines = |title: &str| super::shortened(title).join("|");
        assert_eq!(
            lines("Tell the project that it was not fetched"),
            "Tell the project that it was|not fetched"
        );
        assert_eq!(lines(&"x".repeat(30)), "x".repeat(30));
        assert_eq!(lines(&"x".repeat(31)), format!("{}…", "x".repeat(29)));
        let (one, two) = ("a".repeat(29), "b".repeat(30));
        assert_eq!(lines(&format!("{one} {two}")), format!("{one}|{two}"));
        assert_eq!(lines(&format!("{one} {two} c")), format!("{one}|{}…", &two[..29]));
    }
}
