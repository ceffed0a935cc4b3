/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/data.h"

#include "base/log.h"
#include "base/vec.h"
#include "conf/scan.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* The files, one behind the other; make runs where toolchains/ is. */
__asm__(".section .rodata\n"
	".global toolchain_data_files\n"
	".hidden toolchain_data_files\n"
	"toolchain_data_files:\n"
	".incbin \"toolchains/arches.conf\"\n"
	".incbin \"toolchains/hosts.conf\"\n"
	".incbin \"toolchains/quirks.conf\"\n"
	".incbin \"toolchains/servers.conf\"\n"
	".byte 0\n"
	".text\n");
extern const char toolchain_data_files[] __attribute__((visibility("hidden")));

struct server {
	struct strv mirrors;
	char *gcc, *clang;
};

/* The sections of one kind, each a struct; `open` for the next of them. */
struct table {
	void *v;
	size_t n;
	struct strv names;
};

enum section_kind {
	ARCH,
	HOST,
	QUIRK,
	KEY,
	SERVER,
	SECTIONS
};

struct data {
	struct table table[SECTIONS];
};

enum field_kind {
	TEXT, /* once */
	LIST,
	RELEASE, /* once */
	RELEASES, /* a pointer; the number of them follows */
};

struct field {
	const char *key;
	enum field_kind kind;
	bool needed;
	size_t offset;
	bool (*good)(const char *value);
};

struct section {
	const char *name;
	size_t size;
	const struct field *fields;
};

/* ---- what values look like ---- */

static bool is_word(const char *s)
{
	for (const char *c = s; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return false;
	}
	return *s != '-';
}

static bool is_prefix(const char *s)
{
	return is_word(s) && str_ends(s, "-");
}

static bool is_triplet(const char *s)
{
	return is_word(s) && strchr(s, '-') && !str_ends(s, "-");
}

static bool is_library(const char *s)
{
	return str_starts(s, "lib") && strstr(s, ".so.") && !strchr(s, '/');
}

static bool is_url(const char *s)
{
	return str_starts(s, "https://") && !strpbrk(s, " \t") &&
	       !str_ends(s, "/");
}

static bool is_place(const char *s)
{
	return *s != '/' && !str_ends(s, "/") && !strpbrk(s, " :");
}

static bool is_fingerprint(const char *s)
{
	return strlen(s) == 40 && s[strspn(s, "0123456789ABCDEF")] == '\0';
}

static bool is_release(const char *s)
{
	struct toolchain_release r;
	struct err ignored;

	return !toolchain_release_parse(s, &r, &ignored) && r.n;
}

static bool is_line(const char *s)
{
	return strlen(s) < 200 && !strpbrk(s, "\n\t");
}

/* ---- the sections ---- */

#define AT(type, member) offsetof(struct type, member)

static const struct field arch_fields[] = {
	{ "srcarch", TEXT, true, AT(toolchain_arch, srcarch), is_word },
	{ "triplet", LIST, false, AT(toolchain_arch, triplets), is_triplet },
	{ "prefix", LIST, false, AT(toolchain_arch, prefixes), is_prefix },
	{ "alias", LIST, false, AT(toolchain_arch, aliases), is_word },
	{ 0 },
};

static const struct field host_fields[] = {
	{ "clang", TEXT, false, AT(toolchain_host, clang), is_word },
	{ "machine", LIST, true, AT(toolchain_host, machines), is_word },
	{ 0 },
};

static const struct field quirk_fields[] = {
	{ "from", RELEASE, true, AT(toolchain_quirk, from), is_release },
	{ "until", RELEASE, true, AT(toolchain_quirk, until), is_release },
	{ "except", RELEASES, false, AT(toolchain_quirk, except), is_release },
	{ "host", TEXT, false, AT(toolchain_quirk, host), is_word },
	{ "triplet", TEXT, false, AT(toolchain_quirk, triplet), is_triplet },
	{ "library", TEXT, false, AT(toolchain_quirk, library), is_library },
	{ "compatible", LIST, false, AT(toolchain_quirk, compatible),
	  is_library },
	{ "instead", LIST, false, AT(toolchain_quirk, instead), is_release },
	{ "note", TEXT, true, AT(toolchain_quirk, note), is_line },
	{ 0 },
};

static const struct field key_fields[] = {
	{ "fingerprint", TEXT, true, AT(toolchain_key, fingerprint),
	  is_fingerprint },
	{ "owner", TEXT, true, AT(toolchain_key, owner), is_line },
	{ "source", LIST, true, AT(toolchain_key, sources), is_url },
	{ 0 },
};

static const struct field server_fields[] = {
	{ "mirror", LIST, true, AT(server, mirrors), is_url },
	{ "gcc", TEXT, true, AT(server, gcc), is_place },
	{ "clang", TEXT, true, AT(server, clang), is_place },
	{ 0 },
};

