//! Documents that expire.

use super::{Attempt, Tables, conflict};
use crate::base::Timestamp;
use crate::base::id::FileId;
use crate::space::Expiry;
use crate::store::model::{CommitError, ExpiryOrder, StoreError, Write};

/// A document that counts, and whether it was told that it is due for renewal.
#[derive(Clone)]
pub(super) struct Counted {
    pub expiry: Expiry,
    told: bool,
}

impl Attempt<'_> {
    pub(super) fn write_expiry(&mut self, write: Write) -> Result<(), CommitError> {
        match write {
            Write::PutExpiry(expiry) => {
                let before = self.tables.expiries.get(&expiry.file);
                let told = before.is_some_and(|before| before.told && before.expiry.version == expiry.version);
                self.set_expiry(expiry.file.clone(), Some(Counted { expiry, told }));
                Ok(())
            }
            Write::EndExpiry { file } => {
                self.set_expiry(file, None);
                Ok(())
            }
            Write::ExpiryTold { file, version } => {
                let before = self.tables.expiries.get(&file).cloned();
                match before.filter(|it| it.expiry.version == version && !it.told) {
                    Some(before) => {
                        self.set_expiry(file, Some(Counted { told: true, ..before }));
                        Ok(())
                    }
                    None => conflict(format!("document {file}")),
                }
            }
            other => Err(StoreError::Failed(format!("no way to write {other:?}")).into()),
        }
    }

    fn set_expiry(&mut self, file: FileId, after: Option<Counted>) {
        let set = |tables: &mut Tables, file: &FileId, it: Option<Counted>| match it {
            Some(it) => tables.expiries.insert(file.clone(), it),
            None => tables.expiries.remove(file),
        };
        let before = set(self.tables, &file, after);
        self.undo(move |tables| drop(set(tables, &file, before)));
    }
}

impl Tables {
    pub(super) fn expiry(&self, file: &FileId) -> Option<Expiry> {
        self.expiries.get(file).map(|it| it.expiry.clone())
    }

    pub(super) fn expiries(
        &self,
        order: ExpiryOrder,
        not_before: Timestamp,
        after: Option<&(Timestamp, FileId)>,
        limit: usize,
    ) -> Vec<Expiry> {
        let all = self.expiries.values().map(|it| &it.expiry);
        let placed = all.filter_map(|it| Some(((order.of(it)?, it.file.clone()), it)));
        let mut meant: Vec<_> = placed
            .filter(|(place, it)| it.day >= not_before && after.is_none_or(|after| place > after))
            .collect();
        meant.sort_by(|(one, _), (other, _)| one.cmp(other));
        meant.into_iter().take(limit).map(|(_, it)| it.clone()).collect()
    }

    pub(super) fn untold_expiries(&self, limit: usize) -> Vec<Expiry> {
        let untold = self.expiries.values().filter(|it| !it.told);
        let mut untold: Vec<_> = untold
            .filter_map(|it| Some(((it.expiry.renew_at?, it.expiry.file.clone()), it)))
            .collect();
        untold.sort_by(|(one, _), (other, _)| one.cmp(other));
        untold
            .into_iter()
            .take(limit)
            .map(|(_, it)| it.expiry.clone())
            .collect()
    }
}
