#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# nodes/many.sh - 100 nodes over TLS, 20 of them dead, are there within 3 s, and
# a command waits for none of the dead.  The long form, with 500 idle ones, is
# tests/bench/many-nodes.
# shellcheck source=tests/farm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../farm/lib.sh"

farm_begin
check "100 nodes, 20 of them dead" env KFARM_BUILD="$bin" \
	"$root/tests/bench/many-nodes" --short
farm_end
