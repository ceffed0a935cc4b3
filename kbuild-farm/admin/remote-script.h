/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin/remote-script.h - Execution of a shell script on a node through ssh.
 *
 * The script is written for any POSIX `sh`, such as dash, bash or busybox.  The
 * shell runs the script only after it has received the whole text.  LC_ALL is
 * C, PATH also contains the usual directories, and the umask is 022.  The
 * variable kfarm_script contains the text of the script, so that the script can
 * restart as another user: `exec sudo -n sh -c "$kfarm_script"`.  The stdin of
 * the script is the input that the caller sends.  Output of the login before
 * the script's first line is dropped.
 */
#ifndef ADMIN_REMOTE_SCRIPT_H
#define ADMIN_REMOTE_SCRIPT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct admin_remote_script_session;

/*
 * Called for each line of the script's output, without the newline.  The
 * callback can send input.  Returns 0, or -errno with `err` set, which ends the
 * connection.
 */
typedef int admin_remote_script_line_fn(
	void *ctx, struct admin_remote_script_session *talk, const char *line,
	struct err *err);

struct admin_remote_script {
	const char *name; /* name of the node, for errors */
	const char *ssh; /* [USER@]HOST */
	struct bytes script;
	/* Complete stdin of the script; not used with `on_line`. */
	struct bytes input;
	/* maximum time without any transfer; 0: two minutes */
	unsigned idle_timeout_ms;
	/* let ssh ask for a password on the terminal */
	bool interactive;
	const void *cancel; /* atomic_bool; true ends the run; can be NULL */
	/* Called for each line of the output; can be NULL. */
	admin_remote_script_line_fn *on_line;
	/*
	 * Called with the number of unsent bytes when the script starts, and
	 * after each later write.
	 */
	void (*on_sent)(void *ctx, size_t left); /* can be NULL */
	void *line_ctx; /* argument of on_line() */
	void *sent_ctx; /* argument of on_sent() */
};

/*
 * Run the script and wait for its end.  Up to 1 MiB of output is appended to
 * `out`, which can be NULL.  Callbacks use the calling thread.
 *
 * Returns 0 if the script exited with 0; -EHOSTUNREACH if it did not start;
 * -EIO if the script or the connection failed; -ETIMEDOUT after the idle
 * timeout; -EINTR after `cancel`; -EMSGSIZE after more than 1 MiB of output; or
 * an error of on_line.  `err` names the node and the problem.  It contains
 * advice if the script did not start, and the last line of the script's stderr
 * if the script failed.
 */
int admin_remote_script_run(const struct admin_remote_script *r,
			    struct buf *out, struct err *err);

/* Called from on_line: queue input for the script.  The bytes are copied. */
void admin_remote_script_send(struct admin_remote_script_session *talk,
			      struct bytes in);
/* Called from on_line: close the script's stdin after the queued input. */
void admin_remote_script_close_input(struct admin_remote_script_session *talk);

#endif
