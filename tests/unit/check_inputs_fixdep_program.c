/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
/*
 * Identification of fixdep programs.  A test that needs fixdep's own source
 * reads it from the kernel tree that tests/farm/tree.sh unpacks; the other
 * tests with this source are in tests/farm/tools.sh.
 */
#include "../lib/settle.h"
#include "inputs-builddir.h"

#include "inputs/fixdep-program.h"

#include "base/digest.h"

static char *cache, *work;
static struct inputs_fixdep_programs *programs;

/* Make a program that returns `status`. */
static void build(int status)
{
	char *text = xasprintf("echo 'int main(void) { return %d; }' >x.c; "
			       "cc -o fixdep x.c",
			       status);

	run(text);
	free(text);
	settle(program);
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
	work = xasprintf("%s/work", dir);
	ck_assert_int_eq(mkdir(work, 0700), 0);
	programs = inputs_fixdep_programs_new(cache, work);
}

static void tear_down(void)
{
	inputs_fixdep_programs_free(programs);
	free(cache);
	free(work);
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
	programs = inputs_fixdep_programs_new(NULL, work);
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
		settle(program);
	expect(INPUTS_FIXDEP_KIND_UNKNOWN);
}

TEST(a_copy_of_a_known_program_is_known)
{
	build(1);
	record("6.1");
	run("mv fixdep old; ln -s old fixdep");
	settle(program);
	expect(INPUTS_FIXDEP_KIND_6_1);
	run("rm fixdep; cp old fixdep");
	settle(program);
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

/*
 * Copy the source of Linux 6.1 to x.c.  Return false if there is no tree, or
 * one of another release, whose source needs a header of the tree.
 */
static bool copy_source(void)
{
	const char *tree = getenv("KFARM_LINUX"),
		   *build = getenv("KFARM_BUILD");
	char *from = tree ? xasprintf("%s/scripts/basic/fixdep.c", tree) :
			    xasprintf("%s/linux/scripts/basic/fixdep.c",
				      build ? build : "build");
	char *to = xasprintf("%s/x.c", dir);
	bool exists = fs_exists(from);
	struct buf text = { 0 };

	if (exists) {
		must(fs_copy(from, to, &err));
		must(fs_read(to, 1 << 20, &text, &err));
		exists = !strstr(buf_str(&text), "#include <xalloc.h>");
	}
	buf_release(&text);
	free(to);
	free(from);
	return exists;
}

/* An object can replace functions of the C library, for example. */
TEST(a_program_with_another_object_is_unknown)
{
	if (!copy_source())
		SKIP("no tree of Linux 6.1 in KFARM_LINUX or the build directory");
	run("echo 'int more;' >more.c; cc -c -o more.o more.c");
	put(".more.o.cmd", "cmd_more.o := cc -c -o more.o more.c\n", 0644);
	run("cc -o fixdep x.c more.o");
	put(".fixdep.cmd", "cmd_fixdep := cc -o fixdep x.c more.o\n", 0644);
	settle(program);
	expect(INPUTS_FIXDEP_KIND_UNKNOWN);
	run("rm fixdep; cc -o fixdep x.c");
	put(".fixdep.cmd", "cmd_fixdep := cc -o fixdep x.c\n", 0644);
	settle(program);
	inputs_fixdep_programs_get(programs, program);
	inputs_fixdep_programs_wait(programs);
	ck_assert_int_eq(inputs_fixdep_programs_get(programs, program),
			 INPUTS_FIXDEP_KIND_6_1);
}
