/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan is made in two steps.  First, parse_tune_state() reads the state of
 * the node from the output of the query.  Then each add_*_items() function
 * compares one section of the profile with this state and adds an item per file
 * or service to the plan.  A setting that cannot be applied also gets an item,
 * which shows the reason to the user.
 *
 * Paths and values come from the node and become words of a shell script, so
 * only words without shell syntax are accepted (is_shell_word()).
 */
#include "admin/tune.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int admin_tune_result(struct admin_tune_result *r, struct bytes output,
		      struct err *err)
{
	struct strv lines = { 0 };
	char *text = bytes_dup(output);
	bool ended = false;

	*r = (struct admin_tune_result){ 0 };
	strv_split(&lines, text, "\n");
	free(text);
	for (size_t i = 0; i < lines.n && !ended; i++) {
		char *line = lines.v[i], *path, *value;

		ended = !strcmp(line, "end");
		path = strchr(line, '\t');
		value = path ? strchr(path + 1, '\t') : NULL;
		if (!value)
			continue;
		*path++ = *value++ = '\0';
		printable_replace(path, strlen(path), 0, '?');
		printable_replace(value, strlen(value), 0, ' ');
		if (!strcmp(line, "done"))
			r->n_applied++;
		else if (!strcmp(line, "back"))
			r->n_restored++;
		else if (!strcmp(line, "failed"))
			*VEC_ADD(r->failed,
				 r->n_failed) = (struct admin_tune_failure){
				xstrdup(path), xstrdup(value)
			};
	}
	strv_release(&lines);
	if (ended)
		return 0;
	admin_tune_result_release(r);
	return err_set(
		err, EPROTO,
		"the output of the script on the node ends early: some "
		"settings may have been applied; check the settings with "
		"--dry-run");
}

void admin_tune_result_release(struct admin_tune_result *r)
{
	for (size_t i = 0; i < r->n_failed; i++) {
		free(r->failed[i].path);
		free(r->failed[i].why);
	}
	free(r->failed);
	*r = (struct admin_tune_result){ 0 };
}

char *admin_tune_format_value(const char *path, const char *value)
{
	bool devfreq = str_starts(path, "/sys/class/devfreq/") &&
		       str_ends(path, "_freq");
	char *end;
	unsigned long long n = strtoull(value, &end, 10);

	if (end == value || *end)
		return xstrdup(value);
	if (devfreq)
		n /= 1000;
	if ((devfreq || str_ends(path, "_freq")) && n % 1000)
		return xasprintf("%.3f MHz", (double)n / 1000);
	if (devfreq || str_ends(path, "_freq"))
		return xasprintf("%llu MHz", n / 1000);
	if (str_ends(path, "_temp"))
		return xasprintf("%llu C", n / 1000);
	return xstrdup(value);
}

#define FILES_MAX 4096 /* a 256-core machine has about 2,000 */

/*
 * Return true if `s` consists of 1 to 1023 letters, digits, characters of
 * "_.:,@+-" and characters of `more`.
 */
static bool is_shell_word(const char *s, const char *more)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) ||
	       (s[n] && strchr("_.:,@+-", s[n])) ||
	       (s[n] && strchr(more, s[n])))
		n++;
	return n && !s[n] && n < 1024;
}

static bool is_sys_path(const char *s)
{
	return str_starts(s, "/sys/") && is_shell_word(s, "/") &&
	       !strstr(s, "..");
}

/* Copy `s`, but replace unsafe characters and drop trailing blanks. */
static char *clean_copy(const char *s)
{
	char *copy = xstrdup(s);
	size_t n = strlen(copy);

	printable_replace(copy, n, 0, '?');
	while (n && copy[n - 1] == ' ')
		copy[--n] = '\0';
	return copy;
}

static void replace_with_clean(char **at, const char *text)
{
	free(*at);
	*at = clean_copy(text);
}

