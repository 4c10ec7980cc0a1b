//! What an `each` gives of its elements, by the types of what its outputs name.

use super::places::{Owner, Place, Purpose};
use super::shapes::{self, Shapes};
use super::uses::{Ground, uses};
use crate::base::source::escape;
use crate::expr::{Texts, Type};
use std::collections::HashMap;

/// Makes the shape of every `each` as exact as its expressions tell; the inner ones first, so that an
/// outer one can pass on what they give.
pub fn refine(shapes: &mut Shapes, ground: &Ground<'_>, places: &[Place<'_>], texts: &mut Texts) {
    for (index, step) in ground.steps.iter().enumerate().rev() {
        let Some(each) = &step.spec.each else { continue };
        let is_own = |place: &&Place<'_>| match place.owner {
            Owner::Element(of) => of == index,
            Owner::Step(of) => of == index && place.purpose == Purpose::List,
            Owner::Trigger | Owner::Outputs => false,
        };
        let own: Vec<Place<'_>> = places.iter().filter(is_own).cloned().collect();
        let mut resolver = ground.resolver(shapes);
        let found = uses(&own, &mut resolver, texts);
        let type_at = |pointer: &str| {
            let one = found.iter().find(|one| own[one.place].pointer == pointer)?;
            Some(if one.whole { one.ty.clone() } else { Type::Text })
        };
        let item = match type_at(&step.at("each/in")) {
            Some(Type::List(item)) => Type::clone(&item),
            Some(_) => Type::Any,
            None => shapes::literal_item(&each.list),
        };
        let outputs: HashMap<&str, Type> = each
            .outputs
            .iter()
            .map(|(name, value)| {
                let pointer = step.at(&format!("each/outputs/{}", escape(name)));
                let ty = type_at(&pointer).unwrap_or_else(|| shapes::literal(value));
                (name.as_str(), ty)
            })
            .collect();
        let shape = shapes::each_shape(&shapes::result_type(each, item, &outputs));
        shapes.steps.insert(step.spec.id.clone(), shape);
    }
}
