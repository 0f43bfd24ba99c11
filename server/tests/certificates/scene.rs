//! A server with a name for certificates, two devices, and authorities.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use api::{CreateInstallKey, DeviceId, Enrol, OrganizationId};
use bytes::BytesMut;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PublicKeyData,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use server::access::Scope;
use server::clock::Clock;
use server::config::{Authority as AuthorityConfig, Config, DeviceCertificates, Tls};
use server::webtunnel::NewAgent;
use server::{Handle, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tunnel::TUNNEL_PROTOCOL;
use tunnel::proof::{Purpose, Statement};
use tunnel::webtunnel::AGENT_PROTOCOL;
use tunnel::wire::{AgentHello, Frame, Info, Windows};
use uuid::Uuid;

use crate::waiting::{soon, spawn};

pub(crate) const PUBLIC_HOST: &str = "adit.test";
const APEX: &str = "d.test";
/// Agents find it at this machine.
pub(crate) const DEVICE_HOST: &str = "device-tls.localhost";
pub(crate) const OTHER: Uuid = Uuid::from_u128(7);
const AGENT_ID: &str = "dev-0001";
const INSTANCE: [u8; 16] = [5; 16];

type Socket = TlsStream<TcpStream>;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Dialect {
    WebTunnel,
    Adit,
}

impl Dialect {
    pub(crate) const fn usual_host(self) -> &'static str {
        match self {
            Self::WebTunnel => APEX,
            Self::Adit => PUBLIC_HOST,
        }
    }
}

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }
}

pub(crate) struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

pub(crate) fn client(
    authority: &Authority,
    name: &str,
    change: impl FnOnce(&mut CertificateParams),
) -> Shown {
    client_with(authority, name, &KeyPair::generate().unwrap(), change)
}

pub(crate) fn client_with(
    authority: &Authority,
    name: &str,
    key: &KeyPair,
    change: impl FnOnce(&mut CertificateParams),
) -> Shown {
    let mut params = params(name);
    change(&mut params);
    let certificate = params.signed_by(key, &authority.0).unwrap();
    Shown {
        chain: vec![certificate.der().clone()],
        key: key.serialize_der(),
    }
}

pub(crate) fn self_signed(name: &str) -> Shown {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name).self_signed(&key).unwrap();
    Shown {
        chain: vec![certificate.der().clone()],
        key: key.serialize_der(),
    }
}

pub(crate) fn spki(key: &KeyPair) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
    digest.as_ref().try_into().unwrap()
}

pub(crate) struct Scene {
    pub(crate) handle: Handle,
    pub(crate) organization: OrganizationId,
    pub(crate) ours: Authority,
    pub(crate) theirs: Authority,
    address: SocketAddr,
    roots: RootCertStore,
    authority_file: PathBuf,
    agent: DeviceId,
    domain: Uuid,
    secret: String,
    device: DeviceId,
    key: Ed25519KeyPair,
    install_key: String,
    folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let names = [PUBLIC_HOST, APEX, DEVICE_HOST].map(str::to_owned);
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(at("cert.pem"), own.cert.pem()).unwrap();
        std::fs::write(at("key.pem"), own.signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(Authority::new);
        std::fs::write(at("ours.pem"), ours.pem()).unwrap();
        std::fs::write(at("theirs.pem"), theirs.pem()).unwrap();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config::new(&format!("https://{PUBLIC_HOST}"), APEX).unwrap();
        config.database.path = at("adit.db");
        config.listen.address = address;
        config.listen.tls = Some(Tls {
            certificate: at("cert.pem"),
            key: at("key.pem"),
        });
        // Its id is in the configuration: the first server only tells it.
        let first = Server::build(config.clone(), Clock::system())
            .await
            .unwrap();
        let organization = first
            .handle()
            .accounts
            .default_organization()
            .await
            .unwrap();
        drop(first);
        let authorities = [
            (organization, "ours.pem"),
            (OrganizationId(OTHER), "theirs.pem"),
        ];
        config.listen.device_certificates = Some(DeviceCertificates {
            url: format!("https://{DEVICE_HOST}:{}", address.port())
                .parse()
                .unwrap(),
            authorities: authorities
                .map(|(organization, file)| AuthorityConfig {
                    organization,
                    file: at(file),
                })
                .to_vec(),
        });
        assert!(server::config::check(&config).is_ok());
        let server = Server::build(config, Clock::system()).await.unwrap();
        let handle = server.handle();
        spawn(async move {
            let _ = server.serve(listener).await;
        });
        let scope = Scope::of(organization);
        let input = NewAgent {
            agent_id: AGENT_ID.to_owned(),
            domain: None,
            name: None,
            password: None,
        };
        let made = handle.webtunnel.create_agent(scope, input).await.unwrap();
        let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let public = key.public_key().as_ref().try_into().unwrap();
        let input = CreateInstallKey {
            name: "test".into(),
            ..Default::default()
        };
        let install_key = handle.devices.create_install_key(scope, input).await;
        let install_key = install_key.unwrap().secret;
        let input = Enrol {
            install_key: install_key.clone(),
            name: "pump".into(),
        };
        let device = handle.devices.enrol(public, input).await.unwrap().device_id;
        Self {
            handle,
            organization,
            ours,
            theirs,
            address,
            roots,
            authority_file: at("ours.pem"),
            agent: made.device,
            domain: made.domain,
            secret: made.secret.unwrap().reveal().to_string(),
            device,
            key,
            install_key,
            folder,
        }
    }

