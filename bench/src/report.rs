//! The figures as Markdown.

use std::time::Duration;

use crate::load::Row;

/// Start and memory.
pub(crate) fn memory(took: Duration, (idle, after, most): (u64, u64, u64)) -> String {
    let mib = |kib: u64| kib / 1024;
    format!(
        "Start to ready, demo data loaded from scratch: {:.2} s. Memory (RSS): {} MiB five seconds after that, {} MiB after the load, {} MiB at most.\n",
        took.as_secs_f64(),
        mib(idle),
        mib(after),
        mib(most)
    )
}

/// A row for each scenario; shares are of the first one when it is the bare handler.
pub(crate) fn table(rows: &[Row]) -> String {
    let limit = rows.first().filter(|row| row.name.starts_with("bare")).map(Row::rate);
    let mut text = String::from(
        "| scenario | connections | per second | p50 ms | p95 ms | p99 ms | errors | share of bare axum |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let share =
            limit.map_or("-".to_owned(), |limit| format!("{:.0} %", 100.0 * row.rate() / limit));
        let line = format!(
            "| {} | {} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {share} |",
            row.name,
            row.connections,
            row.rate(),
            row.within(0.5),
            row.within(0.95),
            row.within(0.99),
            row.errors,
        );
        text.push_str(&line);
        text.push('\n');
    }
    text
}
