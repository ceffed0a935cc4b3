/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/inode.h"

struct wire_inode agent_inode_of(const struct compiler_entry *e)
{
	return (struct wire_inode){
		.kind = (uint8_t)e->kind,
		.executable = e->executable,
		.size = e->size,
		.mtime_ns = e->mtime_ns,
		.digest = e->digest,
		.target = e->target,
	};
}

struct compiler_entry agent_inode_entry(const char *path,
					const struct wire_inode *inode)
{
	return (struct compiler_entry){
		.path = (char *)path,
		.kind = (enum compiler_kind)inode->kind,
		.executable = inode->executable,
		.size = inode->size,
		.mtime_ns = inode->mtime_ns,
		.digest = inode->digest,
		.target = inode->target,
	};
}
