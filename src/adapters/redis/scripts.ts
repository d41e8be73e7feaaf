import { DROP_REASONS } from '@switchgear/conventions';

/**
 * What is done in Redis, each in one script, so that it is done whole or not at all and no other replica comes between.
 *
 * A held call is an entry of the stream, `<sequence>-0`, where the sequence counts appended calls. It is in one of four places:
 * - `ready`: the first of its key, or without one. May be taken.
 * - taken: pending in the consumer group, under the name of the process that replays it. That process renews it; once it is
 *   idle for longer than `claimAfterMs`, whoever looks next makes it ready again.
 * - `waiting`: given back until later.
 * - none of these: an older call of its key is still held. It becomes ready once it is the first.
 *
 * | key | type | holds |
 * | --- | --- | --- |
 * | stream | stream | the held calls |
 * | state | hash | owner, totals, bytes held, the oldest call |
 * | ready | sorted set | sequences, by sequence |
 * | waiting | sorted set | sequences, by when they may be taken |
 * | expiry | sorted set | sequences of calls that are not taken, by when they expire |
 * | keys | sorted set | `<hash of the key>:<sequence>`, in lexical order: the order of each key's calls |
 * | ids | hash | sequence by id |
 * | attempts | hash | failed replays by sequence, where there are any |
 * | dead | stream | dead letters, at most so many and so many bytes |
 * | ends | stream | the latest ends of calls that another process had appended, for that one to hear; gone after an hour without any |
 */
export const KEY_NAMES = ['state', 'ready', 'waiting', 'expiry', 'keys', 'ids', 'attempts', 'dead', 'ends'] as const;

/** Characters that all dead letters together may have, 16 Mi, and all ends: the oldest go. */
const MOST_CHARACTERS = 16 * 1024 * 1024;
const MOST_ENDS = 10_000;
const ENDS_KEPT_FOR_MS = 3_600_000;

/** Entries looked at in one go: what blocks Redis stays short. */
export const BATCH = 500;

const droppedFields = DROP_REASONS.map((reason) => `'dropped:${reason}'`).join(', ');

