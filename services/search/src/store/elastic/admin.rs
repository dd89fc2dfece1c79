//! Indexes and their alias.

use std::{collections::BTreeMap, sync::Arc};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Call, Client, Failure, MANAGE, READ},
    names::{Index, Names},
    schema,
};
use crate::domain::Rebuild;

/// The server gives up on a change before we do: what we gave up on does not happen later.
const LIMITS: &str = "master_timeout=5s&timeout=5s";

/// Makes, finds and removes our indexes. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Admin {
    pub(super) client: Arc<Client>,
    pub(super) names: Names,
}

/// Indexes of ours.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// The one behind the alias.
    pub(super) live: Option<Index>,
    /// The others: being built, or left behind.
    pub(super) others: Vec<Index>,
}

#[derive(Debug, Deserialize)]
struct Aliased {
    #[serde(default)]
    aliases: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Mapped {
    mappings: Mappings,
}

#[derive(Debug, Deserialize)]
struct Mappings {
    #[serde(rename = "_meta", default)]
    meta: Meta,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default)]
    complete: bool,
    #[serde(default)]
    rebuild: Option<Rebuild>,
}

#[derive(Debug, Deserialize)]
struct Stats {
    indices: BTreeMap<String, Shards>,
}

#[derive(Debug, Deserialize)]
struct Shards {
    shards: BTreeMap<String, Vec<Shard>>,
}

#[derive(Debug, Deserialize)]
struct Shard {
    routing: Routing,
    seq_no: SeqNo,
}

#[derive(Debug, Deserialize)]
struct Routing {
    primary: bool,
}

#[derive(Debug, Deserialize)]
struct SeqNo {
    local_checkpoint: i64,
}

