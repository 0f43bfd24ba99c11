//! The database: pools, migrations, transactions. SQL of features stands in their `store.rs`.

/// The pools; cheap to clone.
#[derive(Clone)]
pub struct Db;
