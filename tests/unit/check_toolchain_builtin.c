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

TEST_EACH(the_special_ones_have_their_triplets, arches)
{
	const struct toolchain_arch *a = toolchain_builtin_find_arch(row->arch);

	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a->srcarch, row->srcarch);
	ck_assert_str_eq(a->triplets.v[0], row->triplet);
	ck_assert_str_eq(a->prefixes.v[0], row->prefix);
	ck_assert_ptr_eq(toolchain_builtin_arch_triplets(row->arch),
			 &a->triplets);
}

TEST(an_architecture_that_is_not_known_has_nothing)
{
	ck_assert_ptr_null(toolchain_builtin_find_arch("nosuch"));
	ck_assert_ptr_null(toolchain_builtin_arch_triplets("aarch64"));
	ck_assert_ptr_null(toolchain_builtin_arch_by_alias("arm64"));
	ck_assert_uint_eq(toolchain_builtin_arch_triplets("um")->n, 0);
}

/* Every name stands for one architecture, so no name is ambiguous. */
TEST(no_alias_means_two)
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

TEST(hosts_are_named_as_the_archives_are)
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

TEST(servers_and_keys_are_there)
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

TEST_EACH(a_release_has_its_quirks, quirks)
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

TEST(a_library_quirk_says_what_helps)
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
 * Check that a word has this beginning and end, and none of these characters.
 */
static void looks(const char *s, const char *start, const char *end,
		  const char *without)
{
	ck_assert(s && *s && *s != '-');
	ck_assert_msg(!strpbrk(s, without) && str_starts(s, start) &&
			      str_ends(s, end),
		      "%s", s);
}

static void is_triplet(const char *s)
{
	looks(s, "", "", " /\t:.");
	ck_assert_msg(strchr(s, '-') && !str_ends(s, "-"), "%s", s);
}

static void no_value_twice(const struct strv *list)
{
	struct strv copy = { 0 };

	strv_add_all(&copy, list->v);
	strv_sort_unique(&copy);
	ck_assert_uint_eq(copy.n, list->n);
	strv_release(&copy);
}

TEST(an_architecture_looks_like_one)
{
	const struct toolchain_arch *a;

	for (size_t n = 0; (a = toolchain_builtin_arch_at(n)) != NULL; n++) {
		looks(a->arch, "", "", " /\t:.");
		looks(a->srcarch, "", "", " /\t:.");
		no_value_twice(&a->triplets);
		no_value_twice(&a->prefixes);
		no_value_twice(&a->aliases);
		for (size_t i = 0; i < a->triplets.n; i++)
			is_triplet(a->triplets.v[i]);
		for (size_t i = 0; i < a->prefixes.n; i++)
			looks(a->prefixes.v[i], "", "-", " /\t:.");
		for (size_t i = 0; i < a->aliases.n; i++)
			looks(a->aliases.v[i], "", "", " /\t:.");
	}
}

TEST(a_host_looks_like_one)
{
	const struct toolchain_host *h;

	for (size_t n = 0; (h = toolchain_builtin_host_at(n)) != NULL; n++) {
		looks(h->name, "", "", " /\t:.");
		ck_assert_ptr_eq(toolchain_builtin_find_host(h->name), h);
		if (h->clang_name)
			looks(h->clang_name, "", "", " /\t:.");
		ck_assert_uint_gt(h->machines.n, 0);
		for (size_t i = 0; i < h->machines.n; i++) {
			looks(h->machines.v[i], "", "", " /\t:.");
			ck_assert_ptr_eq(toolchain_builtin_host_by_machine(
						 h->machines.v[i]),
					 h);
		}
	}
}

static void is_key(const struct toolchain_key *k, const char *name)
{
	ck_assert_str_eq(k->name, name);
	ck_assert_uint_eq(strlen(k->fingerprint), 40);
	ck_assert_uint_eq(strspn(k->fingerprint, "0123456789ABCDEF"), 40);
	looks(k->owner, "", "", "\n\t");
	no_value_twice(&k->sources);
	for (size_t i = 0; i < k->sources.n; i++)
		looks(k->sources.v[i], "https://", "", " \t");
}

TEST(servers_and_keys_look_like_such)
{
	const struct strv *mirrors = toolchain_builtin_mirrors();

	no_value_twice(mirrors);
	for (size_t i = 0; i < mirrors->n; i++) {
		looks(mirrors->v[i], "https://", "", " \t");
		ck_assert(!str_ends(mirrors->v[i], "/"));
	}
	is_key(toolchain_builtin_sums_key(), "sums");
	is_key(toolchain_builtin_tar_key(false), "tar");
	is_key(toolchain_builtin_tar_key(true), "llvm");
}

static void is_release(const char *s)
{
	struct toolchain_release r;
	struct err err = { 0 };

	ck_assert_msg(!toolchain_release_parse(s, &r, &err) && r.n_parts, "%s",
		      s);
}

static void is_quirk(const struct toolchain_quirk *q)
{
	looks(q->name, "", "", " /\t:.");
	looks(q->note, "", "", "\n\t");
	ck_assert_uint_lt(strlen(q->note), 200);
	ck_assert(q->first_release.n_parts && q->last_release.n_parts);
	ck_assert_int_eq(q->first_release.is_clang, q->last_release.is_clang);
	for (size_t i = 0; i < q->n_excepted; i++)
		ck_assert_uint_gt(q->excepted[i].n_parts, 0);
	if (q->host)
		ck_assert_ptr_nonnull(toolchain_builtin_find_host(q->host));
	if (q->triplet)
		is_triplet(q->triplet);
	if (q->missing_library)
		looks(strstr(q->missing_library, ".so."), ".so.", "", "/");
	for (size_t i = 0; i < q->compatible.n; i++) {
		looks(q->compatible.v[i], "lib", "", "/");
		text_has(q->compatible.v[i], ".so.");
	}
	for (size_t i = 0; i < q->unaffected.n; i++)
		is_release(q->unaffected.v[i]);
}

/* Look up every release, so that all quirks are checked. */
TEST(a_quirk_looks_like_one)
{
	struct toolchain_release r = { .n_parts = 3 };
	const struct toolchain_quirk **list;
	unsigned seen = 0;

	for (unsigned i = 0; i < 2 * 40 * 100; i++) {
		r.is_clang = i % 2;
		r.parts[0] = i / 2 / 100;
		r.parts[1] = i / 2 % 100 / 10;
		r.parts[2] = i / 2 % 10;
		for (size_t n = toolchain_builtin_list_quirks(&r, NULL, NULL,
							      &list);
		     n--; seen++)
			is_quirk(list[n]);
		free(list);
	}
	ck_assert_uint_gt(seen, 10);
}