/*
 * A file below /sys.  In the list `previous` of struct tune_state, `path` can
 * also be the unit of a stopped service.
 */
struct tune_file {
	char *path, *value;
	bool writable;
};

/* A service that the profile stops. */
struct tune_service {
	char *name;
	char *unit; /* NULL: absent */
	char *state; /* for example "enabled active" */
};

/* The state of a node, from the output of the query. */
struct tune_state {
	char *model, *kernel, *init_system; /* NULL: unknown */
	struct tune_file *files; /* in the order received */
	size_t n_files;
	struct tune_service *services;
	size_t n_services;
	struct tune_file *previous;
	size_t n_previous;
};

static void set_tune_file(struct tune_file *f, const char *path,
			  const char *value, bool writable)
{
	f->path = xstrdup(path);
	f->value = clean_copy(value);
	f->writable = writable;
}

/* Add a service; `state` is "absent", or UNIT and the state of that unit. */
static void add_tune_service(struct tune_state *s, const char *name,
			     const char *state)
{
	struct tune_service *service = VEC_ADD(s->services, s->n_services);
	size_t n = strcspn(state, " ");
	char *unit = xstrndup(state, n);

	service->name = clean_copy(name);
	service->state = clean_copy(state[n] ? state + n + 1 : "");
	if (strcmp(state, "absent") && is_shell_word(unit, "\\") &&
	    unit[0] != '-')
		service->unit = xstrdup(unit);
	free(unit);
}

static void release_tune_files(struct tune_file *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].value);
	}
	free(v);
}

static void release_tune_state(struct tune_state *s)
{
	free(s->model);
	free(s->kernel);
	free(s->init_system);
	release_tune_files(s->files, s->n_files);
	release_tune_files(s->previous, s->n_previous);
	for (size_t i = 0; i < s->n_services; i++) {
		free(s->services[i].name);
		free(s->services[i].unit);
		free(s->services[i].state);
	}
	free(s->services);
	*s = (struct tune_state){ 0 };
}

/*
 * Parse the output of a query.  Lines that are unsafe for a shell or a terminal
 * are skipped.  Returns 0, -EPROTO if the last line is missing, or -E2BIG if
 * there are too many files.  `s` is released on failure.
 */
static int parse_tune_state(struct tune_state *s, struct bytes output,
			    struct err *err)
{
	char *text = bytes_dup(output);
	struct strv lines = { 0 };
	bool ended = false;
	int ret = 0;

	*s = (struct tune_state){ 0 };
	strv_split(&lines, text, "\n");
	free(text);
	for (size_t i = 0; !ret && i < lines.n && !ended; i++) {
		char *kind = lines.v[i], *second, *third;

		ended = !strcmp(kind, "end");
		second = strchr(kind, '\t');
		third = second ? strchr(second + 1, '\t') : NULL;
		if (!third)
			continue;
		*second++ = *third++ = '\0';
		if (is_sys_path(kind))
			set_tune_file(VEC_ADD(s->files, s->n_files), kind,
				      third, !strcmp(second, "w"));
		else if (!strcmp(kind, "model"))
			replace_with_clean(&s->model, second);
		else if (!strcmp(kind, "kernel"))
			replace_with_clean(&s->kernel, second);
		else if (!strcmp(kind, "start"))
			replace_with_clean(&s->init_system, second);
		else if (!strcmp(kind, "service"))
			add_tune_service(s, second, third);
		else if ((!strcmp(kind, "before-file") &&
			  is_sys_path(second)) ||
			 (!strcmp(kind, "before-service") &&
			  is_shell_word(second, "\\")))
			set_tune_file(VEC_ADD(s->previous, s->n_previous),
				      second, third, true);
		if (s->n_files + s->n_services + s->n_previous > FILES_MAX)
			ret = err_set(err, E2BIG,
				      "the node reports more than %d settings",
				      FILES_MAX);
	}
	strv_release(&lines);
	if (!ret && !ended)
		ret = err_set(
			err, EPROTO,
			"the output of the script on the node ends early");
	if (ret)
		release_tune_state(s);
	return ret;
}

