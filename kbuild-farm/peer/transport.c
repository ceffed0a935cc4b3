/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/transport.h"

#include "base/str.h"
#include "node/command.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 4096

static void close_stderr(struct peer_transport *t)
{
	if (t->readable)
		event_free(t->readable);
	t->readable = NULL;
	if (t->stderr_fd >= 0)
		close(t->stderr_fd);
	t->stderr_fd = -1;
}

/* All that is there now; closes it at its end. */
static void read_words(struct peer_transport *t)
{
	char block[1024];
	ssize_t n = -1;

	while (t->stderr_fd >= 0 &&
	       (n = read(t->stderr_fd, block, sizeof(block))) > 0) {
		buf_add(&t->words, block, (size_t)n);
		if (t->words.len > WORDS_MAX)
			buf_consume(&t->words, t->words.len - WORDS_MAX);
	}
	if (!n)
		close_stderr(t);
}

static void on_words(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_words(arg);
}

int peer_transport_dial(struct peer_transport *t, struct event_base *base,
			const struct node_address *to, int *fd, struct err *err)
{
	struct node_dial dial;
	int ret;

	*t = (struct peer_transport){ .stderr_fd = -1 };
	ret = node_address_dial_quiet(to, &dial, &t->stderr_fd, err);
	if (ret)
		return ret;
	*fd = dial.fd;
	t->pid = dial.pid;
	if (t->stderr_fd < 0)
		return 0;
	t->readable = event_new(base, t->stderr_fd, EV_READ | EV_PERSIST,
				on_words, t);
	if (!t->readable || event_add(t->readable, NULL))
		str_out_of_memory();
	return 0;
}

char *peer_transport_reason(struct peer_transport *t, const char *why)
{
	char *words, *reason;

	read_words(t);
	words = node_command_last_line(&t->words);
	reason = node_command_advise(words ? words : why);
	free(words);
	return reason;
}

void peer_transport_end(struct peer_transport *t, struct children *children)
{
	close_stderr(t);
	buf_release(&t->words);
	if (t->pid > 0) {
		kill(-t->pid, SIGTERM);
		child_adopt(children, t->pid);
		t->pid = 0;
	}
}
