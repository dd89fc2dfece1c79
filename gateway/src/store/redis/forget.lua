-- ARGV: the pattern of our keys, how many to look at, the moment before which a claim is old. How many went.
local found = redis.call('SCAN', 0, 'MATCH', ARGV[1], 'COUNT', ARGV[2], 'TYPE', 'hash')
local forgotten = 0
for _, key in ipairs(found[2]) do
    local at = redis.call('HGET', key, 'at')
    if at and tonumber(at) < tonumber(ARGV[3]) then
        forgotten = forgotten + redis.call('DEL', key)
    end
end
return forgotten
