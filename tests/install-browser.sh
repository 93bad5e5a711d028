#!/bin/sh
# A Chromium for the browser tests: the one that is there, else Debian's package when root, else Playwright's own.
set -eu
bin="$1"
if command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && apt-get install -y -qq chromium >/dev/null && exit 0
fi
"$bin/playwright" install chromium
