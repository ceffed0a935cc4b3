/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/command.h"

#include "base/spawn.h"
#include "base/str.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 500

static bool ended(pid_t pid, int *status)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0) {
		poll(&p, 1, END_MS);
		close(fd);
	}
	return waitpid(pid, status, WNOHANG) == pid;
}

int node_command_end(pid_t pid)
{
	int status = 0;
	bool over = ended(pid, &status);

	if (!over) {
		kill(-pid, SIGTERM);
		over = ended(pid, &status);
	}
	/* Also what the command left behind in its group. */
	kill(-pid, SIGKILL);
	return over ? status : spawn_wait(pid);
}

char *node_command_last_line(const struct buf *text)
{
	const char *s = buf_str(text);
	size_t end = text->len, start;
	char *line;

	while (end && (unsigned char)s[end - 1] <= ' ')
		end--;
	for (start = end; start && s[start - 1] != '\n'; start--)
		;
	if (start == end)
		return NULL;
	line = xstrndup(s + start, end - start);
	for (char *p = line; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return line;
}
