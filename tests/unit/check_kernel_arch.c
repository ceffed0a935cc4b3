/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/arch.h"

static const struct {
	const char *arch, *srcarch, *prefix;
} known[] = {
	{ "arm64", "arm64", "aarch64-linux-gnu-" },
	{ "x86_64", "x86", "x86_64-linux-gnu-" },
	{ "i386", "x86", "i686-linux-gnu-" },
	{ "riscv", "riscv", "riscv64-linux-gnu-" },
};

FIXTURE(tree_set_up, tree_tear_down);

TEST_RANGE(the_table_contains_the_directory_and_the_prefix, 0, 4)
{
	struct kernel_arch a;
	struct err err = { 0 };

	must(kernel_arch_find(&a, tree, known[_i].arch, &err));
	ck_assert_str_eq(a.arch, known[_i].arch);
	ck_assert_str_eq(a.srcarch, known[_i].srcarch);
	ck_assert_str_eq(a.toolchain_arch->prefixes.v[0], known[_i].prefix);
}

TEST(a_new_architecture_of_the_tree_is_accepted)
{
	struct kernel_arch a;
	struct err err = { 0 };

	must(kernel_arch_find(&a, tree, "newarch", &err));
	ck_assert_str_eq(a.srcarch, "newarch");
	ck_assert_ptr_null(a.toolchain_arch);
}

static const char *const unknown[] = { "nosuch", "", "../arch/arm64", "s390",
				       "arm64/configs/../" };

TEST_RANGE(an_unknown_architecture_is_rejected_with_a_list, 0, 5)
{
	struct kernel_arch a;
	struct err err = { 0 };

	ck_assert_int_eq(kernel_arch_find(&a, tree, unknown[_i], &err),
			 -EINVAL);
	text_has(err.text, "arm64 newarch riscv x86");
}

TEST(without_a_tree_only_architectures_of_the_table_are_valid)
{
	struct kernel_arch a;
	struct err err = { 0 };

	must(kernel_arch_find(&a, NULL, "riscv", &err));
	ck_assert_str_eq(a.toolchain_arch->prefixes.v[0], "riscv64-linux-gnu-");
	ck_assert_int_eq(kernel_arch_find(&a, NULL, "newarch", &err), -EINVAL);
	text_has(err.text, "known architectures: alpha arc arm ");
	ck_assert_int_eq(kernel_arch_find(&a, NULL, "aarch64", &err), -EINVAL);
	text_has(err.text, "calls it arm64");
}

/* A name that the tree cannot build, such as "s390" here, is not suggested. */
TEST(a_similar_name_is_suggested)
{
	struct kernel_arch a;
	struct err err = { 0 };

	err_is(kernel_arch_find(&a, tree, "x86_46", &err), -EINVAL,
	       "unknown architecture x86_46; did you mean \"x86_64\"?");
	err_is(kernel_arch_find(&a, tree, "s309", &err), -EINVAL,
	       "unknown architecture s309; this tree has: "
	       "arm64 newarch riscv x86");
}

TEST(an_alias_is_rejected_with_the_kernels_name)
{
	struct kernel_arch a;
	struct err err = { 0 };

	ck_assert_int_eq(kernel_arch_find(&a, tree, "aarch64", &err), -EINVAL);
	text_has(err.text, "the kernel calls it arm64");
}

TEST(packages_are_named_as_debian_does)
{
	char *a = kernel_arch_debian_package("aarch64-linux-gnu-");
	char *x = kernel_arch_debian_package("x86_64-linux-gnu-");

	ck_assert_str_eq(a, "gcc-aarch64-linux-gnu");
	ck_assert_str_eq(x, "gcc-x86-64-linux-gnu");
	ck_assert_ptr_null(kernel_arch_debian_package("nosuch-"));
	ck_assert_ptr_null(kernel_arch_debian_package("csky-linux-gnu-"));
	ck_assert_ptr_null(kernel_arch_debian_package("or1k-linux-"));
	free(a);
	free(x);
}

TEST(clang_is_advised_for_an_architecture_without_gcc)
{
	static const struct {
		const char *arch, *hint;
	} hints[] = {
		{ "hexagon", " clang with -t clang" },
		{ "csky", " another toolchain with -t" },
		{ "arm64", " another toolchain with -t" },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		struct kernel_arch a;
		struct err err;

		must(kernel_arch_find(&a, NULL, hints[i].arch, &err));
		ck_assert_str_eq(kernel_arch_toolchain_hint(&a), hints[i].hint);
	}
}

TEST(the_host_has_an_architecture)
{
	char host[32];

	kernel_arch_host(host);
	ck_assert_uint_gt(strlen(host), 2);
}
