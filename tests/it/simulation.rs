//! Simulations: every flow that is here can be played at random, and the same seed gives the same calendar.

use gatefold::config;
use gatefold::host::throttle::PASSWORDS;
use gatefold::rehearsal::simulation::calendar::What;
use gatefold::rehearsal::simulation::chance::AtRandom;
use gatefold::rehearsal::simulation::player::{Blank, Choice, Player, Scene};
use gatefold::rehearsal::simulation::summary::{Summary, counted};
use gatefold::rehearsal::simulation::{End, MAX_ANSWERS, Request, Simulated, people, simulate};
use gatefold::rehearsal::{CannotPlay, Flow};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Seeds that every flow is played with.
const SEEDS: std::ops::Range<u64> = 0..2;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The flow in `text`, played by people who are made up.
fn of_text(text: &str, seed: u64) -> Request {
    Request {
        flows: vec![Flow {
            name: "t.flow.yaml".to_owned(),
            text: text.to_owned(),
        }],
        directory: people::made_up(&[text]),
        calendars: config::calendars(&package().join("definitions/calendars")).unwrap(),
        folder: PathBuf::from("."),
        inputs: Map::new(),
        settings: Map::new(),
        calendars_from: Vec::new(),
        by: None,
        start: None,
        seed,
        until: None,
    }
}

/// The flow in a file with the others of its folder, and the people and calendars beside or above it.
fn of_file(path: &Path, seed: u64) -> Request {
    let folder = path.parent().unwrap();
    let flow = |path: &Path| Flow {
        name: path.display().to_string(),
        text: fs::read_to_string(path).unwrap(),
    };
    let near = |name: &str| [folder, folder.parent().unwrap()].map(|place| place.join(name));
    let people = near("people.yaml").into_iter().find(|file| file.is_file()).unwrap();
    let calendars = near("calendars").into_iter().find(|place| place.is_dir()).unwrap();
    let first = flow(path);
    let mut others: Vec<Flow> = flows_in(folder)
        .iter()
        .filter(|other| *other != path)
        .map(|path| flow(path))
        .collect();
    others.retain(|other| {
        let name = other.text.lines().find_map(|line| line.strip_prefix("flow: ")).unwrap();
        first.text.contains(&format!("flow: {name}"))
    });
    Request {
        flows: std::iter::once(first).chain(others).collect(),
        directory: config::people::read(&people).unwrap(),
        calendars: config::calendars(&calendars).unwrap(),
        folder: folder.to_owned(),
        ..of_text("", seed)
    }
}

fn flows_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| path.to_string_lossy().ends_with(".flow.yaml"))
        .collect();
    found.sort();
    found
}

fn at_random(request: &Request) -> Result<Simulated, CannotPlay> {
    simulate(request, &mut AtRandom::new(request.seed))
}

fn all_flows() -> Vec<PathBuf> {
    let folders = [
        "definitions",
        "tests/patterns/control",
        "tests/patterns/resource",
        "tests/patterns/data",
    ];
    folders
        .iter()
        .flat_map(|folder| flows_in(&package().join(folder)))
        .collect()
}

#[test]
fn every_flow_can_be_played_at_random_and_the_same_seed_gives_the_same_calendar() {
    let flows = all_flows();
    assert!(flows.len() > 100, "{}", flows.len());
    let mut ends = std::collections::BTreeMap::<String, usize>::new();
    let mut faults = Vec::new();
    for path in &flows {
        for seed in SEEDS {
            let request = of_file(path, seed);
            let played = at_random(&request).map_err(|why| format!("{why:?}"));
            if played != at_random(&request).map_err(|why| format!("{why:?}")) {
                faults.push(format!("{} with seed {seed} goes otherwise each time", path.display()));
            }
            match played {
                Ok(played) => *ends.entry(played.end.word().to_owned()).or_default() += 1,
                Err(why) => faults.push(format!("{} with seed {seed}: {why}", path.display())),
            }
        }
    }
    assert!(faults.is_empty(), "{}\n{ends:?}", faults.join("\n"));
    assert!(ends["completed"] > flows.len(), "{ends:?}");
}

