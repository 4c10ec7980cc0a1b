//! How long a verdict takes: 1,000 generated flows of 30 steps, one after the other on one core.
//!
//! `cargo bench --bench lint`; with `-- --smoke` a few flows only, to see that it runs.

#![allow(clippy::print_stdout, reason = "the numbers are the result")]

#[path = "common/allocator.rs"]
mod allocator;

use gatefold::base::{Calendar, Calendars};
use gatefold::lint::{Surroundings, check};
use gatefold::spec::Catalog;
use std::fmt::Write;
use std::time::{Duration, Instant};

const FLOWS: usize = 1_000;
const SMOKE_FLOWS: usize = 20;
/// Six steps each.
const ROUNDS_PER_FLOW: usize = 5;
const TARGET: Duration = Duration::from_secs(1);

/// A flow of thirty steps: shares, rights, waits, decisions, branches, mails.
fn flow(number: usize) -> String {
    let mut text = format!(
        "flow: review-{number}\nversion: 1.0.0\ntitle: Review {number}\ncalendar: corporate\n\
         inputs:\n  document: {{ type: file }}\n  reviewer: {{ type: email }}\n  amount: {{ type: number, default: {number} }}\nsteps:\n"
    );
    for round in 0..ROUNDS_PER_FLOW {
        write!(
            text,
            r#"  - id: room_{round}
    title: Share the document, round {round}
    uses: file360.create_share
    with: {{ name: "Review of ${{{{ inputs.document.name }}}}", files: ["${{{{ inputs.document }}}}"], expires_in: 30 days }}
  - id: access_{round}
    uses: file360.set_permissions
    with: {{ share: "${{{{ steps.room_{round}.share }}}}", to: "${{{{ inputs.reviewer }}}}", role: contribute }}
  - id: reply_{round}
    title: Wait for a new version
    wait:
      any:
        new_version: {{ event: file360.file_uploaded, on: "${{{{ steps.room_{round}.share }}}}", where: event.file.name.endswith('.pdf') }}
        remark: {{ event: file360.comment_added, on: "${{{{ steps.room_{round}.share }}}}" }}
    deadline: {{ due: 10 business days, remind: [3 business days before, 1 business day before] }}
    outcomes: {{ expired: {{ end: expired }} }}
  - id: sign_{round}
    title: Sign-off {round}
    approve:
      document: ${{{{ steps.reply_{round}.file or inputs.document }}}}
      by: [role:legal, user:anna]
      rule: majority
      reason: [changes_requested, rejected]
    deadline: {{ due: 5 business days }}
    outcomes:
      changes_requested: {{ back_to: room_{round}, max_rounds: 3, then: {{ end: rejected }} }}
      rejected: {{ end: rejected }}
      expired: {{ end: expired }}
  - id: size_{round}
    choose:
      - {{ when: inputs.amount > 1000 and steps.sign_{round}.document.size > 0, outcome: large }}
      - {{ otherwise: small }}
  - id: tell_{round}
    uses: mail.send
    with: {{ to: role:legal, subject: "${{{{ steps.sign_{round}.document.name }}}}", text: "Size: ${{{{ steps.size_{round}.outcome }}}}" }}
"#
        )
        .expect("a string takes it");
    }
    text
}

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--smoke");
    let flows: Vec<String> = (0..if smoke { SMOKE_FLOWS } else { FLOWS }).map(flow).collect();
    let calendar = Calendar {
        zone: "Europe/Madrid".into(),
        hours: vec!["09:00-17:00".into()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: Vec::new(),
    };
    let calendars = Calendars::from([("corporate".to_owned(), calendar)]);
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    let first = check("warm-up.flow.yaml", &flows[0], surroundings);
    assert!(
        first.findings.is_empty(),
        "the generated flows are good ones: {:?}",
        first.findings
    );
    let began = Instant::now();
    let findings: usize = flows
        .iter()
        .map(|text| check("a.flow.yaml", text, surroundings).findings.len())
        .sum();
    let took = began.elapsed();
    assert_eq!(findings, 0);
    let bytes: usize = flows.iter().map(String::len).sum();
    println!(
        "lint: {} flows of {} steps, {} kB: {:.3} s, {:.0} µs a flow (aim: {FLOWS} flows in {} s)",
        flows.len(),
        6 * ROUNDS_PER_FLOW,
        bytes / 1_000,
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / f64::from(u32::try_from(flows.len()).expect("few flows")),
        TARGET.as_secs(),
    );
    assert!(smoke || took < TARGET, "a verdict takes too long");
}
