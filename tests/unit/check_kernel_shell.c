/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "kernel/shell.h"
#include "shell/stats.h"
#include "wire/msg.h"

static char dir[TEMPDIR_SIZE];

static void setup(void)
{
	tempdir_make(dir);
}

static void teardown(void)
{
	tempdir_remove(dir);
}

static void put_file(const char *name, mode_t mode)
{
	char *path = xasprintf("%s/%s", dir, name), *up = str_dir(path);
	struct err err = { 0 };

	must(fs_mkdirs(up, 0755, &err));
	must(fs_write(path, bytes_str("x"), mode, &err));
	free(up);
	free(path);
}

/* Check the path of sh for the kfarm `self`, below `dir`. */
static void expect_program(const char *self, const char *wanted)
{
	char *kfarm = xasprintf("%s/%s", dir, self);
	char *got = kernel_shell_find_program(kfarm);

	ck_assert_int_eq(!got, !wanted);
	if (got)
		ck_assert_str_eq(got + strlen(dir) + 1, wanted);
	free(got);
	free(kfarm);
}

FIXTURE(setup, teardown);

TEST(an_installed_kfarm_never_uses_the_systems_sh)
{
	put_file("usr/bin/sh", 0755);
	expect_program("usr/bin/kfarm", NULL);
	put_file("usr/lib/kfarm/sh", 0644);
	expect_program("usr/bin/kfarm", NULL);
	put_file("usr/lib/kfarm/sh", 0755);
	expect_program("usr/bin/kfarm", "usr/lib/kfarm/sh");
	put_file("build/sh", 0755);
	expect_program("build/kfarm", "build/sh");
}

/* Arguments of make and of -e, MAKEFLAGS, and whether they set a shell. */
static const struct user_shell {
	const char *word, *given, *makeflags;
	bool is_user_set;
} user_shells[] = {
	{ "SHELL=/bin/bash", "A=1", "", true },
	{ "CONFIG_SHELL=bash", "A=1", NULL, true },
	{ "SHELL:=/bin/bash", "A=1", NULL, true },
	{ "SHELL?=x", "A=1", NULL, true },
	{ "all", "SHELL=/bin/bash", NULL, true },
	{ "all", "CONFIG_SHELL=", NULL, true },
	{ "all", "A=1", " -j4 -- V=1 SHELL=/bin/bash", true },
	{ "MYSHELL=x", "SHELLS=1", "rk -- A=SHELL", false },
	{ "SHELL", "A=SHELL=x", NULL, false },
	{ "SHELL_PATH=/bin/sh", "A=1", "SHELLS=", false },
};

TEST_EACH(a_shell_set_by_the_user_is_detected, user_shells)
{
	char *words[] = { (char *)row->word, NULL };
	struct strv given = { 0 };

	strv_add(&given, row->given);
	ck_assert_int_eq(
		kernel_shell_is_user_set(words, &given, row->makeflags),
		row->is_user_set);
	strv_release(&given);
	ck_assert(!kernel_shell_is_user_set(NULL, NULL, NULL));
}

static void expect_makefiles(const char *makefiles, const char *wanted)
{
	struct kernel_shell s = { .dir = "/r" };
	char *env[] = { (char *)makefiles, NULL };
	struct strv out = { 0 };

	kernel_shell_env(&s, &out, env);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_str_eq(out.v[0], wanted);
	strv_release(&out);
}

TEST(shell_mk_precedes_the_makefiles_of_the_user)
{
	struct kernel_shell none = { 0 };
	struct strv out = { 0 };

	expect_makefiles(NULL, "MAKEFILES=/r/shell.mk");
	expect_makefiles("MAKEFILES=a.mk b.mk",
			 "MAKEFILES=/r/shell.mk a.mk b.mk");
	expect_makefiles("MAKEFILES=", "MAKEFILES=/r/shell.mk ");
	kernel_shell_env(&none, &out, environ);
	ck_assert_uint_eq(out.n, 0);
}

static void record_event(void *ctx, const struct events_event *ev)
{
	if (ev->kind == EVENTS_KIND_STEPS)
		buf_printf(ctx, "%d %s\n", (int)ev->n_steps, ev->reason);
	else
		buf_add_str(ctx,
			    ev->kind == EVENTS_KIND_HOST ? "host\n" : "?\n");
}

/* The test program stands for kfarm; its directory contains no sh. */
TEST(a_missing_recipe_shell_has_a_reason_and_no_counts)
{
	struct events_hub *hub = events_hub_new();
	struct buf output = { 0 };
	struct events_subscriber consumer = { .on_event = record_event,
					      .ctx = &output };
	struct events_event host = events_event_make(EVENTS_KIND_HOST);
	uint64_t n[SHELL_FALLBACK_N_REASONS];
	struct kernel_shell s;
	struct err err = { 0 };

	must(kernel_shell_open(&s, dir, &err));
	ck_assert_ptr_null(s.dir);
	ck_assert_str_eq(s.unused_reason, "kfarm's sh is not installed");
	ck_assert_str_eq(kernel_shell_unavailable_reason(), s.unused_reason);
	events_hub_subscribe(hub, &consumer);
	kernel_shell_report(&s, hub, &host);
	events_hub_free(hub);
	ck_assert_str_eq(buf_str(&output), "host\n");
	buf_release(&output);
	ck_assert_int_eq(host.n_shell_lines, EVENTS_UNKNOWN);
	kernel_shell_fallback_counts(&s, n);
	ck_assert_uint_eq(n[SHELL_FALLBACK_FILE], 0);
	kernel_shell_release(&s);
}

