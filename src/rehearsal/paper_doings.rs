//! What those do on a time line who were asked for papers.

use super::doings::{Actor, Done, Fault};
use super::file::{EntrySpec, GiveSpec, TakeBackSpec};
use crate::base::id::FileId;

impl Actor<'_, '_> {
    /// Does what an entry says about a checklist, if it does.
    pub(super) async fn about_papers(&self, entry: &EntrySpec) -> Option<Done> {
        if let Some(give) = &entry.give {
            return Some(self.give(give).await);
        }
        if let Some(take_back) = &entry.take_back {
            return Some(self.take_back(take_back).await);
        }
        if let Some(says) = &entry.not_applicable {
            return Some(self.not_applicable(&says.visitor, &says.item, &says.because).await);
        }
        let withdraw = entry.withdraw.as_ref()?;
        Some(self.withdraw(&withdraw.visitor, &withdraw.reason).await)
    }

    async fn give(&self, give: &GiveSpec) -> Done {
        let bytes = self.bytes(give.material())?;
        let visitor = self.enter(&give.visitor, None).await?;
        let day = give.valid_until.as_deref();
        let host = &self.stage.host;
        host.give(&visitor, &give.item, &give.name, day, bytes.as_slice())
            .await?;
        Ok(())
    }

    async fn take_back(&self, take_back: &TakeBackSpec) -> Done {
        let visitor = self.enter(&take_back.visitor, None).await?;
        let view = self.stage.host.view_share(&visitor).await?;
        let items = view.request.iter().flat_map(|request| request.items.iter());
        let mut files = items
            .filter(|item| item.name == take_back.item)
            .flat_map(|item| item.files.iter());
        let file = files.find(|given| given.file.name == take_back.name);
        let file =
            file.ok_or_else(|| Fault::Refused(format!("{} was not given for `{}`", take_back.name, take_back.item)))?;
        let file = FileId(file.file.id.clone());
        self.stage.host.take_back(&visitor, &take_back.item, &file).await?;
        Ok(())
    }

    async fn not_applicable(&self, visitor: &str, item: &str, because: &str) -> Done {
        let visitor = self.enter(visitor, None).await?;
        self.stage.host.not_applicable(&visitor, item, because).await?;
        Ok(())
    }

    async fn withdraw(&self, visitor: &str, reason: &str) -> Done {
        let visitor = self.enter(visitor, None).await?;
        self.stage.host.withdraw(&visitor, reason).await?;
        Ok(())
    }
}
