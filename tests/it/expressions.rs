//! What operators and filters do for each type: the table of `docs/language.md`, and the evaluation rules before it.
//!
//! `UPDATE=1 cargo test --test it expressions` rewrites the table.

use gatefold::base::{Semantics, Value};
use gatefold::expr::functions::FILTERS;
use gatefold::expr::{DataScope, Expression, Template};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

const BEGIN: &str = "<!-- operators: UPDATE=1 cargo test --test it expressions -->\n";
const END: &str = "<!-- end of operators -->\n";

/// A value of each type, by the name of the type.
fn samples() -> Vec<(&'static str, Value)> {
    vec![
        ("none", Value::Null),
        ("boolean", json!(true)),
        ("number", json!(2)),
        ("text", json!("ab")),
        ("list", json!([2, 1])),
        ("object", json!({ "a": 2 })),
    ]
}

fn eval(source: &str, data: Value, semantics: Semantics) -> Result<Value, String> {
    let expression = Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression
        .eval(&DataScope { data, semantics })
        .map_err(|error| error.message)
}

/// What came out, in the words of the table.
fn told(result: &Result<Value, String>) -> String {
    match result {
        Err(_) => "incident".to_owned(),
        Ok(Value::Null) => "none".to_owned(),
        Ok(Value::Bool(_)) => "boolean".to_owned(),
        Ok(Value::Number(_)) => "number".to_owned(),
        Ok(Value::String(_)) => "text".to_owned(),
        Ok(Value::Array(_)) => "list".to_owned(),
        Ok(Value::Object(_)) => "object".to_owned(),
    }
}

fn together(told: impl Iterator<Item = String>) -> String {
    told.collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
        .join(" or ")
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The operators between two values: of one type, with none, and of two types.
fn operators() -> String {
    let mut table = row([
        "`a OP b`",
        "two booleans",
        "two numbers",
        "two texts",
        "two lists",
        "two objects",
        "with none",
        "two other types",
    ]
    .map(str::to_owned));
    table.push_str(&"|---".repeat(8));
    table.push_str("|\n");
    for op in ["==", "<", "in", "+", "-", "~", "and"] {
        let of = |a: &Value, b: &Value| {
            let result = eval(
                &format!("x.a {op} x.b"),
                json!({ "x": { "a": a, "b": b } }),
                Semantics::CURRENT,
            );
            match (op, result) {
                // what is never true is told as that
                ("==", Ok(Value::Bool(false))) => "false".to_owned(),
                (_, result) => told(&result),
            }
        };
        let samples = samples();
        let (none, others) = samples.split_first().expect("there are samples");
        let mut cells = vec![format!("`{op}`")];
        cells.extend(others.iter().map(|(_, value)| of(value, value)));
        cells.push(together(
            others
                .iter()
                .flat_map(|(_, value)| [of(value, &none.1), of(&none.1, value)]),
        ));
        let pairs = others.iter().flat_map(|a| others.iter().map(move |b| (a, b)));
        cells.push(together(pairs.filter(|(a, b)| a.0 != b.0).map(|(a, b)| of(&a.1, &b.1))));
        table.push_str(&row(cells));
    }
    table
}

fn filters() -> String {
    let types = samples().into_iter().map(|(name, _)| name.to_owned());
    let mut table = row(std::iter::once("filter".to_owned()).chain(types));
    table.push_str(&"|---".repeat(7));
    table.push_str("|\n");
    for filter in FILTERS.iter().filter(|filter| **filter != "d") {
        let arguments = match *filter {
            "replace" => "('a', 'b')",
            "default" => "('x')",
            "map" => "(attribute='a')",
            _ => "",
        };
        let cell = |value: Value| {
            let value = if *filter == "map" && value.is_array() {
                json!([{ "a": 1 }])
            } else {
                value
            };
            told(&eval(
                &format!("x.a | {filter}{arguments}"),
                json!({ "x": { "a": value } }),
                Semantics::CURRENT,
            ))
        };
        let cells = samples().into_iter().map(|(_, value)| cell(value));
        table.push_str(&row(std::iter::once(format!("`{filter}`")).chain(cells)));
    }
    table
}

#[test]
fn the_table_of_operators_and_filters_is_what_they_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the table begins");
    let (found, after) = rest.split_once(END).expect("the table ends");
    let wanted = format!("\n{}\n{}\n", operators(), filters());
    if std::env::var_os("UPDATE").is_some() && found != wanted {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        found, wanted,
        "write it anew with UPDATE=1 cargo test --test it expressions"
    );
}