/** The first keys and arguments are the same for all; what a script is asked for follows as `ASKED`. */
const PRELUDE = `
local STREAM, STATE, READY, WAITING, EXPIRY, ORDER, IDS, ATTEMPTS, DEAD, ENDS = unpack(KEYS)
local GROUP, CONSUMER, CLAIM_AFTER = ARGV[1], ARGV[2], ARGV[3]
local ASKED = {unpack(ARGV, 4)}

local function text(number)
  return string.format('%.0f', number)
end

local function sequence_of(entry_id)
  return string.match(entry_id, '^(%d+)')
end

local function pack(fields)
  return {
    id = fields[2], call = fields[4], key = fields[6], size = fields[8], expires = fields[10], diverted = fields[12],
    by = fields[14],
  }
end

local function entry(sequence)
  local found = redis.call('XRANGE', STREAM, sequence .. '-0', sequence .. '-0')
  return found[1] and pack(found[1][2])
end

local function owner_of(sequence)
  local pending = redis.call('XPENDING', STREAM, GROUP, sequence .. '-0', sequence .. '-0', 1)
  return pending[1] and pending[1][2]
end

local function first_of(key)
  return redis.call('ZRANGEBYLEX', ORDER, '[' .. key .. ':', '(' .. key .. ';', 'LIMIT', 0, 1)[1]
end

local function place(key, sequence)
  return key .. ':' .. string.format('%016.0f', tonumber(sequence))
end

local function make_ready(sequence)
  redis.call('ZADD', READY, sequence, sequence)
end

-- A taken call is taken no more.
local function release(sequence)
  redis.call('XACK', STREAM, GROUP, sequence .. '-0')
  local found = entry(sequence)
  if found then
    make_ready(sequence)
    redis.call('ZADD', EXPIRY, found.expires, sequence)
  end
end

local function release_all_of(consumer)
  repeat
    local pending = redis.call('XPENDING', STREAM, GROUP, '-', '+', 100, consumer)
    for _, one in ipairs(pending) do release(sequence_of(one[1])) end
  until #pending == 0
end

-- Processes that have ended without a word leave their names behind.
local function forget_consumers()
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', STREAM, GROUP)) do
    local name, held, idle = consumer[2], consumer[4], consumer[6]
    if name ~= CONSUMER and held == 0 and idle > tonumber(CLAIM_AFTER) then
      redis.call('XGROUP', 'DELCONSUMER', STREAM, GROUP, name)
    end
  end
end

-- What a consumer took that has not been heard of since.
local function release_abandoned()
  local pending = redis.call('XPENDING', STREAM, GROUP, 'IDLE', CLAIM_AFTER, '-', '+', 100)
  for _, one in ipairs(pending) do release(sequence_of(one[1])) end
end

local function note_oldest()
  local first = redis.call('XRANGE', STREAM, '-', '+', 'COUNT', 1)[1]
  if first then
    redis.call('HSET', STATE, 'oldest', sequence_of(first[1]), 'oldest_diverted', pack(first[2]).diverted)
  else
    redis.call('HDEL', STATE, 'oldest', 'oldest_diverted')
  end
end

-- A call is held no more; the next of its key becomes ready where it was the first.
local function remove(sequence, found)
  redis.call('XACK', STREAM, GROUP, sequence .. '-0')
  redis.call('XDEL', STREAM, sequence .. '-0')
  redis.call('ZREM', READY, sequence)
  redis.call('ZREM', WAITING, sequence)
  redis.call('ZREM', EXPIRY, sequence)
  redis.call('HDEL', ATTEMPTS, sequence)
  redis.call('HDEL', IDS, found.id)
  redis.call('HINCRBY', STATE, 'bytes', text(0 - found.size))
  if redis.call('HGET', STATE, 'oldest') == sequence then note_oldest() end
  if found.key ~= '' then
    local was_first = first_of(found.key) == place(found.key, sequence)
    redis.call('ZREM', ORDER, place(found.key, sequence))
    local next_place = was_first and first_of(found.key)
    if next_place then make_ready(text(tonumber(string.match(next_place, ':(%d+)$')))) end
  end
end

-- Adds an entry to a stream, and drops its oldest while there are too many of them, or of the characters of their first fields.
local function keep_latest(stream, characters, most, field, text, ...)
  if redis.call('EXISTS', stream) == 0 then redis.call('HDEL', STATE, characters) end
  redis.call('XADD', stream, '*', field, text, ...)
  local size = redis.call('HINCRBY', STATE, characters, #text)
  local count = redis.call('XLEN', stream)
  while count > tonumber(most) or size > ${MOST_CHARACTERS} do
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    redis.call('XDEL', stream, first[1])
    size = redis.call('HINCRBY', STATE, characters, -#first[2][2])
    count = count - 1
  end
end

-- A caller of the process that appended it may wait for this.
local function tell_of_end(found, total, at, detail)
  if not found.by or found.by == CONSUMER then return end
  keep_latest(ENDS, 'ends_size', ${MOST_ENDS}, 'detail', detail, 'by', found.by, 'id', found.id, 'total', total, 'at', at)
  redis.call('PEXPIRE', ENDS, ${ENDS_KEPT_FOR_MS})
end

local function status()
  local totals = redis.call('HMGET', STATE, 'bytes', 'oldest_diverted', 'received', 'replayed', 'dead', ${droppedFields})
  local due = redis.call('ZRANGE', WAITING, 0, 0, 'WITHSCORES')
  -- Without a group, as before the first opening, nothing is taken.
  local taken = redis.pcall('XPENDING', STREAM, GROUP)
  local answer = { redis.call('XLEN', STREAM), taken[1] or 0, due[2] or '' }
  for _, total in ipairs(totals) do answer[#answer + 1] = total or '' end
  return answer
end
`;

/** Makes the stream and its group where they are not there. Asked: owner. Result: the owner and the group it has. */
const OPEN = `
local owner, group = unpack(redis.call('HMGET', STATE, 'owner', 'group'))
if not owner or (owner == ASKED[1] and group == GROUP) then
  local made = redis.pcall('XGROUP', 'CREATE', STREAM, GROUP, '0', 'MKSTREAM')
  if made.err and not string.find(made.err, 'BUSYGROUP') then return made end
  owner, group = ASKED[1], GROUP
  redis.call('HSET', STATE, 'owner', owner, 'group', group)
  -- An earlier process of this name has ended.
  release_all_of(CONSUMER)
  release_abandoned()
  forget_consumers()
end
return { { owner, group }, status() }
`;

