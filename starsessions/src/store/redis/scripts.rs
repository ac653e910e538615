//! The scripts: what has to happen on the server in one step, and takes more than one command.
//!
//! A script names no key but one that it is given, so that a Cluster can run it; only [`ROTATE`],
//! [`LISTED`] and [`HEADS`] name several, and are not for a Cluster. Rows are opaque to scripts, but for the [head](super::packed::head).
//!
//! A server whose memory is used up refuses a script whose first write needs more. So no script deletes
//! something of ours before it adds.

use std::sync::OnceLock;

use redis::Script as Hashed;

/// A script, and the hash that a server knows it by.
pub(crate) struct Script {
    pub(super) code: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    pub(crate) const fn new(code: &'static str) -> Self {
        let hash = OnceLock::new();
        Self { code, hash }
    }

    pub(super) fn hash(&self) -> &str {
        let hash = || Hashed::new(self.code).get_hash().to_owned();
        self.hash.get_or_init(hash)
    }
}

// head of the row that was read, row, the second in which the key ends: what `SET .. IFEQ` does.
// Returns OK, or what is there instead.
pub(super) static SWAP: Script = Script::new(
    r"
local call, key, head = redis.call, KEYS[1], ARGV[1]
if call('GETRANGE', key, 0, #head - 1) ~= head then return call('GET', key) end
return call('SET', key, ARGV[2], 'EXAT', ARGV[3])
",
);

// old key, new key, the indexes that the session leaves; head of the row that was read under the old key, what
// stays there, its end, the row for the new key, its end, head of an expired row under the new key or nothing:
// then all of it is compared; the session's entry.
// Returns OK, {1, what is under the old key instead} or {2, what is under the new key already}.
pub(super) static ROTATE: Script = Script::new(
    r"
local call, old, new, head, taken = redis.call, KEYS[1], KEYS[2], ARGV[1], ARGV[6]
if call('GETRANGE', old, 0, #head - 1) ~= head then return {1, call('GET', old)} end
if call('GETRANGE', new, 0, #taken - 1) ~= taken then return {2, call('GET', new)} end
call('SET', new, ARGV[4], 'EXAT', ARGV[5])
call('SET', old, ARGV[2], 'EXAT', ARGV[3])
for i = 3, #KEYS do redis.pcall('ZREM', KEYS[i], ARGV[7]) end
return redis.status_reply('OK')
",
);

// index key; entry, the second in which it ends, now, XX to prolong it only.
// Drops a bounded number of entries that have ended, so that no call takes long.
// Returns 1, or 2 if the key has held something that is no index and was dropped for it.
pub(super) static FILE: Script = Script::new(
    r"
local call, index, done = redis.call, KEYS[1], 1
local added
if ARGV[4] == 'XX' then
    added = redis.pcall('ZADD', index, 'XX', 'GT', ARGV[2], ARGV[1])
else
    added = redis.pcall('ZADD', index, 'GT', ARGV[2], ARGV[1])
end
if type(added) == 'table' and added.err then
    if not string.find(added.err, 'WRONGTYPE', 1, true) then return added end
    call('DEL', index)
    call('ZADD', index, ARGV[2], ARGV[1])
    done = 2
end
local ended = call('ZRANGEBYSCORE', index, '-inf', ARGV[3], 'LIMIT', 0, 100)
if #ended > 0 then call('ZREM', index, unpack(ended)) end
local last = call('ZREVRANGE', index, 0, 0, 'WITHSCORES')[2]
if last then call('EXPIREAT', index, last) end
return done
",
);

// index key; now, what the keys of rows begin with.
// Returns each entry with what is under its key, if that is a string.
pub(super) static LISTED: Script = Script::new(
    r"
local found = {}
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')) do
    local row = redis.pcall('GET', ARGV[2] .. entry)
    if type(row) ~= 'string' then row = false end
    found[#found + 1] = {entry, row}
end
return found
",
);

// keys of rows; how many bytes of each are wanted.
// Returns the beginnings of those that are strings.
pub(super) static HEADS: Script = Script::new(
    r"
local found = {}
for _, key in ipairs(KEYS) do
    local head = redis.pcall('GETRANGE', key, 0, ARGV[1] - 1)
    if type(head) == 'string' then found[#found + 1] = head end
end
return found
",
);
