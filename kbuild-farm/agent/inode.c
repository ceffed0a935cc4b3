/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/inode.h"

#include "cell/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

int agent_inode_put(void *cell, const char *path,
		    const struct wire_inode *inode, int fd, struct err *err)
{
	switch ((enum wire_kind)inode->kind) {
	case WIRE_FILE:
		return cell_put_file(cell, path, fd, inode->size,
				     inode->executable, inode->mtime_ns, err);
	case WIRE_LINK:
		return cell_put_link(cell, path, inode->target, err);
	case WIRE_DIR:
		return cell_put_dir(cell, path, err);
	case WIRE_GONE:
		return cell_remove(cell, path, err);
	}
	return err_set(err, EPROTO, "an entry of kind %u", inode->kind);
}

int agent_inode_put_from(void *cell, const char *path,
			 const struct wire_inode *inode, const char *from,
			 struct err *err)
{
	int fd = -1, ret;

	if (inode->kind == WIRE_FILE) {
		fd = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_errno(err, "%s", from);
	}
	ret = agent_inode_put(cell, path, inode, fd, err);
	if (fd >= 0)
		close(fd);
	return ret;
}
