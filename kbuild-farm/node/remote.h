/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/remote.h - run a script on a node, by one ssh connection.
 *
 * The script is POSIX sh, and is run by whatever `sh` is there: dash, bash,
 * busybox.  It is run whole or not at all: one that arrived in part is not
 * begun.  It starts with LC_ALL=C, the usual directories added to PATH, umask
 * 022, and its own text in $kfarm_script, so that it may begin again as
 * somebody else: `exec sudo -n sh -c "$kfarm_script"`.  Its standard input is
 * what the caller sends.  What a login prints before the script's first line is
 * dropped.
 */
#ifndef NODE_REMOTE_H
#define NODE_REMOTE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct node_remote_talk;

/*
 * A line that the script printed, without its end.  May send what comes next;
 * 0, or a negative errno with `err` set, which ends the connection.
 */
typedef int node_remote_line(void *ctx, struct node_remote_talk *talk,
			     const char *line, struct err *err);

struct node_remote {
	const char *name; /* of the node, for errors */
	const char *ssh; /* [USER@]HOST */
	struct bytes script;
	/* Its standard input, and then the end of file; without `on_line`. */
	struct bytes input;
	unsigned quiet_ms; /* -ETIMEDOUT after so long without a byte either
			      way; 0: two minutes */
	/* ssh may ask for a password, at the terminal that is ours. */
	bool asks;
	const void *stop; /* -EINTR once this atomic_bool is true; or NULL */
	node_remote_line *on_line; /* or NULL: the lines go to `out` */
	/* How many bytes wait: once when it begins, and when it took some. */
	void (*on_sent)(void *ctx, size_t left); /* or NULL */
	void *ctx; /* of on_line */
	void *sent_ctx;
};

/*
 * Run it to its end; its output is appended to `out` (may be NULL), 1 MiB at
 * most.  Any thread may call it; callbacks come from that one.
 *
 * Returns 0 when the script exited with 0.  Else `err` says on which node what
 * happened, for a script the last line of its standard error: -EHOSTUNREACH
 * when it was not begun (ssh refuses, no such host), with what to do about it;
 * -EIO when it failed, or the connection did; what ended it above; -EMSGSIZE.
 */
int node_remote_run(const struct node_remote *r, struct buf *out,
		    struct err *err);

/* For on_line: what the script reads next; copied. */
void node_remote_send(struct node_remote_talk *talk, struct bytes in);
/* Nothing more: the end of its standard input. */
void node_remote_end_input(struct node_remote_talk *talk);

#endif
