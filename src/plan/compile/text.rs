//! Conditions, templates and data with templates, with findings at the exact place.

use super::Compiler;
use crate::base::{Diagnostic, Span, Value};
use crate::expr::{ExprError, Expression, Part, Template, Tree};
use crate::plan::codes;

impl Compiler<'_> {
    /// A bare expression.
    pub(super) fn condition(&mut self, pointer: &str, text: &str) -> Option<Expression> {
        let (bare, begin) = match braced(text) {
            Some(inner) => {
                self.in_braces(pointer, text, inner);
                (&text[inner.start..inner.end], inner.start)
            }
            None => (text, 0),
        };
        match self.texts.expression(bare) {
            Ok(expression) => Some(expression),
            Err(error) => {
                if begin == 0 && text.contains("${{") {
                    self.in_braces_somewhere(pointer, text);
                } else {
                    self.syntax(pointer, &error, begin);
                }
                None
            }
        }
    }

    /// The whole condition stands in braces: they can go.
    fn in_braces(&mut self, pointer: &str, text: &str, inner: Span) {
        let whole = Span::new(0, text.len());
        let mut finding = Diagnostic::error(
            codes::CONDITION_IN_BRACES,
            "a condition is written without `${{ }}`",
            self.locator.place(pointer, whole),
        )
        .with_help("remove the braces");
        if let Some(place) = self.locator.exact(pointer, whole) {
            finding = finding.with_fix(place, &text[inner.start..inner.end]);
        }
        self.report(finding);
    }

    fn in_braces_somewhere(&mut self, pointer: &str, text: &str) {
        let at = text.find("${{").unwrap_or(0);
        let place = self.locator.place(pointer, Span::new(at, at + 3));
        self.report(
            Diagnostic::error(
                codes::CONDITION_IN_BRACES,
                "a condition is one expression, written without `${{ }}`",
                place,
            )
            .with_help("write the names as they are, as `inputs.amount > 1000`"),
        );
    }

    /// Text with `${{ }}` in it. Broken, it is taken as it stands.
    pub(super) fn template(&mut self, pointer: &str, text: &str) -> Template {
        match self.texts.template(text).as_ref() {
            Ok(template) => template.clone(),
            Err(errors) => {
                for error in errors {
                    self.syntax(pointer, error, 0);
                }
                Template {
                    source: text.to_owned(),
                    parts: vec![Part::Text(text.to_owned())],
                }
            }
        }
    }

    pub(super) fn templates(&mut self, pointer: &str, texts: &[String]) -> Vec<Template> {
        let each = texts.iter().enumerate();
        each.map(|(at, text)| self.template(&format!("{pointer}/{at}"), text))
            .collect()
    }

    /// Data with `${{ }}` in its texts. Broken, it is taken as it stands.
    pub(super) fn tree(&mut self, pointer: &str, value: &Value) -> Tree {
        Tree::parse_with(self.texts, value).unwrap_or_else(|errors| {
            for (below, error) in errors {
                self.syntax(&format!("{pointer}{below}"), &error, 0);
            }
            Tree::Plain(value.clone())
        })
    }

    fn syntax(&mut self, pointer: &str, error: &ExprError, begin: usize) {
        let part = Span::new(begin + error.span.start, begin + error.span.end);
        let place = self.locator.place(pointer, part);
        self.report(Diagnostic::error(
            codes::EXPRESSION_SYNTAX,
            error.message.as_str(),
            place,
        ));
    }
}

/// The expression in a text that is one `${{ }}` and nothing else.
fn braced(text: &str) -> Option<Span> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?;
    if inner.contains("${{") {
        return None;
    }
    let start = text.find("${{")? + 3 + (inner.len() - inner.trim_start().len());
    Some(Span::new(start, start + inner.trim().len()))
}
