/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nights that begin by themselves, by a timer of systemd or by cron.
 */
#include "cli/cmd.h"
#include "cli/nightly.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "nightly/timer.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_UNITS "/etc/systemd/system"
#define LINGER_DIR   "/var/lib/systemd/linger"
#define SYSTEMCTL_MS 60000
#define UNIT_MAX     (1u << 16) /* bytes of a unit that we wrote */

static const char *const suffixes[] = { "service", "timer" };

#define N_SUFFIXES (sizeof(suffixes) / sizeof(*suffixes))

/* The command at work. */
struct installing {
	const struct nightly_request *asked;
	bool system;
	char *dir; /* of the units */
	char *program;
	struct strv env;
	struct strv units; /* their names without a suffix */
	struct nightly_timer timer;
};

/* ---------------------------------------------------------- what is asked */

static int parse_time(const char *text, struct nightly_timer *t,
		      struct err *err)
{
	unsigned h, m;
	int end = 0;

	if (sscanf(text, "%2u:%2u%n", &h, &m, &end) != 2 || text[end] ||
	    strspn(text, "0123456789:") < (size_t)end || h > 23 || m > 59)
		return err_set(err, EINVAL,
			       "--at %s: allowed is a time, 00:00 to 23:59",
			       text);
	t->hour = h;
	t->minute = m;
	return 0;
}

static int check_install_options(const struct nightly_request *i,
				 struct err *err)
{
	if (i->system && i->user)
		return err_set(err, EINVAL,
			       "--system and --user exclude one "
			       "another");
	if (i->cron && (i->system || i->user || i->as || i->now || i->remove))
		return err_set(
			err, EINVAL,
			"--cron prints a line; of the options it takes --at "
			"alone");
	if (i->as && !getpwnam(i->as))
		return err_set(err, EINVAL, "--as %s: there is no such user",
			       i->as);
	return 0;
}

/* Are these the names of sections, and does kfarm take them as they are? */
static int check_sections(const struct nightly_request *r, struct err *err)
{
	struct strv standard = { 0 };
	struct nightly_jobs jobs = { 0 };
	int ret = nightly_load(&jobs, &standard, err);

	if (!ret)
		ret = nightly_check_names(r, &jobs, err);
	nightly_jobs_release(&jobs);
	strv_release(&standard);
	return ret;
}

static int find_own_program(char **out, struct err *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return err_errno(err, "/proc/self/exe");
	path[n] = '\0';
	if (access(path, X_OK))
		return err_errno(err, "%s", path);
	*out = xstrdup(path);
	return 0;
}

/*
 * What decides where kfarm finds things is told to a job that has nothing of
 * this shell: for somebody else only where programs are.
 */
static void collect_job_env(struct strv *out, bool for_us)
{
	static const char *const ours[] = {
		"KFARM_CONFIG",   "XDG_CONFIG_HOME", "XDG_DATA_HOME",
		"XDG_STATE_HOME", "XDG_CACHE_HOME",  "http_proxy",
		"https_proxy",    "all_proxy",       "no_proxy",
	};
	const char *path = getenv("PATH");

	strv_addf(out, "PATH=%s", path ? path : "/usr/local/bin:/usr/bin:/bin");
	strv_add(out, "LC_ALL=C.UTF-8");
	for (size_t i = 0; for_us && i < sizeof(ours) / sizeof(*ours); i++) {
		const char *value = getenv(ours[i]);

		/* A password is not put where others may read it. */
		if (value && *value && !strchr(value, '@'))
			strv_addf(out, "%s=%s", ours[i], value);
	}
}

static char *user_units(void)
{
	char *ours = fs_config_home(), *config = str_dir(ours);
	char *dir = xasprintf("%s/systemd/user", config);

	free(config);
	free(ours);
	return dir;
}

static int prepare(struct installing *i, struct err *err)
{
	const struct nightly_request *a = i->asked;
	const struct passwd *me;
	int ret = check_install_options(a, err);

	i->timer = (struct nightly_timer){ .hour = 2, .env = &i->env };
	if (!ret && a->at)
		ret = parse_time(a->at, &i->timer, err);
	if (!ret && !a->remove)
		ret = check_sections(a, err);
	if (!ret)
		ret = find_own_program(&i->program, err);
	if (ret)
		return ret;
	i->system = a->system || a->as || (!a->user && !geteuid());
	i->dir = i->system ? xstrdup(SYSTEM_UNITS) : user_units();
	i->timer.program = i->program;
	me = getpwuid(geteuid());
	if (i->system)
		i->timer.user = a->as ? a->as : me ? me->pw_name : "root";
	collect_job_env(&i->env, !a->as);
	for (size_t n = 0; n < a->words.n; n++)
		strv_own(&i->units, nightly_timer_unit(a->words.v[n]));
	if (!a->words.n)
		strv_own(&i->units, nightly_timer_unit(NULL));
	return 0;
}

