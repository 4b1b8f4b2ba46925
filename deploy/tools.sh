#!/usr/bin/env bash
# Makes sure that what the tests start is there: PostgreSQL's server programs, PgBouncer, Python 3, and `ip` for hosts of their own.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || missing+=(postgresql)
[ -x /usr/sbin/pgbouncer ] || command -v pgbouncer > /dev/null || missing+=(pgbouncer)
command -v python3 > /dev/null || missing+=(python3)
command -v ip > /dev/null || [ -x /usr/sbin/ip ] || missing+=(iproute2)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "the tests need ${missing[*]}: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# No cluster of the system's own: the tests start a server of theirs.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
apt-get install -qq -y --no-install-recommends "${missing[@]}" > /dev/null
