//! What the language page promises of expressions.

use super::check::ExprFindingKind::{Mismatch, UnknownField, UnknownFunction, UnknownRoot};
use super::eval::{MAX_RESULT_BYTES, MAX_RESULT_DEPTH};
use super::parse::MAX_SLICE_STEP;
use super::syntax::{MAX_NESTING, MAX_SOURCE_BYTES, MAX_TOKENS};
use super::template::MAX_EXPRESSIONS;
use super::*;
use crate::base::{Semantics, Span, Value};
use proptest::prelude::*;
use serde_json::json;
use std::sync::{Arc, Mutex};

fn scope() -> Value {
    json!({
        "inputs": {
            "n": 3, "price": 2.5, "name": "Contract.PDF", "empty": "", "none": null, "yes": true, "no": false,
            "list": [3, 1, 2], "people": [{"name": "Anna"}, {"name": "Bo"}], "trick": "${{ inputs.n }}",
            "document": {"name": "a.pdf", "size": 10},
        },
        "steps": {
            "room": {"share": "shr_1", "outcome": "done"},
            "reply": {"comment": "ok", "outcome": "comment", "rounds": [{"file": {"name": "old"}}]},
        },
    })
}

/// Data that is shared, as a run hands it on.
struct Shared(Arc<Value>);

impl Scope for Shared {
    fn get(&self, path: &[&str]) -> Option<Found> {
        Found::within(&self.0, path)
    }

    fn semantics(&self) -> Semantics {
        Semantics::CURRENT
    }
}

/// What it gives, which is the same whether its values are copies or shared.
fn eval(source: &str) -> Result<Value, EvalError> {
    let expression = Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let copied = expression.eval(&scope());
    assert_eq!(expression.eval(&Shared(Arc::new(scope()))), copied, "{source}");
    copied
}

#[track_caller]
fn gives(source: &str, expected: Value) {
    assert_eq!(eval(source), Ok(expected), "{source}");
}

#[track_caller]
fn fails(source: &str, with: &str) {
    let error = eval(source).expect_err(source).message;
    assert!(error.contains(with), "{source}: {error}");
}

#[track_caller]
fn refused(source: &str, with: &str) -> crate::base::Span {
    let error = Expression::parse(source).expect_err(source);
    assert!(error.message.contains(with), "{source}: {}", error.message);
    error.span
}

#[test]
fn values_keep_their_type() {
    gives("inputs.n", json!(3));
    gives("inputs.n + 1", json!(4));
    gives("inputs.price * 2", json!(5.0));
    gives("7 // 2", json!(3));
    gives("[1, 'a', true, none, inputs.n]", json!([1, "a", true, null, 3]));
    gives("{'b': 1, 'a': {'c': inputs.n}}", json!({"b": 1, "a": {"c": 3}}));
    gives("(inputs.n, 'x')", json!([3, "x"]));
    gives("inputs.document", json!({"name": "a.pdf", "size": 10}));
    gives("inputs['document']['name']", json!("a.pdf"));
    gives("(inputs.document).name ~ (inputs).n", json!("a.pdf3"));
    gives("inputs.people[0].name", json!("Anna"));
    gives("inputs.people[-1].name", json!("Bo"));
    gives("inputs.people[inputs.n - 2].name", json!("Bo"));
    gives("inputs.name[0:8]", json!("Contract"));
    gives("'big' if inputs.n > 2 else 'small'", json!("big"));
    gives("not inputs.yes or inputs.n in [1, 2, 3]", json!(true));
    gives("1 < inputs.n <= 3 and 'a' not in inputs.document", json!(true));
}

