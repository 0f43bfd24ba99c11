//! Checking the secret of an agent that comes.

use std::sync::{MutexGuard, PoisonError};

use api::DeviceId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::Scope;
use crate::accounts::{AccountsError, Passwords};
use crate::devices::DevicesError;
use crate::http::ClientCertificate;

use super::credential::{Credential, is_agent_id};
use super::proven::{Proven, Who};
use super::secret::{StoredSecret, is_made};
use super::{WebTunnel, WebTunnelError, store};

/// What became of an agent's credential.
pub(super) enum Verdict {
    Device(DeviceId),
    NoDomain,
    /// The password is wrong, or there is no such device: one answer.
    Wrong,
    /// Too many are just being checked, or were.
    Busy,
    /// Too many new devices have registered themselves.
    Crowded,
}

impl WebTunnel {
    /// Checks what an agent shows.
    pub(super) async fn check(&self, credential: &Credential) -> Result<Verdict, WebTunnelError> {
        let Some(domain) = credential.domain else {
            return Ok(Verdict::NoDomain);
        };
        let reader = self.0.db.reader();
        let Some((device, recorded)) = store::agent(reader, domain, &credential.agent_id).await?
        else {
            return self.check_stranger(domain, credential).await;
        };
        let passwords = &self.0.passwords;
        let password = &credential.password;
        let who = Who::Device(device);
        let is_right = match recorded {
            Some(recorded) => self.is_right(who, who, recorded, password, passwords).await,
            None => match store::domain_secret(reader, domain).await? {
                Some(recorded) => {
                    let domain = Who::Domain(domain);
                    self.is_right(who, domain, recorded, password, passwords)
                        .await
                }
                None => self.take_as_long(who, password).await.map(|()| false),
            },
        };
        match is_right {
            Ok(true) => self.known(device).await,
            Ok(false) => Ok(Verdict::Wrong),
            Err(AccountsError::Busy) => Ok(Verdict::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// Checks one whose id is nobody's: it may have the domain's secret.
    async fn check_stranger(
        &self,
        domain: Uuid,
        credential: &Credential,
    ) -> Result<Verdict, WebTunnelError> {
        let reader = self.0.db.reader();
        let Some(owner) = store::domain_owner(reader, domain).await? else {
            return Ok(Verdict::NoDomain);
        };
        let nobody = self.proven().nobody(domain, &credential.agent_id);
        let password = &credential.password;
        let recorded = match is_agent_id(&credential.agent_id) {
            true => store::secret_for_strangers(reader, domain).await?,
            false => None,
        };
        let is_right = match recorded {
            Some(recorded) => {
                let decoys = &self.0.decoys;
                self.is_right(nobody, Who::Domain(domain), recorded, password, decoys)
                    .await
            }
            None => self.take_as_long(nobody, password).await.map(|()| false),
        };
        match is_right {
            Ok(true) => self.register(owner, domain, &credential.agent_id).await,
            Ok(false) => Ok(Verdict::Wrong),
            Err(AccountsError::Busy) => Ok(Verdict::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// Checks an agent whose certificate names it. Its password is optional; one that it sends must
    /// be right.
    pub(super) async fn check_certified(
        &self,
        credential: &Credential,
    ) -> Result<Verdict, WebTunnelError> {
        if !credential.password.is_empty() {
            return self.check(credential).await;
        }
        let Some(domain) = credential.domain else {
            return Ok(Verdict::NoDomain);
        };
        let reader = self.0.db.reader();
        match store::agent(reader, domain, &credential.agent_id).await? {
            Some((device, _)) => self.known(device).await,
            None => Ok(Verdict::Wrong),
        }
    }

    /// The device that a certificate names, without anything else that does. Where two domains of
    /// the organization have such a device, it is neither.
    pub(super) async fn named_by(
        &self,
        certificate: &ClientCertificate,
    ) -> Result<Verdict, WebTunnelError> {
        let reader = self.0.db.reader();
        let scope = Scope::of(certificate.organization);
        let devices = store::agents_named(reader, scope, &certificate.device).await?;
        let [device] = devices[..] else {
            return Ok(Verdict::Wrong);
        };
        self.known(device).await
    }

    pub(super) async fn known(&self, device: DeviceId) -> Result<Verdict, WebTunnelError> {
        // Another process may have made it a moment ago.
        match self.0.devices.adopt(device).await {
            Ok(()) if self.0.devices.identity(device).is_some() => Ok(Verdict::Device(device)),
            Ok(()) | Err(DevicesError::NoSuchDevice) => Ok(Verdict::Wrong),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether `password` is what is recorded of `whose`; `who` tries.
    async fn is_right(
        &self,
        who: Who,
        whose: Who,
        recorded: String,
        password: &Zeroizing<String>,
        passwords: &Passwords,
    ) -> Result<bool, AccountsError> {
        let recorded = match StoredSecret::parse(recorded) {
            StoredSecret::Made(recorded) => {
                if is_made(password, &recorded) {
                    return Ok(true);
                }
                self.take_as_long(who, password).await?;
                return Ok(false);
            }
            StoredSecret::Brought(recorded) => recorded,
        };
        if self.proven().has(whose, &recorded, password) {
            return Ok(true);
        }
        if !self.proven().may_try(who, self.0.clock.now()) {
            return Err(AccountsError::Busy);
        }
        let is_right = passwords
            .verify(password.clone(), Some(recorded.clone()))
            .await?;
        if is_right {
            self.proven().keep(whose, &recorded, password);
        }
        Ok(is_right)
    }

    /// What is wrong takes as long as what is wrong of an agent that brought its password: time
    /// must not tell which ids there are.
    async fn take_as_long(
        &self,
        who: Who,
        password: &Zeroizing<String>,
    ) -> Result<(), AccountsError> {
        if !self.proven().may_try(who, self.0.clock.now()) {
            return Err(AccountsError::Busy);
        }
        let decoys = &self.0.decoys;
        decoys.verify(password.clone(), None).await.map(drop)
    }

    pub(super) fn proven(&self) -> MutexGuard<'_, Proven> {
        self.0.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
