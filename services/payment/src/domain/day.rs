//! Days as people in Uzbekistan count them.

use std::time::Duration;

use clock::Timestamp;

/// Tashkent is so far ahead, all the year round.
const AHEAD: Duration = Duration::from_hours(5);
/// A day.
pub const DAY: Duration = Duration::from_hours(24);

/// The day of a moment, "YYYY-MM-DD".
pub fn day(at: Timestamp) -> String {
    let (year, month, day) = at.plus(AHEAD).to_utc().to_calendar_date();
    format!("{year:04}-{:02}-{day:02}", u8::from(month))
}

/// The hour of a moment.
pub fn hour(at: Timestamp) -> u8 {
    at.plus(AHEAD).to_utc().hour()
}

/// The first moment of a day; `None` when there is no such day.
pub fn start(day: &str) -> Option<Timestamp> {
    if day.len() != "YYYY-MM-DD".len() {
        return None;
    }
    format!("{day}T00:00:00+05:00").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_in_tashkent() {
        let late: Timestamp = "2026-11-20T19:00:00Z".parse().unwrap();
        let before = late.minus(Duration::from_millis(1));
        assert_eq!((day(late), day(before)), ("2026-11-21".to_owned(), "2026-11-20".to_owned()));
        assert_eq!((hour(late), hour(before)), (0, 23));
        assert_eq!(start("2026-11-21"), Some(late));
        for wrong in ["", "2026-11-31", "21.11.2026", "2026-1-1", "2026-11-211"] {
            assert_eq!(start(wrong), None, "{wrong}");
        }
    }
}