/** Asked: id, call, whether it has a key, key, size, expiresAt, divertedAt, attempts. */
const APPEND = `
local id, call, has_key, key, size, expires, diverted, attempts = unpack(ASKED)
if redis.call('HEXISTS', IDS, id) == 1 then
  return redis.error_reply('SPOOL holds a call of the id ' .. id .. ' already')
end
local sequence = text(redis.call('HINCRBY', STATE, 'sequence', 1))
local hash = has_key == '1' and redis.sha1hex(key) or ''
redis.call('XADD', STREAM, sequence .. '-0',
  'id', id, 'call', call, 'key', hash, 'size', size, 'expires', expires, 'diverted', diverted, 'by', CONSUMER)
redis.call('HSET', IDS, id, sequence)
if tonumber(attempts) > 0 then redis.call('HSET', ATTEMPTS, sequence, attempts) end
redis.call('HINCRBY', STATE, 'received', 1)
redis.call('HINCRBY', STATE, 'bytes', size)
redis.call('HSETNX', STATE, 'oldest', sequence)
redis.call('HSETNX', STATE, 'oldest_diverted', diverted)
redis.call('ZADD', EXPIRY, expires, sequence)
if hash ~= '' then redis.call('ZADD', ORDER, 0, place(hash, sequence)) end
if hash == '' or first_of(hash) == place(hash, sequence) then make_ready(sequence) end
return { {}, status() }
`;

/** Asked: limit, now. Result: id, call and attempts of each call, one after the other. */
const TAKE = `
local limit, now = tonumber(ASKED[1]), ASKED[2]
release_abandoned()
for _, sequence in ipairs(redis.call('ZRANGEBYSCORE', WAITING, '-inf', now)) do
  redis.call('ZREM', WAITING, sequence)
  make_ready(sequence)
end
local taken, count = {}, 0
while count < limit do
  local oldest = redis.call('ZRANGE', READY, 0, limit - count - 1)
  if #oldest == 0 then break end
  for _, sequence in ipairs(oldest) do
    redis.call('ZREM', READY, sequence)
    local found = entry(sequence)
    -- An expired one will not be ready again: it is only left to be dropped.
    if found and tonumber(found.expires) > tonumber(now) then
      redis.call('XCLAIM', STREAM, GROUP, CONSUMER, 0, sequence .. '-0', 'FORCE', 'JUSTID')
      redis.call('ZREM', EXPIRY, sequence)
      taken[#taken + 1] = found.id
      taken[#taken + 1] = found.call
      taken[#taken + 1] = redis.call('HGET', ATTEMPTS, sequence) or '0'
      count = count + 1
    end
  end
end
return { taken, status() }
`;

/** Asked: id, attempts, notBefore. Nothing where another has it by now. */
const GIVE_BACK = `
local id, attempts, not_before = unpack(ASKED)
local sequence = redis.call('HGET', IDS, id)
if sequence and owner_of(sequence) == CONSUMER then
  release(sequence)
  redis.call('ZREM', READY, sequence)
  redis.call('ZADD', WAITING, not_before, sequence)
  if tonumber(attempts) > 0 then redis.call('HSET', ATTEMPTS, sequence, attempts) else redis.call('HDEL', ATTEMPTS, sequence) end
end
return { {}, status() }
`;

/**
 * Asked: id, field of the totals, when, the result of the replay or the error; for a dead one also most dead letters kept.
 * Result: 1 where it was held.
 */
const END = `
local id, total, at, detail, most = unpack(ASKED)
local sequence = redis.call('HGET', IDS, id)
local found = sequence and entry(sequence)
-- What another replica is trying again is not dead yet.
local owner = found and total == 'dead' and owner_of(sequence)
if not found or (owner and owner ~= CONSUMER) then return { { '0' }, status() } end
if total == 'dead' and tonumber(most) > 0 then
  local attempts = redis.call('HGET', ATTEMPTS, sequence) or '0'
  keep_latest(DEAD, 'dead_size', most, 'call', found.call, 'attempts', attempts, 'died', at, 'error', detail)
end
remove(sequence, found)
redis.call('HINCRBY', STATE, total, 1)
tell_of_end(found, total, at, detail)
return { { '1' }, status() }
`;

/** Asked: most, now. Result: ids of the dropped. */
const EXPIRE = `
release_abandoned()
local dropped = {}
for _, sequence in ipairs(redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', ASKED[2], 'LIMIT', 0, ASKED[1])) do
  local found = entry(sequence)
  if found then
    remove(sequence, found)
    redis.call('HINCRBY', STATE, 'dropped:expired', 1)
    tell_of_end(found, 'dropped:expired', ASKED[2], '')
    dropped[#dropped + 1] = found.id
  else
    redis.call('ZREM', EXPIRY, sequence)
  end
end
return { dropped, status() }
`;

