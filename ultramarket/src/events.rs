//! `ultramarket events`: what was set aside, straight from the stores.
//!
//! A sender tries an event again and again; what a subscriber refuses too often is set aside, so that it holds up nobody. Here a
//! person sees it, and sends it again. The relay of the sender finds what is sent again within a second.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use clock::Clock;
use fault::Fault;
use ids::EventId;
use mesh::Role;
use outbox::{OutboxStore, Parked};
use serde_json::json;

use crate::{
    cli::{EventsCommand, say},
    config::Config,
    exit, roles,
};

/// Events of a role that are listed at most: whoever has more has one cause, and has seen enough of it.
const LISTED: u32 = 1000;

pub(crate) async fn run(
    config: &Config,
    command: &EventsCommand,
    json: bool,
) -> anyhow::Result<()> {
    match command {
        EventsCommand::Parked { role } => parked(config, *role, json).await,
        EventsCommand::Replay { role, id, .. } => replay(config, *role, *id, json).await,
    }
}

async fn parked(config: &Config, role: Option<Role>, json: bool) -> anyhow::Result<()> {
    let asked = role.map_or_else(|| roles::SENDERS.to_vec(), |role| vec![role]);
    let clock = Clock::system();
    let (mut lines, mut count) = (Vec::new(), 0);
    for role in asked {
        let Some(store) = open(role, config).await? else { continue };
        let found = store.parked(LISTED).await.map_err(|fault| failed(role, fault))?;
        count += store.backlog().await.map_err(|fault| failed(role, fault))?.parked;
        lines.extend(found.into_iter().map(|event| {
            let age = clock.now().since(event.written_at);
            if json { described(role, &event, age).to_string() } else { line(role, &event, age) }
        }));
    }
    if json {
        say(&format!("{{\"count\":{count},\"events\":[{}]}}", lines.join(",")));
        return Ok(());
    }
    let left_out = usize::try_from(count).unwrap_or(0).saturating_sub(lines.len());
    match lines.len() {
        0 => say("nothing was set aside"),
        _ => say(&lines.join("\n")),
    }
    if left_out > 0 {
        say(&format!("and {left_out} more"));
    }
    Ok(())
}

async fn replay(
    config: &Config,
    role: Role,
    event: Option<EventId>,
    json: bool,
) -> anyhow::Result<()> {
    let store = open(role, config).await?;
    let store = store.with_context(|| format!("{role}: there is no store yet"))?;
    let now = Clock::system().now();
    let count = store.replay(event, now).await.map_err(|fault| failed(role, fault))?;
    if let Some(event) = event {
        ensure!(count > 0, "{role}: {event} was not set aside");
    }
    if json {
        say(&json!({ "role": role.as_str(), "replayed": count }).to_string());
    } else {
        say(&format!("{role}: {count} sent again"));
    }
    Ok(())
}

/// The outbox of a role; none where an embedded store has not been made yet.
async fn open(role: Role, config: &Config) -> anyhow::Result<Option<Arc<dyn OutboxStore>>> {
    let embedded = config.store(role).strip_prefix("sqlite:");
    if roles::SENDERS.contains(&role) && embedded.is_some_and(|file| !Path::new(file).is_file()) {
        return Ok(None);
    }
    let known = roles::SENDERS.contains(&role);
    let opened = roles::outbox(role, config).await;
    opened.map(Some).map_err(if known { exit::cannot_create } else { exit::usage })
}

/// What a store says when it is away, or cannot do it.
fn failed(role: Role, fault: Fault) -> anyhow::Error {
    exit::cannot_create(anyhow::Error::new(fault).context(format!("the store of {role}")))
}

fn described(role: Role, event: &Parked, age: Duration) -> serde_json::Value {
    json!({
        "role": role.as_str(),
        "id": event.event,
        "type": event.kind,
        "subject": event.subject,
        "subscriber": event.subscriber,
        "tries": event.attempts,
        "error": event.error,
        "written_at": event.written_at.to_string(),
        "age_seconds": age.as_secs(),
    })
}

fn line(role: Role, event: &Parked, age: Duration) -> String {
    format!(
        "{role} -> {subscriber}  {id}  {kind} of {subject}  {tries} tries, {age} old: {error}",
        subscriber = event.subscriber,
        id = event.event,
        kind = event.kind,
        subject = event.subject,
        tries = event.attempts,
        age = rough(age),
        // One line, whatever a subscriber says.
        error = event.error.replace(char::is_control, " "),
    )
}

/// The largest unit that says something.
fn rough(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event = Parked {
            event: "evt_1".to_owned(),
            kind: "payment.paid".to_owned(),
            subject: "pay_1".to_owned(),
            subscriber: "order".to_owned(),
            attempts: 10,
            error: "NOT\nLIKED".to_owned(),
            written_at: clock::Timestamp::from_millis(0),
        };
        let told = line(Role::Payment, &event, Duration::from_secs(7_300));
        let wanted = "payment -> order  evt_1  payment.paid of pay_1  10 tries, 2 h old: NOT LIKED";
        assert_eq!(told, wanted);
    }

    #[test]
    fn ages_are_rough() {
        for (seconds, told) in [(5, "5 s"), (121, "2 min"), (90_000, "25 h"), (172_800, "2 days")] {
            assert_eq!(rough(Duration::from_secs(seconds)), told);
        }
    }
}
