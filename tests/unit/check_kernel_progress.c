/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "../lib/turn-loop.h"
#include "kernel-tree.h"
#include "kernel/progress.h"

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/time.h>

static struct diag_log j;
static struct event_base *base;
static unsigned n_lines;

/* The next two functions fail with these errors, as if a limit were reached. */
static int init_error, add_error;

int inotify_init1(int flags)
{
	errno = init_error;
	return init_error ? -1 : (int)syscall(SYS_inotify_init1, flags);
}

/* The header of the C library uses other parameter names. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	errno = add_error;
	return add_error ? -1 :
			   (int)syscall(SYS_inotify_add_watch, fd, path, mask);
}

static void on_line(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
	n_lines++;
}

FIXTURE(tree_set_up, tree_tear_down);

TEST(new_log_lines_are_read_soon_after_they_are_written)
{
	struct diag_log_sink sink = { .on_line = on_line };
	struct kernel_progress f;
	struct err err = { 0 };
	char *path = at("log");
	int fd;

	base = event_base_new();
	diag_log_init(&j, &sink);
	put_file("log", "one\n", 0644);
	must(kernel_progress_start(&f, base, path, &j, &err));
	fd = open(path, O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, "two\nthr", 7), 7);
	turn_loop(base, 400);
	ck_assert_uint_eq(n_lines, 2);
	ck_assert_int_eq(write(fd, "ee\n", 3), 3);
	turn_loop(base, 400);
	ck_assert_uint_eq(n_lines, 3);
	ck_assert_int_eq(write(fd, "four\n", 5), 5);
	kernel_progress_read(&f);
	ck_assert_uint_eq(n_lines, 4);
	kernel_progress_stop(&f);
	diag_log_release(&j);
	event_base_free(base);
	close(fd);
	free(path);
}

static const struct {
	const char *name;
	int init_error, add_error;
} limits[] = {
	{ "max_user_instances", EMFILE, 0 },
	{ "max_user_watches", 0, ENOSPC },
};

TEST_EACH(a_log_that_cannot_be_watched_is_read_periodically, limits)
{
	struct diag_log_sink sink = { .on_line = on_line };
	struct kernel_progress f;
	struct err err = { 0 };
	char *path = at("log");
	int fd;

	init_error = row->init_error;
	add_error = row->add_error;
	base = event_base_new();
	diag_log_init(&j, &sink);
	put_file("log", "one\n", 0644);
	must(kernel_progress_start(&f, base, path, &j, &err));
	fd = open(path, O_WRONLY | O_APPEND);
	for (unsigned n = 1; n <= 3; n++) {
		while (n_lines < n)
			ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
		ck_assert_int_eq(write(fd, "next\n", 5), 5);
	}
	kernel_progress_stop(&f);
	diag_log_release(&j);
	event_base_free(base);
	close(fd);
	free(path);
}

TEST(a_missing_log_is_an_error)
{
	struct kernel_progress f;
	struct err err = { 0 };

	base = event_base_new();
	ck_assert_int_eq(
		kernel_progress_start(&f, base, "/nonexistent", &j, &err),
		-ENOENT);
	kernel_progress_stop(&f);
	event_base_free(base);
}

/* make -O encloses the output of each target in two lines. */
TEST(repeated_directory_lines_of_make_are_detected)
{
	static const struct {
		const char *line;
		bool is_repeated;
	} log[] = {
		{ "make[1]: Entering directory '/b'", false },
		{ "  GEN     Makefile", false },
		{ "make[1]: Leaving directory '/b'", true },
		{ "make[1]: Entering directory '/b'", true },
		{ "  UPD     a.h", false },
		{ "make[1]: Leaving directory '/b'", true },
		{ "make[2]: Entering directory '/b/tools'", false },
		{ "make[2]: Leaving directory '/b/tools'", false },
	};
	struct kernel_progress f = { 0 };
	char *line;

	for (int program = 0; program < 2; program++) {
		for (size_t i = 0; i < sizeof(log) / sizeof(*log); i++)
			ck_assert_int_eq(
				kernel_progress_note_directory(&f, log[i].line),
				log[i].is_repeated);
		line = kernel_progress_end_program(&f);
		ck_assert_str_eq(line, "make[1]: Leaving directory '/b'");
		free(line);
	}
	ck_assert_ptr_null(kernel_progress_end_program(&f));
}
