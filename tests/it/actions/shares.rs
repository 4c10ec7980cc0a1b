//! Shares hold exact versions and have one grant for each person.

use super::at;
use super::desk::Desk;
use super::file360::{for_thirty_days, version_of};
use gatefold::base::id::GrantId;
use gatefold::space::{Content, Follow, Principal, Role, State};
use gatefold::store::{Store, Write};
use serde_json::json;

#[tokio::test]
async fn each_member_of_a_role_has_a_grant_of_their_own() {
    let desk = Desk::new();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[]))
        .await
        .unwrap();
    let share = made["share"].as_str().unwrap();
    // as an older build stored it: one grant for the whole role
    let shared = GrantId::derived(&format!("{share}:role:legal"));
    let mut old = crate::store::samples::grant(shared.as_str(), share, "ff");
    old.to = Principal::Role("legal".into());
    desk.commit(vec![Write::PutGrant(old)]).await.unwrap();

    let input = |role: &str| json!({"share": share, "to": "role:legal", "role": role});
    let first = desk
        .act("a", "file360.set_permissions", input("comment"))
        .await
        .unwrap();
    let again = desk.act("b", "file360.set_permissions", input("view")).await.unwrap();
    assert_eq!(
        first["grants"], again["grants"],
        "said again, it changes what they may do"
    );
    assert_eq!(first["grant"], first["grants"][0]);
    for (grant, user) in first["grants"].as_array().unwrap().iter().zip(["anna", "ben"]) {
        let grant = desk.grant(grant).await;
        assert_eq!(grant.to, Principal::User(user.into()));
        assert_eq!(grant.through, Some(Principal::Role("legal".into())));
        assert_eq!(grant.role, Role::View);
    }
    let old = desk.store.grant(&shared).await.unwrap().unwrap();
    assert_eq!(
        old.state,
        State::Revoked,
        "nobody is in through a link that several people have"
    );

    // a grant that was revoked individually stays revoked, and the others can still be changed
    let revoked = desk.grant(&first["grants"][0]).await.ended(State::Revoked).unwrap();
    desk.commit(vec![Write::PutGrant(revoked)]).await.unwrap();
    let third = desk.act("c", "file360.set_permissions", input("manage")).await.unwrap();
    assert_eq!(third["grants"], json!([first["grants"][1]]));
    assert_eq!(desk.grant(&first["grants"][0]).await.state, State::Revoked);

    // her own grant differs from the one that she has through the role
    let own = json!({"share": share, "to": "user:anna", "role": "download"});
    let own = desk.act("d", "file360.set_permissions", own).await.unwrap();
    assert_ne!(own["grant"], first["grants"][0]);
    assert_eq!(desk.grant(&own["grant"]).await.through, None);
}

#[tokio::test]
async fn a_share_holds_the_versions_that_are_given_until_it_follows() {
    let desk = Desk::new();
    let first = desk.contract().await;
    let file = desk.store.file(&"fil_c".into()).await.unwrap().unwrap();
    let next = |sha256: &str| Content {
        sha256: sha256.repeat(32),
        size: 11,
        media_type: "application/pdf".into(),
    };
    let file = file.with_version(next("bb"), "user:anna", at(-5));
    desk.commit(vec![Write::PutFile(file)]).await.unwrap();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[&first, &first]))
        .await
        .unwrap();
    assert_eq!(desk.share(&made["share"]).await.files, [version_of("fil_c", 1)]);
    let list = async |step: &str| {
        let listed = desk
            .act(step, "file360.list_files", json!({"share": made["share"]}))
            .await
            .unwrap();
        listed["files"][0]["version"].clone()
    };
    assert_eq!(list("l1").await, 1);
    let follow = |follow: &str| json!({"share": made["share"], "follow": follow});
    desk.act("f1", "file360.update_share", follow("newest")).await.unwrap();
    assert_eq!(list("l2").await, 2);
    desk.act("f2", "file360.update_share", follow("exact")).await.unwrap();
    assert_eq!(list("l3").await, 1);
    let message = desk
        .refused(
            "file360.update_share",
            json!({"share": made["share"], "follow": "always"}),
        )
        .await;
    assert!(message.contains("exact"), "{message}");
    let following = json!({"name": "x", "files": [first], "expires_in": "1 day", "follow": "newest"});
    let following = desk.act("room2", "file360.create_share", following).await.unwrap();
    assert_eq!(desk.share(&following["share"]).await.follow, Follow::Newest);
}
