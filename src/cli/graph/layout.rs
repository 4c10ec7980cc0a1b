//! Where boxes stand, lines run and labels lie.
//!
//! Boxes stand in rows, each below every row that leads to it. A line that passes rows has a place
//! of its own in each of them, so that it runs between the boxes; a line that leads back runs
//! beside them all. Between two rows there is room for the labels of the lines that leave the upper
//! one, each on its line and none on another.

use super::Drawing;
use std::ops::Range;

/// Width and height of a box.
pub const BOX: (i64, i64) = (220, 64);
/// Room around everything.
pub const MARGIN: i64 = 32;
/// Height of a line of a label.
pub const LABEL_LINE: i64 = 14;
/// Width of a line that passes a row.
const BEND: i64 = 16;
/// Between two things in a row.
const GAP: i64 = 36;
/// Below the labels, where lines bend to their next place.
const CURVE: i64 = 40;
/// Between two lines that lead back.
const LANE: i64 = 14;
/// About the width of a letter of a label.
const LETTER: i64 = 6;
/// Most letters of a line of a label.
const LABEL_CHARS_MAX: usize = 30;
/// How often rows are put in order, and places evened out.
const SWEEPS: usize = 8;

/// A place, from the left and from the top.
pub type Point = (i64, i64);

/// A drawing with a place for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The upper left corner of each node's box.
    pub corners: Vec<Point>,
    /// The line of each arrow.
    pub lines: Vec<Line>,
    /// Width and height of it all.
    pub size: (i64, i64),
}

/// The line of an arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its places: straight between the two of a pair, bent from pair to pair.
    pub points: Vec<Point>,
    /// What is written on it.
    pub label: Option<Label>,
}

/// What is written on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The text, in lines.
    pub text: Vec<String>,
    /// From the left and from the top.
    pub x: Range<i64>,
    /// From the top.
    pub y: Range<i64>,
}

impl Label {
    fn of(text: &str) -> Self {
        let text = wrapped(text, LABEL_CHARS_MAX);
        let letters = text.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let (width, height) = (length(letters) * LETTER + 8, length(text.len()) * LABEL_LINE + 2);
        Self {
            text,
            x: 0..width,
            y: 0..height,
        }
    }

    /// The label with its middle at `x` and its top at `y`.
    fn at(&self, x: i64, y: i64) -> Self {
        let (width, height) = (self.x.end - self.x.start, self.y.end - self.y.start);
        let left = (x - width / 2).max(4);
        Self {
            text: self.text.clone(),
            x: left..left + width,
            y: y..y + height,
        }
    }

    /// Whether two labels lie on each other.
    pub fn overlaps(&self, other: &Self) -> bool {
        let meet = |one: &Range<i64>, two: &Range<i64>| one.start < two.end && two.start < one.end;
        meet(&self.x, &other.x) && meet(&self.y, &other.y)
    }
}

/// Words in lines of at most so many letters, if no word is longer.
pub fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn length(count: usize) -> i64 {
    i64::try_from(count).expect("a drawing is smaller than the numbers that measure it")
}

/// Gives everything its place.
pub fn layout(drawing: &Drawing) -> Layout {
    let mut grid = Grid::of(drawing);
    grid.order();
    grid.spread();
    grid.drawn(drawing)
}

/// What stands in a row: the nodes by their index, then a bend for each row that a line passes.
struct Grid {
    /// The row of each item.
    rows: Vec<usize>,
    /// The middle of each item.
    middles: Vec<i64>,
    /// How many of the items are boxes.
    boxes: usize,
    /// The items of each row, from the left.
    members: Vec<Vec<usize>>,
    /// The items that each forward arrow runs through.
    chains: Vec<Vec<usize>>,
    /// The items above and below each item that are joined to it.
    joined: Vec<[Vec<usize>; 2]>,
}

