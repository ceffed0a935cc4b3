/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/test.h - Self-registering unit tests on libcheck.
 *
 * A program tests/unit/check_ROOM_TOPIC.c is a list of tests.  lib/test-main.c
 * runs them, each in a process of its own, under the suite name ROOM/TOPIC.
 *
 *	FIXTURE(set_up, tear_down);
 *	TIMEOUT(60);
 *
 *	TEST(an_empty_buffer_is_an_empty_string) { ... }
 *
 *	TEST_EACH(words_are_quoted, words)
 *	{
 *		ck_assert_str_eq(quoted(row->word), row->want);
 *	}
 *
 * FIXTURE, FIXTURE_ONCE and TIMEOUT apply to the tests that follow in the
 * file.  The first of them behind a test starts a new test case, without the
 * fixtures and the timeout of the tests above.
 */
#ifndef LIB_TEST_H
#define LIB_TEST_H

/* What most tests need. */
#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Report the location of a successful assertion to libcheck, which prints it if
 * the test crashes or times out.  libcheck writes each location to a file and
 * reads this file in quadratic time, so of many assertions, this function
 * reports one in 10 ms.
 */
void test_mark(const char *file, int line);
#define _mark_point(file, line) test_mark(file, line)

struct test {
	TTest ttest;
	int from, to; /* arguments of the calls of `ttest.fn`: from <= i < to */
	int signal; /* expected end, or 0 */
	int exit_status;
	const void *rows; /* NULL if the test has no table */
	size_t row_size;
	struct test_case *test_case;
	struct test *next;
};

/* Define a test. */
#define TEST(name) TEST_SINGLE(name, .to = 1)

/* Define a test that passes only if it ends with this signal. */
#define TEST_SIGNAL(name, number) TEST_SINGLE(name, .to = 1, .signal = (number))

/* Define a test that passes only if it calls exit() with this status. */
#define TEST_EXIT(name, status) \
	TEST_SINGLE(name, .to = 1, .exit_status = (status))

/*
 * Define a test that runs once for each element of an array; `row` points to
 * the element, and `_i` is its number.  If the first member of the element is
 * a string, a failure shows the string behind the name of the test.
 */
#define TEST_EACH(name, table) TEST_EACH_SIGNAL(name, table, 0)

/* Likewise, and each run must end with this signal. */
#define TEST_EACH_SIGNAL(name, table, number)                                 \
	static void name(__typeof__(&(table)[0]) row, int _i);                \
	static void name##_run(int _i)                                        \
	{                                                                     \
		if (!test_is_skipped())                                       \
			name(&(table)[_i], _i);                               \
		test_report_skip();                                           \
	}                                                                     \
	TEST_REGISTER(name, .to = sizeof(table) / sizeof((table)[0]),         \
		      .rows = (table), .row_size = sizeof((table)[0]),        \
		      .signal = (number))                                     \
	static void name(__typeof__(&(table)[0]) row __attribute__((unused)), \
			 int _i __attribute__((unused)))

/* Define a test that runs once for each `_i` with first <= _i < end. */
#define TEST_RANGE(name, first, end)                      \
	static void name(int _i);                         \
	static void name##_run(int _i)                    \
	{                                                 \
		if (!test_is_skipped())                   \
			name(_i);                         \
		test_report_skip();                       \
	}                                                 \
	TEST_REGISTER(name, .from = (first), .to = (end)) \
	static void name(int _i __attribute__((unused)))

/* Run these functions before and after each test; NULL stands for none. */
#define FIXTURE(set_up, tear_down) \
	TEST_DECLARE(__COUNTER__, test_add_fixture(set_up, tear_down))

/* Run these functions once, before and after all tests of the test case. */
#define FIXTURE_ONCE(set_up, tear_down) \
	TEST_DECLARE(__COUNTER__, test_add_fixture_once(set_up, tear_down))

/* Set the seconds after which a test is killed; 0: the default of libcheck. */
#define TIMEOUT(seconds) TEST_DECLARE(__COUNTER__, test_set_timeout(seconds))

