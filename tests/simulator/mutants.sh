#!/usr/bin/env bash
# Every planted bug must be caught, and the same worlds without a bug must be sound.
#
#   mutants.sh PROGRAM                       the test: first seed 1
#   mutants.sh PROGRAM 1 10001 50001 NAME..  table of the seeds needed from each of these first seeds
#
# PROGRAM is `tally` or simulator_run. 400 seeds and 300 seconds are what a bug may need, 2 processes.
# Exit codes: 0 all caught, 1 not, 64 usage.
set -euo pipefail

[ $# -ge 1 ] && [ -x "$1" ] || { sed -n '2,9p' "$0" >&2; exit 64; }
program=$1
shift
starts=()
names=()
for word in "$@"; do
    if [[ "$word" =~ ^[0-9]+$ ]]; then starts+=("$word"); else names+=("$word"); fi
done
[ ${#starts[@]} -gt 0 ] || starts=(1)

names_min=20
seeds=400
seconds=300
failures=0
fail() { echo "FAIL: $1"; failures=$((failures + 1)); }

# Runs a command and fails unless it ends with the given code.
expect() {
    local wanted=$1 code=0
    shift
    "$@" > /dev/null 2>&1 || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit code $code instead of $wanted: $*"
}

mapfile -t known < <("$program" simulate --list-mutants)
if [ ${#names[@]} -eq 0 ]; then
    names=("${known[@]}")
    # The list is names and nothing else, no name twice.
    odd=$(printf '%s\n' "${known[@]}" | grep -cvE '^[a-z0-9-]+$' || true)
    different=$(printf '%s\n' "${known[@]}" | sort -u | wc -l)
    [ "${#known[@]}" -ge "$names_min" ] || fail "${#known[@]} mutants, fewer than $names_min"
    [ "$odd" -eq 0 ] || fail "--list-mutants prints something else than names"
    [ "$different" -eq ${#known[@]} ] || fail "a mutant is listed twice"
    # What is used wrongly is neither caught nor escaped.
    expect 2 "$program" simulate --mutant no-such-bug --seeds 1..2
    expect 2 "$program" simulate --mutant "${known[0]}"
    # The harness can say no, and the worlds are sound when nothing is planted.
    for canary in double-vote lying-disk rewritten-final; do
        expect 1 "$program" simulate --canary "$canary" --seeds 1..20 --jobs 2
    done
    expect 0 "$program" simulate --mutant none --seeds 1..200 --jobs 2
fi

begin=$(date +%s)
for name in "${names[@]}"; do
    line=$(printf '%-36s' "$name")
    reason=""
    for first in "${starts[@]}"; do
        code=0
        output=$(timeout "$seconds" "$program" simulate --mutant "$name" --jobs 2 \
            --seeds "$first..$((first + seeds - 1))" 2>&1) || code=$?
        if [ "$code" -eq 1 ]; then
            line+=$(sed -n 's/.* after \([0-9]*\) seeds, \([0-9.]*\) s$/\1/p' <<< "$output" |
                head -n 1 | xargs printf ' %5s')
            reason=$(sed -n 's/^violation: //p' <<< "$output" | head -n 1)
        else
            line+='     -'
            fail "$name from seed $first: exit code $code, $(tail -n 1 <<< "$output")"
        fi
    done
    echo "$line   ${reason:0:90}"
done
echo "${#names[@]} mutants, first seeds ${starts[*]}, $(($(date +%s) - begin)) s, $failures failures"
[ "$failures" -eq 0 ]
