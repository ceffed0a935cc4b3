/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Comparison of a node's genksyms result with a local run. */
#include "../lib/test.h"

#include "coord/verify-result.h"

static char *dir, *text;
static struct wire_cc_job ask;
static struct wire_cc_step step;
static struct options_command command;
static struct peer_job_result answer;
static atomic_uint program_right, node_right;
static struct coord_genksyms_check proof;
static struct err err;

static char *put(const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", dir, name);

	must(fs_write(path, bytes_str(content), 0755, &err));
	return path;
}

/*
 * A compiler that preprocesses by printing its command line, and a tool that
 * counts its calls.
 */
static void set_up(void)
{
	char name[] = "/tmp/kfarm-check-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = realpath(name, NULL);
	text = xasprintf("%s/text.i", dir);
	ask = (struct wire_cc_job){
		.cwd = xstrdup(dir),
		.compiler = put("gcc", "#!/bin/sh\n[ ! -e fails ] || exit 1\n"
				       "while [ \"$1\" != -o ]; do\n"
				       "	all=\"$all $1\"\n"
				       "	shift\n"
				       "done\n"
				       "echo \"$all\" >\"$2\"\n"),
	};
	strv_add_all(&ask.argv, (char *[]){ (char *)"gcc", (char *)"-E",
					    (char *)"-D__GENKSYMS__",
					    (char *)"-Wp,-MMD,.x.o.d",
					    (char *)"x.c", NULL });
	strv_add(&ask.env, "PATH=/usr/bin:/bin");
	step = (struct wire_cc_step){
		.program = put("tool", "#!/bin/sh\n[ ! -e words ] || cat words "
				       ">&2\nread line\necho \"$1:$line\"\n"),
	};
	strv_add(&step.args, "-r");
	options_command_parse_text(&command, ask.argv.v);
	ck_assert_int_eq(command.class, OPTIONS_CLASS_REMOTE);
	proof = (struct coord_genksyms_check){ .job_request = &ask,
					       .command = &command,
					       .step = &step,
					       .text_path = text,
					       .tool_n_right = &program_right,
					       .node_n_right = &node_right };
	buf_add_str(&answer.streams[WIRE_OUTPUT_STDOUT],
		    "-r:-E -D__GENKSYMS__ x.c\n");
}

static void tear_down(void)
{
	ck_assert(!fs_exists(text));
	options_command_release(&command);
	peer_job_result_release(&answer);
	wire_cc_job_release(&ask);
	wire_cc_step_release(&step);
	fs_remove(dir, &err);
	free(text);
	free(dir);
}

static enum coord_genksyms_verdict prove(void)
{
	return coord_verify_genksyms(&proof, &answer, &err);
}

FIXTURE(set_up, tear_down);
TIMEOUT(300);

TEST(a_result_equal_to_the_local_result_is_right)
{
	char *list = xasprintf("%s/.x.o.d", dir);

	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_RIGHT);
	/* The dependency list comes from the node. */
	ck_assert(!fs_exists(list));
	free(list);
}

TEST(a_result_with_other_output_is_wrong)
{
	buf_add_str(&answer.streams[WIRE_OUTPUT_STDOUT], "#SYMVER x 0x1\n");
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_WRONG);
	ck_assert_str_eq(err.text,
			 "genksyms: stdout differs from the local run");
	buf_release(&answer.streams[WIRE_OUTPUT_STDOUT]);
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_WRONG);
}

TEST(a_result_with_another_exit_status_is_wrong)
{
	answer.wire.wait_status = 11;
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_WRONG);
	ck_assert_str_eq(err.text,
			 "genksyms: exit status differs from the local run");
}

TEST(stderr_must_end_with_the_messages_of_the_local_tool)
{
	free(put("words", "a warning\n"));
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_WRONG);
	buf_add_str(&answer.streams[WIRE_OUTPUT_STDERR],
		    "x.c:1: the compiler's\n");
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_WRONG);
	buf_add_str(&answer.streams[WIRE_OUTPUT_STDERR], "a warning\n");
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_RIGHT);
}

TEST(a_failed_local_run_yields_the_verdict_unknown)
{
	free(put("fails", ""));
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_UNKNOWN);
	answer.wire.wait_status = 256;
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_UNKNOWN);
}

TEST(a_program_and_a_node_are_trusted_after_right_results)
{
	buf_add_str(&answer.streams[WIRE_OUTPUT_STDOUT], "#SYMVER x 0x1\n");
	program_right = COORD_VERIFY_GENKSYMS_PER_TOOL - 1;
	node_right = COORD_VERIFY_GENKSYMS_PER_NODE;
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_WRONG);
	program_right++;
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_TRUSTED);
	node_right--;
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_WRONG);
	node_right++;
	proof.outdated = true;
	ck_assert_int_eq(prove(), COORD_GENKSYMS_VERDICT_UNKNOWN);
}
