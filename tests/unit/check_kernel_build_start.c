/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-run.h"

FIXTURE(run_set_up, run_tear_down);

TEST(the_start_creates_directories_links_and_socket)
{
	char *link, *last;

	start();
	link = xasprintf("%s/nice-gcc", run.offload.masquerade_dir);
	last = xasprintf("%s/1", run.offload.rundir.slots);
	ck_assert(fs_is_dir(plan.builddir.dir));
	ck_assert(fs_exists(link) && fs_exists(last));
	ck_assert(fs_exists(run.offload.rundir.socket));
	ck_assert_str_eq(str_find_env(run.env.v, "KFARM_LINKS"),
			 run.offload.masquerade_dir);
	ck_assert_str_eq(str_find_env(run.env.v, "KFARM_SLOTS"),
			 run.offload.rundir.slots);
	ck_assert_str_eq(str_find_env(run.env.v, "KFARM_SOCKET"),
			 run.offload.rundir.socket);
	text_starts(str_find_env(run.env.v, "PATH"),
		    run.offload.masquerade_dir);
	free(link);
	link = xstrdup(run.offload.rundir.dir);
	kernel_build_end(&run);
	ck_assert(!fs_exists(link));
	free(link);
	free(last);
}

TEST(a_note_names_the_build_directory_and_the_configuration)
{
	char *want;

	start();
	want = xasprintf("note in %s (new): defconfig\n", plan.builddir.dir);
	ck_assert_str_eq(buf_str(&told), want);
	free(want);
	kernel_build_end(&run);
}

TEST(a_note_explains_the_number_of_jobs)
{
	start();
	buf_reset(&told);
	ck_assert_int_eq(kernel_build_choose_jobs(&run), 0);
	ck_assert_uint_eq(run.jobs, 2);
	ck_assert_uint_eq(run.offload.local_slots, 2);
	ck_assert_str_eq(buf_str(&told), "note -j 2 as requested: 0 slots on 0 "
					 "nodes + 2 local slots\n");
	kernel_build_end(&run);
}

TEST(a_second_build_in_the_same_build_directory_is_rejected)
{
	struct kernel_build_state second;
	char *want = xasprintf("process %d", (int)getpid());

	/*
	 * Do not fork(), because threads of the coordinator can be inside
	 * malloc().
	 */
	start();
	ck_assert_int_eq(
		kernel_build_start(&second, &plan, &no_nodes, &hooks, &err),
		-EBUSY);
	text_has(err.text, want);
	kernel_build_end(&second);
	free(want);
	kernel_build_end(&run);
}

TEST(an_output_directory_that_cannot_be_created_is_an_error)
{
	req.output_dir = "/dev/null/x";
	make_plan();
	ck_assert_int_lt(
		kernel_build_start(&run, &plan, &no_nodes, &hooks, &err), 0);
	text_starts(err.text, "output directory");
	kernel_build_end(&run);
}

TEST(the_start_fails_without_kfarm_cc)
{
	char *wrapper = at("tools/kfarm-cc");

	unlink(wrapper);
	free(wrapper);
	setenv("PATH", "/nonexistent", 1);
	make_plan();
	ck_assert_int_eq(
		kernel_build_start(&run, &plan, &no_nodes, &hooks, &err),
		-ENOENT);
	text_has(err.text, "kfarm-cc");
	kernel_build_end(&run);
}

TEST(a_script_compiler_gets_no_coordinator_and_an_unchanged_path)
{
	put_file("tools/script-gcc", "#!/bin/sh\necho 12.1.0\n", 0755);
	req.toolchain = "script-";
	start();
	ck_assert_ptr_null(run.offload.coord);
	ck_assert_ptr_null(str_find_env(run.env.v, "KFARM_SOCKET"));
	ck_assert_str_eq(str_find_env(run.env.v, "PATH"),
			 str_find_env(env.v, "PATH"));
	kernel_build_end(&run);
}