/*
 * Return from a test or a fixture, and count the test as skipped.  The reason
 * is a printf() format: what the machine lacks.  After a skip in a fixture, the
 * tests do not run.
 */
#define SKIP(...)                       \
	do {                            \
		test_skip(__VA_ARGS__); \
		return;                 \
	} while (0)

/* Assert that a call returned 0; on failure show `err`, the caller's error. */
#define must(call)                                                    \
	do {                                                          \
		int must_ret = (call);                                \
                                                                      \
		ck_assert_msg(!must_ret, "%s returned %d: %s", #call, \
			      must_ret, err.text);                    \
	} while (0)

/* Assert that a text is exactly what printf() would print. */
#define text_is(text, ...)                                \
	do {                                              \
		char *text_want = xasprintf(__VA_ARGS__); \
                                                          \
		ck_assert_str_eq(text, text_want);        \
		free(text_want);                          \
	} while (0)

/*
 * Assert that a call returned `code` and set `err` to exactly the message that
 * printf() would print.
 */
#define err_is(call, code, ...)                 \
	do {                                    \
		ck_assert_int_eq(call, code);   \
		text_is(err.text, __VA_ARGS__); \
	} while (0)

/* Assert that a file has exactly this content. */
#define expect_file(path, content)                                          \
	do {                                                                \
		char *expect_got = test_read_file(path);                    \
                                                                            \
		ck_assert_msg(!strcmp(expect_got, content),                 \
			      "%s is:\n%s\nand not:\n%s", path, expect_got, \
			      content);                                     \
		free(expect_got);                                           \
	} while (0)

/* Assert that a text contains, starts with or ends with a part. */
#define text_has(text, part) TEST_TEXT(strstr, "in", text, part)
#define text_starts(text, part) \
	TEST_TEXT(str_starts, "at the start of", text, part)
#define text_ends(text, part) TEST_TEXT(str_ends, "at the end of", text, part)

/* ------------------------------------------------- used by the macros above */

#define TEST_TEXT(is, where, text, part)                                   \
	do {                                                               \
		const char *text_got = (text), *text_part = (part);        \
                                                                           \
		ck_assert_msg(text_got &&is(text_got, text_part),          \
			      "\"%s\" is not %s %s: %s", text_part, where, \
			      #text, text_got ? text_got : "NULL");        \
	} while (0)

#define TEST_SINGLE(name, ...)           \
	static void name(void);          \
	static void name##_run(int _i)   \
	{                                \
		(void)_i;                \
		if (!test_is_skipped())  \
			name();          \
		test_report_skip();      \
	}                                \
	TEST_REGISTER(name, __VA_ARGS__) \
	static void name(void)

#define TEST_REGISTER(name, ...)                                            \
	__attribute__((constructor)) static void name##_register(void)      \
	{                                                                   \
		static struct test test_self;                               \
		const struct test test_init = {                             \
			.ttest = { #name, name##_run, __FILE__, __LINE__ }, \
			__VA_ARGS__                                         \
		};                                                          \
                                                                            \
		test_self = test_init;                                      \
		test_add(&test_self);                                       \
	}

#define TEST_DECLARE(number, call) TEST_DECLARE_AS(number, call)
#define TEST_DECLARE_AS(number, call)                                        \
	__attribute__((constructor)) static void test_declare_##number(void) \
	{                                                                    \
		call;                                                        \
	}                                                                    \
	_Static_assert(1, "takes the semicolon")

void test_add(struct test *test);
void test_add_fixture(SFun set_up, SFun tear_down);
void test_add_fixture_once(SFun set_up, SFun tear_down);
void test_set_timeout(double seconds);
void test_skip(const char *reason, ...) __attribute__((format(printf, 1, 2)));
bool test_is_skipped(void);
/* Print "NAME: skipped: REASON" if the running test is skipped. */
void test_report_skip(void);
/* Return the content of a file, which the caller frees. */
char *test_read_file(const char *path);

#endif