#[test]
fn objects_keep_their_order() {
    let value = eval("{'z': 1, 'a': inputs.document, 'm': 2}").unwrap();
    assert_eq!(value.to_string(), r#"{"z":1,"a":{"name":"a.pdf","size":10},"m":2}"#);
}

#[test]
fn methods_and_filters_of_the_language() {
    gives("inputs.name.lower().endswith('.pdf')", json!(true));
    gives("inputs.name.startswith('Con')", json!(true));
    gives("' a b '.strip().split(' ')", json!(["a", "b"]));
    gives("'a  b'.split()", json!(["a", "b"]));
    gives("'x'.upper().replace('X', 'Y')", json!("Y"));
    gives("inputs.name.removesuffix('.PDF').removeprefix('Con')", json!("tract"));
    gives("inputs.list | sort | join(', ')", json!("1, 2, 3"));
    gives(
        "inputs.list | max + (inputs.list | sum) + (inputs.list | length)",
        json!(12),
    );
    gives("inputs.list | first", json!(3));
    gives(
        "inputs.people | map(attribute='name') | join(' and ')",
        json!("Anna and Bo"),
    );
    gives("[2, 1, 2] | unique | reverse", json!([1, 2]));
    gives("'12' | int + ('1.5' | float)", json!(13.5));
    gives("2.567 | round(2)", json!(2.57));
    gives(
        "inputs.n is number and inputs.name is string and inputs.none is none",
        json!(true),
    );
    for filter in super::functions::FILTERS {
        let known = Expression::parse(&format!("1 | {filter}")).is_ok() || filter == "map";
        assert!(known, "{filter}");
    }
}

#[test]
fn nothing_else_can_be_called() {
    for source in [
        "range(3)",
        "debug()",
        "dict(a=1)",
        "namespace()",
        "now()",
        "inputs.name | pprint",
        "inputs.name | tojson",
        "inputs.name | format",
        "inputs.name | attr('x')",
        "inputs.list | select('odd')",
        "inputs.n is odd",
        "inputs.name.format(1)",
        "inputs.document.items()",
    ] {
        fails(source, "there is no ");
    }
    refused("inputs.people | map('upper')", "`map` takes one name");
    refused("inputs.people | map(attribute=inputs.name)", "`map` takes one name");
    refused("inputs.list[0](1)", "");
    refused("'a'.split(*inputs.list)", "cannot stand before an argument");
}

#[test]
fn a_missing_value_is_an_error_wherever_it_is_used() {
    for source in [
        "steps.reply.file",
        "steps.gone.file.name",
        "[steps.reply.file]",
        "{'a': [1, steps.reply.file]}",
        "steps.reply.file == 1",
        "not steps.reply.file",
        "'a' if steps.reply.file else 'b'",
        "steps.reply.file and true",
        "inputs.n or steps.reply.file and true if steps.reply.file else 1",
        "'x' ~ steps.reply.file",
        "(steps.reply.file | lower) or 'x'",
        "steps.reply.file > 1 or true",
        "steps.gone is defined or steps.reply.file",
        "steps.reply.file or steps.gone.file",
        "inputs.people | map(attribute='age')",
        "inputs.people[7]",
        "inputs.list[inputs.n]",
    ] {
        let error = eval(source).expect_err(source).message;
        assert!(error.contains("has no value"), "{source}: {error}");
    }
    fails("steps.reply.file", "`steps.reply.file` has no value");
    fails(
        "1 + steps.reply.file",
        "`steps.reply.file` has no value in `1 + steps.reply.file`",
    );
}

#[test]
fn a_guard_falls_back_where_a_value_is_missing_empty_or_false() {
    gives("steps.reply.file or inputs.document.name", json!("a.pdf"));
    gives("steps.gone.file.name or inputs.n", json!(3));
    gives("steps.gone.file or steps.gone.other or 'x'", json!("x"));
    gives("inputs.empty or 'x'", json!("x"));
    gives("inputs.no or inputs.none or 'x'", json!("x"));
    gives("steps.gone.a.b | default('x')", json!("x"));
    gives("inputs.empty | default('x')", json!(""));
    gives("inputs.empty | default('x', true)", json!("x"));
    gives("(steps.gone.n and steps.gone.m) or 2", json!(2));
    gives("(steps.gone.n if inputs.yes else 1) or 2", json!(2));
    gives("steps.gone.n is defined and steps.gone.n > 3", json!(false));
    gives("steps.gone.n is not defined or steps.gone.n > 3", json!(true));
    gives("steps.gone.n if steps.gone.n is defined else 9", json!(9));
    gives("steps.reply.rounds[0].file.name or 'x'", json!("old"));
    gives("steps.reply.rounds[7].file.name or 'x'", json!("x"));
}

#[test]
fn references_are_found_with_place_and_guard() {
    let of = |source: &str| {
        let expression = Expression::parse(source).unwrap();
        let references = expression.references.iter();
        references
            .map(|reference| {
                let written = source[reference.span.start..reference.span.end].to_owned();
                (reference.path.join("."), written, reference.guarded)
            })
            .collect::<Vec<_>>()
    };
    let is = |path: &str, written: &str, guarded| (path.to_owned(), written.to_owned(), guarded);
    assert_eq!(
        of("steps.a['b'].c[0] or (inputs . x).y"),
        [
            is("steps.a.b.c.0", "steps.a['b'].c[0]", true),
            is("inputs.x.y", "(inputs . x).y", false)
        ]
    );
    assert_eq!(
        of("event.file.name.endswith(inputs.end) and not run.id"),
        [
            is("event.file.name", "event.file.name", false),
            is("inputs.end", "inputs.end", false),
            is("run.id", "run.id", false)
        ]
    );
    assert_eq!(
        of("steps.a.x is defined and steps.a.x > 1 and steps.a.y"),
        [
            is("steps.a.x", "steps.a.x", true),
            is("steps.a.x", "steps.a.x", true),
            is("steps.a.y", "steps.a.y", false)
        ]
    );
    assert_eq!(
        of("steps.a.x if not (steps.a.x is undefined) else steps.a.x | default(1)"),
        [
            is("steps.a.x", "steps.a.x", true),
            is("steps.a.x", "steps.a.x", true),
            is("steps.a.x", "steps.a.x", true)
        ]
        .map(|reference| reference)
    );
    assert_eq!(
        of("steps.a is defined and steps.a.y"),
        [is("steps.a", "steps.a", true), is("steps.a.y", "steps.a.y", true)]
    );
    assert_eq!(of("'é' ~ inputs.u"), [is("inputs.u", "inputs.u", false)]);
}

#[test]
fn what_cannot_be_checked_before_a_run_is_refused() {
    refused("steps[inputs.name].share", "must be a name");
    refused("steps.room[inputs.name]", "must be a name");
    refused("inputs[inputs.name]", "must be a name");
    refused("steps | length", "name one step");
    refused("{inputs.name: 1}", "a text in quotes");
    refused("'a' if inputs.yes", "needs an `else`");
    let place = refused("'Bearer ' ~ secrets.TOKEN", "a secret stands alone");
    assert_eq!(place, crate::base::Span::new(12, 25));
}

#[test]
fn syntax_errors_have_a_place_and_a_hint() {
    assert_eq!(refused("inputs.a =< 3", "`==`").start, 9);
    refused("inputs.a && inputs.b", "write `and`");
    refused("inputs.a || inputs.b", "write `or`");
    refused("!inputs.a", "write `not`");
    refused("inputs.a ? 1 : 2", "write `A if CONDITION else B`");
    refused("inputs.a +", "the end");
    refused("", "there is no expression");
    refused("'open", "");
    refused("1 2", "unexpected");
    refused("{% if a %}", "");
}

#[test]
fn work_is_bounded() {
    fails("'x' * 1000000000", "too much work");
    fails(
        "('x' * 1000000) | replace('x', 'y') | replace('y', 'z')",
        "too much work",
    );
    let list = json!({"inputs": {"l": vec![0; 1000]}});
    let within = Expression::parse("inputs.l | sum").unwrap();
    assert_eq!(within.eval(&list), Ok(json!(0)));
    let big = json!({"inputs": {"l": vec![0; 200_000]}});
    assert!(within.eval(&big).unwrap_err().message.contains("too much work"));
}

#[test]
fn results_are_bounded() {
    let of = |length: usize| {
        let scope = json!({"inputs": {"t": "x".repeat(length - 1)}});
        Expression::parse("inputs.t ~ 'y'").unwrap().eval(&scope)
    };
    assert!(of(MAX_RESULT_BYTES).is_ok());
    assert!(
        of(MAX_RESULT_BYTES + 1)
            .unwrap_err()
            .message
            .contains("gives more than")
    );
    let text = |length: usize| {
        let scope = json!({"inputs": {"t": "x".repeat(length - 1)}});
        Template::parse("y${{ inputs.t }}").unwrap().eval(&scope)
    };
    assert!(text(MAX_RESULT_BYTES).is_ok());
    assert!(text(MAX_RESULT_BYTES + 1).unwrap_err().message.contains("larger than"));
    let nested = |depth: usize| {
        let value = (1..depth).fold(json!(1), |value, _| json!([value]));
        Expression::parse("inputs.none or inputs.v")
            .unwrap()
            .eval(&json!({"inputs": {"v": value, "none": null}}))
    };
    assert!(nested(MAX_RESULT_DEPTH).is_ok());
    assert!(
        nested(MAX_RESULT_DEPTH + 1)
            .unwrap_err()
            .message
            .contains("nested deeper")
    );
}

#[test]
fn numbers_are_checked_for_range() {
    gives("9223372036854775807", json!(i64::MAX));
    gives("18446744073709551615", json!(u64::MAX));
    gives("9223372036854775807 + 1", json!(i64::MAX as u64 + 1));
    fails("18446744073709551615 + 1", "out of range");
    fails("10 ** 30", "out of range");
    fails("1e308 * 10", "out of range");
    fails("1 / 0", "");
}

#[test]
fn texts_are_bounded_before_they_are_parsed() {
    let long = |bytes: usize| format!("'{}'", "x".repeat(bytes - 2));
    assert!(Expression::parse(&long(MAX_SOURCE_BYTES)).is_ok());
    refused(&long(MAX_SOURCE_BYTES + 1), "bytes");
    let sum = |terms: usize| vec!["1"; terms].join("+");
    assert!(
        Expression::parse(&sum(MAX_TOKENS / 2))
            .unwrap()
            .eval(&json!({}))
            .is_ok()
    );
    refused(&sum(MAX_TOKENS / 2 + 1), "words and signs");
    let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(
        Expression::parse(&nested(MAX_NESTING))
            .unwrap()
            .eval(&json!({}))
            .is_ok()
    );
    refused(&nested(MAX_NESTING + 1), "nested deeper");
    refused(&"[".repeat(8_000), "nested deeper");
    refused(&"not ".repeat(2_000), "nested deeper");
    refused(&"-".repeat(8_000), "nested deeper");
    refused(&format!("{}1", "1 if 1 else ".repeat(400)), "nested deeper");
    assert!(
        Expression::parse(&format!("{}1", "not ".repeat(MAX_NESTING)))
            .unwrap()
            .eval(&json!({}))
            .is_ok()
    );
}

#[test]
fn a_text_has_only_so_many_expressions() {
    let text = |count: usize| "a ${{ inputs.a }}".repeat(count);
    let template = Template::parse(&text(MAX_EXPRESSIONS)).unwrap();
    assert_eq!(template.expressions().count(), MAX_EXPRESSIONS);
    let errors = Template::parse(&text(MAX_EXPRESSIONS + 5)).unwrap_err();
    assert_eq!(errors.len(), 1, "told once, at the first one too many");
    assert!(errors[0].message.contains("more than 200"), "{errors:?}");
    let at = text(MAX_EXPRESSIONS).len() + 2;
    assert_eq!(errors[0].span, Span::new(at, at + 3));
}

#[test]
fn errors_never_show_values() {
    let secret = json!({"inputs": {"pin": "4711-secret", "o": {"a": "4711-secret"}, "n": 4711}});
    for source in [
        "inputs.pin + 1",
        "inputs.pin | int",
        "inputs.pin | round",
        "inputs.pin | join(1)",
        "inputs.pin.split(1)",
        "inputs.o.lower()",
        "inputs.o | float",
        "-inputs.pin",
        "inputs.n | lower | replace(1)",
        "inputs.pin * inputs.pin",
        "1 in inputs.n",
    ] {
        if let Err(error) = Expression::parse(source).unwrap().eval(&secret) {
            assert!(!error.message.contains("4711"), "{source}: {}", error.message);
            assert!(error.message.contains(source), "{source}: {}", error.message);
        }
    }
}

#[test]
fn a_condition_must_be_a_boolean() {
    let holds = |source: &str| Expression::parse(source).unwrap().holds(&scope());
    assert_eq!(holds("inputs.n > 2"), Ok(true));
    assert!(
        holds("inputs.n")
            .unwrap_err()
            .message
            .contains("must be true or false and is a number")
    );
}

/// Notes what is read.
struct Watched(Value, Mutex<Vec<String>>);

impl Scope for Watched {
    fn get(&self, path: &[&str]) -> Option<Found> {
        self.1.lock().unwrap().push(path.join("."));
        Scope::get(&self.0, path)
    }

    fn semantics(&self) -> Semantics {
        Semantics::CURRENT
    }
}

#[test]
fn only_what_is_named_is_read() {
    let watched = Watched(scope(), Mutex::default());
    let template = Template::parse("${{ steps.room.share }}: ${{ steps.reply.comment | upper }}").unwrap();
    assert_eq!(template.eval(&watched), Ok(json!("shr_1: OK")));
    assert_eq!(*watched.1.lock().unwrap(), ["steps.room.share", "steps.reply.comment"]);
}

#[test]
fn a_template_of_one_expression_keeps_its_type() {
    let eval = |source: &str| Template::parse(source).unwrap().eval(&scope()).unwrap();
    assert_eq!(eval("${{ inputs.n }}"), json!(3));
    assert_eq!(eval("${{ inputs.list }}"), json!([3, 1, 2]));
    assert_eq!(eval("n is ${{ inputs.n }}"), json!("n is 3"));
    assert_eq!(eval("${{ inputs.n }}${{ inputs.yes }}"), json!("3true"));
    assert_eq!(
        eval("<${{ inputs.none }}|${{ inputs.list }}|${{ 5 / 2 }}|${{ 4 / 2 }}>"),
        json!("<|[3,1,2]|2.5|2>")
    );
    assert_eq!(eval("no braces }} $ { {{ x }}"), json!("no braces }} $ { {{ x }}"));
    assert_eq!(eval("${{ '${{ }}' }}"), json!("${{ }}"));
    assert_eq!(eval("${{ {'a': {'b': 1}} }}"), json!({"a": {"b": 1}}));
    assert_eq!(eval("${{ 'it''s \\' }}' }}"), json!("its ' }}"));
}

#[test]
fn data_is_never_taken_for_a_template() {
    let eval = |source: &str| Template::parse(source).unwrap().eval(&scope()).unwrap();
    assert_eq!(eval("${{ inputs.trick }}"), json!("${{ inputs.n }}"));
    assert_eq!(eval("say ${{ inputs.trick }}"), json!("say ${{ inputs.n }}"));
    let tree = Tree::parse(&json!({"a": "${{ inputs.trick }}", "b": "***"})).unwrap();
    let (value, secrets) = tree.eval(&scope()).unwrap();
    assert_eq!(value, json!({"a": "${{ inputs.n }}", "b": "***"}));
    assert_eq!(secrets, []);
}

#[test]
fn every_broken_part_of_a_template_is_reported_in_its_place() {
    let source = "é ${{ 1 + }} and ${{ }} and ${{ secrets.A ~ 'x' }} and ${{ open";
    let errors = Template::parse(source).unwrap_err();
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert_eq!(&source[errors[2].span.start..errors[2].span.end], "secrets.A");
    assert!(errors[3].message.contains("not closed"));
    let expression = Template::parse("ab ${{  inputs.n }}").unwrap();
    let (_, place) = expression.expressions().next().unwrap();
    assert_eq!(place, crate::base::Span::new(8, 16));
}

#[test]
fn secrets_are_listed_and_hidden() {
    let tree = Tree::parse(&json!({
        "headers": {"a/b": "Bearer ${{ secrets.TOKEN }} for ${{ inputs.n }}"},
        "list": [1, "${{ secrets.KEY }}", "${{ inputs.n }}"],
    }))
    .unwrap();
    let (value, secrets) = tree.eval(&scope()).unwrap();
    assert_eq!(value, json!({"headers": {"a/b": "***"}, "list": [1, "***", 3]}));
    let text = |text: &str| SecretPiece::Text(text.to_owned());
    let secret = |name: &str| SecretPiece::Secret(name.to_owned());
    assert_eq!(
        secrets,
        [
            SecretUse {
                pointer: "/headers/a~1b".to_owned(),
                pieces: vec![text("Bearer "), secret("TOKEN"), text(" for 3")],
            },
            SecretUse {
                pointer: "/list/1".to_owned(),
                pieces: vec![secret("KEY")],
            },
        ]
    );
    let pointers: Vec<String> = tree.templates().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/headers/a~1b", "/list/1", "/list/2"]);
    assert!(Template::parse("${{ secrets.KEY }}").unwrap().eval(&scope()).is_err());
}

#[test]
fn a_tree_reports_errors_by_pointer() {
    let errors = Tree::parse(&json!({"a": ["x", "${{ 1 + }}"], "${{ b }}": 1})).unwrap_err();
    let pointers: Vec<&str> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/a/1", "/${{ b }}"]);
}

struct Known;

impl TypeScope for Known {
    fn root(&self, name: &str) -> Option<Type> {
        Some(match name {
            "inputs" => Type::object([
                ("amount", Field::sure(Type::Number)),
                ("count", Field::sure(Type::Integer)),
                ("name", Field::sure(Type::Text)),
                ("yes", Field::sure(Type::Boolean)),
                ("names", Field::sure(Type::list(Type::Text))),
                ("document", Field::sure(Type::file())),
                ("any", Field::sure(Type::Any)),
            ]),
            "steps" => Type::object([(
                "reply",
                Field::sure(Type::object([("file", Field::maybe(Type::file()))])),
            )]),
            "event" => Type::any_object(),
            _ => return None,
        })
    }

    fn roots(&self) -> Vec<&str> {
        vec!["inputs", "steps", "event"]
    }
}

fn check(source: &str) -> (Type, Vec<ExprFinding>) {
    Expression::parse(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .check(&Known)
}

#[test]
fn types_are_inferred() {
    for (source, ty) in [
        ("inputs.count + 1", Type::Integer),
        ("inputs.count / 2", Type::Number),
        ("inputs.amount > 3 and inputs.yes", Type::Boolean),
        ("inputs.name ~ 1", Type::Text),
        ("inputs.names | first", Type::Text),
        ("inputs.names[0]", Type::Text),
        ("inputs.names | length", Type::Integer),
        ("steps.reply.file or inputs.document", Type::file()),
        ("steps.reply.file.name.split('.')", Type::list(Type::Text)),
        ("'a' if inputs.yes else none", Type::Text),
        ("inputs.any", Type::Any),
        ("event.whatever.there.is", Type::Any),
        ("[1, 2.5]", Type::list(Type::Number)),
        ("inputs.count | default(0)", Type::Integer),
        ("-inputs.count", Type::Integer),
    ] {
        assert_eq!(check(source), (ty, vec![]), "{source}");
    }
}

#[test]
fn mistakes_are_found_with_place_and_nearest_word() {
    for (source, kind, written, near) in [
        ("imputs.amount", UnknownRoot, "imputs", Some("inputs")),
        ("inputs.amunt > 3", UnknownField, "amunt", Some("amount")),
        ("steps.reply.file.nam", UnknownField, "nam", Some("name")),
        ("inputs['doc']", UnknownField, "'doc'", None),
        ("inputs.name.length", UnknownField, "length", None),
        ("inputs.names.first", UnknownField, "first", None),
        ("inputs.name | uper", UnknownFunction, "uper", Some("upper")),
        ("inputs.name.endwith('x')", UnknownFunction, "endwith", Some("endswith")),
        ("inputs.name is defned", UnknownFunction, "defned", Some("defined")),
        ("length(inputs.names)", UnknownFunction, "length", None),
        ("now()", UnknownFunction, "now", None),
        ("1 + inputs.name", Mismatch, "inputs.name", None),
        ("inputs.name + 1", Mismatch, "inputs.name + 1", None),
        ("inputs.amount == 'x'", Mismatch, "inputs.amount == 'x'", None),
        ("true and inputs.amount > 'x'", Mismatch, "inputs.amount > 'x'", None),
        ("inputs.yes < true", Mismatch, "inputs.yes < true", None),
        (
            "inputs.document < inputs.document",
            Mismatch,
            "inputs.document < inputs.document",
            None,
        ),
        ("1 in inputs.names", Mismatch, "1 in inputs.names", None),
        ("'a' not in inputs.amount", Mismatch, "'a' not in inputs.amount", None),
        ("inputs.amount.endswith('x')", Mismatch, "endswith", None),
        ("inputs.name.endswith(1)", Mismatch, "1", None),
        ("inputs.name.endswith()", Mismatch, "endswith()", None),
        ("inputs.amount | lower", Mismatch, "inputs.amount", None),
        ("inputs.amount | length", Mismatch, "inputs.amount", None),
        ("-inputs.name", Mismatch, "inputs.name", None),
    ] {
        let (_, findings) = check(source);
        let [finding] = findings.as_slice() else {
            panic!("{source}: {findings:?}");
        };
        assert_eq!(finding.kind, kind, "{source}: {}", finding.message);
        assert_eq!(&source[finding.span.start..finding.span.end], written, "{source}");
        assert_eq!(finding.nearest.as_deref(), near, "{source}");
    }
}

#[test]
fn types_come_from_schemas() {
    let schema = json!({
        "$defs": {
            "File": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            "Loop": {"type": "array", "items": {"$ref": "#/$defs/Loop"}},
            "Word": {"oneOf": [{"const": "a", "description": "x"}, {"const": "b"}]},
        },
        "type": "object",
        "properties": {
            "file": {"anyOf": [{"$ref": "#/$defs/File"}, {"type": "null"}]},
            "files": {"type": "array", "items": {"$ref": "#/$defs/File"}},
            "note": {"type": ["string", "null"]},
            "word": {"$ref": "#/$defs/Word"},
            "n": {"type": "integer"},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "gone": {"$ref": "#/$defs/Gone"},
            "any": true,
        },
        "required": ["file", "files", "note", "word", "n", "map", "gone", "any"],
    });
    let file = Type::object([("name", Field::sure(Type::Text))]);
    assert_eq!(
        Type::from_schema(&schema),
        Type::object([
            ("file", Field::maybe(file.clone())),
            ("files", Field::sure(Type::list(file))),
            ("note", Field::maybe(Type::Text)),
            ("word", Field::sure(Type::Text)),
            ("n", Field::sure(Type::Integer)),
            ("map", Field::sure(Type::any_object())),
            ("gone", Field::sure(Type::Any)),
            ("any", Field::sure(Type::Any)),
        ])
    );
    // A schema that names itself ends somewhere.
    Type::from_schema(&json!({"$ref": "#/$defs/Loop", "$defs": schema["$defs"].clone()}));
    assert_eq!(Type::from_schema(&json!({"$ref": "#"})), Type::Any);
}

/// Words of the language in any order: much of it is almost an expression.
fn almost() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "inputs",
        "inputs.n",
        "steps.room.share",
        "steps.gone.x",
        ".name",
        "[0]",
        "['a']",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "1",
        "2.5",
        "'a'",
        "'é'",
        "true",
        "none",
        "not",
        "and",
        "or",
        "in",
        "if",
        "else",
        "is",
        "defined",
        "+",
        "-",
        "*",
        "/",
        "//",
        "**",
        "~",
        "%",
        "==",
        "<",
        "|",
        "lower",
        "default",
        "first",
        ":",
        ",",
        ".",
        "=",
        "secrets.A",
        "${{",
        "}}",
        "event",
    ]);
    prop::collection::vec(words, 0..14).prop_map(|words| words.join(" "))
}