/* Return the file with this path, or NULL. */
static const struct tune_file *find_tune_file(const struct tune_state *s,
					      const char *path)
{
	for (size_t i = 0; i < s->n_files; i++) {
		if (!strcmp(s->files[i].path, path))
			return &s->files[i];
	}
	return NULL;
}

/* Return the value of the file, or the state of the unit, `path`, or NULL. */
static const char *find_current(const struct tune_state *s, const char *path)
{
	const struct tune_file *f = find_tune_file(s, path);

	for (size_t i = 0; !f && i < s->n_services; i++) {
		if (str_equal(s->services[i].unit, path))
			return s->services[i].state;
	}
	return f ? f->value : NULL;
}

#define CPU_SYS_DIR       "/sys/devices/system/cpu/"
#define DEVFREQ_DIR       "/sys/class/devfreq/"
#define THERMAL_ZONES_DIR "/sys/class/thermal/"

__asm__(".section .rodata\n"
	".global admin_tune_script\n"
	".hidden admin_tune_script\n"
	"admin_tune_script:\n"
	".incbin \"templates/tune/node.sh\"\n"
	".byte 0\n"
	".text\n");
extern const char admin_tune_script[] __attribute__((visibility("hidden")));

/* The plan being made, and its input. */
struct tune_context {
	struct admin_tune *t;
	const struct admin_profile *p;
	const struct tune_state *s;
};

/* ---------------------------------------------------------------- items */

/* Add an item for a file; `what` is its name for display. */
static struct admin_tune_item *add_tune_item(const struct tune_context *m,
					     char *what, char *path)
{
	const struct tune_file *f = find_tune_file(m->s, path);
	struct admin_tune_item *item = VEC_ADD(m->t->v, m->t->n);

	item->name = what;
	item->path = path;
	item->current = f ? xstrdup(f->value) : NULL;
	if (f && !f->writable)
		item->skip_reason = xstrdup("read-only in this kernel");
	return item;
}

/* Record why the setting is skipped.  Only the first reason is retained. */
__attribute__((format(printf, 2, 3))) static void skip_setting(
	struct admin_tune_item *item, const char *fmt, ...)
{
	va_list ap;

	if (item->skip_reason)
		return;
	va_start(ap, fmt);
	item->skip_reason = xvasprintf(fmt, ap);
	va_end(ap);
}

/* Return the value of the file `name` in the directory of `path`, or NULL. */
static const char *find_sibling_value(const struct tune_context *m,
				      const char *path, const char *name)
{
	char *dir = str_dir(path), *at = xasprintf("%s/%s", dir, name);
	const struct tune_file *f = find_tune_file(m->s, at);

	free(dir);
	free(at);
	return f ? f->value : NULL;
}

/*
 * Set the wanted governor.  The setting is skipped if the file of the item does
 * not exist, or if the file `list` in the same directory exists but does not
 * contain the governor.
 */
static void set_governor(const struct tune_context *m,
			 struct admin_tune_item *item, const char *governor,
			 const char *list)
{
	const char *offered = find_sibling_value(m, item->path, list);

	item->wanted = xstrdup(governor);
	if (!item->current)
		skip_setting(item, "no such file");
	else if (offered && !str_list_has(offered, ' ', governor))
		skip_setting(item, "not available; available: %s", offered);
}

/*
 * Return the largest number in a list such as "408000 600000 ", or 0 if the
 * list is empty or NULL.
 */
static uint64_t largest_number(const char *list)
{
	uint64_t most = 0;

	while (list && *list) {
		char *end;
		uint64_t n = strtoull(list, &end, 10);

		if (end == list)
			break;
		most = n > most ? n : most;
		list = end;
	}
	return most;
}

