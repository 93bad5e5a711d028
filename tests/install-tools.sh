#!/bin/sh
# What the tests need besides Python packages: a Chromium and a PostgreSQL server.
# What is there is used; else Debian's packages when root, else Playwright's own Chromium.
# Without a PostgreSQL server its half of the ledger's tests skips itself and says so.
set -eu
bin="$1"
missing=""
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing="chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 $missing >/dev/null
elif [ "${missing#chromium}" != "$missing" ]; then
    "$bin/playwright" install chromium
fi
