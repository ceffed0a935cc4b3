/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/toolchain.h"

#include "base/json.h"
#include "toolchain/data.h"
#include "toolchain/link.h"
#include "toolchain/name.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

const char *toolchain_here(void)
{
	const struct toolchain_host *h = toolchain_data_this_host();
	static struct utsname u;

	if (h)
		return h->name;
	uname(&u);
	return u.machine;
}

char *toolchain_show_arches(const char *triplet)
{
	const struct toolchain_arch *a;
	struct strv names = { 0 };
	char *prefix = xasprintf("%s-", triplet), *text;

	for (size_t i = 0; (a = toolchain_data_arch_at(i)) != NULL; i++) {
		if (strv_has(&a->triplets, triplet) ||
		    strv_has(&a->prefixes, prefix))
			strv_add(&names, a->arch);
	}
	free(prefix);
	text = names.n ? strv_join(&names, " ") : xstrdup(triplet);
	strv_release(&names);
	return text;
}

/* "sha256sums.asc, signed by B8868C..."; the caller frees it. */
static char *verified_text(const struct toolchain_installed *t)
{
	struct strv by = { 0 };
	char *text;

	if (t->adopted)
		return xstrdup("nobody: it was there and is adopted");
	if (t->insecure)
		return xstrdup("nobody (--insecure)");
	if (t->sha256_given)
		strv_add(&by, "the SHA-256 that was given");
	if (t->sums_key)
		strv_addf(&by, "sha256sums.asc, signed by %s", t->sums_key);
	if (t->tar_key)
		strv_addf(&by, "its signature by %s", t->tar_key);
	text = by.n ? strv_join(&by, "; ") : xstrdup("unknown");
	strv_release(&by);
	return text;
}

char *toolchain_show_make(const struct toolchain_installed *t)
{
	struct toolchain_release release;
	struct err ignored = { 0 };
	char *prefix, *text;

	if (toolchain_release_parse(t->release, &release, &ignored) ||
	    strcmp(t->host, toolchain_here()) != 0)
		return NULL;
	prefix = toolchain_name_prefix(t->triplet, &release);
	text = xasprintf("%s=%s", t->is_clang ? "LLVM" : "CROSS_COMPILE",
			 prefix);
	free(prefix);
	return text;
}

void toolchain_show_new(const struct toolchain_request *r,
			const struct toolchain_installed *t)
{
	char *verified = verified_text(t);
	char *use = toolchain_show_make(t);
	char *bin = toolchain_link_dir(r->data);
	const char *path = getenv("PATH");

	printf("%s\n", t->id);
	if (use && (str_list_has(path, ':', bin) ||
		    (r->links && str_list_has(path, ':', r->links))))
		printf("  use       make %s\n", use);
	else if (use)
		printf("  use       PATH=%s:$PATH make %s\n", bin, use);
	else
		printf("  use       on nodes that run %s\n", t->host);
	printf("  lies in   %s\n", t->prefix);
	printf("  verified  by %s\n", verified);
	free(bin);
	free(use);
	free(verified);
}

json_t *toolchain_show_json(const struct toolchain_installed *t)
{
	char *use = toolchain_show_make(t);
	json_t *o = json_object();

	json_object_set_new(o, "id", json_text(t->id));
	json_object_set_new(o, "release", json_text(t->release));
	json_object_set_new(o, "triplet", json_text(t->triplet));
	json_object_set_new(o, "host", json_text(t->host));
	json_object_set_new(o, "prefix", json_text(t->prefix));
	json_object_set_new(o, "make", json_text(use));
	json_object_set_new(o, "url", json_text(t->url));
	json_object_set_new(o, "date", json_text(t->date));
	json_object_set_new(o, "sums_key", json_text(t->sums_key));
	json_object_set_new(o, "tar_key", json_text(t->tar_key));
	json_object_set_new(o, "sha256_given", json_boolean(t->sha256_given));
	json_object_set_new(o, "insecure", json_boolean(t->insecure));
	json_object_set_new(o, "adopted", json_text(t->adopted));
	json_object_set_new(o, "hostlibs", json_texts(&t->hostlibs));
	json_object_set_new(o, "links", json_texts(&t->links));
	free(use);
	return o;
}
