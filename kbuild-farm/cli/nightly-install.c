/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/log.h"
#include "base/process.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "cli/build.h"
#include "cli/cmd.h"
#include "cli/config-sources.h"
#include "cli/nightly.h"
#include "cli/settings.h"
#include "compiler/find.h"
#include "kconfig/kconfig.h"
#include "nightly/timer.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Resolve values of kconfig or kconfig-add in place (see
 * config_sources_resolve_word()).  `where` is the location of the section.
 */
static void resolve_words(struct strv *words, const char *where)
{
	for (size_t i = 0; i < words->n; i++) {
		char *word = config_sources_resolve_word(words->v[i], where);

		free(words->v[i]);
		words->v[i] = word;
	}
}

/*
 * Reject options and variables that have a configuration key of their own.  A
 * nightly run uses the values of these keys to name its results and to detect
 * changes, and would not notice values in the key `options`.  `assignments` are
 * the variables for make and the values of -e.
 */
static int check_other_keys(const struct build_options *o,
			    const struct strv *assignments, struct err *err)
{
	static const char *const variable_keys[][2] = {
		{ "ARCH", "arch" },
		{ "CROSS_COMPILE", "variable" },
		{ "LLVM", "variable" },
		{ "CC", "variable" },
	};
	const char *option = NULL, *key = NULL;

	if (o->arches.n)
		option = "-a", key = "arch";
	else if (o->kconfigs.n)
		option = "-k", key = "kconfig";
	else if (o->request.fragments.n)
		option = "-K", key = "kconfig-add";
	else if (o->request.toolchain)
		option = "-t", key = "toolchain";
	for (size_t i = 0; i < assignments->n && !key; i++) {
		const char *text = assignments->v[i];
		size_t n = strcspn(text, "+:?!=");

		for (size_t k = 0; k < ARRAY_SIZE(variable_keys); k++) {
			if (strlen(variable_keys[k][0]) == n &&
			    !strncmp(variable_keys[k][0], text, n)) {
				option = text;
				key = variable_keys[k][1];
			}
		}
	}
	return key ? err_set(err, EINVAL,
			     "%s is not allowed in this key; use the key %s",
			     option, key) :
		     0;
}

/*
 * Check the key `options`, which contains options of `kfarm build` and
 * variables for make.
 */
static int check_build_options(const struct nightly_job *j,
			       const struct conf *conf, struct err *err)
{
	struct build_options ignored = { 0 };
	struct strv words = { 0 }, assignments = { 0 };
	struct args args;
	char *at;
	int ret = j->options ? cmd_split_words(j->options, &words, err) : 0;

	args_init(&args, cmd_build.options, strv_list(&words));
	args.variables_allowed = true;
	if (!ret) {
		while ((ret = args_read(&args, &ignored, err)) == ARGS_VARIABLE)
			strv_add(&assignments, args.value);
	}
	if (ret == ARGS_WORD)
		ret = err_set(err, EINVAL, "\"%s\" is not an option",
			      args.value);
	strv_add_all(&assignments, strv_list(&ignored.request.environment));
	if (!ret)
		ret = check_other_keys(&ignored, &assignments, err);
	if (ret) {
		at = conf_get_origin(conf, "nightly", j->name, "options");
		err_wrap(err, "%s: [nightly \"%s\"]: options", at, j->name);
		free(at);
	}
	strv_release(&ignored.arches);
	strv_release(&ignored.kconfigs);
	strv_release(&ignored.request.fragments);
	strv_release(&ignored.request.environment);
	strv_release(&assignments);
	strv_release(&words);
	return ret;
}

int nightly_load(struct nightly_jobs *jobs, struct strv *standard,
		 struct err *err)
{
	struct node_roster none = { .remote_disabled = true };
	struct conf *conf = NULL;
	int ret = settings_load_conf(&conf, &none, err);

