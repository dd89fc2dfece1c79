-- id, order: the first note stays
local id = ARGV[4]
local known = redis.call('HMGET', key_of(id), 'version', 'order', 'user')
if not known[1] or known[2] then
    return
end
redis.call('HSET', key_of(id), 'order', ARGV[5], 'updated', now)
redis.call('HINCRBY', key_of(id), 'version', 1)
if known[3] and redis.call('GET', open_of(known[3])) == id then
    redis.call('DEL', open_of(known[3]))
end
touched(id, known[3])
-- What it was is in the order; here it is remembered as long as somebody may ask.
redis.call('PEXPIRE', key_of(id), keep)
