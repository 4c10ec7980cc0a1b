//! Findings as they are made, and how many of them are told.

use super::{Diagnostic, Span, codes};
use std::ops::Deref;

/// Most findings that are told of one file.
pub const MAX_FINDINGS: usize = 1_000;

/// Findings in the order in which they are made: the first [`MAX_FINDINGS`] are kept, the others
/// counted.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    kept: Vec<Diagnostic>,
    untold: usize,
}

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Diagnostic) {
        self.push_with(|| finding);
    }

    /// Adds one that is not even made where there is no room for it.
    pub fn push_with(&mut self, make: impl FnOnce() -> Diagnostic) {
        if self.is_full() {
            self.untold += 1;
        } else {
            self.kept.push(make());
        }
    }

    /// Counts so many that nobody made.
    pub const fn leave_out(&mut self, count: usize) {
        self.untold += count;
    }

    /// Whether what is added from here on is only counted.
    pub fn is_full(&self) -> bool {
        self.kept.len() >= MAX_FINDINGS
    }

    /// How many there are, those that are not kept included.
    pub fn total(&self) -> usize {
        self.kept.len() + self.untold
    }

    /// Adds all of another list, whatever the room: it has its own bound.
    pub fn append(&mut self, other: Self) {
        self.kept.extend(other.kept);
        self.untold += other.untold;
    }

    /// Sorts into reading order and drops exact repeats.
    pub fn sort(&mut self) {
        let kept = &mut self.kept;
        kept.sort_by(|a, b| (a.primary, a.code, &a.message).cmp(&(b.primary, b.code, &b.message)));
        kept.dedup();
    }

    /// The findings to change in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Diagnostic> {
        self.kept.iter_mut()
    }

    /// What is told of a text of `length` bytes: at most [`MAX_FINDINGS`] in reading order, and at
    /// its end how many more there are.
    pub fn told(mut self, length: usize) -> Vec<Diagnostic> {
        self.sort();
        let untold = self.untold + self.kept.len().saturating_sub(MAX_FINDINGS);
        self.kept.truncate(MAX_FINDINGS);
        if untold > 0 {
            let message = match untold {
                1 => "there is 1 finding more than are told of one file".to_owned(),
                more => format!("there are {more} findings more than are told of one file"),
            };
            self.kept.push(
                Diagnostic::error(codes::TOO_LARGE_OR_DEEP, message, Span::new(length, length)).with_help(format!(
                    "mend the {MAX_FINDINGS} that are told, many of which may have one cause, and check again"
                )),
            );
        }
        self.kept
    }
}

impl Deref for Findings {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.kept
    }
}

/// As many as there are.
impl From<Vec<Diagnostic>> for Findings {
    fn from(kept: Vec<Diagnostic>) -> Self {
        Self { kept, untold: 0 }
    }
}

/// What is kept.
impl From<Findings> for Vec<Diagnostic> {
    fn from(findings: Findings) -> Self {
        findings.kept
    }
}

impl Extend<Diagnostic> for Findings {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

impl<const N: usize> PartialEq<[Diagnostic; N]> for Findings {
    fn eq(&self, other: &[Diagnostic; N]) -> bool {
        self.kept == other && self.untold == 0
    }
}

impl IntoIterator for Findings {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diagnostic::has_errors;

    fn findings(count: usize) -> Findings {
        let mut findings = Findings::default();
        findings.extend((0..count).map(|at| Diagnostic::warning(codes::AMBIGUOUS_SCALAR, "x", Span::new(at, at))));
        findings
    }

    #[test]
    fn so_many_are_told_and_the_rest_counted() {
        assert_eq!(findings(MAX_FINDINGS).told(9_999).len(), MAX_FINDINGS);
        let told = findings(MAX_FINDINGS + 1).told(9_999);
        assert_eq!(told.len(), MAX_FINDINGS + 1);
        let last = told.last().expect("there are some");
        assert_eq!(last.message, "there is 1 finding more than are told of one file");
        assert_eq!(last.primary, Span::new(9_999, 9_999));
        // What nobody looked at may be an error.
        assert!(has_errors(&told));
    }

    #[test]
    fn what_is_over_of_several_lists_is_counted_once() {
        let mut all = findings(MAX_FINDINGS + 7);
        let mut more = Findings::default();
        more.extend((0..5).map(|at| Diagnostic::error(codes::YAML_SYNTAX, "y", Span::new(at, at))));
        all.append(more);
        assert!(all.is_full());
        all.push_with(|| unreachable!("there is no room"));
        assert_eq!(all.total(), MAX_FINDINGS + 13);
        let told = all.told(1);
        assert_eq!(told.len(), MAX_FINDINGS + 1);
        let first: Vec<_> = told[..3].iter().map(|finding| finding.code.id).collect();
        assert_eq!(first, ["GF001", "GF004", "GF001"], "in reading order");
        assert!(
            told[MAX_FINDINGS].message.contains("13 findings more"),
            "{:?}",
            told[MAX_FINDINGS]
        );
    }
}
