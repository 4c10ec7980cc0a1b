//! Work that is done to its end, also where whoever asked for it goes away meanwhile.
//!
//! Whoever waits for it does it, with no task of its own: most of it is over in one go. Where they go away, as a
//! client does that hangs up, what is left of it becomes a task.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Work, while somebody waits for it.
pub(super) struct ToItsEnd<T: Send + 'static> {
    /// None once it is over.
    work: Option<Work<T>>,
    tracker: TaskTracker,
    /// Whoever waits for all work to be over waits for this too.
    _counted: TaskTrackerToken,
}

impl<T: Send + 'static> ToItsEnd<T> {
    /// Has `work` done once somebody waits for it; then it is done to its end. `tracker` counts it. It must not panic.
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static, tracker: &TaskTracker) -> Self {
        Self {
            work: Some(Box::pin(work)),
            tracker: tracker.clone(),
            _counted: tracker.token(),
        }
    }
}

impl<T: Send + 'static> Future for ToItsEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let work = self.work.as_mut().expect("nobody asks again for what is over");
        let done = work.as_mut().poll(cx);
        if done.is_ready() {
            self.work = None;
        }
        done
    }
}

impl<T: Send + 'static> Drop for ToItsEnd<T> {
    fn drop(&mut self) {
        // where no runtime is left, the process ends, and what was asked for is as after a crash
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            self.tracker.spawn_on(work, &runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TaskTracker, ToItsEnd};
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn whoever_waits_does_it_and_is_counted_until_it_is_over() {
        let tracker = TaskTracker::new();
        let work = ToItsEnd::new(async { 7 }, &tracker);
        assert_eq!(tracker.len(), 1);
        assert_eq!(work.now_or_never(), Some(7), "with no task of its own");
        assert!(tracker.is_empty());
    }

    #[tokio::test]
    async fn what_is_left_where_they_go_away_is_done_and_counted() {
        let tracker = TaskTracker::new();
        let (go_on, wait) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let mut work = Box::pin(ToItsEnd::new(
            async move {
                let () = wait.await.expect("it is told to go on");
                done.send(()).expect("the test waits for it");
            },
            &tracker,
        ));
        assert_eq!(futures_util::poll!(&mut work), std::task::Poll::Pending);
        drop(work);
        assert_eq!(tracker.len(), 1);
        go_on.send(()).expect("it waits still");
        is_done.await.expect("it is done to its end");
        tracker.close();
        tracker.wait().await;
    }

    #[test]
    fn where_no_runtime_is_left_it_is_given_up() {
        let tracker = TaskTracker::new();
        drop(ToItsEnd::new(async {}, &tracker));
        assert!(tracker.is_empty());
    }
}
