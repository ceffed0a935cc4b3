/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/answer.h - a compiler's answer to a probe, in a file.
 *
 * Such a file is "kfanswr1", a hash of the rest, then fields of base/bytes.h:
 * the question whole, so that two of one name are told apart, and the answer.
 * What is damaged, too long, of another user or another question's is as if it
 * were not there.
 */
#ifndef CC_ANSWER_H
#define CC_ANSWER_H

#include "base/buf.h"

/* Of a file; a longer answer is not remembered. */
#define CC_REMEMBERED_MAX (64u << 10)

struct cc_remembered {
	unsigned status;
	bool has_output; /* a file was written */
	bool executable;
	struct bytes out, err; /* what it said */
	struct bytes output; /* what it wrote */
};

/* The bytes of such a file. */
void cc_answer_encode(struct buf *to, struct bytes question,
		      const struct cc_remembered *a);
/*
 * Read one; what `a` has is borrowed from `in`.  False: it is not the answer to
 * this question.
 */
bool cc_answer_decode(struct cc_remembered *a, struct bytes in,
		      struct bytes question);

/*
 * The answer that lies in `dir`: true, with the file's bytes in `file`, from
 * which `a` borrows.
 */
bool cc_answer_read(struct cc_remembered *a, struct buf *file, const char *dir,
		    struct bytes question);
/* Put it there, in one step, if there is room; nobody depends on it. */
void cc_answer_write(const char *dir, struct bytes question,
		     const struct cc_remembered *a);

/* A file of ours of at most `max` bytes, whole; false: there is none. */
bool cc_answer_load(struct buf *out, const char *path, size_t max);
/* Put a file into `dir`, which `path` is in, as cc_answer_write() does. */
void cc_answer_save(const char *dir, const char *path, struct bytes in);

#endif
