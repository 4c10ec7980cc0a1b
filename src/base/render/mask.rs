//! Secrets taken out of what is printed: of the text, and of every sentence that quotes it.

use super::FileFindings;
use crate::base::{Diagnostic, Span};
use std::borrow::Cow;

/// What stands in a sentence in the place of a secret.
const HIDDEN: &str = "***";
/// Shortest quotation of a secret that is taken out of a sentence, in bytes: what is shorter is
/// part of too many words.
const SHORTEST: usize = 4;

/// The same findings on a text of the same length, in which nothing is left of what findings call
/// a secret but its line breaks. Every position stays true.
pub(super) fn masked(file: &FileFindings) -> Cow<'_, FileFindings> {
    let places: Vec<Span> = file
        .findings
        .iter()
        .filter(|finding| finding.secret)
        .map(|finding| super::Lines::of(&file.text).fit(finding.primary))
        .collect();
    if places.is_empty() {
        return Cow::Borrowed(file);
    }
    let mut text = String::with_capacity(file.text.len());
    for (at, letter) in file.text.char_indices() {
        let hidden = places.iter().any(|place| place.start <= at && at < place.end);
        text.push(if hidden { mask(letter) } else { letter });
    }
    let secrets = secrets(file, &places);
    let mut findings = file.findings.clone();
    for finding in &mut findings {
        clean(finding, &secrets);
    }
    Cow::Owned(FileFindings {
        name: file.name.clone(),
        text: text.into(),
        findings,
    })
}

/// A letter that takes as many bytes, characters and UTF-16 units.
fn mask(letter: char) -> char {
    match (letter, letter.len_utf8()) {
        ('\n' | '\r', _) => letter,
        (_, 1) => '*',
        (_, 2) => '·',
        (_, 3) => '•',
        _ => '𝟎',
    }
}

/// The secrets as sentences may quote them: whole, without quotes, and line by line.
fn secrets<'f>(file: &'f FileFindings, places: &[Span]) -> Vec<&'f str> {
    let whole = places.iter().filter_map(|place| file.text.get(place.start..place.end));
    let mut secrets: Vec<&str> = whole
        .flat_map(|raw| {
            let bare = raw.trim().trim_matches(['"', '\'']);
            [raw, bare].into_iter().chain(bare.lines().map(str::trim))
        })
        .filter(|secret| secret.len() >= SHORTEST)
        .collect();
    // The longest first, so that none leaves a part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    secrets
}

fn clean(finding: &mut Diagnostic, secrets: &[&str]) {
    let texts = [&mut finding.message]
        .into_iter()
        .chain(finding.label.as_mut())
        .chain(finding.help.as_mut())
        .chain(finding.related.iter_mut().map(|label| &mut label.text))
        .chain(finding.fix.as_mut().map(|fix| &mut fix.replacement));
    for text in texts {
        for secret in secrets {
            if text.contains(secret) {
                *text = text.replace(secret, HIDDEN);
            }
        }
    }
}
