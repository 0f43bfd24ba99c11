//! Lists in pieces.

use serde::{Deserialize, Serialize};

/// One piece of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Pass as `cursor` to get the next piece; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How many items match in all.
    pub total: u64,
}

impl<T> Page<T> {
    /// A list that is never cut into pieces.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self {
            total: items.len() as u64,
            items,
            next_cursor: None,
        }
    }
}
