//! Flows by chance: every verb, join, outcome and way back, in a random acyclic graph.

use super::rng::Rng;
use serde_json::{Map, Value, json};

/// What events are about and keyed by, so that some of them meet a wait.
pub const SUBJECT: &str = "thing";
pub const KEY: &str = "k1";
/// Who is asked.
pub const PEOPLE: [&str; 4] = ["user:a", "user:b", "user:c", "user:d"];

/// How the runs of other flows end.
pub const CHILD_ENDS: [&str; 4] = ["completed", "hit", "failed", "cancelled"];

/// The flow of a seed, as JSON, which is YAML too.
pub fn flow(seed: u64) -> String {
    let mut rng = Rng::new(seed);
    let count = rng.below(8) + 1;
    let mut generator = Generator {
        rng,
        prefix: "s".to_owned(),
        depth: 0,
        above: Vec::new(),
        outcomes: Vec::new(),
        section: false,
        in_order: false,
    };
    let mut steps: Vec<Value> = (0..count).map(|at| generator.step(at)).collect();
    generator.section(&mut steps);
    steps.extend(two_entries(seed));
    let always: Vec<Value> = (0..generator.rng.below(3)).map(|at| generator.always(at)).collect();
    let mut flow = json!({
        "flow": format!("generated-{seed}"),
        "version": "1.0.0",
        "calendar": "office",
        "inputs": { "n": { "type": "integer" }, "document": { "type": "file" } },
        "values": { "v": { "type": "integer", "default": 0 } },
        "outputs": { "n": "${{ inputs.n }}", "v": "${{ values.v }}", "last": format!("${{{{ steps.s{}.outcome }}}}", count - 1) },
        "steps": steps,
    });
    if !always.is_empty() {
        flow["always"] = Value::Array(always);
    }
    flow.to_string()
}

/// A loop that is entered at either of two steps, in some flows: whoever enters at the second is led back to the first.
fn two_entries(seed: u64) -> Vec<Value> {
    let mut rng = Rng::new(seed ^ 0x1007);
    if !rng.percent(30) {
        return Vec::new();
    }
    let back = json!({ "back_to": "l1", "max_rounds": rng.below(3) + 2, "then": "continue" });
    let (action, other) = (
        rng.choose(&["t.call", "t.once", "t.share"]),
        rng.choose(&["l1", "l1.done"]),
    );
    let second = if rng.percent(50) {
        json!({ "uses": "t.call", "outcomes": { "failed": back } })
    } else {
        json!({ "task": { "to": [PEOPLE[0]], "allow": ["redo", "skip"] }, "deadline": { "due": "2 days" },
            "outcomes": { "declined": back, "expired": back } })
    };
    let mut steps = vec![
        json!({ "id": "l0", "after": "start", "choose": [{ "when": "inputs.n > 2", "outcome": "more" }, { "otherwise": "less" }] }),
        json!({ "id": "l1", "after": "l0.more", "uses": action, "outcomes": { "failed": "continue" } }),
        json!({ "id": "l2", "after": [other, "l0.less"], "join": rng.choose(&["any", "settled"]) }),
        json!({ "id": "l3", "after": "l1.failed", "uses": "t.local" }),
    ];
    if rng.percent(30) {
        steps[1]["if"] = json!("values.v < 3");
    }
    if let (Some(step), Value::Object(second)) = (steps[2].as_object_mut(), second) {
        step.extend(second);
    }
    steps
}

struct Generator {
    rng: Rng,
    /// What the ids of steps begin with.
    prefix: String,
    /// How many `each` are around the steps.
    depth: u32,
    /// What is upstream of each step.
    above: Vec<Vec<usize>>,
    /// The outcomes of each step.
    outcomes: Vec<Vec<String>>,
    /// Whether some steps are a section already.
    section: bool,
    /// Whether an `each` around the steps is in order: they take no locks then.
    in_order: bool,
}

