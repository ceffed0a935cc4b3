/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/shell.h"

#include "base/fs.h"
#include "shell/counts.h"
#include "shell/hidden.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM "/bin/sh"

/* Where kfarm is in a bin, the sh beside it is the system's. */
char *kernel_shell_program_of(const char *self)
{
	char *dir = str_dir(self), *up = str_dir(dir), *file;

	if (!strcmp(str_base(dir), "bin"))
		file = xasprintf("%s/lib/kfarm/sh", strcmp(up, "/") ? up : "");
	else
		file = xasprintf("%s/sh", dir);
	if (access(file, X_OK)) {
		free(file);
		file = NULL;
	}
	free(up);
	free(dir);
	return file;
}

static bool sets_shell(const char *word)
{
	static const char *const names[] = { "SHELL", "CONFIG_SHELL" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(word, names[i], n))
			continue;
		/* SHELL=, :=, ::=, ?=, += and != set it. */
		n += strspn(word + n, ":?+!");
		if (word[n] == '=')
			return true;
	}
	return false;
}

bool kernel_shell_is_users(char *const *words, const struct strv *given,
			   const char *makeflags)
{
	struct strv flags = { 0 };
	bool is = false;

	strv_split(&flags, makeflags ? makeflags : "", " ");
	for (; words && *words; words++)
		is |= sets_shell(*words);
	for (size_t i = 0; given && i < given->n; i++)
		is |= sets_shell(given->v[i]);
	for (size_t i = 0; i < flags.n; i++)
		is |= sets_shell(flags.v[i]);
	strv_release(&flags);
	return is;
}

/* What a script does depends on whose sh it is: ours knows dash. */
static const char *why_not(const char *program)
{
	char *file = realpath(SYSTEM, NULL);
	const char *why = NULL;

	if (!program)
		why = "kfarm's sh is not installed";
	else if (!file || strcmp(str_base(file), "dash"))
		why = SYSTEM " is not dash";
	free(file);
	return why;
}

const char *kernel_shell_why_not_here(void)
{
	char *self = realpath("/proc/self/exe", NULL);
	char *program = self ? kernel_shell_program_of(self) : NULL;
	const char *why = why_not(program);

	free(program);
	free(self);
	return why;
}

static int fill_dir(const char *dir, const char *program, struct err *err)
{
	char *link = xasprintf("%s/sh", dir);
	char *makefile = xasprintf("%s/" SHELL_HIDDEN_MAKEFILE, dir);
	char *text = xasprintf("SHELL := %s\n", link);
	int ret = fs_mkdirs(dir, 0700, err);

	if (!ret && symlink(program, link))
		ret = err_errno(err, "%s", link);
	if (!ret)
		ret = fs_write(makefile, bytes_str(text), 0600, err);
	if (!ret)
		ret = shell_counts_make(dir, err);
	free(text);
	free(makefile);
	free(link);
	return ret;
}

int kernel_shell_open(struct kernel_shell *s, const char *dir, struct err *err)
{
	char *self = realpath("/proc/self/exe", NULL);
	char *program = self ? kernel_shell_program_of(self) : NULL;
	int ret = 0;

	*s = (struct kernel_shell){ .why_not = why_not(program) };
	/* Neither make nor MAKEFILES can quote a path. */
	if (!s->why_not && strpbrk(dir, " \t\n#$%\\'\"`*?[]~:|&;<>()"))
		s->why_not = "an odd name of the run's directory";
	if (program && !s->why_not)
		ret = fill_dir(dir, program, err);
	if (!s->why_not && !ret)
		s->dir = xstrdup(dir);
	free(program);
	free(self);
	return ret;
}

void kernel_shell_env(const struct kernel_shell *s, struct strv *out,
		      char *const *env)
{
	const char *own = str_env(env, "MAKEFILES");

	if (!s->dir)
		return;
	strv_addf(out, "MAKEFILES=%s%s%s/" SHELL_HIDDEN_MAKEFILE,
		  own ? own : "", own ? " " : "", s->dir);
	strv_addf(out, SHELL_COUNTS_VARIABLE "=%s", s->dir);
}

void kernel_shell_set_roster(const struct kernel_shell *s,
			     const struct node_roster *roster)
{
	if (s->dir && roster->off)
		shell_counts_refuse_steps(s->dir, SHELL_STEP_NO_REMOTE);
	else if (s->dir && roster->no_steps)
		shell_counts_refuse_steps(s->dir, SHELL_STEP_OFF);
}

void kernel_shell_want_steps(const struct kernel_shell *s, bool wanted)
{
	if (s->dir && wanted)
		shell_counts_want_steps(s->dir);
	else if (s->dir)
		shell_counts_refuse_steps(s->dir, SHELL_STEP_UNWANTED);
}

static void tell_step_reasons(const struct shell_counts *counts,
			      struct events_hub *hub)
{
	for (int i = 0; i < SHELL_STEP_WHYS; i++) {
		struct events_event ev = events_new(EVENTS_STEPS);

		ev.reason = shell_counts_step_words(i);
		ev.steps = (int64_t)counts->here[i];
		if (counts->here[i])
			events_hub_tell(hub, &ev);
	}
}

/* One reading, so that the reasons come to the sum. */
void kernel_shell_tell(const struct kernel_shell *s, struct events_hub *hub,
		       struct events_event *host)
{
	struct shell_counts all = { 0 };

	if (s->dir) {
		shell_counts_read(s->dir, &all);
		host->shell_lines = (int64_t)all.n[SHELL_COUNT_LINES];
		host->shell_handed = (int64_t)all.n[SHELL_COUNT_HANDED];
		host->shell_compiles = (int64_t)all.n[SHELL_COUNT_COMPILES];
		host->shell_fixdeps = (int64_t)all.n[SHELL_COUNT_FIXDEPS];
		host->shell_steps = (int64_t)all.n[SHELL_COUNT_STEPS];
		host->shell_steps_here = 0;
		for (int i = 0; i < SHELL_STEP_WHYS; i++)
			host->shell_steps_here += (int64_t)all.here[i];
	}
	events_hub_tell(hub, host);
	tell_step_reasons(&all, hub);
}

void kernel_shell_reasons(const struct kernel_shell *s,
			  uint64_t n[static SHELL_WHY_COUNT])
{
	memset(n, 0, SHELL_WHY_COUNT * sizeof(*n));
	if (s->dir)
		shell_counts_read_handed(s->dir, n);
}

void kernel_shell_release(struct kernel_shell *s)
{
	free(s->dir);
	*s = (struct kernel_shell){ 0 };
}
