#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# beside: yes
#
# The scanner against the compiler: lib/, kernel/ and arch/ of a small
# configuration of Linux for arm64, with the objects left out (bench/record-cc.c).
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/record.sh
. "$root/tests/bench/record.sh"

farm_begin
tree=$(kernel_tree) || exit 1
record_tools "$work/tools" || exit 1
recorded()
{
	record_make "$work/tools" aarch64-linux-gnu-gcc -C "$tree" \
		O="$build" "${vars[@]}" "$@" >>"$work/make.log" 2>&1
}
recorded -j "$cores" tinyconfig prepare || {
	tail -n 20 "$work/make.log"
	exit 1
}
check "make runs through" recorded -k -j "$cores" lib/ kernel/ \
	arch/arm64/kernel/ arch/arm64/lib/ arch/arm64/mm/

report=$work/report.json
"$bin/audit-tool" --json "$build" >"$report" 2>"$work/audit.log"
status=$?
# value EXPRESSION: of the audit's report.
value()
{
	jq -r "$1" "$report" 2>&1
}
is "exit status" 0 $status
check "units" test "$(value .units)" -ge 200
check ".S among them" test "$(value .asm_units)" -ge 5
is "compared with -M" "$(value '.units - .not_scannable')" \
	"$(value .compared)"
is "missed" "[]" "$(value '.missed | tojson')"
check "extra: below 0.5 % ($(value .extra_percent))" \
	test "$(value '.extra_percent < 0.5')" = true
check "not scannable: below 0.5 % ($(value '.reasons | tojson'))" \
	test "$(value '.not_scannable * 200 <= .units')" = true
check "memory: $(value '.peak_kib / 1024 | floor') MiB" \
	test "$(value '.peak_kib <= 262144')" = true

cd "$build" || exit 1
# chain: the includes that lead from a unit to a header hang together.
chain()
{
	"$bin/kfarm" scan --why include/linux/list.h kernel/fork.c |
		awk -F': ' '
		NR > 1 && substr($1, 1, length(last)) != last { bad = 1 }
		{ last = $2 }
		END { exit bad || last !~ /include\/linux\/list\.h$/ }'
}
check "--why include/linux/list.h kernel/fork.c" chain

# A compile line with a word more is another unit.
sed -i '1s/ -D__KERNEL__ / -D__KERNEL__ -DMODULE /' kernel/.fork.o.cmd
"$bin/audit-tool" "$build" kernel/fork.c >"$work/changed" 2>&1
is "other flags: compared afresh" 0 $?

# An interrupt ends it soon, without compilers left behind.
setsid env --default-signal=INT KFARM_BUILD_MARK="$work" "$bin/audit-tool" \
	-j 1 "$build" >"$work/interrupted" 2>&1 </dev/null &
audit=$!
children+=("$audit")
sleep 1
kill -INT "$audit"
wait "$audit"
is "interrupted: exit status" 130 $?
gone "interrupted" 5
check "interrupted: says so" grep -q 'audit: interrupted' "$work/interrupted"
farm_end