/// Takes what is written, one after the other, and then time.
struct Written(Vec<&'static str>, Vec<String>);

impl Player for Written {
    fn choose(&mut self, scene: &Scene<'_>) -> Choice {
        let Some(words) = self.0.first().copied() else {
            return if scene.next.is_some() {
                Choice::Pass
            } else {
                Choice::Quit
            };
        };
        let found = scene.moves.iter().position(|one| one.label.contains(words));
        let labels: Vec<&String> = scene.moves.iter().map(|one| &one.label).collect();
        let index = found.unwrap_or_else(|| panic!("nothing has {words:?} in it: {labels:#?}"));
        self.0.remove(0);
        let minutes = i64::from(!scene.moves[index].is_at_once);
        Choice::Do {
            index,
            after: SignedDuration::from_mins(minutes),
        }
    }

    fn fill(&mut self, blank: &Blank) -> Option<Value> {
        blank.made_up.clone().filter(|_| blank.is_needed)
    }

    fn refused(&mut self, why: &str) {
        self.1.push(why.to_owned());
    }
}

fn written(request: &Request, words: &[&'static str]) -> (Simulated, Vec<String>) {
    let mut player = Written(words.to_vec(), Vec::new());
    let played = simulate(request, &mut player).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!(player.0, [""; 0], "not everything happened");
    (played, player.1)
}

/// The lines about these, without moments.
fn lines(played: &Simulated, what: &[What]) -> Vec<String> {
    let lines = played.lines.iter().filter(|line| what.contains(&line.what));
    lines
        .map(|line| format!("{} {}: {}", line.what.word(), line.place(), line.words(&played.zone)))
        .collect()
}

#[test]
fn reminders_escalations_and_deadlines_come_with_the_reason_for_their_moment() {
    let request = of_file(&package().join("definitions/external-review.flow.yaml"), 1);
    let (played, _) = written(&request, &["uploads a new version"]);
    assert_eq!(played.end, End::Ended("expired".to_owned()));
    assert_eq!(
        lines(&played, &[What::Waits, What::Task, What::Escalation, What::Deadline]),
        [
            "waits response: for file360.file_uploaded or file360.comment_added, until Mon 2026-03-16 10:00, \
             10 business days after it began",
            "task approval: anna, ben and carla are asked about document.pdf, version 2, until Mon 2026-03-09 10:01, \
             5 business days after it began",
            "escalation approval: to role:legal-lead, 3 business days after it began",
            "deadline approval: expired, 5 business days after it began",
        ]
    );
    let request = of_file(&package().join("definitions/external-review.flow.yaml"), 1);
    let (played, _) = written(&request, &[]);
    assert_eq!(
        lines(&played, &[What::Reminder, What::Mail]),
        [
            "mail : to reviewer@example.com: Review of document.pdf",
            "reminder response: 3 business days before it is due",
            "mail : to reviewer@example.com: Reminder: your answer is missing: Wait for comments or a new version",
            "reminder response: 1 business day before it is due",
            "mail : to reviewer@example.com: Reminder: your answer is missing: Wait for comments or a new version",
            "mail late: to carla@example.com: reviewer@example.com has not answered",
        ]
    );
}

#[test]
fn every_escalation_of_a_list_is_in_the_calendar() {
    let text = "flow: t
version: 1.0.0
steps:
  - id: paid
    wait: { event: shop.paid, key: o1 }
    deadline:
      due: 9 days
      escalate: [{ after: 2 days, to: [user:ben] }, { after: 4 days, to: [role:legal-lead] }, { after: 5 days, to: [user:anna] }]
    outcomes: { expired: { end: unpaid } }
";
    let (played, _) = written(&of_text(text, 1), &[]);
    assert_eq!(played.end, End::Ended("unpaid".to_owned()));
    assert_eq!(
        lines(&played, &[What::Escalation]),
        [
            "escalation paid: to ben, 2 days after it began",
            "escalation paid: to role:legal-lead, 4 days after it began",
            "escalation paid: to anna, 5 days after it began",
        ]
    );
}

const CALLS: &str = "flow: t
version: 1.0.0
steps:
  - id: ask
    uses: http.request
    with: { url: 'https://a.example.com/x' }
    outcomes: { failed: { end: failed } }
  - id: sure
    choose: [{ when: steps.ask.body.sure, outcome: 'yes' }, { otherwise: 'no' }]
    outcomes: { 'no': { end: unsure } }
  - id: paid
    wait: { event: shop.paid, key: o1, where: event.amount > 3 }
    deadline: { due: 3 days }
    outcomes: { expired: { end: unpaid } }
";

#[test]
fn calls_and_events_from_outside_are_answered_and_what_the_flow_reads_of_them_is_there() {
    let seed = (0..20).find(|seed| {
        let (played, refused) = written(&of_text(CALLS, *seed), &["ask: http.request is done"]);
        assert_eq!(refused, [""; 0]);
        let is_unsure = played.end == End::Ended("unsure".to_owned());
        assert!(
            is_unsure || played.end == End::Ended("unpaid".to_owned()),
            "{:?}",
            played.end
        );
        !is_unsure
    });
    let request = of_text(CALLS, seed.expect("one of them is sure"));
    let ends = |words: &[&'static str]| written(&request, words).0.end;
    let amounts = ["ask: http.request is done", "paid: shop.paid of o1 comes"];
    assert!([End::Ended("completed".to_owned()), End::Ended("unpaid".to_owned())].contains(&ends(&amounts)));
    assert_eq!(
        ends(&["ask: http.request fails for good"]),
        End::Ended("failed".to_owned())
    );
    // nobody answers, and after a minute the call is given up
    assert_eq!(ends(&[]), End::Ended("failed".to_owned()));
}

#[test]
fn a_run_that_fails_is_helped_on_by_an_administrator() {
    let text = CALLS.replace("    outcomes: { failed: { end: failed } }\n", "");
    let request = of_text(&text, 1);
    let (played, _) = written(&request, &["ask: http.request fails for good", "cancels the run"]);
    assert_eq!(played.end, End::Ended("cancelled".to_owned()));
    let told = lines(&played, &[What::Incident]);
    assert!(
        told[0].starts_with("incident ask: an administrator has to look: "),
        "{told:?}"
    );
}

/// Does nothing so often, and then has enough.
struct Idle(usize);

impl Player for Idle {
    fn choose(&mut self, scene: &Scene<'_>) -> Choice {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                Choice::PassTo(scene.now)
            }
            None => Choice::Quit,
        }
    }

    fn fill(&mut self, _blank: &Blank) -> Option<Value> {
        None
    }

    fn refused(&mut self, _why: &str) {}
}

const TASK: &str = "flow: t
version: 1.0.0
steps:
  - id: letter
    task: { to: [user:anna], title: A letter, allow: [delegate, suspend] }
    deadline: { due: 9 days }
    outcomes: { declined: { end: declined }, expired: { end: late } }
";

/// Plays as another player does, and keeps what may happen each time.
struct Seen<P>(P, Vec<Vec<String>>);

impl<P: Player> Player for Seen<P> {
    fn choose(&mut self, scene: &Scene<'_>) -> Choice {
        self.1.push(scene.moves.iter().map(|one| one.label.clone()).collect());
        self.0.choose(scene)
    }

    fn fill(&mut self, blank: &Blank) -> Option<Value> {
        self.0.fill(blank)
    }

    fn refused(&mut self, why: &str) {
        self.0.refused(why);
    }
}

#[test]
fn people_pass_their_tasks_on_and_let_them_rest() {
    let words = [
        "anna lets it rest",
        "anna lets it go on",
        "anna lets somebody else act",
        "answers done",
    ];
    let (played, refused) = written(&of_text(TASK, 1), &words);
    assert_eq!((played.end.word(), refused), ("completed", Vec::new()));
    let told = lines(&played, &[What::Answer]);
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[0].contains("anna") && told[2].contains("anna"), "{told:#?}");
    let mut player = Seen(Written(vec!["anna lets it rest"], Vec::new()), Vec::new());
    simulate(&of_text(TASK, 1), &mut player).unwrap();
    let answers = |labels: &Vec<String>| labels.iter().filter(|label| label.contains("answers")).count();
    assert_eq!(
        (answers(&player.1[0]), answers(&player.1[1])),
        (2, 0),
        "what rests is answered by nobody"
    );

    let at_random: Vec<String> = (0..200)
        .flat_map(|seed| lines(&at_random(&of_text(TASK, seed)).unwrap(), &[What::Answer]))
        .collect();
    for word in ["suspend", "resume", "delegate"] {
        assert!(
            at_random.iter().any(|line| line.contains(word)),
            "{word}: {at_random:#?}"
        );
    }
}

