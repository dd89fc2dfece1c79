//! Days and hours as people in Uzbekistan read them: UTC+5, no summer time.

use std::time::Duration;

use clock::Timestamp;
use time::OffsetDateTime;

use crate::{Locale, Texts};

const TASHKENT: Duration = Duration::from_hours(5);

fn local(millis: i64) -> OffsetDateTime {
    Timestamp::from_millis(millis).plus(TASHKENT).to_utc()
}

/// "20-noyabr, 2026", "20 ноября 2026 г.", "20 November 2026".
pub(crate) fn day(t: Texts, locale: Locale, millis: i64) -> String {
    let moment = local(millis);
    let months = t.months();
    let month = usize::from(u8::from(moment.month())) - 1;
    let month = months.split_whitespace().nth(month).unwrap_or_default();
    let (day, year) = (moment.day(), moment.year());
    match locale {
        Locale::Uz | Locale::UzCyrl => format!("{day}-{month}, {year}"),
        Locale::Ru => format!("{day} {month} {year} г."),
        Locale::En => format!("{day} {month} {year}"),
    }
}

/// The day with hour and minute.
pub(crate) fn moment(t: Texts, locale: Locale, millis: i64) -> String {
    let time = local(millis);
    format!("{}, {:02}:{:02}", day(t, locale, millis), time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_way() {
        // 2026-11-20T21:30:00Z is the next morning in Tashkent.
        let millis = 1_795_210_200_000;
        let shown = |locale| moment(Texts::new(locale), locale, millis);
        assert_eq!(shown(Locale::Uz), "21-noyabr, 2026, 02:30");
        assert_eq!(shown(Locale::UzCyrl), "21-ноябрь, 2026, 02:30");
        assert_eq!(shown(Locale::Ru), "21 ноября 2026 г., 02:30");
        assert_eq!(shown(Locale::En), "21 November 2026, 02:30");
    }
}
