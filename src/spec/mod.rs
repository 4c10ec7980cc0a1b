//! What authors write, as types; the catalogue of what flows may call; the schema of it all.

pub mod ask;
pub mod catalog;
pub mod codes;
pub mod collect;
pub mod escalation;
pub mod flow;
pub mod limits;
pub mod min_files;
pub mod reach;
pub mod run;
pub mod schema;
pub mod shape;
pub mod step;
pub mod validate;
pub mod values;

pub use ask::{Detour, Distribution, FieldKind, FieldSpec, Pick, TaskKind, TaskSpec};
pub use catalog::{Acquires, ActionInfo, Catalog, Effect, EventInfo};
pub use collect::{CollectSpec, ItemCheckSpec, ItemSpec, LabelSpec, NeedSpec};
pub use escalation::{EscalateSpec, EscalationSpec};
pub use flow::{FlowSpec, InputKind, InputSpec, TriggerSpec};
pub use reach::{Priority, ReachSpec, Starts, VisibleSpec};
pub use run::RunSpec;
pub use step::{
    AfterSpec, ApproveSpec, BackToSpec, CheckSpec, ChooseSpec, DeadlineSpec, DispositionSpec, EachSpec, EndSpec,
    JoinSpec, RetrySpec, RuleSpec, StepSpec, Verb, WaitAlternative, WaitSpec,
};
pub use validate::{FileShape, read_flow};
