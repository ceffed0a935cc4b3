/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin/profile.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/vec.h"
#include "conf/locate.h"
#include "conf/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Embed all built-in profiles.  The paths are relative to make's working
 * directory.
 */
#define TEXT(name, file)                                            \
	".global admin_profile_" name "\n"                          \
	".hidden admin_profile_" name "\n"                          \
	"admin_profile_" name ":\n.incbin \"templates/boards/" file \
	".conf\"\n.byte 0\n"
__asm__(".section .rodata\n" TEXT("generic", "generic") TEXT("miqi", "miqi")
		TEXT("neo4", "nanopi-neo4") TEXT("tv_box", "tv-box") ".text\n");
extern const char admin_profile_generic[] __attribute__((visibility("hidden")));
extern const char admin_profile_miqi[] __attribute__((visibility("hidden")));
extern const char admin_profile_neo4[] __attribute__((visibility("hidden")));
extern const char admin_profile_tv_box[] __attribute__((visibility("hidden")));

static const struct {
	const char *name, *text;
} built_in[] = {
	{ "generic", admin_profile_generic },
	{ "miqi", admin_profile_miqi },
	{ "nanopi-neo4", admin_profile_neo4 },
	{ "tv-box", admin_profile_tv_box },
};

struct profile_parser {
	struct admin_profile *p;
	struct err *err;
};

/* --------------------------------------------------------------- values */

/*
 * The take_*() functions store the value of a key.  They return 0, or -EINVAL
 * with `err` set if the value is invalid.  Names become words of a shell script
 * (admin/tune.h), so is_one_word() accepts only letters, digits and the
 * characters of `more`.
 */

static bool is_one_word(const char *value, const char *more)
{
	size_t n = 0;

	while (isalnum((unsigned char)value[n]) ||
	       (value[n] && strchr(more, value[n])))
		n++;
	return n && !value[n] && n < 256;
}

static int set_profile_text(char **out, const char *value)
{
	free(*out);
	*out = xstrdup(value);
	return 0;
}

/* Split a number from its unit, with optional blanks between them. */
static int split_number(const char *value, long most, long *n,
			const char **unit)
{
	size_t digits = strspn(value, "0123456789");
	char *text = xstrndup(value, digits);
	int ret = str_parse_number(text, 1, most, n);

	free(text);
	*unit = value + digits + strspn(value + digits, " ");
	return ret;
}

/* Accept "highest" or a frequency up to 100 GHz: "1800 MHz", "1800000kHz". */
static int take_clock(uint64_t *hz, const char *value, struct err *err)
{
	static const struct {
		const char *name;
		uint64_t hz;
	} units[] = { { "kHz", 1000 }, { "MHz", 1000000 } };
	const char *unit;
	long n;

	if (!strcmp(value, "highest")) {
		*hz = ADMIN_PROFILE_HIGHEST;
		return 0;
	}
	if (!split_number(value, 100000000, &n, &unit)) {
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			*hz = (uint64_t)n * units[i].hz;
			if (!strcmp(unit, units[i].name) &&
			    *hz <= UINT64_C(100000000000))
				return 0;
		}
	}
	*hz = 0;
	return err_set(err, EINVAL,
		       "invalid frequency \"%s\": expected highest or a number "
		       "with MHz or kHz",
		       value);
}

static int take_degrees(unsigned *out, const char *value, struct err *err)
{
	const char *unit;
	long n;

	if (split_number(value, 120, &n, &unit) || n < 30 ||
	    (*unit && strcmp(unit, "C")))
		return err_set(
			err, EINVAL,
			"invalid temperature \"%s\": expected 30 C to 120 C",
			value);
	*out = (unsigned)n;
	return 0;
}

static int take_pattern(struct strv *out, const char *value, struct err *err)
{
	if (!is_one_word(value, "_-.:@*?"))
		return err_set(err, EINVAL,
			       "invalid pattern \"%s\": expected a name, "
			       "optionally with * and ?",
			       value);
	strv_add(out, value);
	return 0;
}

/* ------------------------------------------------------------- sections */

/*
 * Return the settings of the section [cpu "N"] for CPU `cpu` or, if `cpu` is
 * -1, of the section [cpu].  If `p` does not have them yet, add empty settings.
 */
static struct admin_profile_clock *find_profile_clock(struct admin_profile *p,
						      int cpu)
{
	struct admin_profile_clock *c;

	for (size_t i = 0; i < p->n_cpus; i++) {
		if (p->cpus[i].cpu == cpu)
			return &p->cpus[i];
	}
	c = VEC_ADD(p->cpus, p->n_cpus);
	c->cpu = cpu;
	return c;
}

static int read_clock(struct admin_profile_clock *c, const char *key,
		      const char *value, struct err *err)
{
	if (!strcmp(key, "governor") && !is_one_word(value, "_-"))
		return err_set(err, EINVAL,
			       "invalid governor \"%s\": expected one word",
			       value);
	if (!strcmp(key, "governor"))
		return set_profile_text(&c->governor, value);
	if (!strcmp(key, "max-frequency"))
		return take_clock(&c->hz, value, err);
	return -ENOENT;
}

static int read_cpu_key(struct admin_profile *p, const struct conf_item *item,
			struct err *err)
{
	long cpu = -1;

	if (item->sub && str_parse_number(item->sub, 0, 65535, &cpu))
		return err_set(err, EINVAL, "invalid CPU number \"%s\"",
			       item->sub);
	if (!item->sub && !strcmp(item->key, "boost")) {
		p->boost_enabled = !strcmp(item->value, "on");
		p->has_boost = true;
		return p->boost_enabled || !strcmp(item->value, "off") ?
			       0 :
			       err_set(err, EINVAL,
				       "invalid value \"%s\": expected on or "
				       "off",
				       item->value);
	}
	return read_clock(find_profile_clock(p, (int)cpu), item->key,
			  item->value, err);
}

