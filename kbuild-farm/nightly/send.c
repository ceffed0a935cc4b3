/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/send.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"
#include "base/work-timer.h"
#include "nightly/mail.h"
#include "nightly/notify.h"
#include "nightly/report-text.h"
#include "nightly/store.h"
#include "tree/datadir.h"
#include "tree/log.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* working time (base/work-timer.h) until SIGKILL */
#define MAIL_MS            60000
#define COMMAND_MS         300000
#define INTERRUPT_GRACE_MS 5000 /* after an interrupt */
#define TICK_MS            100
#define OUTPUT_MAX         (1u << 20) /* limit for the output of a program */
/* Searched after PATH, because sendmail(8) is rarely in a user's PATH. */
#define SENDMAIL_DIRS "/usr/sbin:/usr/lib:/usr/local/sbin"

/* ------------------------------------------------------ other programs */

/*
 * Wait for the program itself instead of the end of its output, because some
 * mailers leave background processes that hold the output open.
 */
static int wait_for(pid_t pid, unsigned ms, const atomic_bool *stop,
		    int *status)
{
	struct work_timer timer;
	int ret = -EAGAIN;
	bool hurried = false;

	work_timer_start(&timer, pid, WORK_TIMER_TREE, ms);
	while (ret == -EAGAIN) {
		if (spawn_await_exit(pid, TICK_MS))
			ret = 0;
		else if (work_timer_has_expired(&timer))
			ret = hurried ? -ECANCELED : -ETIMEDOUT;
		else if (!hurried && stop && atomic_load(stop) &&
			 timer.used_ms + INTERRUPT_GRACE_MS < ms) {
			hurried = true;
			work_timer_start(&timer, pid, WORK_TIMER_TREE,
					 INTERRUPT_GRACE_MS);
		}
	}
	if (ret)
		kill(-pid, SIGKILL);
	*status = spawn_wait(pid);
	return ret;
}

static int set_exit_error(const char *name, int fd, int status, struct err *err)
{
	struct buf output = { 0 };
	struct err ignored = { 0 };
	char *how = spawn_status_text(status), *line;

	fs_memfd_read(fd, OUTPUT_MAX, &output, &ignored);
	line = xstrndup(buf_str(&output), strcspn(buf_str(&output), "\r\n"));
	err_set(err, EIO, "%s: %s%s%.200s", name, how, *line ? ": " : "", line);
	free(line);
	free(how);
	buf_release(&output);
	return -EIO;
}

/* Run a program with `input` on its stdin. */
static int feed_program(const struct nightly_send *s, const char *name,
			struct spawn *what, struct bytes input, unsigned ms,
			struct err *err)
{
	int in = -1, out = -1, status = 0;
	pid_t pid;
	int ret = fs_memfd_new(input, &in, err);

	if (!ret)
		ret = fs_memfd_new(bytes_of(NULL, 0), &out, err);
	what->own_group = true;
	what->killed_with_parent = true;
	what->stdio_fds[0] = in;
	what->stdio_fds[1] = what->stdio_fds[2] = out;
	if (!ret)
		ret = spawn_start(what, &pid, err);
	if (ret) {
		err_wrap(err, "%s", name);
		goto out;
	}
	ret = wait_for(pid, ms, s->stop, &status);
	if (ret == -ETIMEDOUT)
		err_set(err, ETIMEDOUT,
			"%s: timed out after %u s and was killed", name,
			(ms + 999) / 1000);
	else if (ret == -ECANCELED)
		err_set(err, ECANCELED,
			"%s: interrupted, and killed because it did not exit "
			"within %d s",
			name, INTERRUPT_GRACE_MS / 1000);
	else if (ret)
		err_set(err, -ret, "%s: %s", name, strerror(-ret));
	else if (status)
		ret = set_exit_error(name, out, status, err);
out:
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return ret;
}

/* ---------------------------------------------------------------- mail */

