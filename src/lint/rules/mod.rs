//! One file a rule, one line a rule.

use super::rule::Rule;

pub(super) use type_mismatch::CODE as TYPE_MISMATCH;

mod back_to_not_upstream;
mod bad_ask;
mod bad_cancel;
mod bad_input;
mod bad_item;
mod bad_principal;
mod calendar_missing;
mod complete_at_once;
mod due_at_once;
mod endless_runs;
mod escalation_order;
mod excludes_nobody;
mod expression_as_text;
mod flow_ends;
mod input_not_given;
mod join_never_met;
mod lock_in_lock;
mod may_be_missing;
mod missing_with_key;
mod never_changes;
mod never_chosen;
mod no_deadline;
mod nobody_completed;
mod not_upstream;
mod nothing_to_keep;
mod outcome_goes_nowhere;
mod quorum_impossible;
mod quorum_short;
mod reminder_after_due;
mod secret_in_journal;
mod secret_in_text;
pub(super) mod secret_not_allowed;
mod secret_out_of_place;
mod share_without_expiry;
mod too_few_elements;
mod type_mismatch;
mod unheard_event;
mod unknown_action;
mod unknown_event;
mod unknown_flow;
mod unknown_function;
mod unknown_input;
mod unknown_name;
mod unknown_output;
mod unknown_person;
mod unknown_step;
mod unknown_with_key;
mod unreachable_step;
mod wait_in_vain;
mod wrong_flow_input;
mod wrong_with_value;

/// Every rule, in the order of the codes.
pub const RULES: &[Rule] = &[
    bad_input::RULE,
    input_not_given::RULE,
    unknown_input::RULE,
    unknown_step::RULE,
    unknown_output::RULE,
    unknown_function::RULE,
    type_mismatch::RULE,
    not_upstream::RULE,
    may_be_missing::RULE,
    unknown_name::RULE,
    expression_as_text::RULE,
    unreachable_step::RULE,
    join_never_met::RULE,
    outcome_goes_nowhere::RULE,
    back_to_not_upstream::RULE,
    too_few_elements::RULE,
    nothing_to_keep::RULE,
    never_changes::RULE,
    complete_at_once::RULE,
    bad_cancel::RULE,
    lock_in_lock::RULE,
    never_chosen::RULE,
    no_deadline::RULE,
    reminder_after_due::RULE,
    calendar_missing::RULE,
    due_at_once::RULE,
    escalation_order::RULE,
    quorum_impossible::RULE,
    bad_principal::RULE,
    bad_ask::RULE,
    nobody_completed::RULE,
    bad_item::RULE,
    unknown_person::RULE,
    quorum_short::RULE,
    excludes_nobody::RULE,
    unknown_action::RULE,
    unknown_with_key::RULE,
    missing_with_key::RULE,
    wrong_with_value::RULE,
    unknown_event::RULE,
    unheard_event::RULE,
    share_without_expiry::RULE,
    wait_in_vain::RULE,
    unknown_flow::RULE,
    wrong_flow_input::RULE,
    flow_ends::RULE,
    flow_ends::RULE_UNKNOWN,
    endless_runs::RULE,
    secret_in_text::RULE,
    secret_out_of_place::RULE,
    secret_in_journal::RULE,
    secret_not_allowed::RULE,
];
