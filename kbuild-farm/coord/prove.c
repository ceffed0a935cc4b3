/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/prove.h"

#include "base/spawn.h"
#include "options/rewrite.h"
#include "wire/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MS 120000 /* of each program, on a busy machine */

static int run_beside(const struct coord_proof *p, const struct strv *argv,
		      int in, struct buf *out, struct buf *said, int *status,
		      struct err *err)
{
	const struct spawn what = { .argv = argv->v,
				    .env = strv_list(&p->ask->env),
				    .cwd = p->ask->cwd,
				    .fd = { in, -1, -1 } };
	const struct spawn_limits limits = { .max = WIRE_CC_DIAG_MAX,
					     .timeout_ms = TIMEOUT_MS,
					     .stop = p->stop };

	return spawn_collect(&what, &limits, out, said, status, err);
}

static int preprocess(const struct coord_proof *p, struct buf *said,
		      int *status, struct err *err)
{
	struct strv argv = { 0 };
	struct buf out = { 0 };
	int ret;

	options_rewrite_outputs(&argv, p->command, p->ask->compiler, p->text,
				NULL);
	ret = run_beside(p, &argv, -1, &out, said, status, err);
	buf_release(&out);
	strv_release(&argv);
	return ret;
}

static int let_read(const struct coord_proof *p, struct buf *out,
		    struct buf *said, int *status, struct err *err)
{
	struct strv argv = { 0 };
	int fd = open(p->text, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return err_errno(err, "%s", p->text);
	strv_add(&argv, p->step->program);
	strv_add_all(&argv, strv_list(&p->step->args));
	ret = run_beside(p, &argv, fd, out, said, status, err);
	close(fd);
	strv_release(&argv);
	return ret;
}

/*
 * What our tool says must be the last that the node said; what a compiler says
 * of paths and languages is looked at elsewhere.
 */
static bool is_equal(const struct peer_answer *a, const struct buf *out,
		     const struct buf *said, struct err *err)
{
	struct bytes all = buf_bytes(&a->stream[WIRE_STDERR]);
	struct bytes ours = buf_bytes(said);
	const char *what = NULL;

	if (a->result.wait_status)
		what = "how it ended";
	else if (!bytes_equal(buf_bytes(&a->stream[WIRE_STDOUT]),
			      buf_bytes(out)))
		what = "what it printed";
	else if (all.len < ours.len ||
		 (ours.len &&
		  memcmp(all.data + all.len - ours.len, ours.data, ours.len)))
		what = "what it said";
	if (what)
		err_set(err, EBADMSG, "%s is not what ours does", what);
	return !what;
}

static enum coord_proven compare_here(const struct coord_proof *p,
				      const struct peer_answer *a,
				      struct err *err)
{
	struct buf out = { 0 }, words = { 0 }, said = { 0 };
	enum coord_proven is = COORD_PROVEN_NOT;
	int status = 0;

	if (!preprocess(p, &words, &status, err) && !status &&
	    !let_read(p, &out, &said, &status, err) && !status)
		is = is_equal(a, &out, &said, err) ? COORD_PROVEN_NOW :
						     COORD_PROVEN_WRONG;
	unlink(p->text);
	buf_release(&out);
	buf_release(&words);
	buf_release(&said);
	return is;
}

enum coord_proven coord_prove(const struct coord_proof *p,
			      const struct peer_answer *a, struct err *err)
{
	if (p->outdated)
		return COORD_PROVEN_NOT;
	if (atomic_load(p->program) >= COORD_PROVE_PROGRAM &&
	    atomic_load(p->node) >= COORD_PROVE_NODE)
		return COORD_PROVEN;
	return compare_here(p, a, err);
}
