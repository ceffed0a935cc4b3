/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/verdict.h"

#include "base/clock.h"
#include "base/depfile.h"
#include "base/fs.h"
#include "base/printable.h"
#include "base/str.h"
#include "coord/answer.h"
#include "coord/job.h"
#include "coord/remote.h"
#include "inputs/toolchain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void coord_verdict_free(struct coord_verdict *v)
{
	if (!v)
		return;
	buf_release(&v->dep);
	free(v);
}

static bool here(struct coord_verdict *v, const char *why)
{
	v->is = COORD_HERE;
	v->why = why;
	return false;
}

struct reading {
	struct coord_job *job;
	size_t hint; /* where in the closure the last one was */
	bool unknown; /* one was no file of the closure */
};

static bool is_known(struct reading *r, const char *name)
{
	const struct inputs_manifest *m = &r->job->manifest;

	if (inputs_manifest_has(m, name, &r->hint) ||
	    inputs_manifest_has_file(m, r->job->ask.cwd, name, &r->hint))
		return true;
	if (!r->unknown)
		err_set(&r->job->verdict->err, ENOENT, "%s", name);
	r->unknown = true;
	return false;
}

static bool is_system(void *ctx, const char *name)
{
	struct reading *r = ctx;
	const struct scan_file *files = r->job->manifest.closure.files;

	return is_known(r, name) && files[r->hint - 1].kind == SCAN_SYSTEM;
}

static int read_list(struct reading *r, struct bytes full)
{
	struct strv read = { 0 };
	int ret = depfile_list(&read, full);

	for (size_t i = 0; !ret && i < read.n; i++)
		is_known(r, read.v[i]);
	strv_release(&read);
	return ret;
}

/*
 * Did it read files of the closure alone?  The list that the local compiler
 * would have written is made in the same go.
 */
static bool reads_known_files(struct coord_job *job)
{
	struct bytes full = buf_bytes(&job->answer.stream[WIRE_DEPS]);
	struct coord_verdict *v = job->verdict;
	struct reading r = { .job = job };
	int ret;

	if (!full.len)
		return here(v, "no list of files read");
	if (job->compile.leaves_out)
		ret = depfile_cut(&v->dep, full, is_system, &r);
	else
		ret = read_list(&r, full);
	if (ret)
		return here(v, "unreadable list of files read");
	return !r.unknown || here(v, "read a file unknown to the scan");
}

/* What cc1 wrote for the assembler: in a directory that is the job's own. */
static bool is_temporary(const char *name)
{
	static const char start[] = "/.kfarm/tmp/cc";

	return str_starts(name, start) && str_ends(name, ".s") &&
	       !strchr(name + strlen(start), '/');
}

/*
 * The assembler also lists names that it looked for and did not find; a bare
 * one was looked for in the working directory.  And it lists what ".file"
 * says, which gcc writes: the source's name without its directory.
 */
static bool was_read(const struct coord_job *job, const char *name)
{
	char *path;
	bool there;

	if (job->compile.lang == OPTIONS_C &&
	    !strcmp(name, str_base(job->compile.source)))
		return false;
	path = coord_job_path(job, name);
	there = strchr(name, '/') || fs_exists(path);
	free(path);
	return there;
}

static bool assembles_known_files(struct coord_job *job)
{
	struct strv read = { 0 };
	size_t hint = 0;
	bool known = true;

	if (depfile_list(&read, buf_bytes(&job->answer.stream[WIRE_ASREAD])))
		return here(job->verdict, "unreadable list of files assembled");
	for (size_t i = 0; i < read.n && known; i++) {
		known = is_temporary(read.v[i]) ||
			inputs_manifest_has(&job->manifest, read.v[i], &hint) ||
			!was_read(job, read.v[i]);
		if (!known)
			err_set(&job->verdict->err, ENOENT, "%s", read.v[i]);
	}
	strv_release(&read);
	return known ||
	       here(job->verdict, "assembled a file unknown to the scan");
}

static bool is_unchanged(struct coord_job *job)
{
	const char *path = inputs_manifest_changed(&job->manifest,
						   job->ask.cwd);

	if (!path)
		return true;
	job->verdict->is = COORD_CHANGED;
	err_set(&job->verdict->err, ESTALE, "%s", path);
	return false;
}

static int write_dep(struct coord_job *job, struct err *err)
{
	const struct buf *list = &job->verdict->dep;

	if (!job->dep)
		return 0;
	if (!job->compile.leaves_out)
		list = &job->answer.stream[WIRE_DEPS];
	return coord_answer_write(job, job->dep_tmp, buf_bytes(list), err);
}

static bool is_right(struct coord_job *job)
{
	struct coord_verdict *v = job->verdict;

	if (!peer_answer_check(&job->answer, &v->err))
		return true;
	v->is = COORD_WRONG;
	return false;
}

/* A node's words are shown to a person. */
static bool is_plain(const struct buf *b)
{
	return printable(buf_bytes(b), PRINTABLE_LAYOUT | PRINTABLE_COLOURS);
}

/* Is what it says to be said by us? */
static bool may_say(struct coord_job *job)
{
	const struct buf *said = job->answer.stream;
	const uint32_t *len = job->answer.result.len;
	size_t out = len[WIRE_STDOUT], err = len[WIRE_STDERR];

	if (job->answer.result.wait_status)
		return here(job->verdict, "compile error");
	if (!out && !err)
		return true;
	if (job->ask.terminal)
		return here(job->verdict, "diagnostics on a terminal");
	if (out > WIRE_CC_DIAG_MAX || err > WIRE_CC_DIAG_MAX)
		return here(job->verdict, "very long diagnostics");
	if (!is_plain(&said[WIRE_STDOUT]) || !is_plain(&said[WIRE_STDERR]))
		return here(job->verdict, "control characters in diagnostics");
	return true;
}

static bool has_format(struct coord_job *job)
{
	struct coord_verdict *v = job->verdict;

	if (!inputs_reference_compare(
		    buf_bytes(&job->answer.stream[WIRE_OBJECT]),
		    buf_bytes(&job->reference->object), &v->err))
		return true;
	v->is = COORD_WRONG;
	return false;
}

void coord_verdict_find(struct coord_job *job)
{
	struct coord_verdict *v = job->verdict;
	uint64_t began = clock_us();

	v->is = COORD_GOOD;
	if (is_right(job) && may_say(job) && has_format(job) &&
	    reads_known_files(job) && assembles_known_files(job) &&
	    is_unchanged(job)) {
		struct bytes object = buf_bytes(
			&job->answer.stream[WIRE_OBJECT]);

		if (write_dep(job, &v->err) ||
		    coord_answer_write(job, job->object_tmp, object, &v->err))
			here(v, "object could not be written");
	}
	v->us = (uint32_t)(clock_us() - began);
}
