/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/toolchain.h"

#include "base/fs.h"
#include "base/log.h"
#include "compiler/plugins.h"
#include "toolchain/link.h"

#include <stdlib.h>
#include <string.h>

/* Name the first few that are taken, and count the rest. */
static void warn_of_collisions(const struct strv *taken, const char *dir)
{
	for (size_t i = 0; i < taken->n && i < 3; i++)
		log_warning("no name for it: %s", taken->v[i]);
	if (taken->n > 3)
		log_warning("and %zu more names in %s are taken", taken->n - 3,
			    dir);
}

/* What is the same for each directory of names. */
static struct toolchain_link_request link_request(
	const struct toolchain_request *r, const struct toolchain_installed *t,
	const char *bin, const char *copies,
	const struct toolchain_release *release)
{
	return (struct toolchain_link_request){
		.data = r->data,
		.bin = bin,
		.copies = copies,
		.triplet = t->triplet,
		.release = release,
	};
}

static int publish_in(const char *dir, struct toolchain_link_request w,
		      struct strv *links, struct err *err)
{
	struct strv made = { 0 }, taken = { 0 };
	int ret;

	w.dir = dir;
	ret = toolchain_link_publish(&w, &made, &taken, err);
	if (!ret) {
		for (size_t i = 0; i < made.n; i++) {
			if (!strv_has(links, made.v[i]))
				strv_add(links, made.v[i]);
		}
		warn_of_collisions(&taken, dir);
	}
	strv_release(&made);
	strv_release(&taken);
	return ret;
}

static char *copies_of(const struct toolchain_installed *t)
{
	return t->adopted ? xasprintf("%s/bin", t->dir) : NULL;
}

/*
 * An adopted nm loads the plugins of the place where it lies: its name leads
 * to a copy that does not.
 */
static int copy_plugin_tools(const struct toolchain_installed *t,
			     const char *copies, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; copies && ret >= 0 && i < t->tools.n; i++) {
		const char *tool = t->tools.v[i];

		if (!compiler_plugins_tool(str_base(tool)))
			continue;
		ret = fs_mkdirs(copies, 0777, err);
		if (!ret)
			ret = compiler_plugins_take(copies, tool,
						    str_base(tool), err);
	}
	return ret < 0 ? ret : 0;
}

int toolchain_names_publish(const struct toolchain_request *r,
			    struct toolchain_installed *t, struct err *err)
{
	char *dir = toolchain_link_dir(r->data);
	char *bin = xasprintf("%s/bin", t->prefix);
	char *copies = copies_of(t);
	char *links = r->links ? fs_absolute(r->links) : NULL;
	struct toolchain_release release;
	size_t before = t->links.n;
	int ret = toolchain_release_parse(t->release, &release, err);

	if (!ret && !strcmp(t->host, toolchain_here())) {
		struct toolchain_link_request w = link_request(
			r, t, bin, copies, &release);

		ret = copy_plugin_tools(t, copies, err);
		if (!ret)
			ret = publish_in(dir, w, &t->links, err);
		if (!ret && links)
			ret = publish_in(links, w, &t->links, err);
	}
	if (!ret && t->links.n != before)
		ret = toolchain_installed_write(t, err);
	free(links);
	free(copies);
	free(bin);
	free(dir);
	return ret;
}

int toolchain_names_remove(const struct toolchain_installed *t, struct err *err)
{
	char *bin = xasprintf("%s/bin", t->prefix);
	char *copies = copies_of(t);
	int ret = toolchain_link_remove(&t->links, bin, err);

	if (!ret && copies)
		ret = toolchain_link_remove(&t->links, copies, err);
	free(copies);
	free(bin);
	return ret;
}
