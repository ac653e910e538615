#!/usr/bin/env bash
# Starts the examples and requests them as a browser with a cookie jar would.
# Usage: tests/examples.sh TARGET/debug (tests/run examples builds the programs first)

set -euo pipefail

readonly PROGRAMS=$1/examples SERVE=$1/serve
WORK=$(mktemp -d)
readonly WORK
PIDS=()

stop() {
    local pid
    for pid in "${PIDS[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    rm -rf "$WORK"
}
trap stop EXIT

counter() {
    local port site
    port=$(free_port)
    site="http://127.0.0.1:$port/"
    start counter "127.0.0.1:$port"
    wait_for counter curl --silent --output /dev/null "$site"

    is 'first visit' "$(request ada "$site")" 'Your visits: 1'
    is 'second visit' "$(request ada "$site")" 'Your visits: 2'
    is 'another browser' "$(request bob "$site")" 'Your visits: 1'
    has 'a response explains itself' "$(curl --silent --include "$site" | grep -i explain)" 'created: 1 field; cookie set'
}

# Requests the production example as a proxy does. Its cookie is for `https` only.
production() {
    echo '-- the program for production'
    local said port cookie
    said=$("$PROGRAMS/production" 2>&1) && fail 'it starts without settings'
    has 'a setting is missing' "$said" 'SESSION_FILE'
    port=$(free_port)
    export SESSION_FILE="$WORK/production.db" LISTEN="127.0.0.1:$port" ORIGIN=https://shop.example
    said=$("$PROGRAMS/production" 2>&1) && fail 'it starts without keys'
    has 'keys are missing' "$said" 'SESSION_KEYS'
    export SESSION_KEYS
    SESSION_KEYS=$(openssl rand -base64 32)
    start production
    wait_for production curl --silent --output /dev/null "http://$LISTEN/health"
    cookie=$(curl --silent --include "http://$LISTEN/" | sed -n 's/^set-cookie: \([^;]*\);.*; Secure.*/\1/p')
    has 'the cookie is that of production' "$cookie" '__Host-Http-id='
    is 'the next page' "$(visit)" 'page 2 of your visit'
    is 'a form of the site' "$(visit --data x= --header "Origin: $ORIGIN")" 'page 3 of your visit'
    is 'a form of another site' "$(visit --data x= --header 'Origin: https://evil.example' --output /dev/null --write-out '%{http_code}')" 403
    kill -TERM "${PIDS[-1]}"
    wait "${PIDS[-1]}" || fail "it does not stop well: $(cat "$WORK/production.err")"
    [[ ! -e $SESSION_FILE-wal ]] || fail 'the file has a log'
    passed 'it stops when it is asked to, and leaves a file without a log'
    start production
    wait_for production curl --silent --output /dev/null "http://$LISTEN/health"
    is 'a restart keeps the session' "$(visit)" 'page 4 of your visit'
    close_shop
    unset SESSION_FILE LISTEN ORIGIN SESSION_KEYS
}
visit() { curl --silent --max-time 10 --cookie "$cookie" "$@" "http://$LISTEN/"; }

# The counter on the example store for NATS. Its sessions outlive the process.
nats() {
    echo '-- the counter, sessions in: nats'
    local port site said
    port=$(free_port)
    site="http://127.0.0.1:$port/"
    said=$(cd "$WORK" && "$PROGRAMS/nats" --port "$port" --server "nats://127.0.0.1:$port" 2>&1) && fail 'it starts without a server'
    has 'a server is missing' "$said" "Error: no NATS server at nats://127.0.0.1:$port"
    serve nats
    for visit in 1 2; do
        cd "$WORK" # where it keeps its keys
        start nats --port "$port" --server "$url"
        cd - >/dev/null
        wait_for nats curl --silent --output /dev/null "$site"
        is "visit $visit, with a restart between" "$(request ada "$site")" "Your visits: $visit"
        close_shop
    done
    stop_serving
}

# Starts a server as the tests do, and sets `url`. The server runs until its input closes.
serve() {
    coproc SERVER { "$SERVE" "$1"; }
    read -r url <&"${SERVER[0]}"
}
stop_serving() {
    exec {SERVER[1]}>&-
    wait "$SERVER_PID" 2>/dev/null || true
}

