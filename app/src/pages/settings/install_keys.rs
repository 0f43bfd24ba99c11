//! Install keys: what lets devices in.

use api::{InstallKey, InstallKeyId};
use leptos::prelude::*;
use leptos_router::components::A;

use super::Section;
use super::expiry::Expiry;
use super::key_table::{Key, KeyTable};
use crate::api_client::{Answer, ApiClient};
use crate::components::{Glyph, Icon, Time, Variant};
use crate::paths;
use crate::state::Query;

/// The list; keys are made where devices are added.
#[component]
pub(super) fn InstallKeys() -> impl IntoView {
    let api = ApiClient::expect();
    let keys = Query::new(move || async move { api.install_keys().await.map(|page| page.items) });
    let action = || {
        view! {
            <A href=paths::ADD_DEVICE attr:class=Variant::Secondary.class()>
                <Icon glyph=Glyph::Plus />
                <span class="button__words">"New install key"</span>
            </A>
        }
    };
    view! {
        <Section
            id="settings-install-keys"
            title="Install keys"
            text="A key lets new devices join. Deleting it leaves the devices that joined with it."
            action=action
        >
            <KeyTable keys=keys />
        </Section>
    }
}

impl Key for InstallKey {
    type Id = InstallKeyId;

    const LABEL: &'static str = "Install keys";
    const COLUMNS: &'static [&'static str] = &["Name", "Used", "Expires", "Made"];
    const NONE: &'static str = "No install keys.";
    const DELETED: &'static str =
        "No more devices can join with this key. Devices that have joined stay.";
    const DELETE: &'static str = "Delete key";

    fn id(&self) -> InstallKeyId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn cells(&self) -> AnyView {
        let used = match self.use_limit {
            Some(limit) => format!("{} of {limit}", self.used),
            None => self.used.to_string(),
        };
        view! {
            <td class="numbers">{used}</td>
            <td><Expiry at=self.expires_at /></td>
            <td><Time at=self.created_at /></td>
        }
        .into_any()
    }

    async fn delete(api: ApiClient, id: InstallKeyId) -> Answer<()> {
        api.delete_install_key(id).await
    }
}