/*
 * Store the value of a key.  Returns 0, -ENOENT if no key has this name, or
 * -EINVAL if the value is invalid.
 */
static int read_profile_value(struct admin_profile *p,
			      const struct conf_item *item, struct err *err)
{
	const char *section = item->section, *key = item->key;
	const char *value = item->value;

	if (!strcmp(section, "cpu"))
		return read_cpu_key(p, item, err);
	if (item->sub)
		return -ENOENT;
	if (!strcmp(section, "board")) {
		if (!strcmp(key, "about"))
			return set_profile_text(&p->about, value);
		if (!strcmp(key, "overclock"))
			return set_profile_text(&p->overclock_risk, value);
		if (strcmp(key, "model"))
			return -ENOENT;
		strv_add(&p->models, value);
		return 0;
	}
	if (!strcmp(section, "memory")) {
		if (!strcmp(key, "device"))
			return take_pattern(&p->devices, value, err);
		return read_clock(&p->memory, key, value, err);
	}
	if (!strcmp(section, "thermal") && !strcmp(key, "zone"))
		return take_pattern(&p->zones, value, err);
	if (!strcmp(section, "thermal") && !strcmp(key, "passive"))
		return take_degrees(&p->passive_celsius, value, err);
	if (strcmp(section, "services") || strcmp(key, "stop"))
		return -ENOENT;
	if (!is_one_word(value, "_-.:@") || value[0] == '-')
		return err_set(err, EINVAL, "invalid service name \"%s\"",
			       value);
	strv_add(&p->stop_services, value);
	return 0;
}

static int read_profile_item(void *ctx, const struct conf_item *item)
{
	struct profile_parser *r = ctx;
	int ret;

	if (!item->key)
		return 0;
	ret = item->value ? read_profile_value(r->p, item, r->err) :
			    err_set(r->err, EINVAL, "missing value");
	if (ret == -ENOENT)
		ret = err_set(r->err, EINVAL, "unknown key");
	if (ret)
		err_wrap(r->err, "%s.%s", item->section, item->key);
	return ret;
}

/*
 * Parse the text of a profile.  Error messages use `file` as the name of the
 * text.  Returns 0 or -EINVAL.
 */
static int parse_profile(struct admin_profile *p, const char *file,
			 struct bytes text, struct err *err)
{
	struct profile_parser r = { p, err };
	unsigned line = 0;
	int ret;

	ret = conf_scan(text, read_profile_item, &r, &line, err);
	if (ret)
		err_wrap(err, "%s:%u", file, line);
	else if ((p->memory.governor || p->memory.hz) && !p->devices.n)
		ret = err_set(err, EINVAL,
			      "%s: memory.device: missing; set `device = NAME` "
			      "to a name in /sys/class/devfreq",
			      file);
	else if (p->passive_celsius && !p->zones.n)
		ret = err_set(err, EINVAL,
			      "%s: thermal.zone: missing; set `zone = TYPE` to "
			      "a type of zone in /sys/class/thermal",
			      file);
	return ret;
}

void admin_profile_release(struct admin_profile *p)
{
	free(p->name);
	free(p->about);
	free(p->overclock_risk);
	strv_release(&p->models);
	for (size_t i = 0; i < p->n_cpus; i++)
		free(p->cpus[i].governor);
	free(p->cpus);
	free(p->memory.governor);
	strv_release(&p->devices);
	strv_release(&p->zones);
	strv_release(&p->stop_services);
	*p = (struct admin_profile){ 0 };
}

/* ---------------------------------------------------------------- files */

static char *boards_dir(void)
{
	char *home = fs_config_home(), *dir = xasprintf("%s/boards", home);

	free(home);
	return dir;
}

void admin_profile_list(struct strv *out)
{
	char *dir = boards_dir();
	struct strv files = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++)
		strv_add(out, built_in[i].name);
	if (!fs_list(dir, &files)) {
		for (size_t i = 0; i < files.n; i++) {
			const char *f = files.v[i];

			if (str_ends(f, ".conf") && f[0] != '.')
				strv_own(out, xstrndup(f, strlen(f) - 5));
		}
	}
	strv_sort_unique(out);
	strv_release(&files);
	free(dir);
}

static int parse_built_in(struct admin_profile *p, const char *name,
			  const char *path, struct err *err)
{
	struct strv names = { 0 };
	char *all;

	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++) {
		const char *text = built_in[i].text;

		if (!strcmp(name, built_in[i].name))
			return parse_profile(p, name,
					     bytes_of(text, strlen(text)), err);
	}
	admin_profile_list(&names);
	all = strv_join(&names, ", ");
	err_set(err, ENOENT,
		"unknown profile \"%s\": no such file %s; available: %s", name,
		path, all);
	free(all);
	strv_release(&names);
	return -ENOENT;
}

int admin_profile_find(struct admin_profile *p, const char *name,
		       struct err *err)
{
	char *dir = boards_dir();
	char *path = strchr(name, '/') ? xstrdup(name) :
					 xasprintf("%s/%s.conf", dir, name);
	struct buf text = { 0 };
	int ret;

	*p = (struct admin_profile){ .name = xstrdup(name) };
	if (!strchr(name, '/') && !fs_exists(path)) {
		ret = parse_built_in(p, name, path, err);
	} else {
		ret = conf_locate_read(path, &text, err);
		if (!ret)
			ret = parse_profile(p, path, buf_bytes(&text), err);
	}
	buf_release(&text);
	free(path);
	free(dir);
	return ret;
}
