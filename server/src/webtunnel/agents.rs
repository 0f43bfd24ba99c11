//! Making a device for an agent, and its secret.

use api::DeviceId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::{Class, Scope, Secret};

use super::credential::is_agent_id;
use super::secret::StoredSecret;
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
                field: "agent_id",
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
        let (stored, secret) = self.new_secret(input.password).await?;
        let name = input.name.as_deref().unwrap_or(&input.agent_id);
        let devices = &self.0.devices;
        let mut device = devices
            .begin_keyless(organization, &input.agent_id, name)
            .await?;
        let id = device.id();
        let now = self.0.clock.now();
        store::insert_domain(device.write(), domain, organization, now).await?;
        let stored = Some(stored.as_str());
        store::insert_agent(device.write(), domain, &input.agent_id, id, stored).await?;
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

    /// Gives an agent another secret, and tells it this once if it was made. The old one opens
    /// nothing from now on; a tunnel that is up stays.
    ///
    /// # Errors
    /// [`WebTunnelError`]
    pub async fn set_agent_secret(
        &self,
        scope: Scope,
        device: DeviceId,
        password: Option<Zeroizing<String>>,
    ) -> Result<Option<Secret>, WebTunnelError> {
        let (stored, secret) = self.new_secret(password).await?;
        let mut write = self.0.db.write().await?;
        if !store::set_agent_secret(&mut write, scope, device, stored.as_str()).await? {
            return Err(WebTunnelError::NoSuchAgent);
        }
        write.commit().await?;
        tracing::info!(%device, "an agent's secret was replaced");
        Ok(secret)
    }

    /// Which agent a device has.
    ///
    /// # Errors
    /// [`WebTunnelError::NoSuchAgent`], or when the database fails.
    pub(super) async fn agent_of(
        &self,
        scope: Scope,
        device: DeviceId,
    ) -> Result<api::WebTunnelAgent, WebTunnelError> {
        let agent = store::agent_of(self.0.db.reader(), scope, device).await?;
        agent.ok_or(WebTunnelError::NoSuchAgent)
    }

    /// What to record of a password that is there already, or else a new one.
    pub(super) async fn new_secret(
        &self,
        password: Option<Zeroizing<String>>,
    ) -> Result<(StoredSecret, Option<Secret>), WebTunnelError> {
        let Some(password) = password else {
            let secret = Secret::generate(Class::WebTunnelAgent);
            return Ok((StoredSecret::made(&secret), Some(secret)));
        };
        if password.is_empty() {
            return Err(WebTunnelError::Invalid {
                field: "password",
                detail: "It must not be empty.",
            });
        }
        let stored = StoredSecret::brought(password, &self.0.passwords).await?;
        Ok((stored, None))
    }
}
