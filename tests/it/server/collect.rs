//! A checklist through its link: what is taken, what is refused and why, what comes of it.

use crate::harness::{Ask, Harness};
use axum::http::StatusCode;
use gatefold::audit::AccessKind;
use gatefold::space::Role;
use serde_json::{Value, json};

const PAPERS: &str = "flow: papers
version: 1.0.0
calendar: madrid
outputs: { tax: \"${{ steps.papers.items.tax.file.name }}\", until: \"${{ steps.papers.items.cover.valid_until or 'none' }}\" }
steps:
  - id: papers
    title: Your papers
    collect:
      from: email:rosa@outside.example
      into: /suppliers
      items:
        tax: { title: Tax form, accept: [pdf], max_size: 20 B, review: [user:anna] }
        cover: { title: Insurance, valid_until: required, at_least: 30 days, renew_before: 30 days, label: [confidential, insurance], or_because: true }
        iso:
          title: ISO certificate
          optional: true
          max: 2
          checks: [{ where: \"'27001' in file.name\", else: Please put 27001 into the name. }]
    deadline: { due: 10 days, remind: [2 days before] }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

/// A run that asks Rosa, and the path of her link.
struct Asked {
    harness: Harness,
    run: String,
    path: String,
}

impl Asked {
    async fn new() -> Self {
        Self::of(PAPERS).await
    }

    async fn of(yaml: &str) -> Self {
        let harness = Harness::new().await;
        harness.deploy(yaml).await;
        let run = harness.begin("papers", json!({})).await.to_string();
        let mail = wait_for(async || harness.mails.lock().unwrap().pop()).await;
        assert_eq!(mail.to, ["rosa@outside.example"]);
        assert!(
            mail.text
                .starts_with("You are asked for documents: Your papers\n\n- Tax form\n"),
            "{}",
            mail.text
        );
        let mut words = mail.text.split_whitespace();
        let link = words.find_map(|word| word.strip_prefix("http://gatefold.test/s/"));
        let path = format!("/api/v1/links/{}", link.expect("the link is in the mail"));
        Self { harness, run, path }
    }

    fn post(&self, rest: &str) -> Ask {
        self.harness.post(&format!("{}{rest}", self.path))
    }

    /// Sends a file for an item; gives the status and what was said.
    async fn give(&self, item_and_query: &str, bytes: &'static str) -> (StatusCode, Value) {
        let answer = self.post(&format!("/items/{item_and_query}")).body(bytes).send().await;
        (answer.status, answer.json())
    }

    async fn view(&self) -> Value {
        self.harness.get(&self.path).send().await.json()
    }

    async fn item(&self, name: &str) -> Value {
        let view = self.view().await;
        let items = view["items"].as_array().expect("it is a request");
        items
            .iter()
            .find(|item| item["name"] == name)
            .expect("there is such an item")
            .clone()
    }

    /// Waits until the item stands so.
    async fn stands(&self, name: &str, state: &str) -> Value {
        wait_for(async || Some(self.item(name).await).filter(|item| item["state"] == state)).await
    }

    async fn task(&self) -> Value {
        wait_for(async || {
            let tasks = self.harness.get("/api/v1/tasks").by("anna").send().await.json();
            tasks["items"].as_array()?.first().cloned()
        })
        .await
    }

    async fn decide(&self, task: &Value, decision: &str, reason: Option<&str>) -> StatusCode {
        let path = format!("/api/v1/tasks/{}/decision", task["id"].as_str().unwrap());
        let mut body = json!({ "decision": decision, "sha256": task["document"]["sha256"] });
        if let Some(reason) = reason {
            body["reason"] = json!(reason);
        }
        self.harness.post(&path).by("anna").json(&body).send().await.status
    }

    async fn ended(&self) -> Value {
        let path = format!("/api/v1/runs/{}", self.run);
        wait_for(async || {
            let run = self.harness.get(&path).by("operator").send().await.json();
            run.to_string().contains("\"ended_at\":\"").then_some(run)
        })
        .await
    }
}

async fn wait_for<T>(look: impl AsyncFn() -> Option<T>) -> T {
    loop {
        if let Some(found) = look().await {
            return found;
        }
        crate::turn::turn().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_workspace_takes_nothing_for_an_item() {
    let room = "  - { id: room, uses: file360.create_workspace, with: { name: Room } }\n";
    let close = "  - { id: closed, after: room, uses: file360.close_workspace, with: { workspace: '${{ steps.room.workspace }}' } }\n";
    let yaml = PAPERS
        .replace("steps:\n  - id: papers\n", &format!("steps:\n{room}  - id: papers\n"))
        .replace("into: /suppliers", "into: ${{ steps.room.workspace }}");
    let asked = Asked::of(&format!("{yaml}{close}")).await;
    let (status, answer) = asked.give("iso?name=27001.txt", "certificate").await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert!(answer.to_string().contains("the workspace is closed"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn papers_come_item_by_item_until_everything_counts() {
    let asked = Asked::new().await;
    let view = asked.view().await;
    assert_eq!(view["name"], "Your papers");
    assert_eq!(view["items"][0]["state"], "missing");
    assert!(!view.to_string().contains("anna"), "who looks at it is not told");

    let (status, given) = asked.give("tax?name=w9.pdf", "%PDF-1.7 one").await;
    assert_eq!(status, StatusCode::CREATED, "{given}");
    asked.stands("tax", "in_review").await;
    let task = asked.task().await;
    assert_eq!(
        asked.decide(&task, "sent_back", Some("page 2 is missing")).await,
        StatusCode::OK
    );
    let item = asked.stands("tax", "sent_back").await;
    assert_eq!(item["reason"], "page 2 is missing");
    let mail = wait_for(async || {
        let mails = asked.harness.mails.lock().unwrap();
        mails.iter().find(|mail| mail.to == ["rosa@outside.example"]).cloned()
    })
    .await;
    assert!(
        mail.text.contains("page 2 is missing") && mail.text.contains("/s/"),
        "{}",
        mail.text
    );
    assert!(
        !mail.text.contains("anna") && !mail.text.contains("Anna"),
        "{}",
        mail.text
    );

    let (status, given) = asked.give("tax?name=w9.pdf", "%PDF-1.7 two").await;
    assert_eq!((status, &given["version"]), (StatusCode::CREATED, &json!(2)));
    asked.stands("tax", "in_review").await;
    let again = wait_for(async || Some(asked.task().await).filter(|again| *again != task)).await;
    assert_eq!(asked.decide(&again, "accepted", None).await, StatusCode::OK);
    asked.stands("tax", "accepted").await;
    let (status, told) = asked.give("tax?name=w9.pdf", "%PDF-1.7 three").await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");

    let (status, _) = asked
        .give("cover?name=cover.txt&valid_until=2027-01-31", "covered")
        .await;
    assert_eq!(status, StatusCode::CREATED);
    let run = asked.ended().await;
    assert!(run.to_string().contains("\"until\":\"2027-01-31\""), "{run}");
    let closed = asked.harness.get(&asked.path).send().await;
    assert_eq!(closed.status, StatusCode::GONE);
    assert_eq!(closed.problem(), "complete");
    let (status, told) = asked.give("iso?name=27001.txt", "late").await;
    assert_eq!(status, StatusCode::GONE);
    let told = told["detail"].as_str().unwrap();
    assert_eq!(told, "this checklist is complete, and nothing more is needed of you");
    let page = asked.harness.get(&asked.path.replace("/api/v1/links/", "/s/"));
    let page = page.header("accept", "text/html").send().await.text().to_owned();
    assert!(
        page.contains("This checklist is complete") && !page.contains("anna"),
        "{page}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_is_refused_with_what_was_expected() {
    let asked = Asked::new().await;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    for (give, bytes, expected, words) in [
        ("tax?name=a.pdf", "MZ\u{90}", unprocessable, "takes pdf"),
        ("tax?name=a.exe", "%PDF-1.7", unprocessable, "The name"),
        (
            "tax?name=a.pdf",
            "%PDF-1.7 and far too much",
            StatusCode::PAYLOAD_TOO_LARGE,
            "20",
        ),
        (
            "tax?name=a.pdf&valid_until=2027-01-01",
            "%PDF-1.7",
            unprocessable,
            "no day",
        ),
        ("tax?name=..", "%PDF-1.7", unprocessable, "must not be"),
        ("cover?name=a.txt", "x", unprocessable, "Enter the day"),
        (
            "cover?name=a.txt&valid_until=2026-12-01",
            "x",
            unprocessable,
            "2026-12-23",
        ),
        (
            "cover?name=a.txt&valid_until=soon",
            "x",
            unprocessable,
            "must be a date",
        ),
        ("iso?name=a.txt", "x", unprocessable, "Please put 27001 into the name."),
        ("other?name=a.txt", "x", StatusCode::NOT_FOUND, "item"),
    ] {
        let (status, told) = asked.give(give, bytes).await;
        assert_eq!(status, expected, "{give}: {told}");
        assert!(told["detail"].as_str().unwrap().contains(words), "{give}: {told}");
    }
    let plain = asked.post("/files?name=a.pdf").body("%PDF-1.7").send().await;
    assert_eq!(plain.status, unprocessable, "{}", plain.text());
    let view = asked.view().await;
    assert!(
        view["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["state"] == "missing"),
        "{view}"
    );
    let log = asked.harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    let refused = log
        .iter()
        .filter(|(_, entry)| entry.kind == AccessKind::Upload && entry.refused.is_some());
    assert_eq!(refused.count(), 11, "every refusal is logged");
}

#[tokio::test(start_paused = true)]
async fn what_was_given_is_taken_back_until_somebody_accepted_it() {
    let asked = Asked::new().await;
    let (_, given) = asked.give("tax?name=w9.pdf", "%PDF-1.7").await;
    asked.stands("tax", "in_review").await;
    asked.task().await;
    let body = json!({ "file": given["id"] });
    let back = asked.post("/items/tax/remove").json(&body).send().await;
    assert_eq!(back.status, StatusCode::NO_CONTENT, "{}", back.text());
    asked.stands("tax", "missing").await;
    wait_for(async || {
        let tasks = asked.harness.get("/api/v1/tasks").by("anna").send().await;
        (!tasks.text().contains("Tax form")).then_some(())
    })
    .await;
    let gone = format!("{}/files/{}", asked.path, given["id"].as_str().unwrap());
    assert_eq!(asked.harness.get(&gone).send().await.status, StatusCode::NOT_FOUND);
    let twice = asked.post("/items/tax/remove").json(&body).send().await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
    for name in ["27001-a.txt", "27001-b.txt"] {
        let give = format!("iso?name={name}");
        let answer = asked.post(&format!("/items/{give}")).body("x").send().await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    let (status, told) = asked.give("iso?name=27001-c.txt", "x").await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_may_be_left_out_does_not_apply_and_the_giver_may_give_nothing() {
    let asked = Asked::new().await;
    let because = json!({ "because": "We have none." });
    let needed = asked.post("/items/tax/not_applicable").json(&because).send().await;
    assert_eq!(needed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let empty = json!({ "because": " " });
    let mute = asked.post("/items/cover/not_applicable").json(&empty).send().await;
    assert_eq!(mute.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = asked.post("/items/cover/not_applicable").json(&because).send().await;
    assert_eq!(said.status, StatusCode::NO_CONTENT);
    assert_eq!(asked.stands("cover", "not_applicable").await["reason"], "We have none.");
    let gone = asked
        .post("/withdraw")
        .json(&json!({ "reason": "No business." }))
        .send()
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let run = asked.ended().await;
    assert!(run.to_string().contains("withdrawn"), "{run}");
}

#[tokio::test(start_paused = true)]
async fn a_share_is_no_request_and_a_reader_gives_nothing() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let give = harness
        .post(&link.path("/items/tax?name=a.pdf"))
        .body("%PDF-1.7")
        .send()
        .await;
    assert_eq!(give.status, StatusCode::NOT_FOUND);
    let reason = json!({ "reason": "no" });
    let gone = harness.post(&link.path("/withdraw")).json(&reason).send().await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let view = harness.get(&link.path("")).send().await.json();
    assert_eq!(view.get("items"), None);
    let reader = harness.share(Role::Comment).await;
    let give = harness
        .post(&reader.path("/items/tax?name=a.pdf"))
        .body("%PDF-1.7")
        .send()
        .await;
    assert_eq!(give.status, StatusCode::FORBIDDEN);
    let gone = harness.post(&reader.path("/withdraw")).json(&reason).send().await;
    assert_eq!(gone.status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn a_reminder_names_what_is_missing_and_nothing_else() {
    let asked = Asked::new().await;
    let (status, _) = asked
        .give("cover?name=cover.txt&valid_until=2027-01-31", "covered")
        .await;
    assert_eq!(status, StatusCode::CREATED);
    asked.stands("cover", "accepted").await;
    tokio::time::advance(std::time::Duration::from_hours(24 * 8 + 1)).await;
    let mail = wait_for(async || asked.harness.mails.lock().unwrap().pop()).await;
    assert_eq!(mail.to, ["rosa@outside.example"]);
    assert!(mail.text.contains("- Tax form\n"), "{}", mail.text);
    assert!(
        !mail.text.contains("Insurance") && !mail.text.contains("ISO"),
        "{}",
        mail.text
    );
    tokio::time::advance(std::time::Duration::from_hours(24 * 2)).await;
    let run = asked.ended().await;
    assert!(run.to_string().contains("incomplete"), "{run}");
    let closed = asked.harness.get(&asked.path).send().await;
    assert_eq!(closed.status, StatusCode::GONE);
    assert!(!closed.text().contains("is complete"), "{}", closed.text());
}

#[tokio::test(start_paused = true)]
async fn a_browser_shows_the_checklist_and_its_forms_work() {
    let asked = Asked::new().await;
    let page = asked.path.replace("/api/v1/links/", "/s/");
    let html = |rest: &str| {
        asked
            .harness
            .post(&format!("{page}{rest}"))
            .header("accept", "text/html")
    };
    let look = async || {
        let page = asked.harness.get(&page).header("accept", "text/html").send().await;
        page.text().to_owned()
    };
    let text = look().await;
    assert!(
        text.contains("<h2>Tax form</h2>") && text.contains("type=\"date\""),
        "{text}"
    );
    assert!(!text.contains("Add a file") && !text.contains("anna"), "{text}");
    // as the mails say it
    assert!(text.contains(" (Europe/Madrid).</p>"), "{text}");
    for wanted in [
        "<p>pdf; 20 B at most</p>",
        "<p>valid for at least 30 days from the day you send it</p>",
        "<li>Please put 27001 into the name.</li>",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(
        asked.item("iso").await["checks"],
        json!(["Please put 27001 into the name."])
    );
    assert!(
        !asked.view().await.to_string().contains("in file.name"),
        "the condition is not theirs"
    );
    let form = "--x\r\nContent-Disposition: form-data; name=\"valid_until\"\r\n\r\n2027-01-31\r\n--x\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"cover.txt\"\r\n\r\ncovered\r\n--x--\r\n";
    let given = html("/items/cover").header("content-type", "multipart/form-data; boundary=x");
    let given = given.body(form).send().await;
    assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.text());
    assert!(look().await.contains("valid until 2027-01-31"));
    let file = asked.item("cover").await["files"][0]["file"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form_type = "application/x-www-form-urlencoded";
    for (rest, body) in [
        ("/items/cover/remove", format!("file={file}&confirm=yes")),
        ("/items/cover/not_applicable", "because=We+have+none.".to_owned()),
        ("/withdraw", "reason=No+business.".to_owned()),
    ] {
        let done = html(rest).header("content-type", form_type).body(body).send().await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{rest}: {}", done.text());
    }
    let run = asked.ended().await;
    assert!(run.to_string().contains("withdrawn"), "{run}");
    let text = look().await;
    assert!(
        text.contains("You have said that you give nothing") && !text.contains("revoked"),
        "{text}"
    );
    let data = asked.harness.get(&asked.path).send().await;
    assert_eq!((data.status, data.problem().as_str()), (StatusCode::GONE, "withdrawn"));
}

#[tokio::test(start_paused = true)]
async fn labels_and_days_are_shown_inside_and_labels_to_nobody_outside() {
    let asked = Asked::new().await;
    let (status, given) = asked
        .give("cover?name=cover.txt&valid_until=2027-01-31", "covered")
        .await;
    assert_eq!(status, StatusCode::CREATED, "{given}");
    let files = asked.harness.get("/api/v1/files?folder=/suppliers").by("operator");
    let files = files.send().await.json();
    assert_eq!(files["items"][0]["label"], json!(["confidential", "insurance"]));
    assert_eq!(files["items"][0]["valid_until"], "2027-01-31");
    let page = asked.harness.get(&asked.path.replace("/api/v1/links/", "/s/"));
    let page = page.header("accept", "text/html").send().await;
    for outside in [
        given.to_string(),
        asked.view().await.to_string(),
        page.text().to_owned(),
    ] {
        assert!(outside.contains("cover.txt"), "{outside}");
        assert!(
            !outside.contains("confidential") && !outside.contains("renew"),
            "{outside}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_for_an_item_that_is_sent_twice_under_one_key_is_given_once() {
    let asked = Asked::new().await;
    let give = async |query: &str, bytes: &'static str, key: &str| {
        let ask = asked.post(&format!("/items/iso?{query}"));
        ask.header("idempotency-key", key).body(bytes).send().await
    };
    let first = give("name=27001-a.txt", "one", "k1").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let again = give("name=27001-a.txt", "one", "k1").await;
    assert_eq!((again.status, again.json()), (StatusCode::CREATED, first.json()));
    let files = async || asked.item("iso").await["files"].as_array().map(Vec::len);
    assert_eq!(files().await, Some(1));
    for (query, bytes) in [("name=27001-b.txt", "one"), ("name=27001-a.txt", "two")] {
        let reused = give(query, bytes, "k1").await;
        assert_eq!((reused.status.as_u16(), reused.problem().as_str()), (422, "key-reused"));
    }
    assert_eq!(files().await, Some(1), "nothing of what was refused was kept");
    let second = give("name=27001-b.txt", "two", "k2").await;
    assert_eq!(second.status, StatusCode::CREATED, "{}", second.text());
    assert_eq!(files().await, Some(2));
    // a repetition is answered also where no more files are taken
    assert_eq!(give("name=27001-b.txt", "two", "k2").await.json(), second.json());
    let again = give("name=27001-c.txt", "three", "k3").await;
    assert!(again.status.is_client_error(), "the item is full: {}", again.text());
}

#[tokio::test(start_paused = true)]
async fn a_file_for_an_item_that_the_disk_does_not_take_is_refused_and_the_item_stays_open() {
    let asked = Asked::new().await;
    let incoming = asked.harness.data.path().join("blobs/incoming");
    std::fs::remove_dir(&incoming).unwrap();
    let answer = asked.post("/items/iso?name=27001.txt").body("bytes").send().await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (503, "disk-failed")
    );
    assert!(answer.text().contains("nothing was changed"), "{}", answer.text());
    assert_eq!(asked.item("iso").await["files"].as_array().map_or(0, Vec::len), 0);
    std::fs::create_dir(&incoming).unwrap();
    let answer = asked.post("/items/iso?name=27001.txt").body("bytes").send().await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
}

const PHOTOS: &str = "flow: papers
version: 1.0.0
steps:
  - id: papers
    title: Your papers
    collect:
      from: email:rosa@outside.example
      items:
        tax: { title: Tax form, review: [user:anna] }
        photos: { title: Photos, min: 2, max: 3, accept: [jpeg, heic], max_size: 50 MB }
    deadline: { due: 10 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

impl Asked {
    async fn of_photos() -> Self {
        let harness = Harness::new().await;
        harness.deploy(PHOTOS).await;
        let run = harness.begin("papers", json!({})).await.to_string();
        let mail = wait_for(async || harness.mails.lock().unwrap().pop()).await;
        let mut words = mail.text.split_whitespace();
        let link = words.find_map(|word| word.strip_prefix("http://gatefold.test/s/"));
        let path = format!("/api/v1/links/{}", link.expect("the link is in the mail"));
        Self { harness, run, path }
    }

    /// Sends a photo that holds `content`.
    async fn photo(&self, query: &str, content: &str) -> Value {
        let ask = self.post(&format!("/items/photos?{query}"));
        let answer = ask.body([b"\xff\xd8\xff", content.as_bytes()].concat()).send().await;
        answer.json()
    }
}

#[tokio::test(start_paused = true)]
async fn several_files_of_one_name_stay_several() {
    let asked = Asked::of_photos().await;
    let first = asked.photo("name=image.jpg", "one").await;
    let second = asked.photo("name=image.jpg", "two").await;
    assert_eq!(
        (&first["name"], &second["name"]),
        (&json!("image.jpg"), &json!("image (2).jpg"))
    );
    let item = asked.item("photos").await;
    assert_eq!(
        (&item["state"], item["files"].as_array().unwrap().len()),
        (&json!("accepted"), 2)
    );
    for (content, id) in [("one", &first["id"]), ("two", &second["id"])] {
        let again = asked.photo("name=image.jpg", content).await;
        assert_eq!(
            (&again["id"], &again["version"], &again["unchanged"]),
            (id, &json!(1), &json!(true))
        );
    }
    let newer = asked
        .photo(
            &format!("name=other.jpg&replaces={}", first["id"].as_str().unwrap()),
            "three",
        )
        .await;
    assert_eq!((&newer["id"], &newer["version"]), (&first["id"], &json!(2)));
    let unknown = asked.photo("name=other.jpg&replaces=fil_none", "four").await;
    assert_eq!(unknown["status"], 404, "{unknown}");
    assert_eq!(asked.photo("name=image.jpg", "five").await["name"], "image (3).jpg");
    let full = asked.photo("name=image.jpg", "six").await;
    assert!(full["detail"].as_str().unwrap().contains("Remove one first"), "{full}");
}

#[tokio::test(start_paused = true)]
async fn one_form_of_a_page_gives_several_files() {
    let asked = Asked::of_photos().await;
    let page = asked.path.replace("/api/v1/links/", "/s/");
    let part = |content: &str| {
        let head = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"image.jpg\"\r\n\r\n";
        [head.as_bytes(), b"\xff\xd8\xff", content.as_bytes(), b"\r\n"].concat()
    };
    let form = [part("one"), part("two"), b"--x--\r\n".to_vec()].concat();
    let ask = asked
        .harness
        .post(&format!("{page}/items/photos"))
        .header("accept", "text/html");
    let sent = ask
        .header("content-type", "multipart/form-data; boundary=x")
        .body(form)
        .send()
        .await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (StatusCode::SEE_OTHER, page.as_str()),
        "{}",
        sent.text()
    );
    assert_eq!(asked.item("photos").await["files"].as_array().unwrap().len(), 2);
    let text = asked
        .harness
        .get(&page)
        .header("accept", "text/html")
        .send()
        .await
        .text()
        .to_owned();
    for part in [
        "50 MB at most",
        " accept=\"image/heic,image/jpeg,.heic,.heif,.jpeg,.jpg\" multiple required",
        "<option value=\"\">is another one</option>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_file_again_is_looked_at_again_only_where_it_was_sent_back() {
    let asked = Asked::of_photos().await;
    let give = async || asked.give("tax?name=w9.txt", "the form").await.1;
    assert_eq!(give().await["version"], 1);
    asked.stands("tax", "in_review").await;
    let task = asked.task().await;
    assert_eq!(give().await["unchanged"], true);
    asked.stands("tax", "in_review").await;
    assert_eq!(asked.task().await["id"], task["id"], "nobody is asked again");
    assert_eq!(
        asked.decide(&task, "sent_back", Some("page 2 is missing")).await,
        StatusCode::OK
    );
    asked.stands("tax", "sent_back").await;
    let again = give().await;
    assert_eq!((&again["version"], &again["unchanged"]), (&json!(1), &json!(true)));
    let item = asked.stands("tax", "in_review").await;
    assert_eq!(item["unchanged"], true);
    let page = asked.harness.get(&asked.path.replace("/api/v1/links/", "/s/"));
    let page = page.header("accept", "text/html").send().await;
    assert!(
        page.text().contains("the same file that was already reviewed"),
        "{}",
        page.text()
    );
    wait_for(async || Some(asked.task().await).filter(|again| again["id"] != task["id"])).await;
}

#[tokio::test(start_paused = true)]
async fn bytes_that_an_item_refuses_are_not_kept() {
    let asked = Asked::of_photos().await;
    let blobs = asked.harness.data.path().join("blobs");
    let count = || {
        let folders = std::fs::read_dir(&blobs).unwrap().map(|folder| folder.unwrap().path());
        folders
            .map(|folder| std::fs::read_dir(folder).map_or(0, Iterator::count))
            .sum::<usize>()
    };
    let before = count();
    for name in ["a.jpg", "b.jpg"] {
        let (status, told) = asked.give(&format!("photos?name={name}"), "no picture").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    }
    assert_eq!(count(), before);
}