impl Admin {
    /// The index behind the alias; none when there is no alias.
    pub(super) async fn live(&self) -> Result<Option<Index>, Failure> {
        let path = format!("_alias/{}", self.names.alias());
        let found: Result<BTreeMap<String, Aliased>, _> =
            self.client.call(Call::again(Method::GET, path, READ)).await;
        match found {
            Ok(found) => Ok(found.keys().find_map(|name| self.names.read(name))),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All indexes of ours.
    pub(super) async fn inventory(&self) -> Result<Inventory, Failure> {
        let path = format!("{}/_alias", self.names.pattern());
        let found: BTreeMap<String, Aliased> =
            self.client.call(Call::again(Method::GET, path, READ)).await?;
        let mut inventory = Inventory::default();
        for (name, aliased) in found {
            let Some(index) = self.names.read(&name) else { continue };
            if aliased.aliases.contains_key(self.names.alias()) {
                inventory.live = Some(index);
            } else {
                inventory.others.push(index);
            }
        }
        Ok(inventory)
    }

    /// Makes an index; behind the alias at once, when `live`. Refused when another is there already.
    pub(super) async fn create(&self, index: &Index, live: bool) -> Result<(), Failure> {
        let body = schema::index(&self.names, index, live);
        let call = Call::once(Method::PUT, format!("{index}?{LIMITS}"), MANAGE).json(&body);
        self.client.done(call).await
    }

    /// Waits a moment until the index can be asked.
    pub(super) async fn available(&self, index: &str) -> Result<(), Failure> {
        // A new index is yellow before it has a shard that works.
        let wanted = "wait_for_status=yellow&wait_for_active_shards=1&timeout=1s";
        let path = format!("_cluster/health/{index}?{wanted}");
        match self.client.done(Call::once(Method::GET, path, READ)).await {
            Err(Failure::Refused { status: 408, .. }) => {
                Err(Failure::Away("the index has no shard that works".to_owned()))
            }
            outcome => outcome,
        }
    }

    /// Whether the index was filled from a whole catalogue.
    pub(super) async fn is_complete(&self, index: &Index) -> Result<bool, Failure> {
        Ok(self.meta(index).await?.complete)
    }

    /// The rebuild that has filled it.
    pub(super) async fn rebuilt(&self, index: &Index) -> Result<Option<Rebuild>, Failure> {
        Ok(self.meta(index).await?.rebuild)
    }

    /// What the index says of itself.
    async fn meta(&self, index: &Index) -> Result<Meta, Failure> {
        let path = format!("{index}/_mapping?filter_path=*.mappings._meta");
        let found: BTreeMap<String, Mapped> =
            self.client.call(Call::again(Method::GET, path, READ)).await?;
        Ok(found.into_values().next().map(|found| found.mappings.meta).unwrap_or_default())
    }

    /// Notes that the index was filled from a whole catalogue, and lets it show its news every second.
    pub(super) async fn complete(
        &self,
        index: &Index,
        rebuild: Option<&Rebuild>,
    ) -> Result<(), Failure> {
        let meta = json!({ "_meta": schema::meta(true, rebuild) });
        let path = format!("{index}/_mapping?{LIMITS}");
        self.client.done(Call::again(Method::PUT, path, MANAGE).json(&meta)).await?;
        self.set(index, &json!({ "index.refresh_interval": "1s" })).await
    }

    /// Refuses writes. When it returns, those that were under way have ended.
    pub(super) async fn block(&self, index: &Index) -> Result<(), Failure> {
        let path = format!("{index}/_block/write?{LIMITS}");
        self.client.done(Call::again(Method::PUT, path, MANAGE)).await
    }

    /// Takes writes again.
    pub(super) async fn unblock(&self, index: &Index) -> Result<(), Failure> {
        self.set(index, &json!({ "index.blocks.write": null })).await
    }

    async fn set(&self, index: &Index, settings: &Value) -> Result<(), Failure> {
        let path = format!("{index}/_settings?{LIMITS}");
        self.client.done(Call::again(Method::PUT, path, MANAGE).json(settings)).await
    }

    /// Makes searches see everything that was written.
    pub(super) async fn refresh(&self, index: &str) -> Result<(), Failure> {
        self.client.done(Call::again(Method::POST, format!("{index}/_refresh"), MANAGE)).await
    }

    /// The sequence number up to which every write has ended.
    pub(super) async fn checkpoint(&self, index: &Index) -> Result<i64, Failure> {
        let parts = "indices.*.shards.*.seq_no,indices.*.shards.*.routing.primary";
        let path = format!("{index}/_stats/docs?level=shards&filter_path={parts}");
        let stats: Stats = self.client.call(Call::again(Method::GET, path, READ)).await?;
        let shards = stats.indices.into_values().flat_map(|index| index.shards.into_values());
        let primary = shards.flatten().find(|shard| shard.routing.primary);
        let checkpoint = primary.map(|shard| shard.seq_no.local_checkpoint);
        checkpoint.ok_or_else(|| Failure::Away("the index has no primary shard".to_owned()))
    }

    /// Puts one index behind the alias in place of another, at once. Refused when the other is not there any more.
    pub(super) async fn swap(&self, old: &Index, new: &Index) -> Result<(), Failure> {
        let (old, new, alias) = (old.to_string(), new.to_string(), self.names.alias());
        let actions = json!({ "actions": [
            { "remove": { "index": old, "alias": alias, "must_exist": true } },
            { "add": { "index": new, "alias": alias, "is_write_index": true } },
        ] });
        let path = format!("_aliases?{LIMITS}");
        self.client.done(Call::once(Method::POST, path, MANAGE).json(&actions)).await
    }

    /// Removes an index that is not behind the alias.
    pub(super) async fn delete(&self, index: &Index) -> Result<(), Failure> {
        let path = format!("{index}?{LIMITS}");
        match self.client.done(Call::again(Method::DELETE, path, MANAGE)).await {
            Err(failure) if failure.is_missing() => Ok(()),
            outcome => outcome,
        }
    }
}
