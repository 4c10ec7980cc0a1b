//! Deployments, the file space, the access log, tasks, mails.

use super::samples::{
    access, at, comment, conflict, deployment, done, file, grant, mail, of_writes, share, task, workspace,
};
use gatefold::base::id::{FileId, GrantId, RunId, ShareId, TaskId, WorkspaceId};
use gatefold::base::{FileRef, Timestamp};
use gatefold::space::{File, State};
use gatefold::store::{Deployment, MailState, Store, TaskState, Write};
use std::sync::Arc;

pub async fn the_latest_deployment_counts_and_old_ones_stay(store: &Arc<dyn Store>) {
    assert_eq!(store.latest_deployment("review").await, Ok(None));
    for (flow, version) in [("review", "1"), ("hire", "1"), ("review", "2")] {
        done(&**store, of_writes([Write::Deploy(deployment(flow, version))])).await;
    }
    assert_eq!(
        store.latest_deployment("review").await,
        Ok(Some(deployment("review", "2")))
    );
    assert_eq!(store.deployment("review-1").await, Ok(Some(deployment("review", "1"))));
    assert_eq!(store.deployment("review-3").await, Ok(None));
    let latest = vec![deployment("hire", "1"), deployment("review", "2")];
    assert_eq!(store.deployments().await, Ok(latest));
}

pub async fn a_version_is_deployed_once(store: &Arc<dyn Store>) {
    let first = deployment("review", "1");
    done(&**store, of_writes([Write::Deploy(first.clone())])).await;
    let other = Deployment {
        hash: "another".to_owned(),
        ..first.clone()
    };
    for again in [first.clone(), other.clone()] {
        let refused = store.commit(of_writes([Write::Deploy(again)])).await;
        assert_eq!(refused, conflict("flow review 1"));
    }
    // nothing of a unit happens that deploys it twice
    let new = deployment("review", "2");
    let twin = Deployment {
        hash: "another".to_owned(),
        ..new.clone()
    };
    let both = of_writes([Write::Deploy(new), Write::Deploy(twin)]);
    assert_eq!(store.commit(both).await, conflict("flow review 2"));
    assert_eq!(store.deployments_of("review").await, Ok(vec![first]));
    let of_another_flow = Deployment {
        flow: "hire".to_owned(),
        ..other
    };
    done(&**store, of_writes([Write::Deploy(of_another_flow)])).await;
}

/// Stores, replaces, and tries to replace as somebody who has not seen the last change.
macro_rules! check_revs {
    ($store:expr, $put:path, $record:expr, $change:expr, $read:expr, $what:expr) => {
        let first = $record;
        let refused = conflict($what);
        let mut unseen = first.clone();
        unseen.rev = 1;
        assert_eq!(
            $store.commit(of_writes([$put(unseen.clone())])).await,
            refused,
            "never stored: {}",
            $what
        );
        done(&**$store, of_writes([$put(first.clone())])).await;
        assert_eq!(
            $store.commit(of_writes([$put(first.clone())])).await,
            refused,
            "stored already: {}",
            $what
        );
        let mut second = unseen;
        assert_eq!($read.await.unwrap().as_ref(), Some(&second));
        $change(&mut second);
        done(&**$store, of_writes([$put(second.clone())])).await;
        for rev in [0, 1, 3, u64::MAX] {
            let mut other = second.clone();
            other.rev = rev;
            let answer = $store.commit(of_writes([$put(other)])).await;
            assert!(answer.is_err(), "rev {rev} of {}: {answer:?}", $what);
        }
        second.rev = 2;
        assert_eq!($read.await.unwrap(), Some(second));
    };
}

