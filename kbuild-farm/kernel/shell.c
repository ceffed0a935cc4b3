/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/shell.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/vec.h"
#include "shell/make-env.h"
#include "shell/stats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_SHELL "/bin/sh"

/*
 * If the directory of kfarm is named bin, a program sh in that directory is the
 * system's shell, so kfarm's sh is in ../lib/kfarm.
 */
char *kernel_shell_find_program(const char *self)
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

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(word, names[i], n))
			continue;
		/*
		 * The word is an assignment if =, :=, ::=, ?=, += or !=
		 * follows.
		 */
		n += strspn(word + n, ":?+!");
		if (word[n] == '=')
			return true;
	}
	return false;
}

bool kernel_shell_is_user_set(char *const *words, const struct strv *given,
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

/*
 * Return the reason why the recipe shell cannot be used, or NULL.  The recipe
 * shell behaves like dash, so it cannot replace a /bin/sh that is not dash.
 */
static const char *check_system_shell(const char *program)
{
	char *file = realpath(SYSTEM_SHELL, NULL);
	const char *why = NULL;

	if (!program)
		why = "kfarm's sh is not installed";
	else if (!file || strcmp(str_base(file), "dash"))
		why = SYSTEM_SHELL " is not dash";
	free(file);
	return why;
}

const char *kernel_shell_unavailable_reason(void)
{
	char *self = process_program_path();
	char *program = self ? kernel_shell_find_program(self) : NULL;
	const char *why = check_system_shell(program);

	free(program);
	free(self);
	return why;
}

static int fill_dir(const char *dir, const char *program, struct err *err)
{
	char *link = xasprintf("%s/sh", dir);
	char *makefile = xasprintf("%s/" SHELL_MAKE_ENV_MAKEFILE, dir);
	char *text = shell_make_env_makefile(dir);
	int ret = fs_mkdirs(dir, 0700, err);

	if (!ret && symlink(program, link))
		ret = err_errno(err, "%s", link);
	if (!ret)
		ret = fs_write(makefile, bytes_str(text), 0600, err);
	if (!ret)
		ret = shell_stats_create(dir, err);
	free(text);
	free(makefile);
	free(link);
	return ret;
}

int kernel_shell_open(struct kernel_shell *s, const char *dir, struct err *err)
{
	char *self = process_program_path();
	char *program = self ? kernel_shell_find_program(self) : NULL;
	int ret = 0;

	*s = (struct kernel_shell){ .unused_reason = check_system_shell(
					    program) };
	/* Makefiles and the variable MAKEFILES cannot quote a path. */
	if (!s->unused_reason && strpbrk(dir, " \t\n#$%\\'\"`*?[]~:|&;<>()"))
		s->unused_reason =
			"unsupported characters in the path of the run "
			"directory";
	if (program && !s->unused_reason)
		ret = fill_dir(dir, program, err);
	if (!s->unused_reason && !ret)
		s->dir = xstrdup(dir);
	free(program);
	free(self);
	return ret;
}

void kernel_shell_env(const struct kernel_shell *s, struct strv *out,
		      char *const *env)
{
	if (s->dir)
		strv_own(out, shell_make_env_entry(s->dir, env));
}

void kernel_shell_set_roster(const struct kernel_shell *s,
			     const struct node_roster *roster)
{
	if (s->dir && roster->remote_disabled)
		shell_stats_set_steps(s->dir, SHELL_STATS_ALL_STEPS,
				      SHELL_STEP_REASON_NO_REMOTE);
	else if (s->dir && roster->steps_disabled)
		shell_stats_set_steps(s->dir, SHELL_STATS_ALL_STEPS,
				      SHELL_STEP_REASON_OFF);
}

void kernel_shell_set_tool_steps(const struct kernel_shell *s, unsigned wanted,
				 unsigned disabled)
{
	if (!s->dir)
		return;
	shell_stats_set_steps(s->dir, wanted, SHELL_STEP_N_REASONS);
	shell_stats_set_steps(s->dir, disabled & ~wanted,
			      SHELL_STEP_REASON_DISABLED);
	shell_stats_set_steps(s->dir, ~(wanted | disabled),
			      SHELL_STEP_REASON_UNWANTED);
}

void kernel_shell_report(const struct kernel_shell *s, struct events_hub *hub,
			 struct events_event *host)
{
	struct shell_stats all = { 0 };

	/* Read the counters once, so that the reasons add up to the sum. */
	if (s->dir) {
		shell_stats_read(s->dir, &all);
		host->n_shell_lines = (int64_t)all.counts[SHELL_STAT_LINES];
		host->n_shell_fallbacks =
			(int64_t)all.counts[SHELL_STAT_FALLBACKS];
		host->n_shell_compiles =
			(int64_t)all.counts[SHELL_STAT_COMPILES];
		host->n_shell_fixdeps = (int64_t)all.counts[SHELL_STAT_FIXDEPS];
		host->n_shell_steps = (int64_t)all.counts[SHELL_STAT_STEPS];
		host->n_local_steps = 0;
		for (int i = 0; i < SHELL_STEP_N_REASONS; i++)
			host->n_local_steps += (int64_t)all.n_local_steps[i];
	}
	events_hub_publish(hub, host);
	for (int i = 0; i < SHELL_STEP_N_REASONS; i++) {
		struct events_event ev = events_event_make(EVENTS_KIND_STEPS);

		ev.reason = shell_stats_step_reason_text(i);
		ev.n_steps = (int64_t)all.n_local_steps[i];
		if (all.n_local_steps[i])
			events_hub_publish(hub, &ev);
	}
}

void kernel_shell_fallback_counts(const struct kernel_shell *s,
				  uint64_t n[static SHELL_FALLBACK_N_REASONS])
{
	memset(n, 0, SHELL_FALLBACK_N_REASONS * sizeof(*n));
	if (s->dir)
		shell_stats_read_fallbacks(s->dir, n);
}

void kernel_shell_release(struct kernel_shell *s)
{
	free(s->dir);
	*s = (struct kernel_shell){ 0 };
}
