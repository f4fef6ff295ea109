-- Sliced sliding windows, several counters in one call, all or nothing.
--
-- KEYS    one hash per counter: slice number -> count
-- ARGV    action ("check" | "peek" | "record" | "refund"), now in milliseconds,
--         then for each counter: length of a slice in milliseconds, limit, how many events
-- returns for each counter two integers: events in the window before the action, and
--         milliseconds until there is room for as many again (after the action)

local TRACKED = 11
local action = ARGV[1]
local now = tonumber(ARGV[2])
local counters = {}
local allowed = true

for i, key in ipairs(KEYS) do
  local slice_length = tonumber(ARGV[3 * i])
  local counter = {
    key = key,
    slice_length = slice_length,
    limit = tonumber(ARGV[3 * i + 1]),
    amount = tonumber(ARGV[3 * i + 2]),
    asked = math.floor(now / slice_length),
    slices = {},
    expired = {},
    total = 0,
  }
  -- A process whose clock is behind counts in the newest slice that another one has opened.
  counter.newest = counter.asked
  local stored = redis.call('HGETALL', key)
  for j = 1, #stored, 2 do
    local slice = tonumber(stored[j])
    counter.slices[slice] = tonumber(stored[j + 1])
    if slice > counter.newest then counter.newest = slice end
  end
  for slice, count in pairs(counter.slices) do
    if slice <= counter.newest - TRACKED then
      counter.slices[slice] = nil
      table.insert(counter.expired, slice)
    else
      counter.total = counter.total + count
    end
  end
  if counter.total + counter.amount > counter.limit then allowed = false end
  counters[i] = counter
end

local function count(counter)
  if #counter.expired > 0 then redis.call('HDEL', counter.key, unpack(counter.expired)) end
  redis.call('HINCRBY', counter.key, counter.newest, counter.amount)
  redis.call('PEXPIRE', counter.key, counter.slice_length * (TRACKED + 1))
  counter.slices[counter.newest] = (counter.slices[counter.newest] or 0) + counter.amount
end

local function refund(counter)
  local back = math.min(counter.amount, counter.slices[counter.asked] or 0)
  if back > 0 then
    redis.call('HINCRBY', counter.key, counter.asked, -back)
    counter.slices[counter.asked] = counter.slices[counter.asked] - back
  end
end

local function retry_after(counter)
  local left = 0
  for _, events in pairs(counter.slices) do left = left + events end
  local due = 0
  for slice = counter.newest - TRACKED + 1, counter.newest do
    if left + counter.amount <= counter.limit then break end
    left = left - (counter.slices[slice] or 0)
    due = (slice + TRACKED) * counter.slice_length
  end
  return math.max(0, due - now)
end

local answer = {}
for i, counter in ipairs(counters) do
  if action == 'record' or (action == 'check' and allowed) then
    count(counter)
  elseif action == 'refund' then
    refund(counter)
  end
  answer[2 * i - 1] = counter.total
  answer[2 * i] = retry_after(counter)
end
return answer