/// Does everything with `source` that can be done; nothing may panic, every span lies in it.
fn tried(source: &str) {
    let inside = |span: crate::base::Span| assert!(source.get(span.start..span.end).is_some(), "{source:?} {span:?}");
    match Expression::parse(source) {
        Err(error) => inside(error.span),
        Ok(expression) => {
            for reference in &expression.references {
                inside(reference.span);
            }
            let (_, findings) = expression.check(&Known);
            for finding in findings {
                inside(finding.span);
            }
            // The same twice, since nothing in it depends on chance.
            assert_eq!(expression.eval(&scope()), expression.eval(&scope()));
        }
    }
    match Template::parse(source) {
        Err(errors) => errors.into_iter().for_each(|error| inside(error.span)),
        Ok(template) => {
            let _ = template.eval(&scope());
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_an_error(source in "\\PC{0,60}") {
        tried(&source);
    }

    #[test]
    fn anything_that_looks_like_an_expression_is_one_or_an_error(source in almost()) {
        tried(&source);
        tried(&format!("a ${{{{ {source} }}}} b"));
    }

    #[test]
    fn values_survive_the_way_through_an_expression(text in "\\PC{0,20}", whole in any::<i64>(), float in -1e15..1e15_f64) {
        let value = json!({"t": text, "n": [whole, float, null, true], "o": {"t": text}});
        let scope = json!({"inputs": {"v": value, "none": null}});
        prop_assert_eq!(Expression::parse("inputs.none or inputs.v").unwrap().eval(&scope), Ok(value));
    }
}

#[test]
fn the_step_of_a_slice_is_a_number_that_can_be_counted_with() {
    for good in ["inputs.x[::-1]", "inputs.x[::-1000000]", "inputs.x[1:2]"] {
        assert!(Expression::parse(good).is_ok(), "{good}");
    }
    let at_the_limit = |step: u64| Expression::parse(&format!("inputs.x[1:100:{step}]"));
    assert!(at_the_limit(MAX_SLICE_STEP).is_ok() && at_the_limit(MAX_SLICE_STEP + 1).is_err());
    for wrong in [
        "inputs.x[::-1000001]",
        "inputs.x[::0]",
        "inputs.x[1:100:-9223372036854775808]",
        "inputs.x[::inputs.n]",
    ] {
        let error = Expression::parse(wrong).expect_err(wrong);
        assert!(error.to_string().contains("the step of a slice"), "{wrong}: {error}");
    }
}
