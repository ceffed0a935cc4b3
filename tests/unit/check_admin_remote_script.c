/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node admin */
#include "../lib/test.h"

#include "admin/remote-script.h"

#include "base/clock.h"

#include <stdatomic.h>

/* An ssh that runs the command locally by the shell that sshd would start. */
#define SHELL_REDIR_HEREDOC                     \
	"#!/bin/sh\n"                           \
	"while [ $# -gt 1 ]; do\n"              \
	"	case $1 in -*) ;; *) break ;; esac\n" \
	"	shift\n"                              \
	"done\n"                                \
	"[ \"$1\" = me@board ] || exit 99\n"    \
	"exec \"${LOGIN_SHELL:-/bin/sh}\" -c \"$2\"\n"

static char dir[] = "/tmp/check-remote-XXXXXX";

static void set_ssh(const char *text)
{
	char *path = xasprintf("%s/ssh", dir);
	struct err err;

	must(fs_write(path, bytes_str(text), 0755, &err));
	free(path);
}

static void set_up(void)
{
	char *path;

	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = xasprintf("%s:/usr/bin:/bin", dir);
	setenv("PATH", path, 1);
	free(path);
	set_ssh(SHELL_REDIR_HEREDOC);
}

static void tear_down(void)
{
	struct err err;

	fs_remove(dir, &err);
}

static struct admin_remote_script remote(const char *script)
{
	return (struct admin_remote_script){ .name = "b1",
					     .ssh = "me@board",
					     .script = bytes_str(script),
					     .idle_timeout_ms = 20000 };
}

static const char *const shells[] = { "/bin/sh", "/bin/bash", "/usr/bin/zsh",
				      "/usr/bin/fish" };

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST_EACH(the_script_runs_under_each_login_shell, shells)
{
	struct admin_remote_script r = remote("echo \"a 'b' $((1 + 2))\"\n"
					      "cat\n"
					      "echo $LC_ALL; umask\n");
	struct buf out = { 0 };
	struct err err = { 0 };

	if (access(*row, X_OK))
		SKIP("no %s", *row);
	setenv("LOGIN_SHELL", *row, 1);
	setenv("HOME", dir, 1);
	r.input = bytes_str("first\nsecond\n");
	must(admin_remote_script_run(&r, &out, &err));
	ck_assert_str_eq(buf_str(&out), "a 'b' 3\nfirst\nsecond\nC\n0022\n");
	buf_release(&out);
}

TEST(a_script_can_execute_itself_again)
{
	struct admin_remote_script r = remote(
		"if [ ! \"$AGAIN\" ]; then\n"
		"	AGAIN=1 exec sh -c \"$kfarm_script\"\n"
		"fi\n"
		"read -r line; echo \"again $line\"; cat\n");
	struct buf out = { 0 };
	struct err err = { 0 };

	r.input = bytes_str("hears\n");
	must(admin_remote_script_run(&r, &out, &err));
	ck_assert_str_eq(buf_str(&out), "again hears\n");
	buf_release(&out);
}

TEST(output_of_the_login_is_dropped)
{
	struct admin_remote_script r = remote("echo yes");
	struct buf out = { 0 };
	struct err err = { 0 };

	set_ssh("#!/bin/sh\necho Welcome to this board\n"
		"for last; do :; done\nexec sh -c \"$last\"\n");
	must(admin_remote_script_run(&r, &out, &err));
	ck_assert_str_eq(buf_str(&out), "yes\n");
	buf_release(&out);
}

TEST(a_failed_script_is_reported_with_its_stderr_or_status)
{
	struct admin_remote_script r = remote(
		"echo some; echo no disk >&2; exit 3");
	struct err err = { 0 };

	err_is(admin_remote_script_run(&r, NULL, &err), -EIO,
	       "node b1: no disk");
	r.script = bytes_str("exit 3");
	err_is(admin_remote_script_run(&r, NULL, &err), -EIO,
	       "node b1: exit status 3");
}

TEST(a_failed_login_is_reported_with_its_cause)
{
	struct admin_remote_script r = remote("echo yes");
	struct err err = { 0 };

	set_ssh("#!/bin/sh\necho 'me@board: Permission denied (publickey).' "
		">&2\nexit 255\n");
	err_is(admin_remote_script_run(&r, NULL, &err), -EHOSTUNREACH,
	       "node b1: me@board: Permission denied "
	       "(publickey); login without a password is "
	       "required: run `ssh-copy-id me@board`");
	set_ssh("#!/bin/sh\necho This account is not available.\nexit 1\n");
	err_is(admin_remote_script_run(&r, NULL, &err), -EHOSTUNREACH,
	       "node b1: This account is not available.");
	setenv("PATH", "/nowhere", 1);
	err_is(admin_remote_script_run(&r, NULL, &err), -ENOENT,
	       "node b1: ssh: not found in PATH");
}

