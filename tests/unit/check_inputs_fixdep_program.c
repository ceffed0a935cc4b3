/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
/*
 * Identification of fixdep programs.  A test that needs fixdep's own source
 * reads it from the kernel tree that tests/farm/tree.sh unpacks; the other
 * tests with this source are in tests/farm/tools.sh.
 */
#include "inputs-builddir.h"

#include "inputs/fixdep-program.h"

#include "base/digest.h"
#include "base/file-stamp.h"

static char *cache;
static struct inputs_fixdep_programs *programs;

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
	char hex[DIGEST_HEX], *file;
	struct digest d;

	must(fs_read(program, 1 << 20, &content, &err));
	digest_bytes(buf_bytes(&content), &d);
	digest_format(&d, hex);
	file = xasprintf("cache/fixdep-%s", hex);
	put(file, name, 0600);
	free(file);
	buf_release(&content);
}

static void set_up(void)
{
	builddir_set_up("fixdep");
	cache = xasprintf("%s/cache", dir);
	programs = inputs_fixdep_programs_new(cache, dir);
}

static void tear_down(void)
{
	inputs_fixdep_programs_free(programs);
	free(cache);
	builddir_tear_down();
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
	build(1);
	put(".fixdep.cmd", "cmd_fixdep := cc -o fixdep x.c\n", 0644);
	expect(INPUTS_FIXDEP_KIND_UNKNOWN);
	ck_assert(!fs_exists(cache));
}
