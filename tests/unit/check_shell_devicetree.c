/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/* Tool steps of dtc, which a script runs after the preprocessor. */
#include "../lib/test.h"
#include "shell-step-fixture.h"

#define EXPAND \
	"gcc -E -Wp,-MMD,a.d -nostdinc -xassembler-with-cpp -o a.tmp a.dts"
#define BLOB DTC " -o a.dtb -b 0 -i. -Wno-alias_paths -d a.list a.tmp"

/* Send the blob and `n` side outputs. */
static void reply_devicetree_with(int fd, uint8_t n)
{
	static struct wire_cc_rename side[2] = { { .to = "a.tmp" },
						 { .to = "a.list" } };
	struct wire_cc_job job;
	struct wire_cc_done m;

	note_step(fd);
	job = read_job(fd);
	m = make_done(job.pid);
	unlink(m.object_tmp);
	m.object = "a.dtb";
	m.object_tmp = options_output_temp_path(m.object, job.pid);
	put_file(m.object_tmp, "blob");
	for (int i = 0; i < 2; i++) {
		side[i].tmp = options_output_temp_path(side[i].to, job.pid);
		put_file(side[i].tmp, side[i].to);
	}
	m.sides = side;
	m.n_sides = n;
	send_done(fd, &m);
}

static void reply_devicetree(int fd)
{
	reply_devicetree_with(fd, 2);
}

FIXTURE(setup_programs, teardown);
TIMEOUT(60);

TEST(dtc_is_offloaded_with_its_preprocessor_call)
{
	serve(reply_devicetree);
	ck_assert_int_eq(run_script("set -e; " EXPAND " ; ./" BLOB
				    " ; cat a.d a.list > a.all; echo $?"),
			 0);
	expect_file("step", "2 ./" DTC " -o a.dtb -b 0 -i. -Wno-alias_paths "
			    "-d a.list a.tmp");
	expect_file("out", "a.c: warning\n0\n");
	expect_file("a.dtb", "blob");
	expect_file("a.tmp", "a.tmp");
	expect_file("a.all", "depa.list");
	ck_assert(!fs_exists("ran"));
	expect_steps(1);
}

/* A reply without the depfile of dtc is invalid. */
static void reply_without_depfile(int fd)
{
	reply_devicetree_with(fd, 1);
}

TEST(dtc_with_redirected_output_runs_locally)
{
	serve(reply_without_depfile);
	ck_assert_int_eq(run_script(EXPAND "; " BLOB " >/dev/null; echo $?"),
			 0);
	ck_assert(!fs_exists("a.dtb") && fs_exists("ran"));
	expect_here(SHELL_STEP_REASON_LINE, 1);
}

TEST(a_rejected_devicetree_step_runs_locally)
{
	serve(answer_local);
	ck_assert_int_eq(run_script(EXPAND "; " BLOB "; echo $?"), 0);
	expect_file("out", "here\n0\n");
	expect_file("ran", "real -E -Wp,-MMD,a.d -nostdinc "
			   "-xassembler-with-cpp -o a.tmp a.dts\n"
			   "tool -o a.dtb -b 0 -i. -Wno-alias_paths -d a.list "
			   "a.tmp\n");
	expect_steps(0);
	expect_here(SHELL_STEP_REASON_JOB, 1);
}

static const struct {
	const char *text;
	enum shell_step_reason why;
} unsupported[] = {
	{ EXPAND "; " DTC " -o a.dtb -d a.list b.tmp",
	  SHELL_STEP_REASON_OPTION },
	{ EXPAND "; " DTC " -o a.dtb a.tmp", SHELL_STEP_REASON_OPTION },
	{ EXPAND "; " DTC " -O dts -o a.dtb -d a.list a.tmp",
	  SHELL_STEP_REASON_OPTION },
	{ EXPAND "; " DTC " -o a.dtb -d a.d a.tmp", SHELL_STEP_REASON_OPTION },
	{ EXPAND "; " DTC, SHELL_STEP_REASON_OPTION },
	{ EXPAND "; " BLOB " 2>err", SHELL_STEP_REASON_LINE },
	{ EXPAND " 2>err; " BLOB, SHELL_STEP_REASON_LINE },
	{ EXPAND "; true; " BLOB, SHELL_STEP_REASON_LINE },
	{ EXPAND " && " BLOB, SHELL_STEP_REASON_ALONE },
	{ "gcc -E -xc -o a.tmp a.c; " BLOB, SHELL_STEP_REASON_OPTION },
	{ "gcc -E -xassembler-with-cpp -o a.tmp a.dts; " BLOB,
	  SHELL_STEP_REASON_OPTION },
	{ "real/gcc -E -Wp,-MMD,a.d -xassembler-with-cpp -o a.tmp a.dts; " BLOB,
	  SHELL_STEP_REASON_ALONE },
};

TEST_EACH(an_unsupported_dtc_line_runs_locally, unsupported)
{
	serve(refuse);
	run_script(row->text);
	ck_assert(!fs_exists("step") && fs_exists("ran"));
	expect_steps(0);
	expect_here(row->why, 1);
}
