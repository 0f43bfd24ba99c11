//! The database as the authority on rights.

use std::collections::{HashMap, HashSet};

use crate::accounts::{Accounts, AccountsError};
use crate::devices::{Devices, DevicesError};

use super::recheck::Authority;
use super::{Decision, Subject, decide};

/// Decides by what is recorded now, not by what this process was told.
pub struct Records {
    accounts: Accounts,
    devices: Devices,
}

/// Why the records could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error(transparent)]
    Devices(#[from] DevicesError),
}

impl Records {
    #[must_use]
    pub const fn new(accounts: Accounts, devices: Devices) -> Self {
        Self { accounts, devices }
    }
}

impl Authority for Records {
    type Error = RecordsError;

    /// One query for each sign-in or token, and one for each device: streams of one person to one
    /// device, which are most, cost two in all.
    async fn ended(&self, held: &HashSet<Subject>) -> Result<HashSet<Subject>, RecordsError> {
        let mut principals = HashMap::new();
        for via in held
            .iter()
            .map(|subject| subject.via)
            .collect::<HashSet<_>>()
        {
            principals.insert(via, self.accounts.principal(via).await?);
        }
        let mut owners = HashMap::new();
        for device in held
            .iter()
            .filter_map(|subject| subject.device)
            .collect::<HashSet<_>>()
        {
            owners.insert(device, self.devices.owner(device).await?);
        }
        let holds = |subject: &&Subject| {
            let principal = principals.get(&subject.via).and_then(Option::as_ref);
            let may = principal.is_some_and(|principal| {
                principal.user == subject.user
                    && principal.organization == subject.organization
                    && decide(principal, subject.action()) == Decision::Allow
            });
            let owns =
                |device| owners.get(&device).copied().flatten() == Some(subject.organization);
            may && subject.device.is_none_or(owns)
        };
        Ok(held
            .iter()
            .filter(|subject| !holds(subject))
            .cloned()
            .collect())
    }
}