static void set_wanted_number(struct admin_tune_item *item, uint64_t n)
{
	free(item->wanted);
	item->wanted = xasprintf("%llu", (unsigned long long)n);
}

/*
 * Set the wanted frequency.  The setting is skipped if the file does not exist,
 * or if neither of the lists `list` and `boosted` contains the frequency.  Each
 * list can be NULL.  Without any list, the setting is skipped if the frequency
 * exceeds `most`, or if `most` is 0 (unknown).
 */
static void set_wanted_clock(struct admin_tune_item *item, uint64_t wanted,
			     const char *list, const char *boosted,
			     uint64_t most)
{
	char *word, *offer;
	uint64_t top = largest_number(list),
		 top_boosted = largest_number(boosted);

	top = top_boosted > top ? top_boosted : top ? top : most;
	if (wanted == ADMIN_PROFILE_HIGHEST)
		wanted = top;
	set_wanted_number(item, wanted);
	if (!item->current || !top) {
		skip_setting(item, item->current ?
					   "no list of available frequencies" :
					   "no such file");
		return;
	}
	word = item->wanted;
	if (list || boosted ? str_list_has(list, ' ', word) ||
				      str_list_has(boosted, ' ', word) :
			      wanted <= most)
		return;
	if (wanted < top) {
		skip_setting(item, "not one of the available frequencies");
		return;
	}
	word = xasprintf("%llu", (unsigned long long)top);
	offer = admin_tune_format_value(item->path, word);
	skip_setting(item, "not available: maximum is %s", offer);
	free(offer);
	free(word);
}

/* ----------------------------------------------------------------- CPUs */

/*
 * Add the item for boost.  The driver intel_pstate has no file "boost", but a
 * file "no_turbo" with the opposite meaning.
 */
static void add_boost_item(const struct tune_context *m)
{
	const char *path = CPU_SYS_DIR "cpufreq/boost";
	bool inverted = false;
	struct admin_tune_item *item;

	if (!m->p->has_boost)
		return;
	if (!find_tune_file(m->s, path) &&
	    find_tune_file(m->s, CPU_SYS_DIR "intel_pstate/no_turbo")) {
		path = CPU_SYS_DIR "intel_pstate/no_turbo";
		inverted = true;
	}
	item = add_tune_item(m, xstrdup("boost"), xstrdup(path));
	set_wanted_number(item, m->p->boost_enabled != inverted);
	if (!item->current)
		skip_setting(item, "no boost control on this board");
}

/*
 * Return the profile's setting for the CPUs `cpus`, such as "0 1 2 3", which
 * share a clock.  A section for one of these CPUs has precedence over the
 * section for all CPUs.
 */
static struct admin_profile_clock find_cpu_clock(const struct admin_profile *p,
						 const char *cpus)
{
	struct admin_profile_clock wish = { .cpu = -1 };

	for (size_t i = 0; i < p->n_cpus; i++) {
		const struct admin_profile_clock *c = &p->cpus[i];
		char *number = xasprintf("%d", c->cpu);
		bool named = c->cpu >= 0 && str_list_has(cpus, ' ', number);

		free(number);
		if (!named && c->cpu >= 0)
			continue;
		if (c->governor && (named || !wish.governor))
			wish.governor = c->governor;
		if (c->hz && (named || !wish.hz))
			wish.hz = c->hz;
		if (named)
			wish.cpu = c->cpu;
	}
	return wish;
}

/*
 * Add the items for a clock that the CPUs `cpus` share; `dir` is the directory
 * of the first of these CPUs.
 */
