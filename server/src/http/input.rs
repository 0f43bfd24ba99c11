//! Input of API handlers; what is wrong with it is told as a problem.

use api::ProblemCode;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::ApiError;

/// A JSON body.
pub struct JsonInput<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonInput<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::from_request(request, state).await {
            Ok(Json(input)) => Ok(Self(input)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(ApiError::new(ProblemCode::UnsupportedMediaType)
                    .detail("Send application/json."))
            }
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ApiError::new(ProblemCode::TooLarge))
            }
            // Well-formed JSON of another shape: an unknown or missing field, a wrong type.
            Err(JsonRejection::JsonDataError(error)) => {
                Err(ApiError::new(ProblemCode::InvalidField)
                    .detail(without_value(&error.body_text())))
            }
            Err(rejection) => {
                Err(ApiError::new(ProblemCode::BadRequest).detail(rejection.body_text()))
            }
        }
    }
}

/// What serde says of input it cannot take, without the value: that may be a password which is a
/// number, and answers end in logs (SECURITY S25).
fn without_value(text: &str) -> String {
    let value = ["invalid type: ", "invalid value: ", "unknown variant "]
        .iter()
        .filter_map(|words| Some(text.find(words)? + words.len() - 1))
        .min()
        .and_then(|from| Some(from + text[from..].find(['"', '`'])?));
    match (value, text.rfind(", expected")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}{}", text[..start].trim_end(), &text[end..])
        }
        _ => text.to_owned(),
    }
}

/// Parts of the path. What does not parse names nothing: `not_found`.
pub struct PathInput<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathInput<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(input)) => Ok(Self(input)),
            Err(_) => Err(ApiError::new(ProblemCode::NotFound)),
        }
    }
}

/// The query.
pub struct QueryInput<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryInput<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(input)) => Ok(Self(input)),
            Err(rejection) => {
                Err(ApiError::new(ProblemCode::BadRequest).detail(rejection.body_text()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s25_what_was_sent_is_not_told() {
        for (text, told) in [
            (
                "password: invalid type: integer `8021`, expected a string at line 1",
                "password: invalid type: integer, expected a string at line 1",
            ),
            (
                "invalid type: string \"a \\\"b\\\", expected `c\", expected struct SignIn",
                "invalid type: string, expected struct SignIn",
            ),
            (
                "scope: unknown variant `secret`, expected `read` or `full`",
                "scope: unknown variant, expected `read` or `full`",
            ),
            (
                "n: invalid value: integer `-1`, expected u64",
                "n: invalid value: integer, expected u64",
            ),
            (
                "invalid type: sequence, expected a string",
                "invalid type: sequence, expected a string",
            ),
            (
                "unknown field `more`, expected `username` or `password`",
                "unknown field `more`, expected `username` or `password`",
            ),
            ("missing field `password`", "missing field `password`"),
        ] {
            assert_eq!(without_value(text), told);
        }
    }
}
