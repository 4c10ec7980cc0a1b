//! Runs that a document starts before it expires.

use super::deeds::of_kind;
use super::made::Maker;
use super::player::{Blank, Player};
use super::{Broken, Game};
use crate::base::calendar::after;
use crate::base::id::RunId;
use crate::base::{Timestamp, Value};
use crate::engine::event::Event;
use crate::rehearsal::material::{self, Material};
use crate::spec::InputKind;
use jiff::ToSpan;
use serde_json::{Map, json};

/// The document's name.
const NAME: &str = "document.pdf";
/// Where it lies, where the flow does not say.
const FOLDER: &str = "/rehearsal";

/// A run that has begun: with these inputs, of which those named were made up.
pub(super) type Started = (RunId, Map<String, Value>, Vec<String>);

impl Game<'_> {
    /// Has the flow started by a document that somebody puts, where documents start it; nothing where this one does not.
    pub(super) async fn start_by_document(
        &mut self,
        player: &mut dyn Player,
        by: &str,
    ) -> Result<Option<Started>, Broken> {
        let setting = self.stage.setting;
        let (Some(trigger), Some(within)) = (&setting.plan.triggers.document, &setting.plan.expires_within) else {
            return Ok(None);
        };
        let now = self.stage.now();
        let begins = after(now, within, setting.plan.calendar.as_ref());
        let ahead = begins.map_or(0, |begins: Timestamp| begins.duration_since(now).as_hours() / 24 + 1);
        let today = self.today();
        let mut maker = Maker {
            chance: &mut self.chance,
            directory: &setting.directory,
            today,
        };
        let day = maker.day();
        let day = day.checked_add(ahead.days()).unwrap_or(day);
        let blank = Blank {
            name: "valid until".to_owned(),
            hint: "the day until which the document is valid that starts the run".to_owned(),
            made_up: Some(json!(day)),
            is_needed: true,
            spec: Some(of_kind(InputKind::Date)),
        };
        let day = player.fill(&blank).and_then(|day| day.as_str().map(str::to_owned));
        let given = Material {
            name: NAME,
            text: Some("a document that expires"),
            size: None,
            path: None,
        };
        let bytes = material::bytes(given, &setting.shelf).map_err(Broken::Said)?;
        let folder = trigger.folder.as_deref().unwrap_or(FOLDER);
        let who = format!("user:{by}");
        let put = self
            .stage
            .host
            .put_file_once(&who, folder, NAME, bytes.as_slice(), None, day.as_deref());
        put.await?;
        self.stage.settle().await;
        self.started(player).await
    }

    /// Lets time go on until the document has started a run.
    async fn started(&mut self, player: &mut dyn Player) -> Result<Option<Started>, Broken> {
        loop {
            if let Some(run) = self.stage.runs().await?.into_iter().next() {
                let first = self.stage.host.journal(&run.id, 0, 1).await?.into_iter().next();
                let inputs = match first.map(|record| record.event) {
                    Some(Event::RunStarted {
                        inputs: Value::Object(inputs),
                        ..
                    }) => inputs,
                    _ => Map::new(),
                };
                let names = inputs.keys().cloned().collect();
                return Ok(Some((run.id, inputs, names)));
            }
            let now = self.stage.now();
            match self.stage.host.next_expiry().filter(|at| *at > now) {
                Some(at) => self.stage.go_on_to(at).await?,
                None => {
                    player.refused("the document starts no run: it is started by hand");
                    return Ok(None);
                }
            }
        }
    }
}
