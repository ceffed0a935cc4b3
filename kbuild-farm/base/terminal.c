/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int same_terminal(int a, int b)
{
	unsigned first = 0, second = 0;

	return !ioctl(a, TIOCGDEV, &first) && !ioctl(b, TIOCGDEV, &second) &&
	       first == second;
}

int terminal_open(int fd)
{
	int flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char path[32];
	int got, saved;

	if (!isatty(fd))
		return -ENOTTY;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	got = open(path, flags);
	if (got >= 0)
		return got;
	/* After su(1), the device may belong to another user: try /dev/tty. */
	saved = errno;
	got = open("/dev/tty", flags);
	if (got >= 0 && same_terminal(got, fd))
		return got;
	if (got >= 0)
		close(got);
	return -saved;
}

bool terminal_size(int fd, unsigned *rows, unsigned *columns)
{
	struct winsize size = { 0 };

	*rows = *columns = 0;
	if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return false;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return true;
}

bool terminal_is_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 || group == getpgrp();
}
