/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/timer.h"

#include "base/printable.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CRON_MAX 990 /* bytes; Debian's cron allows 1000 per command */

char *nightly_timer_service_name(const char *name)
{
	struct buf out = { 0 };

	buf_add_str(&out, "kfarm-nightly");
	if (name)
		buf_add_str(&out, "-");
	for (; name && *name; name++) {
		if (isalnum((unsigned char)*name) || strchr("_.-", *name))
			buf_add(&out, name, 1);
		else
			buf_printf(&out, "\\x%02x", (unsigned char)*name);
	}
	return buf_steal(&out);
}

/*
 * Append a word in double quotes, see systemd.syntax(7).  "%" starts a
 * specifier and is always doubled.  "$" is doubled only if `variables` is true,
 * because it starts a variable only in the arguments of the program.
 */
static void add_unit_word(struct buf *out, const char *word, bool variables)
{
	buf_add_str(out, "\"");
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c == '%' || (c == '$' && variables))
			buf_printf(out, "%c%c", c, c);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			buf_printf(out, "\\x%02x", c);
		else
			buf_printf(out, "%c", c);
	}
	buf_add_str(out, "\"");
}

static void add_description(struct buf *out, const struct nightly_timer *t)
{
	buf_add_str(out,
		    NIGHTLY_TIMER_MARK "; `kfarm nightly install --remove` "
				       "removes it.\n"
				       "[Unit]\n"
				       "Description=kfarm: nightly builds");
	if (t->name)
		buf_printf(out, " of %s", t->name);
	buf_add_str(out, "\nDocumentation=man:kfarm-nightly(1)\n");
}

int nightly_timer_write_service(struct buf *out, const struct nightly_timer *t,
				struct err *err)
{
	if (strpbrk(t->program, "\"'\\") ||
	    !printable_is_safe(bytes_str(t->program), 0))
		return err_set(err, EINVAL,
			       "systemd cannot start a program with quotes or "
			       "backslashes in its path: %s",
			       t->program);
	add_description(out, t);
	/* Only a system unit can use the network targets of systemd. */
	if (t->user)
		buf_add_str(out, "Wants=network-online.target\n"
				 "After=network-online.target\n");
	buf_add_str(out, "\n[Service]\nType=oneshot\nExecStart=");
	add_unit_word(out, t->program, false);
	buf_add_str(out, " nightly run");
	if (t->name) {
		buf_add_str(out, " ");
		add_unit_word(out, t->name, true);
	}
	buf_add_str(out, "\n");
	if (t->user)
		buf_printf(out, "User=%s\n", t->user);
	for (size_t i = 0; i < t->env->n; i++) {
		buf_add_str(out, "Environment=");
		add_unit_word(out, t->env->v[i], false);
		buf_add_str(out, "\n");
	}
	buf_add_str(out,
		    "Nice=10\n"
		    "IOSchedulingClass=idle\n"
		    "# Each build has the timeout of its [nightly] section;\n"
		    "# this one ends a run before the next one starts.\n"
		    "TimeoutStartSec=23h\n"
		    "# 75: another run is still active, which is no failure.\n"
		    "SuccessExitStatus=75\n");
	return 0;
}

void nightly_timer_write_timer(struct buf *out, const struct nightly_timer *t)
{
	add_description(out, t);
	buf_printf(out,
		   "\n[Timer]\n"
		   "OnCalendar=*-*-* %02u:%02u:00\n"
		   "# If the machine was off, run after the next boot.\n"
		   "Persistent=true\n"
		   "RandomizedDelaySec=15m\n"
		   "\n[Install]\n"
		   "WantedBy=timers.target\n",
		   t->hour, t->minute);
}

int nightly_timer_write_cron(struct buf *out, const struct nightly_timer *t,
			     struct err *err)
{
	struct buf command = { 0 }, line = { 0 };
	int ret = 0;

	for (size_t i = 0; i < t->env->n; i++) {
		const char *setting = t->env->v[i];
		size_t n = strcspn(setting, "=");

		buf_printf(&command, "%.*s=", (int)n, setting);
		buf_add_shell_word(&command, setting + n + (setting[n] == '='));
		buf_add_str(&command, " ");
	}
	buf_add_shell_word(&command, t->program);
	/* cron would mail the line that announces the first build. */
	buf_add_str(&command, " nightly run -q");
	if (t->name) {
		buf_add_str(&command, " ");
		buf_add_shell_word(&command, t->name);
	}
	buf_printf(&line, "%u %u * * * ", t->minute, t->hour);
	/*
	 * cron replaces an unescaped "%" by a newline, so insert a backslash
	 * before each "%".  Reject a command with two successive backslashes,
	 * which implementations of cron handle differently.  Also reject a
	 * backslash before a "%", because the inserted backslash would be the
	 * second one.
	 */
	for (const char *c = buf_str(&command); *c; c++)
		buf_printf(&line, "%s%c", *c == '%' ? "\\" : "", *c);
	if (strchr(buf_str(&command), '\n') ||
	    strstr(buf_str(&command), "\\\\") ||
	    strstr(buf_str(&command), "\\%"))
		ret = err_set(err, EINVAL,
			      "a crontab cannot contain a newline, or a "
			      "backslash before a backslash or %%: %s",
			      buf_str(&command));
	else if (line.len > CRON_MAX)
		ret = err_set(err, EINVAL,
			      "the crontab line has %zu characters, but cron "
			      "allows only %d; shorten PATH, or use a script",
			      line.len, CRON_MAX);
	else
		buf_printf(out, "%s\n", buf_str(&line));
	buf_release(&line);
	buf_release(&command);
	return ret;
}
