//! `gatefold explain`: the page of a finding's code.

use super::exit::{Failure, Outcome};
use super::output;
use crate::base::diagnostic::nearest;
use crate::lint::{CODES, Page, explain};
use clap::Args;

/// Explain a finding.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gatefold explain GF304\n  gatefold explain outcome-goes-nowhere")]
pub struct ExplainArgs {
    /// The code or its name; without one, all of them are listed
    code: Option<String>,
    /// Print as data
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Outcome {
    let Some(word) = &args.code else {
        return list(args.json);
    };
    let Some(Page { code, text }) = explain(word) else {
        let words = CODES.iter().flat_map(|page| [page.code.id, page.code.name]);
        let upper = word.to_uppercase();
        let hint = nearest(word, words.clone()).or_else(|| nearest(&upper, words));
        let hint = hint.map_or_else(
            || "`gatefold explain` lists all".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(Failure::Usage(format!("there is no finding {word:?}: {hint}")));
    };
    if args.json {
        return output::json(&serde_json::json!({ "code": code.id, "name": code.name, "page": text }));
    }
    output::data(text)
}

fn list(as_json: bool) -> Outcome {
    if as_json {
        let codes: Vec<_> = CODES
            .iter()
            .map(|page| serde_json::json!({ "code": page.code.id, "name": page.code.name, "summary": page.summary() }))
            .collect();
        return output::json(&codes);
    }
    let rows: Vec<Vec<String>> = CODES
        .iter()
        .map(|page| {
            vec![
                page.code.id.to_owned(),
                page.code.name.to_owned(),
                page.summary().to_owned(),
            ]
        })
        .collect();
    output::line(&output::table(&["code", "name", "finds"], &rows))
}
