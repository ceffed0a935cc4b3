/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/installed.h"

#include "base/fs.h"
#include "toolchain/link.h"
#include "toolchain/name.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int kernel_installed_open(struct kernel_installed *in, const char *data,
			  struct err *err)
{
	*in = (struct kernel_installed){
		.data = data ? xstrdup(data) : fs_data_home(),
	};
	in->bin = toolchain_link_dir(in->data);
	return toolchain_installed_list(in->data, &in->list, err);
}

void kernel_installed_release(struct kernel_installed *in)
{
	toolchain_installed_list_release(&in->list);
	free(in->bin);
	free(in->data);
	*in = (struct kernel_installed){ 0 };
}

/* kernel.org's triplets, then Debian's. */
static void list_triplets(const struct kernel_arch *arch, struct strv *out)
{
	const struct toolchain_arch *k = arch->known;

	if (!k)
		return;
	strv_add_all(out, k->triplets.v);
	for (size_t i = 0; i < k->prefixes.n; i++) {
		const char *prefix = k->prefixes.v[i];
		char *triplet = xstrndup(prefix, strlen(prefix) - 1);

		if (!strv_has(out, triplet))
			strv_add(out, triplet);
		free(triplet);
	}
}

static bool runs_here(const struct toolchain_installed *t)
{
	const struct toolchain_host *h = toolchain_data_this_host();

	return !t->host || (h && !strcmp(t->host, h->name));
}

/* One that was named by its id has to fit, too. */
static int check_named(const struct toolchain_installed *t,
		       const struct kernel_arch *arch, struct err *err)
{
	struct strv triplets = { 0 };
	int ret = 0;

	list_triplets(arch, &triplets);
	if (!runs_here(t))
		ret = err_set(err, EINVAL, "%s runs on %s, not here", t->id,
			      t->host);
	else if (t->triplet && arch->known && !arch->guessed &&
		 !strv_has(&triplets, t->triplet))
		ret = err_set(err, EINVAL, "%s compiles for %s, not for %s",
			      t->id, t->triplet, arch->arch);
	strv_release(&triplets);
	return ret;
}

static const struct toolchain_installed *find_by_id(
	const struct kernel_installed *in, const char *id)
{
	for (size_t i = 0; i < in->list.n; i++) {
		if (!strcmp(in->list.v[i].id, id))
			return &in->list.v[i];
	}
	return NULL;
}

int kernel_installed_find(const struct kernel_installed *in,
			  const struct kernel_arch *arch, const char *word,
			  const struct toolchain_installed **out,
			  struct err *err)
{
	struct toolchain_release r;
	struct strv triplets = { 0 };
	struct err ignored;

	/* Clang's ids are releases, too. */
	if (toolchain_release_parse(word, &r, &ignored)) {
		*out = find_by_id(in, word);
		return *out ? check_named(*out, arch, err) : 0;
	}
	*out = NULL;
	list_triplets(arch, &triplets);
	if (r.is_clang)
		*out = toolchain_installed_find(&in->list, word, NULL, NULL);
	for (size_t i = 0; !r.is_clang && !*out && i < triplets.n; i++)
		*out = toolchain_installed_find(&in->list, word, triplets.v[i],
						NULL);
	strv_release(&triplets);
	return 0;
}

const struct toolchain_installed *kernel_installed_newer(
	const struct kernel_installed *in, const struct kernel_arch *arch,
	const struct toolchain_release *least)
{
	const struct toolchain_installed *t = NULL;
	struct toolchain_release r;
	struct err ignored;

	kernel_installed_find(in, arch, least->is_clang ? "clang" : "gcc", &t,
			      &ignored);
	if (t && !toolchain_release_parse(t->release, &r, &ignored) &&
	    toolchain_release_compare(&r, least) >= 0)
		return t;
	return NULL;
}

const struct toolchain_installed *kernel_installed_owner(
	const struct kernel_installed *in, const char *name, const char *path)
{
	const struct toolchain_installed *found = NULL;
	char *file = realpath(path, NULL);

	for (size_t i = 0; !found && i < in->list.n; i++) {
		const struct toolchain_installed *t = &in->list.v[i];
		char *home = realpath(t->dir, NULL);

		/* The files of an adopted one lie elsewhere. */
		if ((file && home && str_below(file, home)) ||
		    (str_below(path, in->bin) &&
		     toolchain_link_is(in->bin, name, t->bin)))
			found = t;
		free(home);
	}
	free(file);
	return found;
}

int kernel_installed_prefix(const struct kernel_installed *in,
			    const struct toolchain_installed *t, char **out,
			    struct err *err)
{
	struct toolchain_release r;
	char *prefix, *name;
	int ret = toolchain_release_parse(t->release, &r, err);

	if (ret)
		return ret;
	prefix = toolchain_name_prefix(t->triplet, &r);
	name = t->is_clang ? xasprintf("clang%s", prefix) :
			     xasprintf("%sgcc", prefix);
	if (toolchain_link_is(in->bin, name, t->bin)) {
		*out = prefix;
		prefix = NULL;
	} else {
		ret = err_set(err, ENOENT,
			      "%s/%s does not lead to %s: remove what is "
			      "there, then install (or adopt) %s again, which "
			      "makes its names",
			      in->bin, name, t->id, t->id);
	}
	free(name);
	free(prefix);
	return ret;
}

/* Quirks about libraries were settled when it was installed. */
void kernel_installed_quirks(const struct toolchain_installed *t,
			     struct strv *out)
{
	const struct toolchain_quirk **list = NULL;
	struct toolchain_release r;
	struct err ignored;
	size_t n = 0;

	if (!toolchain_release_parse(t->release, &r, &ignored))
		n = toolchain_data_quirks(&r, t->host, t->triplet, &list);
	for (size_t i = 0; i < n; i++) {
		char *instead = strv_join(&list[i]->instead, " or ");

		if (!list[i]->library)
			strv_addf(out, "%s: %s%s%s%s", t->id, list[i]->note,
				  *instead ? " (" : "", instead,
				  *instead ? " does not have that)" : "");
		free(instead);
	}
	free(list);
}

bool kernel_installed_has(const struct kernel_installed *in, const char *name)
{
	char *path = xasprintf("%s/%s", in->bin, name);
	bool yes = !strchr(name, '/') && !access(path, X_OK) &&
		   !fs_is_dir(path);

	free(path);
	return yes;
}

char *kernel_installed_advice(const struct kernel_arch *arch,
			      const struct toolchain_release *r)
{
	char *release, *out;

	if (!r->is_clang && (!arch->known || !arch->known->triplets.n))
		return NULL;
	release = toolchain_release_text(r);
	out = r->is_clang ? xasprintf("`kfarm toolchain install %s` gets one",
				      release) :
			    xasprintf("`kfarm toolchain install %s --arch %s` "
				      "gets one",
				      release, arch->arch);
	free(release);
	return out;
}