static char *find_sendmail(const char *path)
{
	const char *own_path = path ? path : getenv("PATH");
	char *dirs = path ? xstrdup(path) :
			    xasprintf("%s:" SENDMAIL_DIRS,
				      own_path ? own_path : "");
	char *found = which("sendmail", dirs);

	free(dirs);
	return found;
}

int nightly_send_check_mailer(const struct strv *mail_to, const char *path,
			      struct err *err)
{
	char *program = find_sendmail(path);
	int ret = 0;

	if (mail_to->n && !program)
		ret = err_set(
			err, ENOENT,
			"sendmail not found in PATH or in " SENDMAIL_DIRS
			"; install a package such as msmtp-mta or postfix");
	free(program);
	return ret;
}

static int send_mail(const struct nightly_send *s,
		     const struct nightly_report *r, struct err *err)
{
	char *to = strv_join(s->mail_to, ","), *from = NULL, *program = NULL;
	char *argv[] = { NULL, (char[]){ "-t" }, (char[]){ "-oi" }, NULL };
	struct nightly_mail m = { .to = to,
				  .name = s->name,
				  .result = r->result,
				  .subject = r->subject,
				  .text = r->text,
				  .date_s = time(NULL),
				  .sequence = (unsigned)getpid() };
	const struct passwd *me = s->mail_from ? NULL : getpwuid(geteuid());
	struct spawn what = { .argv = argv };
	struct buf text = { 0 };
	static const char host_chars[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-.";
	char host[256];
	int ret;

	if (gethostname(host, sizeof(host)) || !*host ||
	    !memchr(host, '\0', sizeof(host)) || host[strspn(host, host_chars)])
		snprintf(host, sizeof(host), "localhost");
	m.host = host;
	from = s->mail_from ? xstrdup(s->mail_from) :
			      xasprintf("kfarm <%s@%s>",
					me ? me->pw_name : "kfarm", host);
	m.from = from;
	program = find_sendmail(s->sendmail_path);
	argv[0] = program;
	ret = nightly_mail_write(&text, &m, err);
	if (!ret)
		ret = nightly_send_check_mailer(s->mail_to, s->sendmail_path,
						err);
	if (!ret)
		ret = feed_program(
			s, program, &what, buf_bytes(&text),
			s->mail_timeout_ms ? s->mail_timeout_ms : MAIL_MS, err);
	if (ret)
		err_wrap(err, "mail to %s", to);
	buf_release(&text);
	free(program);
	free(from);
	free(to);
	return ret;
}

/* ------------------------------------------------------------- command */

static int send_to_command(const struct nightly_send *s,
			   const struct nightly_report *r,
			   const char *report_path, struct err *err)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char *)s->command, NULL };
	struct strv env = { 0 };
	struct spawn what = { .argv = argv };
	int ret;

	/*
	 * Put these variables first, because getenv() returns the first of
	 * several variables with the same name.
	 */
	strv_addf(&env, "KFARM_NIGHTLY_NAME=%s", s->name);
	strv_addf(&env, "KFARM_NIGHTLY_RESULT=%s", r->result);
	strv_addf(&env, "KFARM_NIGHTLY_SUBJECT=%s", r->subject);
	strv_addf(&env, "KFARM_NIGHTLY_REPORT=%s", report_path);
	if (s->environment)
		strv_add_all(&env, strv_list(s->environment));
	for (char *const *e = environ; *e; e++) {
		if (!str_starts(*e, "KFARM_NIGHTLY_"))
			strv_add(&env, *e);
	}
	what.env = strv_list(&env);
	ret = feed_program(s, "command", &what, bytes_str(r->text),
			   s->command_timeout_ms ? s->command_timeout_ms :
						   COMMAND_MS,
			   err);
	strv_release(&env);
	return ret;
}

/* --------------------------------------------------------------- storage */

