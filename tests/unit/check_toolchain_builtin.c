/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain/builtin.h"

#include <sys/utsname.h>

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

TEST_EACH(each_arch_has_the_expected_srcarch_triplet_and_prefix, arches)
{
	const struct toolchain_arch *a = toolchain_builtin_find_arch(row->arch);

	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a->srcarch, row->srcarch);
	ck_assert_str_eq(a->triplets.v[0], row->triplet);
	ck_assert_str_eq(a->prefixes.v[0], row->prefix);
	ck_assert_ptr_eq(toolchain_builtin_arch_triplets(row->arch),
			 &a->triplets);
}

TEST(an_unknown_arch_yields_null_and_um_has_no_triplets)
{
	ck_assert_ptr_null(toolchain_builtin_find_arch("nosuch"));
	ck_assert_ptr_null(toolchain_builtin_arch_triplets("aarch64"));
	ck_assert_ptr_null(toolchain_builtin_arch_by_alias("arm64"));
	ck_assert_uint_eq(toolchain_builtin_arch_triplets("um")->n, 0);
}

/* Every name and every alias stands for exactly one architecture. */
TEST(arch_names_are_sorted_and_aliases_are_unambiguous)
{
	const struct toolchain_arch *a;
	size_t n = 0;

	for (; (a = toolchain_builtin_arch_at(n)) != NULL; n++) {
		ck_assert_ptr_eq(toolchain_builtin_find_arch(a->arch), a);
		if (n)
			ck_assert_int_lt(
				strcmp(toolchain_builtin_arch_at(n - 1)->arch,
				       a->arch),
				0);
		for (size_t i = 0; i < a->aliases.n; i++) {
			const char *other = a->aliases.v[i];

			ck_assert_ptr_null(toolchain_builtin_find_arch(other));
			ck_assert_ptr_eq(toolchain_builtin_arch_by_alias(other),
					 a);
		}
	}
	ck_assert_uint_ge(n, 25);
}

TEST(hosts_are_found_by_archive_name_or_by_machine)
{
	const struct toolchain_host *h = toolchain_builtin_host_by_machine(
		"aarch64");
	struct utsname u;

	ck_assert_str_eq(h->name, "arm64");
	ck_assert_str_eq(h->clang_name, "aarch64");
	ck_assert_ptr_eq(toolchain_builtin_find_host("arm64"), h);
	ck_assert_str_eq(toolchain_builtin_host_by_machine("x86_64")->name,
			 "x86_64");
	ck_assert_ptr_null(toolchain_builtin_find_host("arm")->clang_name);
	ck_assert_ptr_null(toolchain_builtin_find_host("aarch64"));
	ck_assert_ptr_null(toolchain_builtin_host_by_machine("pdp11"));
	ck_assert_int_eq(uname(&u), 0);
	ck_assert_ptr_eq(toolchain_builtin_local_host(),
			 toolchain_builtin_host_by_machine(u.machine));
}

TEST(mirrors_use_https_and_signing_keys_have_known_fingerprints)
{
	const struct strv *mirrors = toolchain_builtin_mirrors();

	ck_assert_uint_ge(mirrors->n, 2);
	for (size_t i = 0; i < mirrors->n; i++)
		text_starts(mirrors->v[i], "https://");
	ck_assert_str_eq(toolchain_builtin_mirror_dir(false),
			 "crosstool/files/bin");
	ck_assert_str_eq(toolchain_builtin_mirror_dir(true), "llvm/files");
	ck_assert_str_eq(toolchain_builtin_sums_key()->fingerprint,
			 "B8868C80BA62A1FFFAF5FDA9632D3A06589DA6B1");
	ck_assert_str_eq(toolchain_builtin_tar_key(false)->fingerprint,
			 "88AFCD206B1611957187F16B60AB47FFC9095227");
	ck_assert_str_eq(toolchain_builtin_tar_key(true)->fingerprint,
			 "2437CB76E544CB6AB3D9DFD399739260CB6CB716");
	ck_assert_uint_ge(toolchain_builtin_sums_key()->sources.n, 1);
	ck_assert_uint_ge(toolchain_builtin_tar_key(false)->sources.n, 1);
	ck_assert_uint_ge(toolchain_builtin_tar_key(true)->sources.n, 1);
}

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

TEST_EACH(each_release_has_the_expected_quirks, quirks)
{
	const struct toolchain_quirk **list = NULL;
	struct toolchain_release r;
	struct err err = { 0 };
	struct strv names = { 0 };
	char *text;
	size_t n;

	must(toolchain_release_parse(row->release, &r, &err));
	n = toolchain_builtin_list_quirks(&r, row->host, row->triplet, &list);
	for (size_t i = 0; i < n; i++)
		strv_add(&names, list[i]->name);
	text = strv_join(&names, " ");
	ck_assert_str_eq(text, row->names);
	free(text);
	free(list);
	strv_release(&names);
}

TEST(a_library_quirk_lists_replacements_and_unaffected_releases)
{
	const struct toolchain_quirk **list = NULL;
	struct toolchain_release r = { .n_parts = 3, .parts = { 7, 3, 0 } };

	ck_assert_uint_eq(
		toolchain_builtin_list_quirks(&r, "x86_64", NULL, &list), 2);
	ck_assert_str_eq(list[0]->missing_library, "libmpfr.so.4");
	ck_assert_str_eq(list[0]->compatible.v[0], "libmpfr.so.6");
	ck_assert_str_eq(list[0]->unaffected.v[0], "gcc-6.5.0");
	ck_assert_str_eq(list[1]->missing_library, "libisl.so.15");
	free(list);
}

