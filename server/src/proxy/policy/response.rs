//! From the device to the browser.

use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::names::{Hop, is_binding};
use super::{Crossing, cookies, location};

/// Ours, in place of whatever the device says: for this host alone.
const HSTS: &str = "max-age=31536000";

/// An answer that cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::proxy) enum Unfit {
    #[error("status {0} is no final one")]
    Status(StatusCode),
    #[error("the body's length is told in two ways or in an unknown one")]
    Framing,
}

/// The fields that the browser gets: from empty, what may cross, then ours.
///
/// # Errors
/// [`Unfit`]
pub(in crate::proxy) fn to_browser(
    answer: &Parts,
    crossing: &Crossing,
    method: &Method,
) -> Result<HeaderMap, Unfit> {
    check(answer)?;
    let headers = &answer.headers;
    let hop = Hop::of(headers);
    let mut out = HeaderMap::with_capacity(headers.len() + 2);
    let mut cookies = 0;
    for (name, value) in headers {
        if hop.ends(name) || is_binding(name) {
            continue;
        }
        match *name {
            header::SET_COOKIE => {
                if cookies < cookies::MAX_SET
                    && let Some(value) = cookies::for_this_host_alone(value)
                {
                    cookies += 1;
                    out.append(name, value);
                }
            }
            header::LOCATION | header::CONTENT_LOCATION => {
                out.append(name, location::at_page(value, crossing));
            }
            ref name if name == "refresh" => {
                out.append(name, location::refresh_at_page(value, crossing));
            }
            _ => {
                out.append(name, value.clone());
            }
        }
    }
    // Here it frames nothing, it only tells how long the body would be.
    if (*method == Method::HEAD || answer.status == StatusCode::NOT_MODIFIED)
        && let Some(length) = headers.get(header::CONTENT_LENGTH)
    {
        out.insert(header::CONTENT_LENGTH, length.clone());
    }
    if crossing.page_is_https() {
        out.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(HSTS),
        );
    }
    Ok(out)
}

/// hyper is lenient with answers; what two readers could take differently is refused here.
fn check(answer: &Parts) -> Result<(), Unfit> {
    let is_final = answer.status.as_u16() >= 200 && answer.status.as_u16() <= 599;
    if !is_final && answer.status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Unfit::Status(answer.status));
    }
    let only = |name: HeaderName| {
        let mut values = answer.headers.get_all(name).iter();
        (values.next(), values.next().is_some())
    };
    let (length, length_again) = only(header::CONTENT_LENGTH);
    let is_number = length.is_none_or(|length| {
        !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit)
    });
    let (coding, coding_again) = only(header::TRANSFER_ENCODING);
    let is_chunked = coding.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    let both = length.is_some() && coding.is_some();
    if length_again || coding_again || both || !is_number || !is_chunked {
        return Err(Unfit::Framing);
    }
    Ok(())
}
