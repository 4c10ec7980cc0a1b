//! Where boxes stand: a row below every row that leads to it, ordered by where its arrows come from.

use super::Drawing;

/// Row and place within the row of every node, both from 0.
pub fn places(drawing: &Drawing) -> Vec<(usize, usize)> {
    let rows = rows(drawing);
    let row_count = rows.iter().max().map_or(0, |row| row + 1);
    let mut places = vec![(0, 0); rows.len()];
    for row in 0..row_count {
        let mut members: Vec<usize> = (0..rows.len()).filter(|node| rows[*node] == row).collect();
        members.sort_by_key(|node| (pull(drawing, &places, *node), *node));
        for (place, node) in members.into_iter().enumerate() {
            places[node] = (row, place);
        }
    }
    places
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

/// The mean place of what leads to a node, in thousandths.
fn pull(drawing: &Drawing, places: &[(usize, usize)], node: usize) -> usize {
    let sources: Vec<usize> = drawing
        .arrows
        .iter()
        .filter(|arrow| arrow.to == node && !arrow.is_back)
        .map(|arrow| places[arrow.from].1)
        .collect();
    sources.iter().sum::<usize>() * 1000 / sources.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::places;

    #[test]
    fn every_forward_arrow_leads_down() {
        let drawing = example();
        let places = places(&drawing);
        for arrow in drawing.arrows.iter().filter(|arrow| !arrow.is_back) {
            assert!(places[arrow.from].0 < places[arrow.to].0, "{arrow:?}");
        }
    }

    #[test]
    fn no_two_nodes_share_a_place() {
        let mut places = places(&example());
        places.sort_unstable();
        let count = places.len();
        places.dedup();
        assert_eq!(places.len(), count);
    }
}
