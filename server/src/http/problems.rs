//! The error answers in the OpenAPI document, the same for every operation.

use std::collections::BTreeMap;

use api::{Problem, ProblemCode};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, OpenApi, ToSchema};

/// What every operation may answer instead.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let content = || {
            let name = Problem::name();
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(name)))
                .build()
        };
        [
            ("4XX", "The request was refused"),
            ("5XX", "The server or a device failed"),
        ]
        .into_iter()
        .map(|(status, description)| {
            let answer = ResponseBuilder::new()
                .description(description)
                .content("application/problem+json", content())
                .build();
            (status.to_owned(), RefOr::T(answer))
        })
        .collect()
    }
}

/// The schemas that [`Problems`] refers to; the document needs them once.
#[derive(OpenApi)]
#[openapi(components(schemas(Problem, ProblemCode)))]
pub struct ProblemSchemas;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::testing::TestServer;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(target)) = object.get("$ref") {
                    found.push(target.clone());
                }
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(array) => array.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = serde_json::to_value(TestServer::routes().to_openapi()).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.iter().any(|target| target.ends_with("/Problem")));
        for target in found {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
    }
}
