//! A thread that writes what is queued in one go and then answers everybody: the least that any
//! store with group commit does.

use std::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;

/// The way to the thread. It ends with the last of these.
pub struct Writer<T> {
    jobs: Sender<(T, oneshot::Sender<()>)>,
}

impl<T: Send + 'static> Writer<T> {
    /// Starts a thread that calls `write` with everything that is queued, as often as there is
    /// something.
    pub fn start(mut write: impl FnMut(&[T]) + Send + 'static) -> Self {
        let (jobs, queue) = channel::<(T, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            while let Ok(first) = queue.recv() {
                let (rows, answers): (Vec<_>, Vec<_>) = std::iter::once(first).chain(queue.try_iter()).unzip();
                write(&rows);
                for answer in answers {
                    let _ = answer.send(());
                }
            }
        });
        Self { jobs }
    }

    /// Returns when `row` is durable.
    pub async fn write(&self, row: T) {
        let (answer, answered) = oneshot::channel();
        self.jobs.send((row, answer)).expect("the thread lives as long as this");
        answered.await.expect("the thread answers");
    }
}