impl Grid {
    fn of(drawing: &Drawing) -> Self {
        let mut rows = rows(drawing);
        let boxes = rows.len();
        let mut chains = Vec::with_capacity(drawing.arrows.len());
        for arrow in &drawing.arrows {
            let mut chain = vec![arrow.from];
            if !arrow.is_back {
                for row in rows[arrow.from] + 1..rows[arrow.to] {
                    chain.push(rows.len());
                    rows.push(row);
                }
            }
            chain.push(arrow.to);
            chains.push(chain);
        }
        let mut members = vec![Vec::new(); rows.iter().max().map_or(0, |row| row + 1)];
        for (item, row) in rows.iter().enumerate() {
            members[*row].push(item);
        }
        let mut joined = vec![[Vec::new(), Vec::new()]; rows.len()];
        for (chain, _) in chains.iter().zip(&drawing.arrows).filter(|(_, arrow)| !arrow.is_back) {
            for pair in chain.windows(2) {
                joined[pair[0]][1].push(pair[1]);
                joined[pair[1]][0].push(pair[0]);
            }
        }
        Self {
            middles: vec![0; rows.len()],
            rows,
            boxes,
            members,
            chains,
            joined,
        }
    }

    fn width(&self, item: usize) -> i64 {
        if item < self.boxes { BOX.0 } else { BEND }
    }

    /// Puts each row in the order of what its items are joined to, above and below by turns.
    fn order(&mut self) {
        let mut places = vec![0; self.rows.len()];
        for sweep in 0..SWEEPS {
            for row in &self.members {
                for (place, item) in row.iter().enumerate() {
                    places[*item] = length(place) * 1_000;
                }
            }
            let side = sweep % 2;
            for row in &mut self.members {
                let pull = |item: usize| mean(self.joined[item][side].iter().map(|other| places[*other]));
                row.sort_by_key(|item| pull(*item).unwrap_or(places[*item]));
                for (place, item) in row.iter().enumerate() {
                    places[*item] = length(place) * 1_000;
                }
            }
        }
    }

    /// Moves every item towards the middle of what it is joined to, as far as its neighbours let it.
    fn spread(&mut self) {
        for sweep in 0..=SWEEPS {
            let count = self.members.len();
            for at in 0..count {
                let row = &self.members[if sweep % 2 == 0 { at } else { count - 1 - at }];
                let wanted: Vec<i64> = row
                    .iter()
                    .map(|item| {
                        let others = self.joined[*item].iter().flatten().map(|other| self.middles[*other]);
                        mean(others).unwrap_or(self.middles[*item])
                    })
                    .collect();
                let apart = |one: usize, two: usize| i64::midpoint(self.width(row[one]), self.width(row[two])) + GAP;
                let mut left = wanted.clone();
                for at in 1..row.len() {
                    left[at] = left[at].max(left[at - 1] + apart(at - 1, at));
                }
                let mut right = wanted;
                for at in (1..row.len()).rev() {
                    right[at - 1] = right[at - 1].min(right[at] - apart(at - 1, at));
                }
                let places: Vec<(usize, i64)> = row
                    .iter()
                    .copied()
                    .zip(left.iter().zip(&right).map(|(l, r)| i64::midpoint(*l, *r)))
                    .collect();
                for (item, place) in places {
                    self.middles[item] = place;
                }
            }
        }
        let leftmost = (0..self.rows.len())
            .map(|item| self.middles[item] - self.width(item) / 2)
            .min();
        let shift = MARGIN - leftmost.unwrap_or(0);
        self.middles.iter_mut().for_each(|middle| *middle += shift);
    }

    /// Where the arrows at one side of each box begin or end, those that lead back at the right.
    fn ports(&self, drawing: &Drawing, side: usize) -> Vec<i64> {
        let mut ports = vec![0; drawing.arrows.len()];
        for node in 0..self.boxes {
            let mut here: Vec<usize> = (0..ports.len())
                .filter(|at| [drawing.arrows[*at].from, drawing.arrows[*at].to][side] == node)
                .collect();
            let next = |at: usize| {
                let chain = &self.chains[at];
                self.middles[if side == 0 { chain[1] } else { chain[chain.len() - 2] }]
            };
            here.sort_by_key(|at| (drawing.arrows[*at].is_back, next(*at)));
            for (place, at) in here.iter().enumerate() {
                let left = self.middles[node] - BOX.0 / 2;
                ports[*at] = left + BOX.0 * (length(place) + 1) / (length(here.len()) + 1);
            }
        }
        ports
    }

