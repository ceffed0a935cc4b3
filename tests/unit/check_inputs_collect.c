/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/test.h"

#include "inputs/manifest.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/which.h"

#include <event2/event.h>

static char *dir; /* without symbolic links */
static char *gcc;
static struct event_base *base;
static struct inputs inputs;
static struct inputs_toolchains toolchains;
static struct inputs_toolchain *tc;
static struct options_command command;
static struct inputs_request request;
static struct inputs_result result;
static unsigned found, changes;

static char *plain_env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

static void on_found(void *ctx, struct inputs_result *r)
{
	ck_assert_ptr_eq(ctx, &request);
	found++;
	inputs_result_release(&result);
	result = *r;
	*r = (struct inputs_result){ 0 };
}

static void on_changed(void *ctx, struct inputs_toolchain *t,
		       enum inputs_state was)
{
	ck_assert_ptr_eq(ctx, &toolchains);
	ck_assert_ptr_eq(t->table, &toolchains);
	if (!changes++)
		ck_assert_int_eq(was, INPUTS_STATE_UNKNOWN);
}

static void on_made(void *ctx, struct inputs_reference_object *ref)
{
	(void)ctx;
	(void)ref;
}

static void write_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct err err;

	must(fs_write(path, bytes_str(text), 0644, &err));
	free(path);
}

static void turn_until(const unsigned *counter)
{
	uint64_t end = clock_ms() + 60000;

	while (!*counter && clock_ms() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(500);
	}
	ck_assert_uint_gt(*counter, 0);
}

static void set_up(void)
{
	struct cpp_setup scan = { .query = capture_run };
	char name[] = "/tmp/kfarm-check-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = realpath(name, NULL);
	gcc = which_compiler("gcc", "/usr/bin:/bin", NULL);
	ck_assert_ptr_nonnull(gcc);
	write_file("h.h", "#define H 3\n");
	write_file("u.c", "#include \"h.h\"\nint h = H;\n");
	base = event_base_new();
	inputs_init(&inputs, &scan);
	toolchains = (struct inputs_toolchains){
		.event_base = base,
		.children = children_new(base),
		.paths = inputs.paths,
		.work_dir = dir,
		.on_state_changed = on_changed,
		.on_reference_made = on_made,
		.ctx = &toolchains,
	};
	inputs_toolchains_init(&toolchains, NULL);
	tc = inputs_toolchain_get(&toolchains, gcc, plain_env);
	turn_until(&changes);
	ck_assert_msg(tc->state == INPUTS_STATE_READY, "%s", tc->err.text);
	request = (struct inputs_request){
		.inputs = &inputs,
		.pool = pool_new(base, 2),
		.unit = { .cwd = dir,
			  .compiler = gcc,
			  .toolchain = &tc->manifest.id,
			  .command = &command,
			  .env = plain_env },
		.toolchain = tc,
	};
}

static void tear_down(void)
{
	struct err err;

	pool_free(request.pool);
	inputs_result_release(&result);
	options_command_release(&command);
	inputs_toolchains_release(&toolchains);
	children_free(toolchains.children);
	inputs_release(&inputs);
	event_base_free(base);
	fs_remove(dir, &err);
	free(dir);
	free(gcc);
}

static void begin(const char *option)
{
	static char *argv[6];

	argv[0] = gcc;
	argv[1] = (char *)"-c";
	argv[2] = (char *)"u.c";
	argv[3] = (char *)option;
	options_command_parse(&command, argv);
	inputs_collect_start(&request, on_found, &request);
}

static const struct inputs_entry *entry_of(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	const struct inputs_entry *e = NULL;

	for (size_t i = 0; i < result.manifest.n_entries; i++) {
		if (!strcmp(result.manifest.entries[i]->path->name, path))
			e = result.manifest.entries[i];
	}
	free(path);
	return e;
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_result_has_the_files_flags_size_and_locale_of_a_unit)
{
	begin("-O2");
	turn_until(&found);
	ck_assert_msg(!result.reason, "%s", reason_text(result.reason));
	ck_assert_ptr_nonnull(entry_of("u.c"));
	ck_assert_ptr_nonnull(entry_of("h.h"));
	ck_assert_str_eq(result.manifest.cwd->name, dir);
	ck_assert_uint_ge(result.total_bytes, 38);
	ck_assert_uint_eq(result.flags.n_flags, 1);
	ck_assert_str_eq(result.flags.flags[0].name, "-O");
	ck_assert_ptr_nonnull(result.locale);
}

static uint64_t since_when_asked(uint64_t asked_us)
{
	request.requested_us = asked_us;
	found = 0;
	begin(NULL);
	turn_until(&found);
	options_command_release(&command);
	return result.manifest.since_us;
}

