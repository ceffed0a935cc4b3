# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Nightly jobs: the files that kfarm installs for them.
cat >"$config" <<'EOF'
[tree "t"]
	url = /nowhere
[nightly "board"]
	tree = t
[nightly "a+b"]
	tree = t
	arch = arm64
	arch = x86_64
	kconfig = tinyconfig
EOF
cat >systemctl <<'EOF'
#!/bin/sh
echo "systemctl $*"
EOF
chmod +x systemctl
mkdir tools
mv systemctl tools/
ln -s systemctl tools/loginctl
PATH=$PATH:$work/tools
results=.local/share/kfarm/results/board
# result NAME END ERRORS DESCRIBE BEGAN
result()
{
	mkdir -p "$results/$1"
	printf '{ "name": "board", "arch": "x86", "config": "defconfig",
	"toolchain": "gcc-13.3.0", "build": "x86-defconfig",
	"command": "kfarm build", "describe": "%s", "subject": "one",
	"commit": "0123456789012345678901234567890123456789",
	"config_id": "c", "toolchain_id": "t", "options_id": "o",
	"errors": %d, "new_errors": 0, "warnings": 1, "new_warnings": 0,
	"bisect_builds": 0, "number": 1, "began": %d, "wall_ms": 61000,
	"status": 0, "history": 1, "decision": "commit", "end": "%s",
	"timed_out": false, "said": ["one line"], "bisect_left": [] }\n' \
		"$4" "$3" "$5" "$2" >"$results/$1/result.json"
}
result 2026-11-20T0200-g012345678901 good 0 v1 $((now - 172800))
result 2026-11-21T0200-g012345678901 failed 2 v1-3 $((now - 86400))
record nightly-list kfarm nightly list
record nightly-list-json kfarm nightly list --json
record nightly-list-one kfarm nightly list board
record nightly-list-near kfarm nightly list bord
record nightly-list-all kfarm nightly list board a+b
record nightly-run-dry kfarm nightly run -n
record nightly-run kfarm nightly run board
record nightly-install kfarm nightly install --user
record nightly-install-timer cat .config/systemd/user/kfarm-nightly.timer
record nightly-install-service cat .config/systemd/user/kfarm-nightly.service
record nightly-install-at kfarm nightly install --user --now --at 03:30 board
record nightly-install-at-timer \
	cat .config/systemd/user/kfarm-nightly-board.timer
record nightly-remove kfarm nightly install --user --remove board
record nightly-remove-again kfarm nightly install --user --remove board
record nightly-cron kfarm nightly install --cron --at 3:05 board a+b
printf '[nightly]\n\tmetrics = ~/kfarm.txt\n' >>"$config"
record nightly-metrics-path kfarm nightly list
