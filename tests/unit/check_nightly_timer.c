/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
/*
 * Timers.  systemd-analyze parses the units, and a shell checks the command of
 * a crontab line after cron's substitutions.
 */
#include "nightly/timer.h"

#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "golden.h"

static char dir[TEMPDIR_SIZE];
static struct strv env;
static struct nightly_timer t;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
	strv_add(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
	strv_add(&env, "LC_ALL=C.UTF-8");
	t = (struct nightly_timer){ .program = "/usr/local/bin/kfarm",
				    .hour = 2,
				    .minute = 5,
				    .env = &env };
}

static void tear_down(void)
{
	strv_release(&env);
	tempdir_remove(dir);
}

static void put(const char *name, const char *suffix, struct buf *text)
{
	char *path = xasprintf("%s/%s.%s", dir, name, suffix);

	must(fs_write(path, buf_bytes(text), 0644, &err));
	buf_release(text);
	free(path);
}

/* Check that systemd-analyze reports no problem with service and timer. */
static void verify(bool user)
{
	char *name = nightly_timer_service_name(t.name), *command, *output;
	struct buf service = { 0 }, timer = { 0 };

	must(nightly_timer_write_service(&service, &t, &err));
	nightly_timer_write_timer(&timer, &t);
	put(name, "service", &service);
	put(name, "timer", &timer);
	command = xasprintf("XDG_RUNTIME_DIR=$PWD systemd-analyze %s --man=no "
			    "verify ./'%s.timer' ./'%s.service' 2>&1 || echo "
			    "status $?",
			    user ? "--user" : "--system", name, name);
	output = shell_ask(dir, command);
	ck_assert_msg(!*output, "%s", output);
	free(output);
	free(command);
	free(name);
}

FIXTURE(set_up, tear_down);

TEST(the_systemd_units_match_the_golden_file)
{
	struct buf text = { 0 };

	t.name = "neo4";
	must(nightly_timer_write_service(&text, &t, &err));
	buf_add_str(&text, "----\n");
	nightly_timer_write_timer(&text, &t);
	buf_add_str(&text, "----\n");
	t.user = "build";
	t.name = NULL;
	must(nightly_timer_write_service(&text, &t, &err));
	golden_file("tests/nightly/units.txt", buf_str(&text));
	buf_release(&text);
}

TEST(systemd_analyze_accepts_the_units)
{
	t.program = "/bin/true";
	verify(true);
	t.user = "root";
	verify(false);
	t.name = "a+b_c-d.e";
	verify(false);
}

TEST(systemd_analyze_accepts_units_with_special_characters)
{
	char *program = xasprintf("%s/k 50%% $HOME", dir);

	shell_run(dir, "cp /bin/true 'k 50% $HOME'");
	t.program = program;
	strv_add(&env, "XDG_DATA_HOME=/home/ü/%h a\\b\"c'd $e\nf");
	verify(true);
	free(program);
}

TEST(a_program_path_that_systemd_cannot_start_is_rejected)
{
	struct buf text = { 0 };

	t.program = "/opt/\"k\"/kfarm";
	ck_assert_int_eq(nightly_timer_write_service(&text, &t, &err), -EINVAL);
	t.program = "/opt/k\nExecStartPre=x/kfarm";
	ck_assert_int_eq(nightly_timer_write_service(&text, &t, &err), -EINVAL);
	ck_assert_uint_eq(text.len, 0);
}

TEST(service_names_are_escaped_like_systemd_escape)
{
	static const char *const names[] = { "a", "a-b", "a+b", "x.y_z" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *unit = nightly_timer_service_name(names[i]);
		char *plain = xasprintf("systemd-escape --unescape -- '%s' | "
					"tr -d '\\n'",
					unit);
		char *back = shell_ask(dir, plain);

		/* systemd decodes "-" as "/". */
		for (char *c = back; *c; c++)
			*c = *c == '/' ? '-' : *c;
		text_starts(back, "kfarm-nightly-");
		ck_assert_str_eq(back + strlen("kfarm-nightly-"), names[i]);
		free(back);
		free(plain);
		free(unit);
	}
}

/* Run the command of the crontab line like cron, and return its output. */
static char *cron_command_output(void)
{
	struct buf line = { 0 }, command = { 0 };
	const char *c;
	char *out;

	must(nightly_timer_write_cron(&line, &t, &err));
	text_starts(buf_str(&line), "5 2 * * * ");
	for (c = buf_str(&line) + strlen("5 2 * * * "); *c != '\n'; c++) {
		if (c[0] == '\\' && c[1] == '%')
			continue;
		buf_add(&command, c, 1);
	}
	ck_assert(!c[1]);
	out = shell_ask(dir, buf_str(&command));
	buf_release(&command);
	buf_release(&line);
	return out;
}

TEST(the_crontab_line_contains_the_environment_and_the_command)
{
	struct buf text = { 0 };

	must(nightly_timer_write_cron(&text, &t, &err));
	ck_assert_str_eq(
		buf_str(&text),
		"5 2 * * * PATH=/usr/local/bin:/usr/bin:/bin "
		"LC_ALL=C.UTF-8 /usr/local/bin/kfarm nightly run -q\n");
	buf_release(&text);
}

TEST(special_characters_reach_the_command_through_cron)
{
	char *program = xasprintf("%s/it's 50%% $HOME", dir), *output;

	shell_run(dir, "printf '#!/bin/sh\\necho \"$@ $XDG_DATA_HOME\"\\n' "
		       ">\"it's 50% \\$HOME\"; chmod +x it*");
	t.program = program;
	t.name = "a+b";
	strv_add(&env, "XDG_DATA_HOME=100%/a b/'c'");
	output = cron_command_output();
	ck_assert_str_eq(output, "nightly run -q a+b 100%/a b/'c'\n");
	free(output);
	free(program);
}

TEST(a_line_that_cron_cannot_run_is_rejected)
{
	char path[1100] = "PATH=";
	struct buf text = { 0 };

	t.program = "/a\\%b";
	ck_assert_int_eq(nightly_timer_write_cron(&text, &t, &err), -EINVAL);
	t.program = "/a\nb";
	ck_assert_int_eq(nightly_timer_write_cron(&text, &t, &err), -EINVAL);
	t.program = "/a";
	memset(path + 5, 'x', 1000);
	strv_add(&env, path);
	ck_assert_int_eq(nightly_timer_write_cron(&text, &t, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "shorten PATH"), "%s", err.text);
	ck_assert_uint_eq(text.len, 0);
}
