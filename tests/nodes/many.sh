#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# alone: yes
#
# nodes/many.sh - of 100 nodes over TLS, 20 are dead; the others are up within 3
# s, and a command does not wait for the dead ones.  tests/bench/many-nodes is
# the long form, with 500 idle nodes.
# shellcheck source=tests/farm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../farm/lib.sh"

farm_begin
check "100 nodes, 20 of them dead" env KFARM_BUILD="$bin" \
	"$root/tests/bench/many-nodes" --short
farm_end