#[test]
fn values_of_two_types_have_no_order() {
    let x = json!({ "x": { "none": null, "n": 7, "t": "7", "yes": true, "l": [7], "o": {}, "mixed": [3, "20", 1], "gap": [1, null], "rows": [{ "p": 1 }, { "p": "2" }], "holes": [{ "p": 1 }, {}] } });
    for source in [
        "x.none < 1000",
        "x.t > 1000",
        "1000 >= x.t",
        "x.yes < 5",
        "x.l > 1000",
        "x.o <= 1000",
        "x.l < x.l",
        "x.yes < x.yes",
        "x.none < x.none",
        "1 < x.t < 9",
        "not x.none < 1",
        "1 if x.none < 1 else 2",
        "x.mixed | max",
        "x.mixed | min",
        "x.mixed | sort",
        "x.gap | sort",
        "x.gap | max",
        "x.rows | sort(attribute='p')",
        "x.rows | max(attribute='p')",
        "x.holes | sort(attribute='p')",
        "x.rows | map(attribute='p') | min",
    ] {
        let why = eval(source, x.clone(), Semantics::CURRENT).expect_err(source);
        assert!(
            why.contains("only two numbers or two texts have an order"),
            "{source}: {why}"
        );
        // runs begun before go on as they did
        assert!(eval(source, x.clone(), Semantics::FIRST).is_ok(), "{source}");
    }
    for (source, value) in [
        ("x.none == 1000", json!(false)),
        ("x.t == 7", json!(false)),
        ("x.none != 7", json!(true)),
        ("x.n < 7.5", json!(true)),
        ("'a' < 'b'", json!(true)),
        ("1 < x.n <= 7", json!(true)),
        ("1 < x.n in [7]", json!(true)),
        ("9 < x.n < x.t", json!(false)),
        ("[3, 1.5, 2] | sort", json!([1.5, 2, 3])),
        ("['b', 'a'] | max", json!("b")),
    ] {
        assert_eq!(eval(source, x.clone(), Semantics::CURRENT), Ok(value), "{source}");
    }
}

#[test]
fn a_value_has_one_format_in_texts() {
    for value in [
        json!(null),
        json!(true),
        json!(5.0),
        json!(0.1),
        json!("a"),
        json!([1, "a", null]),
        json!({ "a": [5.0] }),
    ] {
        let scope = DataScope {
            data: json!({ "x": { "v": value } }),
            semantics: Semantics::CURRENT,
        };
        let template = Template::parse("<${{ x.v }}>").unwrap();
        let written = template.eval(&scope).unwrap();
        for source in [
            "'<' ~ x.v ~ '>'",
            "'<' ~ (x.v | string) ~ '>'",
            "'<' ~ ([x.v] | join) ~ '>'",
        ] {
            let made = Expression::parse(source).unwrap().eval(&scope);
            assert_eq!(made.as_ref(), Ok(&written), "{source} of {value}");
        }
    }
}

/// What is printed anew for the current rules means the same as what is written, where no rule differs.
#[test]
fn an_expression_that_orders_nothing_means_what_it_did() {
    let data = json!({ "x": { "a": 7, "b": 2, "t": "Contract.PDF", "l": [3, 1, 2], "o": { "n": { "m": [1] } }, "yes": true } });
    for source in [
        "x.a - x.b - 1",
        "x.a - (x.b - 1)",
        "x.a * (x.b + 1) // 2 ** 2 % 5",
        "2 ** 3 ** 2",
        "2 ** (3 ** 2)",
        "-x.a ** 2",
        "(-x.a) | abs",
        "-(x.a + 1)",
        "x.t[0:8].lower().endswith('act') and not x.yes or x.b in x.l",
        "x.b not in x.l",
        "not (x.b in x.l and x.yes)",
        "x.o.n.m[0] + x.l[-1] + x['a']",
        "(x.o).n.m | first",
        "x.l[::2] | length",
        "x.l[1:][0]",
        "1 if x.yes else 2 if x.b else 3",
        "(1 if x.yes else 2) + 1",
        "{'a': x.a, 'b': [x.b, (1, 2)]}",
        "x.a is defined and x.q is not defined",
        "(x.q or 'y') ~ '-' ~ (x.t | replace('.', '_') | lower)",
        "x.t.replace('C', 'K').split('.')",
        "x.l | sort(reverse=true) | join('-')",
        "x.a == 7 == true",
        "1 + 2 ~ 3",
        "x.l | map('abs') | list if false else 'é\\'\"'",
        "x.q | default(x.a < 8)",
        "(x.l | last) + 1",
        "([x.o] | last).n.m[0]",
        "(x.l | sort)[0]",
        "(x.l | sort)[1:] | length",
        "(x.t | lower).startswith('con')",
        "(x.a is defined) is true",
        "(x.a is defined) | default(1)",
        "x.a is defined == true",
        "-(x.l | first)",
        "(-x.a) ** 2",
        "2 ** (-x.b)",
        "not (x.q is defined) and x.l | length == 3",
        "(not x.yes) == false",
        "(x.yes and x.o).n.m",
        "(x.a + x.b) | string",
        "[x.l, x.l] | map('first') | list",
    ] {
        let Ok(expression) = Expression::parse(source) else {
            continue;
        };
        let of = |semantics| {
            let scope = DataScope {
                data: data.clone(),
                semantics,
            };
            expression.eval(&scope).map_err(|error| error.message)
        };
        assert_eq!(of(Semantics::CURRENT), of(Semantics::FIRST), "{source}");
    }
}

#[test]
fn the_longest_and_deepest_expressions_are_evaluated() {
    let sum = |sign: &str| vec!["x.a"; 120].join(sign);
    let deep = format!("{}x.a < 9{}", "(".repeat(31), ")".repeat(31));
    for source in [sum(" + "), sum(" ~ "), sum(" and "), deep] {
        let result = eval(&source, json!({ "x": { "a": 1 } }), Semantics::CURRENT);
        assert!(result.is_ok(), "{}: {result:?}", &source[..40]);
    }
}
