/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Driver queries in a sandbox.  Programs of this machine are the drivers of an
 * installed toolchain of two files.
 */
#include "kfarmd/native-toolchain.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/spawn.h"

static char dir[TEMPDIR_SIZE];
static char *toolchain_dir, *driver;
static struct kfarmd_toolchain_lease lease;
static struct compiler_entries program;
static struct kfarmd_driver_query *query;
static struct compiler_runner runner;
static struct buf output;
static int status;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
	toolchain_dir = xasprintf("%s/gcc-1-x", dir);
	driver = xasprintf("%s/bin/x-gcc", toolchain_dir);
	lease = (struct kfarmd_toolchain_lease){
		.fd = -1, .dir = xstrdup(toolchain_dir)
	};
	output = (struct buf){ 0 };
}

static void tear_down(void)
{
	kfarmd_driver_query_free(query);
	kfarmd_toolchains_release_lease(&lease);
	compiler_entries_release(&program);
	buf_release(&output);
	free(driver);
	free(toolchain_dir);
	tempdir_remove(dir);
}

/* The toolchain is this program, a small file and a large one. */
static void make_toolchain(const char *from)
{
	static char *const env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	char *line = xasprintf("mkdir -p '%s/bin' '%s/lib' && "
			       "cp -L '%s' '%s' && echo small >'%s/lib/small' "
			       "&& head -c 100000 /dev/zero >'%s/lib/large'",
			       toolchain_dir, toolchain_dir, from, driver,
			       toolchain_dir, toolchain_dir);

	ck_assert_int_eq(system(line), 0);
	free(line);
	must(toolchain_dir_digest_read(&lease.manifest.entries, toolchain_dir,
				       NULL, &err));
	must(compiler_manifest_list_program(&program, driver, env, &err));
	must(kfarmd_driver_query_new(&query, &lease, &program, driver,
				     &(struct sandbox_limits){ 0 }, &err));
	runner = kfarmd_driver_query_runner(query);
}

/* argv[0] is the driver. */
static int run_query(size_t max, unsigned ms, const char *one, const char *two)
{
	char *argv[] = { driver, (char *)one, (char *)two, NULL };
	char *env[] = { (char *)"LC_ALL=C", (char *)"WORD=word", NULL };

	buf_reset(&output);
	status = -1;
	return runner.run(runner.ctx, argv, env, max, ms, &output, &status,
			  &err);
}

FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(a_query_returns_the_exit_status_and_stdout)
{
	make_toolchain("/bin/sh");
	ck_assert_int_eq(
		run_query(1000, 60000, "-c", "echo $WORD; echo no >&2"), 0);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(buf_str(&output), "word\n");
	/* Again, with another exit status. */
	ck_assert_int_eq(run_query(1000, 60000, "-c", "echo two; exit 3"), 0);
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	ck_assert_str_eq(buf_str(&output), "two\n");
}

/* Large files of the toolchain are empty, and the node's files are absent. */
TEST(a_query_sees_only_the_toolchain_and_cannot_write_to_it)
{
	char *line = xasprintf("read a <%s/lib/small && echo $a; "
			       "test -e %s/lib/large && echo there; "
			       "test -s %s/lib/large || echo empty; "
			       "test -e /etc/passwd || echo alone; "
			       "(: >%s/lib/new) 2>/dev/null || echo frozen",
			       toolchain_dir, toolchain_dir, toolchain_dir,
			       toolchain_dir);

	make_toolchain("/bin/sh");
	ck_assert_int_eq(run_query(1000, 60000, "-c", line), 0);
	ck_assert_str_eq(buf_str(&output),
			 "small\nthere\nempty\nalone\nfrozen\n");
	free(line);
}

TEST(a_query_times_out)
{
	make_toolchain("/bin/sh");
	ck_assert_int_eq(run_query(1000, 300, "-c", "while :; do :; done"),
			 -ETIMEDOUT);
	/* The next query is not affected. */
	ck_assert_int_eq(run_query(1000, 60000, "-c", "echo next"), 0);
	ck_assert_str_eq(buf_str(&output), "next\n");
}

TEST(a_query_with_too_much_output_fails)
{
	make_toolchain("/bin/sh");
	ck_assert_int_eq(
		run_query(1000, 60000, "-c", "while :; do echo much; done"),
		-EMSGSIZE);
}

/* A driver that closes its output and continues. */
TEST(a_driver_that_closes_its_output_is_awaited)
{
	make_toolchain("/bin/sh");
	ck_assert_int_eq(run_query(1000, 60000, "-c",
				   "echo a; exec >&- 2>&-; i=0; while "
				   "test $i -lt 20000; do i=$((i+1)); done; "
				   "exit 5"),
			 0);
	ck_assert_int_eq(WEXITSTATUS(status), 5);
	ck_assert_str_eq(buf_str(&output), "a\n");
}
