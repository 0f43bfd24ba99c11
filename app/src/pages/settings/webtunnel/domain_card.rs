//! One domain.

use api::WebTunnelDomain;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::domain_secret::DomainSecret;
use crate::api_client::ApiClient;
use crate::components::{Button, Confirm, CopyField, Switch, Variant};
use crate::state::{Query, Toasts};

/// Its UUID, its switch, its secret.
#[component]
pub(super) fn DomainCard(
    domain: WebTunnelDomain,
    domains: Query<Vec<WebTunnelDomain>>,
) -> impl IntoView {
    let is_empty = domain.devices == 0;
    let devices = devices(&domain);
    let id = domain.domain;
    view! {
        <li class="domain">
            <CopyField text=id.to_string() label="Copy the domain" />
            <p class="section__text">{devices}</p>
            <DomainSecret domain=domain.clone() domains=domains />
            <SelfRegistration domain=domain domains=domains />
            {is_empty.then(|| view! { <DeleteDomain id=id domains=domains /> })}
        </li>
    }
}

/// How many it has, and how many of them live by its secret.
fn devices(domain: &WebTunnelDomain) -> String {
    let (all, shared) = (domain.devices, domain.devices_by_domain_secret);
    let has = match all {
        0 => "No devices yet".to_owned(),
        1 => "1 device".to_owned(),
        _ => format!("{all} devices"),
    };
    match shared {
        0 => has,
        1 => format!("{has}, 1 of them by the domain’s secret"),
        _ => format!("{has}, {shared} of them by the domain’s secret"),
    }
}

#[component]
fn SelfRegistration(
    domain: WebTunnelDomain,
    domains: Query<Vec<WebTunnelDomain>>,
) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let (asking, busy) = (RwSignal::new(false), RwSignal::new(false));
    let (id, is_on) = (domain.domain, domain.self_registration);
    let switch = move |to: bool| {
        busy.set(true);
        spawn_local(async move {
            let answer = api.switch_self_registration(id, to).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    asking.try_set(false);
                    domains.refresh();
                }
                Err(error) => toasts.failed(&error),
            }
        });
    };
    // Off is the safe way; on is asked for.
    let change = move |to: bool| {
        if to {
            asking.set(true);
        } else {
            switch(false);
        }
    };
    view! {
        <div>
            <Switch label="Devices may register themselves" on=is_on busy=busy on_change=change />
            <p class="section__text">
                {match (is_on, domain.secret_made_at.is_some()) {
                    (true, false) => "It takes a secret of the domain: without one nobody can.",
                    _ => "A device that nobody has made shows the domain’s secret and is there.",
                }}
            </p>
        </div>
        <Confirm
            open=asking
            busy=busy
            title=Signal::stored("Let devices register themselves".to_owned())
            text=Signal::stored(
                "Whoever has the domain’s secret can add devices to your organization, and can be each device that registered itself by it. Devices with a secret of their own stay theirs. Switch it off again when your devices are here."
                    .to_owned(),
            )
            action=Signal::stored("Let them register".to_owned())
            on_confirm=move |()| switch(true)
        />
    }
}

#[component]
fn DeleteDomain(id: uuid::Uuid, domains: Query<Vec<WebTunnelDomain>>) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let busy = RwSignal::new(false);
    // The last one is the organization's own and comes back by itself.
    let is_one_of_many = move || domains.with_ready(|all| all.len() > 1).unwrap_or(false);
    let delete = move |_| {
        busy.set(true);
        spawn_local(async move {
            let answer = api.delete_webtunnel_domain(id).await;
            busy.try_set(false);
            match answer {
                Ok(()) => domains.refresh(),
                Err(error) => toasts.failed(&error),
            }
        });
    };
    move || {
        is_one_of_many().then(|| {
            view! {
                <div>
                    <Button variant=Variant::Quiet busy=busy label=format!("Remove the domain {id}") on_click=delete>
                        "Remove domain"
                    </Button>
                </div>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_counted_in_words() {
        let mut domain = WebTunnelDomain {
            domain: uuid::Uuid::nil(),
            self_registration: false,
            secret_made_at: None,
            devices: 0,
            devices_by_domain_secret: 0,
        };
        assert_eq!(devices(&domain), "No devices yet");
        (domain.devices, domain.devices_by_domain_secret) = (3, 2);
        assert_eq!(
            devices(&domain),
            "3 devices, 2 of them by the domain’s secret"
        );
        (domain.devices, domain.devices_by_domain_secret) = (1, 1);
        assert_eq!(
            devices(&domain),
            "1 device, 1 of them by the domain’s secret"
        );
    }
}