TEST(the_counts_of_recipe_shells_are_reported)
{
	struct events_hub *hub = events_hub_new();
	struct buf output = { 0 };
	struct events_subscriber consumer = { .on_event = record_event,
					      .ctx = &output };
	struct events_event host = events_event_make(EVENTS_KIND_HOST);
	struct kernel_shell s = { .dir = dir };
	uint64_t n[SHELL_FALLBACK_N_REASONS];
	struct err err = { 0 };

	must(shell_stats_create(dir, &err));
	ck_assert(shell_stats_open(dir));
	for (int i = 0; i < 3; i++)
		shell_stats_add(SHELL_STAT_LINES);
	shell_stats_add(SHELL_STAT_COMPILES);
	shell_stats_add_fallback(SHELL_FALLBACK_FUNCTION,
				 bytes_str("f() { :; }"));
	shell_stats_add_fallback(SHELL_FALLBACK_FUNCTION,
				 bytes_str("file\tg()"));
	shell_stats_add_fallback(SHELL_FALLBACK_FILE, bytes_str("x"));
	shell_stats_add_local_step(SHELL_STEP_REASON_OPTION);
	shell_stats_add_local_step(SHELL_STEP_REASON_OPTION);
	shell_stats_add_local_step(SHELL_STEP_REASON_UNWANTED);
	events_hub_subscribe(hub, &consumer);
	kernel_shell_report(&s, hub, &host);
	events_hub_free(hub);
	ck_assert_str_eq(buf_str(&output), "host\n"
					   "1 no node runs tool steps\n"
					   "2 unusual option\n");
	buf_release(&output);
	ck_assert_int_eq(host.n_shell_lines, 3);
	ck_assert_int_eq(host.n_shell_fallbacks, 3);
	ck_assert_int_eq(host.n_shell_compiles, 1);
	ck_assert_int_eq(host.n_shell_fixdeps, 0);
	ck_assert_int_eq(host.n_shell_steps, 0);
	ck_assert_int_eq(host.n_local_steps, 3);
	kernel_shell_fallback_counts(&s, n);
	ck_assert_uint_eq(n[SHELL_FALLBACK_FUNCTION], 2);
	ck_assert_uint_eq(n[SHELL_FALLBACK_FILE], 1);
	ck_assert_uint_eq(n[SHELL_FALLBACK_SYNTAX], 0);
}

/* The settings of the roster, and the reason for a local tool step. */
static const struct {
	struct node_roster roster;
	enum shell_step_reason step_reason;
} rosters[] = {
	{ { 0 }, SHELL_STEP_REASON_UNWANTED },
	{ { .steps_disabled = true }, SHELL_STEP_REASON_OFF },
	{ { .remote_disabled = true }, SHELL_STEP_REASON_NO_REMOTE },
	{ { .remote_disabled = true, .steps_disabled = true },
	  SHELL_STEP_REASON_NO_REMOTE },
};

TEST_EACH(the_reason_for_local_tool_steps_depends_on_the_roster, rosters)
{
	struct kernel_shell s = { .dir = dir }, none = { 0 };
	enum shell_step_reason step_reason;
	struct err err = { 0 };

	must(shell_stats_create(dir, &err));
	ck_assert(shell_stats_open(dir));
	kernel_shell_set_roster(&s, &row->roster);
	kernel_shell_set_roster(&none, &row->roster);
	ck_assert(!shell_stats_is_step_enabled(WIRE_STEP_OBJECT, &step_reason));
	ck_assert_int_eq(step_reason, row->step_reason);
	kernel_shell_set_tool_steps(&s, SHELL_STATS_ALL_STEPS, 0);
	ck_assert(shell_stats_is_step_enabled(WIRE_STEP_OBJECT, &step_reason));
	kernel_shell_set_tool_steps(&s, 0, 0);
	ck_assert(!shell_stats_is_step_enabled(WIRE_STEP_OBJECT, &step_reason));
	ck_assert_int_eq(step_reason, SHELL_STEP_REASON_UNWANTED);
}

TEST(a_tool_step_is_disabled_separately_from_the_others)
{
	const unsigned symbols = 1u << WIRE_STEP_SYMBOLS;
	const unsigned object = 1u << WIRE_STEP_OBJECT;
	struct kernel_shell s = { .dir = dir };
	enum shell_step_reason why;
	struct err err = { 0 };

	must(shell_stats_create(dir, &err));
	ck_assert(shell_stats_open(dir));
	kernel_shell_set_tool_steps(&s, symbols, symbols | object);
	ck_assert(shell_stats_is_step_enabled(WIRE_STEP_SYMBOLS, &why));
	ck_assert(!shell_stats_is_step_enabled(WIRE_STEP_OBJECT, &why));
	ck_assert_int_eq(why, SHELL_STEP_REASON_DISABLED);
	ck_assert(!shell_stats_is_step_enabled(WIRE_STEP_DEVICETREE, &why));
	ck_assert_int_eq(why, SHELL_STEP_REASON_UNWANTED);
}