static void add_clock_items(const struct tune_context *m, const char *dir,
			    const char *cpus)
{
	struct admin_profile_clock wish = find_cpu_clock(m->p, cpus);
	const char *last = strrchr(cpus, ' ');
	/* "0 1 2 3" becomes "CPUs 0-3". */
	char *who = last ? xasprintf("CPUs %.*s-%s", (int)strcspn(cpus, " "),
				     cpus, last + 1) :
			   xasprintf("CPU %s", cpus);
	struct admin_tune_item *item;
	const char *most;

	if (wish.governor) {
		item = add_tune_item(m, xasprintf("governor of %s", who),
				     xasprintf("%s/scaling_governor", dir));
		set_governor(m, item, wish.governor,
			     "scaling_available_governors");
	}
	if (wish.hz) {
		item = add_tune_item(m, xasprintf("max-frequency of %s", who),
				     xasprintf("%s/scaling_max_freq", dir));
		most = find_sibling_value(m, item->path, "cpuinfo_max_freq");
		set_wanted_clock(
			item,
			wish.hz == ADMIN_PROFILE_HIGHEST ? wish.hz :
							   wish.hz / 1000,
			find_sibling_value(m, item->path,
					   "scaling_available_frequencies"),
			m->p->has_boost && !m->p->boost_enabled ?
				NULL :
				find_sibling_value(m, item->path,
						   "scaling_boost_frequencies"),
			largest_number(most));
	}
	free(who);
}

static void add_cpu_items(const struct tune_context *m)
{
	struct strv clocks = { 0 }; /* the CPUs of each clock */

	for (size_t i = 0; i < m->s->n_files; i++) {
		const struct tune_file *f = &m->s->files[i];
		const char *cpus;
		char *dir;

		if (fnmatch(CPU_SYS_DIR "cpu[0-9]*/cpufreq/scaling_governor",
			    f->path, 0))
			continue;
		cpus = find_sibling_value(m, f->path, "related_cpus");
		if (!cpus)
			cpus = find_sibling_value(m, f->path, "affected_cpus");
		if (!cpus || !*cpus)
			continue;
		dir = str_dir(f->path);
		add_clock_items(m, dir, cpus);
		strv_add(&clocks, cpus);
		free(dir);
	}
	/*
	 * Report CPUs of the profile that have no clock.  A setting for all
	 * CPUs needs at least one clock.
	 */
	for (size_t i = 0; i < m->p->n_cpus; i++) {
		int cpu = m->p->cpus[i].cpu;
		char *number = xasprintf("%d", cpu);
		bool found = cpu < 0 && clocks.n;

		for (size_t k = 0; !found && k < clocks.n; k++)
			found = str_list_has(clocks.v[k], ' ', number);
		if (!found)
			skip_setting(
				add_tune_item(
					m,
					cpu < 0 ? xstrdup("CPUs") :
						  xasprintf("CPU %d", cpu),
					xasprintf(CPU_SYS_DIR "cpu%d/cpufreq",
						  cpu < 0 ? 0 : cpu)),
				"no adjustable clock");
		free(number);
	}
	strv_release(&clocks);
}

/* --------------------------------------------------------------- memory */

static void add_devfreq_items(const struct tune_context *m, const char *dir)
{
	const struct admin_profile_clock *wish = &m->p->memory;
	struct admin_tune_item *item;

	if (wish->governor) {
		item = add_tune_item(m, xstrdup("governor of the memory"),
				     xasprintf("%s/governor", dir));
		set_governor(m, item, wish->governor, "available_governors");
	}
	if (wish->hz) {
		item = add_tune_item(m, xstrdup("max-frequency of the memory"),
				     xasprintf("%s/max_freq", dir));
		set_wanted_clock(item, wish->hz,
				 find_sibling_value(m, item->path,
						    "available_frequencies"),
				 NULL, 0);
	}
}

static bool matches_any_pattern(const struct strv *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->n; i++) {
		if (!fnmatch(patterns->v[i], name, 0))
			return true;
	}
	return false;
}

