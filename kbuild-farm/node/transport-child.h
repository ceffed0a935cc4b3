/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node/transport-child.h - Shutdown and diagnosis of a transport command. */
#ifndef NODE_TRANSPORT_CHILD_H
#define NODE_TRANSPORT_CHILD_H

#include "base/buf.h"
#include "node/address.h"

#include <sys/types.h>

/*
 * Wait up to `timeout_ms` for the exit of the command, and reap it.  Returns
 * true and sets *status to its wait status, or false if it still runs.
 */
bool node_transport_child_wait(pid_t pid, unsigned timeout_ms, int *status);
/*
 * Stop the command of a closed session: wait half a second, send SIGTERM, wait
 * another half second, then kill the command's process group.  Returns the wait
 * status of the command.
 */
int node_transport_child_stop(pid_t pid);
/*
 * Return the last line of `text` that is not blank, with control characters
 * replaced by blanks, or NULL if no such line exists.  `text` is the stderr of
 * the command.  The caller frees the result.
 */
char *node_transport_child_last_line(const struct buf *text);
/*
 * Explain why the node at `address` never sent HELLO and, if known, which
 * command helps.  `reason` is the result of node_transport_child_last_line() or
 * the error of the session; `stderr_text` is the whole stderr.  The caller
 * frees the text.
 */
char *node_transport_child_explain(const char *reason,
				   const struct buf *stderr_text,
				   const struct node_address *address);

#endif
