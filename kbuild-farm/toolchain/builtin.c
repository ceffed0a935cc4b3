/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/builtin.h"

#include "base/log.h"
#include "base/vec.h"
#include "conf/scan.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/*
 * The concatenated files of toolchains/.  Paths are relative to the directory
 * in which make runs.
 */
__asm__(".section .rodata\n"
	".global toolchain_builtin_files\n"
	".hidden toolchain_builtin_files\n"
	"toolchain_builtin_files:\n"
	".incbin \"toolchains/arches.conf\"\n"
	".incbin \"toolchains/hosts.conf\"\n"
	".incbin \"toolchains/quirks.conf\"\n"
	".incbin \"toolchains/servers.conf\"\n"
	".byte 0\n"
	".text\n");
extern const char toolchain_builtin_files[]
	__attribute__((visibility("hidden")));

struct server {
	char *name; /* always "", because there is only one server */
	struct strv mirrors;
	char *gcc, *clang;
};

enum data_section {
	SECTION_ARCH,
	SECTION_HOST,
	SECTION_QUIRK,
	SECTION_KEY,
	SECTION_SERVER,
	N_SECTIONS
};

enum data_value_kind {
	VALUE_TEXT,
	VALUE_LIST,
	VALUE_RELEASE,
	VALUE_RELEASES, /* pointer to an array, then its length */
};

struct data_field {
	const char *key;
	enum data_value_kind kind;
	size_t offset;
};

#define DATA_OFFSET(type, member) offsetof(struct type, member)

static const struct data_field arch_fields[] = {
	{ "srcarch", VALUE_TEXT, DATA_OFFSET(toolchain_arch, srcarch) },
	{ "triplet", VALUE_LIST, DATA_OFFSET(toolchain_arch, triplets) },
	{ "prefix", VALUE_LIST, DATA_OFFSET(toolchain_arch, prefixes) },
	{ "unpackaged", VALUE_TEXT, DATA_OFFSET(toolchain_arch, unpackaged) },
	{ "alias", VALUE_LIST, DATA_OFFSET(toolchain_arch, aliases) },
	{ 0 },
};

static const struct data_field host_fields[] = {
	{ "clang", VALUE_TEXT, DATA_OFFSET(toolchain_host, clang_name) },
	{ "machine", VALUE_LIST, DATA_OFFSET(toolchain_host, machines) },
	{ 0 },
};

static const struct data_field quirk_fields[] = {
	{ "from", VALUE_RELEASE, DATA_OFFSET(toolchain_quirk, first_release) },
	{ "until", VALUE_RELEASE, DATA_OFFSET(toolchain_quirk, last_release) },
	{ "except", VALUE_RELEASES, DATA_OFFSET(toolchain_quirk, excepted) },
	{ "host", VALUE_TEXT, DATA_OFFSET(toolchain_quirk, host) },
	{ "triplet", VALUE_TEXT, DATA_OFFSET(toolchain_quirk, triplet) },
	{ "library", VALUE_TEXT,
	  DATA_OFFSET(toolchain_quirk, missing_library) },
	{ "compatible", VALUE_LIST, DATA_OFFSET(toolchain_quirk, compatible) },
	{ "instead", VALUE_LIST, DATA_OFFSET(toolchain_quirk, unaffected) },
	{ "note", VALUE_TEXT, DATA_OFFSET(toolchain_quirk, note) },
	{ 0 },
};

static const struct data_field key_fields[] = {
	{ "fingerprint", VALUE_TEXT, DATA_OFFSET(toolchain_key, fingerprint) },
	{ "owner", VALUE_TEXT, DATA_OFFSET(toolchain_key, owner) },
	{ "source", VALUE_LIST, DATA_OFFSET(toolchain_key, sources) },
	{ 0 },
};

static const struct data_field server_fields[] = {
	{ "mirror", VALUE_LIST, DATA_OFFSET(server, mirrors) },
	{ "gcc", VALUE_TEXT, DATA_OFFSET(server, gcc) },
	{ "clang", VALUE_TEXT, DATA_OFFSET(server, clang) },
	{ 0 },
};

/* All sections of one kind.  Each row begins with the section's name. */
struct data_table {
	const char *section;
	size_t row_bytes;
	const struct data_field *fields;
	char *v;
	size_t n;
};

static struct data_table tables[N_SECTIONS] = {
	[SECTION_ARCH] = { "arch", sizeof(struct toolchain_arch), arch_fields },
	[SECTION_HOST] = { "host", sizeof(struct toolchain_host), host_fields },
	[SECTION_QUIRK] = { "quirk", sizeof(struct toolchain_quirk),
			    quirk_fields },
	[SECTION_KEY] = { "key", sizeof(struct toolchain_key), key_fields },
	[SECTION_SERVER] = { "server", sizeof(struct server), server_fields },
};
_Static_assert(!DATA_OFFSET(toolchain_arch, arch) &&
		       !DATA_OFFSET(toolchain_host, name) &&
		       !DATA_OFFSET(toolchain_quirk, name) &&
		       !DATA_OFFSET(toolchain_key, name) &&
		       !DATA_OFFSET(server, name),
	       "the name is the first member");

struct data_reader {
	struct data_table *table; /* table of the current section */
	struct err *err;
};

static int store_value(const struct data_field *f, void *member,
		       const char *value, struct err *err)
{
	struct toolchain_release *r = member;

	switch (f->kind) {
	case VALUE_TEXT:
		*(char **)member = xstrdup(value);
		return 0;
	case VALUE_LIST:
		strv_add(member, value);
		return 0;
	case VALUE_RELEASES:
		r = VEC_ADD(*(struct toolchain_release **)member,
			    *(size_t *)((char *)member + sizeof(void *)));
		break;
	case VALUE_RELEASE:
		break;
	}
	return toolchain_release_parse(value, r, err);
}
_Static_assert(DATA_OFFSET(toolchain_quirk, n_excepted) ==
		       DATA_OFFSET(toolchain_quirk, excepted) + sizeof(void *),
	       "the number of releases follows them");

