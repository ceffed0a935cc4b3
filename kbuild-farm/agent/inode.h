/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/inode.h - an entry of a toolchain, and what VIEW tells of it.
 * Strings are borrowed both ways.
 */
#ifndef AGENT_INODE_H
#define AGENT_INODE_H

#include "compiler/manifest.h"
#include "wire/msg-cell.h"

struct wire_inode agent_inode_of(const struct compiler_entry *e);
struct compiler_entry agent_inode_entry(const char *path,
					const struct wire_inode *inode);

#endif
