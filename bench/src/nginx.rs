//! Debian's nginx as a TLS reverse proxy to the same origin: what HTTPS through Adit is beside.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::child::cpu_s;
use crate::far::free_port;
use crate::reference;

const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// One nginx, with a worker for each core. Ended when dropped.
pub(crate) struct Nginx {
    master: Child,
    pub(crate) port: u16,
    pub(crate) certificate_file: PathBuf,
}

impl Nginx {
    /// Starts it in this folder, in front of the HTTP origin at this port.
    pub(crate) fn start(folder: &Path, origin: u16) -> anyhow::Result<Self> {
        let folder = folder.join("nginx");
        fs::create_dir_all(&folder)?;
        let (certificate, key) = reference::certificate(&["localhost"])?;
        let certificate_file = folder.join("nginx.pem");
        fs::write(
            &certificate_file,
            reference::pem("CERTIFICATE", &certificate),
        )?;
        fs::write(
            folder.join("nginx.key"),
            reference::pem("PRIVATE KEY", &key),
        )?;
        let port = free_port()?;
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration(&folder, port, origin))?;
        let master = Command::new(program())
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // It says there that it would rather log elsewhere.
            .stderr(Stdio::null())
            .spawn()
            .context("nginx (Debian: nginx)")?;
        let mut nginx = Self {
            master,
            port,
            certificate_file,
        };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = nginx.master.try_wait()? {
                let log = fs::read_to_string(folder.join("error.log")).unwrap_or_default();
                anyhow::bail!("nginx ended with {status}: {log}");
            }
            ensure!(began.elapsed() < READY_TIMEOUT, "nginx is not ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }

    /// User and system time of all its processes so far, in seconds.
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        let id = self.master.id();
        let workers = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let mut sum = cpu_s(id)?;
        for worker in workers.split_whitespace() {
            sum += cpu_s(worker.parse()?)?;
        }
        Ok(sum)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, the master would leave its workers behind: it is told to end.
        let _ = Command::new("kill")
            .args(["-TERM", &self.master.id().to_string()])
            .status();
        let _ = self.master.wait();
    }
}

/// Daemons lie in folders that are not on everybody's PATH.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join("nginx"))
        .find(|path| path.exists())
        .unwrap_or_else(|| "nginx".into())
}

/// As one would set it up for speed: connections to the origin are kept, nothing is logged.
fn configuration(folder: &Path, port: u16, origin: u16) -> String {
    let folder = folder.display();
    let user = if fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    }) {
        "user root;\n"
    } else {
        ""
    };
    format!(
        "{user}daemon off;\nworker_processes auto;\npid {folder}/nginx.pid;\n\
         error_log {folder}/error.log warn;\nevents {{ worker_connections 1024; }}\n\
         http {{\n\
         access_log off;\nkeepalive_requests 1000000;\n\
         client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\n\
         scgi_temp_path {folder}/scgi;\n\
         upstream origin {{ server 127.0.0.1:{origin}; keepalive 64; \
         keepalive_requests 1000000; }}\n\
         server {{\n\
         listen 127.0.0.1:{port} ssl;\nserver_name localhost;\n\
         ssl_certificate {folder}/nginx.pem;\nssl_certificate_key {folder}/nginx.key;\n\
         ssl_protocols TLSv1.3;\n\
         location / {{ proxy_pass http://origin; proxy_http_version 1.1; \
         proxy_set_header Connection \"\"; proxy_set_header Host $host; }}\n\
         }}\n}}\n"
    )
}
