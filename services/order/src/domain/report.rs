//! Sales by days, weeks and months, as they are counted in Tashkent.

use std::collections::BTreeMap;

use time::{Date, Duration, Month, OffsetDateTime};

use clock::Timestamp;

use super::payout::TASHKENT;

/// Periods of one report at most.
pub const MOST: usize = 400;

/// How days are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Group {
    Day,
    Week,
    Month,
}

/// What was sold, and what went back, on one day or in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Orders with a sale.
    pub orders: i64,
    /// Pieces sold.
    pub items: i64,
    /// At their prices.
    pub gross: i64,
    /// Taken off them, by whomever.
    pub discounts: i64,
    /// What went back to shoppers, of whichever sale.
    pub refunds: i64,
}

impl Figures {
    /// What is left.
    pub fn net(&self) -> i64 {
        self.gross - self.discounts - self.refunds
    }

    fn add(&mut self, other: &Self) {
        self.orders += other.orders;
        self.items += other.items;
        self.gross += other.gross;
        self.discounts += other.discounts;
        self.refunds += other.refunds;
    }
}

/// The day in Tashkent of a moment.
pub fn day(at: Timestamp) -> Date {
    at.plus(TASHKENT).to_utc().date()
}

/// When a day begins there.
pub fn begin(day: Date) -> Timestamp {
    let utc = OffsetDateTime::new_utc(day, time::Time::MIDNIGHT);
    let millis = i64::try_from(utc.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Timestamp::from_millis(millis).minus(TASHKENT)
}

/// The day with a number: days since 1 January 1970.
pub fn numbered(day: i64) -> Option<Date> {
    OffsetDateTime::UNIX_EPOCH.date().checked_add(Duration::days(day))
}

/// The first day of the period that a day is in.
fn first(day: Date, group: Group) -> Date {
    match group {
        Group::Day => day,
        Group::Week => {
            let passed = i64::from(day.weekday().number_days_from_monday());
            day.checked_sub(Duration::days(passed)).unwrap_or(day)
        }
        Group::Month => day.replace_day(1).unwrap_or(day),
    }
}

fn next(day: Date, group: Group) -> Option<Date> {
    match group {
        Group::Day => day.checked_add(Duration::days(1)),
        Group::Week => day.checked_add(Duration::days(7)),
        Group::Month => match day.month() {
            Month::December => Date::from_calendar_date(day.year() + 1, Month::January, 1).ok(),
            month => Date::from_calendar_date(day.year(), month.next(), 1).ok(),
        },
    }
}

/// Every period from the one of `from` to the one of `to`, with what its days come to; none when there are too many of them.
pub fn periods(
    days: &BTreeMap<Date, Figures>,
    (from, to): (Date, Date),
    group: Group,
) -> Option<Vec<(Date, Figures)>> {
    let mut periods: Vec<(Date, Figures)> = Vec::new();
    let mut begin = Some(first(from, group));
    while let Some(period) = begin.filter(|period| *period <= to) {
        if periods.len() == MOST {
            return None;
        }
        periods.push((period, Figures::default()));
        begin = next(period, group);
    }
    for (day, figures) in days {
        let own = first(*day, group);
        if let Ok(index) = periods.binary_search_by_key(&own, |(period, _)| *period)
            && let Some((_, sums)) = periods.get_mut(index)
        {
            sums.add(figures);
        }
    }
    Some(periods)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn sold(orders: i64) -> Figures {
        Figures { orders, items: 2, gross: 100, discounts: 10, refunds: 5 }
    }

    #[test]
    fn a_day_begins_in_tashkent() {
        let day = day("2026-11-21T19:00:00Z".parse().unwrap());
        assert_eq!(day, date!(2026 - 11 - 22));
        assert_eq!(begin(day).to_string(), "2026-11-21T19:00:00.000Z");
        assert_eq!(numbered(0), Some(date!(1970 - 01 - 01)));
    }

    #[test]
    fn periods_have_no_gaps_and_lose_nothing() {
        let days = BTreeMap::from([
            (date!(2026 - 11 - 01), sold(1)),
            (date!(2026 - 11 - 30), sold(2)),
            (date!(2026 - 12 - 31), sold(4)),
        ]);
        let range = (date!(2026 - 11 - 01), date!(2026 - 12 - 31));
        for (group, count) in [(Group::Day, 61), (Group::Week, 10), (Group::Month, 2)] {
            let periods = periods(&days, range, group).unwrap();
            assert_eq!(periods.len(), count, "{group:?}");
            assert_eq!(periods.iter().map(|(_, sums)| sums.orders).sum::<i64>(), 7);
            assert_eq!(periods.iter().map(|(_, sums)| sums.net()).sum::<i64>(), 3 * 85);
        }
        let weeks = periods(&days, range, Group::Week).unwrap();
        assert_eq!(weeks[0].0, date!(2026 - 10 - 26), "a Monday");
        let years = (date!(2020 - 01 - 01), date!(2026 - 01 - 01));
        assert_eq!(periods(&days, years, Group::Day), None);
    }
}
