-- before, limit -> how many; those that went by themselves count, for they are forgotten here
local ids = redis.call('ZRANGEBYSCORE', guests, '-inf', '(' .. ARGV[4], 'LIMIT', 0, ARGV[5])
for _, id in ipairs(ids) do
    redis.call('DEL', key_of(id))
    redis.call('ZREM', guests, id)
end
return #ids
