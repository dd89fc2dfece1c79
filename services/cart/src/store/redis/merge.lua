-- id, version, body, the other's id -> whether the first was replaced and the other is gone
local gone = ARGV[7]
if not replace(ARGV[4], ARGV[5], ARGV[6]) then
    return false
end
local known = redis.call('HMGET', key_of(gone), 'order', 'user')
if not known[1] then
    redis.call('DEL', key_of(gone))
    redis.call('ZREM', guests, gone)
    if known[2] and redis.call('GET', open_of(known[2])) == gone then
        redis.call('DEL', open_of(known[2]))
    end
end
return true