# shop STORE: visits the shop, with its sessions in this store.
shop() {
    echo "-- the shop, sessions in: ${1%%=*}"
    rm -f "$WORK"/*.jar
    local site
    open_shop "$1"

    has 'the catalogue opens' "$(request ada "$site/")" 'Ringed planet'
    leads_to 'an article is added' "$(post ada "$site/cart/add" article=2)" "$site/"
    has 'a notice is shown' "$(request ada "$site/")" 'Ringed planet is in your cart.'
    lacks 'a notice is shown once' "$(request ada "$site/")" 'Ringed planet is in your cart.'
    leads_to 'one more' "$(post ada "$site/cart/change" article=2 step=more)" "$site/cart"
    leads_to 'a wrong code' "$(post ada "$site/cart/coupon" code=moon)" "$site/cart"
    has 'a wrong code is said' "$(request ada "$site/cart")" '“MOON” is not a coupon'
    leads_to 'a coupon is redeemed' "$(post ada "$site/cart/coupon" code=star10)" "$site/cart"
    has 'the cart has two' "$(request ada "$site/cart")" '<output>2</output>'
    has 'the discount is shown' "$(request ada "$site/cart")" 'Coupon STAR10'

    leads_to 'guests have no account' "$(locate ada "$site/account")" "$site/login"
    keep ada before
    leads_to 'signing in' "$(post ada "$site/login" name=Ada password=star)" "$site/account"
    differ 'signing in changes the id' "$(cookie ada)" "$(cookie before)"
    leads_to 'the former id is a guest' "$(locate before "$site/account")" "$site/login"
    has 'the cart is kept' "$(request ada "$site/cart")" '<output>2</output>'

    leads_to 'an order wants a confirmation' "$(locate ada "$site/order")" "$site/confirm"
    leads_to 'confirming' "$(post ada "$site/confirm" password=star)" "$site/order"
    has 'the order is shown' "$(request ada "$site/order")" 'Place order'
    is 'another site cannot order' "$(ORIGIN=http://evil.example post ada "$site/order")" '403 '
    leads_to 'ordering' "$(post ada "$site/order")" "$site/account"
    has 'the order is thanked for' "$(request ada "$site/account")" 'Thank you!'

    reopen "$1"
    if [[ $1 == memory ]]; then
        leads_to 'a restart forgets' "$(locate ada "$site/account")" "$site/login"
        close_shop
        return
    fi
    has 'a restart keeps the sign-in' "$(request ada "$site/account")" 'Hello, Ada'
    leads_to 'an article is added to what a restart keeps' "$(post ada "$site/cart/add" article=3)" "$site/"
    reopen "$1"
    has 'a restart keeps the cart' "$(request ada "$site/cart")" '<output>1</output>'

    if [[ $1 != cookie ]]; then
        post bob "$site/login" name=Ada password=star >/dev/null
        has 'both browsers are listed' "$(request ada "$site/devices")" 'action="/devices/end"'
        leads_to 'the other one is ended' "$(post ada "$site/devices/end-others")" "$site/devices"
        leads_to 'it is a guest now' "$(locate bob "$site/account")" "$site/login"
        lacks 'it is not listed' "$(request ada "$site/devices")" 'action="/devices/end"'
        has 'browsers have names' "$(request ada "$site/devices")" 'curl</strong> <em class="badge">This device'
    fi

    keep ada stolen
    has 'a copy of the cookie works' "$(request stolen "$site/account")" 'Hello, Ada'
    leads_to 'signing out' "$(post ada "$site/logout")" "$site/"
    leads_to 'a copy of the cookie is worthless' "$(locate stolen "$site/account")" "$site/login"
    close_shop
}

open_shop() {
    start shop --port "${2-0}" --data "$WORK/data" --store "$1"
    wait_for shop grep -q 'http://' "$WORK/shop.out"
    site=$(grep -o 'http://[0-9.:]*' "$WORK/shop.out")
}
close_shop() {
    kill "${PIDS[-1]}"
    wait "${PIDS[-1]}" 2>/dev/null || true
}
reopen() {
    close_shop
    open_shop "$1" "${site##*:}"
}

# start PROGRAM ARGUMENT..: starts a program in the background, with its output in WORK.
start() {
    local program=$1
    shift
    # Empties the file, so that waiting for the output does not read that of an earlier run.
    : >"$WORK/$program.out"
    "$PROGRAMS/$program" "$@" >>"$WORK/$program.out" 2>"$WORK/$program.err" &
    PIDS+=($!)
}

# wait_for PROGRAM COMMAND..: waits until the command succeeds, for ten seconds at most.
wait_for() {
    local program=$1 tries
    shift
    for ((tries = 0; tries < 100; tries++)); do
        "$@" && return
        kill -0 "${PIDS[-1]}" 2>/dev/null || fail "$program has ended: $(cat "$WORK/$program.err")"
        sleep 0.1
    done
    fail "$program does not answer: $(cat "$WORK/$program.err")"
}

# request BROWSER URL, post BROWSER URL FIELD..: send requests with the cookies of a browser.
request() { browse "$1" "$2" --fail; }
locate() { browse "$1" "$2" --output /dev/null --write-out '%{http_code} %{redirect_url}'; }
post() {
    local browser=$1 url=$2 fields=() field
    shift 2
    for field in "$@"; do
        fields+=(--data-urlencode "$field")
    done
    browse "$browser" "$url" --request POST --header "Origin: ${ORIGIN-$site}" "${fields[@]}" --output /dev/null --write-out '%{http_code} %{redirect_url}'
}
browse() {
    local jar="$WORK/$1.jar" url=$2
    shift 2
    curl --silent --show-error --max-time 10 --cookie "$jar" --cookie-jar "$jar" "$@" "$url"
}
cookie() { awk '$6 == "starsessions-dev" { print $7 }' "$WORK/$1.jar"; }
keep() { cp "$WORK/$1.jar" "$WORK/$2.jar"; }

is() { [[ $2 == "$3" ]] || fail "$1: expected \`$3\`, got \`$2\`"; passed "$1"; }
has() { [[ $2 == *"$3"* ]] || fail "$1: \`$3\` is not in the page"; passed "$1"; }
lacks() { [[ $2 != *"$3"* ]] || fail "$1: \`$3\` is in the page"; passed "$1"; }
differ() { [[ -n $2 && -n $3 && $2 != "$3" ]] || fail "$1: \`$2\` and \`$3\`"; passed "$1"; }
leads_to() { is "$1" "$2" "303 $3"; }

free_port() {
    local port
    for ((;;)); do
        port=$((20000 + RANDOM))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

passed() { echo "ok: $1"; }
fail() {
    echo "error: $*" >&2
    exit 1
}

# Checks the help and the error messages of the command lines.
command_lines() {
    local program port said
    port=$(free_port)
    start counter "127.0.0.1:$port"
    wait_for counter curl --silent --output /dev/null "http://127.0.0.1:$port/"
    for program in shop socket nats; do
        has "$program has a help" "$("$PROGRAMS/$program" --help)" '--port <PORT>'
    done
    for program in "shop --data $WORK/busy" socket; do
        # shellcheck disable=SC2086
        said=$("$PROGRAMS"/$program --port "$port" 2>&1) && fail "$program takes the port of another"
        is "${program%% *} on a busy port" "$said" "Error: port $port is in use by another program; choose another one with \`--port\`, or \`--port 0\`"
    done
    said=$("$PROGRAMS/counter" "127.0.0.1:$port" 2>&1) && fail 'the counter takes the port of another'
    has 'the counter on a busy port' "$said" "cannot listen at 127.0.0.1:$port"
    said=$("$PROGRAMS/shop" --store papyrus 2>&1) && fail 'the shop keeps sessions on papyrus'
    has 'an unknown store' "$said" 'there is no such store'
    close_shop
}

command_lines
counter
production
for store in memory cookie sqlite; do
    shop "$store"
done
for server in postgres mysql redis; do
    serve "$server"
    shop "$server=$url"
    stop_serving
done
nats
