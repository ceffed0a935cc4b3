/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/record.h - what a kept toolchain consists of, by its own account.
 *
 * It lies as AGENT_RECORD in the toolchain's directory.  Nothing on disk is
 * believed: what cannot be read as a record, and files that are not as it
 * says, are damage.
 *
 *	u32 0, string id, string host, digest tree, digest same_as, u8 1,
 *	string "", u32 count x (string path, inode as in VIEW),
 *	SHA-256 of all that
 */
#ifndef AGENT_RECORD_H
#define AGENT_RECORD_H

#include "toolchain/tree.h"
#include "wire/msg.h"

#define AGENT_RECORD ".kfarm"
/* Bytes that all paths and targets of one may have. */
#define AGENT_RECORD_NAMES (16u << 20)
/* What was found to be damaged, as a line of text; no file: nothing was. */
#define AGENT_DAMAGE ".damage"

struct agent_record {
	char *id;
	char *host;
	struct digest tree, same_as;
	struct compiler_entries entries; /* paths below the directory */
	uint64_t bytes; /* of all files */
	size_t names; /* bytes of paths and targets */
};

void agent_record_release(struct agent_record *r);

/*
 * One more entry, whose strings are copied.  0; -EINVAL where there are too
 * many entries or bytes, or it is GONE.
 */
int agent_record_add(struct agent_record *r, const char *path,
		     const struct wire_inode *inode, struct err *err);
/*
 * All have come: sorts them.  0; -EINVAL with `err` naming the entry that
 * cannot be (twice, below a file or a link, a link that leads out, a name that
 * is ours), or because the digest of the tree is another.
 */
int agent_record_judge(struct agent_record *r, struct err *err);

/* Write it into a directory. */
int agent_record_write(const struct agent_record *r, const char *dir,
		       struct err *err);
/* 0; -ENOENT: nothing there; -EBADMSG: damaged; another error. */
int agent_record_read(struct agent_record *out, const char *dir,
		      struct err *err);
/* The body of the file, and back; for the two above, and fuzzing. */
void agent_record_encode(const struct agent_record *r, struct buf *out);
int agent_record_decode(struct agent_record *out, struct bytes in,
			struct err *err);

/*
 * Are the files in `dir` as it says, as far as lstat(2) tells: there, of that
 * kind, size, mode and time?  One whose time alone differs is read.  Or,
 * _verify(), all of them, byte by byte, and nothing beside them?  0; -EBADMSG
 * with `err` naming the first that is not; -ECANCELED.
 */
int agent_record_glance(const struct agent_record *r, const char *dir,
			struct err *err);
int agent_record_verify(const struct agent_record *r, const char *dir,
			const atomic_bool *stop, struct err *err);

/*
 * The entry of a compiler called `name`: the shortest "bin/NAME" or path that
 * ends so, a link or an executable file.  NULL: there is none.
 */
const struct compiler_entry *agent_record_driver(const struct agent_record *r,
						 const char *name);

#endif
