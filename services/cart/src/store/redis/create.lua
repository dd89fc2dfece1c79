-- id, user or '', hash of the token or '', body, version, created -> the cart as it is stored
local id, user, token = ARGV[4], ARGV[5], ARGV[6]
if user ~= '' then
    local open = redis.call('GET', open_of(user))
    if open and redis.call('EXISTS', key_of(open)) == 1 then
        return redis.call('HGETALL', key_of(open))
    end
end
local owner, whose = 'user', user
if user == '' then
    owner, whose = 'token', token
end
redis.call('HSET', key_of(id), 'id', id, owner, whose, 'body', ARGV[7], 'version', ARGV[8], 'created', ARGV[9], 'updated', now)
if user ~= '' then
    redis.call('SET', open_of(user), id)
end
touched(id, user ~= '')
return redis.call('HGETALL', key_of(id))
