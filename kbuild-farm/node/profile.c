/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/profile.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/vec.h"
#include "conf/scan.h"
#include "conf/where.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The files, one behind the other; make runs where templates/ is. */
#define TEXT(name, file)                                           \
	".global node_profile_" name "\n"                          \
	".hidden node_profile_" name "\n"                          \
	"node_profile_" name ":\n.incbin \"templates/boards/" file \
	".conf\"\n.byte 0\n"
__asm__(".section .rodata\n" TEXT("generic", "generic") TEXT("miqi", "miqi")
		TEXT("neo4", "nanopi-neo4") TEXT("tv_box", "tv-box") ".text\n");
extern const char node_profile_generic[] __attribute__((visibility("hidden")));
extern const char node_profile_miqi[] __attribute__((visibility("hidden")));
extern const char node_profile_neo4[] __attribute__((visibility("hidden")));
extern const char node_profile_tv_box[] __attribute__((visibility("hidden")));

static const struct {
	const char *name, *text;
} built_in[] = {
	{ "generic", node_profile_generic },
	{ "miqi", node_profile_miqi },
	{ "nanopi-neo4", node_profile_neo4 },
	{ "tv-box", node_profile_tv_box },
};

#define BUILT_IN (sizeof(built_in) / sizeof(*built_in))

struct reading {
	struct node_profile *p;
	struct err *err;
};

/* ----------------------------------------------------------------- values */

static bool is_one_word(const char *value, const char *more)
{
	size_t n = 0;

	while (isalnum((unsigned char)value[n]) ||
	       (value[n] && strchr(more, value[n])))
		n++;
	return n && !value[n] && n < 256;
}

static int take_governor(char **out, const char *value, struct err *err)
{
	if (!is_one_word(value, "_-"))
		return err_set(err, EINVAL, "\"%s\" is not one word", value);
	free(*out);
	*out = xstrdup(value);
	return 0;
}

static int take_prose(char **out, const char *value, struct err *err)
{
	(void)err;
	free(*out);
	*out = xstrdup(value);
	return 0;
}

/* A number and what follows it; blanks between them do not count. */
static int split_number(const char *value, long most, long *n,
			const char **unit)
{
	size_t digits = strspn(value, "0123456789");
	char *text = xstrndup(value, digits);
	int ret = str_number(text, 1, most, n);

	free(text);
	*unit = value + digits + strspn(value + digits, " ");
	return ret;
}

static int take_clock(uint64_t *hz, const char *value, struct err *err)
{
	static const struct {
		const char *name;
		uint64_t hz;
	} units[] = { { "kHz", 1000 }, { "MHz", 1000000 } };
	const char *unit;
	long n;

	if (!strcmp(value, "highest")) {
		*hz = NODE_PROFILE_HIGHEST;
		return 0;
	}
	if (!split_number(value, 100000000, &n, &unit)) {
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
			*hz = (uint64_t)n * units[i].hz;
			if (!strcmp(unit, units[i].name) &&
			    *hz <= UINT64_C(100000000000))
				return 0;
		}
	}
	*hz = 0;
	return err_set(err, EINVAL,
		       "\"%s\" is neither highest nor a number with MHz or kHz",
		       value);
}

static int take_degrees(unsigned *out, const char *value, struct err *err)
{
	const char *unit;
	long n;

	if (split_number(value, 120, &n, &unit) || n < 30 ||
	    (*unit && strcmp(unit, "C")))
		return err_set(err, EINVAL, "\"%s\" is not from 30 C to 120 C",
			       value);
	*out = (unsigned)n;
	return 0;
}

static int take_pattern(struct strv *out, const char *value, struct err *err)
{
	if (!is_one_word(value, "_-.:@*?"))
		return err_set(err, EINVAL,
			       "\"%s\" is not a name, perhaps with * and ?",
			       value);
	strv_add(out, value);
	return 0;
}

static int take_service(struct strv *out, const char *value, struct err *err)
{
	if (!is_one_word(value, "_-.:@") || value[0] == '-')
		return err_set(err, EINVAL, "\"%s\" is no name of a service",
			       value);
	strv_add(out, value);
	return 0;
}

static int take_boost(struct node_profile *p, const char *value,
		      struct err *err)
{
	p->boost = !strcmp(value, "on");
	p->has_boost = true;
	if (!p->boost && strcmp(value, "off"))
		return err_set(err, EINVAL, "\"%s\" is not on or off", value);
	return 0;
}

/* --------------------------------------------------------------- sections */

/* The clock of [cpu "N"], -1 of [cpu]; made when it is new. */
static struct node_profile_clock *profile_clock(struct node_profile *p, int cpu)
{
	struct node_profile_clock *c;

	for (size_t i = 0; i < p->n_cpus; i++) {
		if (p->cpus[i].cpu == cpu)
			return &p->cpus[i];
	}
	c = VEC_ADD(p->cpus, p->n_cpus);
	c->cpu = cpu;
	return c;
}

static int read_clock(struct node_profile_clock *c, const char *key,
		      const char *value, struct err *err)
{
	if (!strcmp(key, "governor"))
		return take_governor(&c->governor, value, err);
	if (!strcmp(key, "max-frequency"))
		return take_clock(&c->hz, value, err);
	return -ENOENT;
}

static int read_cpu_key(struct node_profile *p, const struct conf_item *item,
			struct err *err)
{
	long cpu = -1;

