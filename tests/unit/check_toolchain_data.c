/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/data.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

START_TEST(the_programs_own_text_is_right)
{
	struct err err = { 0 };

	ck_assert_uint_gt(toolchain_data_text().len, 1000);
	ck_assert_msg(!toolchain_data_check(toolchain_data_text(), &err), "%s",
		      err.text);
}
END_TEST

static const struct {
	const char *arch, *srcarch, *triplet, *prefix;
} arches[] = {
	{ "arm64", "arm64", "aarch64-linux", "aarch64-linux-gnu-" },
	{ "arm", "arm", "arm-linux-gnueabi", "arm-linux-gnueabihf-" },
	{ "x86_64", "x86", "x86_64-linux", "x86_64-linux-gnu-" },
	{ "i386", "x86", "i386-linux", "i686-linux-gnu-" },
	{ "riscv", "riscv", "riscv64-linux", "riscv64-linux-gnu-" },
	{ "powerpc", "powerpc", "powerpc64-linux", "powerpc64le-linux-gnu-" },
	{ "s390", "s390", "s390-linux", "s390x-linux-gnu-" },
	{ "parisc", "parisc", "hppa-linux", "hppa-linux-gnu-" },
	{ "parisc64", "parisc", "hppa64-linux", "hppa64-linux-gnu-" },
	{ "openrisc", "openrisc", "or1k-linux", "or1k-linux-gnu-" },
	{ "sh", "sh", "sh4-linux", "sh4-linux-gnu-" },
	{ "loongarch", "loongarch", "loongarch64-linux",
	  "loongarch64-linux-gnu-" },
};

START_TEST(the_odd_ones_have_their_triplets)
{
	const struct toolchain_arch *a = toolchain_data_arch(arches[_i].arch);

	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a->srcarch, arches[_i].srcarch);
	ck_assert_str_eq(a->triplets.v[0], arches[_i].triplet);
	ck_assert_str_eq(a->prefixes.v[0], arches[_i].prefix);
	ck_assert_ptr_eq(toolchain_data_triplets(arches[_i].arch),
			 &a->triplets);
}
END_TEST

START_TEST(an_architecture_that_is_not_known_has_nothing)
{
	ck_assert_ptr_null(toolchain_data_arch("nosuch"));
	ck_assert_ptr_null(toolchain_data_triplets("aarch64"));
	ck_assert_ptr_null(toolchain_data_arch_called("arm64"));
	ck_assert_uint_eq(toolchain_data_triplets("um")->n, 0);
}
END_TEST

/* Every name leads to one architecture only, so none is ambiguous. */
START_TEST(no_alias_means_two)
{
	const struct toolchain_arch *a;
	size_t n = 0;

	for (; (a = toolchain_data_arch_at(n)) != NULL; n++) {
		ck_assert_ptr_eq(toolchain_data_arch(a->arch), a);
		if (n)
			ck_assert_int_lt(
				strcmp(toolchain_data_arch_at(n - 1)->arch,
				       a->arch),
				0);
		for (size_t i = 0; i < a->aliases.n; i++) {
			const char *other = a->aliases.v[i];

			ck_assert_ptr_null(toolchain_data_arch(other));
			ck_assert_ptr_eq(toolchain_data_arch_called(other), a);
		}
	}
	ck_assert_uint_ge(n, 25);
}
END_TEST

START_TEST(hosts_are_named_as_the_archives_are)
{
	const struct toolchain_host *h = toolchain_data_host_of("aarch64");
	struct utsname u;

	ck_assert_str_eq(h->name, "arm64");
	ck_assert_str_eq(h->clang, "aarch64");
	ck_assert_ptr_eq(toolchain_data_host("arm64"), h);
	ck_assert_str_eq(toolchain_data_host_of("x86_64")->name, "x86_64");
	ck_assert_ptr_null(toolchain_data_host("arm")->clang);
	ck_assert_ptr_null(toolchain_data_host("aarch64"));
	ck_assert_ptr_null(toolchain_data_host_of("pdp11"));
	ck_assert_int_eq(uname(&u), 0);
	ck_assert_ptr_eq(toolchain_data_this_host(),
			 toolchain_data_host_of(u.machine));
}
END_TEST

START_TEST(servers_and_keys_are_there)
{
	const struct strv *mirrors = toolchain_data_mirrors();

	ck_assert_uint_ge(mirrors->n, 2);
	for (size_t i = 0; i < mirrors->n; i++)
		ck_assert(str_starts(mirrors->v[i], "https://"));
	ck_assert_str_eq(toolchain_data_place(false), "crosstool/files/bin");
	ck_assert_str_eq(toolchain_data_place(true), "llvm/files");
	ck_assert_str_eq(toolchain_data_sums_key()->fingerprint,
			 "B8868C80BA62A1FFFAF5FDA9632D3A06589DA6B1");
	ck_assert_str_eq(toolchain_data_tar_key()->fingerprint,
			 "88AFCD206B1611957187F16B60AB47FFC9095227");
	ck_assert_uint_ge(toolchain_data_sums_key()->sources.n, 1);
	ck_assert_uint_ge(toolchain_data_tar_key()->sources.n, 1);
}
END_TEST

