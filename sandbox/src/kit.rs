//! What every stand-in shares.

use std::{future::Future, time::Duration};

use clock::{Clock, Timestamp};
use host::Tasks;

use crate::{amounts::Amounts, config::Config};

/// How long the platform may take to answer one callback.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub(crate) struct Kit {
    pub(crate) http: reqwest::Client,
    pub(crate) gateway: String,
    pub(crate) merchant_name: String,
    pub(crate) clock: Clock,
    pub(crate) amounts: Amounts,
    tasks: Tasks,
}

impl Kit {
    pub(crate) fn new(config: &Config, tasks: &Tasks) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_WITHIN)
            .build()?;
        Ok(Self {
            http,
            gateway: config.gateway.trim_end_matches('/').to_owned(),
            merchant_name: config.merchant_name.clone(),
            clock: config.clock.clone(),
            amounts: Amounts::new(config.amounts.clone()),
            tasks: tasks.clone(),
        })
    }

    /// Runs work that nobody waits for.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Runs a sequence of callbacks to its end even when whoever asked for it goes away. `None` when it panicked.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (done, result) = tokio::sync::oneshot::channel();
        self.tasks.spawn(async move { drop(done.send(work.await)) });
        result.await.ok()
    }
}

/// `YYYY-MM-DD HH:mm:ss` in Tashkent, which has no summer time.
pub(crate) fn tashkent(moment: Timestamp) -> String {
    let local = moment.plus(Duration::from_hours(5)).to_utc();
    let (year, month, day) = local.to_calendar_date();
    let (hour, minute, second) = local.to_hms();
    format!("{year:04}-{:02}-{day:02} {hour:02}:{minute:02}:{second:02}", u8::from(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_tashkent() {
        let moment: Timestamp = "2026-11-20T20:04:05Z".parse().unwrap();
        assert_eq!(tashkent(moment), "2026-11-21 01:04:05");
    }
}
