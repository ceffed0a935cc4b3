/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/command.h - the end of a command that node_address_dial_quiet() started.
 */
#ifndef NODE_COMMAND_H
#define NODE_COMMAND_H

#include "base/buf.h"
#include "node/address.h"

#include <sys/types.h>

/*
 * Its conversation is over: give it half a second to end by itself, as long
 * again after SIGTERM, then kill what is left of its process group.  Returns
 * its wait status.
 */
int node_command_end(pid_t pid);
/*
 * The last line of its stderr that is not blank, control characters made
 * blanks; NULL when there is none, else the caller's to free.
 */
char *node_command_last_line(const struct buf *text);
/*
 * `why` the node at `address` never said hello, as node_command_last_line() or
 * the conversation tells it, with what to do about it, the command to type,
 * where that is known.  `words` is all that there is of the command's stderr.
 * The caller frees it.
 */
char *node_command_advise(const char *why, const struct buf *words,
			  const struct node_address *address);

#endif
