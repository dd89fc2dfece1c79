//! Fiscal receipts of sales by Click: the lines are sent, and the receipt's link is fetched, again and again until it is there. No
//! order waits for it.

use std::time::Duration;

use fault::Fault;
use telemetry::{IntGaugeVec, Metrics};
use tokio_util::sync::CancellationToken;

use super::Payments;
use crate::{
    config,
    domain::{
        Status,
        fiscal::{self, DeliveryCodes, JobState},
    },
    providers::click_api::{
        ClickApi,
        fiscal::{self as protocol, Sent},
    },
    store::fiscal::Job,
};

/// Between two looks for receipts that are due.
const EVERY: Duration = Duration::from_secs(5);
/// Receipts asked for in one go.
const BATCH: u32 = 20;
/// Whoever took a receipt and did not come back by then is gone.
const LEASE: Duration = Duration::from_mins(5);

/// Asks for receipts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Receipts {
    payments: Payments,
    delivery: DeliveryCodes,
    backlog: IntGaugeVec,
}

/// What a try came to.
enum Tried {
    /// The receipt, as it is kept.
    Issued(String),
    /// The lines are there; the receipt is not.
    Sent,
    /// There is nothing to ask for.
    Skip(String),
    /// Another time.
    Later(String),
}

impl Receipts {
    pub(crate) fn new(payments: Payments, config: &config::Fiscal, metrics: &Metrics) -> Self {
        let backlog = metrics.gauge(
            "fiscal_receipts",
            "Fiscal receipts of sales by Click that are asked for, or were given up.",
            &["what"],
        );
        let delivery = DeliveryCodes {
            mxik: config.delivery_mxik.clone(),
            package_code: config.delivery_package_code.clone(),
            vat_percent: config.delivery_vat_percent,
            tin: config.tin.clone(),
        };
        Self { payments, delivery, backlog }
    }

    /// Asks until it is told to stop. Without Click's Merchant API receipts wait.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            self.once().await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn once(&self) -> Result<(), Fault> {
        let store = &self.payments.store;
        if let Some(api) = &self.payments.providers.click_api {
            loop {
                let now = self.payments.clock.now();
                let due = store.fiscal_due(now, now.plus(LEASE), BATCH).await?;
                if due.is_empty() {
                    break;
                }
                for job in due {
                    self.ask(api, job).await?;
                }
            }
        }
        let backlog = store.fiscal_backlog().await?;
        self.backlog.with_label_values(&["waiting"]).set(backlog.waiting);
        self.backlog.with_label_values(&["failed"]).set(backlog.failed);
        Ok(())
    }

    async fn ask(&self, api: &ClickApi, job: Job) -> Result<(), Fault> {
        let store = &self.payments.store;
        let tried = self.attempt(api, &job).await;
        let now = self.payments.clock.now();
        let later = now.plus(fiscal::pause(job.attempts));
        let id = job.payment;
        match tried {
            Tried::Issued(body) => {
                store.fiscal_done(id, body, crate::grpc::events::receipt, now).await
            }
            Tried::Skip(why) => {
                tracing::warn!(payment.id = %id, why, "no fiscal receipt");
                store.fiscal_state(id, JobState::Skipped, &why, now).await
            }
            Tried::Sent if job.attempts < fiscal::TRIES => {
                store.fiscal_state(id, JobState::Sent, "", later).await
            }
            Tried::Later(why) if job.attempts < fiscal::TRIES => {
                let state = if job.sent { JobState::Sent } else { JobState::Waiting };
                store.fiscal_state(id, state, &why, later).await
            }
            Tried::Sent | Tried::Later(_) => {
                let why = match tried {
                    Tried::Later(why) => why,
                    _ => "the lines are taken, and no receipt came".to_owned(),
                };
                tracing::error!(payment.id = %id, why, "a fiscal receipt is given up");
                store.fiscal_state(id, JobState::Failed, &why, now).await
            }
        }
    }

    async fn attempt(&self, api: &ClickApi, job: &Job) -> Tried {
        if matches!(job.status, Status::Refunded) && !job.sent {
            return Tried::Skip("the money went back before there was a receipt".to_owned());
        }
        // Lines whose answer was lost may have been taken: a receipt that is there is not asked for again.
        if job.attempts > 1
            && let Some(body) = self.issued(api, job).await
        {
            return Tried::Issued(body);
        }
        if job.sent {
            return Tried::Sent;
        }
        let lines = match fiscal::lines(&job.sale, &self.delivery) {
            Ok(lines) => lines,
            Err(why) => return Tried::Skip(why.to_string()),
        };
        let items = api.items(job.paydoc, &lines);
        let answer = self.payments.ask_click(api, api.submit_items(), Some(&items)).await;
        let Some((status, body)) = answer else {
            return Tried::Later("Click did not answer".to_owned());
        };
        match protocol::sent(status, &body) {
            Sent::Refused(why) => Tried::Later(why),
            Sent::Nothing => Tried::Later(format!("Click answered with HTTP {status}")),
            Sent::Taken => match self.issued(api, job).await {
                Some(body) => Tried::Issued(body),
                None => Tried::Sent,
            },
        }
    }

    async fn issued(&self, api: &ClickApi, job: &Job) -> Option<String> {
        let url = api.receipt(job.paydoc);
        let (status, body) = self.payments.ask_click(api, url, None::<&()>).await?;
        protocol::issued(status, &body)
    }
}
