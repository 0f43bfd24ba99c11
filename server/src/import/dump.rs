//! A dump of a MySQL or MariaDB database, as `mysqldump` writes it: the rows of the tables that
//! are asked for, one by one.
//!
//! Not with the crate `sqlparser`: it wants a statement whole, as UTF-8, and makes a tree of it.
//! An extended INSERT may be a gigabyte (`max_allowed_packet`), a column of bytes is no UTF-8
//! without `--hex-blob`, and DELIMITER is the client's word, not SQL. What is needed is little:
//! names of columns from CREATE TABLE, literals from INSERT, and the end of all else. It is read
//! as it comes, and no more than a row is in memory.

mod literal;
mod source;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::sync::Arc;

use source::Source;

const COLUMNS_MAX: usize = 4096;
const ROW_MAX_BYTES: usize = 4 << 20;
const DELIMITER_MAX_BYTES: usize = 16;
/// Distinct names of tables that nobody asked for.
const OTHERS_MAX: usize = 1000;
/// What begins a line of CREATE TABLE that is not a column.
const NO_COLUMN: [&str; 11] = [
    "primary",
    "key",
    "index",
    "unique",
    "constraint",
    "foreign",
    "fulltext",
    "spatial",
    "check",
    "period",
    "like",
];

/// Why a dump cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    #[error("line {line}: {what}")]
    Bad { line: u64, what: &'static str },
    #[error("the dump is cut off: what begins at line {line} has no end")]
    Truncated { line: u64 },
    #[error(
        "the dump is cut off: it ends at line {line}, without the line `-- Dump completed` that \
         mysqldump writes last"
    )]
    NotCompleted { line: u64 },
    #[error("line {line}: the table {table} is there twice; dump one database alone")]
    Twice { line: u64, table: String },
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// As it is written.
    Number(String),
    /// A text, or what was written in hexadecimal digits.
    Bytes(Vec<u8>),
}

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) table: String,
    /// As many as values, in lower case.
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<Value>,
}

/// A dump that is being read.
pub(super) struct Dump<R> {
    source: Source<R>,
    is_wanted: fn(&str) -> bool,
    /// The columns of the tables that are asked for, as far as CREATE TABLE was there.
    made: HashMap<String, Arc<[String]>>,
    others: BTreeSet<String>,
    delimiter: Vec<u8>,
    /// The INSERT whose rows are being read.
    insert: Option<(String, Arc<[String]>)>,
    is_started: bool,
    /// Beginnings of dumps, less their ends: two in one file are as good as one.
    open_dumps: i64,
}

impl<R: Read> Dump<R> {
    /// Reads the tables that `is_wanted` says, by their names in lower case.
    pub(super) fn new(read: R, is_wanted: fn(&str) -> bool) -> Self {
        Self {
            source: Source::new(read),
            is_wanted,
            made: HashMap::new(),
            others: BTreeSet::new(),
            delimiter: b";".to_vec(),
            insert: None,
            is_started: false,
            open_dumps: 0,
        }
    }