/** Asked: ids of calls that this process took. They are heard of. */
const RENEW = `
for _, id in ipairs(ASKED) do
  local sequence = redis.call('HGET', IDS, id)
  if sequence and owner_of(sequence) == CONSUMER then
    redis.call('XCLAIM', STREAM, GROUP, CONSUMER, 0, sequence .. '-0', 'JUSTID')
  end
end
return { {}, status() }
`;

/** Asked: ids of calls whose callers were told that they are not held. They never were, unless one has been taken. */
const WITHDRAW = `
for _, id in ipairs(ASKED) do
  local sequence = redis.call('HGET', IDS, id)
  local found = sequence and entry(sequence)
  if found and not owner_of(sequence) then
    remove(sequence, found)
    redis.call('HINCRBY', STATE, 'received', -1)
  end
end
return { {}, status() }
`;

/** Asked: limit, the entry to begin with: `-`, or `(` and the one before it. Result: entry, call and attempts of each, one after the other. */
const PEEK = `
local held = {}
for _, one in ipairs(redis.call('XRANGE', STREAM, ASKED[2], '+', 'COUNT', ASKED[1])) do
  held[#held + 1] = one[1]
  held[#held + 1] = pack(one[2]).call
  held[#held + 1] = redis.call('HGET', ATTEMPTS, sequence_of(one[1])) or '0'
end
return { held, status() }
`;

/** Asked: limit. Result: call, attempts, when and error of each, newest first. */
const DEAD_LETTERS = `
local letters = {}
for _, one in ipairs(redis.call('XREVRANGE', DEAD, '+', '-', 'COUNT', ASKED[1])) do
  for field = 2, 8, 2 do letters[#letters + 1] = one[2][field] end
end
return { letters, status() }
`;

/** Result: how many there were. */
const PURGE_DEAD_LETTERS = `
local count = redis.call('XLEN', DEAD)
redis.call('DEL', DEAD)
redis.call('HDEL', STATE, 'dead_size')
return { { count }, status() }
`;

const STATUS = 'return { {}, status() }';

/** Asked: ids. Result: those that are not held. */
const GONE = `
local gone = {}
for _, id in ipairs(ASKED) do
  if redis.call('HEXISTS', IDS, id) == 0 then gone[#gone + 1] = id end
end
return { gone, status() }
`;

/**
 * Asked: limit, the entry to begin behind. Result: the entry looked at last, and id, field of the totals, when and detail of each
 * call of this process among them, one after the other.
 */
const ENDS_ELSEWHERE = `
local heard = { ASKED[2] }
for _, one in ipairs(redis.call('XRANGE', ENDS, '(' .. ASKED[2], '+', 'COUNT', ASKED[1])) do
  heard[1] = one[1]
  if one[2][4] == CONSUMER then
    heard[#heard + 1] = one[2][6]
    heard[#heard + 1] = one[2][8]
    heard[#heard + 1] = one[2][10]
    heard[#heard + 1] = one[2][2]
  end
end
return { heard, status() }
`;

/** What this process has taken is there for others at once. */
const CLOSE = `
release_all_of(CONSUMER)
redis.call('XGROUP', 'DELCONSUMER', STREAM, GROUP, CONSUMER)
return { {}, status() }
`;

/** A Redis that is full takes no call in, and everything that makes it emptier still works. */
const withRoom = (body: string) => `#!lua\n${PRELUDE}${body}`;
const evenWhenFull = (body: string) => `#!lua flags=allow-oom\n${PRELUDE}${body}`;

export const SCRIPTS = {
  open: evenWhenFull(OPEN),
  append: withRoom(APPEND),
  take: evenWhenFull(TAKE),
  giveBack: evenWhenFull(GIVE_BACK),
  end: evenWhenFull(END),
  expire: evenWhenFull(EXPIRE),
  renew: evenWhenFull(RENEW),
  withdraw: evenWhenFull(WITHDRAW),
  peek: evenWhenFull(PEEK),
  deadLetters: evenWhenFull(DEAD_LETTERS),
  purgeDeadLetters: evenWhenFull(PURGE_DEAD_LETTERS),
  status: evenWhenFull(STATUS),
  gone: evenWhenFull(GONE),
  endsElsewhere: evenWhenFull(ENDS_ELSEWHERE),
  close: evenWhenFull(CLOSE),
} as const;