/* -------------------------------------------------------------- systemctl */

static int systemctl(const struct installing *i, const char *verb,
		     const char *option, const char *unit, struct err *err)
{
	struct strv argv = { 0 };
	struct spawn what = { .fd = { -1, -1, -1 } };
	const struct spawn_limits limits = { 1u << 20, SYSTEMCTL_MS, NULL };
	struct buf out = { 0 }, said = { 0 };
	int status = 0, ret;
	char *how;

	strv_add(&argv, "systemctl");
	if (!i->system)
		strv_add(&argv, "--user");
	strv_add(&argv, verb);
	if (option)
		strv_add(&argv, option);
	if (unit)
		strv_addf(&argv, "%s.timer", unit);
	what.argv = strv_list(&argv);
	ret = spawn_collect(&what, &limits, &out, &said, &status, err);
	if (!ret && status) {
		how = spawn_status_text(status);
		ret = err_set(err, EIO, "systemctl%s %s: %s: %.*s",
			      i->system ? "" : " --user", verb, how,
			      (int)strcspn(buf_str(&said), "\n"),
			      buf_str(&said));
		free(how);
	}
	strv_release(&argv);
	buf_release(&out);
	buf_release(&said);
	return ret;
}

/* ----------------------------------------------------------------- files */

static bool is_our_unit(const char *path)
{
	struct buf text = { 0 };
	struct err ignored = { 0 };
	bool ours = !fs_read(path, UNIT_MAX, &text, &ignored) &&
		    str_starts(buf_str(&text), NIGHTLY_TIMER_MARK);

	buf_release(&text);
	return ours;
}

static int write_unit(const struct installing *i, const char *unit,
		      const char *suffix, const struct buf *text,
		      struct err *err)
{
	char *path = xasprintf("%s/%s.%s", i->dir, unit, suffix);
	int ret = 0;

	if (fs_exists(path) && !is_our_unit(path))
		ret = err_set(err, EEXIST,
			      "%s is there, and was not written by kfarm: move "
			      "it away",
			      path);
	else
		ret = fs_write(path, buf_bytes(text), 0644, err);
	if (!ret)
		printf("%s\n", path);
	free(path);
	return ret;
}

static int write_units(struct installing *i, struct err *err)
{
	int ret = fs_mkdirs(i->dir, 0755, err);

	for (size_t n = 0; !ret && n < i->units.n; n++) {
		struct buf service = { 0 }, timer = { 0 };

		i->timer.name = i->asked->words.n ? i->asked->words.v[n] : NULL;
		ret = nightly_timer_service(&service, &i->timer, err);
		nightly_timer_timer(&timer, &i->timer);
		if (!ret)
			ret = write_unit(i, i->units.v[n], "service", &service,
					 err);
		if (!ret)
			ret = write_unit(i, i->units.v[n], "timer", &timer,
					 err);
		buf_release(&service);
		buf_release(&timer);
	}
	return ret;
}

/* A user's manager runs while the user has a session, or for ever. */
static void tell_of_lingering(const struct installing *i)
{
	const struct passwd *me = getpwuid(geteuid());
	char *path;

	if (i->system || !me)
		return;
	path = xasprintf(LINGER_DIR "/%s", me->pw_name);
	if (!fs_exists(path))
		log_info("timers of a user run only while that user is logged "
			 "in; once `loginctl enable-linger %s`, and they "
			 "always do",
			 me->pw_name);
	free(path);
}

static void tell_how_to_enable(const struct installing *i)
{
	const char *whose = i->system ? "" : " --user";
	struct buf text = { 0 };

	for (size_t n = 0; n < i->units.n; n++) {
		char *timer = xasprintf("%s.timer", i->units.v[n]);

		buf_add_str(&text, " ");
		buf_add_shell_word(&text, timer);
		free(timer);
	}
	log_info("to have it started: this with --now, or `systemctl%s "
		 "daemon-reload && systemctl%s enable --now%s`",
		 whose, whose, buf_str(&text));
	buf_release(&text);
}