impl Generator {
    fn step(&mut self, at: usize) -> Value {
        let mut step = Map::new();
        step.insert("id".to_owned(), json!(self.id(at)));
        let outcomes = self.verb(at, &mut step);
        let above = self.after(at, &mut step);
        self.above.push(above);
        self.outcomes.push(outcomes);
        if self.rng.percent(15) {
            step.insert("if".to_owned(), json!(format!("inputs.n > {}", self.rng.below(3))));
        }
        if self.rng.percent(15) && !step.contains_key("each") && !self.in_order {
            step.insert("lock".to_owned(), json!(self.rng.choose(&["desk", "desk", "pen"])));
        }
        self.dispositions(at, &mut step);
        Value::Object(step)
    }

    fn id(&self, at: usize) -> String {
        format!("{}{at}", self.prefix)
    }

    /// Puts a verb into the step and says what it may come to.
    fn verb(&mut self, at: usize, step: &mut Map<String, Value>) -> Vec<String> {
        match self.rng.below(37) {
            33..=35 => self.task(step),
            36 => self.approve(step),
            32 if at > 0 => self.add(at, step),
            30.. => self.uses(step),
            29 => {
                let given = self.rng.choose(&["${{ values.v + 1 }}", "${{ inputs.n }}", "nonsense"]);
                step.insert("set".to_owned(), json!({ "v": given }));
                words(&["done"])
            }
            26.. if at > 0 => self.stop(at, step),
            24..=25 => self.run(step),
            22..=23 => self.collect(step),
            20..=21 if self.depth < 2 => self.each(at, step),
            0..=9 => self.uses(step),
            10..=12 => self.wait(step),
            13..=14 => self.approve(step),
            15 => self.task(step),
            16..=17 => self.choose(step),
            18 => {
                let limit = self.rng.below(3);
                let check = json!([{ "that": format!("inputs.n > {limit}"), "else": "It is too small." }]);
                step.insert("check".to_owned(), check);
                words(&["passed", "failed"])
            }
            _ => {
                step.insert(
                    "end".to_owned(),
                    json!({ "status": "ended_early", "message": "At ${{ inputs.n }}" }),
                );
                Vec::new()
            }
        }
    }

    /// A few steps for each of a few elements.
    fn each(&mut self, at: usize, step: &mut Map<String, Value>) -> Vec<String> {
        let prefix = format!("{}_", self.id(at));
        let around = (
            std::mem::replace(&mut self.prefix, prefix),
            std::mem::take(&mut self.above),
            std::mem::take(&mut self.outcomes),
        );
        self.depth += 1;
        let is_in_order = self.rng.percent(40);
        let around_in_order = self.in_order;
        self.in_order |= is_in_order;
        let count = self.rng.below(3) + 1;
        let mut steps: Vec<Value> = (0..count).map(|at| self.step(at)).collect();
        if self.depth == 1 && !self.in_order {
            self.section(&mut steps);
        }
        self.in_order = around_in_order;
        let last = self.id(count - 1);
        self.depth -= 1;
        (self.prefix, self.above, self.outcomes) = around;
        let items: Vec<usize> = (0..self.rng.below(5)).collect();
        let join = self.rng.below(items.len().max(1)) + 1;
        let joins = [json!("all"), json!("any"), json!("settled"), json!(join)];
        let mut each = json!({
            "in": items,
            "parallel": self.rng.below(3) + 1,
            "rest": self.rng.choose(&["cancel", "cancel", "continue"]),
            "join": self.rng.pick(&joins),
            "in_order": is_in_order,
            "steps": steps,
            "outputs": { "at": "${{ index }}", "last": format!("${{{{ steps.{last}.outcome }}}}") },
        });
        if self.rng.percent(20) {
            each["until"] = json!(format!("results | length > {}", self.rng.below(3)));
        }
        step.insert("each".to_owned(), each);
        words(&["done", "failed"])
    }

