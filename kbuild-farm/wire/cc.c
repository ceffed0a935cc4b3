/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/cc.h"

#include "wire/limits.h"
#include "wire/msg.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

char *wire_cc_stalled_path(const char *socket)
{
	return xasprintf("%s.silent", socket);
}

char *wire_cc_unanswered_path(const char *socket)
{
	return xasprintf("%s.unanswered", socket);
}

char *wire_cc_root(void)
{
	struct stat root = { 0 }, mounts = { 0 };

	/* If /proc is not mounted, mounts.st_ino remains 0. */
	stat("/", &root);
	stat("/proc/self/ns/mnt", &mounts);
	return xasprintf("%jx:%jx:%jx", (uintmax_t)root.st_dev,
			 (uintmax_t)root.st_ino, (uintmax_t)mounts.st_ino);
}

static size_t total_word_bytes(const struct strv *words)
{
	size_t sum = 0;

	for (size_t i = 0; i < words->n; i++)
		sum += strlen(words->v[i]);
	return sum;
}

static bool is_absolute(const char *path)
{
	return *path == '/';
}

static bool is_cc_job_valid(const void *p)
{
	const struct wire_cc_job *m = p;

	return m->argv.n &&
	       total_word_bytes(&m->argv) + total_word_bytes(&m->env) <=
		       WIRE_CC_COMMAND_MAX;
}

static const struct wire_field cc_job[] = {
	{ WIRE_NUMBER(cc_job, pid, WIRE_ANY) },
	{ WIRE_NUMBER(cc_job, umask, WIRE_ANY) },
	{ WIRE_BOOLS(cc_job, tty_stderr, 4) },
	{ WIRE_STRING(cc_job, root, WIRE_CC_ROOT_MAX) },
	{ WIRE_STRING(cc_job, cwd, WIRE_PATH_MAX), .is_valid = is_absolute },
	{ WIRE_STRING(cc_job, compiler, WIRE_PATH_MAX),
	  .is_valid = is_absolute },
	{ WIRE_STRINGS(cc_job, argv, 4, WIRE_CC_WORDS_MAX,
		       WIRE_CC_COMMAND_MAX) },
	{ WIRE_STRINGS(cc_job, env, 4, WIRE_ENV_MAX, WIRE_CC_COMMAND_MAX) },
};

const struct wire_layout wire_cc_job_layout = WIRE_LAYOUT(cc_job,
							  is_cc_job_valid);

/* A temporary name and its final name must both be present or both be empty. */
static bool is_cc_done_valid(const void *p)
{
	const struct wire_cc_done *m = p;

	return !*m->dep_tmp == !*m->dep && !*m->object_tmp == !*m->object;
}

static bool is_nonempty(const char *path)
{
	return *path != '\0';
}

static const struct wire_field cc_rename[] = {
	{ WIRE_STRING(cc_rename, tmp, WIRE_PATH_MAX), .is_valid = is_nonempty },
	{ WIRE_STRING(cc_rename, to, WIRE_PATH_MAX), .is_valid = is_nonempty },
};

static const struct wire_layout rename_layout = WIRE_LAYOUT(cc_rename, NULL);

static const struct wire_field cc_done[] = {
	{ WIRE_NUMBER(cc_done, status, WIRE_ANY) },
	{ WIRE_LIST(cc_done, sides, n_sides, WIRE_SIDES_MAX, &rename_layout) },
	{ WIRE_STRING(cc_done, dep_tmp, WIRE_PATH_MAX) },
	{ WIRE_STRING(cc_done, dep, WIRE_PATH_MAX) },
	{ WIRE_STRING(cc_done, object_tmp, WIRE_PATH_MAX) },
	{ WIRE_STRING(cc_done, object, WIRE_PATH_MAX) },
	{ WIRE_BYTES(cc_done, out, WIRE_CC_DIAG_MAX) },
	{ WIRE_BYTES(cc_done, err, WIRE_CC_DIAG_MAX) },
};

const struct wire_layout wire_cc_done_layout = WIRE_LAYOUT(cc_done,
							   is_cc_done_valid);

static const struct wire_field cc_fixdep[] = {
	{ WIRE_STRING(cc_fixdep, root, WIRE_CC_ROOT_MAX) },
	{ WIRE_STRING(cc_fixdep, cwd, WIRE_PATH_MAX), .is_valid = is_absolute },
	{ WIRE_STRING(cc_fixdep, program, WIRE_PATH_MAX),
	  .is_valid = is_nonempty },
	{ WIRE_STRING(cc_fixdep, depfile, WIRE_PATH_MAX),
	  .is_valid = is_nonempty },
	{ WIRE_STRING(cc_fixdep, target, WIRE_PATH_MAX),
	  .is_valid = is_nonempty },
};

const struct wire_layout wire_cc_fixdep_layout = WIRE_LAYOUT(cc_fixdep, NULL);

static bool is_cc_step_valid(const void *p)
{
	const struct wire_cc_step *m = p;

	return m->kind == WIRE_STEP_SYMBOLS || !*m->text;
}

static const struct wire_field cc_step[] = {
	{ WIRE_NUMBER(cc_step, kind, WIRE_STEP_DEVICETREE) },
	{ WIRE_STRING(cc_step, text, WIRE_CC_TEXT_MAX) },
	{ WIRE_STRING(cc_step, program, WIRE_PATH_MAX),
	  .is_valid = is_absolute },
	{ WIRE_STRINGS(cc_step, args, 2, WIRE_STEP_ARGS_MAX, WIRE_PATH_MAX) },
};

const struct wire_layout wire_cc_step_layout = WIRE_LAYOUT(cc_step,
							   is_cc_step_valid);

static const struct wire_field cc_fixed[] = {
	{ WIRE_BYTES(cc_fixed, before_command, 2 * WIRE_PATH_MAX) },
	{ WIRE_BYTES(cc_fixed, after_command, WIRE_CC_FIXED_MAX) },
};

const struct wire_layout wire_cc_fixed_layout = WIRE_LAYOUT(cc_fixed, NULL);
