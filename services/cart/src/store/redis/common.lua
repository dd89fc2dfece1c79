-- Begins every script. Names of keys follow from what is stored, so they cannot all be given beforehand: the carts live on one
-- node, not in a Redis Cluster. What a script does is done all at once; a write that Redis may refuse for want of memory comes first.
local prefix, now, keep = ARGV[1], ARGV[2], ARGV[3]
local guests = prefix .. 'guests'

local function key_of(id)
    return prefix .. id
end

local function open_of(user)
    return prefix .. 'open:' .. user
end

-- A guest's cart goes by itself when nobody touches it; the index of guests is for the sweep.
local function touched(id, user)
    if not user then
        redis.call('ZADD', guests, now, id)
        redis.call('PEXPIRE', key_of(id), keep)
    end
end

-- Whether the cart was open and of this version.
local function replace(id, version, body)
    local known = redis.call('HMGET', key_of(id), 'version', 'order', 'user')
    if known[1] ~= version or known[2] then
        return false
    end
    redis.call('HSET', key_of(id), 'body', body, 'updated', now)
    redis.call('HINCRBY', key_of(id), 'version', 1)
    touched(id, known[3])
    return true
end
