-- Requests for wrk. One thread, so that `done` reads the counts of the only Lua state.
-- The environment holds the scenario, the file of tokens, the seed and the count of parts.

local scenario = os.getenv("BENCH_SCENARIO")
local count = tonumber(os.getenv("BENCH_PARTS"))
local models = count / 8 -- parts.py: ROWS_PER_MODEL
local random = math.random
local format = string.format

local reading, writing = {}, {}
for token in io.lines(os.getenv("BENCH_TOKENS")) do
  reading[#reading + 1] = { ["Authorization"] = "Bearer " .. token }
  writing[#writing + 1] = {
    ["Authorization"] = "Bearer " .. token,
    ["Content-Type"] = "application/json",
  }
end

local function read(path)
  return wrk.format("GET", path, reading[random(#reading)])
end

local function write(method, path, body)
  return wrk.format(method, path, writing[random(#writing)], body)
end

local build = {}

function build.get()
  return read("/parts/" .. random(count))
end

function build.list()
  return read("/parts")
end

function build.filter()
  return read(format("/parts?modelNumber=mod-%04d", random(0, models - 1)))
end

function build.search()
  return read(format("/parts?q=lot-%04d", random(0, models - 1)))
end

function build.embedded()
  return read("/users")
end

function build.put()
  local body = format('{"name":"Renamed %06d"}', random(0, 999999))
  return write("PUT", "/parts/" .. random(count), body)
end

function build.post()
  local number = random(0, 999999)
  local body = format(
    '{"partNumber":"new-%06d","modelNumber":"mod-new","name":"Banana Bread %06d",' ..
    '"description":"Bread made from bananas, and posted by the load generator"}',
    number, number)
  return write("POST", "/parts", body)
end

local persons = 0

function build.timesheet() -- Each for another person: a day has an hour limit.
  persons = persons + 1
  local body = format(
    '{"user_type":"Employee","user_id":"w%07d","date":"2016-06-%02dT09:30:41.388+02:00",' ..
    '"project":"StoreZero","hours":7.25}', persons, random(30))
  return write("POST", "/timesheets", body)
end

function build.mix()
  local number = random(200)
  if number <= 160 then return build.get() end
  if number <= 190 then return build.list() end
  if number <= 195 then return build.put() end
  return build.post()
end

request = build[scenario]

-- Globals: `done` reads them through thread:get.
good = 0
bad = 0
bad_status = 0 -- the last one, for the error message

function init()
  math.randomseed(tonumber(os.getenv("BENCH_SEED")))
end

function response(status)
  if status >= 200 and status < 300 then
    good = good + 1
  else
    bad = bad + 1
    bad_status = status
  end
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local errors = summary.errors
  io.write(format(
    '\nBENCH {"requests":%d,"seconds":%.6f,"bytes":%d,"good":%d,"bad":%d,"bad_status":%d,' ..
    '"socket_errors":%d,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    threads[1]:get("good"), threads[1]:get("bad"), threads[1]:get("bad_status"),
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
