//! Asks what happens next: what is waited for and what may happen goes to stderr, the answer is a line of
//! standard input.

use super::super::{inputs, output};
use crate::base::moment::in_words;
use crate::base::{Period, Timestamp, Value, calendar};
use crate::rehearsal::simulation::player::{Blank, Choice, Player, Scene};
use jiff::SignedDuration;
use std::io::BufRead;

/// Somebody at a terminal.
#[derive(Debug, Default)]
pub struct Prompt {
    /// Whether nothing more can be read.
    is_over: bool,
}

impl Prompt {
    /// The next line; nothing where there is no more.
    fn read(&mut self, question: &str) -> Option<String> {
        output::ask(question);
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        self.is_over |= !read.is_ok_and(|bytes| bytes > 0);
        (!self.is_over).then(|| line.trim().to_owned())
    }
}

impl Player for Prompt {
    fn choose(&mut self, scene: &Scene<'_>) -> Choice {
        show(scene);
        while !self.is_over {
            let Some(line) = self.read("> ") else { break };
            match meant(&line, scene) {
                Ok(choice) => return choice,
                Err(why) => output::say(&why),
            }
        }
        output::say("Nothing more is said.");
        Choice::Quit
    }

    fn fill(&mut self, blank: &Blank) -> Option<Value> {
        let hint = if blank.hint.is_empty() {
            String::new()
        } else {
            format!(" ({})", blank.hint)
        };
        let made_up = blank.made_up.as_ref().filter(|_| blank.is_needed);
        let shown = made_up.map_or("nothing".to_owned(), |value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let line = self
            .read(&format!("{}{hint} [{shown}]: ", blank.name))
            .unwrap_or_default();
        if line.is_empty() {
            return made_up.cloned();
        }
        Some(match &blank.spec {
            Some(spec) => inputs::read(&line, Some(spec)),
            None => serde_json::from_str(&line).unwrap_or(Value::String(line)),
        })
    }

    fn refused(&mut self, why: &str) {
        output::say(&format!("That is refused: {why}."));
    }
}

/// Shows what is waited for and what may happen.
fn show(scene: &Scene<'_>) {
    output::say(&format!("\n{}", in_words(scene.now, scene.zone)));
    for sentence in scene.waits {
        output::say(&format!("  {sentence}"));
    }
    let width = scene.moves.len().to_string().len().max(4);
    for (index, one) in scene.moves.iter().enumerate() {
        output::say(&format!("  {:>width$}  {}", index + 1, one.label));
    }
    if let Some(next) = scene.next {
        output::say(&format!(
            "  {:>width$}  {}, {}",
            "time",
            next.what,
            in_words(next.at, scene.zone)
        ));
    }
    output::say(&format!("  {:>width$}  a while passes, as +2 days", "+"));
    output::say(&format!("  {:>width$}  that is enough", "quit"));
}

/// What a line means; or why it means nothing.
fn meant(line: &str, scene: &Scene<'_>) -> Result<Choice, String> {
    let chosen = |index: usize| Choice::Do {
        index,
        after: SignedDuration::ZERO,
    };
    if let Some(length) = line.strip_prefix('+') {
        return later(length, scene.now).map(Choice::PassTo);
    }
    if let Ok(number) = line.parse::<usize>() {
        let index = number.checked_sub(1).filter(|index| *index < scene.moves.len());
        return index
            .map(chosen)
            .ok_or_else(|| format!("There is no {number} in the list."));
    }
    match line {
        "" => return Err("Type a number of the list, or words of one of its lines.".to_owned()),
        "quit" => return Ok(Choice::Quit),
        "time" if scene.next.is_some() => return Ok(Choice::Pass),
        "time" => return Err("Nothing is due. Let a while pass with +2 days.".to_owned()),
        _ => {}
    }
    let has_all = |label: &str| line.split_whitespace().all(|word| label.contains(word));
    let fitting: Vec<usize> = (0..scene.moves.len())
        .filter(|at| has_all(&scene.moves[*at].label))
        .collect();
    match fitting.as_slice() {
        [one] => Ok(chosen(*one)),
        [] => Err(format!(
            "Nothing in the list has {line:?} in it: type a number, or words of one of its lines."
        )),
        several => {
            let numbers: Vec<String> = several.iter().map(|at| (at + 1).to_string()).collect();
            Err(format!("That may be {}: type the number.", numbers.join(" or ")))
        }
    }
}

fn later(length: &str, now: Timestamp) -> Result<Timestamp, String> {
    let period = Period::parse(length).map_err(|error| error.to_string())?;
    calendar::after(now, &period, None).map_err(|error| error.to_string())
}