	if (item->sub && str_number(item->sub, 0, 65535, &cpu))
		return err_set(err, EINVAL, "\"%s\" is no CPU's number",
			       item->sub);
	if (!item->sub && !strcmp(item->key, "boost"))
		return take_boost(p, item->value, err);
	return read_clock(profile_clock(p, (int)cpu), item->key, item->value,
			  err);
}

static int read_board(struct node_profile *p, const char *key,
		      const char *value, struct err *err)
{
	if (!strcmp(key, "about"))
		return take_prose(&p->about, value, err);
	if (!strcmp(key, "overclock"))
		return take_prose(&p->overclock, value, err);
	if (strcmp(key, "model"))
		return -ENOENT;
	strv_add(&p->models, value);
	return 0;
}

static int read_memory_key(struct node_profile *p, const char *key,
			   const char *value, struct err *err)
{
	if (!strcmp(key, "device"))
		return take_pattern(&p->devices, value, err);
	return read_clock(&p->memory, key, value, err);
}

static int read_thermal(struct node_profile *p, const char *key,
			const char *value, struct err *err)
{
	if (!strcmp(key, "zone"))
		return take_pattern(&p->zones, value, err);
	if (!strcmp(key, "passive"))
		return take_degrees(&p->passive, value, err);
	return -ENOENT;
}

static int read_profile_item(void *ctx, const struct conf_item *item)
{
	struct reading *r = ctx;
	int ret = -ENOENT;

	if (!item->key)
		return 0;
	if (!item->value)
		ret = err_set(r->err, EINVAL, "it needs a value");
	else if (!strcmp(item->section, "cpu"))
		ret = read_cpu_key(r->p, item, r->err);
	else if (item->sub)
		ret = -ENOENT;
	else if (!strcmp(item->section, "board"))
		ret = read_board(r->p, item->key, item->value, r->err);
	else if (!strcmp(item->section, "memory"))
		ret = read_memory_key(r->p, item->key, item->value, r->err);
	else if (!strcmp(item->section, "thermal"))
		ret = read_thermal(r->p, item->key, item->value, r->err);
	else if (!strcmp(item->section, "services") &&
		 !strcmp(item->key, "stop"))
		ret = take_service(&r->p->stop, item->value, r->err);
	if (ret == -ENOENT)
		ret = err_set(r->err, EINVAL, "a profile has no such key");
	if (ret)
		err_wrap(r->err, "%s.%s", item->section, item->key);
	return ret;
}

int node_profile_parse(struct node_profile *p, const char *file,
		       struct bytes text, struct err *err)
{
	struct reading r = { p, err };
	unsigned line = 0;
	int ret;

	ret = conf_scan(text, read_profile_item, &r, &line, err);
	if (ret)
		err_wrap(err, "%s:%u", file, line);
	else if ((p->memory.governor || p->memory.hz) && !p->devices.n)
		ret = err_set(err, EINVAL,
			      "%s: [memory] needs `device = NAME`, one of "
			      "/sys/class/devfreq",
			      file);
	else if (p->passive && !p->zones.n)
		ret = err_set(err, EINVAL,
			      "%s: [thermal] needs `zone = TYPE`, as "
			      "/sys/class/thermal has it",
			      file);
	return ret;
}

void node_profile_release(struct node_profile *p)
{
	free(p->name);
	free(p->about);
	free(p->overclock);
	strv_release(&p->models);
	for (size_t i = 0; i < p->n_cpus; i++)
		free(p->cpus[i].governor);
	free(p->cpus);
	free(p->memory.governor);
	strv_release(&p->devices);
	strv_release(&p->zones);
	strv_release(&p->stop);
	*p = (struct node_profile){ 0 };
}

/* ------------------------------------------------------------------ files */

static char *boards_dir(void)
{
	char *home = fs_config_home(), *dir = xasprintf("%s/boards", home);

	free(home);
	return dir;
}

void node_profile_names(struct strv *out)
{
	char *dir = boards_dir();
	struct strv files = { 0 };

	for (size_t i = 0; i < BUILT_IN; i++)
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

static int unknown_profile(const char *name, const char *path, struct err *err)
{
	struct strv names = { 0 };
	char *all;

	node_profile_names(&names);
	all = strv_join(&names, ", ");
	err_set(err, ENOENT, "there is no profile \"%s\", no %s; there are %s",
		name, path, all);
	free(all);
	strv_release(&names);
	return -ENOENT;
}

static int parse_built_in(struct node_profile *p, const char *name,
			  const char *path, struct err *err)
{
	for (size_t i = 0; i < BUILT_IN; i++) {
		const char *text = built_in[i].text;

		if (!strcmp(name, built_in[i].name))
			return node_profile_parse(
				p, name, bytes_of(text, strlen(text)), err);
	}
	return unknown_profile(name, path, err);
}

int node_profile_find(struct node_profile *p, const char *name, struct err *err)
{
	char *dir = boards_dir();
	char *path = strchr(name, '/') ? xstrdup(name) :
					 xasprintf("%s/%s.conf", dir, name);
	struct buf text = { 0 };
	int ret;

	*p = (struct node_profile){ .name = xstrdup(name) };
	if (!strchr(name, '/') && !fs_exists(path)) {
		ret = parse_built_in(p, name, path, err);
	} else {
		ret = conf_where_read(path, &text, err);
		if (!ret)
			ret = node_profile_parse(p, path, buf_bytes(&text),
						 err);
	}
	buf_release(&text);
	free(path);
	free(dir);
	return ret;
}