/* Append a further failure to `err`. */
static void add_send_error(struct err *err, const struct err *more)
{
	struct err first = *err;

	if (*first.text)
		err_set(err, EIO, "%s; %s", first.text, more->text);
	else
		*err = *more;
}

int nightly_send(const struct nightly_send *s, const struct nightly_report *r,
		 struct err *err)
{
	char *report_path = xasprintf("%s/" NIGHTLY_REPORT_FILE,
				      s->report_dirs->v[0]);
	struct err store_err = { 0 }, why = { 0 };
	struct buf text = { 0 };
	int ret = 0, got, store_ret = 0;

	*err = (struct err){ 0 };
	buf_printf(&text, "%s\n\n%s", r->subject, r->text);
	for (size_t i = 0; i < s->report_dirs->n; i++) {
		char *path = xasprintf("%s/" NIGHTLY_REPORT_FILE,
				       s->report_dirs->v[i]);

		got = fs_write(path, buf_bytes(&text), 0666, &why);
		if (got && !store_ret) {
			store_ret = got;
			store_err = why;
		}
		free(path);
	}
	if (s->mail_to->n && (got = send_mail(s, r, &why))) {
		ret = got;
		add_send_error(err, &why);
	}
	if (s->command && (got = send_to_command(s, r, report_path, &why))) {
		ret = got;
		add_send_error(err, &why);
	}
	if (ret || (!s->mail_to->n && !s->command)) {
		if (fputs(buf_str(&text), s->out) == EOF || fflush(s->out)) {
			ret = err_errno(&why, "stdout");
			add_send_error(err, &why);
			clearerr(s->out); /* `err` states the error */
		}
	}
	if (ret && !store_ret)
		err_wrap(err, "report not sent, but saved in %s", report_path);
	if (store_ret) {
		ret = ret ? ret : store_ret;
		add_send_error(err, &store_err);
	}
	buf_release(&text);
	free(report_path);
	return ret;
}

/* ------------------------------------------------------ unsent results */

static bool is_unsent(const struct nightly_result *r)
{
	char *path = xasprintf("%s/" NIGHTLY_UNSENT_FILE, r->dir);
	bool marked = fs_exists(path);

	free(path);
	return marked;
}

/*
 * Return the newest result that is older than `r` and has the same build.  If
 * `sent` is true, ignore results that were not reported.  If `good` is true,
 * ignore results that are not good.
 */
static const struct nightly_result *find_older(const struct nightly_store *s,
					       const struct nightly_result *r,
					       bool sent, bool good)
{
	for (size_t i = s->n_results; i-- > 0;) {
		const struct nightly_result *o = s->results[i];

		if (o->number < r->number && !strcmp(o->build, r->build) &&
		    !(sent && is_unsent(o)) &&
		    !(good && o->end != NIGHTLY_END_GOOD))
			return o;
	}
	return NULL;
}

/*
 * Find the result to report for `r`, and set *out to a copy with borrowed
 * contents.  The first candidate is `r`, unless the build of `r` is unchanged.
 * The next candidates are the unreported results directly before `r`, newest
 * first.  The first candidate with news is chosen, so that a change is reported
 * even if a later result reverts it.
 *
 * Each candidate is first compared with the newest older result that was
 * reported.  If this comparison shows no news, the candidate is compared with
 * the newest older result, reported or not.  For a candidate with news,
 * out->previous is the result of the comparison that showed the news, or NULL
 * if no such result exists.  If no candidate has news, `r` is chosen.
 */
static void find_unsent(struct nightly_result *out,
			const struct nightly_store *s,
			const struct nightly_result *r)
{
	const struct nightly_result *c =
		r->decision == NIGHTLY_DECISION_UNCHANGED ? r->previous : r;

	for (; c && (c == r || is_unsent(c));
	     c = find_older(s, c, false, false)) {
		*out = *c;
		out->last_good = find_older(s, c, false, true);
		out->previous = find_older(s, c, true, false);
		if (nightly_notify_reason(out))
			return;
		out->previous = find_older(s, c, false, false);
		if (nightly_notify_reason(out))
			return;
	}
	*out = *r;
}