    fn drawn(&self, drawing: &Drawing) -> Layout {
        let (out, into) = (self.ports(drawing, 0), self.ports(drawing, 1));
        let row_of = |at: usize| (self.rows[drawing.arrows[at].from], self.rows[drawing.arrows[at].to]);
        let mut tops = Vec::with_capacity(self.members.len());
        // By row: where its labels end, counted from its lower edge, and the lines back beside it.
        let (mut labels, mut placed) = (Vec::new(), vec![None; out.len()]);
        let backs: Vec<usize> = (0..out.len()).filter(|at| drawing.arrows[*at].is_back).collect();
        let mut y = MARGIN;
        for row in 0..self.members.len() {
            y += LANE * length(backs.iter().filter(|at| row_of(**at).1 == row).count());
            tops.push(y);
            let mut here: Vec<usize> = (0..out.len()).filter(|at| row_of(*at).0 == row).collect();
            here.sort_by_key(|at| out[*at]);
            let height = place_labels(drawing, &here, &out, y + BOX.1, &mut placed);
            labels.push(y + BOX.1 + height);
            let leaving = backs.iter().filter(|at| row_of(**at).0 == row).count();
            y += BOX.1 + height + LANE * length(leaving) + CURVE;
        }
        let right = (0..self.rows.len())
            .map(|item| self.middles[item] + self.width(item) / 2)
            .max();
        let right = placed
            .iter()
            .flatten()
            .map(|label: &Label| label.x.end)
            .chain(right)
            .max()
            .unwrap_or(0);
        let lines = (0..out.len()).map(|at| {
            let (from, to) = row_of(at);
            let points = match backs.iter().position(|back| *back == at) {
                Some(lane) => {
                    let before = |row: usize, side: fn((usize, usize)) -> usize| {
                        length(backs[..lane].iter().filter(|back| side(row_of(**back)) == row).count())
                    };
                    let low = labels[from] + LANE * (1 + before(from, |rows| rows.0));
                    let high = tops[to] - LANE * (1 + before(to, |rows| rows.1));
                    let beside = right + LANE * (length(lane) + 1);
                    vec![
                        (out[at], tops[from] + BOX.1),
                        (out[at], low),
                        (beside, low),
                        (beside, high),
                        (into[at], high),
                        (into[at], tops[to]),
                    ]
                }
                None => self.points(at, (out[at], into[at]), &tops, &labels),
            };
            Line {
                points,
                label: placed[at].clone(),
            }
        });
        let corner = |node: usize| (self.middles[node] - BOX.0 / 2, tops[self.rows[node]]);
        Layout {
            corners: (0..self.boxes).map(corner).collect(),
            lines: lines.collect(),
            size: (right + LANE * length(backs.len()) + MARGIN, y - CURVE + MARGIN),
        }
    }

    /// Straight down past the labels of a row, bent to the next, and straight past that.
    fn points(&self, arrow: usize, (out, into): (i64, i64), tops: &[i64], labels: &[i64]) -> Vec<Point> {
        let chain = &self.chains[arrow];
        let mut points = Vec::with_capacity(2 * chain.len());
        for (at, item) in chain.iter().enumerate() {
            let row = self.rows[*item];
            let x = match at {
                0 => out,
                last if last + 1 == chain.len() => into,
                _ => self.middles[*item],
            };
            let top = if at == 0 { tops[row] + BOX.1 } else { tops[row] };
            points.push((x, top));
            if at + 1 < chain.len() {
                points.push((x, labels[row]));
            }
        }
        points
    }
}