static const struct {
	const char *release, *host, *triplet, *names;
} quirks[] = {
	{ "gcc-4.9.4", "x86_64", NULL, "mpfr4" },
	{ "gcc-6.4.0", "x86_64", NULL, "mpfr4" },
	{ "gcc-6.5.0", "x86_64", NULL, "" },
	{ "gcc-7.3.0", "x86_64", "aarch64-linux", "mpfr4 isl15" },
	{ "gcc-7.3.0", "arm64", NULL, "mpfr4" },
	{ "gcc-7.3.0", NULL, NULL, "mpfr4 isl15" },
	{ "gcc-7.5.0", "x86_64", NULL, "" },
	{ "gcc-13.2.0", "x86_64", "mips-linux", "mips-plugins" },
	{ "gcc-13.2.0", "x86_64", "aarch64-linux", "" },
	{ "gcc-13.3.0", "x86_64", "mips-linux", "" },
	{ "clang-7.3.0", "x86_64", NULL, "" },
};

START_TEST(a_release_has_its_quirks)
{
	const struct toolchain_quirk **list = NULL;
	struct toolchain_release r;
	struct err err = { 0 };
	struct strv names = { 0 };
	char *text;
	size_t n;

	ck_assert_int_eq(toolchain_release_parse(quirks[_i].release, &r, &err),
			 0);
	n = toolchain_data_quirks(&r, quirks[_i].host, quirks[_i].triplet,
				  &list);
	for (size_t i = 0; i < n; i++)
		strv_add(&names, list[i]->name);
	text = strv_join(&names, " ");
	ck_assert_str_eq(text, quirks[_i].names);
	free(text);
	free(list);
	strv_release(&names);
}
END_TEST

START_TEST(a_library_quirk_says_what_helps)
{
	const struct toolchain_quirk **list = NULL;
	struct toolchain_release r = { .n = 3, .part = { 7, 3, 0 } };

	ck_assert_uint_eq(toolchain_data_quirks(&r, "x86_64", NULL, &list), 2);
	ck_assert_str_eq(list[0]->library, "libmpfr.so.4");
	ck_assert_str_eq(list[0]->compatible.v[0], "libmpfr.so.6");
	ck_assert_str_eq(list[0]->instead.v[0], "gcc-6.5.0");
	ck_assert_str_eq(list[1]->library, "libisl.so.15");
	free(list);
}
END_TEST

static const struct {
	const char *text, *says;
} bad[] = {
	{ "[nosuch]\n", "line 1: [nosuch] is no section here" },
	{ "[arch]\nsrcarch = x\n", "line 1: [arch]" },
	{ "[arch \"../x\"]\n", "line 1" },
	{ "[server \"x\"]\n", "line 1" },
	{ "[arch \"a\"]\n[arch \"a\"]\n", "line 2: [arch \"a\"] comes twice" },
	{ "[arch \"a\"]\nsrcarch = a\nsrcarch = b\n", "line 3: srcarch comes" },
	{ "[arch \"a\"]\ntriplet = a-b\ntriplet = a-b\n", "line 3: triplet" },
	{ "[arch \"a\"]\ncolour = red\n", "line 2: [arch] has no key colour" },
	{ "[arch \"a\"]\ntriplet = aarch64\n", "line 2: triplet: bad value" },
	{ "[arch \"a\"]\nprefix = a-linux\n", "line 2: prefix: bad value" },
	{ "[arch \"a\"]\nsrcarch\n", "line 2: srcarch: bad value" },
	{ "[arch \"a\"]\ntriplet = a-b\n", "[arch \"a\"] has no srcarch" },
	{ "[server]\nmirror = http://x\n", "line 2: mirror: bad value" },
	{ "[server]\nmirror = https://x/\n", "line 2: mirror: bad value" },
	{ "[server]\nmirror = https://x\n", "has no gcc" },
	{ "[key \"k\"]\nfingerprint = 88af\n", "fingerprint: bad value" },
	{ "[quirk \"q\"]\nfrom = gcc\n", "line 2: from: bad value" },
	{ "[quirk \"q\"]\nfrom = gcc-1\nuntil = gcc-2\n", "has no note" },
	{ "[quirk \"q\"]\nlibrary = mpfr\n", "line 2: library: bad value" },
	{ "[host \"h\"]\nclang = x\n", "[host \"h\"] has no machine" },
	{ "x = 1\n", "line 1" },
	{ "[arch \"a\"\n", "line 1" },
};

START_TEST(a_mistake_is_named_with_its_line)
{
	struct err err = { 0 };

	ck_assert_int_eq(toolchain_data_check(bytes_str(bad[_i].text), &err),
			 -EINVAL);
	ck_assert_msg(strstr(err.text, bad[_i].says), "%s", err.text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("toolchain/data");
	TCase *tc = tcase_create("data");

	tcase_add_test(tc, the_programs_own_text_is_right);
	tcase_add_loop_test(tc, the_odd_ones_have_their_triplets, 0,
			    sizeof(arches) / sizeof(*arches));
	tcase_add_test(tc, an_architecture_that_is_not_known_has_nothing);
	tcase_add_test(tc, no_alias_means_two);
	tcase_add_test(tc, hosts_are_named_as_the_archives_are);
	tcase_add_test(tc, servers_and_keys_are_there);
	tcase_add_loop_test(tc, a_release_has_its_quirks, 0,
			    sizeof(quirks) / sizeof(*quirks));
	tcase_add_test(tc, a_library_quirk_says_what_helps);
	tcase_add_loop_test(tc, a_mistake_is_named_with_its_line, 0,
			    sizeof(bad) / sizeof(*bad));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
