//! Payments are compared with what their providers say: every night, and when somebody asks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use clock::Timestamp;
use fault::{Fault, Field};
use futures::{StreamExt as _, stream};
use ids::{DifferenceId, ReconciliationId};
use telemetry::{IntGaugeVec, Metrics};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Payments;
use crate::{
    domain::{
        Provider,
        day::{self, DAY},
        reconciliation::{Class, Difference, Ours, Run, RunState, Theirs, Verdict, judge},
    },
    providers::{
        cabinet,
        click_api::{
            ClickApi,
            status::{Found, found},
        },
    },
    store::reconciliation::{Page, Wanted},
};

mod forward;
mod grouped;

use forward::Forward;
use grouped::by_order_and_day;

/// Between two looks for runs.
const EVERY: Duration = Duration::from_secs(30);
/// Whoever took a run and has not ended it by then is gone.
const LEASE: Duration = Duration::from_hours(2);
/// Transactions read at once.
const PAGE: u32 = 1000;
/// Transactions of one run.
const MOST: usize = 50_000;
/// Questions asked at once.
const AT_ONCE: usize = 8;
/// Days of one run.
const DAYS: u64 = 92;

/// Compares. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reconciler {
    payments: Payments,
    hour: u8,
    asked: Arc<Notify>,
    frozen: IntGaugeVec,
    last: IntGaugeVec,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) provider: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) csv: String,
}

impl Reconciler {
    pub(crate) fn new(payments: Payments, hour: u8, metrics: &Metrics) -> Self {
        let frozen = metrics.gauge(
            "reconciliation_frozen",
            "Differences between payments here and at their providers that nobody has looked at.",
            &["provider", "class"],
        );
        let last = metrics.gauge(
            "reconciliation_last_success_timestamp_seconds",
            "When the payments of a provider were compared to the end the last time.",
            &["provider"],
        );
        Self { payments, hour, asked: Arc::default(), frozen, last }
    }

