//! Serves the streams that the server opens: each to a service of the configuration, and to
//! nothing else.

mod connect;
mod policy;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::driver::{Broken, Incoming, IncomingStream, Plain, Stream, splice};
use tunnel::wire::{Code, Target};

use self::connect::{Connection, Connector, Refused};
use crate::config::Config;
use crate::server::ServerError;

/// Streams alive at a time, over all tunnels.
pub(crate) const MAX_STREAMS: u32 = 256;
/// Of these, still connecting.
pub(crate) const MAX_PENDING: u32 = 64;

/// For the service to take the last bytes of a stream that was cut after they had arrived.
const LAST_BYTES_TIMEOUT: Duration = Duration::from_secs(5);

/// Owner of all stream tasks of the agent: the only place in it that spawns any.
pub(crate) struct Streams {
    config: Arc<Config>,
    connector: Connector,
    room: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Streams {
    pub(crate) fn new(config: Arc<Config>) -> Result<Arc<Self>, ServerError> {
        let connector = Connector::new(&config.services)?;
        let room = Arc::new(Semaphore::new(MAX_STREAMS as usize));
        Ok(Arc::new(Self {
            config,
            connector,
            room,
            tasks: TaskTracker::new(),
        }))
    }

    /// Serves until the tunnel has ended or `stop` is cancelled. Cancel-safe.
    pub(crate) async fn serve(self: &Arc<Self>, incoming: &mut Incoming, stop: &CancellationToken) {
        while let Some(stream) = incoming.next().await {
            let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
                stream.reject(Code::Busy, "this device carries all it can");
                continue;
            };
            let (streams, stop) = (Arc::clone(self), stop.clone());
            self.tasks.spawn(async move {
                tokio::select! {
                    // What is dropped here is cut, at both ends.
                    () = stop.cancelled() => {}
                    () = streams.serve_one(stream) => {}
                }
                drop(permit);
            });
        }
    }

    /// Completes when every stream has ended; call it after `stop` was cancelled.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    async fn serve_one(&self, stream: IncomingStream) {
        let service = match self.choose(stream.target()) {
            Ok(service) => service,
            Err(refused) => return stream.reject(refused.code, refused.text),
        };
        let connected = tokio::select! {
            connected = self.connector.connect(service) => connected,
            () = stream.cancelled() => return,
        };
        match connected {
            Ok(connection) => carry(stream.accept(), connection, &service.name).await,
            Err(refused) => {
                tracing::info!(service = service.name, code = %refused.code, "not connected");
                stream.reject(refused.code, refused.text);
            }
        }
    }

    /// The configuration decides; whatever else is asked for is not offered here.
    fn choose(&self, target: &Target) -> Result<&crate::Service, Refused> {
        match target {
            Target::Service(name) => self.config.service(name).ok_or(Refused::new(
                Code::NotOffered,
                "this device offers no such service",
            )),
            Target::Tcp { .. } => Err(Refused::new(Code::NotAllowed, "this device is no gateway")),
            Target::Internal(_) => Err(Refused::new(
                Code::NotOffered,
                "this agent does not serve that",
            )),
        }
    }
}

/// Carries bytes until both ways have ended. A break at one end is a break at the other, never a
/// clean end: RST towards the service, RESET towards the server. Dropped, it breaks at both.
async fn carry(mut stream: Stream, mut connection: Connection, service: &str) {
    let control = stream.control();
    // A cut shows in reads and writes of the stream at once, but not while the service takes
    // nothing of what was read before.
    let given_up = async {
        let error = control.cut().await;
        sleep(LAST_BYTES_TIMEOUT).await;
        Broken::Near(error.into())
    };
    let mut service_end = Plain::new(&mut connection);
    let broken = tokio::select! {
        spliced = splice(&mut stream, &mut service_end) => spliced.err(),
        broken = given_up => Some(broken),
    };
    match broken {
        None => connection.end_cleanly(),
        Some(Broken::Far(error)) => {
            control.reset(Code::Broken, "the service broke the connection");
            tracing::debug!(service, %error, "the service broke a stream");
        }
        Some(Broken::Near(error)) => {
            tracing::debug!(service, %error, "a stream was cut");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Service;

    fn streams() -> Arc<Streams> {
        let service = Service {
            name: "web".into(),
            kind: api::ServiceKind::Web,
            host: "127.0.0.1".parse().unwrap(),
            port: 80,
            tls: false,
        };
        let config = Config {
            server: "https://adit.example".parse().unwrap(),
            key_file: "agent.key".into(),
            ca_file: None,
            proxy: crate::proxy::Proxy::Environment,
            client_certificate: None,
            ssh_host_key_files: None,
            services: vec![service],
        };
        Streams::new(Arc::new(config)).unwrap()
    }

    #[test]
    fn s30_only_what_the_configuration_offers_can_be_reached() {
        let streams = streams();
        let code = |target| {
            streams
                .choose(&target)
                .map(|service| service.port)
                .map_err(|no| no.code)
        };
        assert_eq!(code(Target::Service("web".into())), Ok(80));
        for name in ["ssh", "", "Web", "web ", "127.0.0.1:80", "../web"] {
            assert_eq!(
                code(Target::Service(name.into())),
                Err(Code::NotOffered),
                "{name:?}"
            );
        }
        let tcp = Target::Tcp {
            host: "127.0.0.1".into(),
            port: 80,
        };
        assert_eq!(code(tcp), Err(Code::NotAllowed));
        assert_eq!(
            code(Target::Internal("agent".into())),
            Err(Code::NotOffered)
        );
    }
}
