//! Views of runs that have ended. They change no more, and making one takes the whole journal.

use super::runs::RunView;
use crate::base::id::RunId;
use std::collections::VecDeque;
use std::sync::Mutex;

/// How many are kept.
pub const KEPT: usize = 64;

/// The views made last.
#[derive(Default)]
pub struct EndedViews(Mutex<VecDeque<RunView>>);

impl EndedViews {
    /// The view of a run that has ended, if it is kept.
    pub fn get(&self, run: &RunId) -> Option<RunView> {
        super::lock(&self.0).iter().find(|view| view.run.id == *run).cloned()
    }

    /// Keeps the view of a run that has ended; the oldest gives way.
    pub fn put(&self, view: RunView) {
        let mut kept = super::lock(&self.0);
        kept.retain(|other| other.run.id != view.run.id);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(view);
    }
}