/*
 * Check that `s` is not empty, begins with `start`, ends with `end` and
 * contains no character of `without`.
 */
static void check_word(const char *s, const char *start, const char *end,
		       const char *without)
{
	ck_assert(s && *s && *s != '-');
	ck_assert_msg(!strpbrk(s, without) && str_starts(s, start) &&
			      str_ends(s, end),
		      "%s", s);
}

static void check_triplet(const char *s)
{
	check_word(s, "", "", " /\t:.");
	ck_assert_msg(strchr(s, '-') && !str_ends(s, "-"), "%s", s);
}

static void check_unique(const struct strv *list)
{
	struct strv copy = { 0 };

	strv_add_all(&copy, list->v);
	strv_sort_unique(&copy);
	ck_assert_uint_eq(copy.n, list->n);
	strv_release(&copy);
}

TEST(every_arch_is_well_formed)
{
	const struct toolchain_arch *a;

	for (size_t n = 0; (a = toolchain_builtin_arch_at(n)) != NULL; n++) {
		check_word(a->arch, "", "", " /\t:.");
		check_word(a->srcarch, "", "", " /\t:.");
		check_unique(&a->triplets);
		check_unique(&a->prefixes);
		check_unique(&a->aliases);
		for (size_t i = 0; i < a->triplets.n; i++)
			check_triplet(a->triplets.v[i]);
		for (size_t i = 0; i < a->prefixes.n; i++)
			check_word(a->prefixes.v[i], "", "-", " /\t:.");
		for (size_t i = 0; i < a->aliases.n; i++)
			check_word(a->aliases.v[i], "", "", " /\t:.");
	}
}

TEST(every_host_is_well_formed_and_found_by_each_machine)
{
	const struct toolchain_host *h;

	for (size_t n = 0; (h = toolchain_builtin_host_at(n)) != NULL; n++) {
		check_word(h->name, "", "", " /\t:.");
		ck_assert_ptr_eq(toolchain_builtin_find_host(h->name), h);
		if (h->clang_name)
			check_word(h->clang_name, "", "", " /\t:.");
		ck_assert_uint_gt(h->machines.n, 0);
		for (size_t i = 0; i < h->machines.n; i++) {
			check_word(h->machines.v[i], "", "", " /\t:.");
			ck_assert_ptr_eq(toolchain_builtin_host_by_machine(
						 h->machines.v[i]),
					 h);
		}
	}
}

static void check_key(const struct toolchain_key *k, const char *name)
{
	ck_assert_str_eq(k->name, name);
	ck_assert_uint_eq(strlen(k->fingerprint), 40);
	ck_assert_uint_eq(strspn(k->fingerprint, "0123456789ABCDEF"), 40);
	check_word(k->owner, "", "", "\n\t");
	check_unique(&k->sources);
	for (size_t i = 0; i < k->sources.n; i++)
		check_word(k->sources.v[i], "https://", "", " \t");
}

TEST(mirrors_and_keys_are_well_formed)
{
	const struct strv *mirrors = toolchain_builtin_mirrors();

	check_unique(mirrors);
	for (size_t i = 0; i < mirrors->n; i++) {
		check_word(mirrors->v[i], "https://", "", " \t");
		ck_assert(!str_ends(mirrors->v[i], "/"));
	}
	check_key(toolchain_builtin_sums_key(), "sums");
	check_key(toolchain_builtin_tar_key(false), "tar");
	check_key(toolchain_builtin_tar_key(true), "llvm");
}

static void check_release(const char *s)
{
	struct toolchain_release r;
	struct err err = { 0 };

	ck_assert_msg(!toolchain_release_parse(s, &r, &err) && r.n_parts, "%s",
		      s);
}

static void check_quirk(const struct toolchain_quirk *q)
{
	check_word(q->name, "", "", " /\t:.");
	check_word(q->note, "", "", "\n\t");
	ck_assert_uint_lt(strlen(q->note), 200);
	ck_assert(q->first_release.n_parts && q->last_release.n_parts);
	ck_assert_int_eq(q->first_release.is_clang, q->last_release.is_clang);
	for (size_t i = 0; i < q->n_excepted; i++)
		ck_assert_uint_gt(q->excepted[i].n_parts, 0);
	if (q->host)
		ck_assert_ptr_nonnull(toolchain_builtin_find_host(q->host));
	if (q->triplet)
		check_triplet(q->triplet);
	if (q->missing_library)
		check_word(strstr(q->missing_library, ".so."), ".so.", "", "/");
	for (size_t i = 0; i < q->compatible.n; i++) {
		check_word(q->compatible.v[i], "lib", "", "/");
		text_has(q->compatible.v[i], ".so.");
	}
	for (size_t i = 0; i < q->unaffected.n; i++)
		check_release(q->unaffected.v[i]);
}

/* Look up every release, so that all quirks are checked. */
TEST(every_quirk_is_well_formed)
{
	struct toolchain_release r = { .n_parts = 3 };
	const struct toolchain_quirk **list;
	unsigned n_checked = 0;

	for (unsigned i = 0; i < 2 * 40 * 100; i++) {
		r.is_clang = i % 2;
		r.parts[0] = i / 2 / 100;
		r.parts[1] = i / 2 % 100 / 10;
		r.parts[2] = i / 2 % 10;
		for (size_t n = toolchain_builtin_list_quirks(&r, NULL, NULL,
							      &list);
		     n--; n_checked++)
			check_quirk(list[n]);
		free(list);
	}
	ck_assert_uint_gt(n_checked, 10);
}
