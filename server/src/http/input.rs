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
                Err(ApiError::new(ProblemCode::InvalidField).detail(error.body_text()))
            }
            Err(rejection) => {
                Err(ApiError::new(ProblemCode::BadRequest).detail(rejection.body_text()))
            }
        }
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