    /// Stops one or two of the steps above.
    fn stop(&mut self, at: usize, step: &mut Map<String, Value>) -> Vec<String> {
        let verb = self.rng.choose(&["cancel", "cancel", "complete"]);
        let (one, other) = (self.rng.below(at), self.rng.below(at));
        step.insert(verb.to_owned(), json!([self.id(one), self.id(other)]));
        words(&["done"])
    }

    /// Adds an element to the step above, which an `each` takes.
    fn add(&mut self, at: usize, step: &mut Map<String, Value>) -> Vec<String> {
        let to = self.rng.below(at);
        step.insert(
            "add".to_owned(),
            json!({ "to": self.id(to), "item": "${{ inputs.n }}" }),
        );
        words(&["done", "closed"])
    }

    /// Keeps a lock from one step to a later one: once in a flow, so that nothing waits for ever.
    fn section(&mut self, steps: &mut [Value]) {
        if self.section || steps.len() < 2 || self.rng.percent(60) {
            return;
        }
        let from = self.rng.below(steps.len() - 1);
        let until = self.rng.below(steps.len() - from - 1) + from + 1;
        let until = self.id(until);
        steps[from]["lock"] = json!({ "name": "section", "until": until });
        self.section = true;
    }

    fn uses(&mut self, step: &mut Map<String, Value>) -> Vec<String> {
        let actions = [
            "t.call",
            "t.once",
            "t.once",
            "t.pure",
            "t.share",
            "t.grant",
            "t.local",
            "workflow.emit",
        ];
        let action = self.rng.choose(&actions);
        step.insert("uses".to_owned(), json!(action));
        let mut with = json!({ "n": "${{ inputs.n }}", "v": "${{ values.v }}", "who": "at ${{ run.id }}" });
        if self.depth > 0 {
            with["item"] = json!("${{ item }} at ${{ index }}");
        }
        if action == "workflow.emit" {
            with = json!({ "type": "t.said", "key": "${{ run.id }}", "data": with });
        }
        step.insert("with".to_owned(), with);
        if self.rng.percent(40) {
            let retry =
                json!({ "attempts": self.rng.below(4) + 1, "backoff": "10 seconds", "factor": 2, "max": "1 minute" });
            step.insert("retry".to_owned(), retry);
        }
        if action == "t.share" && self.depth == 0 && self.rng.percent(10) {
            step.insert("keep".to_owned(), json!("It is wanted later."));
        }
        words(&["done", "failed"])
    }

    fn run(&mut self, step: &mut Map<String, Value>) -> Vec<String> {
        let version = self.rng.choose(&["^1", "^1", "^1", "1.0.0", "^9"]);
        let run = json!({ "flow": "child", "version": version, "with": { "n": "${{ inputs.n }}" } });
        step.insert("run".to_owned(), run);
        words(&CHILD_ENDS)
    }

    fn collect(&mut self, step: &mut Map<String, Value>) -> Vec<String> {
        let mut one = json!({ "title": "One" });
        if self.rng.percent(60) {
            one["review"] = json!(["role:records"]);
        }
        let mut items = json!({ "one": one });
        if self.rng.percent(50) {
            items["two"] = json!({ "title": "Two of ${{ inputs.n }}", "optional": self.rng.percent(50), "max": 2 });
        }
        step.insert("collect".to_owned(), json!({ "from": "role:legal", "items": items }));
        let due = format!("{} hours", self.rng.below(60) + 5);
        let deadline = json!({ "due": due, "remind": ["2 hours before"], "escalate": self.escalate() });
        step.insert("deadline".to_owned(), deadline);
        words(&["complete", "incomplete", "withdrawn"])
    }

    fn alternative(&mut self) -> Value {
        let mut alternative = json!({ "event": self.rng.choose(&["t.ping", "t.pong", "file360.file_uploaded"]) });
        if self.rng.percent(40) {
            alternative["on"] = json!(SUBJECT);
        }
        if self.rng.percent(20) {
            alternative["key"] = json!(KEY);
        }
        if self.rng.percent(20) {
            alternative["where"] = json!("event.n > 0");
        }
        if self.rng.percent(20) {
            alternative["kept"] = json!(false);
        }
        alternative
    }