const CODE: &str = "flow: t
version: 1.0.0
steps:
  - id: papers
    collect:
      from: email:sam@example.com
      code_by_mail: true
      items: { passport: { title: Passport, accept: [pdf] } }
    deadline: { due: 9 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

/// Plays as another player does, types so many codes wrong first, and hears what is refused.
struct Typist<P>(P, usize, Vec<String>);

impl<P: Player> Player for Typist<P> {
    fn choose(&mut self, scene: &Scene<'_>) -> Choice {
        self.0.choose(scene)
    }

    fn fill(&mut self, blank: &Blank) -> Option<Value> {
        match self.1.checked_sub(1) {
            Some(left) if blank.name == "code" => {
                self.1 = left;
                Some(json!("no code"))
            }
            _ => self.0.fill(blank),
        }
    }

    fn refused(&mut self, why: &str) {
        self.2.push(why.to_owned());
    }
}

#[test]
fn who_has_a_link_that_asks_for_a_code_types_it() {
    let request = of_text(CODE, 1);
    let play = |wrong: usize| {
        let give = Written(vec!["sam@example.com gives Passport"], Vec::new());
        let mut player = Typist(give, wrong, Vec::new());
        let played = simulate(&request, &mut player).unwrap();
        (
            played.end.word().to_owned(),
            player.2.len(),
            lines(&played, &[What::Mail]),
        )
    };
    let (end, refused, mails) = play(0);
    assert_eq!((end.as_str(), refused), ("completed", 0));
    assert!(mails.iter().any(|mail| mail.contains("Your code")), "{mails:?}");
    let (end, refused, _) = play(1);
    assert_eq!((end.as_str(), refused), ("completed", 1));
    // after so many wrong ones no code is looked at for a while, and sam does not come in
    let most = PASSWORDS.failures as usize;
    let (end, refused, _) = play(most);
    assert_eq!((end.as_str(), refused), ("incomplete", most + 1));
}

#[test]
fn some_codes_are_typed_wrong_at_random() {
    let mut wrong = 0;
    let mut ends = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let mut player = Typist(AtRandom::new(seed), 0, Vec::new());
        ends.insert(
            simulate(&of_text(CODE, seed), &mut player)
                .unwrap()
                .end
                .word()
                .to_owned(),
        );
        wrong += player.2.iter().filter(|why| why.contains("code")).count();
    }
    assert!(wrong > 0 && ends.contains("completed"), "{wrong} {ends:?}");
}