/* The first member of the first three is the section's name. */
static const struct section sections[SECTIONS] = {
	[ARCH] = { "arch", sizeof(struct toolchain_arch), arch_fields },
	[HOST] = { "host", sizeof(struct toolchain_host), host_fields },
	[QUIRK] = { "quirk", sizeof(struct toolchain_quirk), quirk_fields },
	[KEY] = { "key", sizeof(struct toolchain_key), key_fields },
	[SERVER] = { "server", sizeof(struct server), server_fields },
};
_Static_assert(!AT(toolchain_arch, arch) && !AT(toolchain_host, name) &&
		       !AT(toolchain_quirk, name),
	       "the name is the first member");

static void *at(const struct data *d, enum section_kind kind, size_t i)
{
	const struct table *t = &d->table[kind];

	return i < t->n ? (char *)t->v + i * sections[kind].size : NULL;
}

static void *section_named(const struct data *d, enum section_kind kind,
			   const char *name)
{
	for (size_t i = 0; i < d->table[kind].n; i++) {
		if (!strcmp(d->table[kind].names.v[i], name))
			return at(d, kind, i);
	}
	return NULL;
}

/* ---- reading ---- */

struct parse {
	struct data *data;
	enum section_kind kind; /* of the section that is open */
	void *object; /* NULL: none */
	struct err *err;
};

static int open_section(struct parse *p, const struct conf_item *item)
{
	struct table *t;
	int kind = 0;

	while (kind < SECTIONS && strcmp(sections[kind].name, item->section))
		kind++;
	if (kind == SECTIONS || (kind == SERVER) != !item->sub ||
	    (item->sub && (!*item->sub || !is_word(item->sub))))
		return err_set(p->err, EINVAL, "[%s] is no section here",
			       item->section);
	t = &p->data->table[kind];
	if (section_named(p->data, kind, item->sub ? item->sub : ""))
		return err_set(p->err, EINVAL, "[%s \"%s\"] comes twice",
			       item->section, item->sub ? item->sub : "");
	t->v = xrealloc(t->v, (t->n + 1) * sections[kind].size);
	strv_add(&t->names, item->sub ? item->sub : "");
	p->kind = kind;
	p->object = (char *)t->v + t->n++ * sections[kind].size;
	memset(p->object, 0, sections[kind].size);
	if (kind == ARCH || kind == HOST || kind == QUIRK)
		*(char **)p->object = xstrdup(item->sub);
	return 0;
}

static void add_release(void *member, const struct toolchain_release *r)
{
	struct toolchain_release **v = member;
	size_t *n = (size_t *)(v + 1);

	*VEC_ADD(*v, *n) = *r;
}
_Static_assert(AT(toolchain_quirk, n_except) ==
		       AT(toolchain_quirk, except) + sizeof(void *),
	       "the number of releases follows them");

/* Returns false when the key was there already. */
static bool store_value(const struct field *f, void *member, const char *value)
{
	struct toolchain_release r = { 0 };
	struct err ignored;

	if (f->kind == LIST) {
		if (strv_has(member, value))
			return false;
		strv_add(member, value);
		return true;
	}
	if (f->kind == TEXT) {
		if (*(char **)member)
			return false;
		*(char **)member = xstrdup(value);
		return true;
	}
	toolchain_release_parse(value, &r, &ignored);
	if (f->kind == RELEASES)
		add_release(member, &r);
	else if (((struct toolchain_release *)member)->n)
		return false;
	else
		*(struct toolchain_release *)member = r;
	return true;
}

static int set_key(struct parse *p, const struct conf_item *item)
{
	const struct field *f = sections[p->kind].fields;

	while (f->key && strcmp(f->key, item->key))
		f++;
	if (!f->key)
		return err_set(p->err, EINVAL, "[%s] has no key %s",
			       item->section, item->key);
	if (!item->value || !*item->value || !f->good(item->value))
		return err_set(p->err, EINVAL, "%s: bad value \"%s\"",
			       item->key, item->value ? item->value : "");
	if (!store_value(f, (char *)p->object + f->offset, item->value))
		return err_set(p->err, EINVAL, "%s comes twice", item->key);
	return 0;
}

static int on_item(void *ctx, const struct conf_item *item)
{
	struct parse *p = ctx;

	if (!item->key)
		return open_section(p, item);
	if (!p->object)
		return err_set(p->err, EINVAL, "a key without a section");
	return set_key(p, item);
}

/* All kinds but a release begin with a pointer, a release with its kind. */
static bool is_set(const struct field *f, const void *member)
{
	if (f->kind == RELEASE)
		return ((const struct toolchain_release *)member)->n != 0;
	return *(void *const *)member != NULL;
}

static int check_needed(const struct data *d, struct err *err)
{
	for (int kind = 0; kind < SECTIONS; kind++) {
		for (size_t i = 0; i < d->table[kind].n; i++) {
			const struct field *f = sections[kind].fields;

			for (; f->key; f++) {
				const char *o = at(d, kind, i);

				if (f->needed && !is_set(f, o + f->offset))
					return err_set(
						err, EINVAL,
						"[%s \"%s\"] has no %s",
						sections[kind].name,
						d->table[kind].names.v[i],
						f->key);
			}
		}
	}
	return 0;
}

