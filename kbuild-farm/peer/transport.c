/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/transport.h"

#include "base/str.h"
#include "node/command.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 4096

static void close_stderr(struct peer_transport *l)
{
	if (l->said)
		event_free(l->said);
	l->said = NULL;
	if (l->stderr_fd >= 0)
		close(l->stderr_fd);
	l->stderr_fd = -1;
}

/* All that is there now; closes it at its end. */
static void listen_on(struct peer_transport *l)
{
	char block[1024];
	ssize_t n = -1;

	while (l->stderr_fd >= 0 &&
	       (n = read(l->stderr_fd, block, sizeof(block))) > 0) {
		buf_add(&l->words, block, (size_t)n);
		if (l->words.len > WORDS_MAX)
			buf_consume(&l->words, l->words.len - WORDS_MAX);
	}
	if (!n)
		close_stderr(l);
}

static void on_words(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	listen_on(arg);
}

int peer_transport_dial(struct peer_transport *l, struct event_base *base,
			const struct node_address *to, int *fd, struct err *err)
{
	struct node_dial dial;
	int ret;

	*l = (struct peer_transport){ .stderr_fd = -1 };
	ret = node_address_dial_quiet(to, &dial, &l->stderr_fd, err);
	if (ret)
		return ret;
	*fd = dial.fd;
	l->pid = dial.pid;
	if (l->stderr_fd < 0)
		return 0;
	l->said = event_new(base, l->stderr_fd, EV_READ | EV_PERSIST, on_words,
			    l);
	if (!l->said || event_add(l->said, NULL))
		str_out_of_memory();
	return 0;
}

char *peer_transport_reason(struct peer_transport *l, const char *why)
{
	char *words, *reason;

	listen_on(l);
	words = node_command_last_line(&l->words);
	reason = node_command_advise(words ? words : why);
	free(words);
	return reason;
}

void peer_transport_end(struct peer_transport *l, struct children *children)
{
	close_stderr(l);
	buf_release(&l->words);
	if (l->pid > 0) {
		kill(-l->pid, SIGTERM);
		child_adopt(children, l->pid);
		l->pid = 0;
	}
}
