//! Agents that speak WebTunnel: their devices, domains and secrets.

use api::{
    AddWebTunnelDomain, CreateWebTunnelDevice, DeviceId, Page, SetWebTunnelSecret,
    UpdateWebTunnelDomain, WebTunnelAgent, WebTunnelDeviceCreated, WebTunnelDomain,
    WebTunnelSecretSet,
};
use gloo_net::http::Method;
use uuid::Uuid;

use super::{Answer, ApiClient};

const DOMAINS: &str = "/api/v1/webtunnel/domains";

impl ApiClient {
    pub(crate) async fn webtunnel_domains(self) -> Answer<Page<WebTunnelDomain>> {
        self.fetch(DOMAINS).await
    }

    pub(crate) async fn add_webtunnel_domain(self, domain: Uuid) -> Answer<WebTunnelDomain> {
        let input = AddWebTunnelDomain { domain };
        self.submit(Method::POST, DOMAINS, &input).await
    }

    pub(crate) async fn switch_self_registration(
        self,
        domain: Uuid,
        is_on: bool,
    ) -> Answer<WebTunnelDomain> {
        let input = UpdateWebTunnelDomain {
            self_registration: Some(is_on),
        };
        let path = format!("{DOMAINS}/{domain}");
        self.submit(Method::PATCH, &path, &input).await
    }

    pub(crate) async fn delete_webtunnel_domain(self, domain: Uuid) -> Answer<()> {
        let path = format!("{DOMAINS}/{domain}");
        self.command(Method::DELETE, &path).await
    }

    pub(crate) async fn set_webtunnel_domain_secret(
        self,
        domain: Uuid,
        input: &SetWebTunnelSecret,
    ) -> Answer<WebTunnelSecretSet> {
        let path = format!("{DOMAINS}/{domain}/secret");
        self.submit(Method::POST, &path, input).await
    }

    pub(crate) async fn delete_webtunnel_domain_secret(self, domain: Uuid) -> Answer<()> {
        let path = format!("{DOMAINS}/{domain}/secret");
        self.command(Method::DELETE, &path).await
    }

    pub(crate) async fn create_webtunnel_device(
        self,
        input: &CreateWebTunnelDevice,
    ) -> Answer<WebTunnelDeviceCreated> {
        let path = "/api/v1/webtunnel/devices";
        self.submit(Method::POST, path, input).await
    }

    pub(crate) async fn webtunnel_agent(self, id: DeviceId) -> Answer<WebTunnelAgent> {
        self.fetch(&format!("/api/v1/devices/{id}/webtunnel")).await
    }

    /// Makes a new one.
    pub(crate) async fn new_webtunnel_device_secret(
        self,
        id: DeviceId,
    ) -> Answer<WebTunnelSecretSet> {
        let path = format!("/api/v1/devices/{id}/webtunnel/secret");
        let input = SetWebTunnelSecret::default();
        self.submit(Method::POST, &path, &input).await
    }
}