	if (!ret)
		ret = nightly_jobs_load(jobs, conf, err);
	for (size_t i = 0; !ret && i < jobs->n_jobs; i++) {
		struct nightly_job *j = &jobs->jobs[i];

		resolve_words(&j->kconfigs, j->location);
		resolve_words(&j->kconfig_add, j->location);
		ret = check_build_options(j, conf, err);
	}
	if (!ret)
		settings_read_toolchains(conf, standard);
	conf_free(conf);
	return ret;
}

static int check_name(const char *name, const struct strv *configured,
		      struct err *err)
{
	char *file, *all;

	if (strv_has(configured, name))
		return 0;
	if (!configured->n) {
		file = conf_user_path();
		err_set(err, ENOENT,
			"no section [nightly \"%s\"] in %s; "
			"kfarm-tutorial(7) has an example",
			name, file);
		free(file);
		return -ENOENT;
	}
	all = strv_join(configured, ", ");
	err_set(err, ENOENT, "no section [nightly \"%s\"]; configured: %s",
		name, all);
	free(all);
	return -ENOENT;
}

int nightly_check_build(const char *nightly, const struct conf *conf,
			struct err *err)
{
	char *job = xstrndup(nightly, strcspn(nightly, "/"));
	struct strv names = { 0 };
	int ret;

	conf_list_subsections(conf, "nightly", &names);
	ret = check_name(job, &names, err);
	if (ret)
		err_wrap(err, "--nightly");
	strv_release(&names);
	free(job);
	return ret;
}

int nightly_check_names(const struct nightly_request *r,
			const struct nightly_jobs *jobs, struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	for (size_t i = 0; i < jobs->n_jobs; i++)
		strv_add(&names, jobs->jobs[i].name);
	if (!names.n && !r->words.n)
		ret = check_name("NAME", &names, err);
	for (size_t i = 0; !ret && i < r->words.n; i++)
		ret = check_name(r->words.v[i], &names, err);
	strv_release(&names);
	return ret;
}

/*
 * `kfarm nightly install`: nightly runs started by a systemd timer or by cron.
 */

#define SYSTEM_UNIT_DIR "/etc/systemd/system"
#define LINGER_DIR      "/var/lib/systemd/linger"
#define SYSTEMCTL_MS    60000
#define UNIT_MAX        (1u << 16) /* bytes of a unit file */

static const char *const suffixes[] = { "service", "timer" };

/* A unit file that this command has written. */
struct written_file {
	char *path;
	char *old; /* previous content; NULL: the file did not exist */
};

/* State of a timer before this command. */
struct timer_state {
	bool enabled, active;
};

/* One execution of the command. */
struct installing {
	const struct nightly_request *request;
	bool system; /* install system units instead of user units */
	char *unit_dir;
	char *program;
	struct strv env;
	struct strv units; /* unit names without a suffix */
	struct nightly_timer timer;
	struct written_file *written;
	size_t n_written;
	/* state of the timer of each unit; NULL before enable_timers() */
	struct timer_state *states;
};

/* Parse "HH:MM" from 00:00 to 23:59. */
static int parse_time(const char *text, struct nightly_timer *t,
		      struct err *err)
{
	unsigned h, m;
	int end = 0;

	if (sscanf(text, "%2u:%2u%n", &h, &m, &end) != 2 || text[end] ||
	    strspn(text, "0123456789:") < (size_t)end || h > 23 || m > 59)
		return err_set(err, EINVAL,
			       "--at %s: expected a time from 00:00 to 23:59",
			       text);
	t->hour = h;
	t->minute = m;
	return 0;
}

/* Check that each of r->words is a nightly job and all jobs are valid. */
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

/* Store the absolute path of kfarm; the caller frees *out. */
static int find_program_path(char **out, struct err *err)
{
	char *path = process_program_path();
	int ret = 0;

	if (!path)
		return err_errno(err, "/proc/self/exe");
	if (access(path, X_OK))
		ret = err_errno(err, "%s", path);
	if (ret)
		free(path);
	else
		*out = path;
	return ret;
}

