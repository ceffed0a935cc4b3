/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/data.h"

#include "base/log.h"
#include "base/vec.h"
#include "conf/scan.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
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
	char *name; /* "": there is one */
	struct strv mirrors;
	char *gcc, *clang;
};

enum section {
	ARCH,
	HOST,
	QUIRK,
	KEY,
	SERVER,
	SECTIONS
};

enum field_kind {
	TEXT,
	LIST,
	RELEASE,
	RELEASES, /* a pointer; the number of them follows */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
};

#define AT(type, member) offsetof(struct type, member)

static const struct field arch_fields[] = {
	{ "srcarch", TEXT, AT(toolchain_arch, srcarch) },
	{ "triplet", LIST, AT(toolchain_arch, triplets) },
	{ "prefix", LIST, AT(toolchain_arch, prefixes) },
	{ "alias", LIST, AT(toolchain_arch, aliases) },
	{ 0 },
};

static const struct field host_fields[] = {
	{ "clang", TEXT, AT(toolchain_host, clang) },
	{ "machine", LIST, AT(toolchain_host, machines) },
	{ 0 },
};

static const struct field quirk_fields[] = {
	{ "from", RELEASE, AT(toolchain_quirk, from) },
	{ "until", RELEASE, AT(toolchain_quirk, until) },
	{ "except", RELEASES, AT(toolchain_quirk, except) },
	{ "host", TEXT, AT(toolchain_quirk, host) },
	{ "triplet", TEXT, AT(toolchain_quirk, triplet) },
	{ "library", TEXT, AT(toolchain_quirk, library) },
	{ "compatible", LIST, AT(toolchain_quirk, compatible) },
	{ "instead", LIST, AT(toolchain_quirk, instead) },
	{ "note", TEXT, AT(toolchain_quirk, note) },
	{ 0 },
};

static const struct field key_fields[] = {
	{ "fingerprint", TEXT, AT(toolchain_key, fingerprint) },
	{ "owner", TEXT, AT(toolchain_key, owner) },
	{ "source", LIST, AT(toolchain_key, sources) },
	{ 0 },
};

static const struct field server_fields[] = {
	{ "mirror", LIST, AT(server, mirrors) },
	{ "gcc", TEXT, AT(server, gcc) },
	{ "clang", TEXT, AT(server, clang) },
	{ 0 },
};

/* The sections of one kind, each a struct that begins with its name. */
struct table {
	const char *section;
	size_t size;
	const struct field *fields;
	char *v;
	size_t n;
};

static struct table tables[SECTIONS] = {
	[ARCH] = { "arch", sizeof(struct toolchain_arch), arch_fields },
	[HOST] = { "host", sizeof(struct toolchain_host), host_fields },
	[QUIRK] = { "quirk", sizeof(struct toolchain_quirk), quirk_fields },
	[KEY] = { "key", sizeof(struct toolchain_key), key_fields },
	[SERVER] = { "server", sizeof(struct server), server_fields },
};
_Static_assert(!AT(toolchain_arch, arch) && !AT(toolchain_host, name) &&
		       !AT(toolchain_quirk, name) && !AT(toolchain_key, name) &&
		       !AT(server, name),
	       "the name is the first member");

/* ---- reading ---- */

struct reading {
	struct table *table; /* of the section that is open */
	struct err *err;
};

static int open_section(struct reading *r, const struct conf_item *item)
{
	for (int i = 0; i < SECTIONS; i++) {
		struct table *t = &tables[i];

		if (!str_equal(t->section, item->section))
			continue;
		r->table = t;
		t->v = vec_room(t->v, t->n, t->size);
		*(char **)(t->v + t->n++ * t->size) = xstrdup(
			item->sub ? item->sub : "");
		return 0;
	}
	return err_set(r->err, EINVAL, "[%s] is no section here",
		       item->section);
}

static int store_value(const struct field *f, void *member, const char *value,
		       struct err *err)
{
	struct toolchain_release *r = member;

