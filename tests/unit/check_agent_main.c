/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire toolchain */
#include "agent-client.h"

#include <sched.h>
#include <sys/mount.h>

static char *run_kfarmd(const char *const *words, int *status)
{
	char *line = xasprintf("exec '%s'", kfarmd_path()), *more;
	char *argv[] = { (char *)"sh", (char *)"-c", NULL, NULL };
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err = { 0 };

	for (; *words; words++) {
		more = xasprintf("%s '%s'", line, *words);
		free(line);
		line = more;
	}
	more = xasprintf("%s 2>&1", line);
	argv[2] = more;
	ck_assert_int_eq(
		spawn_capture(&what, 1u << 16, 10000, &out, status, &err), 0);
	free(more);
	free(line);
	return buf_steal(&out);
}

/* Command lines, and a word of the one line that they get. */
static const struct wrong {
	const char *words[4];
	const char *says;
} wrongs[] = {
	{ { NULL }, "one of --stdio and --listen" },
	{ { "--stdio", "--listen", "unix:/tmp/x" }, "one of" },
	{ { "--listen", "/tmp/x" }, "unix:PATH" },
	{ { "--stdio", "--slots", "0" }, "--slots 0" },
	{ { "--stdio", "--slots", "many" }, "--slots many" },
	{ { "--stdio", "more" }, "more: not an option" },
	{ { "--nosuch" }, "--nosuch" },
	{ { "--stdio", "--work", "/nonexistent/dir" }, "/nonexistent/dir" },
	{ { "--stdio", "--toolchain", "/bin/ls" }, "/bin/ls" },
	{ { "--stdio", "--toolchain", "/etc" }, "/etc" },
};

START_TEST(a_wrong_command_line_gets_one_clear_line)
{
	int status;
	char *out = run_kfarmd(wrongs[_i].words, &status);

	ck_assert_int_eq(WEXITSTATUS(status), 1);
	ck_assert(str_starts(out, "kfarmd: "));
	ck_assert_ptr_nonnull(strstr(out, wrongs[_i].says));
	ck_assert_ptr_eq(strchr(out, '\n'), out + strlen(out) - 1);
	free(out);
}
END_TEST

static const char *const infos[] = { "--version", "-V", "--help", "-h" };

START_TEST(version_and_help_go_to_stdout)
{
	const char *const words[] = { infos[_i], NULL };
	int status;
	char *out = run_kfarmd(words, &status);

	ck_assert_int_eq(status, 0);
	ck_assert(strstr(out, _i < 2 ? "kfarmd 0." : "usage: kfarmd"));
	free(out);
}
END_TEST

START_TEST(slots_are_told_and_bound_the_compilers_at_once)
{
	const char *const more[] = { "--slots", "1", NULL };
	struct buf text = slow_text();
	struct node n;

	client_set_up();
	node_start(&n, more);
	ck_assert_uint_eq(n.c.hello.inventory.slots, 1);
	for (unsigned i = 0; i < 6; i++)
		client_compile(&n.c, i, WIRE_LANG_C, buf_bytes(&text), NULL);
	for (unsigned i = 4; i < 6; i++) {
		client_wait_job(&n.c, i);
		ck_assert(n.c.job[i].has_fail);
		ck_assert_uint_eq(n.c.job[i].fail.class, WIRE_FAIL_BUSY);
	}
	for (unsigned i = 0; i < 4; i++) {
		client_wait_job(&n.c, i);
		ck_assert(n.c.job[i].has_result);
	}
	ck_assert_uint_le(n.c.most_running, 1);
	node_end(&n);
	buf_release(&text);
	client_tear_down();
}
END_TEST

/* A small disk of our own at `dir`; false where we may not have one. */
static bool mount_small(const char *dir)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", dir, "tmpfs", 0, "size=20m");
}

static void expect_node_failure(struct client *c, unsigned job, size_t len,
				const char *word)
{
	struct wire_job m = client_job(job, WIRE_LANG_C, len, NULL);
	struct buf text = { 0 };

	while (text.len < len)
		buf_add_str(&text, "\n");
	client_send_job(c, &m);
	client_send_text(c, job, buf_bytes(&text));
	client_wait_job(c, job);
	ck_assert(c->job[job].has_fail);
	ck_assert_uint_eq(c->job[job].fail.class, WIRE_FAIL_NODE);
	ck_assert_msg(strstr(c->job[job].fail.reason, word), "it said: %s",
		      c->job[job].fail.reason);
	buf_release(&text);
}

START_TEST(a_full_disk_fails_the_job_and_nothing_else)
{
	char *small = work_new(), *file = xasprintf("%s/file", small);
	const char *const more[] = { "--work", small, NULL };
	struct buf filler = { 0 };
	struct node n;
	struct err err;

	client_set_up();
	if (mount_small(small)) {
		node_start(&n, more);
		expect_node_failure(&n.c, 1, 10u << 20, "no room");
		/* It fills up while the text comes. */
		ck_assert(!buf_reserve(&filler, 19u << 20));
		memset(filler.data, 0, filler.cap);
		filler.len = 19u << 20;
		client_send_job(&n.c,
				&(struct wire_job){ .job = 2,
						    .toolchain = client_gcc.id,
						    .text_len = 2u << 20 });
		client_ask(&n.c, "gcc", &client_gcc.id);
		ck_assert_int_eq(fs_write(file, buf_bytes(&filler), 0600, &err),
				 0);
		filler.len = 2u << 20;
		client_send_text(&n.c, 2, buf_bytes(&filler));
		client_wait_job(&n.c, 2);
		ck_assert(n.c.job[2].has_fail);
		ck_assert_uint_eq(n.c.job[2].fail.class, WIRE_FAIL_NODE);
		ck_assert_ptr_nonnull(
			strstr(n.c.job[2].fail.reason, "No space left"));
		unlink(file);
		client_compile(&n.c, 3, WIRE_LANG_ASM, bytes_str(" nop\n"),
			       NULL);
		client_wait_job(&n.c, 3);
		ck_assert(n.c.job[3].has_result);
		node_end(&n);
		umount(small);
	}
	ck_assert_int_eq(fs_remove(small, &err), 0);
	buf_release(&filler);
	free(file);
	free(small);
	client_tear_down();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/main");
	TCase *t = tcase_create("main");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_wrong_command_line_gets_one_clear_line, 0,
			    sizeof(wrongs) / sizeof(*wrongs));
	tcase_add_loop_test(t, version_and_help_go_to_stdout, 0,
			    sizeof(infos) / sizeof(*infos));
	tcase_add_test(t, slots_are_told_and_bound_the_compilers_at_once);
	tcase_add_test(t, a_full_disk_fails_the_job_and_nothing_else);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
