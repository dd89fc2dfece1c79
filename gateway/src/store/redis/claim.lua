-- KEYS[1] the key; ARGV: what is asked, now, the moment before which a claim counts as abandoned, seconds to keep.
local known = redis.call('HMGET', KEYS[1], 'request', 'at', 'status', 'type', 'body')
if not known[1] then
    redis.call('HSET', KEYS[1], 'request', ARGV[1], 'at', ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[4])
    return { 'new', 0, '', '' }
end
if known[1] ~= ARGV[1] then
    return { 'reused', 0, '', '' }
end
if known[3] then
    return { 'done', tonumber(known[3]), known[4], known[5] }
end
if tonumber(known[2]) >= tonumber(ARGV[3]) then
    return { 'running', 0, '', '' }
end
redis.call('HSET', KEYS[1], 'at', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return { 'new', 0, '', '' }
