/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* Progress rows on a terminal, and as log lines without a terminal. */
#include "cli/progress.h"

#include "../lib/fake-clock.h"
#include "../lib/test.h"
#include "base/buf.h"
#include "base/log.h"

#include <poll.h>
#include <sys/ioctl.h>

static const struct {
	const char *what;
	bool bytes;
	uint64_t done, total;
	const char *text;
} texts[] = {
	{ "checking", true, 0, 0, "checking" },
	{ "fetching", true, 1 << 20, 0, "fetching, 1.0 MiB" },
	{ "fetching", true, 47290777, 105172173,
	  "fetching, 45.1 of 100.3 MiB, 44 %" },
	{ "fetching", true, 0, 1 << 20, "fetching, 0.0 of 1.0 MiB, 0 %" },
	{ "asking", false, 3, 40, "asking, 3 of 40" },
	{ "asking", false, 3, 0, "asking, 3" },
};

TEST_EACH(a_row_shows_activity_amount_and_percentage, texts)
{
	char *text = progress_format(row->what, row->bytes, row->done,
				     row->total);

	ck_assert_str_eq(text, row->text);
	free(text);
}

/* Read the output on standard error, which is a terminal or a pipe. */
static void read_all(int fd, struct buf *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char block[4096];
	ssize_t n;

	while (poll(&p, 1, 0) == 1 && (n = read(fd, block, sizeof(block))) > 0)
		buf_add(out, block, (size_t)n);
}

static int terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY), other;

	ck_assert_int_ge(fd, 0);
	ck_assert(!grantpt(fd) && !unlockpt(fd));
	other = open(ptsname(fd), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(dup2(other, STDERR_FILENO), 0);
	close(other);
	setenv("TERM", "xterm", 1);
	return fd;
}

static void work_on(struct progress *p, unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 50) {
		progress_tick(p);
		fake_clock_ms += 50;
	}
}

TEST(a_table_on_a_terminal_is_cleared_at_the_end)
{
	int fd = terminal();
	struct progress *p = progress_new();
	struct buf said = { 0 };
	size_t one = progress_add(p, "gcc-13.3.0-aarch64-linux");
	size_t two = progress_add(p, "clang-18.1.8");

	progress_set(p, one, "fetching", 1 << 20, 4 << 20);
	progress_set(p, two, "checking", 0, 0);
	work_on(p, 1400);
	read_all(fd, &said);
	text_has(buf_str(&said), "gcc-13.3.0-aarch64-linux  fetching, "
				 "1.0 of 4.0 MiB, 25 %");
	text_has(buf_str(&said), "clang-18.1.8              checking");
	buf_reset(&said);
	progress_end(p, one);
	progress_free(p);
	read_all(fd, &said);
	/*
	 * The cursor moves up to the first line, and the lines below are
	 * cleared.
	 */
	text_has(buf_str(&said), "\033[2A\033[J");
	buf_release(&said);
	close(fd);
}

/* A table of 20 rows on a terminal of few lines. */
static const struct {
	unsigned short height;
	const char *up, *last, *missing;
} heights[] = {
	{ 10, "\033[9A\033[J", "node8   updating\r\n... and 12 more\r\n",
	  "node9" },
	{ 20, "\033[19A\033[J", "node18  updating\r\n... and 2 more\r\n",
	  "node19" },
	{ 21, "\033[20A\033[J", "node20  updating\r\n", "more" },
	{ 2, "\033[1A\033[J", "... and 20 more\r\n", "updating" },
	{ 1, "", "", "more" },
};

TEST_EACH(a_table_is_not_higher_than_the_terminal, heights)
{
	const struct winsize size = { .ws_row = row->height, .ws_col = 80 };
	int fd = terminal();
	struct progress *p = progress_new();
	struct buf said = { 0 };

	ck_assert(!ioctl(fd, TIOCSWINSZ, &size));
	for (unsigned i = 1; i <= 20; i++) {
		char *name = xasprintf("node%u", i);

		progress_set(p, progress_add(p, name), "updating", 0, 0);
		free(name);
	}
	work_on(p, 1200);
	progress_free(p);
	read_all(fd, &said);
	text_has(buf_str(&said), row->last);
	text_has(buf_str(&said), row->up);
	ck_assert(!strstr(buf_str(&said), row->missing));
	buf_release(&said);
	close(fd);
}

static int quick(void *arg)
{
	*(int *)arg += 1;
	return -7;
}

TEST(a_quick_operation_prints_no_progress)
{
	int fd = terminal(), called = 0;
	struct buf said = { 0 };

	ck_assert_int_eq(progress_run("x", "removing", quick, &called), -7);
	ck_assert_int_eq(called, 1);
	read_all(fd, &said);
	ck_assert_uint_eq(said.len, 0);
	close(fd);
}

TEST(without_a_terminal_an_active_row_is_logged_as_a_line)
{
	struct buf said = { 0 };
	struct progress *p;
	int fds[2];

	ck_assert(!pipe(fds));
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	log_init("kfarm", LOG_INFO);
	p = progress_new();
	progress_count(p, progress_add(p, "mirror"), "asking", 1, 2);
	progress_add(p, "waits for its turn");
	work_on(p, 2300);
	progress_free(p);
	read_all(fds[0], &said);
	text_starts(buf_str(&said), "kfarm: mirror: asking, 1 of 2\n");
	ck_assert(!strstr(buf_str(&said), "waits"));
	buf_release(&said);
}
