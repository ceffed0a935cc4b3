#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# tests/lib/test.h and tests/run: a program with tests that pass, fail and are
# skipped, and what libcheck and tests/run report of it.
. "$(dirname "$0")/lib.sh"
farm_begin

# build_program NAME: compile $work/NAME.c as a unit test.
build_program()
{
	# shellcheck disable=SC2046
	gcc -D_GNU_SOURCE -I"$root/kbuild-farm" -I"$root/tests/lib" \
		-o "$work/build/unit/$1" "$work/$1.c" \
		"$root/tests/lib/test-main.c" "$bin/lib/base.a" \
		$(pkg-config --libs check) -lpthread
}

mkdir -p "$work"/{build/unit,tests/unit}
cp "$root/tests/run" "$work/tests/"
cat >"$work/check_base_sample.c" <<'END'
#include "test.h"
#include "base/err.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

static struct err err;
static int n_once, n_each;

static void once(void) { n_once++; }
static void each(void) { n_each++; }
static void require_fpu(void) { SKIP("no %s", "FPU"); }
static int refuse(void) { return err_set(&err, EINVAL, "FILE: bad"); }

static const struct { const char *word; int n; } words[] = {
	{ "one", 1 }, { "two: 2", 0 }, { "three", 3 },
};
static const int numbers[] = { 7, 8 };

TEST(the_first_case_has_no_fixture) { ck_assert_int_eq(n_each, 0); }
TEST_EACH(a_failed_row_is_named, words) { ck_assert_int_eq(row->n, _i + 1); }
TEST_EACH(a_number_has_no_name, numbers) { ck_assert_int_eq(*row, 7 + _i); }
TEST_RANGE(a_range_has_numbers, 2, 5) { ck_assert(_i >= 2 && _i < 5); }
TEST(a_missing_tool_is_a_skip) { SKIP("no tool: %d", 42); abort(); }
TEST_SIGNAL(an_abort_is_expected, SIGABRT) { abort(); }
TEST_EXIT(a_status_is_expected, 3) { exit(3); }
TEST(an_error_is_compared_whole) { err_is(refuse(), -EINVAL, "FILE: bad"); }
TEST(an_error_is_not_a_part) { err_is(refuse(), -EINVAL, "bad"); }
TEST(what_must_be_shows_the_error) { must(refuse()); }
TEST(a_file_is_compared) { expect_file("/proc/self/comm", "else"); }

FIXTURE_ONCE(once, NULL);
FIXTURE(each, NULL);
TIMEOUT(1);

TEST(the_second_case_has_both) { ck_assert_int_eq(n_once + n_each, 2); }
TEST(it_ends_after_its_time) { for (;;) pause(); }

FIXTURE_ONCE(require_fpu, NULL);

TEST(it_is_skipped_as_the_case_is) { abort(); }
TEST(so_is_the_next) { abort(); }
END
check "the program is compiled" build_program check_base_sample
printf '/* san: long */\n' >"$work/tests/unit/check_base_sample.c"
cd "$work" || exit 1

# says NAME TEXT: the output of the program contains this line.
says()
{
	check "$1" grep -qxF -- "$2" out
}

CK_VERBOSITY=normal build/unit/check_base_sample >out 2>&1
is "the program fails" 1 $?
says "the suite has the name of the file" "Running suite(s): base/sample"
says "each run counts" "75%: Checks: 20, Failures: 4, Errors: 1"
for text in 'a_failed_row_is_named[two  2]:1: ' 'row->n == 0, _i + 1 == 2' \
	'an_error_is_not_a_part:0: ' 'err.text == "FILE: bad", text_want == "bad"' \
	'refuse() returned -22: FILE: bad' '/proc/self/comm is:' \
	'it_ends_after_its_time:0: (after this point) Test timeout expired'; do
	check "a failure has: $text" grep -qF -- "$text" out
done
says "a skip has its reason" "a_missing_tool_is_a_skip: skipped: no tool: 42"
says "a fixture skips all tests" "so_is_the_next: skipped: no FPU"

build/unit/check_base_sample --list >out
says "--list has the runs of a table" "a_failed_row_is_named 3"
is "--list has all tests" 15 "$(wc -l <out)"
build/unit/check_base_sample a_number_has_no_name >out 2>&1
is "one test can be run" 0 $?
says "only that one" "100%: Checks: 2, Failures: 0, Errors: 0"
build/unit/check_base_sample nothing >out 2>&1
is "an unknown name is an error" 2 $?

STRICT=1 KFARM_BUILD=build tests/run unit >out 2>&1
is "tests/run fails" 1 $?
says "tests/run counts skips" "12 passed, 5 failed, 3 skipped"
says "tests/run has the reasons" \
	"skipped: unit/check_base_sample: no FPU (2)"
says "each of them" "skipped: unit/check_base_sample: no tool: 42"

farm_end
