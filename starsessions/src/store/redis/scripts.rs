//! The scripts: what has to happen on the server in one step, and takes more than one command.
//!
//! A session is one value; see [`packed`](super::packed). When a connection is lost, the client of a
//! Cluster sends a call again, also one that was carried out. Therefore a call that must not take place
//! twice has a ticket there: a value that was last written under the same ticket has this call behind it.
//!
//! Scripts name no key but those that they are given, one, so that a Cluster can run them; only
//! [`ROTATE`] takes two, and is not for a Cluster. Servers run one script at a time: nothing happens
//! between a check and what follows from it.
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
    pub(super) change: Script,
    pub(super) rotate: Script,
    pub(super) switch: Script,
    pub(super) index: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            create: Script::new(&[HEAD, CREATE]),
            change: Script::new(&[HEAD, CHANGE]),
            rotate: Script::new(&[HEAD, EXPECTED, ROTATE]),
            switch: Script::new(&[HEAD, EXPECTED, SWITCH]),
            index: Script::new(&[INDEX]),
        }
    }
}

// kind, flags, expires_at, revision, last_seen_at, indexed_until, the two times that never change, ticket
const HEAD: &str = r"
local call, pack, unpack, sub, byte = redis.call, struct.pack, struct.unpack, string.sub, string.byte
local HEAD = '>BBI5I7I5I5c10Bc0'
";

// now, the second in which the key ends, session
const CREATE: &str = r"
local old = call('GET', KEYS[1])
if old then
    local _, _, ends, _, _, _, _, ticket = unpack(HEAD, old)
    local _, _, _, _, _, _, _, own = unpack(HEAD, ARGV[3])
    if own ~= '' and own == ticket then return 1 end
    if ends > tonumber(ARGV[1]) then return 0 end
end
call('SET', KEYS[1], ARGV[3], 'EXAT', ARGV[2])
return 1
";

// A commit or a touch, the second in which the key ends: fields are looked at from the last on until all are
// found that are named, and the time to live stays where the session's end does.
const CHANGE: &str = r"
local key, change = KEYS[1], ARGV[1]
local old = call('GET', key)
if not old then return false end
local kind, flags, was_ends, revision, was_seen, indexed, fixed, was_ticket, place = unpack(HEAD, old)
local now, raise, ends, seen, remembered, identified, horizon, indexed_at, ticket,
    guards, gone, idle, set, at = unpack('>I5BI5I5BBI5I7Bc0HHHH', change)

if ticket ~= '' and ticket == was_ticket then return revision end
if was_ends <= now then return false end
if kind ~= 1 then return raise == 1 and old end

local guarded, deadlines, written = {}, {}, {}
for _ = 1, guards do
    local guard, name
    guard, name, at = unpack('>I7Hc0', change, at)
    if (guarded[name] or guard) ~= guard then return old end
    guarded[name] = guard
end
for _ = 1, gone do
    local name
    name, at = unpack('>Hc0', change, at)
    written[name] = ''
end
for _ = 1, idle do
    local deadline, name
    deadline, name, at = unpack('>I5Hc0', change, at)
    deadlines[name] = math.max(deadline, deadlines[name] or 0)
end

-- The field with a later idle deadline, if it has one that is earlier.
local prolong = idle > 0 and function(field, flags, length, deadline)
    local idle = length + flags % 2 * 5 + 1
    if flags % 4 < 2 or unpack('>I5', field, idle) >= deadline then return field end
    return sub(field, 1, idle - 1) .. pack('>I5', deadline) .. sub(field, idle + 5)
end

local is_dated, stamp = flags >= 4, pack('>I7', revision + 1)
for _ = 1, set do
    local size, first = unpack('>I4', change, at)
    at = first + size
    local bits, e, f = byte(change, at - 3, at - 1)
    local name, field = sub(change, first, first + e * 256 + f - 1), sub(change, first, at - 1) .. stamp
    local deadline = deadlines[name]
    written[name] = deadline and prolong(field, bits, e * 256 + f, deadline) or field
    is_dated = is_dated or bits % 2 == 1
end

