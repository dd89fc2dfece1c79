-- KEYS[1] the key; ARGV: when it was claimed, status, content type, body. A claim that was taken over keeps the other's answer.
local known = redis.call('HMGET', KEYS[1], 'at', 'status')
if known[1] == ARGV[1] and not known[2] then
    redis.call('HSET', KEYS[1], 'status', ARGV[2], 'type', ARGV[3], 'body', ARGV[4])
end
