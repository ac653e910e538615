//! The scripts: what has to happen on the server in one step.
//!
//! A session is a hash. A field of the session is `f:` and its name; what belongs to the session as a
//! whole has one letter: `c`reated at, `i`ssued at, `l`ast seen at, `e`xpires at, `r`evision,
//! re`m`embered, i`d`entified, `w`ay to the successor, inde`x`ed until, `t`icket.
//!
//! When a connection is lost, the client of a Cluster sends a call again, also one that was carried out.
//! Therefore a call that must not take place twice has a ticket there: a hash that was last written
//! under the same ticket has this call behind it.
//!
//! Scripts name no key but those that they are given, one, so that a Cluster can run them; only
//! [`ROTATE`] and [`LOOK`] take more, and are not for a Cluster. Servers run one script at a time:
//! nothing happens between a check and what follows from it.
//!
//! A server whose memory is used up refuses a script's first write, unless that one frees memory; then
//! all that follow are let through. So nothing is deleted first by a script that only adds.

use redis::Script as Hashed;

/// A script, and the hash that a server knows it by.
pub(super) struct Script {
    pub(super) code: String,
    pub(super) hash: String,
}

impl Script {
    fn new(parts: &[&str]) -> Self {
        let code = parts.concat();
        let hash = Hashed::new(&code).get_hash().to_owned();
        Self { code, hash }
    }
}

/// All of them.
pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) commit: Script,
    pub(super) touch: Script,
    pub(super) rotate: Script,
    pub(super) switch: Script,
    pub(super) delete: Script,
    pub(super) index: Script,
    pub(super) look: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let create = "if is_done(KEYS[1]) then return 1 end return create(KEYS[1]) and 1 or 0";
        Self {
            create: Script::new(&[COMMON, CREATE, create]),
            commit: Script::new(&[COMMON, COMMIT]),
            touch: Script::new(&[COMMON, TOUCH]),
            rotate: Script::new(&[COMMON, CREATE, EXPECTED, ROTATE]),
            switch: Script::new(&[COMMON, EXPECTED, SWITCH]),
            delete: Script::new(&[DELETE]),
            index: Script::new(&[COMMON, INDEX]),
            look: Script::new(&[LOOK]),
        }
    }
}

// Arguments are taken one after the other. A key lives a minute longer than what it holds, so that
// a server whose clock is a little ahead ends nothing early; whoever reads looks at `e`.
const COMMON: &str = r"
local place = 0
local function take() place = place + 1; return ARGV[place] end
local function count() return tonumber(take()) end

local ticket = ''
local function is_done(key)
    ticket = take()
    return ticket ~= '' and redis.call('HGET', key, 't') == ticket
end

local function sign(key)
    if ticket ~= '' then redis.call('HSET', key, 't', ticket) end
end

local function live_until(key, ends)
    local at = math.min(tonumber(ends) + 60, 253402300799)
    redis.call('EXPIREAT', key, string.format('%.0f', at))
end

-- Where the server can, a field with a deadline goes by itself; elsewhere it is only hidden.
local function put(key, name, value)
    redis.call('HSET', key, name, value)
    local ends = string.match(value, '^%d+;(%d+);')
    if ends then
        local at = math.min((tonumber(ends) + 60) * 1000, 253402300799000)
        redis.pcall('HPEXPIREAT', key, string.format('%.0f', at), 'FIELDS', 1, name)
    end
end

local function keep_alive(key)
    for _ = 1, count() do
        local name, deadline = take(), take()
        local value = redis.call('HGET', key, name)
        if value then
            local head, idle, rest = string.match(value, '^(%d+;%d*;)(%d*)(;.*)$')
            if idle and idle ~= '' and tonumber(idle) < tonumber(deadline) then
                put(key, name, head .. deadline .. rest)
            end
        end
    end
end

-- How long the session is sure to be in the indexes, or nothing where that is not long enough.
local function indexed_until(known, ends, revision)
    local horizon, seen = take(), take()
    if horizon ~= '' and (seen == revision or not known or tonumber(known) > tonumber(horizon)) then
        known = horizon
    end
    if known and tonumber(ends) > tonumber(known) then return nil end
    return known or ''
end
";

const CREATE: &str = r"
local function create(key)
    local ends = redis.call('HGET', key, 'e')
    if ends and tonumber(ends) > count() then return false end
    if not ends then take() end
    if redis.call('EXISTS', key) == 1 then redis.call('DEL', key) end
    local ends = take()
    for _ = 1, count() do
        local name = take()
        put(key, name, take())
    end
    sign(key)
    live_until(key, ends)
    return true
end
";