static void add_memory_items(const struct tune_context *m)
{
	bool found = false;
	char *names;

	if (!m->p->memory.governor && !m->p->memory.hz)
		return;
	for (size_t i = 0; i < m->s->n_files; i++) {
		char *dir = str_dir(m->s->files[i].path);

		if (!fnmatch(DEVFREQ_DIR "*/governor", m->s->files[i].path,
			     0) &&
		    matches_any_pattern(&m->p->devices, str_base(dir))) {
			add_devfreq_items(m, dir);
			found = true;
		}
		free(dir);
	}
	if (found)
		return;
	names = strv_join(&m->p->devices, " or ");
	skip_setting(add_tune_item(m, xstrdup("memory"), xstrdup(DEVFREQ_DIR)),
		     "no device %s in this kernel", names);
	free(names);
}

/* -------------------------------------------------------------- thermal */

/* Return the critical temperature of a zone in millidegrees; 0: unknown. */
static uint64_t critical_point(const struct tune_context *m, const char *dir)
{
	char *pattern = xasprintf("%s/trip_point_[0-9]*_type", dir);
	uint64_t least = 0;

	for (size_t i = 0; i < m->s->n_files; i++) {
		const struct tune_file *f = &m->s->files[i];
		char name[64];
		uint64_t at;

		if (fnmatch(pattern, f->path, 0) ||
		    strcmp(f->value, "critical"))
			continue;
		snprintf(name, sizeof(name), "trip_point_%lu_temp",
			 strtoul(str_base(f->path) + strlen("trip_point_"),
				 NULL, 10));
		at = largest_number(find_sibling_value(m, f->path, name));
		if (at && (!least || at < least))
			least = at;
	}
	free(pattern);
	return least;
}

/* Add an item per passive trip point of a zone.  Returns their number. */
static size_t add_thermal_zone(const struct tune_context *m,
			       const struct tune_file *zone)
{
	char *dir = str_dir(zone->path);
	char *pattern = xasprintf("%s/trip_point_[0-9]*_type", dir);
	uint64_t wanted = UINT64_C(1000) * m->p->passive_celsius;
	uint64_t critical = critical_point(m, dir);
	size_t n = 0;

	for (size_t i = 0; i < m->s->n_files; i++) {
		const struct tune_file *f = &m->s->files[i];
		struct admin_tune_item *item;
		unsigned long point;

		if (fnmatch(pattern, f->path, 0) || strcmp(f->value, "passive"))
			continue;
		point = strtoul(str_base(f->path) + strlen("trip_point_"), NULL,
				10);
		item = add_tune_item(
			m,
			xasprintf("passive trip point %lu of %s", point,
				  zone->value),
			xasprintf("%s/trip_point_%lu_temp", dir, point));
		set_wanted_number(item, wanted);
		if (!item->current)
			skip_setting(item, "no such file");
		if (critical && wanted >= critical)
			skip_setting(item, "critical temperature is %llu C",
				     (unsigned long long)critical / 1000);
		n++;
	}
	free(pattern);
	free(dir);
	return n;
}

static void add_thermal_items(const struct tune_context *m)
{
	size_t points = 0;
	char *names;

	if (!m->p->passive_celsius)
		return;
	for (size_t i = 0; i < m->s->n_files; i++) {
		const struct tune_file *f = &m->s->files[i];

		if (!fnmatch(THERMAL_ZONES_DIR "thermal_zone[0-9]*/type",
			     f->path, 0) &&
		    matches_any_pattern(&m->p->zones, f->value))
			points += add_thermal_zone(m, f);
	}
	if (points)
		return;
	names = strv_join(&m->p->zones, " or ");
	skip_setting(add_tune_item(m, xstrdup("trip points"),
				   xstrdup(THERMAL_ZONES_DIR)),
		     "no passive trip point in a zone of type %s", names);
	free(names);
}

/* ------------------------------------------------------------- services */

