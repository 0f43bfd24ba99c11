//! How much data a device used, as people read it.

use api::{DeviceUsage, Timestamp, Transfer, UserUsage};

use super::{data_size, legible};

/// What the section says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UsageWords {
    /// Sums, each with the days it is of; the longest last.
    pub(crate) sums: [(&'static str, String); 3],
    /// What is in the longest, in a sentence.
    pub(crate) about: String,
    /// Whose sessions these were, and how much; the most first.
    pub(crate) people: Vec<(String, String)>,
    /// Each day, oldest first: how much of the largest, 0 to 100, and in words.
    pub(crate) bars: Vec<(u32, String)>,
    /// The bars in words, for those who do not see them.
    pub(crate) bars_in_words: String,
}

/// `None`: nothing was used. `date` tells a day in short.
pub(crate) fn usage_words(
    usage: &DeviceUsage,
    date: impl Fn(Timestamp) -> String,
) -> Option<UsageWords> {
    let days = &usage.days;
    let sum_of_last = |count: usize| {
        let last = days.iter().rev().take(count);
        last.fold(Transfer::default(), |sum, day| sum.plus(day.total()))
    };
    let all = sum_of_last(days.len());
    if all.sum_bytes() == 0 {
        return None;
    }
    let own = days
        .iter()
        .fold(Transfer::default(), |sum, day| sum.plus(day.idle))
        .sum_bytes();
    let most = days.iter().max_by_key(|day| day.total().sum_bytes())?;
    let most_bytes = most.total().sum_bytes();
    let bars = days.iter().map(|day| {
        let bytes = day.total().sum_bytes();
        let words = format!("{}: {}", date(day.begins_at), data_size(bytes));
        (share_percent(bytes, most_bytes), words)
    });
    let used = days.iter().filter(|day| day.total().sum_bytes() > 0);
    Some(UsageWords {
        sums: [
            ("Today", data_size(sum_of_last(1).sum_bytes())),
            ("7 days", data_size(sum_of_last(7).sum_bytes())),
            ("30 days", data_size(all.sum_bytes())),
        ],
        about: format!(
            "{} to the device, {} from it.{}",
            data_size(all.to_device_bytes),
            data_size(all.from_device_bytes),
            if own > 0 {
                format!(" {} of that kept the connection alive.", data_size(own))
            } else {
                String::new()
            },
        ),
        people: people(&usage.users),
        bars: bars.collect(),
        bars_in_words: format!(
            "Data of the last {} days: used on {} of them, most on {} with {}",
            days.len(),
            used.count(),
            date(most.begins_at),
            data_size(most_bytes),
        ),
    })
}

/// Those who used most by name, and the others together.
fn people(users: &[UserUsage]) -> Vec<(String, String)> {
    const NAMED: usize = 5;
    let (named, others) = users.split_at(users.len().min(NAMED));
    let mut people: Vec<_> = named
        .iter()
        .map(|user| {
            let name = user.username.as_deref();
            let name = name.map_or_else(|| "A deleted account".to_owned(), legible);
            (name, data_size(user.session.sum_bytes()))
        })
        .collect();
    if !others.is_empty() {
        let sum = others
            .iter()
            .fold(Transfer::default(), |sum, user| sum.plus(user.session));
        let name = format!("{} others", others.len());
        people.push((name, data_size(sum.sum_bytes())));
    }
    people
}

/// Whole per cent; what is more than nothing is at least one.
fn share_percent(bytes: u64, most_bytes: u64) -> u32 {
    if bytes == 0 || most_bytes == 0 {
        return 0;
    }
    let percent = bytes as f64 / most_bytes as f64 * 100.0;
    (percent.round() as u32).clamp(1, 100)
}

#[cfg(test)]
mod tests {
    use api::{UsageDay, UserId};

    use super::*;

    fn day(number: i64, session: u64, idle: u64) -> UsageDay {
        UsageDay {
            begins_at: Timestamp(number),
            session: Transfer {
                to_device_bytes: 0,
                from_device_bytes: session,
            },
            idle: Transfer {
                to_device_bytes: idle,
                from_device_bytes: 0,
            },
            ..UsageDay::default()
        }
    }

    fn words(days: Vec<UsageDay>) -> Option<UsageWords> {
        let users = Vec::new();
        usage_words(&DeviceUsage { days, users }, |at| format!("day {}", at.0))
    }

    #[test]
    fn sums_are_of_the_last_days() {
        let mut days: Vec<UsageDay> = (0..30).map(|number| day(number, 0, 0)).collect();
        days[0] = day(0, 4_000_000, 0);
        days[25] = day(25, 2000, 0);
        days[29] = day(29, 0, 500);
        let words = words(days).unwrap();
        let sums = words
            .sums
            .each_ref()
            .map(|(name, sum)| (*name, sum.as_str()));
        assert_eq!(
            sums,
            [
                ("Today", "500 B"),
                ("7 days", "2.5 kB"),
                ("30 days", "4.0 MB")
            ]
        );
        assert_eq!(
            words.about,
            "500 B to the device, 4.0 MB from it. 500 B of that kept the connection alive."
        );
        assert_eq!(
            words.bars_in_words,
            "Data of the last 30 days: used on 3 of them, most on day 0 with 4.0 MB"
        );
        let heights: Vec<u32> = words.bars.iter().map(|bar| bar.0).collect();
        assert_eq!((heights[0], heights[1], heights[25]), (100, 0, 1));
        assert_eq!(words.bars[29].1, "day 29: 500 B");
    }

    #[test]
    fn the_first_five_people_have_names() {
        let users: Vec<UserUsage> = (0..7_u64)
            .map(|number| UserUsage {
                user_id: UserId(uuid::Uuid::from_u128(number.into())),
                username: (number != 1).then(|| format!("user-{number}")),
                session: Transfer {
                    to_device_bytes: 10 - number,
                    from_device_bytes: 0,
                },
            })
            .collect();
        let named = people(&users);
        let row = |name: &str, size: &str| (name.to_owned(), size.to_owned());
        assert_eq!(named[0], row("user-0", "10 B"));
        assert_eq!(named[1], row("A deleted account", "9 B"));
        assert_eq!(named[5..], [row("2 others", "9 B")]);
        assert_eq!(people(&users[..1]).len(), 1);
    }

    #[test]
    fn nothing_used_is_said_otherwise() {
        assert_eq!(words(vec![day(0, 0, 0)]), None);
        assert_eq!(words(Vec::new()), None);
    }
}
