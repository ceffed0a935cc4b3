/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
#include "nightly/send.h"

#include "../lib/pidfd.h"
#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/clock.h"
#include "nightly-put.h"

static char dir[TEMPDIR_SIZE];
static struct strv recipients, dirs, variables;
static struct nightly_send s;
static struct nightly_report r;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
	strv_addf(&dirs, "%s", dir);
	s = (struct nightly_send){ .name = "mainline",
				   .mail_to = &recipients,
				   .environment = &variables,
				   .report_dirs = &dirs,
				   .sendmail_path = dir,
				   .mail_timeout_ms = 20000,
				   .command_timeout_ms = 20000,
				   .out = tmpfile() };
	r = (struct nightly_report){ .result = "FAIL",
				     .subject = xstrdup("[kfarm] FAIL a ‘b’"),
				     .text = xstrdup(
					     "New errors:\n  x ‘y’\n") };
	ck_assert_ptr_nonnull(s.out);
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	nightly_report_release(&r);
	strv_release(&recipients);
	strv_release(&dirs);
	strv_release(&variables);
	fclose(s.out);
	tempdir_remove(dir);
}

/* Install a script in place of sendmail(8). */
static void install_sendmail(const char *script)
{
	char *path = xasprintf("%s/sendmail", dir);
	char *text = xasprintf("#!/bin/sh\ncd %s\n%s\n", dir, script);

	must(fs_write(path, bytes_str(text), 0755, &err));
	free(text);
	free(path);
}

static void check_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct buf got = { 0 };

	must(fs_read(path, 1 << 20, &got, &err));
	ck_assert_msg(strstr(buf_str(&got), text), "%s: %s", name,
		      buf_str(&got));
	buf_release(&got);
	free(path);
}

static void check_stdout(const char *want)
{
	char got[4096];
	size_t n;

	rewind(s.out);
	n = fread(got, 1, sizeof(got) - 1, s.out);
	got[n] = '\0';
	ck_assert_str_eq(got, want);
}

#define REPORT "[kfarm] FAIL a ‘b’\n\nNew errors:\n  x ‘y’\n"