    fn wait(&mut self, step: &mut Map<String, Value>) -> Vec<String> {
        let (wait, outcomes) = match self.rng.below(6) {
            3 => {
                let when = format!("values.v > {}", self.rng.below(3));
                (json!({ "when": when }), words(&["received", "expired"]))
            }
            0 => (
                json!({ "until": format!("{} hours", self.rng.below(20) + 1) }),
                vec!["received".to_owned()],
            ),
            1 => (self.alternative(), words(&["received", "expired"])),
            2 => {
                let all = json!({ "one": self.alternative(), "two": self.alternative() });
                (json!({ "all": all }), words(&["received", "expired"]))
            }
            _ => {
                let any = json!({ "left": self.alternative(), "right": self.alternative() });
                (json!({ "any": any }), words(&["left", "right", "expired"]))
            }
        };
        let until = wait.get("until").is_some();
        step.insert("wait".to_owned(), wait);
        if !until {
            self.deadline(step);
        }
        outcomes
    }

    fn deadline(&mut self, step: &mut Map<String, Value>) {
        let due = format!("{} hours", self.rng.below(60) + 5);
        let mut deadline = json!({ "due": due });
        if self.rng.percent(50) {
            deadline["remind"] = json!(["2 hours before", "1 hour after"]);
        }
        if self.rng.percent(40) {
            deadline["escalate"] = self.escalate();
        }
        if self.rng.percent(15) {
            step.insert("because".to_owned(), json!("It may take for ever."));
            deadline = json!("none");
        }
        step.insert("deadline".to_owned(), deadline);
    }

    /// Once, or onwards in up to three steps, the last of them perhaps past the deadline.
    fn escalate(&mut self) -> Value {
        let first = json!({ "after": "3 hours", "to": ["role:lead"] });
        if self.rng.percent(50) {
            return first;
        }
        let mut list = vec![first, json!({ "after": "4 hours", "to": ["role:records"] })];
        if self.rng.percent(50) {
            list.push(json!({ "after": "7 hours", "to": ["role:legal", "role:lead"] }));
        }
        Value::Array(list)
    }

    fn approve(&mut self, step: &mut Map<String, Value>) -> Vec<String> {
        let rules = [
            json!("all"),
            json!("any"),
            json!("majority"),
            json!(2),
            json!("60%"),
            json!("in_order"),
        ];
        let mut approve = json!({
            "document": "${{ inputs.document }}",
            "by": ["role:legal"],
            "rule": self.rng.pick(&rules),
            "on_new_version": self.rng.choose(&["reset", "keep"]),
        });
        if self.rng.percent(30) {
            approve["veto"] = json!(["role:lead"]);
        }
        if self.rng.percent(30) {
            approve["exclude"] = json!(["initiator", "uploader"]);
        }
        if self.rng.percent(30) {
            approve["reason"] = json!(["rejected"]);
        }
        if self.rng.percent(30) {
            approve["form"] =
                json!({ "shelf": { "type": "text", "max": 5, "required_for": ["approved", "rejected"] } });
        }
        if self.rng.percent(50) {
            approve["allow"] = json!(["delegate", "reassign", "suspend", "skip", "redo"]);
        }
        self.reach(&mut approve);
        step.insert("approve".to_owned(), approve);
        self.deadline(step);
        words(&["approved", "changes_requested", "rejected", "expired"])
    }

    fn task(&mut self, step: &mut Map<String, Value>) -> Vec<String> {
        let mut task = json!({ "to": ["role:records"], "title": "File ${{ inputs.n }}" });
        if self.rng.percent(50) {
            task["document"] = json!("${{ inputs.document }}");
        }
        if self.rng.percent(50) {
            let required = self.rng.percent(50);
            task["form"] = json!({ "shelf": { "type": "text", "max": 5, "required": required } });
        }
        if self.rng.percent(30) {
            task["exclude"] = json!(["initiator", "uploader"]);
        }
        if self.rng.percent(40) {
            task["distribution"] = json!("assign");
            task["pick"] = json!(
                self.rng
                    .choose(&["random", "round_robin", "shortest_queue", "most_experienced"])
            );
        }
        if self.rng.percent(50) {
            task["allow"] = json!(["release", "suspend", "skip", "redo"]);
        }
        self.reach(&mut task);
        step.insert("task".to_owned(), task);
        self.deadline(step);
        words(&["done", "declined", "expired"])
    }