static int parse_data(struct data *d, struct bytes text, struct err *err)
{
	struct parse p = { .data = d, .err = err };
	unsigned line = 0;
	int ret = conf_scan(text, on_item, &p, &line, err);

	if (ret)
		err_wrap(err, "line %u", line);
	return ret ? ret : check_needed(d, err);
}

static void data_release(struct data *d)
{
	for (int kind = 0; kind < SECTIONS; kind++) {
		bool has_name = kind == ARCH || kind == HOST || kind == QUIRK;

		for (size_t i = 0; i < d->table[kind].n; i++) {
			const struct field *f = sections[kind].fields;
			char *o = at(d, kind, i);

			if (has_name)
				free(*(char **)o);
			for (; f->key; f++) {
				if (f->kind == LIST)
					strv_release((void *)(o + f->offset));
				else if (f->kind != RELEASE)
					free(*(void **)(o + f->offset));
			}
		}
		free(d->table[kind].v);
		strv_release(&d->table[kind].names);
	}
}

/* ---- what the program has ---- */

static struct data own;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;

static void read_own(void)
{
	struct err err = { 0 };

	if (!parse_data(&own, toolchain_data_text(), &err) &&
	    own.table[SERVER].n && section_named(&own, KEY, "sums") &&
	    section_named(&own, KEY, "tar"))
		return;
	log_error("toolchains/: %s", err.text[0] ? err.text : "not complete");
	abort();
}

static const struct data *get(void)
{
	pthread_once(&own_once, read_own);
	return &own;
}

const struct toolchain_arch *toolchain_data_arch(const char *arch)
{
	return section_named(get(), ARCH, arch);
}

const struct toolchain_arch *toolchain_data_arch_at(size_t i)
{
	return at(get(), ARCH, i);
}

const struct toolchain_arch *toolchain_data_arch_called(const char *other)
{
	const struct toolchain_arch *a;

	for (size_t i = 0; (a = toolchain_data_arch_at(i)) != NULL; i++) {
		if (strv_has(&a->aliases, other))
			return a;
	}
	return NULL;
}

const struct strv *toolchain_data_triplets(const char *arch)
{
	const struct toolchain_arch *a = toolchain_data_arch(arch);

	return a ? &a->triplets : NULL;
}

const struct toolchain_host *toolchain_data_host_at(size_t i)
{
	return at(get(), HOST, i);
}

const struct toolchain_host *toolchain_data_host(const char *name)
{
	return section_named(get(), HOST, name);
}

const struct toolchain_host *toolchain_data_host_of(const char *machine)
{
	const struct toolchain_host *h;

	for (size_t i = 0; (h = toolchain_data_host_at(i)) != NULL; i++) {
		if (strv_has(&h->machines, machine))
			return h;
	}
	return NULL;
}

const struct toolchain_host *toolchain_data_this_host(void)
{
	struct utsname u;

	return uname(&u) ? NULL : toolchain_data_host_of(u.machine);
}

static const struct server *server(void)
{
	return at(get(), SERVER, 0);
}

const struct strv *toolchain_data_mirrors(void)
{
	return &server()->mirrors;
}

const char *toolchain_data_place(bool is_clang)
{
	return is_clang ? server()->clang : server()->gcc;
}

const struct toolchain_key *toolchain_data_sums_key(void)
{
	return section_named(get(), KEY, "sums");
}

const struct toolchain_key *toolchain_data_tar_key(void)
{
	return section_named(get(), KEY, "tar");
}

static bool has_quirk(const struct toolchain_quirk *q,
		      const struct toolchain_release *r, const char *host,
		      const char *triplet)
{
	if (q->from.is_clang != r->is_clang ||
	    toolchain_release_compare(&q->from, r) > 0 ||
	    (toolchain_release_compare(&q->until, r) < 0 &&
	     !toolchain_release_matches(&q->until, r)))
		return false;
	for (size_t i = 0; i < q->n_except; i++) {
		if (toolchain_release_matches(&q->except[i], r))
			return false;
	}
	return (!host || !q->host || !strcmp(host, q->host)) &&
	       (!triplet || !q->triplet || !strcmp(triplet, q->triplet));
}

size_t toolchain_data_quirks(const struct toolchain_release *r,
			     const char *host, const char *triplet,
			     const struct toolchain_quirk ***out)
{
	const struct toolchain_quirk *q;
	size_t n = 0;

	*out = NULL;
	for (size_t i = 0; (q = at(get(), QUIRK, i)) != NULL; i++) {
		if (has_quirk(q, r, host, triplet))
			*VEC_ADD(*out, n) = q;
	}
	return n;
}

int toolchain_data_check(struct bytes text, struct err *err)
{
	struct data d = { 0 };
	int ret = parse_data(&d, text, err);

	data_release(&d);
	return ret;
}

struct bytes toolchain_data_text(void)
{
	return bytes_str(toolchain_data_files);
}
