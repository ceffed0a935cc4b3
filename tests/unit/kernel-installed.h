/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kernel-installed.h - Fake installed toolchains below top/data,
 * with their names in top/data/bin.  The compilers are scripts that print a
 * version.
 */
#ifndef KERNEL_INSTALLED_TEST_H
#define KERNEL_INSTALLED_TEST_H

#include "kernel-tree.h"
#include "toolchain/builtin.h"
#include "toolchain/installed.h"
#include "toolchain/link.h"
#include "toolchain/tool-name.h"

static char *data; /* the data directory */

static void fill_bin(const char *bin, const char *triplet, const char *version)
{
	static const char *const gcc[] = { "gcc", "ld", "nm" };
	static const char *const clang[] = { "clang", "ld.lld", "llvm-nm" };
	char *says = xasprintf("#!/bin/sh\necho %s\n", version);

	for (int i = 0; i < 3; i++) {
		char *name = triplet ? xasprintf("%s/%s-%s", bin, triplet,
						 gcc[i]) :
				       xasprintf("%s/%s", bin, clang[i]);

		put_file(name, says, 0755);
		free(name);
	}
	free(says);
}

static void write_json(const struct toolchain_release *r, const char *id,
		       const char *triplet, const char *host)
{
	char *dir = xasprintf("%s/toolchains/%s", data, id);
	char *release = toolchain_release_format(r);
	char *version = toolchain_release_format_version(r);
	char *driver = triplet ? xasprintf("%s-gcc", triplet) :
				 xstrdup("clang");
	struct toolchain_installed t = {
		.id = (char *)id,
		.release = release,
		.version = version,
		.is_clang = r->is_clang,
		.triplet = (char *)triplet,
		.host = (char *)(host ? host :
					toolchain_builtin_local_host()->name),
		.relative_prefix = (char *)"in",
		.driver = driver,
		.dir = dir,
	};
	struct err e = { 0 };

	ck_assert_msg(!toolchain_installed_write(&t, &e), "%s", e.text);
	free(driver);
	free(version);
	free(release);
	free(dir);
}

/* `triplet` NULL: clang.  With `host`, for another host, without names. */
static UNUSED void put_installed(const char *release, const char *triplet,
				 const char *host)
{
	struct toolchain_link_request w = { .data_dir = data,
					    .triplet = triplet };
	struct toolchain_release r;
	struct strv links = { 0 }, taken = { 0 };
	struct err e = { 0 };
	char *version, *id, *bin, *dir = toolchain_link_dir(data);

	ck_assert_int_eq(toolchain_release_parse(release, &r, &e), 0);
	version = toolchain_release_format_version(&r);
	id = toolchain_release_id(&r, triplet, host);
	bin = xasprintf("data/toolchains/%s/in/bin", id);
	fill_bin(bin, triplet, version);
	write_json(&r, id, triplet, host);
	free(bin);
	bin = xasprintf("%s/toolchains/%s/in/bin", data, id);
	w.link_dir = dir;
	w.bin_dir = bin;
	w.release = &r;
	if (!host)
		ck_assert_msg(!toolchain_link_publish(&w, &links, &taken, &e),
			      "%s", e.text);
	ck_assert_uint_eq(taken.n, 0);
	strv_release(&links);
	strv_release(&taken);
	free(version);
	free(dir);
	free(bin);
	free(id);
}

static UNUSED void installed_set_up(void)
{
	tree_set_up();
	data = at("data");
}

static UNUSED void installed_tear_down(void)
{
	free(data);
	tree_tear_down();
}

#endif
