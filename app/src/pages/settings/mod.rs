//! Settings: what this browser looks like, keys, tokens, you.

mod account;
mod api_tokens;
mod appearance;
mod expiry;
mod install_keys;
mod key_table;
mod token_form;
mod webtunnel;

use leptos::prelude::*;

use self::account::Account;
use self::api_tokens::ApiTokens;
use self::appearance::Appearance;
use self::install_keys::InstallKeys;
use self::webtunnel::WebTunnelDomains;
use crate::components::PageHeader;

/// All settings on one page.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    view! {
        <PageHeader title="Settings" />
        <InstallKeys />
        <WebTunnelDomains />
        <ApiTokens />
        <Appearance />
        <Account />
        <p class="settings__licenses">
            <a href="/licenses.txt" rel="external" target="_blank">"Licences of icons and fonts"</a>
        </p>
    }
}

/// A part of the settings with its title, a line about it, and its action.
#[component]
fn Section(
    id: &'static str,
    title: &'static str,
    text: &'static str,
    #[prop(optional, into)] action: Option<ViewFn>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby=id>
            <header class="section__header">
                <div>
                    <h2 class="section__title" id=id>{title}</h2>
                    <p class="section__text">{text}</p>
                </div>
                {action.map(|action| action.run())}
            </header>
            {children()}
        </section>
    }
}
