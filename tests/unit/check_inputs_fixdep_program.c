/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
/*
 * Identification of fixdep programs.  The tests with fixdep's own source are in
 * tests/farm/tools.sh.
 */
#include "../lib/test.h"

#include "inputs/fixdep-program.h"

#include "base/digest.h"
#include "base/file-stamp.h"
#include "base/spawn.h"

static char *dir, *program, *cache;
static struct inputs_fixdep_programs *programs;
static struct err err;

static void put(const char *path, const char *text, mode_t mode)
{
	must(fs_write(path, bytes_str(text), mode, &err));
}

static void run(const char *command)
{
	char *argv[] = { (char *)"sh", (char *)"-ec", (char *)command, NULL };
	struct buf out = { 0 }, messages = { 0 };
	int ret = capture_run(NULL, dir, argv, NULL, &out, &messages, &err);

	ck_assert_msg(!ret, "%s: %s", command, buf_str(&messages));
	buf_release(&out);
	buf_release(&messages);
}

/* Wait until any further change of the program alters its stamp. */
static void settle(void)
{
	struct file_stamp stamp;
	struct stat st;

	ck_assert_int_eq(stat(program, &st), 0);
	file_stamp_from_stat(&stamp, &st);
	ck_assert(file_stamp_wait(&stamp));
}

/* Make a program that returns `status`. */
static void build(int status)
{
	char *text = xasprintf("echo 'int main(void) { return %d; }' >x.c; "
			       "cc -o fixdep x.c",
			       status);

	run(text);
	free(text);
	settle();
}

/* Record the program in the cache directory as the version `name`. */
static void record(const char *name)
{
	struct buf content = { 0 };
	char hex[DIGEST_HEX], *path;
	struct digest d;

	must(fs_read(program, 1 << 20, &content, &err));
	digest_bytes(buf_bytes(&content), &d);
	digest_format(&d, hex);
	path = xasprintf("%s/fixdep-%s", cache, hex);
	must(fs_mkdirs(cache, 0700, &err));
	put(path, name, 0600);
	free(path);
	buf_release(&content);
}

static void set_up(void)
{
	char name[] = "/tmp/kfarm-check-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = realpath(name, NULL);
	program = xasprintf("%s/fixdep", dir);
	cache = xasprintf("%s/cache", dir);
	programs = inputs_fixdep_programs_new(cache, dir);
}

static void tear_down(void)
{
	inputs_fixdep_programs_free(programs);
	fs_remove(dir, &err);
	free(program);
	free(cache);
	free(dir);
}

static void expect(enum inputs_fixdep_kind kind)
{
	ck_assert_int_eq(inputs_fixdep_programs_get(programs, program), kind);
	inputs_fixdep_programs_wait(programs);
	ck_assert_int_eq(inputs_fixdep_programs_get(programs, program), kind);
	inputs_fixdep_programs_wait(programs);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_recorded_program_is_known)
{
	build(1);
	record("6.12");
	expect(INPUTS_FIXDEP_KIND_6_12);
	inputs_fixdep_programs_free(programs);
	programs = inputs_fixdep_programs_new(NULL, dir);
	expect(INPUTS_FIXDEP_KIND_UNKNOWN);
}

TEST(an_unknown_record_is_ignored)
{
	build(1);
	record("6.1 ");
	expect(INPUTS_FIXDEP_KIND_UNKNOWN);
}

/* Each command replaces the known program. */
static const char *const replacements[] = {
	"echo 'int main(void) { return 2; }' >x.c; cc -o fixdep x.c",
	/* in place, with the old size and the old mtime */
	"cp -p fixdep old; printf x | dd of=fixdep bs=1 seek=9999 conv=notrunc; "
	"touch -r old fixdep",
	"mv fixdep old; printf '#!/bin/sh\\nexec ./old \"$@\"\\n' >fixdep; "
	"chmod +x fixdep; touch -d 2001-01-01 fixdep",
	"mv fixdep old; ln -s /bin/true fixdep",
	"chmod a-x fixdep",
	"rm fixdep",
};

TEST_EACH(a_replaced_program_is_unknown, replacements)
{
	build(1);
	record("6.1");
	expect(INPUTS_FIXDEP_KIND_6_1);
	run(*row);
	ck_assert_int_eq(inputs_fixdep_programs_get(programs, program),
			 INPUTS_FIXDEP_KIND_UNKNOWN);
	if (fs_exists(program))
		settle();
	expect(INPUTS_FIXDEP_KIND_UNKNOWN);
}

TEST(a_copy_of_a_known_program_is_known)
{
	build(1);
	record("6.1");
	run("mv fixdep old; ln -s old fixdep");
	settle();
	expect(INPUTS_FIXDEP_KIND_6_1);
	run("rm fixdep; cp old fixdep");
	settle();
	expect(INPUTS_FIXDEP_KIND_6_1);
}

/* The saved command makes the program, but from another source than fixdep. */
TEST(a_program_of_another_source_is_unknown)
{
	char *saved = xasprintf("%s/.fixdep.cmd", dir);

	build(1);
	put(saved, "cmd_fixdep := cc -o fixdep x.c\n", 0644);
	expect(INPUTS_FIXDEP_KIND_UNKNOWN);
	ck_assert(!fs_exists(cache));
	free(saved);
}