    /// The next row; `None` when the dump is at its end, and is whole.
    ///
    /// # Errors
    /// [`DumpError`]; nothing more can be read then.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, DumpError> {
        if !std::mem::replace(&mut self.is_started, true) {
            self.begin()?;
        }
        loop {
            if let Some((table, columns)) = self.insert.take() {
                return self.row(table, columns).map(Some);
            }
            if !self.statement()? {
                return if self.open_dumps > 0 {
                    let line = self.source.line();
                    Err(DumpError::NotCompleted { line })
                } else {
                    Ok(None)
                };
            }
        }
    }

    /// The tables that the dump has and makes, of those that were asked for.
    pub(super) fn made(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.made
            .iter()
            .map(|(table, columns)| (table.as_str(), &**columns))
    }

    /// The tables that nobody asked for.
    pub(super) const fn others(&self) -> &BTreeSet<String> {
        &self.others
    }

    fn begin(&mut self) -> Result<(), DumpError> {
        self.source.take(b"\xef\xbb\xbf")?;
        if self.source.take(b"\x1f\x8b")? {
            return Err(self
                .source
                .bad("it is compressed; give what gunzip makes of it"));
        }
        for mark in [b"\xff\xfe", b"\xfe\xff"] {
            if self.source.take(mark)? {
                return Err(self.source.bad(
                    "it is UTF-16, as PowerShell writes what is redirected; let mysqldump write \
                     the file: --result-file",
                ));
            }
        }
        Ok(())
    }

    /// Takes one statement, or an INSERT up to its rows. Whether there was one.
    fn statement(&mut self) -> Result<bool, DumpError> {
        while let Some(comment) = self.source.comment()? {
            let says = |text: &[u8]| comment.starts_with(text);
            if says(b"MySQL dump ") || says(b"MariaDB dump ") {
                self.open_dumps += 1;
            } else if says(b"Dump completed") {
                self.open_dumps -= 1;
            }
        }
        if self.source.peek()?.is_none() {
            return Ok(false);
        }
        let line = self.source.line();
        match self.source.word()?.to_ascii_uppercase().as_str() {
            "DELIMITER" => self.set_delimiter()?,
            "CREATE" => self.create(line)?,
            "INSERT" | "REPLACE" => self.begin_insert(line)?,
            _ => self.skip(line)?,
        }
        Ok(true)
    }

    fn set_delimiter(&mut self) -> Result<(), DumpError> {
        let text = self.source.rest_of_line(DELIMITER_MAX_BYTES + 1)?;
        let delimiter = text.trim_ascii();
        if !(1..=DELIMITER_MAX_BYTES).contains(&delimiter.len()) {
            return Err(self.source.bad("no delimiter is like this"));
        }
        self.delimiter = delimiter.to_vec();
        Ok(())
    }

    /// Takes all up to the statement's end, its delimiter included.
    fn skip(&mut self, line: u64) -> Result<(), DumpError> {
        loop {
            self.source.blank()?;
            if self.source.take(&self.delimiter)? {
                return Ok(());
            }
            match self.source.peek()? {
                None => return Err(DumpError::Truncated { line }),
                Some(b'\'' | b'"' | b'`') => self.source.skip_quoted()?,
                Some(_) => {
                    self.source.next()?;
                }
            }
        }
    }

    fn create(&mut self, line: u64) -> Result<(), DumpError> {
        self.source.blank()?;
        if !self.source.word()?.eq_ignore_ascii_case("table") {
            return self.skip(line);
        }
        let mut table = self.table()?;
        if table == "if" {
            for _ in ["NOT", "EXISTS"] {
                self.source.blank()?;
                self.source.word()?;
            }
            table = self.table()?;
        }
        self.source.blank()?;
        if !self.is_asked_for(&table) || !self.source.take(b"(")? {
            return self.skip(line);
        }
        let columns = self.definitions(line)?;
        if self.made.contains_key(&table) {
            return Err(DumpError::Twice { line, table });
        }
        self.made.insert(table, columns);
        self.skip(line)
    }

    fn is_asked_for(&mut self, table: &str) -> bool {
        let is_wanted = (self.is_wanted)(table);
        if !is_wanted && self.others.len() < OTHERS_MAX && !self.others.contains(table) {
            self.others.insert(table.to_owned());
        }
        is_wanted
    }

    /// A table's name, without its database's.
    fn table(&mut self) -> Result<String, DumpError> {
        self.source.blank()?;
        let (mut name, _) = self.source.name()?;
        if self.source.take(b".")? {
            (name, _) = self.source.name()?;
        }
        Ok(name)
    }

    /// The columns that CREATE TABLE defines, up to its closing bracket.
    fn definitions(&mut self, line: u64) -> Result<Arc<[String]>, DumpError> {
        let mut columns = Vec::new();
        loop {
            self.source.blank()?;
            let (name, is_quoted) = self.source.name()?;
            if is_quoted || !NO_COLUMN.contains(&name.as_str()) {
                if columns.len() == COLUMNS_MAX {
                    return Err(self.source.bad("the table has too many columns"));
                }
                columns.push(name);
            }
            let mut depth = 0_usize;
            loop {
                self.source.blank()?;
                match self.source.peek()? {
                    None => return Err(DumpError::Truncated { line }),
                    Some(b'\'' | b'"' | b'`') => {
                        self.source.skip_quoted()?;
                        continue;
                    }
                    Some(b'(') => depth += 1,
                    Some(b')') if depth == 0 => {
                        self.source.next()?;
                        return Ok(columns.into());
                    }
                    Some(b')') => depth -= 1,
                    Some(b',') if depth == 0 => break,
                    Some(_) => {}
                }
                self.source.next()?;
            }
            self.source.next()?;
        }
    }

    /// Takes an INSERT up to its rows.
    fn begin_insert(&mut self, line: u64) -> Result<(), DumpError> {
        let table = loop {
            let table = self.table()?;
            let is_option = ["low_priority", "delayed", "high_priority", "ignore", "into"];
            if !is_option.contains(&table.as_str()) {
                break table;
            }
        };
        if !self.is_asked_for(&table) {
            return self.skip(line);
        }
        self.source.blank()?;
        let columns = if self.source.take(b"(")? {
            self.names()?
        } else {
            let made = self.made.get(&table).map(Arc::clone);
            made.ok_or_else(|| {
                self.source.bad(
                    "rows without names of columns, and no CREATE TABLE before them; dump without \
                     --no-create-info, or with --complete-insert",
                )
            })?
        };
        self.source.blank()?;
        let word = self.source.word()?.to_ascii_uppercase();
        if word != "VALUES" && word != "VALUE" {
            return Err(self.source.bad("an INSERT that has no VALUES"));
        }
        self.insert = Some((table, columns));
        Ok(())
    }

    /// Names of columns up to the closing bracket.
    fn names(&mut self) -> Result<Arc<[String]>, DumpError> {
        let mut names = Vec::new();
        loop {
            self.source.blank()?;
            names.push(self.source.name()?.0);
            self.source.blank()?;
            match self.source.next()? {
                Some(b')') => return Ok(names.into()),
                Some(b',') if names.len() < COLUMNS_MAX => {}
                _ => return Err(self.source.bad("a list of columns is not as it must be")),
            }
        }
    }

    /// Takes one row, and finds out whether there is another one.
    fn row(&mut self, table: String, columns: Arc<[String]>) -> Result<Row, DumpError> {
        self.source.blank()?;
        let line = self.source.line();
        if !self.source.take(b"(")? {
            return Err(self.unexpected("a row does not begin with a bracket", line)?);
        }
        let mut values = Vec::with_capacity(columns.len());
        let mut bytes = 0;
        loop {
            self.source.blank()?;
            let value = self.source.value(ROW_MAX_BYTES.saturating_sub(bytes))?;
            if let Value::Number(text) = &value {
                bytes += text.len();
            } else if let Value::Bytes(text) = &value {
                bytes += text.len();
            }
            values.push(value);
            if values.len() > columns.len() {
                break;
            }
            self.source.blank()?;
            if self.source.take(b")")? {
                break;
            }
            if !self.source.take(b",")? {
                return Err(self.unexpected("a value does not end with a comma", line)?);
            }
        }
        if values.len() != columns.len() {
            return Err(DumpError::Bad {
                line,
                what: "a row has more or fewer values than there are columns",
            });
        }
        self.source.blank()?;
        if self.source.take(b",")? {
            self.insert = Some((table.clone(), Arc::clone(&columns)));
        } else {
            self.skip(line)?;
        }
        Ok(Row {
            table,
            columns,
            values,
        })
    }

    fn unexpected(&mut self, what: &'static str, line: u64) -> Result<DumpError, DumpError> {
        Ok(match self.source.peek()? {
            None => DumpError::Truncated { line },
            Some(_) => self.source.bad(what),
        })
    }
}

#[cfg(test)]
mod tests;
