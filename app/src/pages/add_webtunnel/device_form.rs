//! Which device it is.

use api::{CreateWebTunnelDevice, WebTunnelDeviceCreated};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use uuid::Uuid;

use super::ports::Typed;
use crate::api_client::ApiClient;
use crate::components::{Button, TextField, Variant};
use crate::words::{failure_words, legible};

/// What is typed.
#[derive(Clone, Copy)]
struct Fields {
    agent_id: RwSignal<String>,
    name: RwSignal<String>,
    domain: RwSignal<String>,
    password: RwSignal<String>,
    http: RwSignal<String>,
    ssh: RwSignal<String>,
    vnc: RwSignal<String>,
    others: RwSignal<String>,
    id_error: RwSignal<Option<String>>,
    domain_error: RwSignal<Option<String>>,
    ports_error: RwSignal<Option<String>>,
    error: RwSignal<Option<String>>,
}

impl Fields {
    fn new() -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            agent_id: text(""),
            name: text(""),
            domain: text(""),
            password: text(""),
            http: text("80"),
            ssh: text("22"),
            vnc: text(""),
            others: text(""),
            id_error: RwSignal::new(None),
            domain_error: RwSignal::new(None),
            ports_error: RwSignal::new(None),
            error: RwSignal::new(None),
        }
    }

    /// The input, or `None` with the errors said.
    fn read(self) -> Option<CreateWebTunnelDevice> {
        let told = |text: &str| Some(text.to_owned());
        let agent_id = self.agent_id.get_untracked().trim().to_owned();
        let id_error = agent_id
            .is_empty()
            .then(|| "The device needs an id.".to_owned());
        let domain = self.domain.get_untracked();
        let domain = Some(domain.trim()).filter(|domain| !domain.is_empty());
        let domain = domain.map(str::parse::<Uuid>).transpose();
        let domain_error = domain
            .as_ref()
            .err()
            .and_then(|_| told("A domain looks like 1b4e28ba-2fa1-11d2-883f-0016d3cca427."));
        let ports = Typed {
            http: &self.http.get_untracked(),
            ssh: &self.ssh.get_untracked(),
            vnc: &self.vnc.get_untracked(),
            others: &self.others.get_untracked(),
        }
        .read();
        let ports_error = ports.as_ref().err().and_then(|error| told(error));
        self.error.set(None);
        let is_good = id_error.is_none() && domain_error.is_none() && ports_error.is_none();
        self.id_error.set(id_error);
        self.domain_error.set(domain_error);
        self.ports_error.set(ports_error);
        if !is_good {
            return None;
        }
        let given = |field: RwSignal<String>| Some(field.get_untracked());
        Some(CreateWebTunnelDevice {
            agent_id,
            domain: domain.ok()?,
            name: given(self.name).filter(|name| !name.trim().is_empty()),
            password: given(self.password).filter(|password| !password.is_empty()),
            ports: ports.ok()?,
        })
    }
}

/// A form that turns into a line once the device is made.
#[component]
pub(super) fn DeviceForm(created: RwSignal<Option<WebTunnelDeviceCreated>>) -> impl IntoView {
    let api = ApiClient::expect();
    let fields = Fields::new();
    let busy = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let Some(input) = fields.read() else { return };
        busy.set(true);
        spawn_local(async move {
            let answer = api.create_webtunnel_device(&input).await;
            busy.try_set(false);
            match answer {
                Ok(answer) => drop(created.try_set(Some(answer))),
                Err(failure) => {
                    let words = failure_words(&failure);
                    let told = format!("{}. {}", words.title, words.advice);
                    fields.error.try_set(Some(told));
                }
            }
        });
    };
    let made =
        move || created.with(|created| created.as_ref().map(|made| legible(&made.device.name)));
    move || match made() {
        Some(name) => view! {
            <p class="step__hint">
                "The device “" <bdi>{name}</bdi> "” is made. It can be deleted on its page."
            </p>
        }
        .into_any(),
        None => view! {
            <form class="form" on:submit=submit>
                <Inputs fields=fields />
                <p class="form__error" role="alert">{move || fields.error.get()}</p>
                <div>
                    <Button variant=Variant::Primary submits=true busy=busy>"Make device"</Button>
                </div>
            </form>
        }
        .into_any(),
    }
}

#[component]
fn Inputs(fields: Fields) -> impl IntoView {
    view! {
        <TextField
            id="agent-id"
            label="Device id"
            value=fields.agent_id
            max_length=63
            placeholder="pump-07"
            hint="As in the agent’s configuration: a-z, 0-9 and -. It becomes its address, too."
            error=fields.id_error
        />
        <TextField
            id="agent-name"
            label="Name"
            value=fields.name
            max_length=64
            hint="Left empty, the agent says how its device is called."
        />
        <fieldset class="ports">
            <legend class="text-field__label">"Ports on the device"</legend>
            <TextField id="port-http" label="Web page" value=fields.http max_length=5 />
            <TextField id="port-ssh" label="SSH" value=fields.ssh max_length=5 />
            <TextField id="port-vnc" label="Desktop (VNC)" value=fields.vnc max_length=5 />
            <TextField
                id="port-others"
                label="Others"
                value=fields.others
                max_length=200
                placeholder="8080, 9000"
                error=fields.ports_error
            />
        </fieldset>
        <details class="more">
            <summary>"The device has an agent that runs already"</summary>
            <div class="form">
                <TextField
                    id="agent-domain"
                    label="Domain"
                    value=fields.domain
                    max_length=36
                    hint="webtunnel.domain of its configuration. Left empty, it is your organization’s own."
                    error=fields.domain_error
                />
                <TextField
                    id="agent-password"
                    label="Password"
                    kind="password"
                    autocomplete="new-password"
                    value=fields.password
                    max_length=200
                    hint="webtunnel.password of its configuration. Left empty, a secret is made, which is better."
                />
            </div>
        </details>
    }
}
