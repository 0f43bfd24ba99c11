//! What an import says: each thing that came over, was there, or did not come over, and why.

use std::collections::BTreeMap;
use std::fmt;

use api::text::cleaned;
use serde::Serialize;

/// Of a text of the dump in a line.
const SHOWN_MAX_CHARS: usize = 200;

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Imported,
    /// It was here before, and is as it was.
    Kept,
    /// It is here, but not as it was.
    Changed,
    LeftOut,
}

/// What the dump has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Domain,
    DomainField,
    DomainProperty,
    Device,
    DeviceAddress,
    DeviceField,
    DeviceProperty,
    User,
    UserField,
    UserAttribute,
    UserPermission,
    UserRole,
    Role,
    RolePermission,
    Tenant,
    TenantProperty,
    SystemProperty,
    Table,
    Column,
}

const OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Imported, "imported"),
    (Outcome::Kept, "kept"),
    (Outcome::Changed, "changed"),
    (Outcome::LeftOut, "left out"),
];

impl Subject {
    const fn text(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::DomainField => "domain field",
            Self::DomainProperty => "domain property",
            Self::Device => "device",
            Self::DeviceAddress => "device address",
            Self::DeviceField => "device field",
            Self::DeviceProperty => "device property",
            Self::User => "user",
            Self::UserField => "user field",
            Self::UserAttribute => "user attribute",
            Self::UserPermission => "user permission",
            Self::UserRole => "user role",
            Self::Role => "role",
            Self::RolePermission => "role permission",
            Self::Tenant => "tenant",
            Self::TenantProperty => "tenant property",
            Self::SystemProperty => "system property",
            Self::Table => "table",
            Self::Column => "column",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub outcome: Outcome,
    pub subject: Subject,
    /// Whose or what, as the dump has it, cleaned.
    pub id: String,
    pub detail: String,
}

/// A device that is let in once it, or its domain, has a new secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WithoutSecret {
    pub domain: uuid::Uuid,
    /// The id in its agent's configuration.
    pub id: String,
}

/// All that an import says. No secrets: those of the dump are left behind when it is read, and of
/// properties and attributes, which may hold some, only names are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub dry_run: bool,
    pub counts: BTreeMap<Subject, BTreeMap<Outcome, u64>>,
    pub lines: Vec<Line>,
    /// User names.
    pub need_password: Vec<String>,
    pub need_secret: Vec<WithoutSecret>,
}

impl Report {
    /// How many of these there were.
    #[must_use]
    pub fn count(&self, subject: Subject, outcome: Outcome) -> u64 {
        let outcomes = self.counts.get(&subject);
        let count = outcomes.and_then(|outcomes| outcomes.get(&outcome));
        count.copied().unwrap_or(0)
    }

    /// Counts so many, without a line for each.
    pub(super) fn add(&mut self, subject: Subject, outcome: Outcome, count: u64) {
        if count > 0 {
            *self
                .counts
                .entry(subject)
                .or_default()
                .entry(outcome)
                .or_default() += count;
        }
    }

    /// Counts one, and tells it.
    pub(super) fn tell(
        &mut self,
        outcome: Outcome,
        subject: Subject,
        id: &str,
        detail: impl Into<String>,
    ) {
        self.tell_all(outcome, subject, (id, 1), detail);
    }

    /// Counts so many, and tells them in one line.
    pub(super) fn tell_all(
        &mut self,
        outcome: Outcome,
        subject: Subject,
        (id, count): (&str, u64),
        detail: impl Into<String>,
    ) {
        self.add(subject, outcome, count);
        self.lines.push(Line {
            outcome,
            subject,
            id: shown(id),
            detail: detail.into(),
        });
    }
}

/// A text of the dump, fit for a line.
pub(super) fn shown(text: &str) -> String {
    let mut shown = cleaned(text, SHOWN_MAX_CHARS);
    if text.chars().count() > SHOWN_MAX_CHARS {
        shown.push('…');
    }
    shown
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |outcome| {
            let known = OUTCOMES.iter().find(|(known, _)| *known == outcome);
            known.map_or("", |(_, text)| text)
        };
        for line in &self.lines {
            let (outcome, subject) = (text(line.outcome), line.subject.text());
            write!(f, "{outcome:8}  {subject:15}  {}", line.id)?;
            if !line.detail.is_empty() {
                write!(f, ": {}", line.detail)?;
            }
            writeln!(f)?;
        }
        if !self.lines.is_empty() {
            writeln!(f)?;
        }
        write!(f, "{:15}", "")?;
        for (_, name) in OUTCOMES {
            write!(f, "  {name:>9}")?;
        }
        writeln!(f)?;
        for subject in self.counts.keys() {
            write!(f, "{:15}", subject.text())?;
            for (outcome, _) in OUTCOMES {
                write!(f, "  {:9}", self.count(*subject, outcome))?;
            }
            writeln!(f)?;
        }
        if !self.need_password.is_empty() {
            writeln!(
                f,
                "\n{} users have no password yet, and cannot sign in: adit-server admin password",
                self.need_password.len()
            )?;
        }
        if !self.need_secret.is_empty() {
            writeln!(
                f,
                "\n{} devices have no secret yet, and are not let in: give each a new one, or their domain",
                self.need_secret.len()
            )?;
        }
        if self.dry_run {
            writeln!(f, "\nA dry run: nothing was changed.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_counts() {
        let mut report = Report::default();
        report.tell(Outcome::Imported, Subject::Device, "a\u{1b}[31m\nb", "");
        report.tell_all(Outcome::LeftOut, Subject::DeviceField, ("a", 3), "three");
        report.add(Subject::DeviceProperty, Outcome::Imported, 0);
        assert_eq!(report.count(Subject::Device, Outcome::Imported), 1);
        assert_eq!(report.count(Subject::DeviceField, Outcome::LeftOut), 3);
        assert_eq!(report.counts.len(), 2);
        let text = report.to_string();
        assert!(
            text.starts_with("imported  device           a [31m b\n"),
            "{text}"
        );
        assert!(
            text.contains("left out  device field     a: three\n"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["counts"]["device_field"]["left_out"], 3);
        assert_eq!(json["lines"][0]["outcome"], "imported");
    }
}