/// Places the labels of the arrows that leave a row, each below the port of its line and none on
/// another; gives the height that they take.
fn place_labels(drawing: &Drawing, arrows: &[usize], ports: &[i64], top: i64, placed: &mut [Option<Label>]) -> i64 {
    let mut height = 8;
    for at in arrows {
        let Some(text) = &drawing.arrows[*at].label else {
            continue;
        };
        let label = Label::of(text);
        let others: Vec<Label> = arrows.iter().filter_map(|other| placed[*other].clone()).collect();
        let mut y = top + 8;
        while others.iter().any(|other| other.overlaps(&label.at(ports[*at], y))) {
            y += LABEL_LINE / 2;
        }
        let label = label.at(ports[*at], y);
        height = height.max(label.y.end - top + 6);
        placed[*at] = Some(label);
    }
    height
}

fn mean(values: impl Iterator<Item = i64>) -> Option<i64> {
    let (sum, count) = values.fold((0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count)
}

/// The longest way to every node along forward arrows. Arrows run forward in the order of the
/// nodes but for those between steps that `after` reorders, so this repeats until it settles.
fn rows(drawing: &Drawing) -> Vec<usize> {
    let mut rows = vec![0; drawing.nodes.len()];
    for _ in 0..drawing.nodes.len() {
        let before = rows.clone();
        for arrow in drawing.arrows.iter().filter(|arrow| !arrow.is_back) {
            rows[arrow.to] = rows[arrow.to].max(rows[arrow.from] + 1);
        }
        if rows == before {
            break;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::tests::{crowded, example};
    use super::{BOX, Drawing, Layout, layout};

    fn both() -> [(Drawing, Layout); 2] {
        [example(), crowded()].map(|drawing| {
            let layout = layout(&drawing);
            (drawing, layout)
        })
    }

    #[test]
    fn every_forward_arrow_leads_down() {
        for (drawing, layout) in both() {
            for arrow in drawing.arrows.iter().filter(|arrow| !arrow.is_back) {
                assert!(layout.corners[arrow.from].1 < layout.corners[arrow.to].1, "{arrow:?}");
            }
        }
    }

    #[test]
    fn no_two_boxes_and_no_two_labels_lie_on_each_other() {
        for (_, layout) in both() {
            for (at, one) in layout.corners.iter().enumerate() {
                for two in &layout.corners[at + 1..] {
                    assert!(
                        (one.0 - two.0).abs() >= BOX.0 || (one.1 - two.1).abs() >= BOX.1,
                        "{one:?} {two:?}"
                    );
                }
            }
            let labels: Vec<_> = layout.lines.iter().filter_map(|line| line.label.as_ref()).collect();
            for (at, one) in labels.iter().enumerate() {
                assert!(labels[at + 1..].iter().all(|two| !one.overlaps(two)), "{one:?}");
                let on_box = |corner: &(i64, i64)| {
                    one.x.start < corner.0 + BOX.0
                        && corner.0 < one.x.end
                        && one.y.start < corner.1 + BOX.1
                        && corner.1 < one.y.end
                };
                assert!(!layout.corners.iter().any(on_box), "{one:?}");
            }
        }
    }

    #[test]
    fn no_line_runs_through_a_box() {
        for (_, layout) in both() {
            for line in &layout.lines {
                for pair in line.points.windows(2) {
                    let (left, right) = (pair[0].0.min(pair[1].0), pair[0].0.max(pair[1].0));
                    let (top, low) = (pair[0].1.min(pair[1].1), pair[0].1.max(pair[1].1));
                    let through = |corner: &(i64, i64)| {
                        left < corner.0 + BOX.0
                            && corner.0 < right.max(left + 1)
                            && top < corner.1 + BOX.1
                            && corner.1 < low
                    };
                    assert!(!layout.corners.iter().any(through), "{pair:?} in {layout:?}");
                }
                for (x, y) in &line.points {
                    assert!(
                        (0..=layout.size.0).contains(x) && (0..=layout.size.1).contains(y),
                        "{x} {y}"
                    );
                }
            }
        }
    }
}
