#!/usr/bin/env bash
# A cluster on this machine: a coordinator with a worker in one process, two more workers, and a stream from examples/.
# usage: deploy/run.sh path/to/airtruct. Ctrl-C ends it all. RUN_DIR says where state, logs and output go (data/run);
# HTTP_PORT and GRPC_PORT move the coordinator, 0 to any port that is free.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${1:?the path of the airtruct binary}")
dir=${RUN_DIR:-data/run}
mkdir -p "$dir/out" "$dir/logs"
export OUT=$dir/out

pids=()
stop() {
  trap - EXIT INT TERM
  # The workers first, so that they can say goodbye; then the coordinator.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[i]}" 2> /dev/null || true
    wait "${pids[i]}" 2> /dev/null || true
  done
  echo "stopped; the output is in $dir/out"
}
trap stop EXIT
trap 'exit 0' INT TERM

# start NAME FLAGS...: starts a process in the background, with a log of its own. It gets no Ctrl-C of its own: `stop` ends it.
start() {
  local name=$1
  shift
  setsid "$bin" "$@" > "$dir/logs/$name.out" 2> "$dir/logs/$name.log" &
  pids+=($!)
}
# A field of the line that a process prints when it listens: field NAME KEY.
field() {
  for _ in $(seq 200); do
    local found
    found=$(grep -s "^listening role=${3:-}" "$dir/logs/$1.out" | grep -o "$2=[^ ]*" | head -n 1 | cut -d= -f2) || true
    [ -n "$found" ] && { echo "$found"; return; }
    sleep 0.05
  done
  echo "$1 did not start; its log says:" >&2
  cat "$dir/logs/$1.log" >&2
  return 1
}

start standalone -role standalone -database.uri "$dir/airtruct.db"
grpc=$(field standalone grpc coordinator)
http=$(field standalone http coordinator)
# The two others take ports beside it.
[ "${GRPC_PORT:-}" = 0 ] || unset GRPC_PORT
[ "${HTTP_PORT:-}" = 0 ] || unset HTTP_PORT
start worker-2 -role worker -discovery-uri "$grpc"
start worker-3 -role worker -discovery-uri "$grpc"
field worker-2 grpc worker > /dev/null
field worker-3 grpc worker > /dev/null

export AIRTRUCT_COORDINATOR=http://$http
for _ in $(seq 100); do
  [ "$("$bin" workers list -o json 2> /dev/null | grep -c '"state": "active"')" -eq 3 ] && break
  sleep 0.1
done
"$bin" streams apply examples/orders.yaml examples/webhook.yaml --wait=30s
echo
"$bin" workers list
echo
"$bin" streams list
cat << TEXT

The cluster runs. Orders are being written:      tail -f $dir/out/orders.jsonl
Send one yourself:                               curl -d '{"user":"ada","cents":2599}' http://$http/ingest/webhook/payments
Look at it:                                      $1 status
                                                 $1 events --follow
Move a worker's streams away:                    $1 workers drain ID
Or kill a worker, and see who goes on:           $1 streams list
Logs:                                            $dir/logs/
The API:                                         http://$http/api/v1/openapi.json

Ctrl-C ends it all.
TEXT
[ "$http" = 127.0.0.1:8080 ] || echo "The commands need to know where: export AIRTRUCT_COORDINATOR=http://$http"

# Until Ctrl-C, or until the coordinator ends by itself. A worker may go: its streams go on elsewhere.
wait "${pids[0]}" || true
echo "the coordinator ended; see $dir/logs" >&2
exit 1