static int enable_timers(const struct installing *i, struct err *err)
{
	int ret = systemctl(i, "daemon-reload", NULL, NULL, err);

	for (size_t n = 0; !ret && n < i->units.n; n++)
		ret = systemctl(i, "enable", "--now", i->units.v[n], err);
	if (!ret)
		log_info("each night at %02u:%02u, or up to 15 minutes later",
			 i->timer.hour, i->timer.minute);
	else
		err_wrap(err, "the units are written, but");
	return ret;
}

static int install_units(struct installing *i, struct err *err)
{
	int ret = write_units(i, err);

	if (ret)
		return ret;
	tell_of_lingering(i);
	if (i->asked->now)
		return enable_timers(i, err);
	tell_how_to_enable(i);
	return 0;
}

/* ---------------------------------------------------------------- removing */

/* All units that we wrote, where no name was given. */
static void find_units(struct installing *i)
{
	struct strv names = { 0 };

	strv_release(&i->units);
	fs_list(i->dir, &names);
	for (size_t n = 0; n < names.n; n++) {
		char *path = xasprintf("%s/%s", i->dir, names.v[n]);
		size_t len = strlen(names.v[n]);

		if (str_starts(names.v[n], "kfarm-nightly") &&
		    str_ends(names.v[n], ".timer") && is_our_unit(path))
			strv_own(&i->units,
				 xstrndup(names.v[n], len - strlen(".timer")));
		free(path);
	}
	strv_release(&names);
}

/* What systemd has of it goes, too, where it cannot be asked. */
static void disable_timer(const struct installing *i, const char *unit)
{
	struct err why = { 0 };
	char *link;

	if (!systemctl(i, "disable", "--now", unit, &why))
		return;
	log_warning("%s", why.text);
	link = xasprintf("%s/timers.target.wants/%s.timer", i->dir, unit);
	unlink(link);
	free(link);
}

static int remove_unit(const struct installing *i, const char *unit,
		       struct err *err)
{
	struct strv ours = { 0 };
	int ret = 0;

	for (size_t n = 0; n < N_SUFFIXES; n++) {
		char *path = xasprintf("%s/%s.%s", i->dir, unit, suffixes[n]);

		if (is_our_unit(path))
			strv_add(&ours, path);
		free(path);
	}
	if (!ours.n)
		ret = err_set(err, ENOENT, "%s: kfarm wrote no %s.timer there",
			      i->dir, unit);
	else
		disable_timer(i, unit);
	for (size_t n = 0; !ret && n < ours.n; n++) {
		if (unlink(ours.v[n]))
			ret = err_errno(err, "%s", ours.v[n]);
		else
			printf("removed %s\n", ours.v[n]);
	}
	strv_release(&ours);
	return ret;
}

static int remove_units(struct installing *i, struct err *err)
{
	struct err why = { 0 };
	int ret = 0;

	if (!i->asked->words.n)
		find_units(i);
	if (!i->units.n)
		log_info("%s: there are no units that kfarm wrote", i->dir);
	for (size_t n = 0; !ret && n < i->units.n; n++)
		ret = remove_unit(i, i->units.v[n], err);
	if (i->units.n && !ret &&
	    systemctl(i, "daemon-reload", NULL, NULL, &why))
		log_warning("%s", why.text);
	return ret;
}

/* ------------------------------------------------------------------- cron */

static int print_crontab(struct installing *i, struct err *err)
{
	struct buf out = { 0 };
	int ret = 0;

	for (size_t n = 0; !ret && n < i->units.n; n++) {
		i->timer.name = i->asked->words.n ? i->asked->words.v[n] : NULL;
		ret = nightly_timer_cron(&out, &i->timer, err);
	}
	if (!ret) {
		fputs(buf_str(&out), stdout);
		log_info("`crontab -e` takes the line; MAILTO=ADDRESS above it "
			 "says to whom cron mails reports that have no address "
			 "of their own");
	}
	buf_release(&out);
	return ret;
}

int nightly_install_main(struct nightly_request *r)
{
	struct installing i = { .asked = r };
	struct err err = { 0 };
	int ret = prepare(&i, &err);

	if (!ret)
		ret = r->cron   ? print_crontab(&i, &err) :
		      r->remove ? remove_units(&i, &err) :
				  install_units(&i, &err);
	if (ret)
		log_error("nightly install: %s", err.text);
	free(i.dir);
	free(i.program);
	strv_release(&i.env);
	strv_release(&i.units);
	return ret ? EXIT_USAGE : EXIT_OK;
}