/*
 * Return the PATH of the job: the directories of the user's PATH that contain
 * compilers, and the standard directories.  Other directories of an interactive
 * shell would only make the unit file and the crontab line long.
 */
static char *job_path(void)
{
	static const char standard[] = "/usr/local/bin:/usr/bin:/bin";
	const char *user = getenv("PATH");
	struct strv all = { 0 }, used = { 0 }, last = { 0 };
	char *path;

	strv_split(&all, user ? user : "", ":");
	strv_split(&last, standard, ":");
	for (size_t i = 0; i < all.n; i++) {
		const char *dir = all.v[i];
		struct compiler_list compilers = { 0 };

		if (dir[0] == '/' && !strv_has(&used, dir) &&
		    !strv_has(&last, dir))
			compiler_find_all(&compilers, dir);
		if (compilers.n || strv_has(&last, dir))
			strv_add(&used, dir);
		compiler_list_release(&compilers);
	}
	strv_add_all(&used, last.v);
	strv_unique(&used);
	path = strv_join(&used, ":");
	strv_release(&all);
	strv_release(&used);
	strv_release(&last);
	return path;
}

/*
 * Collect the environment of the job, because a timer does not inherit the
 * environment of the user's shell.  If `own_user` is true, also collect the
 * variables for the proxies and for the directories in which kfarm finds its
 * files.  For a job of another user, these directories would be wrong.
 */
static void collect_job_env(struct strv *out, bool own_user)
{
	static const struct {
		const char *name;
		bool is_url;
	} variables[] = {
		{ "XDG_CONFIG_HOME", false }, { "XDG_DATA_HOME", false },
		{ "XDG_STATE_HOME", false },  { "XDG_CACHE_HOME", false },
		{ "http_proxy", true },       { "https_proxy", true },
		{ "all_proxy", true },        { "no_proxy", false },
	};
	const char *config = getenv("KFARM_CONFIG");
	char *path = job_path();

	strv_addf(out, "PATH=%s", path);
	free(path);
	strv_add(out, "LC_ALL=C.UTF-8");
	if (own_user && config && *config) {
		/* The job runs in another directory than this command. */
		path = fs_make_absolute(config);
		strv_addf(out, "KFARM_CONFIG=%s", path);
		free(path);
	}
	for (size_t i = 0; own_user && i < ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i].name);

		/* Unit files are public: omit a proxy URL with a password. */
		if (value && *value &&
		    !(variables[i].is_url && strchr(value, '@')))
			strv_addf(out, "%s=%s", variables[i].name, value);
	}
}

/* Reject options that exclude each other. */
static int check_options(const struct nightly_request *a, struct err *err)
{
	if (a->user && (a->system || a->run_as_user))
		return err_set(err, EINVAL,
			       "--user and %s are mutually exclusive",
			       a->system ? "--system" : "--as");
	if (a->cron &&
	    (a->system || a->user || a->run_as_user || a->now || a->remove))
		return err_set(
			err, EINVAL,
			"--cron only prints a line, so it allows only --at");
	if (a->remove && (a->now || a->start_time))
		return err_set(err, EINVAL,
			       "--remove and %s are mutually exclusive",
			       a->now ? "--now" : "--at");
	return 0;
}

/* Check the request and fill `i`, except timer.name. */
static int prepare(struct installing *i, struct err *err)
{
	const struct nightly_request *a = i->request;
	const struct passwd *me;
	int ret = check_options(a, err);

	if (ret)
		return ret;
	if (a->run_as_user && !getpwnam(a->run_as_user))
		return err_set(err, EINVAL, "--as %s: no such user",
			       a->run_as_user);
	i->timer = (struct nightly_timer){ .hour = 2, .env = &i->env };
	if (a->start_time)
		ret = parse_time(a->start_time, &i->timer, err);
	if (!ret && !a->remove)
		ret = check_sections(a, err);
	if (!ret)
		ret = find_program_path(&i->program, err);
	if (ret)
		return ret;

	i->system = a->system || a->run_as_user || (!a->user && !geteuid());
	if (i->system) {
		i->unit_dir = xstrdup(SYSTEM_UNIT_DIR);
	} else {
		char *home = fs_config_home(), *config = str_dir(home);

		i->unit_dir = xasprintf("%s/systemd/user", config);
		free(config);
		free(home);
	}
	i->timer.program = i->program;
	me = getpwuid(geteuid());
	if (i->system)
		i->timer.user = a->run_as_user ? a->run_as_user :
				me             ? me->pw_name :
						 "root";
	collect_job_env(&i->env, !a->run_as_user);
	for (size_t n = 0; n < a->words.n; n++)
		strv_own(&i->units, nightly_timer_service_name(a->words.v[n]));
	if (!a->words.n)
		strv_own(&i->units, nightly_timer_service_name(NULL));
	return 0;
}