TEST(file_checks_are_valid_from_the_time_of_the_request)
{
	uint64_t now = clock_us();

	ck_assert_uint_ge(since_when_asked(0), now);
	ck_assert_uint_eq(since_when_asked(now), now);
	ck_assert_uint_lt(since_when_asked(UINT64_MAX), UINT64_MAX);
}

TEST(an_unsupported_option_is_a_reason_for_a_local_compile)
{
	begin("-F/x");
	turn_until(&found);
	ck_assert_int_eq(result.reason, REASON_OPTION_NOT_REMOTE);
	text_has(result.manifest.detail, "-F");
}

TEST(a_compiler_with_a_misleading_name_is_a_reason_for_a_local_compile)
{
	char *argv[] = { (char *)"clang", (char *)"-c", (char *)"u.c", NULL };

	options_command_parse(&command, argv);
	inputs_collect(&request, &result);
	ck_assert_int_eq(result.reason, REASON_NOT_IDENTIFIED);
	ck_assert_ptr_nonnull(
		strstr(result.manifest.detail, " is gcc, contrary to"));
}

TEST(cpath_is_a_reason_for_a_local_compile)
{
	char *env[] = { (char *)"PATH=/bin", (char *)"CPATH=/x", NULL };

	request.unit.env = env;
	begin(NULL);
	turn_until(&found);
	ck_assert_int_eq(result.reason, REASON_CPATH);
}

/* The directory of locales must be known unless only English is used. */
TEST(locpath_with_a_language_is_a_reason_for_a_local_compile)
{
	char *env[] = { (char *)"PATH=/bin", (char *)"LANG=de_DE.UTF-8",
			(char *)"LOCPATH=/x", NULL };
	char *near[] = { (char *)"PATH=/bin", (char *)"LANG=C",
			 (char *)"LOCPATH=/x", NULL };

	request.unit.env = env;
	begin(NULL);
	turn_until(&found);
	ck_assert_msg(result.reason == REASON_LANGUAGE, "%s",
		      reason_text(result.reason));
	options_command_release(&command);
	found = 0;
	request.unit.env = near;
	begin(NULL);
	turn_until(&found);
	ck_assert_msg(!result.reason, "%s", reason_text(result.reason));
}

TEST(the_time_macro_is_a_reason_for_a_local_compile)
{
	write_file("h.h", "#define H sizeof(__TIME__)\n");
	begin(NULL);
	turn_until(&found);
	ck_assert_int_eq(result.reason, REASON_TIME_MACRO);
}

TEST(a_failed_scan_is_a_reason_for_a_local_compile)
{
	write_file("h.h", "#include \"nosuch.h\"\n#define H 1\n");
	begin(NULL);
	turn_until(&found);
	ck_assert_int_ne(result.reason, REASON_NONE);
	ck_assert_int_ne(result.reason, REASON_TIME_MACRO);
}

TEST(requests_with_the_same_environment_share_a_locale)
{
	char *env[] = { (char *)"PATH=/bin", (char *)"LC_ALL=C", NULL };
	const struct inputs_locale *first;

	request.unit.env = env;
	begin(NULL);
	turn_until(&found);
	first = result.locale;
	inputs_result_release(&result);
	options_command_release(&command);
	found = 0;
	begin(NULL);
	turn_until(&found);
	ck_assert_ptr_eq(result.locale, first);
}

TEST(queued_requests_end_when_the_pool_is_freed)
{
	begin(NULL);
	for (int i = 1; i < 8; i++)
		inputs_collect_start(&request, on_found, &request);
	pool_free(request.pool);
	request.pool = NULL;
	ck_assert_uint_eq(found, 8);
}

static void on_log_line(void *ctx, const char *line)
{
	buf_add_str(ctx, line);
}

TEST(a_missing_driver_makes_the_toolchain_unusable)
{
	struct inputs_toolchain *bad;
	struct buf log = { 0 };

	log_set_sink(on_log_line, &log);
	changes = 0;
	bad = inputs_toolchain_get(&toolchains, "/nonexistent/gcc", plain_env);
	ck_assert_ptr_ne(bad, tc);
	turn_until(&changes);
	ck_assert_int_eq(bad->state, INPUTS_STATE_UNUSABLE);
	ck_assert_int_eq(bad->reason, REASON_NOT_IDENTIFIED);
	ck_assert_str_ne(bad->err.text, "");
	ck_assert_ptr_eq(inputs_toolchain_get(&toolchains, "/nonexistent/gcc",
					      plain_env),
			 bad);
	log_set_sink(NULL, NULL);
	ck_assert_str_eq(buf_str(&log), "kfarm: warning: /nonexistent/gcc: "
					"No such file or directory; "
					"units of this compiler are compiled "
					"locally");
	buf_release(&log);
}
