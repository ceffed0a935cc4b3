/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base wire toolchain agent */
#include "agent/probe.h"

#include "base/clock.h"
#include "base/fs.h"
#include "toolchain/ident.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GCC "/usr/bin/gcc"

static struct event_base *base;
static struct agent_probe *probe;
static struct strv given;
static struct toolchain_ident gcc;
static char dir[] = "/tmp/check_agent.XXXXXX";
static unsigned answers;
static enum wire_have_state last_state;
static char last_detail[2000];

static void set_up(void)
{
	struct err err;

	base = event_base_new();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(toolchain_identify(&gcc, GCC, &err), 0);
}

static void tear_down(void)
{
	struct err err;

	ck_assert(agent_probe_free(probe));
	event_base_free(base);
	toolchain_ident_release(&gcc);
	strv_release(&given);
	fs_remove(dir, &err);
}

static void open_probe(const char *path)
{
	struct err err = { 0 };

	ck_assert_msg(!agent_probe_new(&probe, base, path, &given, &err), "%s",
		      err.text);
}

static void on_answer(void *ctx, uint32_t seq, enum wire_have_state state,
		      const char *detail)
{
	ck_assert_ptr_eq(ctx, &answers);
	ck_assert_uint_eq(seq, 5);
	answers++;
	last_state = state;
	snprintf(last_detail, sizeof(last_detail), "%s", detail);
}

static void ask(const char *name)
{
	struct wire_ask m = { .seq = 5, .name = (char *)name, .id = gcc.id };
	unsigned before = answers;
	uint64_t deadline = clock_ms() + 15000;

	agent_probe_ask(probe, &m, on_answer, &answers);
	while (answers == before && clock_ms() < deadline)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(answers, before + 1);
	ck_assert_uint_eq(agent_probe_waiting(probe, &answers), 0);
}

static char *put(const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct err err;

	ck_assert_int_eq(fs_write(path, bytes_str(content), 0755, &err), 0);
	return path;
}

START_TEST(what_was_asked_for_has_a_driver_until_it_changes)
{
	char *link = xasprintf("%s/gcc", dir), *driver;
	bool is_clang = true;

	ck_assert_int_eq(symlink(GCC, link), 0);
	open_probe(dir);
	ck_assert_ptr_null(agent_probe_driver(probe, &gcc.id, &is_clang));
	ask("gcc");
	ck_assert_int_eq(last_state, WIRE_HAVE_SAME);
	driver = agent_probe_driver(probe, &gcc.id, &is_clang);
	ck_assert_str_eq(driver, link);
	ck_assert(!is_clang);
	ck_assert(agent_probe_still(probe, &gcc.id, driver));
	ck_assert(!agent_probe_still(probe, &gcc.id, "/usr/bin/other"));
	/* The link points elsewhere now. */
	unlink(link);
	ck_assert_int_eq(symlink("/usr/bin/ld", link), 0);
	ck_assert(!agent_probe_still(probe, &gcc.id, driver));
	ck_assert_ptr_null(agent_probe_driver(probe, &gcc.id, &is_clang));
	ask("gcc");
	ck_assert_int_eq(last_state, WIRE_HAVE_OTHER);
	free(driver);
	free(link);
}
END_TEST

START_TEST(the_same_compiler_of_another_version_name_will_do)
{
	char *link = xasprintf("%s/gcc-12", dir);

	ck_assert_int_eq(symlink(GCC, link), 0);
	open_probe(dir);
	ask("gcc");
	ck_assert_int_eq(last_state, WIRE_HAVE_SAME);
	ask("x-gcc");
	ck_assert_int_eq(last_state, WIRE_HAVE_MISSING);
	free(link);
}
END_TEST

START_TEST(one_that_is_installed_later_is_found)
{
	char *link = xasprintf("%s/gcc", dir);

	open_probe(dir);
	ask("gcc");
	ck_assert_int_eq(last_state, WIRE_HAVE_MISSING);
	ck_assert_int_eq(symlink(GCC, link), 0);
	usleep(1100000);
	ask("gcc");
	ck_assert_int_eq(last_state, WIRE_HAVE_SAME);
	free(link);
}
END_TEST

START_TEST(scripts_and_caches_are_not_among_the_names)
{
	char *script = put("gcc", "#!/bin/sh\n");
	char *link = xasprintf("%s/gcc-9", dir), *cache = put("ccache", "x");
	struct strv names = { 0 };

	ck_assert_int_eq(symlink(cache, link), 0);
	strv_add(&given, GCC);
	strv_add(&given, "/usr/bin/../bin");
	open_probe(dir);
	agent_probe_names(probe, &names);
	ck_assert(strv_has(&names, "gcc"));
	ck_assert(!strv_has(&names, "gcc-9"));
	for (size_t i = 1; i < names.n; i++)
		ck_assert_str_ne(names.v[i - 1], names.v[i]);
	strv_release(&names);
	free(script);
	free(cache);
	free(link);
}
END_TEST

START_TEST(a_given_one_that_is_no_compiler_is_an_error)
{
	char *script = put("gcc", "#!/bin/sh\n");
	struct agent_probe *other;
	struct err err = { 0 };

	open_probe(dir);
	strv_add(&given, script);
	ck_assert_int_lt(agent_probe_new(&other, base, dir, &given, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, script));
	free(script);
}
END_TEST

START_TEST(a_forgotten_question_is_not_answered)
{
	struct wire_ask m = { .seq = 5, .name = (char *)"gcc", .id = gcc.id };
	uint64_t deadline = clock_ms() + 15000;

	open_probe("/usr/bin");
	agent_probe_ask(probe, &m, on_answer, &answers);
	ck_assert_uint_eq(agent_probe_waiting(probe, &answers), 1);
	agent_probe_cancel(probe, &answers);
	ck_assert(!agent_probe_free(probe)); /* its thread is at work */
	ask("gcc");
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_lt(clock_ms(), deadline);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/probe");
	TCase *t = tcase_create("probe");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, what_was_asked_for_has_a_driver_until_it_changes);
	tcase_add_test(t, the_same_compiler_of_another_version_name_will_do);
	tcase_add_test(t, one_that_is_installed_later_is_found);
	tcase_add_test(t, scripts_and_caches_are_not_among_the_names);
	tcase_add_test(t, a_given_one_that_is_no_compiler_is_an_error);
	tcase_add_test(t, a_forgotten_question_is_not_answered);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
