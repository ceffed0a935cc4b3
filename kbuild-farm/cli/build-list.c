/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/build.h"

#include "base/digest.h"
#include "base/url.h"
#include "kernel/arch.h"
#include "kernel/environ.h"
#include "kernel/place.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS 8 /* of the digest in a name that two would have */

/* As kernel_plan_make() finds it where there is no -a; the caller frees it. */
static char *arch_without_a(const struct build_options *o, char *const *env)
{
	const struct strv *given[] = { &o->request.variables,
				       &o->request.environment };
	const char *arch = NULL;
	char host[32];

	for (size_t i = 0; !arch && i < sizeof(given) / sizeof(*given); i++)
		arch = kernel_environ_value(strv_list(given[i]), "ARCH");
	if (!arch)
		arch = kernel_environ_value(env, "ARCH");
	kernel_arch_host(host);
	return xstrdup(arch ? arch : host);
}

static void add_build(struct build_list *l, const struct build_options *o,
		      const char *arch, const char *kconfig, char *const *env)
{
	struct build *b = &l->v[l->n++];
	struct buf name = { 0 };

	b->request = o->request;
	b->request.arch = arch;
	b->request.kconfig = kconfig;
	b->arch = arch ? xstrdup(arch) : arch_without_a(o, env);
	b->config = url_shown(kconfig ? kconfig : "defconfig");
	kernel_place_add_name(&name, b->arch);
	buf_add_str(&name, "-");
	kernel_place_add_name(&name, b->config);
	b->name = buf_steal(&name);
}

static bool came_before(const struct strv *given, size_t i)
{
	for (size_t j = 0; j < i && i < given->n; j++) {
		if (!strcmp(given->v[j], given->v[i]))
			return true;
	}
	return false;
}

/* One architecture with all configurations. */
static void add_builds_of(struct build_list *l, const struct build_options *o,
			  const char *arch, char *const *env)
{
	const struct strv *k = &o->kconfigs;

	if (!k->n)
		add_build(l, o, arch, NULL, env);
	for (size_t i = 0; i < k->n; i++) {
		if (!came_before(k, i))
			add_build(l, o, arch, k->v[i], env);
	}
}

static bool shares_name(const struct build_list *l, const struct build *b)
{
	for (size_t i = 0; i < l->n; i++) {
		if (&l->v[i] != b && !strcmp(l->v[i].name, b->name))
			return true;
	}
	return false;
}

/* "a/board.config" and "b/board.config" have the same last component. */
static void tell_names_apart(struct build_list *l)
{
	bool *shared = xcalloc(l->n, sizeof(*shared));

	for (size_t i = 0; i < l->n; i++)
		shared[i] = shares_name(l, &l->v[i]);
	for (size_t i = 0; i < l->n; i++) {
		struct build *b = &l->v[i];
		char hex[DIGEST_HEX], *name;
		struct digest d;

		if (!shared[i])
			continue;
		digest_of(bytes_str(b->config), &d);
		digest_hex(&d, hex);
		name = xasprintf("%s-%.*s", b->name, DIGITS, hex);
		free(b->name);
		b->name = name;
	}
	free(shared);
}

static void number_builds(struct build_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct build *b = &l->v[i];

		b->request.number = (unsigned)i + 1;
		b->request.of = (unsigned)l->n;
		b->request.part = b->name;
		if (!b->request.output_dir)
			continue;
		b->output_dir = xasprintf("%s/%s", b->request.output_dir,
					  b->name);
		b->request.output_dir = b->output_dir;
	}
}

void build_list_make(struct build_list *l, const struct build_options *o,
		     char *const *env)
{
	const struct strv *a = &o->arches;
	size_t most = (a->n ? a->n : 1) * (o->kconfigs.n ? o->kconfigs.n : 1);

	*l = (struct build_list){ .v = xcalloc(most, sizeof(*l->v)) };
	if (!a->n)
		add_builds_of(l, o, NULL, env);
	for (size_t i = 0; i < a->n; i++) {
		if (!came_before(a, i))
			add_builds_of(l, o, a->v[i], env);
	}
	tell_names_apart(l);
	if (l->n > 1)
		number_builds(l);
}

void build_list_release(struct build_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct build *b = &l->v[i];

		kernel_plan_release(&b->plan);
		kernel_result_release(&b->result);
		free(b->arch);
		free(b->config);
		free(b->name);
		free(b->output_dir);
		free(b->compiler);
	}
	free(l->v);
	*l = (struct build_list){ 0 };
}

void build_list_label(struct buf *out, const struct build *b)
{
	if (b->request.of)
		buf_printf(out, "%u/%u %s %s: ", b->request.number,
			   b->request.of, b->arch, b->config);
}
