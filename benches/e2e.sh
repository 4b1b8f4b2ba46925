#!/usr/bin/env bash
# Whole streams, timed: benches/e2e.sh BINARY. With PEER_BIN set to a program that takes the same YAML by `-c FILE`, both run in turn.
# AIRTRUCT_BENCH is the folder with the streams and their inputs' generator, SCALE the size of the inputs, RUNS how often each runs.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "$1")
bench=${AIRTRUCT_BENCH:-../shared/bench}
data=target/bench-data
if [ ! -f "$bench/compare.py" ]; then
  echo "no streams to measure in $bench: set AIRTRUCT_BENCH" >&2
  exit 1
fi
mkdir -p "$data"
python3 "$bench/gen.py" "$data" "${SCALE:-0.2}"
peer=()
[ -z "${PEER_BIN:-}" ] || peer=(--b "$PEER_BIN -c {config}")
python3 "$bench/compare.py" --data "$data" --runs "${RUNS:-5}" --a "$binary run {config}" "${peer[@]}" "$bench"/streams/*.yaml
