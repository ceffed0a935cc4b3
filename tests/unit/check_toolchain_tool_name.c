/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain/tool-name.h"

static struct toolchain_release release(const char *text)
{
	struct toolchain_release r = { 0 };
	struct err err = { 0 };

	must(toolchain_release_parse(text, &r, &err));
	return r;
}

static const struct {
	const char *file, *triplet, *release, *name;
} names[] = {
	{ "aarch64-linux-gcc", "aarch64-linux", "gcc-7.3.0",
	  "aarch64-gcc730-linux-gcc" },
	{ "arm-linux-gnueabi-ld", "arm-linux-gnueabi", "gcc-13.3.0",
	  "arm-gcc1330-linux-gnueabi-ld" },
	{ "aarch64-linux-gnu-gcc-12", "aarch64-linux-gnu", "gcc-12.2.0",
	  "aarch64-gcc1220-linux-gnu-gcc-12" },
	{ "x86_64-linux-gcc-ar", "x86_64-linux", "gcc-13.3.0",
	  "x86_64-gcc1330-linux-gcc-ar" },
	/* Only the leading occurrence of the triplet is changed. */
	{ "x86_64-linux-x86_64-linux-gcc", "x86_64-linux", "gcc-7.3.0",
	  "x86_64-gcc730-linux-x86_64-linux-gcc" },
	{ "c6x-elf-gcc", "c6x-elf", "gcc-4.7.0", "c6x-gcc470-elf-gcc" },
	{ "bfin-uclinux-ld", "bfin-uclinux", "gcc-4.6.4",
	  "bfin-gcc464-uclinux-ld" },
	{ "armv7a-linux-gnueabihf-g++", "armv7a-linux-gnueabihf", "gcc-9.2.1",
	  "armv7a-gcc921-linux-gnueabihf-g++" },
	/* Not a tool of that triplet. */
	{ "gcc", "aarch64-linux", "gcc-7.3.0", NULL },
	{ "aarch64-linux-", "aarch64-linux", "gcc-7.3.0", NULL },
	{ "aarch64-linux", "aarch64-linux", "gcc-7.3.0", NULL },
	{ "aarch64-linuxfoo-gcc", "aarch64-linux", "gcc-7.3.0", NULL },
	/* Unsafe in a makefile. */
	{ "aarch64-linux-gcc;x", "aarch64-linux", "gcc-7.3.0", NULL },
	{ "aarch64-linux-a b", "aarch64-linux", "gcc-7.3.0", NULL },
	{ "aarch64-linux-x\n", "aarch64-linux", "gcc-7.3.0", NULL },
	{ "", "aarch64-linux", "gcc-7.3.0", NULL },
	{ "clang", NULL, "clang-22.1.8", "clang-22.1.8" },
	{ "clang++", NULL, "clang-22.1.8", "clang++-22.1.8" },
	{ "ld.lld", NULL, "clang-22.1.8", "ld.lld-22.1.8" },
	{ "llvm-objcopy", NULL, "clang-22.1.8", "llvm-objcopy-22.1.8" },
	{ "clang-22", NULL, "clang-22.1.8", NULL },
	{ "llvm-ar-22.1", NULL, "clang-22.1.8", NULL },
	{ "ls", NULL, "clang-22.1.8", NULL },
	{ ".clang", NULL, "clang-22.1.8", NULL },
};

TEST_EACH(only_tools_of_the_compiler_get_a_normalized_name, names)
{
	struct toolchain_release r = release(row->release);
	char *name = toolchain_tool_name_normalize(row->file, row->triplet, &r);

	if (row->name)
		ck_assert_str_eq(name, row->name);
	else
		ck_assert_ptr_null(name);
	free(name);
}

static const struct {
	const char *triplet, *release, *prefix;
} prefixes[] = {
	{ "aarch64-linux", "gcc-13.3.0", "aarch64-gcc1330-linux-" },
	{ "arm-linux-gnueabi", "gcc-13.3.0", "arm-gcc1330-linux-gnueabi-" },
	{ "c6x-elf", "gcc-4.7.0", "c6x-gcc470-elf-" },
	{ NULL, "clang-22.1.8", "-22.1.8" },
};

TEST_EACH(the_cross_prefix_or_clang_suffix_contains_the_release, prefixes)
{
	struct toolchain_release r = release(row->release);
	char *prefix = toolchain_tool_name_cross_prefix(row->triplet, &r);

	ck_assert_str_eq(prefix, row->prefix);
	free(prefix);
}