    pub(crate) const fn device(&self, dialect: Dialect) -> DeviceId {
        match dialect {
            Dialect::WebTunnel => self.agent,
            Dialect::Adit => self.device,
        }
    }

    /// As a certificate names it.
    pub(crate) fn name(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::WebTunnel => AGENT_ID.to_owned(),
            Dialect::Adit => self.device.to_string(),
        }
    }

    /// Adit's own agent, of a device that is enrolled, with what it needs to show a certificate.
    pub(crate) async fn agent(&self) -> (agent::Agent, DeviceId) {
        let at = |name: &str| self.folder.path().join(name);
        let key = Arc::new(agent::DeviceKey::ephemeral().unwrap());
        let input = Enrol {
            install_key: self.install_key.clone(),
            name: "own".into(),
        };
        let public = key.public().try_into().unwrap();
        let device = self.handle.devices.enrol(public, input).await.unwrap();
        let own = KeyPair::generate().unwrap();
        let certificate = params(&device.device_id.to_string());
        let certificate = certificate.signed_by(&own, &self.ours.0).unwrap();
        std::fs::write(at("device.pem"), certificate.pem()).unwrap();
        std::fs::write(at("device.key"), own.serialize_pem()).unwrap();
        let config = agent::Config {
            server: format!("https://{}", self.authority(DEVICE_HOST))
                .parse()
                .unwrap(),
            key_file: "unused".into(),
            ca_file: Some(at("cert.pem")),
            client_certificate: Some(agent::ClientCertificate {
                certificate_file: at("device.pem"),
                key_file: at("device.key"),
            }),
            proxy: agent::Proxy::None,
            ssh_host_key_files: None,
            services: Vec::new(),
        };
        (agent::Agent::new(config, key).unwrap(), device.device_id)
    }

    pub(crate) fn write_authority(&self, pem: &str) {
        std::fs::write(&self.authority_file, pem).unwrap();
    }

    /// The answer's status; 0: there was none.
    pub(crate) async fn ask(&self, dialect: Dialect, host: &str, shown: Option<&Shown>) -> u16 {
        self.connect(dialect, host, shown).await.0
    }

    /// The same, and the connection after it.
    pub(crate) async fn connect(
        &self,
        dialect: Dialect,
        host: &str,
        shown: Option<&Shown>,
    ) -> (u16, Option<Socket>) {
        let named = self.authority(host);
        let request = match dialect {
            Dialect::WebTunnel => {
                let user = format!("{AGENT_ID}@{}:{}", self.domain, self.secret);
                let basic = BASE64.encode(user.as_bytes());
                head("POST /", &named, AGENT_PROTOCOL, &format!("Basic {basic}"))
            }
            Dialect::Adit => {
                let ask = head("GET /tunnel", &named, TUNNEL_PROTOCOL, "");
                let Some((challenge, _)) = self.exchange(host, shown, &ask).await else {
                    return (0, None);
                };
                let proof = self.proof(host, &challenge);
                head("GET /tunnel", &named, TUNNEL_PROTOCOL, &proof)
            }
        };
        match self.exchange(host, shown, &request).await {
            None => (0, None),
            Some((answer, socket)) => (answer[9..12].parse().unwrap(), Some(socket)),
        }
    }

    /// As an agent that speaks WebTunnel and has only its certificate.
    pub(crate) async fn ask_without_a_password(&self, shown: Option<&Shown>) -> u16 {
        let request = head("POST /", &self.authority(DEVICE_HOST), AGENT_PROTOCOL, "");
        let answer = self.exchange(DEVICE_HOST, shown, &request).await;
        answer.map_or(0, |(answer, _)| answer[9..12].parse().unwrap())
    }

    /// As a request names it.
    fn authority(&self, host: &str) -> String {
        if host == DEVICE_HOST {
            format!("{host}:{}", self.address.port())
        } else {
            host.to_owned()
        }
    }

    fn proof(&self, host: &str, challenge: &str) -> String {
        let nonce = challenge.split("nonce=\"").nth(1).unwrap();
        let nonce = nonce.split('"').next().unwrap();
        let origin = format!("https://{}", self.authority(host));
        let statement = Statement {
            purpose: Purpose::Tunnel,
            nonce,
            origin: &origin,
            protocols: TUNNEL_PROTOCOL,
            instance: &INSTANCE,
        };
        let signature = self.key.sign(&statement.to_bytes());
        let parts = [
            self.key.public_key().as_ref(),
            &INSTANCE,
            signature.as_ref(),
        ];
        let [key, instance, signature] = parts.map(|bytes| BASE64URL_NOPAD.encode(bytes));
        format!(
            "Adit-Device key=\"{key}\", nonce=\"{nonce}\", instance=\"{instance}\", \
             origin=\"{origin}\", signature=\"{signature}\""
        )
    }

    async fn exchange(
        &self,
        host: &str,
        shown: Option<&Shown>,
        request: &str,
    ) -> Option<(String, Socket)> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone());
        let config = match shown {
            None => config.with_no_client_auth(),
            Some(shown) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(shown.key.clone()));
                config
                    .with_client_auth_cert(shown.chain.clone(), key)
                    .unwrap()
            }
        };
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let asked = async {
            let socket = TcpStream::connect(self.address).await.ok()?;
            let connector = TlsConnector::from(Arc::new(config));
            // In TLS 1.3 a client hears of a refusal after its own last flight.
            let mut socket = connector.connect(name, socket).await.ok()?;
            socket.write_all(request.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(socket.read_u8().await.ok()?);
            }
            Some((String::from_utf8(answer).unwrap(), socket))
        };
        soon("an answer", asked).await
    }
}

