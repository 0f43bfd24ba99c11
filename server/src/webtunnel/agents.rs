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
            if store::domain_owner(reader, domain).await?.is_none() {
                return Ok(Verdict::NoDomain);
            }
            let nobody = self.proven().nobody(domain, &credential.agent_id);
            return match self.take_as_long(nobody, &credential.password).await {
                Ok(()) => Ok(Verdict::Wrong),
                Err(AccountsError::Busy) => Ok(Verdict::Busy),
                Err(error) => Err(error.into()),
            };
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
            StoredSecret::Made(recorded) => {
                if is_made(password, &recorded) {
                    return Ok(true);
                }
                self.take_as_long(device, password).await?;
                return Ok(false);
            }
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

    /// What is wrong takes as long as what is wrong of an agent that brought its password: time
    /// must not tell which ids there are.
    async fn take_as_long(
        &self,
        who: DeviceId,
        password: &Zeroizing<String>,
    ) -> Result<(), AccountsError> {
        if !self.proven().may_try(who, self.0.clock.now()) {
            return Err(AccountsError::Busy);
        }
        let decoys = &self.0.decoys;
        decoys.verify(password.clone(), None).await.map(drop)
    }

    fn proven(&self) -> MutexGuard<'_, Proven> {
        self.0.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    /// Proven by what is done, not by a clock: each wrong password costs one slow hash.
    #[tokio::test]
    async fn s39_a_wrong_password_costs_the_same_for_every_id() {
        let server = TestServer::new().await;
        let scope = Scope::of(server.organization().await);
        let webtunnel = &server.state.webtunnel;
        let agent = |agent_id: &str, password: Option<&str>| NewAgent {
            agent_id: agent_id.to_owned(),
            domain: None,
            name: None,
            password: password.map(|password| password.to_owned().into()),
        };
        let made = webtunnel.create_agent(scope, agent("made", None)).await;
        let made = made.unwrap();
        let brought = agent("brought", Some("s3cret"));
        webtunnel.create_agent(scope, brought).await.unwrap();
        let hashes = || webtunnel.0.passwords.verified() + webtunnel.0.decoys.verified();
        let check = async |agent_id: &str, domain, password: &str| {
            let before = hashes();
            let credential = Credential {
                agent_id: agent_id.to_owned(),
                domain: Some(domain),
                password: password.to_owned().into(),
            };
            let verdict = webtunnel.check(&credential).await.unwrap();
            (verdict, hashes() - before)
        };
        let own_secret = Secret::generate(Class::WebTunnelAgent);
        for password in ["wrong", "", own_secret.reveal()] {
            for agent_id in ["made", "brought", "nobody"] {
                let (verdict, hashes) = check(agent_id, made.domain, password).await;
                assert!(matches!(verdict, Verdict::Wrong), "{agent_id}");
                assert_eq!(hashes, 1, "{agent_id}");
            }
        }
        // And so many of each in a minute; then they are all told the same, too.
        for agent_id in ["made", "brought", "nobody"] {
            let mut busy = 0;
            for _ in 0..10 {
                let (verdict, _) = check(agent_id, made.domain, "wrong").await;
                busy += usize::from(matches!(verdict, Verdict::Busy));
            }
            assert_eq!(busy, 3, "{agent_id}");
        }
        // The right one is never in its own way.
        let right = made.secret.unwrap();
        let (verdict, hashes) = check("made", made.domain, right.reveal()).await;
        assert!(matches!(verdict, Verdict::Device(device) if device == made.device));
        assert_eq!(hashes, 0);
    }
}