pub async fn a_record_is_replaced_only_by_who_has_seen_it(store: &Arc<dyn Store>) {
    let id = WorkspaceId::from("wsp_1");
    check_revs!(
        store,
        Write::PutWorkspace,
        workspace("wsp_1"),
        |record: &mut gatefold::space::Workspace| record.name.push('!'),
        store.workspace(&id),
        "workspace wsp_1"
    );
    let id = FileId::from("fil_1");
    check_revs!(
        store,
        Write::PutFile,
        file("fil_1", "/contracts", "a.pdf"),
        |record: &mut gatefold::space::File| "/else".clone_into(&mut record.folder),
        store.file(&id),
        "file a.pdf in /contracts"
    );
    let id = ShareId::from("shr_1");
    check_revs!(
        store,
        Write::PutShare,
        share("shr_1", at(9)),
        |record: &mut gatefold::space::Share| record.state = State::Revoked,
        store.share(&id),
        "share shr_1"
    );
    let id = GrantId::from("grt_1");
    check_revs!(
        store,
        Write::PutGrant,
        grant("grt_1", "shr_1", "aa"),
        |record: &mut gatefold::space::Grant| record.failed_passwords = 3,
        store.grant(&id),
        "grant grt_1"
    );
    let id = TaskId::from("tsk_1");
    check_revs!(
        store,
        Write::PutTask,
        task("tsk_1", &["user:anna"], at(1)),
        |record: &mut gatefold::store::TaskRow| record.state = TaskState::Settled("approved".to_owned()),
        store.task(&id),
        "task tsk_1"
    );
}

pub async fn a_file_name_is_taken_once_per_folder(store: &Arc<dyn Store>) {
    let main = WorkspaceId::from("wsp_main");
    done(&**store, of_writes([Write::PutFile(file("fil_1", "/", "b.pdf"))])).await;
    let second = of_writes([Write::PutFile(file("fil_2", "/", "b.pdf"))]);
    assert_eq!(store.commit(second).await, conflict("file b.pdf in /"));
    let mut elsewhere = file("fil_3", "/", "b.pdf");
    elsewhere.workspace = WorkspaceId::from("wsp_2");
    let others = [
        file("fil_4", "/sub", "b.pdf"),
        file("fil_5", "/", "a.pdf"),
        file("fil_6", "/", "B.pdf"),
        elsewhere,
    ];
    done(&**store, of_writes(others.map(Write::PutFile))).await;
    let names = async |folder| -> Vec<String> {
        let files = store.files_in(&main, folder).await.unwrap();
        files.into_iter().map(|file| file.name).collect()
    };
    assert_eq!(names("/").await, ["B.pdf", "a.pdf", "b.pdf"]);
    assert_eq!(names("/sub").await, ["b.pdf"]);
    assert_eq!(names("/nowhere").await, Vec::<String>::new());
    let below = async |folder, after, limit| -> Vec<String> {
        let files = store.files_below(&main, folder, after, limit).await.unwrap();
        files.into_iter().map(|file| file.id.0).collect()
    };
    assert_eq!(below("/", None, 9).await, ["fil_6", "fil_5", "fil_1", "fil_4"]);
    assert_eq!(below("/", Some(("/", "a.pdf")), 1).await, ["fil_1"]);
    assert_eq!(below("/sub", None, 9).await, ["fil_4"]);
    assert_eq!(below("/su", None, 9).await, Vec::<String>::new());
    let mut renamed = store.file(&FileId::from("fil_5")).await.unwrap().unwrap();
    "b.pdf".clone_into(&mut renamed.name);
    assert_eq!(
        store.commit(of_writes([Write::PutFile(renamed.clone())])).await,
        conflict("file b.pdf in /")
    );
    "c.pdf".clone_into(&mut renamed.name);
    done(&**store, of_writes([Write::PutFile(renamed)])).await;
    let found = store.file_named(&main, "/", "c.pdf").await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.rev), ("fil_5", 2));
    assert_eq!(store.file_named(&main, "/", "a.pdf").await, Ok(None));
}

pub async fn shares_are_found_by_their_end(store: &Arc<dyn Store>) {
    assert_eq!(store.next_share_expiry().await, Ok(None));
    let forever = share("shr_3", Timestamp::MAX);
    let mut revoked = share("shr_4", at(5));
    revoked.state = State::Revoked;
    let shares = [share("shr_1", at(30)), share("shr_2", at(10)), forever, revoked];
    done(&**store, of_writes(shares.map(Write::PutShare))).await;
    let due = async |now| -> Vec<String> {
        let shares = store.shares_due(now).await.unwrap();
        shares.into_iter().map(|share| share.id.0).collect()
    };
    assert_eq!(due(at(9)).await, Vec::<String>::new());
    assert_eq!(due(at(10)).await, ["shr_2"]);
    assert_eq!(due(at(40)).await, ["shr_2", "shr_1"]);
    assert_eq!(store.next_share_expiry().await, Ok(Some(at(10))));
    let mut ended = store.share(&ShareId::from("shr_2")).await.unwrap().unwrap();
    ended.state = State::Expired;
    done(&**store, of_writes([Write::PutShare(ended)])).await;
    assert_eq!(due(at(40)).await, ["shr_1"]);
    assert_eq!(store.next_share_expiry().await, Ok(Some(at(30))));
}

