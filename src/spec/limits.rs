//! How much a flow may hold, and which words may name things. The schema says the same.

/// Most steps of a flow, and most of its `always` steps.
pub const MAX_STEPS: usize = 1_000;
/// Most inputs, and most outputs.
pub const MAX_INPUTS: usize = 200;
/// Most settings of a flow, and most values of a run that may change.
pub const MAX_VALUES: usize = 100;
/// Most labels.
pub const MAX_LABELS: usize = 100;
/// Most guarantees.
pub const MAX_GUARANTEES: usize = 100;
/// Most options of a choice, and most file types that an input accepts.
pub const MAX_OPTIONS: usize = 500;
/// Most events that one step waits for.
pub const MAX_ALTERNATIVES: usize = 50;
/// Most people that one key may name.
pub const MAX_PEOPLE: usize = 100;
/// Most decisions of one approval.
pub const MAX_DECISIONS: usize = 20;
/// Most fields of one form.
pub const MAX_FIELDS: usize = 100;
/// Most branches of a `choose`, and most conditions of a `check`.
pub const MAX_BRANCHES: usize = 100;
/// Most reminders of one deadline.
pub const MAX_REMINDERS: usize = 20;
/// Most escalations of one deadline.
pub const MAX_ESCALATIONS: usize = 10;
/// Most outcomes that one step disposes of.
pub const MAX_OUTCOMES: usize = 100;
/// Most tries of one action.
pub const MAX_ATTEMPTS: u32 = 100;
/// Most elements of one `each`.
pub const MAX_ELEMENTS: usize = 10_000;
/// Most elements of one `each` that are under way at once.
pub const MAX_PARALLEL: u32 = 1_000;
/// Elements of one `each` that are under way at once where the author says nothing.
pub const DEFAULT_PARALLEL: u32 = 10;
/// Most items of one checklist.
pub const MAX_ITEMS: usize = 100;
/// Most labels of one item of a checklist.
pub const MAX_ITEM_LABELS: usize = 10;
/// Most files of one item of a checklist.
pub const MAX_ITEM_FILES: u32 = 50;
/// How many `each` may stand inside each other.
pub const MAX_EACH_DEPTH: usize = 3;
/// Longest name: of a flow, a step, an input, an outcome. In characters.
pub const MAX_NAME: usize = 64;
/// Longest title, and any other text of one line. In characters.
pub const MAX_LINE: usize = 300;
/// Longest description, message or expression. In characters.
pub const MAX_TEXT: usize = 20_000;

/// What names steps, inputs and outcomes, so that expressions can name them too.
pub const NAME_PATTERN: &str = "^[a-z][a-z0-9_]*$";
/// What labels documents.
pub const LABEL_PATTERN: &str = "^[a-z0-9][a-z0-9_-]*$";
/// A folder of the main workspace, from its root.
pub const FOLDER_PATTERN: &str = "^/";
/// What names flows.
pub const FLOW_PATTERN: &str = "^[a-z][a-z0-9_-]*$";
/// MAJOR.MINOR.PATCH, and perhaps a pre-release and a build behind it.
pub const VERSION_PATTERN: &str =
    r"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?$";

/// A version, or `^` and the numbers that it has to have at least: see [`super::run::admits`].
pub const RANGE_PATTERN: &str = r"^(\^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,2}|(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?)$";

/// Words that mean something where a step's id may stand.
pub const RESERVED_IDS: [&str; 3] = ["start", "initiator", "uploader"];
/// Words that a step gives beside the fields of its form.
pub const RESERVED_FIELDS: [&str; 10] = [
    "outcome",
    "round",
    "rounds",
    "document",
    "decisions",
    "by",
    "on_behalf_of",
    "escalated_to",
    "at",
    "reason",
];
/// What the result of an element says of itself, and no output of it can be called.
pub const RESERVED_OUTPUTS: [&str; 3] = ["index", "item", "status"];
/// Statuses that runs and elements have by themselves; no author gives them.
pub const RESERVED_STATUSES: [&str; 4] = ["cancelled", "not_started", "running", "too_large"];
/// The outcome of a step whose deadline came first; nothing else that is waited for is called so.
pub const EXPIRED: &str = "expired";
/// What becomes of a step without anybody deciding, and no decision is called.
pub const RESERVED_DECISIONS: [&str; 4] = [EXPIRED, "skipped", "cancelled", "not_reached"];
/// A size of a file.
pub const SIZE_PATTERN: &str = "^[1-9][0-9]{0,8} ?([kMG]i?)?B$";
/// A moment, as journals write it.
pub const MOMENT_PATTERN: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$";