#[test]
fn a_document_starts_the_run_before_it_expires() {
    let text = "flow: t
version: 1.0.0
on:
  document:
    expires_within: 30 days
    in: /suppliers
    where: event.file.name == 'document.pdf'
    inputs: { paper: '${{ event.file.name }}', until: '${{ event.valid_until }}' }
inputs: { paper: { type: text }, until: { type: date } }
steps:
  - id: renew
    task: { to: [user:anna], title: 'Renew ${{ inputs.paper }}' }
    deadline: { due: 5 days }
    outcomes: { declined: { end: declined }, expired: { end: late } }
";
    let request = of_text(text, 1);
    let (played, refused) = written(&request, &["anna answers done"]);
    assert_eq!((played.end.word(), refused), ("completed", Vec::new()));
    assert_eq!(played.inputs["paper"], "document.pdf");
    let until: jiff::civil::Date = played.inputs["until"].as_str().unwrap().parse().unwrap();
    let began = played.began.to_zoned(jiff::tz::TimeZone::UTC).date();
    let days = began.until(until).unwrap().get_days();
    assert!((29..=31).contains(&days), "it began {began} for {until}");
    // inputs that are given, or a document that the flow does not want, start it by hand
    let mut given = request.clone();
    given.inputs = json!({ "paper": "a.pdf", "until": "2026-09-01" })
        .as_object()
        .unwrap()
        .clone();
    assert_eq!(written(&given, &["anna answers done"]).0.inputs["paper"], "a.pdf");
    let other = of_text(&text.replace("'document.pdf'", "'other.pdf'"), 1);
    let (played, refused) = written(&other, &["anna answers done"]);
    assert_eq!((played.made_up.len(), refused.len()), (2, 1));
}

