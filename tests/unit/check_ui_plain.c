/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * What the view shows of a build is compared with tests/ui/plain-*.screen;
 * KFARM_UPDATE=1 rewrites these.  Run from the top directory.
 */
#include "ui/plain.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ui_model m;
static struct ui_plain p;
static FILE *out;

static void set_up(void)
{
	m = (struct ui_model){ .nodes = 2, .nodes_up = 1 };
	strcpy(m.phase, "compile");
	out = tmpfile();
	ck_assert_ptr_nonnull(out);
}

static void tear_down(void)
{
	fclose(out);
}

/* All that was written so far. */
static char *written(void)
{
	struct buf text = { 0 };
	char block[4096];
	ssize_t n;

	ck_assert_int_eq(lseek(fileno(out), 0, SEEK_SET), 0);
	while ((n = read(fileno(out), block, sizeof(block))) > 0)
		buf_add(&text, block, (size_t)n);
	return buf_steal(&text);
}

static void compare(const char *golden)
{
	char *path = xasprintf("tests/ui/%s.screen", golden);
	char *got = written();
	struct buf want = { 0 };
	struct err err = { 0 };

	if (getenv("KFARM_UPDATE"))
		ck_assert_int_eq(fs_write(path, bytes_str(got), 0644, &err), 0);
	ck_assert_msg(!fs_read(path, 1 << 20, &want, &err), "%s", err.text);
	ck_assert_str_eq(got, buf_str(&want));
	buf_release(&want);
	free(got);
	free(path);
}

/* Four minutes of a build, ticked each second. */
static void play(void)
{
	ui_plain_note(&p, &m, "-j 12: 10 slots on 1 node + 2 local slots");
	for (unsigned s = 1; s <= 240; s++) {
		m.elapsed_ms = s * 1000;
		if (s < 100) {
			m.remote = s * 3;
			m.local = s / 10;
			m.running = 9;
			m.queued = s % 2 ? 2 : 0;
			snprintf(m.last, sizeof(m.last), "kernel/file%u.c", s);
		} else {
			m.running = m.queued = 0;
		}
		if (s == 42) {
			m.warnings++;
			ui_plain_block(&p,
				       "a.c:1:5: warning: unused [-Wunused]\n"
				       "    1 | int x;\n      |     ^\n");
		}
		if (s == 60) {
			m.errors++;
			ui_plain_block(
				&p, "b.c:2:1: error: expected ';'\n"
				    "make[3]: *** [Makefile:1: b.o] Error 1");
		}
		if (s == 120)
			ui_plain_note(&p, &m, "modules_install");
		ui_plain_tick(&p, &m);
	}
	ui_plain_release(&p);
}

START_TEST(a_pipe_gets_a_line_after_10_40_100_160_seconds)
{
	ui_plain_init(&p, fileno(out), false, false);
	play();
	compare("plain-pipe");
}
END_TEST

START_TEST(a_terminal_gets_a_line_a_second_while_there_is_news)
{
	ui_plain_init(&p, fileno(out), true, true);
	play();
	compare("plain-terminal");
}
END_TEST

START_TEST(without_colour_there_is_no_control_character)
{
	char *text;

	ui_plain_init(&p, fileno(out), true, false);
	play();
	text = written();
	for (const char *c = text; *c; c++)
		ck_assert((unsigned char)*c >= ' ' || *c == '\n');
	free(text);
}
END_TEST

START_TEST(no_nodes_are_not_counted)
{
	char *text;

	m.nodes = 0;
	m.elapsed_ms = 10000;
	ui_plain_init(&p, fileno(out), false, false);
	ui_plain_tick(&p, &m);
	text = written();
	ck_assert_str_eq(text, "[   10s] compile: 0 jobs, 0 remote, 0 local, "
			       "0 running, warnings 0, errors 0\n");
	free(text);
	ui_plain_release(&p);
}
END_TEST

START_TEST(a_loop_that_slept_does_not_catch_up)
{
	char *text;
	unsigned lines = 0;

	ui_plain_init(&p, fileno(out), false, false);
	m.elapsed_ms = 10000;
	ui_plain_tick(&p, &m);
	m.elapsed_ms = 1000000;
	for (int i = 0; i < 5; i++)
		ui_plain_tick(&p, &m);
	text = written();
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, 2);
	free(text);
	ui_plain_release(&p);
}
END_TEST

START_TEST(a_reader_that_does_not_read_stops_nothing)
{
	static char big[300000];
	uint64_t began = clock_ms();
	size_t got = 0;
	char block[65536];
	int ends[2];
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	memset(big, 'x', sizeof(big) - 1);
	ui_plain_init(&p, ends[1], false, false);
	ui_plain_block(&p, big);
	ck_assert_uint_lt(clock_ms() - began, 500);
	ck_assert_uint_gt(p.waiting.len, 100000);
	/* It reads again: everything comes. */
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 100 && got < sizeof(big); i++) {
		while ((n = read(ends[0], block, sizeof(block))) > 0)
			got += (size_t)n;
		ui_plain_flush(&p);
	}
	ck_assert_uint_eq(got, sizeof(big));
	ui_plain_release(&p);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(what_nobody_ever_reads_is_bounded)
{
	static char big[1 << 20];
	uint64_t began = clock_ms();
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	memset(big, 'x', sizeof(big) - 1);
	ui_plain_init(&p, ends[1], false, false);
	for (int i = 0; i < 20; i++)
		ui_plain_line(&p, big);
	ck_assert_uint_le(p.waiting.len, UI_PLAIN_WAITING);
	ui_plain_release(&p);
	ck_assert_uint_lt(clock_ms() - began, 3000);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_reader_that_left_is_forgotten)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ui_plain_init(&p, ends[1], false, false);
	ui_plain_line(&p, "hello");
	ck_assert_uint_eq(p.waiting.len, 0);
	ui_plain_release(&p);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ui/plain");
	TCase *tc = tcase_create("plain");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_pipe_gets_a_line_after_10_40_100_160_seconds);
	tcase_add_test(tc, a_terminal_gets_a_line_a_second_while_there_is_news);
	tcase_add_test(tc, without_colour_there_is_no_control_character);
	tcase_add_test(tc, no_nodes_are_not_counted);
	tcase_add_test(tc, a_loop_that_slept_does_not_catch_up);
	tcase_add_test(tc, a_reader_that_does_not_read_stops_nothing);
	tcase_add_test(tc, what_nobody_ever_reads_is_bounded);
	tcase_add_test(tc, a_reader_that_left_is_forgotten);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
