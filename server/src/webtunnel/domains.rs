//! An organization's domains: their secrets, and devices that register themselves by one.
//!
//! A domain's secret opens devices that have none of their own, and no others (SECURITY S27): who
//! has it cannot take over a device that has a secret or has shown a certificate.

use api::{OrganizationId, UpdateWebTunnelDomain, WebTunnelDomain};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::{Scope, Secret};

use super::check::Verdict;
use super::{WebTunnel, WebTunnelError, store};

/// So many devices may register themselves in one domain in all: who has stolen its secret does not
/// fill the database.
const REGISTERED_MAX: i64 = 20_000;
const DOMAINS_MAX: usize = 100;

impl WebTunnel {
    /// The organization's domains, the oldest first. It has one at least: its own id.
    pub(super) async fn domains(
        &self,
        scope: Scope,
    ) -> Result<Vec<WebTunnelDomain>, WebTunnelError> {
        let mut domains = store::domains(self.0.db.reader(), scope).await?;
        if domains.is_empty() {
            domains.push(WebTunnelDomain {
                domain: scope.organization().0,
                self_registration: false,
                secret_made_at: None,
                devices: 0,
                devices_by_domain_secret: 0,
            });
        }
        Ok(domains)
    }

    /// Takes a domain that a fleet has already.
    pub(super) async fn add_domain(
        &self,
        scope: Scope,
        domain: Uuid,
    ) -> Result<WebTunnelDomain, WebTunnelError> {
        if self.domains(scope).await?.len() >= DOMAINS_MAX {
            return Err(WebTunnelError::Invalid {
                field: "domain",
                detail: "There may be 100 domains at most.",
            });
        }
        let owner = store::domain_owner(self.0.db.reader(), domain).await?;
        if owner.is_some_and(|owner| owner != scope.organization()) {
            return Err(WebTunnelError::ForeignDomain);
        }
        self.record(scope, domain).await?;
        self.domain(scope, domain).await
    }

    /// Changes what people may change of a domain.
    pub(super) async fn update_domain(
        &self,
        scope: Scope,
        domain: Uuid,
        input: UpdateWebTunnelDomain,
    ) -> Result<WebTunnelDomain, WebTunnelError> {
        self.owned(scope, domain).await?;
        if let Some(is_on) = input.self_registration {
            self.record(scope, domain).await?;
            let mut write = self.0.db.write().await?;
            if !store::set_self_registration(&mut write, scope, domain, is_on).await? {
                return Err(WebTunnelError::NoSuchDomain);
            }
            write.commit().await?;
            tracing::info!(%domain, is_on, "self-registration of devices switched");
        }
        self.domain(scope, domain).await
    }

    /// Gives a domain a secret, and tells it this once if it was made. One that it had opens nothing
    /// from now on; tunnels that are up stay.
    ///
    /// # Errors
    /// [`WebTunnelError`]
    pub async fn set_domain_secret(
        &self,
        scope: Scope,
        domain: Uuid,
        password: Option<Zeroizing<String>>,
    ) -> Result<Option<Secret>, WebTunnelError> {
        self.owned(scope, domain).await?;
        let (stored, secret) = self.new_secret(password).await?;
        self.record(scope, domain).await?;
        let stored = Some((stored.as_str(), self.0.clock.now()));
        self.write_secret(scope, domain, stored).await?;
        tracing::info!(%domain, "a domain's secret was set");
        Ok(secret)
    }

    /// Takes a domain's secret away. Devices that have no other are let in no more.
    pub(super) async fn remove_domain_secret(
        &self,
        scope: Scope,
        domain: Uuid,
    ) -> Result<(), WebTunnelError> {
        self.owned(scope, domain).await?;
        self.record(scope, domain).await?;
        self.write_secret(scope, domain, None).await?;
        tracing::info!(%domain, "a domain's secret was taken away");
        Ok(())
    }

    /// Deletes a domain without devices.
    pub(super) async fn delete_domain(
        &self,
        scope: Scope,
        domain: Uuid,
    ) -> Result<(), WebTunnelError> {
        self.owned(scope, domain).await?;
        let mut write = self.0.db.write().await?;
        if !store::delete_domain(&mut write, scope, domain).await? {
            return Err(WebTunnelError::DomainInUse);
        }
        write.commit().await?;
        tracing::info!(%domain, "domain deleted");
        Ok(())
    }

    /// Makes a device of an agent that has shown its domain's secret.
    pub(super) async fn register(
        &self,
        organization: OrganizationId,
        domain: Uuid,
        agent_id: &str,
    ) -> Result<Verdict, WebTunnelError> {
        let now = self.0.clock.now();
        if !self.proven().may_register(domain, now) {
            tracing::warn!(%domain, "too many devices register themselves at once");
            return Ok(Verdict::Crowded);
        }
        let devices = &self.0.devices;
        let mut device = devices
            .begin_keyless(organization, agent_id, agent_id)
            .await?;
        // Again, where nothing can come in between.
        match store::registered(device.write(), domain).await? {
            None => return Ok(Verdict::Wrong),
            Some(registered) if registered >= REGISTERED_MAX => {
                tracing::warn!(%domain, registered, "no more devices may register themselves");
                return Ok(Verdict::Crowded);
            }
            Some(_) => {}
        }
        let id = device.id();
        match store::insert_agent(device.write(), domain, agent_id, id, None).await {
            Ok(()) => {}
            // Another connection of the same agent was quicker, or somebody made it just now.
            Err(WebTunnelError::Exists) => return Ok(Verdict::Wrong),
            Err(error) => return Err(error),
        }
        device.commit(devices).await?;
        tracing::info!(device = %id, %domain, agent_id, "a device registered itself");
        Ok(Verdict::Device(id))
    }

    async fn write_secret(
        &self,
        scope: Scope,
        domain: Uuid,
        stored: Option<(&str, api::Timestamp)>,
    ) -> Result<(), WebTunnelError> {
        let mut write = self.0.db.write().await?;
        if !store::set_domain_secret(&mut write, scope, domain, stored).await? {
            return Err(WebTunnelError::NoSuchDomain);
        }
        write.commit().await?;
        Ok(())
    }

    async fn domain(&self, scope: Scope, domain: Uuid) -> Result<WebTunnelDomain, WebTunnelError> {
        let domains = self.domains(scope).await?;
        let found = domains.into_iter().find(|known| known.domain == domain);
        found.ok_or(WebTunnelError::NoSuchDomain)
    }

    async fn owned(&self, scope: Scope, domain: Uuid) -> Result<(), WebTunnelError> {
        let owner = store::domain_owner(self.0.db.reader(), domain).await?;
        if owner == Some(scope.organization()) {
            Ok(())
        } else {
            Err(WebTunnelError::NoSuchDomain)
        }
    }

    /// Makes a record of a domain, if there is none.
    async fn record(&self, scope: Scope, domain: Uuid) -> Result<(), WebTunnelError> {
        let mut write = self.0.db.write().await?;
        let now = self.0.clock.now();
        store::insert_domain(&mut write, domain, scope.organization(), now).await?;
        write.commit().await?;
        Ok(())
    }
}
