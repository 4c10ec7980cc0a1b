//! Refusals in the access log: counted for callers who have only a link, and recorded individually
//! for identified actors.

use crate::harness::{Harness, Link};
use axum::http::StatusCode;
use gatefold::audit::AccessEntry;
use gatefold::host::refusals::COUNTED_FOR;
use gatefold::space::Role;
use std::time::Duration;

/// The recorded refusals of a link.
async fn refusals(harness: &Harness, link: &Link) -> Vec<AccessEntry> {
    let log = harness
        .store
        .access_log(Some(&link.share), 0, usize::MAX)
        .await
        .unwrap();
    let entries = log.into_iter().map(|(_, entry)| entry);
    entries.filter(|entry| entry.refused.is_some()).collect()
}

#[tokio::test(start_paused = true)]
async fn many_refused_requests_on_a_revoked_link_are_one_line_and_a_count() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    harness.revoke(&link).await;
    for _ in 0..702 {
        assert_eq!(harness.get(&link.path("")).send().await.status, StatusCode::GONE);
    }
    let at_once = refusals(&harness, &link).await;
    assert_eq!(at_once.len(), 1, "{at_once:?}");
    assert!(at_once[0].has_link_only && at_once[0].origin.times.is_none());
    let minute = COUNTED_FOR + Duration::from_secs(1);
    let _ = tokio::time::timeout(minute, std::future::pending::<()>()).await;
    let all = refusals(&harness, &link).await;
    assert_eq!(
        all.iter().map(|entry| entry.origin.times).collect::<Vec<_>>(),
        [None, Some(701)]
    );
    let listed = harness.get("/api/v1/access").by("admin").send().await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.last().unwrap()["times"], 701);
}

#[tokio::test(start_paused = true)]
async fn counts_are_recorded_when_the_server_stops() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    for _ in 0..3 {
        harness.post(&link.path("/files?name=a.txt")).body("x").send().await;
    }
    assert_eq!(refusals(&harness, &link).await.len(), 1);
    harness.stop.cancel();
    while refusals(&harness, &link).await.len() < 2 {
        crate::turn::turn().await;
    }
    assert_eq!(refusals(&harness, &link).await[1].origin.times, Some(2));
}

#[tokio::test(start_paused = true)]
async fn refusals_of_people_of_the_directory_are_recorded_one_by_one() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    let path = format!("/api/v1/files/{}", link.file);
    for _ in 0..3 {
        assert_eq!(
            harness.get(&path).by("nobody").send().await.status,
            StatusCode::NOT_FOUND
        );
    }
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    let refused = log
        .iter()
        .filter(|(_, entry)| entry.actor == "user:nobody" && entry.refused.is_some());
    assert_eq!(refused.count(), 3);
}