pub async fn grants_are_found_by_share_and_by_token(store: &Arc<dyn Store>) {
    let grants = [
        grant("grt_b", "shr_1", "bb"),
        grant("grt_a", "shr_1", "aa"),
        grant("grt_c", "shr_2", ""),
        grant("grt_d", "shr_2", ""),
    ];
    done(&**store, of_writes(grants.map(Write::PutGrant))).await;
    let of_share = store.grants_of(&ShareId::from("shr_1")).await.unwrap();
    assert_eq!(
        of_share.iter().map(|grant| grant.id.as_str()).collect::<Vec<_>>(),
        ["grt_b", "grt_a"]
    );
    let found = store.grant_by_token("aa").await.unwrap();
    assert_eq!(found.map(|grant| grant.id.0).as_deref(), Some("grt_a"));
    assert_eq!(store.grant_by_token("cc").await, Ok(None));
    assert_eq!(
        store.grant_by_token("").await,
        Ok(None),
        "a grant without a link has no token"
    );
    let same_token = of_writes([Write::PutGrant(grant("grt_e", "shr_3", "aa"))]);
    assert_eq!(store.commit(same_token).await, conflict("grant grt_e"));
}

pub async fn comments_come_in_their_order(store: &Arc<dyn Store>) {
    let comments = [
        comment("cmt_2", "shr_1"),
        comment("cmt_1", "shr_1"),
        comment("cmt_3", "shr_2"),
    ];
    done(&**store, of_writes(comments.clone().map(Write::AddComment))).await;
    assert_eq!(
        store.comments_in(&ShareId::from("shr_1")).await,
        Ok(comments[..2].to_vec())
    );
    let again = of_writes([Write::AddComment(comments[0].clone())]);
    assert_eq!(store.commit(again).await, conflict("comment cmt_2"));
}

pub async fn the_access_log_has_positions(store: &Arc<dyn Store>) {
    let entries = [
        access(Some("shr_1")),
        access(None),
        access(Some("shr_2")),
        access(Some("shr_1")),
    ];
    for entry in entries.clone() {
        done(&**store, of_writes([Write::Access(entry)])).await;
    }
    let all: Vec<_> = (1..).zip(entries.clone()).collect();
    assert_eq!(store.access_log(None, 0, 10).await.unwrap(), all);
    assert_eq!(store.access_log(None, 1, 2).await.unwrap(), all[1..3]);
    assert_eq!(store.access_log(None, 4, 2).await.unwrap(), []);
    let share = ShareId::from("shr_1");
    let of_share = [all[0].clone(), all[3].clone()];
    assert_eq!(store.access_log(Some(&share), 0, usize::MAX).await.unwrap(), of_share);
    assert_eq!(store.access_log(Some(&share), 1, 10).await.unwrap(), of_share[1..]);
    assert_eq!(store.access_log(Some(&share), 0, 1).await.unwrap(), of_share[..1]);
}