/* Mark all results that have the same build as `r` as reported. */
static void clear_unsent(const struct nightly_store *s,
			 const struct nightly_result *r)
{
	for (size_t i = 0; i < s->n_results; i++) {
		char *path = xasprintf("%s/" NIGHTLY_UNSENT_FILE,
				       s->results[i]->dir);

		if (!strcmp(s->results[i]->build, r->build))
			unlink(path);
		free(path);
	}
}

/* ---------------------------------------------------------------- report */

/* The report about the builds of a run. */
struct report_state {
	const struct nightly_report_request *request;
	struct nightly_result *unsent; /* from find_unsent() */
	struct tree_commit_log *logs;
	size_t n;
};

/*
 * Read the commits since nightly_notify_commit_base() for each build with news.
 * A report without the commits is still correct, so errors are ignored.
 */
static void read_commits(const struct report_state *t)
{
	struct tree_datadir home = { 0 };
	struct err ignored = { 0 };
	bool open = !tree_datadir_open(&home, t->request->job->tree,
				       TREE_LOCK_READ, &ignored);

	for (size_t i = 0; open && i < t->n; i++) {
		const struct nightly_result *r = &t->unsent[i];
		const struct nightly_result *since = nightly_notify_commit_base(
			r);

		if (since && nightly_notify_reason(r))
			tree_commit_log_read(&t->logs[i], home.repository,
					     since->commit, r->commit,
					     NIGHTLY_COMMITS_MAX, &ignored);
	}
	tree_datadir_release(&home);
}

static void add_fact(struct strv *facts, const char *name, unsigned long n)
{
	strv_addf(facts, "KFARM_NIGHTLY_%s=%lu", name, n);
}

/*
 * Collect the environment variables for the command: the number of all builds
 * and the number of bad builds; the numbers of errors and warnings of all
 * builds with news; and the commit and directory of `first`, the first result
 * with news.
 */
static void collect_facts(const struct report_state *t,
			  const struct nightly_result *first,
			  struct strv *facts)
{
	unsigned long errors = 0, new_errors = 0, warnings = 0;
	unsigned long new_warnings = 0, bad = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct nightly_result *r = &t->unsent[i];

		bad += nightly_notify_effective_result(r)->end !=
		       NIGHTLY_END_GOOD;
		if (!nightly_notify_reason(r))
			continue;
		errors += r->n_errors;
		new_errors += nightly_notify_count_new_errors(r);
		warnings += r->n_warnings;
		new_warnings += r->n_new_warnings;
	}
	add_fact(facts, "BUILDS", t->n);
	add_fact(facts, "BAD", bad);
	add_fact(facts, "ERRORS", errors);
	add_fact(facts, "NEW_ERRORS", new_errors);
	add_fact(facts, "WARNINGS", warnings);
	add_fact(facts, "NEW_WARNINGS", new_warnings);
	strv_addf(facts, "KFARM_NIGHTLY_COMMIT=%s", first->commit);
	strv_addf(facts, "KFARM_NIGHTLY_DIR=%s", first->dir ? first->dir : "");
}

