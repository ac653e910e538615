-- Each request is another visitor's. `wrk --script visitors.lua URL -- FILE`: a cookie in each line.

local requests, turn = {}, 0

function init(arguments)
    for line in io.lines(arguments[1]) do
        if not line:find("^http:") then
            requests[#requests + 1] = wrk.format("GET", nil, { ["Cookie"] = line })
        end
    end
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end

function done(summary, latency)
    local within = function(part)
        return string.format("%.2f", latency:percentile(part) / 1000)
    end
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local rate = summary.requests / summary.duration * 1000000
    print(string.format("result: %.0f %s %s %s %d", rate, within(50), within(99), within(99.9), failed))
end
