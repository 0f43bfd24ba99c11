//! Answers the server's challenge: the device proves that it holds its key.

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tunnel::proof::{Purpose, Statement};

use super::http1::Connection;
use super::{Refusal, Server, ServerError};

/// Longer ones are no nonces of ours, and the answer must fit into a header.
const MAX_NONCE_LENGTH: usize = 256;

/// A request that needs proof.
pub(super) struct Provable {
    pub(super) purpose: Purpose,
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// As sent in `Sec-WebSocket-Protocol`; empty where there is none.
    pub(super) protocols: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Server {
    /// Sends `request`, signs the nonce of the 401 and sends it again, over the same connection
    /// where the server keeps it. Anything but a challenge and a success is an error.
    pub(super) async fn prove(
        &self,
        request: &Provable,
    ) -> Result<(Connection, Response<Incoming>), ServerError> {
        let mut connection = self.dial().await?;
        // The body, with the install key in it, goes only to a server that asked for proof.
        let answer = connection
            .send(self.compose(request, None, Bytes::new())?)
            .await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return match refuse(&mut connection, answer).await {
                Ok(_) => Err(ServerError::Answer("it asks for no proof")),
                Err(error) => Err(error),
            };
        }
        let nonce = nonce_of(answer.headers()).ok_or(ServerError::Answer("no challenge"))?;
        connection.read_body(answer.into_body()).await?;
        let proof = self.authorization(request, &nonce);
        let request = self.compose(request, Some(&proof), request.body.clone())?;
        if !connection.is_reusable().await {
            connection = self.dial().await?;
        }
        let answer = connection.send(request).await?;
        let answer = refuse(&mut connection, answer).await?;
        Ok((connection, answer))
    }

    fn compose(
        &self,
        request: &Provable,
        proof: Option<&str>,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, ServerError> {
        let mut composed = Request::new(Full::new(body));
        *composed.method_mut() = request.method.clone();
        *composed.uri_mut() = http::Uri::from_static(request.path);
        *composed.headers_mut() = request.headers.clone();
        let headers = composed.headers_mut();
        let user_agent = concat!("adit-agent/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(user_agent));
        headers.insert(header::HOST, header_value(&self.url.authority())?);
        if let Some(proof) = proof {
            let mut value = header_value(proof)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(composed)
    }

    fn authorization(&self, request: &Provable, nonce: &str) -> String {
        let origin = self.url.origin();
        let statement = Statement {
            purpose: request.purpose,
            nonce,
            origin: &origin,
            protocols: request.protocols,
            instance: &self.instance,
        };
        let signature = self.key.sign(&statement.to_bytes());
        format!(
            "Adit-Device key=\"{}\", nonce=\"{nonce}\", instance=\"{}\", origin=\"{origin}\", \
             signature=\"{}\"",
            BASE64URL_NOPAD.encode(self.key.public()),
            BASE64URL_NOPAD.encode(&self.instance),
            BASE64URL_NOPAD.encode(&signature),
        )
    }
}

fn header_value(text: &str) -> Result<HeaderValue, ServerError> {
    HeaderValue::from_str(text).map_err(|_| ServerError::Answer("its nonce is malformed"))
}

/// Passes a 101 or a 2xx, turns all else into the error it is.
async fn refuse(
    connection: &mut Connection,
    answer: Response<Incoming>,
) -> Result<Response<Incoming>, ServerError> {
    let status = answer.status();
    if status == StatusCode::SWITCHING_PROTOCOLS || status.is_success() {
        return Ok(answer);
    }
    if status.is_redirection() {
        let location = answer.headers().get(header::LOCATION);
        let location = location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        return Err(ServerError::Redirect(super::error::plain(
            &location.unwrap_or_default(),
        )));
    }
    let headers = answer.headers().clone();
    let body = connection
        .read_body(answer.into_body())
        .await
        .unwrap_or_default();
    Err(Refusal::from_answer(status, &headers, &body).into())
}

/// The nonce of `WWW-Authenticate: Adit-Device nonce="…"`.
fn nonce_of(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .find_map(|value| {
            let parameters = value.to_str().ok()?.trim().strip_prefix("Adit-Device ")?;
            let nonce = parameters
                .trim()
                .strip_prefix("nonce=\"")?
                .split('"')
                .next()?;
            let is_plain = nonce
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_=.".contains(&byte));
            (!nonce.is_empty() && nonce.len() <= MAX_NONCE_LENGTH && is_plain)
                .then(|| nonce.to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_found_and_cannot_break_out_of_its_quotes() {
        for (value, nonce) in [
            ("Adit-Device nonce=\"abc-_1\"", Some("abc-_1")),
            ("Adit-Device nonce=\"abc\", more=\"x\"", Some("abc")),
            ("Basic realm=\"x\"", None),
            ("Adit-Device", None),
            ("Adit-Device nonce=\"\"", None),
            ("Adit-Device nonce=\"a b\"", None),
            ("Adit-Device nonce=\"a, origin=\\\"", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
            assert_eq!(nonce_of(&headers).as_deref(), nonce, "{value}");
        }
        assert_eq!(nonce_of(&HeaderMap::new()), None);
    }
}
