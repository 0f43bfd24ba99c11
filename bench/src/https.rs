//! HTTP through the whole HTTPS proxy beside nginx: TLS, device cookie and header policy at the
//! server, the tunnel, the agent, the origin; nginx has the first and the last alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::Options;
use crate::adit::Adit;
use crate::load::{self, Page};
use crate::nginx::Nginx;
use crate::report::{Better, Row, Sides, median};

const CONNECTIONS: usize = 64;

/// What one load gave.
struct Figures {
    requests_per_s: f64,
    p50_us: f64,
    cpu_us: f64,
}

/// Requests a second, p50 and CPU a request, rounds by turns; medians of the ratios.
pub(crate) fn rows(
    folder: &Path,
    adit: &Adit,
    origin: u16,
    options: &Options,
) -> anyhow::Result<Vec<Row>> {
    let nginx = Nginx::start(folder, origin)?;
    let theirs = Page {
        port: nginx.port,
        name: ServerName::try_from("localhost")?,
        tls: Arc::new(trusting(&nginx.certificate_file)?),
        fields: "Host: localhost\r\n".into(),
    };
    let ours = page_of(adit)?;
    let mut pairs = Vec::new();
    for _ in 0..options.rounds {
        let base = measure(&theirs, options, || nginx.cpu_s()).context("HTTPS through nginx")?;
        let own = measure(&ours, options, || adit.path.cpu_s()).context("HTTPS through Adit")?;
        pairs.push((own, base));
    }
    let row = |name: &str, unit, better, bounds: Option<(f64, f64)>, of: fn(&Figures) -> f64| {
        let over = |figure: &dyn Fn(&(Figures, Figures)) -> f64| {
            median(&pairs.iter().map(figure).collect::<Vec<_>>())
        };
        Row {
            name: name.into(),
            value: over(&|(own, base)| of(own) / of(base)),
            unit: "x nginx",
            better,
            must: bounds.map(|bounds| bounds.0),
            aim: bounds.map(|bounds| bounds.1),
            sides: Some(Sides {
                ours: over(&|(own, _)| of(own)),
                reference: over(&|(_, base)| of(base)),
                unit,
            }),
        }
    };
    Ok(vec![
        row(
            "https_proxy_1k_rps_64",
            "/s",
            Better::Higher,
            Some((0.5, 0.8)),
            |figures| figures.requests_per_s,
        ),
        row(
            "https_proxy_1k_p50_64",
            "us",
            Better::Lower,
            None,
            |figures| figures.p50_us,
        ),
        row(
            "https_proxy_1k_cpu",
            "us/request",
            Better::Lower,
            None,
            |figures| figures.cpu_us,
        ),
    ])
}

fn measure(
    page: &Page,
    options: &Options,
    cpu_s: impl Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<Figures> {
    let before_s = cpu_s()?;
    let result = load::http(page, CONNECTIONS, options.http_s)?;
    let used_s = cpu_s()? - before_s;
    Ok(Figures {
        requests_per_s: result.requests_per_s,
        p50_us: result.p50.as_secs_f64() * 1e6,
        cpu_us: used_s * 1e6 / result.requests as f64,
    })
}

/// The device's page, as a browser visits it.
fn page_of(adit: &Adit) -> anyhow::Result<Page> {
    let fields = adit.visit()?;
    let host = fields.lines().find_map(|line| line.strip_prefix("Host: "));
    let name = host
        .and_then(|host| host.split(':').next())
        .context("a Host with a port")?;
    Ok(Page {
        port: adit.path.near.ports[0],
        name: ServerName::try_from(name.to_owned())?,
        tls: Arc::new(trusting(&adit.certificate_file())?),
        fields,
    })
}

/// A client that trusts this certificate (PEM) alone.
pub(crate) fn trusting(certificate: &Path) -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let text = fs::read(certificate)?;
    roots.add(CertificateDer::from_pem_slice(&text)?)?;
    Ok(rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}
