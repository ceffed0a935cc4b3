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
# The commands differ in whether these options have a value.
for options in '-n 5' --json --wait --wait=30 --simulate --simulate=farm \
	'--simulate farm' '--remove team' '-n 5 --wait' '--json -'; do
	KFARM=$options run kfarm tree list
	KFARM=$options run kfarm clean
	KFARM=$options run kfarm nodes list
done
KFARM='--wait M=nosuch KDIR=/none' run kfarm build
KFARM='list' run kfarm nodes list
KFARM='--nosuch' run kfarm nodes list
KFARM='--help' run kfarm nodes list
KFARM='"--json' run kfarm nodes list
KFARM='--slots' run kfarm nodes list
KFARM='-v -j x' run kfarm build -q
KFARM='-j 3' run kfarm build -j y
KFARM='-C /none --ui line' run kfarm build -q -c blue
# The command line excludes these options.
KFARM='--no-remote --tree t --rev v1' run kfarm build --require-remote 50 -C /none
KFARM='--require-remote=50 -C /none' run kfarm build --no-remote --tree nosuch
KFARM='-v --all' run kfarm nightly run -q
KFARM=-q run kfarm nightly run --dry-run
KFARM=--all run kfarm history -n 2
KFARM='-n 2' run kfarm history --all
KFARM='  ' run kfarm nodes list --json