-- What is written anew leaves its place, and comes to stand at the end.
local parts, count, last, missing = {'', ''}, 2, #old, guards + gone + idle + set
local kept = last
while last >= place and (missing > 0 or flags >= 4) do
    -- Faster than `unpack`, where it is done for each field.
    local a, b, c, d, bits, e, f = byte(old, last - 13, last - 7)
    local tail = last - 13 - (((a * 256 + b) * 256 + c) * 256 + d)
    local first = tail - e * 256 - f
    local name = sub(old, first, tail - 1)
    local guard, deadline, new = guarded[name], deadlines[name], written[name]
    if guard then
        if unpack('>I7', old, last - 6) ~= guard then return old end
        guarded[name], missing = nil, missing - 1
    end
    if new then
        missing = missing - 1
    elseif deadline then
        new = prolong(sub(old, first, last), bits, tail - first, deadline)
        written[name] = new
    end
    if deadline then missing = missing - 1 end
    if new or bits % 2 == 1 and unpack('>I5', old, tail) + 60 <= now then
        if last < kept then
            count = count + 1
            parts[count] = sub(old, last + 1, kept)
        end
        kept = first - 1
    end
    last = first - 1
end
for _, guard in pairs(guarded) do
    if guard ~= 0 then return old end
end
parts[2] = sub(old, place, kept)
for _, field in pairs(written) do
    count = count + 1
    parts[count] = field
end

if remembered == 2 then remembered = flags % 2 end
-- Another request may have moved the deadline further; only another profile takes it back.
if remembered == flags % 2 and was_ends > ends then ends = was_ends end
if was_seen > seen then seen = was_seen end
if flags % 4 >= 2 then identified = 1 end
-- How long the session is sure to be in the indexes; where that is not long enough, it is entered anew.
if horizon > 0 and (indexed_at == revision or indexed == 0 or indexed > horizon) then indexed = horizon end
if indexed > 0 and ends > indexed then return redis.status_reply('REINDEX') end
if raise == 0 then ticket = was_ticket end
revision = revision + raise
flags = remembered + 2 * identified + (is_dated and 4 or 0)
parts[1] = pack(HEAD, 1, flags, ends, revision, seen, indexed, fixed, #ticket, ticket)
local new = table.concat(parts)
if ends == was_ends then
    call('SET', key, new, 'KEEPTTL')
else
    call('SET', key, new, 'EXAT', ARGV[2])
end
return revision
";

// now, the revision that is expected, ..: whether that is there, and what is there instead
const EXPECTED: &str = r"
local now = tonumber(ARGV[1])
local function expected(key)
    local found = call('GET', key)
    if not found then return false, false end
    local kind, _, ends, revision = unpack(HEAD, found)
    if ends <= now then return false, false end
    local is_other = ARGV[2] ~= '' and tonumber(ARGV[2]) ~= revision
    if kind ~= 1 or is_other then return false, found end
    return true
end
";

// .., the second in which the old key ends, the way from there if there is one, the same of the new key
const ROTATE: &str = r"
local old, new = KEYS[1], KEYS[2]
local taken = call('GET', new)
if taken then
    local _, _, ends = unpack(HEAD, taken)
    if ends > now then return 0 end
end
local is_expected, found = expected(old)
if not is_expected then return found end
call('DEL', old)
if ARGV[4] ~= '' then call('SET', old, ARGV[4], 'EXAT', ARGV[3]) end
call('SET', new, ARGV[6], 'EXAT', ARGV[5])
return 1
";

// .., the second in which the old key ends, the way from there
const SWITCH: &str = r"
local key = KEYS[1]
local old = call('GET', key)
if old then
    local _, _, _, _, _, _, _, ticket = unpack(HEAD, old)
    local _, _, _, _, _, _, _, own = unpack(HEAD, ARGV[4])
    if own == ticket then return 1 end
end
local is_expected, found = expected(key)
if not is_expected then return found end
call('DEL', key)
call('SET', key, ARGV[4], 'EXAT', ARGV[3])
return 1
";

// now, session, until when. An index lives a minute longer than what is in it.
const INDEX: &str = r"
local key, now, session, horizon = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local known = redis.call('ZSCORE', key, session)
if not known or tonumber(known) < tonumber(horizon) then redis.call('ZADD', key, horizon, session) end
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local last = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2]
redis.call('EXPIREAT', key, string.format('%.0f', math.min(tonumber(last) + 60, 253402300799)))
return 1
";
