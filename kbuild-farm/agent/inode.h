/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/inode.h - an entry of a toolchain, what VIEW tells of it, and how it
 * comes into a cell.  Strings are borrowed both ways.
 */
#ifndef AGENT_INODE_H
#define AGENT_INODE_H

#include "base/err.h"
#include "compiler/manifest.h"
#include "wire/msg-cell.h"

struct wire_inode agent_inode_of(const struct compiler_entry *e);
struct compiler_entry agent_inode_entry(const char *path,
					const struct wire_inode *inode);

/* An agent_view_put_fn whose context is a struct cell. */
int agent_inode_put(void *cell, const char *path,
		    const struct wire_inode *inode, int fd, struct err *err);
/* The same with a file's bytes from the file `from` of this node. */
int agent_inode_put_from(void *cell, const char *path,
			 const struct wire_inode *inode, const char *from,
			 struct err *err);

#endif