fn head(what: &str, host: &str, protocol: &str, authorization: &str) -> String {
    let authorization = match authorization {
        "" => String::new(),
        value => format!("Authorization: {value}\r\n"),
    };
    format!(
        "{what} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {protocol}\r\n{authorization}\r\n"
    )
}

/// What makes a device online.
pub(crate) async fn say_hello(dialect: Dialect, socket: &mut Socket) {
    if matches!(dialect, Dialect::WebTunnel) {
        return;
    }
    let hello = AgentHello {
        instance: INSTANCE,
        agent: "raw".to_owned(),
        version: "0".to_owned(),
        features: Vec::new(),
        windows: Windows::default(),
        info: Info::default(),
        resume: None,
    };
    let mut payload = BytesMut::new();
    Frame::Hello(hello.to_bytes().unwrap()).encode(&mut payload);
    // A final binary message under a mask of zeros.
    let mut message = vec![0x82];
    match u8::try_from(payload.len()) {
        Ok(length @ ..126) => message.push(0x80 | length),
        _ => {
            message.push(0x80 | 126);
            message.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    message.extend([0; 4]);
    message.extend(&payload);
    socket.write_all(&message).await.unwrap();
}

pub(crate) async fn read_to_end(socket: &mut Socket) {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
}

/// A WebSocket ping comes back as a pong.
pub(crate) async fn is_alive(socket: &mut Socket) {
    socket.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
    soon("a pong", async {
        while socket.read_u8().await.unwrap() != 0x8a {}
    })
    .await;
}