/*
 * Run `systemctl [--user] VERB [OPTION] [UNIT.timer]`; `option` and `unit` can
 * be NULL.  An error contains the first line of the stderr of systemctl.
 */
static int systemctl(const struct installing *i, const char *verb,
		     const char *option, const char *unit, struct err *err)
{
	struct strv argv = { 0 };
	struct spawn what = { .stdio_fds = { -1, -1, -1 } };
	const struct spawn_limits limits = { 1u << 20, SYSTEMCTL_MS, NULL };
	struct buf out = { 0 }, messages = { 0 };
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
	ret = spawn_collect(&what, &limits, &out, &messages, &status, err);
	if (!ret && status) {
		how = spawn_status_text(status);
		ret = err_set(err, EIO, "systemctl%s %s: %s: %.*s",
			      i->system ? "" : " --user", verb, how,
			      (int)strcspn(buf_str(&messages), "\n"),
			      buf_str(&messages));
		free(how);
	}
	strv_release(&argv);
	buf_release(&out);
	buf_release(&messages);
	return ret;
}

/* Return true if the unit file starts with the mark that kfarm writes. */
static bool is_kfarm_unit(const char *path)
{
	struct buf text = { 0 };
	struct err ignored = { 0 };
	bool ours = !fs_read(path, UNIT_MAX, &text, &ignored) &&
		    str_starts(buf_str(&text), NIGHTLY_TIMER_MARK);

	buf_release(&text);
	return ours;
}

/*
 * Check that systemd can start the timers, and that this command overwrites no
 * unit file of another program.
 */
static int check_install(const struct installing *i, struct err *err)
{
	struct err why = { 0 };
	int ret = systemctl(i, "show", "--property=Version", NULL, &why);

	if (ret)
		return err_set(err, EIO,
			       "no systemd: %s; `kfarm nightly install --cron` "
			       "prints a crontab line instead",
			       why.text);
	for (size_t n = 0; !ret && n < i->units.n * ARRAY_SIZE(suffixes); n++) {
		char *path = xasprintf("%s/%s.%s", i->unit_dir,
				       i->units.v[n / ARRAY_SIZE(suffixes)],
				       suffixes[n % ARRAY_SIZE(suffixes)]);

		if (fs_exists(path) && !is_kfarm_unit(path))
			ret = err_set(err, EEXIST,
				      "%s exists, but was not written by "
				      "kfarm; move it away",
				      path);
		free(path);
	}
	return ret;
}

/* Write a unit file, and save its old content for undo_install(). */
static int write_unit(struct installing *i, const char *unit,
		      const char *suffix, const struct buf *text,
		      struct err *err)
{
	struct written_file file = {
		.path = xasprintf("%s/%s.%s", i->unit_dir, unit, suffix),
	};
	struct buf old = { 0 };
	int ret;

	if (fs_exists(file.path)) {
		ret = fs_read(file.path, UNIT_MAX, &old, err);
		if (ret) {
			buf_release(&old);
			free(file.path);
			return ret;
		}
		file.old = xstrdup(buf_str(&old));
		buf_release(&old);
	}
	*VEC_ADD(i->written, i->n_written) = file;
	return fs_write(file.path, buf_bytes(text), 0644, err);
}

