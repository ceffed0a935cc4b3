/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/terminal.h"

#include <sys/ioctl.h>

static int master, slave;

static void set_up(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(master, 0);
	ck_assert(!grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
}

static void tear_down(void)
{
	close(slave);
	close(master);
}

FIXTURE(set_up, tear_down);

TEST(a_reopened_terminal_is_non_blocking)
{
	int fd = terminal_open(slave);
	char block[4096];
	ssize_t n = 0;

	ck_assert_int_ge(fd, 0);
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 1000 && n >= 0; i++)
		n = write(fd, block, sizeof(block));
	ck_assert_int_eq(n, -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(read(fd, block, sizeof(block)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	/* The descriptor of other users is unchanged. */
	ck_assert(!(fcntl(slave, F_GETFL) & O_NONBLOCK));
	close(fd);
}

TEST(a_reopened_terminal_is_the_same_terminal)
{
	int fd = terminal_open(slave);
	char got[8] = "";

	ck_assert_int_eq(write(fd, "hello", 5), 5);
	ck_assert_int_eq(read(master, got, sizeof(got) - 1), 5);
	ck_assert_str_eq(got, "hello");
	close(fd);
}

TEST(a_file_that_is_not_a_terminal_is_rejected)
{
	int fd = open("/dev/null", O_RDWR);
	unsigned rows = 1, columns = 1;

	ck_assert_int_eq(terminal_open(fd), -ENOTTY);
	ck_assert(!terminal_size(fd, &rows, &columns));
	ck_assert_uint_eq(rows + columns, 0);
	ck_assert_int_eq(terminal_open(-1), -ENOTTY);
	close(fd);
}

TEST(the_size_is_returned_if_it_is_known)
{
	struct winsize size = { .ws_row = 30, .ws_col = 100 };
	unsigned rows, columns;

	ck_assert(!terminal_size(slave, &rows, &columns));
	ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &size), 0);
	ck_assert(terminal_size(slave, &rows, &columns));
	ck_assert_uint_eq(rows, 30);
	ck_assert_uint_eq(columns, 100);
}

/*
 * Run in a new session that owns the terminal.  Returns the number of the
 * failed check, or 0.
 */
static int play_session(void)
{
	int status = -1;

	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0))
		return 1;
	if (!terminal_is_foreground(slave))
		return 2;
	if (!fork()) {
		setpgid(0, 0);
		_exit(terminal_is_foreground(slave));
	}
	wait(&status);
	return status ? 3 : 0;
}

TEST(terminal_is_foreground_is_false_in_a_background_job)
{
	int status = -1;

	/* not the controlling terminal */
	ck_assert(terminal_is_foreground(slave));
	if (!fork())
		_exit(play_session());
	wait(&status);
	ck_assert_int_eq(status, 0);
}