pub async fn tasks_are_found_by_person_while_open(store: &Arc<dyn Store>) {
    let tasks = [
        task("tsk_2", &["user:anna", "user:ben", "user:anna"], at(5)),
        task("tsk_1", &["user:anna"], at(5)),
        task("tsk_3", &["user:ben"], at(2)),
    ];
    done(&**store, of_writes(tasks.map(Write::PutTask))).await;
    let open = async |person| -> Vec<String> {
        let tasks = store.open_tasks(person).await.unwrap();
        tasks.into_iter().map(|task| task.id.0).collect()
    };
    assert_eq!(open(None).await, ["tsk_3", "tsk_2", "tsk_1"]);
    assert_eq!(open(Some("user:anna")).await, ["tsk_2", "tsk_1"]);
    assert_eq!(open(Some("user:ben")).await, ["tsk_3", "tsk_2"]);
    assert_eq!(open(Some("user:cleo")).await, Vec::<String>::new());
    let mut delegated = store.task(&TaskId::from("tsk_2")).await.unwrap().unwrap();
    delegated.people = vec!["user:cleo".to_owned()];
    done(&**store, of_writes([Write::PutTask(delegated.clone())])).await;
    assert_eq!(open(Some("user:anna")).await, ["tsk_1"]);
    assert_eq!(open(Some("user:cleo")).await, ["tsk_2"]);
    delegated.rev = 2;
    delegated.state = TaskState::Withdrawn;
    done(&**store, of_writes([Write::PutTask(delegated)])).await;
    assert_eq!(open(Some("user:cleo")).await, Vec::<String>::new());
    assert_eq!(open(None).await, ["tsk_3", "tsk_1"]);
}

pub async fn tasks_are_found_by_what_they_are_about(store: &Arc<dyn Store>) {
    let about = |id: &str, file: Option<&str>| {
        let mut task = task(id, &["user:anna"], at(5));
        task.document = file.map(|file| FileRef {
            id: file.to_owned(),
            name: "a.pdf".to_owned(),
            version: 1,
            sha256: "aa".to_owned(),
            size: 1,
            media_type: "application/pdf".to_owned(),
            by: None,
        });
        task
    };
    let mut settled = about("tsk_3", Some("fil_1"));
    settled.state = TaskState::Settled("approved".to_owned());
    let tasks = [
        about("tsk_1", Some("fil_1")),
        about("tsk_2", None),
        settled,
        about("tsk_4", Some("fil_2")),
    ];
    done(&**store, of_writes(tasks.map(Write::PutTask))).await;
    let found = async |file: &str| -> Vec<String> {
        let tasks = store.tasks_about(&[file.into(), "fil_none".into()]).await.unwrap();
        tasks.into_iter().map(|task| task.id.0).collect()
    };
    assert_eq!(found("fil_1").await, ["tsk_1", "tsk_3"], "open or not, oldest first");
    assert_eq!(found("fil_2").await, ["tsk_4"]);
    assert_eq!(found("fil_3").await, [""; 0]);
    let both = store.tasks_about(&["fil_2".into(), "fil_1".into()]).await.unwrap();
    let both: Vec<&str> = both.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(both, ["tsk_1", "tsk_3", "tsk_4"], "of several files, each once");
    assert_eq!(store.tasks_about(&[]).await.unwrap(), []);
}

pub async fn grants_are_listed_in_parts(store: &Arc<dyn Store>) {
    let grants = ["grt_2", "grt_1", "grt_3"].map(|id| Write::PutGrant(grant(id, "shr_1", id)));
    done(&**store, of_writes(grants)).await;
    let listed = async |after: Option<&str>, limit: usize| -> Vec<String> {
        let after = after.map(GrantId::from);
        let grants = store.grants_after(after.as_ref(), limit).await.unwrap();
        grants.into_iter().map(|grant| grant.id.0).collect()
    };
    assert_eq!(listed(None, 10).await, ["grt_2", "grt_1", "grt_3"], "oldest first");
    assert_eq!(listed(None, 2).await, ["grt_2", "grt_1"]);
    assert_eq!(listed(Some("grt_2"), 1).await, ["grt_1"]);
    assert_eq!(listed(Some("grt_3"), 10).await, [""; 0]);
}

