//! Damaged bytes are never sent, and the administrators are notified.

use crate::harness::{Harness, Link};
use crate::set_clock::virtual_time;
use axum::http::{Method, StatusCode};
use gatefold::base::Timestamp;
use gatefold::host::damage::NAMED_IN_MAIL;
use gatefold::space::Role;
use gatefold::store::Write;
use gatefold::store::blobs::CHUNK_BYTES;
use gatefold::store::memory::MemoryStore;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const BYTES: &[u8] = b"0123456789";

fn place(harness: &Harness, sha256: &str) -> PathBuf {
    let blobs = harness.data.path().join("blobs");
    blobs.join(&sha256[..2]).join(&sha256[2..])
}

fn damage(harness: &Harness, link: &Link) {
    std::fs::write(place(harness, &link.sha256), b"012345678!").unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_route_sends_damaged_bytes_or_counts_them_as_downloaded() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let link = harness.share_of(Role::Download, BYTES, None).await;
    damage(&harness, &link);
    let path = link.file_path();
    for (method, path, by, range) in [
        (Method::POST, format!("{path}/download"), None, None),
        (Method::GET, path.clone(), None, None),
        (Method::GET, path, None, Some("bytes=0-0")),
        (
            Method::GET,
            format!("/api/v1/files/{}", link.file),
            Some("operator"),
            None,
        ),
    ] {
        let mut ask = harness.ask(method.clone(), &path);
        if let Some(user) = by {
            ask = ask.by(user);
        }
        if let Some(range) = range {
            ask = ask.header("range", range);
        }
        let answer = ask.send().await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{method} {path}");
        assert_eq!(answer.problem(), "damaged");
        assert!(
            answer.text().contains("upload the same file again"),
            "{}",
            answer.text()
        );
    }
    let pending = harness.store.pending_events(Timestamp::MAX, usize::MAX).await.unwrap();
    let told = pending.iter().filter(|one| one.event.kind == "file360.file_downloaded");
    assert_eq!(told.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn damage_is_counted_and_mailed_and_the_next_right_upload_repairs_it() {
    let harness = Harness::new().await;
    let link = harness.share_of(Role::Download, BYTES, None).await;
    damage(&harness, &link);
    for _ in 0..3 {
        assert_eq!(harness.get(&link.file_path()).send().await.problem(), "damaged");
    }
    virtual_time(Duration::from_mins(1)).await;
    let mails = harness.mails.lock().unwrap().clone();
    let told: Vec<_> = mails.iter().filter(|mail| mail.text.contains(&link.sha256)).collect();
    assert_eq!(told.len(), 1, "one mail, to the only administrator: {mails:?}");
    assert_eq!(told[0].to, ["admin@example.com"]);
    assert!(told[0].text.contains(&link.file.to_string()), "{}", told[0].text);
    let metrics = harness.get("/metrics").by("admin").send().await;
    assert!(
        metrics.text().contains("gatefold_blobs_damaged_total 1\n"),
        "{}",
        metrics.text()
    );
    let listed = async || harness.get("/api/v1/files/damaged").by("admin").send().await.json()["items"].clone();
    let document =
        serde_json::json!([{ "file": link.file, "path": "/in/contract-0.pdf", "version": 1, "sha256": link.sha256 }]);
    assert_eq!(listed().await, document);

    harness.put("again.pdf", BYTES).await;
    let answer = harness.get(&link.file_path()).send().await;
    assert_eq!((answer.status, answer.bytes().as_ref()), (StatusCode::OK, BYTES));
    assert_eq!(listed().await, serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_mail_about_damage_names_so_many_files_and_counts_the_others() {
    for (count, more) in [(NAMED_IN_MAIL, false), (NAMED_IN_MAIL + 1, true)] {
        let harness = Harness::new().await;
        for number in 0..count {
            harness.put(&format!("same-{number}.pdf"), BYTES).await;
        }
        let document = harness.put("same-0.pdf", b"other".as_slice()).await;
        let damaged = harness
            .host
            .parts()
            .store
            .file(&document.id.as_str().into())
            .await
            .unwrap()
            .unwrap();
        std::fs::write(place(&harness, &damaged.versions[0].sha256), b"x").unwrap();
        let path = format!("/api/v1/files/{}?version=1", document.id);
        assert_eq!(harness.get(&path).by("operator").send().await.problem(), "damaged");
        virtual_time(Duration::from_mins(1)).await;
        let mails = harness.mails.lock().unwrap().clone();
        let text = &mails.last().unwrap().text;
        assert_eq!(text.matches("/in/same-").count(), NAMED_IN_MAIL, "{text}");
        assert_eq!(text.contains("and 1 more versions"), more, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_upload_leaves_no_bytes() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let blobs = || {
        let folders = std::fs::read_dir(harness.data.path().join("blobs")).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        files.count()
    };
    let before = blobs();
    // a link whose share ends during the upload
    let visitor = harness.host.knock(&link.token).await.unwrap();
    harness.revoke(&link).await;
    let blob = harness
        .host
        .parts()
        .blobs
        .put(b"refused".as_slice(), 100)
        .await
        .unwrap();
    drop(blob);
    assert!(
        harness
            .host
            .upload(&visitor, "late.pdf", b"late".as_slice())
            .await
            .is_err()
    );
    assert!(blobs() > before);
    virtual_time(Duration::from_hours(3)).await;
    assert_eq!(blobs(), before);
}

/// A link to a file of more bytes than an upload of these tests may have.
async fn share_of_large(harness: &Harness, bytes: &[u8]) -> Link {
    let link = harness.share_of(Role::Download, BYTES, None).await;
    let blob = harness.host.parts().blobs.put(bytes, u64::MAX).await.unwrap();
    blob.keep();
    let mut file = harness.store.file(&link.file).await.unwrap().unwrap();
    (file.versions[0].sha256, file.versions[0].size) = (blob.sha256.clone(), blob.size);
    harness.commit(vec![Write::PutFile(file)]).await;
    Link {
        sha256: blob.sha256.clone(),
        ..link
    }
}

/// A file of three chunks whose second one has a wrong bit.
#[tokio::test(start_paused = true)]
async fn of_a_large_file_the_sound_part_leaves_and_the_damaged_one_breaks_the_answer() {
    let harness = Harness::new().await;
    let chunk = usize::try_from(CHUNK_BYTES).unwrap();
    let sound: Vec<u8> = (0..2 * chunk + 77).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let link = share_of_large(&harness, &sound).await;
    let blob = place(&harness, &link.sha256);
    let mut damaged = sound.clone();
    damaged[chunk + 5] ^= 1;
    std::fs::write(&blob, damaged).unwrap();
    let part = async |first: usize, last: usize| {
        let ask = harness.get(&link.file_path());
        ask.header("range", format!("bytes={first}-{last}")).send().await
    };
    let last = sound.len() - 1;
    for (first, last) in [(0, 9), (chunk - 7, chunk - 1), (2 * chunk, last)] {
        let answer = part(first, last).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.bytes().as_ref(), &sound[first..=last], "from {first}");
    }
    // the head of the answer is sent before the damage is found
    let whole = harness.post(&format!("{}/download", link.file_path())).send().await;
    assert_eq!(whole.status, StatusCode::OK);
    assert!(whole.body.is_err(), "the connection breaks");
    let pending = harness.store.pending_events(Timestamp::MAX, usize::MAX).await.unwrap();
    let told = pending.iter().filter(|one| one.event.kind == "file360.file_downloaded");
    assert_eq!(told.count(), 0, "which counts as no download");
    // from here on, the blob is in quarantine
    assert!(!blob.exists());
    for (first, last) in [(0, 9), (chunk + 5, chunk + 5)] {
        let answer = part(first, last).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (500, "damaged"));
    }
    virtual_time(Duration::from_mins(1)).await;
    let mails = harness.mails.lock().unwrap().clone();
    assert_eq!(mails.iter().filter(|mail| mail.text.contains(&link.sha256)).count(), 1);
    let again = harness.host.parts().blobs.put(sound.as_slice(), u64::MAX).await;
    again.unwrap().keep();
    let answer = harness.get(&link.file_path()).send().await;
    assert!(answer.bytes().as_ref() == sound.as_slice(), "the upload restores it");
}

/// The first chunk of what is asked for is verified before the answer begins.
#[tokio::test(start_paused = true)]
async fn a_range_that_begins_in_the_damaged_part_is_refused_in_a_sentence() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let chunk = usize::try_from(CHUNK_BYTES).unwrap();
    let link = share_of_large(&harness, &vec![7; chunk + 9]).await;
    let mut damaged = vec![7; chunk + 9];
    damaged[chunk + 1] = 8;
    std::fs::write(place(&harness, &link.sha256), damaged).unwrap();
    let ask = harness.get(&link.file_path());
    let answer = ask.header("range", format!("bytes={}-", chunk + 3)).send().await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (500, "damaged"));
}
