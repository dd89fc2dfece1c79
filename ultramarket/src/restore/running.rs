//! Whether the platform runs, for those of its stores that do not tell: roles are asked where the configuration says that they are.

use std::collections::BTreeSet;

use mesh::Role;
use tokio::task::JoinSet;

use crate::{config::Config, exit, health};

/// Refuses while a role answers, on this machine or where `[peers]` says. A port at which somebody else answers is none of ours.
pub(super) async fn refuse(config: &Config) -> anyhow::Result<()> {
    let mut asked: BTreeSet<String> = config.peers()?.into_values().collect();
    for role in Role::ALL {
        let here = health::here_at(config, role);
        if here.port() != 0 {
            asked.insert(format!("http://{here}"));
        }
    }
    let mut asking = JoinSet::new();
    for address in asked {
        asking.spawn(async move { health::who(&address).await.map(|role| (role, address)) });
    }
    let answers = asking.join_all().await;
    let Some((role, address)) = answers.into_iter().flatten().min_by_key(|(role, _)| *role) else {
        return Ok(());
    };
    Err(exit::cannot_create(anyhow::anyhow!(
        "the platform runs, {role} answers at {address}: end it first; if it is another platform, say where this one is (--port-base, [peers])"
    )))
}