	switch (f->kind) {
	case TEXT:
		*(char **)member = xstrdup(value);
		return 0;
	case LIST:
		strv_add(member, value);
		return 0;
	case RELEASES:
		r = VEC_ADD(*(struct toolchain_release **)member,
			    *(size_t *)((char *)member + sizeof(void *)));
		break;
	case RELEASE:
		break;
	}
	return toolchain_release_parse(value, r, err);
}
_Static_assert(AT(toolchain_quirk, n_except) ==
		       AT(toolchain_quirk, except) + sizeof(void *),
	       "the number of releases follows them");

static int on_item(void *ctx, const struct conf_item *item)
{
	struct reading *r = ctx;
	struct table *t = r->table;
	const struct field *f = t ? t->fields : NULL;

	if (!item->key)
		return open_section(r, item);
	while (f && f->key && strcmp(f->key, item->key))
		f++;
	if (!f || !f->key || !item->value)
		return err_set(r->err, EINVAL, "%s is no key here", item->key);
	return store_value(f, t->v + (t->n - 1) * t->size + f->offset,
			   item->value, r->err);
}

/* That the text makes sense, and what it has to say, is for a unit test. */
static void read_files(void)
{
	struct err err = { 0 };
	struct reading r = { .err = &err };
	unsigned line = 0;

	if (!conf_scan(bytes_str(toolchain_data_files), on_item, &r, &line,
		       &err))
		return;
	log_error("toolchains/: line %u: %s", line, err.text);
	abort();
}

/* ---- asking ---- */

static void *item_at(enum section section, size_t i)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct table *t = &tables[section];

	pthread_once(&once, read_files);
	return i < t->n ? t->v + i * t->size : NULL;
}

static void *item_named(enum section section, const char *name)
{
	char **s;

	for (size_t i = 0; (s = item_at(section, i)) != NULL; i++) {
		if (!strcmp(*s, name))
			return s;
	}
	return NULL;
}

/* The one whose list at `offset` has `word`. */
static void *listing(enum section section, size_t offset, const char *word)
{
	char *s;

	for (size_t i = 0; (s = item_at(section, i)) != NULL; i++) {
		if (strv_has((const struct strv *)(s + offset), word))
			return s;
	}
	return NULL;
}

const struct toolchain_arch *toolchain_data_arch(const char *arch)
{
	return item_named(ARCH, arch);
}

const struct toolchain_arch *toolchain_data_arch_at(size_t i)
{
	return item_at(ARCH, i);
}

const struct toolchain_arch *toolchain_data_arch_called(const char *other)
{
	return listing(ARCH, AT(toolchain_arch, aliases), other);
}

const struct strv *toolchain_data_triplets(const char *arch)
{
	const struct toolchain_arch *a = toolchain_data_arch(arch);

	return a ? &a->triplets : NULL;
}

const struct toolchain_host *toolchain_data_host_at(size_t i)
{
	return item_at(HOST, i);
}

const struct toolchain_host *toolchain_data_host(const char *name)
{
	return item_named(HOST, name);
}

const struct toolchain_host *toolchain_data_host_of(const char *machine)
{
	return listing(HOST, AT(toolchain_host, machines), machine);
}

const struct toolchain_host *toolchain_data_this_host(void)
{
	struct utsname u;

	return uname(&u) ? NULL : toolchain_data_host_of(u.machine);
}

const struct strv *toolchain_data_mirrors(void)
{
	return &((struct server *)item_at(SERVER, 0))->mirrors;
}

const char *toolchain_data_place(bool is_clang)
{
	const struct server *s = item_at(SERVER, 0);

	return is_clang ? s->clang : s->gcc;
}

const struct toolchain_key *toolchain_data_sums_key(void)
{
	return item_named(KEY, "sums");
}

const struct toolchain_key *toolchain_data_tar_key(void)
{
	return item_named(KEY, "tar");
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
	for (size_t i = 0; (q = item_at(QUIRK, i)) != NULL; i++) {
		if (has_quirk(q, r, host, triplet))
			*VEC_ADD(*out, n) = q;
	}
	return n;
}
