/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/send.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"
#include "nightly/mail.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAIL_MS    60000
#define COMMAND_MS 300000
#define HURRY_MS   5000 /* after an interrupt */
#define TICK_MS    100
#define SAID_MAX   (1u << 20) /* bytes that a program may write */
/* Beyond PATH, as sendmail(8) is rarely in a user's. */
#define SENDMAIL_DIRS "/usr/sbin:/usr/lib:/usr/local/sbin"

/* ------------------------------------------------------- other programs */

/*
 * What it leaves running in the background, as some mailers do, may keep its
 * output open: only the program itself is waited for.
 */
static int wait_for(pid_t pid, unsigned ms, const atomic_bool *stop,
		    int *status)
{
	uint64_t end = clock_ms() + ms;
	struct pollfd p = { pidfd_open(pid, 0), POLLIN, 0 };
	int ret = p.fd < 0 ? -errno : -EAGAIN;
	bool hurried = false;

	while (ret == -EAGAIN) {
		if (poll(&p, 1, TICK_MS) > 0)
			ret = 0;
		else if (clock_ms() >= end)
			ret = hurried ? -ECANCELED : -ETIMEDOUT;
		else if (!hurried && stop && atomic_load(stop) &&
			 clock_ms() + HURRY_MS < end) {
			hurried = true;
			end = clock_ms() + HURRY_MS;
		}
	}
	if (ret)
		kill(-pid, SIGKILL);
	*status = spawn_wait(pid);
	if (p.fd >= 0)
		close(p.fd);
	return ret;
}

static int ended_badly(const char *name, int fd, int status, struct err *err)
{
	struct buf said = { 0 };
	struct err ignored = { 0 };
	char *how = spawn_status_text(status), *line;

	fs_memory_read(fd, SAID_MAX, &said, &ignored);
	line = xstrndup(buf_str(&said), strcspn(buf_str(&said), "\r\n"));
	err_set(err, EIO, "%s: %s%s%.200s", name, how, *line ? ": " : "", line);
	free(line);
	free(how);
	buf_release(&said);
	return -EIO;
}

/* Run it with `input` on its stdin. */
static int feed_program(const struct nightly_send *s, const char *name,
			struct spawn *what, struct bytes input, unsigned ms,
			struct err *err)
{
	int in = -1, out = -1, status = 0;
	pid_t pid;
	int ret = fs_memory(input, &in, err);

	if (!ret)
		ret = fs_memory(bytes_of(NULL, 0), &out, err);
	what->own_group = true;
	what->dies_with_us = true;
	what->fd[0] = in;
	what->fd[1] = what->fd[2] = out;
	if (!ret)
		ret = spawn_start(what, &pid, err);
	if (ret) {
		err_wrap(err, "%s", name);
		goto out;
	}
	ret = wait_for(pid, ms, s->stop, &status);
	if (ret == -ETIMEDOUT)
		err_set(err, ETIMEDOUT,
			"%s: killed, as it had not ended after "
			"%u s",
			name, (ms + 999) / 1000);
	else if (ret == -ECANCELED)
		err_set(err, ECANCELED,
			"%s: interrupted, and killed, as it had not ended "
			"%d s later",
			name, HURRY_MS / 1000);
	else if (ret)
		err_set(err, -ret, "%s: %s", name, strerror(-ret));
	else if (status)
		ret = ended_badly(name, out, status, err);
out:
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return ret;
}

/* ----------------------------------------------------------------- mail */

static void read_host(char *out, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";

	if (gethostname(out, size) || !*out || !memchr(out, '\0', size) ||
	    out[strspn(out, allowed)])
		snprintf(out, size, "localhost");
}

static char *default_from(const char *host)
{
	const struct passwd *me = getpwuid(geteuid());

	return xasprintf("kfarm <%s@%s>", me ? me->pw_name : "kfarm", host);
}

static char *find_sendmail(const char *path)
{
	const char *ours = path ? path : getenv("PATH");
	char *dirs = path ? xstrdup(path) :
			    xasprintf("%s:" SENDMAIL_DIRS, ours ? ours : "");
	char *found = which("sendmail", dirs);

	free(dirs);
	return found;
}