    /// Compares until it is told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            self.once().await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.asked.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn once(&self) -> Result<(), Fault> {
        let now = self.payments.clock.now();
        if self.payments.providers.click_api.is_some() && day::hour(now) >= self.hour {
            let yesterday = day::day(now.minus(DAY));
            let from = day::start(&yesterday).unwrap_or(now);
            let key = format!("nightly/click/{yesterday}");
            let run = new_run(Provider::Click, ("nightly", key), (from, from.plus(DAY)), now);
            self.payments.store.run_add(run, now).await?;
        }
        loop {
            let now = self.payments.clock.now();
            let Some(run) = self.payments.store.run_take(now, now.plus(LEASE)).await? else {
                break;
            };
            let ended = self.compare_with_provider(run).await?;
            self.told(&ended);
        }
        for provider in [Provider::Payme, Provider::Click] {
            for class in Class::ALL {
                self.frozen.with_label_values(&[provider.as_str(), class.as_str()]).set(0);
            }
        }
        for (provider, class, count) in self.payments.store.frozen().await? {
            self.frozen.with_label_values(&[provider.as_str(), class.as_str()]).set(count);
        }
        Ok(())
    }

    /// Begins a run; with a table it has ended then.
    pub(crate) async fn start(&self, request: Request) -> Result<Run, Fault> {
        let now = self.payments.clock.now();
        let wrong = |field: &'static str, message: &str| {
            Fault::invalid(vec![Field::new(field, "INVALID", message.to_owned())])
        };
        let Some(provider @ (Provider::Payme | Provider::Click)) =
            Provider::parse(&request.provider)
        else {
            return Err(wrong("provider", "expected payme or click"));
        };
        let yesterday = day::day(now.minus(DAY));
        let or_yesterday =
            |text: &str| if text.is_empty() { yesterday.clone() } else { text.to_owned() };
        let bad_day = "expected a day like 2026-11-21";
        let from =
            day::start(&or_yesterday(&request.from)).ok_or_else(|| wrong("from", bad_day))?;
        let last = if request.to.is_empty() { &request.from } else { &request.to };
        let to = day::start(&or_yesterday(last)).ok_or_else(|| wrong("to", bad_day))?.plus(DAY);
        if to <= from || to.since(from) > DAY.saturating_mul(u32::try_from(DAYS).unwrap_or(1)) {
            return Err(wrong("to", "expected a day not before `from`, and at most 92 days"));
        }
        let id = ReconciliationId::new();
        if request.csv.is_empty() {
            let askable =
                provider == Provider::Click && self.payments.providers.click_api.is_some();
            if !askable {
                let message = "this provider cannot be asked: send a table of its cabinet in csv";
                return Err(wrong("csv", message));
            }
            let run = new_run(provider, ("demand", format!("demand/{id}")), (from, to), now);
            let run = Run { id, ..run };
            self.payments.store.run_add(run.clone(), now).await?;
            self.asked.notify_one();
            return Ok(run);
        }
        let theirs =
            cabinet::read(&request.csv).map_err(|error| wrong("csv", &error.to_string()))?;
        let run = new_run(provider, ("upload", format!("upload/{id}")), (from, to), now);
        let run = Run { id, state: RunState::Running, ..run };
        // Nobody else goes on with it: the table is here alone.
        self.payments.store.run_add(run.clone(), now.plus(LEASE)).await?;
        let ended = self.compare_with_table(run, theirs).await?;
        self.told(&ended);
        Ok(ended)
    }

    pub(crate) async fn runs(&self, page: Page<ReconciliationId>) -> Result<Vec<Run>, Fault> {
        self.payments.store.runs(page).await
    }

    pub(crate) async fn differences(
        &self,
        wanted: Wanted,
        page: Page<DifferenceId>,
    ) -> Result<Vec<Difference>, Fault> {
        self.payments.store.differences(wanted, page).await
    }

    pub(crate) async fn resolve(&self, id: DifferenceId, note: &str) -> Result<Difference, Fault> {
        let now = self.payments.clock.now();
        let resolved = self.payments.store.resolve(id, note, now).await?;
        self.asked.notify_one();
        resolved.ok_or_else(|| Fault::not_found("DIFFERENCE"))
    }

    fn told(&self, run: &Run) {
        let provider = run.provider.as_str();
        if run.state == RunState::Done {
            let now = self.payments.clock.now().millis() / 1000;
            self.last.with_label_values(&[provider]).set(now);
        }
        let (compared, unanswered, found) = (run.compared, run.unanswered, run.found);
        let fixed = run.fixed;
        if found > fixed || run.state == RunState::Failed {
            tracing::error!(
                provider,
                compared,
                unanswered,
                found,
                fixed,
                note = run.note,
                "payments differ from their provider's"
            );
        } else {
            tracing::info!(
                provider,
                compared,
                found,
                fixed,
                "payments were compared with their provider's"
            );
        }
    }

    async fn end(&self, run: Run, differences: Vec<Difference>) -> Result<Run, Fault> {
        let fixed = differences.iter().filter(|it| it.settled_at.is_some()).count();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let run = Run {
            found: count(differences.len()),
            fixed: count(fixed),
            ended_at: Some(self.payments.clock.now()),
            ..run
        };
        self.payments.store.run_end(run.clone(), differences).await?;
        Ok(run)
    }

    /// Everything that a provider began in the period, as it is written here.
    async fn ours(&self, run: &Run) -> Result<Option<Vec<Ours>>, Fault> {
        let mut all: Vec<Ours> = Vec::new();
        loop {
            let after = all.last().map_or(0, |it| it.row);
            let period = (run.from, run.to);
            let page = self.payments.store.ours(run.provider, period, after, PAGE).await?;
            let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            all.extend(page);
            if all.len() > MOST {
                return Ok(None);
            }
            if !full {
                return Ok(Some(all));
            }
        }
    }

    async fn compare_with_provider(&self, run: Run) -> Result<Run, Fault> {
        let failed =
            |run: Run, note: &str| Run { state: RunState::Failed, note: note.to_owned(), ..run };
        let (Some(api), Provider::Click, "nightly" | "demand") =
            (&self.payments.providers.click_api, run.provider, run.cause.as_str())
        else {
            let note = "it was interrupted, or the provider cannot be asked any more";
            return self.end(failed(run, note), Vec::new()).await;
        };
        let Some(ours) = self.ours(&run).await? else {
            return self
                .end(failed(run, "too many payments: take a shorter period"), Vec::new())
                .await;
        };
        let groups = by_order_and_day(ours);
        let compared = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        let asked = groups.into_values().map(|ours| async move {
            let theirs = self.said(api, &ours).await;
            (ours, theirs)
        });
        let mut asked = stream::iter(asked).buffer_unordered(AT_ONCE);
        let (mut differences, mut unanswered) = (Vec::new(), 0);
        while let Some((ours, theirs)) = asked.next().await {
            let theirs = match theirs {
                Found::Nothing => {
                    unanswered += 1;
                    continue;
                }
                Found::None => None,
                Found::Payment(theirs) => Some(theirs),
            };
            let ours = self.meant(run.provider, ours, theirs.as_ref()).await?;
            differences.extend(self.settle(&run, Some(ours), theirs).await?);
        }
        let state = if unanswered == 0 { RunState::Done } else { RunState::Failed };
        let note = match unanswered {
            0 => String::new(),
            _ => "Click did not answer for all payments".to_owned(),
        };
        self.end(Run { state, compared, unanswered, note, ..run }, differences).await
    }

    /// Of several attempts of an order the one that the provider speaks of.
    async fn meant(
        &self,
        provider: Provider,
        ours: Ours,
        theirs: Option<&Theirs>,
    ) -> Result<Ours, Fault> {
        let Some(theirs) = theirs.filter(|theirs| theirs.id != ours.id) else { return Ok(ours) };
        let named = self.payments.store.ours_named(provider, vec![theirs.id.clone()]).await?;
        let named = named.into_iter().find(|it| it.reference == ours.reference);
        Ok(named.unwrap_or(ours))
    }

    async fn said(&self, api: &ClickApi, ours: &Ours) -> Found {
        let url = api.status_of_order(&ours.reference, &day::day(ours.at));
        match self.payments.ask_click(api, url, None::<&()>).await {
            Some((status, body)) => found(&ours.reference, status, &body),
            None => Found::Nothing,
        }
    }

    async fn compare_with_table(&self, run: Run, theirs: Vec<Theirs>) -> Result<Run, Fault> {
        let names: Vec<String> = theirs.iter().map(|it| it.id.clone()).collect();
        let mut known: BTreeMap<String, Ours> = BTreeMap::new();
        for names in names.chunks(1000) {
            let named = self.payments.store.ours_named(run.provider, names.to_vec()).await?;
            known.extend(named.into_iter().map(|it| (it.id.clone(), it)));
        }
        let Some(ours) = self.ours(&run).await? else {
            let note = "too many payments: take a shorter period".to_owned();
            return self.end(Run { state: RunState::Failed, note, ..run }, Vec::new()).await;
        };
        let told: std::collections::BTreeSet<&String> = names.iter().collect();
        let missing: Vec<Ours> = ours.into_iter().filter(|it| !told.contains(&it.id)).collect();
        let compared = u32::try_from(theirs.len() + missing.len()).unwrap_or(u32::MAX);
        let mut differences = Vec::new();
        for theirs in theirs {
            let ours = known.remove(&theirs.id);
            differences.extend(self.settle(&run, ours, Some(theirs)).await?);
        }
        for ours in missing {
            differences.extend(self.settle(&run, Some(ours), None).await?);
        }
        self.end(Run { state: RunState::Done, compared, ..run }, differences).await
    }

    /// The difference, if there is one, after the safe one was brought forward. What differs is read once more: it may have come right
    /// while the provider was asked.
    async fn settle(
        &self,
        run: &Run,
        ours: Option<Ours>,
        theirs: Option<Theirs>,
    ) -> Result<Option<Difference>, Fault> {
        if judge(ours.as_ref(), theirs.as_ref()).is_none() {
            return Ok(None);
        }
        let ours = match ours {
            Some(ours) => {
                let names = vec![ours.id.clone()];
                let again = self.payments.store.ours_named(run.provider, names).await?;
                again.into_iter().find(|it| it.row == ours.row)
            }
            None => None,
        };
        let Some(verdict) = judge(ours.as_ref(), theirs.as_ref()) else { return Ok(None) };
        let now = self.payments.clock.now();
        let difference = Difference::new(run, verdict, (ours.as_ref(), theirs.as_ref()), now);
        let (Verdict { safe: true, .. }, Some(ours), Some(theirs)) = (verdict, ours, theirs) else {
            return Ok(Some(difference));
        };
        Ok(match self.forward(run.provider, &ours, &theirs, now).await? {
            Forward::Done => Some(difference.fixed("brought to where the provider has it", now)),
            Forward::Before => None,
            Forward::Refused => Some(difference),
        })
    }
}

fn new_run(
    provider: Provider,
    (cause, key): (&str, String),
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Run {
    Run {
        id: ReconciliationId::new(),
        provider,
        cause: cause.to_owned(),
        key,
        from,
        to,
        state: RunState::Waiting,
        compared: 0,
        unanswered: 0,
        found: 0,
        fixed: 0,
        note: String::new(),
        started_at: now,
        ended_at: None,
    }
}