static int on_config_item(void *ctx, const struct conf_item *item)
{
	struct data_reader *r = ctx;
	struct data_table *t = r->table;
	const struct data_field *f = t ? t->fields : NULL;

	if (!item->key) {
		for (int i = 0; i < N_SECTIONS; i++) {
			t = &tables[i];
			if (!str_equal(t->section, item->section))
				continue;
			r->table = t;
			t->v = vec_grow(t->v, t->n, t->row_bytes);
			*(char **)(t->v + t->n++ * t->row_bytes) = xstrdup(
				item->sub ? item->sub : "");
			return 0;
		}
		return err_set(r->err, EINVAL, "unknown section [%s]",
			       item->section);
	}
	while (f && f->key && strcmp(f->key, item->key))
		f++;
	if (!f || !f->key || !item->value)
		return err_set(r->err, EINVAL,
			       "unknown key or missing value: %s", item->key);
	return store_value(f, t->v + (t->n - 1) * t->row_bytes + f->offset,
			   item->value, r->err);
}

/*
 * Read the built-in files.  Abort if they are invalid: a unit test checks the
 * same files, so an error here is a bug.
 */
static void read_files(void)
{
	struct err err = { 0 };
	struct data_reader r = { .err = &err };
	unsigned line = 0;

	if (!conf_scan(bytes_str(toolchain_builtin_files), on_config_item, &r,
		       &line, &err))
		return;
	log_error("toolchains/: line %u: %s", line, err.text);
	abort();
}

static void *item_at(enum data_section section, size_t i)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct data_table *t = &tables[section];

	pthread_once(&once, read_files);
	return i < t->n ? t->v + i * t->row_bytes : NULL;
}

static void *item_named(enum data_section section, const char *name)
{
	char **s;

	for (size_t i = 0; (s = item_at(section, i)) != NULL; i++) {
		if (!strcmp(*s, name))
			return s;
	}
	return NULL;
}

/* Find the first row whose list at `offset` contains `word`. */
static void *item_with_word(enum data_section section, size_t offset,
			    const char *word)
{
	char *s;

	for (size_t i = 0; (s = item_at(section, i)) != NULL; i++) {
		if (strv_has((const struct strv *)(s + offset), word))
			return s;
	}
	return NULL;
}

const struct toolchain_arch *toolchain_builtin_find_arch(const char *arch)
{
	return item_named(SECTION_ARCH, arch);
}

const struct toolchain_arch *toolchain_builtin_arch_at(size_t i)
{
	return item_at(SECTION_ARCH, i);
}

const struct toolchain_arch *toolchain_builtin_arch_by_alias(const char *other)
{
	return item_with_word(SECTION_ARCH,
			      DATA_OFFSET(toolchain_arch, aliases), other);
}

const struct strv *toolchain_builtin_arch_triplets(const char *arch)
{
	const struct toolchain_arch *a = toolchain_builtin_find_arch(arch);

	return a ? &a->triplets : NULL;
}

const struct toolchain_host *toolchain_builtin_host_at(size_t i)
{
	return item_at(SECTION_HOST, i);
}

const struct toolchain_host *toolchain_builtin_find_host(const char *name)
{
	return item_named(SECTION_HOST, name);
}

const struct toolchain_host *toolchain_builtin_host_by_machine(
	const char *machine)
{
	return item_with_word(SECTION_HOST,
			      DATA_OFFSET(toolchain_host, machines), machine);
}

const struct toolchain_host *toolchain_builtin_local_host(void)
{
	struct utsname u;

	return uname(&u) ? NULL : toolchain_builtin_host_by_machine(u.machine);
}

const struct strv *toolchain_builtin_mirrors(void)
{
	return &((struct server *)item_at(SECTION_SERVER, 0))->mirrors;
}

const char *toolchain_builtin_mirror_dir(bool is_clang)
{
	const struct server *s = item_at(SECTION_SERVER, 0);

	return is_clang ? s->clang : s->gcc;
}

const struct toolchain_key *toolchain_builtin_sums_key(void)
{
	return item_named(SECTION_KEY, "sums");
}

const struct toolchain_key *toolchain_builtin_tar_key(bool is_clang)
{
	return item_named(SECTION_KEY, is_clang ? "llvm" : "tar");
}

static bool is_affected_by_quirk(const struct toolchain_quirk *q,
				 const struct toolchain_release *r,
				 const char *host, const char *triplet)
{
	if (q->first_release.is_clang != r->is_clang ||
	    toolchain_release_compare(&q->first_release, r) > 0 ||
	    (toolchain_release_compare(&q->last_release, r) < 0 &&
	     !toolchain_release_matches(&q->last_release, r)))
		return false;
	for (size_t i = 0; i < q->n_excepted; i++) {
		if (toolchain_release_matches(&q->excepted[i], r))
			return false;
	}
	return (!host || !q->host || !strcmp(host, q->host)) &&
	       (!triplet || !q->triplet || !strcmp(triplet, q->triplet));
}

size_t toolchain_builtin_list_quirks(const struct toolchain_release *r,
				     const char *host, const char *triplet,
				     const struct toolchain_quirk ***out)
{
	const struct toolchain_quirk *q;
	size_t n = 0;

	*out = NULL;
	for (size_t i = 0; (q = item_at(SECTION_QUIRK, i)) != NULL; i++) {
		if (is_affected_by_quirk(q, r, host, triplet))
			*VEC_ADD(*out, n) = q;
	}
	return n;
}