const COMMIT: &str = r"
local key = KEYS[1]
local is_done = is_done(key)
local was = redis.call('HMGET', key, 'e', 'l', 'r', 'm', 'd', 'w', 'x')
if is_done then return tonumber(was[3]) end
if not was[1] or tonumber(was[1]) <= count() then return false end
if was[6] then return redis.call('HGETALL', key) end
for _ = 1, count() do
    local value, revision = redis.call('HGET', key, take()), take()
    local found = value and string.match(value, '^%d+') or 0
    if tonumber(found) ~= tonumber(revision) then return redis.call('HGETALL', key) end
end
local seen, ends, remembered, identified = take(), take(), take(), take()
if remembered == '' then remembered = was[4] end
-- Another request may have moved the deadline further; only another profile takes it back.
if remembered == was[4] and tonumber(was[1]) > tonumber(ends) then ends = was[1] end
if tonumber(was[2]) > tonumber(seen) then seen = was[2] end
if was[5] == '1' then identified = '1' end
local indexed = indexed_until(was[7], ends, was[3])
if not indexed then return redis.status_reply('REINDEX') end

local revision = string.format('%.0f', tonumber(was[3]) + 1)
redis.call('HSET', key, 'e', ends, 'l', seen, 'r', revision, 'm', remembered, 'd', identified)
if indexed ~= '' then redis.call('HSET', key, 'x', indexed) end
sign(key)
for _ = 1, count() do redis.call('HDEL', key, take()) end
for _ = 1, count() do
    local name = take()
    put(key, name, revision .. ';' .. take())
end
keep_alive(key)
live_until(key, ends)
return tonumber(revision)
";

const TOUCH: &str = r"
local key = KEYS[1]
local was = redis.call('HMGET', key, 'e', 'l', 'w', 'x', 'r')
if not was[1] or was[3] or tonumber(was[1]) <= count() then return false end
local seen, ends = take(), take()
if tonumber(was[1]) > tonumber(ends) then ends = was[1] end
if tonumber(was[2]) > tonumber(seen) then seen = was[2] end
local indexed = indexed_until(was[4], ends, was[5])
if not indexed then return redis.status_reply('REINDEX') end
redis.call('HSET', key, 'e', ends, 'l', seen)
if indexed ~= '' then redis.call('HSET', key, 'x', indexed) end
keep_alive(key)
live_until(key, ends)
return 1
";

// Ends a session, or turns it into the way to its successor, if it is what was expected.
const EXPECTED: &str = r"
local function expected(key)
    local was = redis.call('HMGET', key, 'e', 'r', 'w')
    if not was[1] or tonumber(was[1]) <= count() then return false, false end
    local revision = take()
    local is_other = revision ~= '' and tonumber(revision) ~= tonumber(was[2])
    if was[3] or is_other then return false, redis.call('HGETALL', key) end
    return true
end

local function leave(key)
    redis.call('DEL', key)
    local has_way, way, ends = take(), take(), take()
    if has_way == '1' then
        redis.call('HSET', key, 'w', way, 'e', ends)
        live_until(key, ends)
    end
end
";

// What ends without a way leaves its ticket for a minute, in a hash that has expired.
const SWITCH: &str = r"
local key = KEYS[1]
if is_done(key) then return 1 end
local now = take()
local is_expected, found = expected(key)
if not is_expected then return found end
leave(key)
if redis.call('EXISTS', key) == 1 then
    sign(key)
else
    redis.call('HSET', key, 'w', '', 'e', 0, 't', ticket)
    live_until(key, now)
end
return 1
";

const ROTATE: &str = r"
local new, old = KEYS[1], KEYS[2]
local ends = redis.call('HGET', new, 'e')
if ends and tonumber(ends) > count() then return 0 end
if not ends then take() end
local is_expected, found = expected(old)
if not is_expected then return found end
leave(old)
create(new)
return 1
";

// The whole record where it is in an index, so that it can be taken out there.
const DELETE: &str = r"
local key = KEYS[1]
local was = redis.call('HMGET', key, 'e', 'w', 'x')
local found = {}
if was[3] then found = redis.call('HGETALL', key)
elseif was[1] and was[2] then found = {'e', was[1], 'w', was[2]} end
redis.call('DEL', key)
return found
";

const INDEX: &str = r"
local key = KEYS[1]
local now, session, horizon = take(), take(), take()
local known = redis.call('ZSCORE', key, session)
if not known or tonumber(known) < tonumber(horizon) then redis.call('ZADD', key, horizon, session) end
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
live_until(key, redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2])
return 1
";

// All of them at one moment.
const LOOK: &str = r"
local found = {}
for place, key in ipairs(KEYS) do found[place] = redis.call('HGETALL', key) end
return found
";
