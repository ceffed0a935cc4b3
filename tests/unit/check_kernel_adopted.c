/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
/* The names under which make calls an adopted compiler. */
#include "../lib/test.h"
#include "kernel-compiler.h"

/* Adopt a compiler whose tools are in `bin`, with its normalized names. */
static void put_adopted(const char *bin)
{
	static const char triplet[] = "aarch64-linux-gnu";
	static const char id[] = "adopted-gcc-12.2.0-aarch64-linux-gnu";
	char *dir = xasprintf("%s/toolchains/%s", data, id);
	char *links = toolchain_link_dir(data);
	struct toolchain_installed t = {
		.id = (char *)id,
		.release = (char[]){ "gcc-12.2.0" },
		.version = (char[]){ "12.2.0" },
		.triplet = (char *)triplet,
		.host = (char *)toolchain_builtin_local_host()->name,
		.relative_prefix = (char *)bin,
		.driver = (char[]){ "aarch64-linux-gnu-gcc" },
		.adopted_from = (char *)bin,
		.dir = dir,
	};
	struct toolchain_link_request w = { .data_dir = data,
					    .link_dir = links,
					    .bin_dir = bin,
					    .triplet = triplet };
	struct strv made = { 0 }, taken = { 0 };
	struct toolchain_release r;

	must(fs_mkdirs(dir, 0755, &err));
	must(toolchain_installed_write(&t, &err));
	must(toolchain_release_parse("gcc-12.2.0", &r, &err));
	w.release = &r;
	must(toolchain_link_publish(&w, &made, &taken, &err));
	strv_release(&taken);
	strv_release(&made);
	free(links);
	free(dir);
}

FIXTURE(set_up, tear_down);

TEST(an_adopted_compiler_in_path_keeps_its_name)
{
	static const char *const says[] = { "gcc-12", "gcc-12.2.0",
					    "adopted-gcc-12.2.0-"
					    "aarch64-linux-gnu" };
	char *bin = at("tools");

	put_file("tools/aarch64-linux-gnu-ld", "#!/bin/sh\n", 0755);
	put_adopted(bin);
	for (int i = 0; i < 3; i++) {
		char *line = xasprintf("arm64=%s", says[i]);

		ck_assert_msg(!choose("arm64", says[i]), "%s", err.text);
		expect("aarch64-linux-gnu-gcc",
		       "CROSS_COMPILE=aarch64-linux-gnu-");
		kernel_compiler_release(&c);
		words(&standard, line);
		ck_assert_msg(!choose("arm64", NULL), "%s", err.text);
		expect("aarch64-linux-gnu-gcc",
		       "CROSS_COMPILE=aarch64-linux-gnu-");
		kernel_compiler_release(&c);
		strv_release(&standard);
		free(line);
	}
	/* The other name selects the compiler under its original name. */
	ck_assert_msg(!choose("arm64", "aarch64-gcc1220-linux-gnu-"), "%s",
		      err.text);
	expect("aarch64-gcc1220-linux-gnu-gcc",
	       "CROSS_COMPILE=aarch64-gcc1220-linux-gnu-");
	free(bin);
}

TEST(a_shadowed_adopted_compiler_has_its_normalized_name)
{
	char *bin = at("vendor");

	/* Another compiler or linker of that name in PATH. */
	put_file("vendor/aarch64-linux-gnu-gcc", "#!/bin/sh\necho 12.2.0\n",
		 0755);
	put_file("vendor/aarch64-linux-gnu-ld", "#!/bin/sh\n", 0755);
	put_file("tools/aarch64-linux-gnu-ld", "#!/bin/sh\n", 0755);
	put_adopted(bin);
	ck_assert_msg(!choose("arm64", "gcc-12"), "%s", err.text);
	expect("aarch64-gcc1220-linux-gnu-gcc",
	       "CROSS_COMPILE=aarch64-gcc1220-linux-gnu-");
	free(bin);
}
