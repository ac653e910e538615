#!/usr/bin/env bash
# Counts the instructions and heap allocations of a request with callgrind, and compares them with the recorded counts.
# A difference of more than 3 % in instructions fails, and so does one more allocation. Times depend on the machine, and
# counts of instructions on the compiler: with another than the recorded one, 20 % are too many.
#
#   tests/instructions.sh PROGRAM            compares
#   tests/instructions.sh PROGRAM CASE...    counts these and compares nothing
#   BLESS=1 tests/instructions.sh PROGRAM    records
#
# SHA-256 is not counted: valgrind hides the processor's instructions for it, and the replacement code takes ten times
# as many.

set -euo pipefail
readonly PROGRAM=$1
readonly RECORD=${BASH_SOURCE[0]%/*}/instructions.txt
readonly CASES=('bare untouched' 'memory untouched' 'memory read' 'memory write' 'memory create' 'memory rotate'
    'sealed read' 'sealed write' 'signed read' 'signed write')
readonly FEW=500 MANY=1500
COUNTS=$(mktemp)
readonly COUNTS
trap 'rm -f "$COUNTS"' EXIT

# total CASE REQUESTS: prints the instructions and allocations of the whole program.
total() {
    # shellcheck disable=SC2086 # two words
    valgrind --quiet --tool=callgrind --callgrind-out-file="$COUNTS" --compress-strings=no --compress-pos=no \
        "$PROGRAM" $1 "$2" >/dev/null 2>&1
    # The line after `calls=` has the inclusive cost of the call, which the lines of the callee count already.
    awk '
        /^fn=/ { is_sha = /sha2.*compress/ }
        /^cfn=/ { allocates = /__rdl_(alloc|alloc_zeroed|realloc)$/ }
        /^calls=/ { if (allocates) allocations += substr($1, 7); is_call = 1; next }
        /^[0-9]/ { if (!is_call && !is_sha) instructions += $2; is_call = 0 }
        END { print instructions + 0, allocations + 0 }' "$COUNTS"
}

# Both counts include the start of the program, so their difference excludes it.
of_a_request() {
    local few many
    read -ra few <<<"$(total "$1" "$FEW")"
    read -ra many <<<"$(total "$1" "$MANY")"
    echo $(((many[0] - few[0]) / (MANY - FEW))) $(((many[1] - few[1]) / (MANY - FEW)))
}

for name in "${@:2}"; do
    echo "$name: $(of_a_request "$name") instructions and allocations"
done
if (($# > 1)); then exit; fi
compiler=$(rustc --version)
if [[ -n ${BLESS-} ]]; then
    echo "$compiler" >"$RECORD"
    for name in "${CASES[@]}"; do
        echo "$name $(of_a_request "$name")" | tee -a "$RECORD"
    done
    exit
fi
percent=3
if [[ $(head -1 "$RECORD") != "$compiler" ]]; then
    percent=20
    echo "recorded with $(head -1 "$RECORD"), and this is $compiler: within $percent %"
fi
failed=0
for name in "${CASES[@]}"; do
    recorded=$(awk -v name="$name" '$1 " " $2 == name { print $3, $4 }' "$RECORD")
    now=$(of_a_request "$name")
    echo "$name: $now instructions and allocations, $recorded on record"
    if ((${now% *} * 100 > ${recorded% *} * (100 + percent) || ${now% *} * 100 < ${recorded% *} * (100 - percent) || ${now#* } > ${recorded#* })); then
        echo "  too far apart. If it is meant, record it with: BLESS=1 tests/run instructions"
        failed=1
    fi
done
exit "$failed"
