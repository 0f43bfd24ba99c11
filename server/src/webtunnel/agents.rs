//! Making a device for an agent, and checking the secret of one that comes.

use std::sync::{MutexGuard, PoisonError};

use api::DeviceId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::{Class, Scope, Secret};
use crate::accounts::AccountsError;
use crate::devices::DevicesError;
use crate::http::ClientCertificate;

use super::credential::{Credential, is_agent_id};
use super::proven::Proven;
use super::secret::{StoredSecret, is_made};
use super::{WebTunnel, WebTunnelError, store};

/// A device to be made for an agent.
pub struct NewAgent {
    /// The id in the agent's configuration.
    pub agent_id: String,
    /// `None`: the organization's own.
    pub domain: Option<Uuid>,
    /// `None`: the id, until the agent says how its device is called.
    pub name: Option<String>,
    /// A password that the agent has already; `None`: one is made.
    pub password: Option<Zeroizing<String>>,
}

/// What its configuration needs.
pub struct AgentMade {
    pub device: DeviceId,
    pub agent_id: String,
    pub domain: Uuid,
    /// The device's part of host names.
    pub label: String,
    /// The password that was made. It is told this once.
    pub secret: Option<Secret>,
}

/// What became of an agent's credential.
pub(super) enum Verdict {
    Device(DeviceId),
    NoDomain,
    /// The password is wrong, or there is no such device: one answer.
    Wrong,
    /// Too many are just being checked, or were.
    Busy,
}

impl WebTunnel {
    /// Makes a device for an agent; also for the command line.
    ///
    /// # Errors
    /// [`WebTunnelError`]
    pub async fn create_agent(
        &self,
        scope: Scope,
        input: NewAgent,
    ) -> Result<AgentMade, WebTunnelError> {
        if !is_agent_id(&input.agent_id) {
            return Err(WebTunnelError::Invalid {
                field: "id",
                detail: "It needs 1 to 63 of a-z, 0-9 and -, and no - at its beginning.",
            });
        }
        let organization = scope.organization();
        let reader = self.0.db.reader();
        let domain = match input.domain {
            Some(domain) => domain,
            // Its own id is as good as any, and there is no second one to be confused with it.
            None => store::first_domain(reader, organization)
                .await?
                .unwrap_or(organization.0),
        };
        let owner = store::domain_owner(reader, domain).await?;
        if owner.is_some_and(|owner| owner != organization) {
            return Err(WebTunnelError::ForeignDomain);
        }
        let (stored, secret) = match input.password {
            Some(password) if password.is_empty() => {
                return Err(WebTunnelError::Invalid {
                    field: "password",
                    detail: "It must not be empty.",
                });
            }
            Some(password) => {
                let stored = StoredSecret::brought(password, &self.0.passwords).await?;
                (stored, None)
            }
            None => {
                let secret = Secret::generate(Class::WebTunnelAgent);
                (StoredSecret::made(&secret), Some(secret))
            }
        };
        let name = input.name.as_deref().unwrap_or(&input.agent_id);
        let devices = &self.0.devices;
        let mut device = devices
            .begin_keyless(organization, &input.agent_id, name)
            .await?;
        let id = device.id();
        let now = self.0.clock.now();
        store::insert_domain(device.write(), domain, organization, now).await?;
        store::insert_agent(device.write(), domain, &input.agent_id, id, stored.as_str())
            .await
            .map_err(|error| match &error {
                sqlx::Error::Database(cause) if cause.is_unique_violation() => {
                    WebTunnelError::Exists
                }
                _ => error.into(),
            })?;
        let identity = device.commit(devices).await?;
        tracing::info!(device = %id, %domain, agent_id = input.agent_id, "device made for an agent");
        Ok(AgentMade {
            device: id,
            agent_id: input.agent_id,
            domain,
            label: identity.label,
            secret,
        })
    }

    /// Checks what an agent shows.
    pub(super) async fn check(&self, credential: &Credential) -> Result<Verdict, WebTunnelError> {
        let Some(domain) = credential.domain else {
            return Ok(Verdict::NoDomain);
        };
        let reader = self.0.db.reader();
        let Some((device, recorded)) = store::agent(reader, domain, &credential.agent_id).await?
        else {
            let is_domain = store::domain_owner(reader, domain).await?.is_some();
            return Ok(if is_domain {
                Verdict::Wrong
            } else {
                Verdict::NoDomain
            });
        };
        match self.is_right(device, recorded, &credential.password).await {
            Ok(true) => {}
            Ok(false) => return Ok(Verdict::Wrong),
            Err(AccountsError::Busy) => return Ok(Verdict::Busy),
            Err(error) => return Err(error.into()),
        }
        self.known(device).await
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

    async fn known(&self, device: DeviceId) -> Result<Verdict, WebTunnelError> {
        // Another process may have made it a moment ago.
        match self.0.devices.adopt(device).await {
            Ok(()) if self.0.devices.identity(device).is_some() => Ok(Verdict::Device(device)),
            Ok(()) | Err(DevicesError::NoSuchDevice) => Ok(Verdict::Wrong),
            Err(error) => Err(error.into()),
        }
    }

    async fn is_right(
        &self,
        device: DeviceId,
        recorded: String,
        password: &Zeroizing<String>,
    ) -> Result<bool, AccountsError> {
        let recorded = match StoredSecret::parse(recorded) {
            StoredSecret::Made(recorded) => return Ok(is_made(password, &recorded)),
            StoredSecret::Brought(recorded) => recorded,
        };
        if self.proven().has(device, &recorded, password) {
            return Ok(true);
        }
        if !self.proven().may_try(device, self.0.clock.now()) {
            return Err(AccountsError::Busy);
        }
        let passwords = &self.0.passwords;
        let is_right = passwords
            .verify(password.clone(), Some(recorded.clone()))
            .await?;
        if is_right {
            self.proven().keep(device, &recorded, password);
        }
        Ok(is_right)
    }

    fn proven(&self) -> MutexGuard<'_, Proven> {
        self.0.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
