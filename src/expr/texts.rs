//! The texts of one flow, each parsed once, however many readers it has.

use super::{ExprError, Expression, Template};
use std::collections::HashMap;
use std::sync::Arc;

/// Expressions and templates by their text, or why they are none.
#[derive(Debug, Default)]
pub struct Texts {
    expressions: HashMap<String, Result<Expression, ExprError>>,
    templates: HashMap<String, Arc<Result<Template, Vec<ExprError>>>>,
}

impl Texts {
    /// The bare expression `text`.
    pub fn expression(&mut self, text: &str) -> Result<Expression, ExprError> {
        if let Some(parsed) = self.expressions.get(text) {
            return parsed.clone();
        }
        let parsed = Expression::parse(text);
        self.expressions.insert(text.to_owned(), parsed.clone());
        parsed
    }

    /// The text with `${{ }}` in it.
    pub fn template(&mut self, text: &str) -> Arc<Result<Template, Vec<ExprError>>> {
        if let Some(parsed) = self.templates.get(text) {
            return parsed.clone();
        }
        let parsed = Arc::new(Template::parse(text));
        self.templates.insert(text.to_owned(), parsed.clone());
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once() {
        let mut texts = Texts::default();
        let first = texts.template("Dear ${{ inputs.name }}");
        assert!(Arc::ptr_eq(&first, &texts.template("Dear ${{ inputs.name }}")));
        assert!(!Arc::ptr_eq(&first, &texts.template("Dear ${{ inputs.other }}")));
        assert_eq!(texts.expression("inputs.a > 1"), Expression::parse("inputs.a > 1"));
        assert_eq!(texts.expression("inputs.a > 1"), Expression::parse("inputs.a > 1"));
        assert_eq!(texts.expression("inputs.a >"), Expression::parse("inputs.a >"));
        assert_eq!(texts.expressions.len(), 2);
    }
}