pub async fn mails_are_found_by_state(store: &Arc<dyn Store>) {
    let mails = [mail("mal_2"), mail("mal_1"), mail("mal_3")];
    done(&**store, of_writes(mails.map(Write::PutMail))).await;
    let in_state = async |state, limit| -> Vec<String> {
        let mails = store.mails(state, limit).await.unwrap();
        mails.into_iter().map(|mail| mail.id.0).collect()
    };
    assert_eq!(in_state(MailState::Queued, 10).await, ["mal_2", "mal_1", "mal_3"]);
    assert_eq!(in_state(MailState::Queued, 1).await, ["mal_2"]);
    let all = [
        MailState::Sending,
        MailState::Sent,
        MailState::Failed,
        MailState::InDoubt,
    ];
    for (times, state) in (1..).zip(all) {
        let mut moved = mail("mal_1");
        moved.rev = times;
        moved.state = state;
        let stale = moved.clone();
        done(&**store, of_writes([Write::PutMail(moved)])).await;
        assert_eq!(in_state(state, 10).await, ["mal_1"]);
        assert_eq!(
            store.commit(of_writes([Write::PutMail(stale)])).await,
            conflict("mail mal_1")
        );
    }
    assert_eq!(in_state(MailState::Queued, 10).await, ["mal_2", "mal_3"]);
    let mut later = mail("mal_4");
    later.next_at = Some("2026-11-23T10:00:00Z".parse().unwrap());
    done(&**store, of_writes([Write::PutMail(later.clone())])).await;
    let due = async |now: &str, limit| -> Vec<String> {
        let mails = store.mails_due(now.parse().unwrap(), limit).await.unwrap();
        mails.into_iter().map(|mail| mail.id.0).collect()
    };
    assert_eq!(due("2026-11-23T09:59:59.999Z", 10).await, ["mal_2", "mal_3"]);
    assert_eq!(due("2026-11-23T10:00:00Z", 10).await, ["mal_2", "mal_3", "mal_4"]);
    assert_eq!(due("2026-11-23T10:00:00.5Z", 1).await, ["mal_2"]);
    (later.state, later.rev) = (MailState::Sent, 1);
    done(&**store, of_writes([Write::PutMail(later)])).await;
    let last = store.mail(&"mal_4".into()).await.unwrap().unwrap();
    assert_eq!((last.state, last.rev), (MailState::Sent, 2));
    assert_eq!(store.standing().await.unwrap().mails_queued, 2);
}

pub async fn every_file_is_listed_by_id_in_parts(store: &Arc<dyn Store>) {
    assert_eq!(store.all_files(None, 10).await, Ok(Vec::new()));
    for (id, name) in [("fil_b", "1.pdf"), ("fil_c", "2.pdf"), ("fil_a", "3.pdf")] {
        let one = file(id, "/in", name);
        done(&**store, of_writes([Write::PutFile(one)])).await;
    }
    for (after, limit, expected) in [
        (None, 10, vec!["fil_a", "fil_b", "fil_c"]),
        (None, 2, vec!["fil_a", "fil_b"]),
        (Some("fil_b"), 2, vec!["fil_c"]),
        (Some("fil_c"), 2, vec![]),
    ] {
        let files = store.all_files(after.map(FileId::from).as_ref(), limit).await.unwrap();
        let ids: Vec<_> = files.iter().map(|file| file.id.as_str()).collect();
        assert_eq!(ids, expected, "{after:?} {limit}");
    }
}

pub async fn a_locked_file_takes_no_version_from_anybody(store: &Arc<dyn Store>) {
    let lock = |run: &str| Write::Lock {
        file: FileId::from("fil_1"),
        run: RunId::from(run),
    };
    let unlock = |run: &str| Write::Unlock {
        file: FileId::from("fil_1"),
        run: RunId::from(run),
    };
    let stored = |rev| {
        Write::PutFile(File {
            rev,
            ..file("fil_1", "/", "a.pdf")
        })
    };
    let is_locked = async || store.is_locked(&FileId::from("fil_1")).await.unwrap();
    // a run may lock what it has just put
    done(
        &**store,
        of_writes([stored(0), lock("run_1"), lock("run_1"), lock("run_2")]),
    )
    .await;
    assert!(is_locked().await);
    let refused = conflict("file a.pdf in /");
    assert_eq!(store.commit(of_writes([stored(1)])).await, refused);
    done(&**store, of_writes([unlock("run_1"), unlock("run_3")])).await;
    assert_eq!(
        store.commit(of_writes([stored(1)])).await,
        refused,
        "the other run holds it too"
    );
    // and may put another version in the unit that ends its lock
    done(&**store, of_writes([unlock("run_2"), stored(1)])).await;
    assert!(!is_locked().await);
    assert_eq!(store.is_locked(&FileId::from("fil_9")).await, Ok(false));
}