static int send_mail(const struct nightly_send *s,
		     const struct nightly_report *r, struct err *err)
{
	char *to = strv_join(s->mail, ","), *from = NULL, *program = NULL;
	char *argv[] = { NULL, (char[]){ "-t" }, (char[]){ "-oi" }, NULL };
	struct nightly_mail m = { .to = to,
				  .name = s->name,
				  .result = r->result,
				  .subject = r->subject,
				  .text = r->text,
				  .date = time(NULL),
				  .number = (unsigned)getpid() };
	struct spawn what = { .argv = argv };
	struct buf text = { 0 };
	char host[256];
	int ret;

	read_host(host, sizeof(host));
	m.host = host;
	from = s->mail_from ? xstrdup(s->mail_from) : default_from(host);
	m.from = from;
	program = find_sendmail(s->path);
	argv[0] = program;
	ret = nightly_mail_write(&text, &m, err);
	if (!ret && !program)
		ret = err_set(
			err, ENOENT,
			"no sendmail, neither in PATH nor in " SENDMAIL_DIRS
			"; a package such as msmtp-mta or "
			"postfix has it");
	if (!ret)
		ret = feed_program(s, program, &what, buf_bytes(&text),
				   s->mail_ms ? s->mail_ms : MAIL_MS, err);
	if (ret)
		err_wrap(err, "mail to %s", to);
	buf_release(&text);
	free(program);
	free(from);
	free(to);
	return ret;
}

/* -------------------------------------------------------------- command */

static int send_to_command(const struct nightly_send *s,
			   const struct nightly_report *r, const char *kept,
			   struct err *err)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char *)s->command, NULL };
	struct strv env = { 0 };
	struct spawn what = { .argv = argv };
	int ret;

	/* The first one of a name counts for getenv(). */
	strv_addf(&env, "KFARM_NIGHTLY_NAME=%s", s->name);
	strv_addf(&env, "KFARM_NIGHTLY_RESULT=%s", r->result);
	strv_addf(&env, "KFARM_NIGHTLY_SUBJECT=%s", r->subject);
	strv_addf(&env, "KFARM_NIGHTLY_REPORT=%s", kept);
	if (s->facts)
		strv_add_all(&env, strv_list(s->facts));
	for (char *const *e = environ; *e; e++) {
		if (!str_starts(*e, "KFARM_NIGHTLY_"))
			strv_add(&env, *e);
	}
	what.env = strv_list(&env);
	ret = feed_program(s, "command", &what, bytes_str(r->text),
			   s->command_ms ? s->command_ms : COMMAND_MS, err);
	strv_release(&env);
	return ret;
}

/* --------------------------------------------------------------- keeping */

static int keep_report(const struct nightly_send *s, struct bytes text,
		       struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < s->keep->n; i++) {
		char *path = xasprintf("%s/" NIGHTLY_REPORT_FILE,
				       s->keep->v[i]);
		struct err why = { 0 };
		int got = fs_write(path, text, 0666, &why);

		if (got && !ret) {
			ret = got;
			*err = why;
		}
		free(path);
	}
	return ret;
}

/* Both lines, if there are two. */
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
	char *kept = xasprintf("%s/" NIGHTLY_REPORT_FILE, s->keep->v[0]);
	struct err lost = { 0 }, why = { 0 };
	struct buf text = { 0 };
	int ret = 0, got, unkept;

	*err = (struct err){ 0 };
	buf_printf(&text, "%s\n\n%s", r->subject, r->text);
	unkept = keep_report(s, buf_bytes(&text), &lost);
	if (s->mail->n && (got = send_mail(s, r, &why))) {
		ret = got;
		add_send_error(err, &why);
	}
	if (s->command && (got = send_to_command(s, r, kept, &why))) {
		ret = got;
		add_send_error(err, &why);
	}
	if (ret || (!s->mail->n && !s->command))
		fputs(buf_str(&text), s->out);
	if (ret && !unkept)
		err_wrap(err, "the report is in %s, as it was not sent", kept);
	if (unkept) {
		ret = ret ? ret : unkept;
		add_send_error(err, &lost);
	}
	buf_release(&text);
	free(kept);
	return ret;
}
