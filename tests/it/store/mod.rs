//! One suite for every adapter of the store, and what is particular to SQLite.

mod blob_damage;
mod blob_sweep;
mod blobs;
mod damage;
mod delivery;
mod differential;
mod expiries;
mod faults;
mod records;
mod runs;
pub mod samples;
mod sqlite;
mod units;

use gatefold::store::Store;
use gatefold::store::memory::MemoryStore;
use gatefold::store::sqlite::SqliteStore;
use std::sync::Arc;

/// An empty store and what must live as long.
pub struct Opened {
    pub store: Arc<dyn Store>,
    _folder: Option<tempfile::TempDir>,
}

pub fn open_memory() -> Opened {
    Opened {
        store: Arc::new(MemoryStore::new()),
        _folder: None,
    }
}

pub fn open_sqlite() -> Opened {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let store = SqliteStore::open(folder.path().join("gatefold.db")).expect("an empty store opens");
    Opened {
        store: Arc::new(store),
        _folder: Some(folder),
    }
}

/// Makes every case a test of every adapter.
macro_rules! conformance {
    ($($module:ident :: { $($case:ident),+ $(,)? }),+ $(,)?) => {
        mod on_memory {
            $($(
                #[tokio::test]
                async fn $case() {
                    let opened = super::open_memory();
                    super::$module::$case(&opened.store).await;
                }
            )+)+
        }
        mod on_sqlite {
            $($(
                #[tokio::test]
                async fn $case() {
                    let opened = super::open_sqlite();
                    super::$module::$case(&opened.store).await;
                }
            )+)+
        }
    };
}

conformance! {
    runs::{
        a_run_grows_by_its_events,
        a_gap_or_a_repetition_is_refused,
        the_latest_time_is_of_a_journal_the_access_log_or_an_event,
        a_commit_that_contradicts_itself_is_refused,
        one_of_many_commits_to_the_same_position_wins,
        what_a_run_began_with_never_changes,
        the_version_that_a_run_goes_by_changes_with_its_events,
        runs_are_listed_newest_first_by_filter,
        wakeups_and_busy_runs_are_found_again,
        a_journal_is_read_in_parts,
    },
    records::{
        the_latest_deployment_counts_and_old_ones_stay,
        a_version_is_deployed_once,
        a_record_is_replaced_only_by_who_has_seen_it,
        a_file_name_is_taken_once_per_folder,
        every_file_is_listed_by_id_in_parts,
        a_locked_file_takes_no_version_from_anybody,
        shares_are_found_by_their_end,
        grants_are_found_by_share_and_by_token,
        comments_come_in_their_order,
        the_access_log_has_positions,
        tasks_are_found_by_person_while_open,
        tasks_are_found_by_what_they_are_about,
        grants_are_listed_in_parts,
        mails_are_found_by_state,
    },
    delivery::{
        owners_are_found_by_thing,
        subscriptions_change_and_the_others_stay, what_is_for_a_run_is_found_among_more_and_among_fewer_than_it_has_names,
        events_are_found_for_the_run_that_they_concern,
        events_wait_in_order_until_done,
        an_event_that_is_put_off_lets_others_pass,
        an_event_is_kept_until_a_run_subscribes_to_it,
        what_is_outdated_is_forgotten_the_oldest_first,
        sent_mails_are_forgotten_and_no_others,
        a_delivery_happens_once,
        a_key_is_used_once_until_it_is_forgotten,
    },
    expiries::{
        documents_are_found_in_the_order_of_their_moments,
        one_document_counts_in_a_file_until_another_or_none_does,
        a_document_is_told_of_once,
        a_refused_unit_leaves_documents_as_they_were,
    },
    units::{
        a_refused_unit_leaves_no_trace,
        a_refused_run_takes_its_writes_with_it,
        a_unit_sees_its_own_writes,
        good_neighbours_do_not_suffer,
    },
}