static int send_report(const struct report_state *t,
		       const struct nightly_result *first, struct err *err)
{
	const struct nightly_job *job = t->request->job;
	struct nightly_report_build *builds = xcalloc(t->n, sizeof(*builds));
	struct nightly_report report = { 0 };
	struct strv facts = { 0 }, dirs = { 0 };
	struct nightly_send send = { .name = job->name,
				     .mail_to = &job->mail_to,
				     .mail_from = job->mail_from,
				     .command = job->command,
				     .environment = &facts,
				     .report_dirs = &dirs,
				     .stop = t->request->stop,
				     .out = t->request->out };
	int ret = 0;

	read_commits(t);
	for (size_t i = 0; i < t->n; i++)
		builds[i] = (struct nightly_report_build){ &t->unsent[i],
							   &t->logs[i] };
	collect_facts(t, first, &facts);
	/* The report is stored with the results that it is about. */
	for (size_t i = 0; i < t->n; i++) {
		if (nightly_notify_reason(&t->unsent[i]) && t->unsent[i].dir)
			strv_add(&dirs, t->unsent[i].dir);
	}
	if (!dirs.n)
		strv_add(&dirs, job->results_dir);
	if (nightly_report_write(&report, job->name, builds, t->n))
		ret = nightly_send(&send, &report, err);
	strv_release(&facts);
	strv_release(&dirs);
	nightly_report_release(&report);
	free(builds);
	return ret;
}

int nightly_report_send(const struct nightly_report_request *l, struct err *err)
{
	struct report_state t = { .request = l, .n = l->n_results };
	const struct nightly_result *first = NULL; /* first result with news */
	int ret = 0;

	if (!l->n_results)
		return 0;
	t.unsent = xcalloc(l->n_results, sizeof(*t.unsent));
	t.logs = xcalloc(l->n_results, sizeof(*t.logs));
	for (size_t i = 0; i < l->n_results; i++) {
		find_unsent(&t.unsent[i], l->store, l->results[i]);
		if (!first && nightly_notify_reason(&t.unsent[i]))
			first = &t.unsent[i];
	}
	if (first)
		ret = send_report(&t, first, err);
	for (size_t i = 0; i < l->n_results; i++) {
		if (!ret)
			clear_unsent(l->store, l->results[i]);
		tree_commit_log_release(&t.logs[i]);
	}
	free(t.logs);
	free(t.unsent);
	return ret;
}

static bool is_repeated_error(const char *path, const char *why)
{
	struct buf was = { 0 };
	struct err ignored = { 0 };
	bool known = !fs_read(path, ERR_TEXT_MAX, &was, &ignored) &&
		     nightly_notify_is_same_text(buf_str(&was), why);

	buf_release(&was);
	return known;
}

static int send_error_report(const struct nightly_job *job, const char *why,
			     const atomic_bool *stop, FILE *out,
			     struct err *err)
{
	struct nightly_report report = { .result = "ERROR" };
	struct strv dirs = { 0 };
	const struct nightly_send send = { .name = job->name,
					   .mail_to = &job->mail_to,
					   .mail_from = job->mail_from,
					   .command = job->command,
					   .report_dirs = &dirs,
					   .stop = stop,
					   .out = out };
	struct buf subject = { 0 }, text = { 0 };
	int ret;

	strv_add(&dirs, job->results_dir);
	buf_printf(&subject, "[kfarm] ERROR %s: ", job->name);
	nightly_report_add_truncated(&subject, why,
				     NIGHTLY_REPORT_SUBJECT_BYTES);
	buf_printf(&text, "%s could not be built.\n\nReason:\n  ", job->name);
	nightly_report_add_truncated(&text, why, ERR_TEXT_MAX);
	buf_add_str(&text, "\n");
	report.subject = buf_steal(&subject);
	report.text = buf_steal(&text);
	ret = nightly_send(&send, &report, err);
	nightly_report_release(&report);
	strv_release(&dirs);
	return ret;
}

int nightly_report_send_error(const struct nightly_job *job, const char *why,
			      const atomic_bool *stop, FILE *out,
			      struct err *err)
{
	char *path = xasprintf("%s/trouble", job->results_dir);
	int ret = 0;

	if (!why) {
		unlink(path);
	} else if ((job->mail_to.n || job->command) &&
		   !is_repeated_error(path, why)) {
		ret = send_error_report(job, why, stop, out, err);
		if (!ret)
			ret = fs_write(path, bytes_str(why), 0666, err);
	}
	free(path);
	return ret;
}
