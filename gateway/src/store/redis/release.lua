-- KEYS[1] the key; ARGV: when it was claimed. What has an answer, or was taken over, stays.
local known = redis.call('HMGET', KEYS[1], 'at', 'status')
if known[1] == ARGV[1] and not known[2] then
    redis.call('DEL', KEYS[1])
end