TEST(a_lost_connection_is_reported)
{
	struct admin_remote_script r = remote("echo yes; cat >/dev/null");
	struct err err = { 0 };

	set_ssh("#!/bin/sh\necho kfarm:begun; echo client_loop: send "
		"disconnect: Broken pipe >&2; exit 255");
	err_is(admin_remote_script_run(&r, NULL, &err), -EIO,
	       "node b1: connection lost: "
	       "client_loop: send disconnect: Broken pipe");
}

/* The remote shell reads only the first bytes of the script. */
TEST_RANGE(a_truncated_script_is_not_executed, 0, 10)
{
	char *mark = xasprintf("%s/mark", dir), *ssh, *script;
	struct err err = { 0 };
	struct admin_remote_script r;

	script = xasprintf("touch %s\n: > %s.2\n", mark, mark);
	ssh = xasprintf("#!/bin/sh\nfor last; do :; done\n"
			"head -c %d | sh -c \"$last\"\n",
			100 + 10 * _i);
	set_ssh(ssh);
	r = remote(script);
	ck_assert_int_lt(admin_remote_script_run(&r, NULL, &err), 0);
	ck_assert(!fs_exists(mark));
	free(ssh);
	free(script);
	free(mark);
}

/* Send the requested data: a megabyte, which the script counts. */
static int answer(void *ctx, struct admin_remote_script_session *talk,
		  const char *line, struct err *err)
{
	unsigned *lines = ctx;

	++*lines;
	if (!strcmp(line, "how much?"))
		admin_remote_script_send(talk, bytes_str("1000000\n"));
	if (!strcmp(line, "and now")) {
		char *much = xcalloc(1, 1000000);

		memset(much, 'x', 1000000);
		admin_remote_script_send(talk, bytes_of(much, 1000000));
		admin_remote_script_close_input(talk);
		free(much);
	}
	return strcmp(line, "bad") ? 0 : err_set(err, EPROTO, "a bad word");
}

TEST(the_line_callback_can_send_input_or_stop_the_script)
{
	struct admin_remote_script r = remote("echo 'how much?'\n"
					      "read -r n\n"
					      "echo 'and now'\n"
					      "got=$(wc -c)\n"
					      "echo $((got - n))\n");
	struct buf out = { 0 };
	struct err err = { 0 };
	unsigned lines = 0;

	r.on_line = answer;
	r.line_ctx = &lines;
	must(admin_remote_script_run(&r, &out, &err));
	ck_assert_str_eq(buf_str(&out), "how much?\nand now\n0\n");
	ck_assert_uint_eq(lines, 3);
	r.script = bytes_str("echo bad; sleep 60");
	err_is(admin_remote_script_run(&r, NULL, &err), -EPROTO,
	       "node b1: a bad word");
	buf_release(&out);
}

TEST(a_script_that_ignores_its_input_succeeds)
{
	static char much[1 << 20];
	struct admin_remote_script r = remote("echo good");
	struct buf out = { 0 };
	struct err err = { 0 };

	memset(much, 'y', sizeof(much));
	r.input = bytes_of(much, sizeof(much));
	must(admin_remote_script_run(&r, &out, &err));
	ck_assert_str_eq(buf_str(&out), "good\n");
	buf_release(&out);
}

/* ssh leaves such a process if connections are shared (ControlPersist). */
TEST(a_background_process_of_ssh_is_not_waited_for)
{
	struct admin_remote_script r = remote(
		"echo good; sleep 60 & echo gone");
	uint64_t began = clock_ms();
	struct buf out = { 0 };
	struct err err = { 0 };

	must(admin_remote_script_run(&r, &out, &err));
	ck_assert_str_eq(buf_str(&out), "good\ngone\n");
	ck_assert_uint_lt(clock_ms() - began, 50000);
	buf_release(&out);
}

TEST(a_silent_script_fails_after_the_idle_timeout)
{
	struct admin_remote_script r = remote("echo good; exec sleep 60");
	struct err err = { 0 };

	r.idle_timeout_ms = 1000;
	err_is(admin_remote_script_run(&r, NULL, &err), -ETIMEDOUT,
	       "node b1: no answer from me@board within 1 s");
}

static atomic_bool stop;

static int stop_here(void *ctx, struct admin_remote_script_session *talk,
		     const char *line, struct err *err)
{
	(void)ctx;
	(void)talk;
	(void)line;
	(void)err;
	atomic_store(&stop, true);
	return 0;
}

TEST_RANGE(a_running_script_can_be_cancelled, 0, 2)
{
	struct admin_remote_script r = remote("echo good; exec sleep 60");
	struct err err = { 0 };

	r.on_line = stop_here;
	r.cancel = &stop;
	r.interactive = _i;
	err_is(admin_remote_script_run(&r, NULL, &err), -EINTR,
	       "node b1: interrupted");
	atomic_store(&stop, false);
}

TEST(endless_output_is_rejected)
{
	struct admin_remote_script r = remote(
		"while :; do echo "
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
	struct buf out = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(admin_remote_script_run(&r, &out, &err), -EMSGSIZE);
	buf_release(&out);
}