/* Add an item per service, even if the service does not exist on the node. */
static void add_service_items(const struct tune_context *m)
{
	for (size_t i = 0; i < m->s->n_services; i++) {
		const struct tune_service *s = &m->s->services[i];
		struct admin_tune_item *item = VEC_ADD(m->t->v, m->t->n);

		*item = (struct admin_tune_item){
			.name = xasprintf("service %s", s->name),
			.path = xstrdup(s->unit ? s->unit : s->name),
			.current = s->unit ? xstrdup(s->state) : NULL,
			.wanted = xstrdup("stopped"),
			.is_service = true,
		};
		if (!s->unit)
			skip_setting(item, "not installed");
	}
}

/*
 * Warn if the profile is for another board.  The plan is made nevertheless,
 * because the model name of a board can vary.
 */
static void check_board_model(const struct tune_context *m)
{
	char *names;

	for (size_t i = 0; i < m->p->models.n; i++) {
		if (m->t->model && strstr(m->t->model, m->p->models.v[i]))
			return;
	}
	if (!m->p->models.n)
		return;
	names = strv_join(&m->p->models, " or ");
	m->t->warning = m->t->model ?
				xasprintf("profile is for %s, but this node "
					  "is %s",
					  names, m->t->model) :
				xasprintf("profile is for %s, but this node "
					  "reports no model",
					  names);
	free(names);
}

int admin_tune_parse(struct admin_tune *t, const struct admin_profile *p,
		     struct bytes output, struct err *err)
{
	struct tune_state s;
	const struct tune_context m = { t, p, &s };
	int ret;

	*t = (struct admin_tune){ 0 };
	ret = parse_tune_state(&s, output, err);
	if (ret)
		return ret;
	t->model = s.model ? xstrdup(s.model) : NULL;
	t->kernel = s.kernel ? xstrdup(s.kernel) : NULL;
	t->init_system = xstrdup(s.init_system ? s.init_system : "none");
	add_boost_item(&m);
	add_cpu_items(&m);
	add_memory_items(&m);
	add_thermal_items(&m);
	add_service_items(&m);
	check_board_model(&m);
	for (size_t i = 0; i < s.n_previous; i++) {
		const struct tune_file *f = &s.previous[i];
		const char *now = find_current(&s, f->path);
		struct admin_tune_item *item = VEC_ADD(t->previous,
						       t->n_previous);

		item->path = xstrdup(f->path);
		item->current = now ? xstrdup(now) : NULL;
		item->wanted = xstrdup(f->value);
		item->is_service = f->path[0] != '/';
	}
	release_tune_state(&s);
	return 0;
}

static void release_items(struct admin_tune_item *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].path);
		free(v[i].current);
		free(v[i].wanted);
		free(v[i].skip_reason);
	}
	free(v);
}

void admin_tune_release(struct admin_tune *t)
{
	free(t->model);
	free(t->kernel);
	free(t->warning);
	free(t->init_system);
	release_items(t->v, t->n);
	release_items(t->previous, t->n_previous);
	*t = (struct admin_tune){ 0 };
}

/* -------------------------------------------------------------- scripts */

size_t admin_tune_count_changes(const struct admin_tune *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += !t->v[i].skip_reason;
	return n;
}

void admin_tune_add_query_script(const struct admin_profile *p, struct buf *out)
{
	buf_add_str(out, admin_tune_script);
	buf_add_str(out, "tune_look");
	for (size_t i = 0; i < p->stop_services.n; i++)
		buf_printf(out, " %s", p->stop_services.v[i]);
	buf_add_str(out, "\n");
}

void admin_tune_add_apply_script(const struct admin_tune *t, struct buf *script,
				 struct buf *input)
{
	buf_printf(script, "%stune_apply\n", admin_tune_script);
	for (size_t i = 0; i < t->n; i++) {
		const struct admin_tune_item *item = &t->v[i];

		if (!item->skip_reason)
			buf_printf(input, "%s %s %s\n",
				   item->is_service ? "stop" : "file",
				   item->path, item->wanted);
	}
}

void admin_tune_add_revert_script(struct buf *script)
{
	buf_printf(script, "%stune_revert\n", admin_tune_script);
}