static void check_failure(int code, const char *words)
{
	ck_assert_int_eq(nightly_send(&s, &r, &err), code);
	ck_assert_msg(strstr(err.text, words), "%s", err.text);
	ck_assert_msg(strstr(err.text, "report not sent, but saved in"), "%s",
		      err.text);
	ck_assert_msg(strstr(err.text, dir), "%s", err.text);
	check_file("report.txt", REPORT);
	check_stdout(REPORT);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(without_recipients_the_report_is_printed)
{
	must(nightly_send(&s, &r, &err));
	check_stdout(REPORT);
	check_file("report.txt", REPORT);
}

TEST(a_report_that_cannot_be_printed_is_an_error)
{
	fclose(s.out);
	s.out = fopen("/dev/full", "w");
	ck_assert_ptr_nonnull(s.out);
	ck_assert_int_eq(nightly_send(&s, &r, &err), -ENOSPC);
	ck_assert_msg(strstr(err.text, "saved in"), "%s", err.text);
	ck_assert_msg(strstr(err.text, "stdout: No space left"), "%s",
		      err.text);
	check_file("report.txt", REPORT);
}

TEST(with_recipients_sendmail_gets_the_mail_and_stdout_is_empty)
{
	strv_add(&recipients, "a@example.org");
	strv_add(&recipients, "b@example.org");
	install_sendmail("echo \"$@\" >args; cat >mail");
	must(nightly_send(&s, &r, &err));
	check_file("args", "-t -oi\n");
	check_file("mail", "To: a@example.org,\n b@example.org\n");
	check_file("mail", "From: kfarm <");
	check_file("mail", "Subject: =?UTF-8?B?");
	check_file("report.txt", REPORT);
	check_stdout("");
}

TEST(sendmail_is_waited_for_without_a_pidfd)
{
	no_pidfds = true;
	strv_add(&recipients, "a@example.org");
	install_sendmail("sleep 1; cat >mail");
	must(nightly_send(&s, &r, &err));
	check_file("mail", "To: a@example.org\n");
}

TEST(a_failure_of_sendmail_is_reported_with_its_stderr)
{
	strv_add(&recipients, "a@example.org");
	install_sendmail("echo 'relay \033[31mdown' >&2; exit 75");
	check_failure(-EIO, "mail to a@example.org: ");
	ck_assert_msg(strstr(err.text, "exit status 75: relay ?[31mdown"), "%s",
		      err.text);
}

TEST(a_sendmail_killed_by_a_signal_is_reported)
{
	strv_add(&recipients, "a@example.org");
	install_sendmail("kill -9 $$");
	check_failure(-EIO, "killed by signal 9");
}

TEST(a_sendmail_that_hangs_is_killed_with_its_children)
{
	uint64_t begun = clock_ms();
	char *pid, *alive;

	strv_add(&recipients, "a@example.org");
	install_sendmail("trap '' TERM HUP; sleep 600 & echo $! >pid; wait");
	s.mail_timeout_ms = 5000;
	check_failure(-ETIMEDOUT, "timed out after 5 s");
	ck_assert_uint_lt(clock_ms() - begun, 60000);
	pid = shell_ask(dir, "cat pid");
	alive = shell_ask(dir, "i=0; while [ $i -lt 600 ] && "
			       "grep -v '^State:.Z' /proc/$(cat pid)/status "
			       "2>/dev/null | grep -q ^State:; do "
			       "sleep 0.1; i=$((i + 1)); done; "
			       "[ $i -lt 600 ] || echo alive");
	ck_assert_msg(!*alive, "%s: %s", pid, alive);
	free(alive);
	free(pid);
}

TEST(an_interrupt_shortens_the_timeout_of_a_command)
{
	static const atomic_bool stop = true;
	uint64_t begun = clock_ms();

	s.stop = &stop;
	s.command = "sleep 600";
	check_failure(-ECANCELED, "command: interrupted, and killed");
	ck_assert_uint_lt(clock_ms() - begun, 60000);
	s.command = "cat >/dev/null";
	must(nightly_send(&s, &r, &err));
}

TEST(background_children_of_sendmail_are_not_waited_for)
{
	uint64_t begun = clock_ms();

	strv_add(&recipients, "a@example.org");
	install_sendmail("cat >mail; sleep 600 & echo $! >pid");
	must(nightly_send(&s, &r, &err));
	ck_assert_uint_lt(clock_ms() - begun, 60000);
	shell_run(dir, "kill $(cat pid)");
}

TEST(a_missing_sendmail_is_an_error)
{
	strv_add(&recipients, "a@example.org");
	check_failure(-ENOENT, "sendmail not found");
	ck_assert_int_eq(
		nightly_send_check_mailer(&recipients, s.sendmail_path, &err),
		-ENOENT);
	text_has(err.text, "sendmail not found");
	strv_release(&recipients);
	must(nightly_send_check_mailer(&recipients, s.sendmail_path, &err));
}

TEST(an_invalid_address_is_rejected_before_sendmail_runs)
{
	strv_add(&recipients, "a@example.org\nBcc: b@example.org");
	install_sendmail("cat >mail");
	check_failure(-EINVAL, "is not a valid mail address");
	shell_run(dir, "[ ! -e mail ]");
}

TEST(a_command_gets_the_text_and_the_environment_variables)
{
	s.command = "cat >got; env >env; echo said";
	strv_add(&variables, "KFARM_NIGHTLY_ERRORS=2");
	setenv("KFARM_NIGHTLY_RESULT", "of another", 1);
	ck_assert_int_eq(chdir(dir), 0);
	must(nightly_send(&s, &r, &err));
	check_file("got", "New errors:\n  x ‘y’\n");
	check_file("env", "KFARM_NIGHTLY_NAME=mainline\n");
	check_file("env", "KFARM_NIGHTLY_RESULT=FAIL\n");
	check_file("env", "KFARM_NIGHTLY_SUBJECT=[kfarm] FAIL a ‘b’\n");
	check_file("env", "KFARM_NIGHTLY_ERRORS=2\n");
	check_file("env", "/report.txt\n");
	check_stdout("");
}

TEST(failures_of_both_mail_and_command_are_reported)
{
	strv_add(&recipients, "a@example.org");
	install_sendmail("exit 1");
	s.command = "echo no room >&2; exit 3";
	check_failure(-EIO, "command: exit status 3: no room");
	ck_assert_msg(strstr(err.text, "mail to a@example.org"), "%s",
		      err.text);
}

TEST(a_mail_failure_is_reported_although_the_command_succeeds)
{
	strv_add(&recipients, "a@example.org");
	install_sendmail("exit 1");
	s.command = "cat >/dev/null";
	check_failure(-EIO, "mail to a@example.org");
}

TEST(a_report_that_cannot_be_saved_is_sent_and_is_an_error)
{
	strv_release(&dirs);
	strv_add(&dirs, "/nonexistent/x");
	strv_add(&recipients, "a@example.org");
	install_sendmail("cat >mail");
	ck_assert_int_eq(nightly_send(&s, &r, &err), -ENOENT);
	ck_assert_msg(strstr(err.text, "/nonexistent/x/report.txt"), "%s",
		      err.text);
	check_file("mail", "To: a@example.org\n");
	check_stdout("");
}

/* ---- results whose report was not delivered ---- */

static struct nightly_job job;
static struct nightly_store store;

static void set_up_job(void)
{
	static const struct nightly_wait at_once;

	set_up();
	setenv("XDG_DATA_HOME", dir, 1);
	job = (struct nightly_job){ .name = xstrdup("job"),
				    .tree = xstrdup("mini"),
				    .results_dir = xasprintf("%s/results",
							     dir) };
	must(nightly_store_open(&store, &job, &at_once, &err));
}

static void tear_down_job(void)
{
	nightly_store_release(&store);
	free(job.results_dir);
	free(job.tree);
	free(job.name);
	tear_down();
}

/*
 * Report a result by a command that succeeds or fails; return the subject that
 * the command received, or "".  The caller frees it.
 */
static char *report_result(const struct nightly_result *result, bool delivered)
{
	const struct nightly_report_request request = { .job = &job,
							.store = &store,
							.results = &result,
							.n_results = 1,
							.out = s.out };
	char *got = xasprintf("%s/subject", dir), *subject;

	job.command = xasprintf("printf %%s \"$KFARM_NIGHTLY_SUBJECT\" >%s; "
				"exit %d",
				got, !delivered);
	must(fs_write(got, bytes_str(""), 0666, &err));
	ck_assert_int_eq(nightly_report_send(&request, &err),
			 delivered ? 0 : -EIO);
	subject = test_read_file(got);
	free(job.command);
	free(got);
	return subject;
}

static struct nightly_result *put_next(enum nightly_end end)
{
	const struct nightly_result *previous = nightly_store_latest(&store,
								     "b");
	struct nightly_result *next = put_result(&store, "b", end,
						 1700000000LL);

	next->decision = NIGHTLY_DECISION_COMMIT;
	next->previous = previous;
	next->n_errors = end == NIGHTLY_END_FAILED;
	return next;
}

/* One undelivered report, and the subject of the next report. */
static const struct undelivered {
	const char *name;
	enum nightly_end sent, unsent, next;
	unsigned unsent_new_errors, unsent_new_warnings;
	const char *subject; /* after the name of the build */
} undelivered[] = {
	{ "good again", NIGHTLY_END_GOOD, NIGHTLY_END_FAILED, NIGHTLY_END_GOOD,
	  1, 0, "PASS: fixed" },
	{ "fails again", NIGHTLY_END_FAILED, NIGHTLY_END_GOOD,
	  NIGHTLY_END_FAILED, 0, 0, "FAIL: 1 error (new)" },
	{ "still fails", NIGHTLY_END_FAILED, NIGHTLY_END_FAILED,
	  NIGHTLY_END_FAILED, 1, 0, "FAIL: 1 error (new)" },
	{ "still warns", NIGHTLY_END_GOOD, NIGHTLY_END_GOOD, NIGHTLY_END_GOOD,
	  0, 1, "WARN: 1 warning (new)" },
	{ "no change", NIGHTLY_END_GOOD, NIGHTLY_END_GOOD, NIGHTLY_END_GOOD, 0,
	  0, "" },
};

FIXTURE(set_up_job, tear_down_job);
TIMEOUT(60);

TEST_EACH(an_undelivered_change_is_reported_by_the_next_run, undelivered)
{
	struct nightly_result *result = put_next(row->sent);
	char *subject, *want;

	free(report_result(result, true));
	result = put_next(row->unsent);
	result->n_new_errors = row->unsent_new_errors;
	result->n_warnings = result->n_new_warnings = row->unsent_new_warnings;
	free(report_result(result, !*row->subject));
	result = put_next(row->next);
	subject = report_result(result, true);
	want = *row->subject ?
		       xasprintf("[kfarm] %.4s job %.12s... %s%s", row->subject,
				 PUT_COMMIT, result->build, row->subject + 4) :
		       xstrdup("");
	ck_assert_str_eq(subject, want);
	free(want);
	free(subject);

	/* A delivered report is not repeated. */
	result = put_next(row->next);
	subject = report_result(result, true);
	ck_assert_str_eq(subject, "");
	free(subject);
}

TEST(errors_after_an_undelivered_first_report_are_new)
{
	struct nightly_result *result = put_next(NIGHTLY_END_GOOD);
	char *subject;

	free(report_result(result, false));
	result = put_next(NIGHTLY_END_FAILED);
	result->n_new_errors = 1;
	subject = report_result(result, true);
	text_ends(subject, ": 1 error (new)");
	free(subject);
}

TEST(a_change_is_reported_after_two_undelivered_reports)
{
	struct nightly_result *result = put_next(NIGHTLY_END_GOOD);
	char *subject;

	free(report_result(result, true));
	result = put_next(NIGHTLY_END_FAILED);
	free(report_result(result, false));
	result = put_next(NIGHTLY_END_GOOD);
	free(report_result(result, false));
	result = put_next(NIGHTLY_END_GOOD);
	subject = report_result(result, true);
	text_ends(subject, ": fixed");
	free(subject);
}
