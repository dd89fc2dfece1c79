-- KEYS: one for each counter. ARGV: 'take' or 'report'; then for each counter what one request adds and how much fits (microseconds),
-- and how many requests. A key holds when its counter is empty, by the clock of this server, and goes when it is. For each counter:
-- whether the requests fitted, and how full it is. With 'report' they were let through already, and count as far as they fit.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local answers = {}
for place, key in ipairs(KEYS) do
    local step = tonumber(ARGV[place * 3 - 1])
    local full = tonumber(ARGV[place * 3])
    local requests = tonumber(ARGV[place * 3 + 1])
    local before = math.max(tonumber(redis.call('GET', key) or now) - now, 0)
    local fill = before + step * requests
    local fits = fill <= full
    if not fits then
        fill = ARGV[1] == 'take' and before or full
    end
    if fits or fill ~= before then
        redis.call('SET', key, string.format('%.0f', now + fill), 'PX', math.ceil(fill / 1000))
    end
    answers[#answers + 1] = fits and 1 or 0
    answers[#answers + 1] = fill
end
return answers
