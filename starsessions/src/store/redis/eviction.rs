//! Servers that remove keys when their memory is full.

use redis::{InfoDict, Value};

use super::link::Link;

impl Link {
    /// The policy by which the server, or one of a Cluster, chooses keys to remove when its memory is full. `None` if no
    /// key is removed, or if the server does not tell: a user may have no right to ask.
    pub(super) async fn eviction_policy(&self) -> Option<String> {
        let about = self.send(redis::cmd("INFO").arg("memory")).await.value;
        let nodes = match about.ok()? {
            Value::Map(nodes) => nodes.into_iter().map(|(_, about)| about).collect(),
            about => vec![about],
        };
        nodes.into_iter().find_map(|about| {
            let about: InfoDict = redis::from_redis_value(about).ok()?;
            let policy: String = about.get("maxmemory_policy")?;
            let is_limited = about.get::<u64>("maxmemory")? > 0;
            (is_limited && policy != "noeviction").then_some(policy)
        })
    }
}
