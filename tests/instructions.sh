#!/usr/bin/env bash
# Counts the instructions of a request with callgrind and compares them with those on record: what
# differs by more than 3 % fails. Times depend on the machine, counts on the compiler, so another compiler
# than the recorded one is not compared.
#
#   tests/instructions.sh PROGRAM            compares
#   BLESS=1 tests/instructions.sh PROGRAM    records

set -euo pipefail
readonly PROGRAM=$1
readonly RECORD=${BASH_SOURCE[0]%/*}/instructions.txt
readonly CASES=('bare untouched' 'memory untouched' 'memory read' 'memory write' 'memory create' 'memory rotate'
    'sealed read' 'sealed write' 'signed read' 'signed write')
readonly FEW=500 MANY=1500

# total CASE REQUESTS: the instructions of the whole program.
total() {
    # shellcheck disable=SC2086 # two words
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$PROGRAM" $1 "$2" 2>&1 |
        awk '/Collected/ { print $NF }'
}

# What starting the program costs is in both.
of_a_request() {
    echo $((($(total "$1" "$MANY") - $(total "$1" "$FEW")) / (MANY - FEW)))
}

compiler=$(rustc --version)
if [[ -n ${BLESS-} ]]; then
    echo "$compiler" >"$RECORD"
    for name in "${CASES[@]}"; do
        echo "$name $(of_a_request "$name")" | tee -a "$RECORD"
    done
    exit
fi
if [[ $(head -1 "$RECORD") != "$compiler" ]]; then
    echo "NOT COMPARED: recorded with $(head -1 "$RECORD"), and this is $compiler"
    exit
fi
failed=0
for name in "${CASES[@]}"; do
    recorded=$(awk -v name="$name" '$1 " " $2 == name { print $3 }' "$RECORD")
    now=$(of_a_request "$name")
    echo "$name: $now instructions, $recorded on record"
    if ((now * 100 > recorded * 103 || now * 100 < recorded * 97)); then
        echo "  more than 3 % apart. If it is meant, record it with: BLESS=1 tests/run instructions"
        failed=1
    fi
done
exit "$failed"