    fn reach(&mut self, ask: &mut Value) {
        if self.rng.percent(15) {
            ask["hold_back"] = json!("30 minutes");
        }
        if self.rng.percent(20) {
            ask["starts"] = json!(self.rng.choose(&["opened", "taken"]));
        }
        if self.rng.percent(20) {
            ask["priority"] = json!("high");
        }
    }

    fn choose(&mut self, step: &mut Map<String, Value>) -> Vec<String> {
        let limit = self.rng.below(3);
        let choose = json!([{ "when": format!("inputs.n > {limit}"), "outcome": "more" }, { "otherwise": "less" }]);
        step.insert("choose".to_owned(), choose);
        words(&["more", "less"])
    }

    /// Puts `after` and `join` into the step and says what is upstream of it.
    fn after(&mut self, at: usize, step: &mut Map<String, Value>) -> Vec<usize> {
        let before = match self.rng.below(10) {
            _ if at == 0 => Vec::new(),
            0 => {
                step.insert("after".to_owned(), json!("start"));
                Vec::new()
            }
            1..=4 => vec![at - 1],
            _ => {
                let mut edges = Vec::new();
                let mut before = Vec::new();
                for _ in 0..=self.rng.below(3) {
                    let from = self.rng.below(at);
                    before.push(from);
                    let outcomes = self.outcomes[from].clone();
                    if outcomes.is_empty() || self.rng.percent(50) {
                        edges.push(self.id(from));
                    } else {
                        edges.push(format!("{}.{}", self.id(from), self.rng.pick(&outcomes)));
                    }
                }
                edges.sort();
                edges.dedup();
                let joins = [
                    json!("all"),
                    json!("any"),
                    json!("settled"),
                    json!(self.rng.below(edges.len()) + 1),
                ];
                step.insert("join".to_owned(), self.rng.pick(&joins).clone());
                step.insert("after".to_owned(), json!(edges));
                before
            }
        };
        let mut above = before.clone();
        for from in before {
            above.extend(&self.above[from]);
        }
        above.sort_unstable();
        above.dedup();
        above
    }

    fn dispositions(&mut self, at: usize, step: &mut Map<String, Value>) {
        let mut dispositions = Map::new();
        for outcome in self.outcomes[at].clone().into_iter().skip(1) {
            if self.rng.percent(60) {
                dispositions.insert(outcome, self.disposition(at));
            }
        }
        if !dispositions.is_empty() {
            step.insert("outcomes".to_owned(), Value::Object(dispositions));
        }
    }

    fn disposition(&mut self, at: usize) -> Value {
        match self.rng.below(6) {
            0..=1 => json!("continue"),
            2 => json!({ "end": "stopped" }),
            _ if self.above[at].is_empty() => json!("continue"),
            _ => {
                let target = self.rng.choose(&self.above[at].clone());
                let then = if self.rng.percent(50) {
                    json!("continue")
                } else {
                    json!({ "end": "exhausted" })
                };
                json!({ "back_to": self.id(target), "max_rounds": self.rng.below(3) + 2, "then": then })
            }
        }
    }

    fn always(&mut self, at: usize) -> Value {
        let action = self.rng.choose(&["t.call", "t.pure", "t.share", "t.local"]);
        let mut step = json!({ "id": format!("z{at}"), "uses": action, "with": { "n": "${{ inputs.n }}" } });
        if self.rng.percent(50) {
            step["outcomes"] = json!({ "failed": "continue" });
        }
        step
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