/* Write the files UNIT.service and UNIT.timer for each name in i->units. */
static int write_units(struct installing *i, struct err *err)
{
	int ret = fs_mkdirs(i->unit_dir, 0755, err);

	for (size_t n = 0; !ret && n < i->units.n; n++) {
		struct buf service = { 0 }, timer = { 0 };

		i->timer.name = i->request->words.n ? i->request->words.v[n] :
						      NULL;
		ret = nightly_timer_write_service(&service, &i->timer, err);
		nightly_timer_write_timer(&timer, &i->timer);
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

static int enable_timers(struct installing *i, struct err *err)
{
	struct err ignored = { 0 };
	int ret;

	i->states = xcalloc(i->units.n, sizeof(*i->states));
	for (size_t n = 0; n < i->units.n; n++)
		i->states[n] = (struct timer_state){
			.enabled = !systemctl(i, "is-enabled", NULL,
					      i->units.v[n], &ignored),
			.active = !systemctl(i, "is-active", NULL,
					     i->units.v[n], &ignored),
		};
	ret = systemctl(i, "daemon-reload", NULL, NULL, err);
	for (size_t n = 0; !ret && n < i->units.n; n++)
		ret = systemctl(i, "enable", "--now", i->units.v[n], err);
	return ret;
}

/* Restore the state before the command.  Errors are ignored. */
static void undo_install(const struct installing *i)
{
	struct err ignored = { 0 };

	/* systemctl needs the unit files, so it runs before their removal. */
	for (size_t n = 0; i->states && n < i->units.n; n++) {
		if (!i->states[n].enabled)
			systemctl(i, "disable", NULL, i->units.v[n], &ignored);
		if (!i->states[n].active)
			systemctl(i, "stop", NULL, i->units.v[n], &ignored);
	}
	for (size_t n = 0; n < i->n_written; n++) {
		const struct written_file *f = &i->written[n];

		if (f->old)
			fs_write(f->path, bytes_str(f->old), 0644, &ignored);
		else
			unlink(f->path);
	}
	if (i->states)
		systemctl(i, "daemon-reload", NULL, NULL, &ignored);
}

/* Print the unit files, and when the timers run or how to enable them. */
static void print_install(const struct installing *i)
{
	const char *whose = i->system ? "" : " --user";
	const struct passwd *me = getpwuid(geteuid());
	struct buf text = { 0 };

	for (size_t n = 0; n < i->n_written; n++)
		printf("%s\n", i->written[n].path);
	if (!i->system && me) {
		char *path = xasprintf(LINGER_DIR "/%s", me->pw_name);

		/* Without lingering, user timers end with the last session. */
		if (!fs_exists(path))
			log_info("user timers run only while the user is "
				 "logged in; run `loginctl enable-linger %s` "
				 "once to lift this restriction",
				 me->pw_name);
		free(path);
	}
	if (i->request->now) {
		log_info("enabled: every night at %02u:%02u, or up to "
			 "15 minutes later",
			 i->timer.hour, i->timer.minute);
		return;
	}
	for (size_t n = 0; n < i->units.n; n++) {
		char *timer = xasprintf("%s.timer", i->units.v[n]);

		buf_add_str(&text, " ");
		buf_add_shell_word(&text, timer);
		free(timer);
	}
	log_info("to enable the timer, repeat this command with --now, or run "
		 "`systemctl%s daemon-reload && systemctl%s enable --now%s`",
		 whose, whose, buf_str(&text));
	buf_release(&text);
}

/* Install all units or, after an error, none. */
static int install_units(struct installing *i, struct err *err)
{
	int ret = check_install(i, err);

	if (!ret)
		ret = write_units(i, err);
	if (!ret && i->request->now)
		ret = enable_timers(i, err);
	if (!ret) {
		print_install(i);
	} else {
		undo_install(i);
		err_wrap(err, "nothing was installed");
	}
	return ret;
}

/* Stop the timer of a unit and remove the files that kfarm wrote for it. */
static int remove_unit(const struct installing *i, const char *unit,
		       struct err *err)
{
	struct strv paths = { 0 };
	struct err why = { 0 };
	int ret = 0;

	for (size_t n = 0; n < ARRAY_SIZE(suffixes); n++) {
		char *path = xasprintf("%s/%s.%s", i->unit_dir, unit,
				       suffixes[n]);

		if (is_kfarm_unit(path))
			strv_add(&paths, path);
		free(path);
	}
	if (!paths.n) {
		ret = err_set(err, ENOENT,
			      "%s: contains no %s.timer that kfarm wrote",
			      i->unit_dir, unit);
	} else if (systemctl(i, "disable", "--now", unit, &why)) {
		char *link = xasprintf("%s/timers.target.wants/%s.timer",
				       i->unit_dir, unit);

		/* systemctl failed: remove the link that enables the timer. */
		log_warning("%s", why.text);
		unlink(link);
		free(link);
	}
	for (size_t n = 0; !ret && n < paths.n; n++) {
		if (unlink(paths.v[n]))
			ret = err_errno(err, "%s", paths.v[n]);
		else
			printf("removed %s\n", paths.v[n]);
	}
	strv_release(&paths);
	return ret;
}

/* Remove the named units or, if none is named, all units that kfarm wrote. */
static int remove_units(struct installing *i, struct err *err)
{
	struct strv names = { 0 };
	struct err why = { 0 };
	int ret = 0;

	if (!i->request->words.n) {
		strv_release(&i->units);
		fs_list(i->unit_dir, &names);
	}
	for (size_t n = 0; n < names.n; n++) {
		char *path = xasprintf("%s/%s", i->unit_dir, names.v[n]);
		size_t len = strlen(names.v[n]);

		if (str_starts(names.v[n], "kfarm-nightly") &&
		    str_ends(names.v[n], ".timer") && is_kfarm_unit(path))
			strv_own(&i->units,
				 xstrndup(names.v[n], len - strlen(".timer")));
		free(path);
	}
	strv_release(&names);
	if (!i->units.n)
		log_info("%s: contains no systemd units that kfarm wrote",
			 i->unit_dir);
	for (size_t n = 0; !ret && n < i->units.n; n++)
		ret = remove_unit(i, i->units.v[n], err);
	if (i->units.n && !ret &&
	    systemctl(i, "daemon-reload", NULL, NULL, &why))
		log_warning("%s", why.text);
	return ret;
}

/* Print a crontab line for each unit. */
static int print_crontab(struct installing *i, struct err *err)
{
	struct buf out = { 0 };
	int ret = 0;

	for (size_t n = 0; !ret && n < i->units.n; n++) {
		i->timer.name = i->request->words.n ? i->request->words.v[n] :
						      NULL;
		ret = nightly_timer_write_cron(&out, &i->timer, err);
	}
	if (!ret) {
		fputs(buf_str(&out), stdout);
		log_info("add the line with `crontab -e`; cron mails reports "
			 "of jobs without `mail` to the address in "
			 "MAILTO=ADDRESS above the line");
	}
	buf_release(&out);
	return ret;
}

int nightly_install_main(void *request)
{
	struct nightly_request *r = request;
	struct installing i = { .request = r };
	struct err err = { 0 };
	int ret;

	/* A job that is named twice would start twice at the same time. */
	strv_unique(&r->words);
	ret = prepare(&i, &err);
	if (!ret)
		ret = r->cron   ? print_crontab(&i, &err) :
		      r->remove ? remove_units(&i, &err) :
				  install_units(&i, &err);
	if (ret)
		log_error("nightly install: %s", err.text);
	free(i.unit_dir);
	free(i.program);
	for (size_t n = 0; n < i.n_written; n++) {
		free(i.written[n].path);
		free(i.written[n].old);
	}
	free(i.written);
	free(i.states);
	strv_release(&i.env);
	strv_release(&i.units);
	return ret ? EXIT_USAGE : EXIT_OK;
}
