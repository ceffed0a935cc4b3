# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# The history and the reports of nine recorded builds.
record history-none kfarm history
record history-none-json kfarm history --json
mkdir -p "$XDG_STATE_HOME/kfarm"
python3 - "$corpus/data/history.sql" "$XDG_STATE_HOME/kfarm/history.db" <<'EOF'
import sqlite3
import sys
sqlite3.connect(sys.argv[2]).executescript(open(sys.argv[1]).read())
EOF

record history-all kfarm history --all
record history-all-json kfarm history --all --json
record history-default kfarm history
record history-last kfarm history -n 2
record history-last-json kfarm history -n 2 --json
for state in good failed stopped killed running; do
	record "history-$state" kfarm history --state $state
done
record history-failed-json kfarm history --state failed --json
record history-since-hours kfarm history --since 12h
record history-since-days kfarm history --since 3d --json
record history-since-date kfarm history --since 2026-11-20
record history-since-time kfarm history --since '2026-11-22 01:00'
record history-arch kfarm history -a x86_64
record history-tree kfarm history --tree stable -n 3
record history-tree-unknown kfarm history --tree nowhere
record history-time-zone env TZ=Asia/Kolkata kfarm history -n 3
record history-wide env COLUMNS=132 kfarm history
record history-utf-8 env LC_ALL=C kfarm history -n 1

for number in 1 2 3 4 5 6 7 8 9; do
	record "history-report-$number" kfarm report $number
done
record history-report-last kfarm report
record history-report-unknown kfarm report 42
record history-report-all kfarm report --all 7
record history-report-all-json kfarm report --all --json 7
for number in 4 6 7 8; do
	record "history-report-$number-json" kfarm report --json $number
	record "history-report-$number-html" kfarm report --html $number
	record "history-report-$number-trace" kfarm report --trace $number
done
record history-report-html-file kfarm report --html=page.html 7
record history-report-html-page cat page.html
record history-report-trace-file kfarm report --trace=trace.json 7
record history-report-trace-events cat trace.json

record history-complete-report kfarm complete fish report ''
printf 'PRAGMA user_version = 99;\n' >newer.sql
python3 - newer.sql "$XDG_STATE_HOME/kfarm/history.db" <<'EOF'
import sqlite3
import sys
sqlite3.connect(sys.argv[2]).executescript(open(sys.argv[1]).read())
EOF
record history-newer kfarm history
head -c 9000 /dev/zero >"$XDG_STATE_HOME/kfarm/history.db"
rm -f "$XDG_STATE_HOME"/kfarm/history.db-*
record history-damaged kfarm history