#[test]
fn after_so_many_answers_it_is_over() {
    let request = of_text(CALLS, 1);
    let end = |idle: usize| simulate(&request, &mut Idle(idle)).unwrap().end;
    assert_eq!(end(MAX_ANSWERS - 1), End::Quit);
    let End::TooMuch(why) = end(MAX_ANSWERS) else {
        panic!("it goes on");
    };
    assert!(why.contains(&format!("{MAX_ANSWERS} answers")), "{why}");
}

#[test]
fn the_time_that_is_wanted_is_not_passed() {
    let request = Request {
        until: Some("4 days".to_owned()),
        start: Some("2026-06-01T08:30".to_owned()),
        ..of_file(&package().join("definitions/external-review.flow.yaml"), 1)
    };
    let (played, _) = written(&request, &[]);
    assert_eq!((played.end, played.passed.as_hours()), (End::TimeOver, 96));
    // half past eight in Madrid
    assert_eq!(played.began.to_string(), "2026-06-01T06:30:00Z");
}

#[test]
fn what_cannot_be_played_is_told() {
    let why = |request: &Request| match at_random(request) {
        Err(CannotPlay::Wrong(why)) => why,
        other => panic!("{other:?}"),
    };
    let review = of_file(&package().join("definitions/external-review.flow.yaml"), 1);
    let nobody = Request {
        by: Some("nobody".to_owned()),
        ..review.clone()
    };
    assert!(why(&nobody).contains("there is no person \"nobody\"; there is admin, anna"));
    let chief = Request {
        flows: vec![Flow {
            name: "asks.flow.yaml".to_owned(),
            text: "flow: asks\nversion: 1.0.0\ninputs: { chief: { type: person } }\nsteps:\n  - id: ask\n    task: { to: [\"${{ inputs.chief }}\"] }\n    deadline: { due: 5 days }\n    outcomes: { declined: { end: declined }, expired: { end: late } }\n".to_owned(),
        }],
        inputs: serde_json::Map::from_iter([("chief".to_owned(), json!("user:nobody"))]),
        ..review.clone()
    };
    assert!(
        why(&chief).contains("the input chief names \"nobody\", and there is no such person; there is admin, anna"),
        "{}",
        why(&chief)
    );
    let mut odd = review.clone();
    odd.inputs.insert("reviewer".to_owned(), json!("no address"));
    assert!(why(&odd).contains("input reviewer"), "{}", why(&odd));
    let soon = Request {
        start: Some("soon".to_owned()),
        ..review.clone()
    };
    assert!(why(&soon).contains("`soon` is no moment"));
    let broken = of_text("flow: t\nversion: 1.0.0\nsteps: [{ id: a, uses: nothing.there }]\n", 1);
    assert!(matches!(at_random(&broken), Err(CannotPlay::Flows(files)) if files.len() == 1));
}

