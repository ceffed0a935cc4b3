# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# $KFARM: options of other commands are ignored, arguments are rejected.
only
export KFARM
KFARM=--json run kfarm nodes list
KFARM="-j 3 -v --ui 'plain' LLVM=1" run kfarm nodes list
KFARM='-a arm64 -k tinyconfig -t gcc-12 --json file' run kfarm nodes list
KFARM='--json file' run kfarm nodes resume none
KFARM='-a arm64 --json' run kfarm toolchain list
KFARM='-n 5' run kfarm clean
KFARM='list' run kfarm nodes list
KFARM='--nosuch' run kfarm nodes list
KFARM='--help' run kfarm nodes list
KFARM='"--json' run kfarm nodes list
KFARM='--slots' run kfarm nodes list
KFARM='  ' run kfarm nodes list --json
