//! What a flow may hold: each limit at it and one past it. Those of single values stand in the modules
//! that own them, those of a run in `engine/limits.rs`.

use gatefold::base::Document;
use gatefold::base::diagnostic::has_errors;
use gatefold::spec::limits::{
    MAX_EACH_DEPTH, MAX_ELEMENTS, MAX_FIELDS, MAX_ITEM_FILES, MAX_ITEMS, MAX_NAME, MAX_PARALLEL, MAX_VALUES,
};
use gatefold::spec::read_flow;
use gatefold::spec::shape::MAX_AFTER;

/// Whether the flow with these entries and steps can be read without errors.
fn fits(entries: &str, steps: &str) -> bool {
    let text = format!("flow: a\nversion: 1.0.0\n{entries}\nsteps: [{steps}]\n");
    let (document, syntax) = Document::parse("a.flow.yaml", &text);
    let (flow, findings) = read_flow(&document);
    assert!(!has_errors(&syntax), "{text}");
    flow.is_some() && !has_errors(&findings)
}

fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn at_and_past(limit: usize, fits: impl Fn(usize) -> bool) {
    assert!(fits(limit), "{limit} is too many already");
    assert!(!fits(limit + 1), "{limit} are not the most");
}

const STEP: &str = "{ id: s, uses: a.b }";

#[test]
fn a_flow_has_so_many_settings_and_values() {
    for key in ["settings", "values"] {
        at_and_past(MAX_VALUES, |count| {
            let all = many(count, |at| format!("v{at}: {{ type: text }}"));
            fits(&format!("{key}: {{ {all} }}"), STEP)
        });
    }
}

#[test]
fn a_step_gives_so_many_values() {
    at_and_past(MAX_VALUES, |count| {
        let all = many(count, |at| format!("v{at}: 1"));
        fits("", &format!("{{ id: s, set: {{ {all} }} }}"))
    });
}

#[test]
fn a_form_has_so_many_fields() {
    at_and_past(MAX_FIELDS, |count| {
        let all = many(count, |at| format!("f{at}: {{ type: text }}"));
        fits(
            "",
            &format!("{{ id: s, task: {{ to: [role:a], form: {{ {all} }} }}, deadline: {{ due: 1 day }} }}"),
        )
    });
}

#[test]
fn an_each_has_so_many_elements_at_once_and_inside_each_other() {
    let each = |list: &str, parallel: usize, steps: &str| {
        format!("{{ id: s, each: {{ in: {list}, parallel: {parallel}, steps: [{steps}] }} }}")
    };
    let inner = "{ id: t, uses: a.b }";
    at_and_past(MAX_ELEMENTS, |count| {
        fits("", &each(&format!("[{}]", many(count, |at| at.to_string())), 1, inner))
    });
    at_and_past(MAX_PARALLEL as usize, |parallel| {
        fits("", &each("[1]", parallel, inner))
    });
    at_and_past(MAX_EACH_DEPTH, |depth| {
        let nest = |steps: String, at| format!("{{ id: e{at}, each: {{ in: [1], steps: [{steps}] }} }}");
        fits("", &(0..depth).fold(inner.to_owned(), nest))
    });
}

#[test]
fn a_checklist_has_so_many_items_of_so_many_files() {
    let collect = |items: &str| {
        let step =
            format!("{{ id: s, collect: {{ from: role:a, items: {{ {items} }} }}, deadline: {{ due: 1 day }} }}");
        fits("", &step)
    };
    at_and_past(MAX_ITEMS, |count| {
        collect(&many(count, |at| format!("i{at}: {{ title: One }}")))
    });
    at_and_past(MAX_ITEM_FILES as usize, |max| {
        collect(&format!("i: {{ title: One, max: {max} }}"))
    });
}

#[test]
fn so_many_steps_are_withdrawn_or_completed_by_one() {
    for verb in ["cancel", "complete"] {
        at_and_past(MAX_AFTER, |count| {
            let steps = many(count, |at| {
                format!("{{ id: s{at}, each: {{ in: [1], steps: [{{ id: t{at}, uses: a.b }}] }} }}")
            });
            let ids = many(count, |at| format!("s{at}"));
            fits("", &format!("{steps}, {{ id: x, {verb}: [{ids}] }}"))
        });
    }
}

#[test]
fn the_name_of_a_lock_is_so_long() {
    at_and_past(MAX_NAME, |length| {
        let name = "n".repeat(length);
        fits("", &format!("{{ id: s, uses: a.b, lock: {name} }}"))
            && fits(
                "",
                &format!("{{ id: s, uses: a.b, lock: {{ name: {name}, until: t }} }}, {{ id: t, uses: a.b }}"),
            )
    });
}
