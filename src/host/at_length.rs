//! Work that takes long keeps nobody from theirs: the threads on which everybody's work is done stay free.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does `work` here, and where it `is_long` lets others go on elsewhere meanwhile. A runtime of one thread has no elsewhere.
pub(super) fn at_length<T>(is_long: bool, work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    if is_long && matches!(flavor, Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::at_length;
    use std::sync::mpsc;
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_go_on_while_somebody_takes_long() {
        let done = tokio::spawn(async {
            let (say, hear) = mpsc::channel();
            tokio::spawn(async move { say.send(()) });
            // the only thread there is waits for what another task does
            at_length(true, || hear.recv_timeout(Duration::from_mins(1)))
        });
        assert_eq!(done.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn where_there_is_one_thread_it_is_done_there() {
        assert_eq!(at_length(true, || 7), 7);
    }
}
