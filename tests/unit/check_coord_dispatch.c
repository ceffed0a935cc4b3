/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* threads: short */
/* Recipe shells that request the output of fixdep. */
#include "../lib/test.h"
#include "coord-fixture.h"

static char *run_it; /* reason to run the program */

static int on_shell_message(void *ctx, uint16_t type, struct bytes body,
			    struct err *err)
{
	(void)ctx;
	(void)err;
	if (type == WIRE_CC_LOCAL)
		run_it = bytes_dup(body);
	return 0;
}

/* `root` is the root of the shell, or NULL for the root of this process. */
static struct wire_stream *ask_fixdep(const char *program, const char *root)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_shell_message, .on_close = wrapper_closed
	};
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct wire_cc_fixdep ask = { .root = root ? xstrdup(root) :
							   wire_cc_root(),
					    .cwd = dir,
					    .program = (char *)program,
					    .depfile = (char *)".x.o.d",
					    .target = (char *)"x.o" };
	struct wire_stream *shell;
	struct buf body = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	shell = wire_stream_new(base, fd, fd, &ops, NULL);
	wire_cc_fixdep_encode(&body, &ask);
	wire_stream_send(shell, WIRE_CC_FIXDEP, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	free(ask.root);
	return shell;
}

static bool has_reason(void)
{
	return run_it != NULL;
}

FIXTURE(setup, teardown);
TIMEOUT(120);

TEST(an_unknown_fixdep_is_run_by_the_shell)
{
	struct wire_stream *shell;

	play_node(0, HONEST);
	start();
	shell = ask_fixdep("scripts/basic/fixdep", NULL);
	turn_until(has_reason, 30000);
	ck_assert_str_eq(run_it, "unknown version of fixdep");
	wire_stream_free(shell);
	free(run_it);
	run_it = NULL;
}

TEST(a_shell_with_another_root_runs_it)
{
	struct wire_stream *shell;

	play_node(0, HONEST);
	start();
	shell = ask_fixdep("scripts/basic/fixdep", "1:2:3");
	turn_until(has_reason, 30000);
	ck_assert_str_eq(run_it, "another root directory or mount namespace");
	wire_stream_free(shell);
	free(run_it);
	run_it = NULL;
}

TEST(a_shell_can_disconnect_before_the_reply)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	for (int i = 0; i < 50; i++) {
		struct wire_stream *shell = ask_fixdep("fixdep", NULL);

		turn_until(never, i % 3);
		wire_stream_free(shell);
		free(run_it);
		run_it = NULL;
	}
	compile(NULL);
	turn_until(answered, 30000);
	expect_delivered();
}

TEST(the_build_can_end_before_the_reply)
{
	struct wire_stream *shell;

	play_node(0, HONEST);
	start();
	shell = ask_fixdep("fixdep", NULL);
	turn_until(never, 1);
	coord_free(coord);
	coord = NULL;
	wire_stream_free(shell);
	free(run_it);
	run_it = NULL;
}