#[test]
fn a_sub_flow_is_played_with_the_flow_that_runs_it() {
    let path = package().join("definitions/supplier-onboarding.flow.yaml");
    let played = (0..20).map(|seed| at_random(&of_file(&path, seed)).unwrap());
    let told: Vec<Vec<String>> = played
        .map(|played| lines(&played, &[What::SubFlow, What::Started, What::Ended]))
        .collect();
    let begins = "sub-flow screening: sanctions-screening 1.1.0 begins";
    let found = told
        .iter()
        .find(|lines| lines.iter().any(|line| line.starts_with("sub-flow screening")));
    let found = found.unwrap_or_else(|| panic!("{told:#?}"));
    assert!(found[1].starts_with(&begins[..42]), "{found:#?}");
    assert_eq!(found[2], "started sanctions-screening: by dora");
}

#[test]
fn many_simulations_are_counted() {
    let mut summary = Summary::default();
    for seed in 0..30 {
        summary.add(&at_random(&of_file(&package().join("definitions/external-review.flow.yaml"), seed)).unwrap());
    }
    assert_eq!((summary.count, summary.ends.values().sum::<usize>()), (30, 30));
    assert!(summary.ends.len() > 1, "{:?}", summary.ends);
    assert!(summary.outcomes["room"]["done"] >= 30, "{:?}", summary.outcomes);
    let (shortest, longest) = summary.lengths.unwrap();
    assert!(shortest < longest);
    let data = summary.to_json();
    assert_eq!(data["count"], 30);
    let counts = [("a", 2), ("b", 5), ("c", 2)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counted(&counts.into()), "b 5, a 2, c 2");
}

const FORM: &str = "flow: form
version: 1.0.0
settings: { shelf: { type: text } }
steps:
  - id: shelve
    task:
      to: [user:anna]
      form:
        number: { type: text, min: 1, required: true }
        count: { type: integer, max: 3, required: true }
    deadline:
      due: 5 days
      remind: [1 day before]
      escalate: { after: 4 days, to: [user:ben] }
    outcomes: { declined: { end: declined }, expired: { end: expired } }
";

/// Fills in what is written, and answers nothing but that.
struct Filler(Vec<Value>, Vec<String>);

impl Player for Filler {
    fn choose(&mut self, scene: &Scene<'_>) -> Choice {
        let done = scene
            .moves
            .iter()
            .position(|one| one.label.contains("anna answers done"));
        done.filter(|_| !self.0.is_empty())
            .map_or(Choice::Quit, |index| Choice::Do {
                index,
                after: SignedDuration::ZERO,
            })
    }

    fn fill(&mut self, _blank: &Blank) -> Option<Value> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    fn refused(&mut self, why: &str) {
        self.1.push(why.to_owned());
    }
}

fn form() -> Request {
    let settings = serde_json::json!({ "shelf": "7" })
        .as_object()
        .cloned()
        .unwrap_or_default();
    Request {
        settings,
        ..of_text(FORM, 1)
    }
}

#[test]
fn what_is_filled_in_wrongly_is_asked_again() {
    let given = ["", "007", "5", "3"].map(Value::from);
    let mut player = Filler(given.to_vec(), Vec::new());
    let played = simulate(&form(), &mut player).unwrap();
    assert_eq!(played.end, End::Ended("completed".to_owned()), "{:?}", player.1);
    assert_eq!(
        player.1,
        ["number must be at least 1 character", "count must be at most 3"]
    );
    assert!(
        simulate(&of_text(FORM, 1), &mut player).is_err(),
        "a setting is missing"
    );
}

#[test]
fn a_reminder_and_an_escalation_at_one_moment_have_each_their_own_reason() {
    let (played, _) = written(&form(), &[]);
    let told = lines(&played, &[What::Reminder, What::Escalation]);
    let has = |word: &str, why: &str| told.iter().any(|line| line.starts_with(word) && line.ends_with(why));
    assert!(has("reminder", "1 day before it is due"), "{told:?}");
    assert!(has("escalation", "4 days after it began"), "{told:?}");
}
