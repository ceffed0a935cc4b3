#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# beside: yes
#
# Two projects that are no kernel, built by make and by kfarm run: every file
# is equal, and nodes did their share.  `make reach` does so for many.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/project.sh"

share=97

farm_begin
project_begin
if debian_source busybox; then
	run_of
	setup=(make allnoconfig)
	project_measure busybox $share
fi
if debian_source haproxy; then
	rm -rf "$ref"
	# Without optimization, for the sake of time.
	run_of TARGET=linux-glibc CPU_CFLAGS=-O0 DEBUG_CFLAGS=
	project_measure haproxy $share
fi
project_table
farm_end
