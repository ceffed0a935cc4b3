/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* The identity of a manifest: a digest of the compiler's files. */
#include "../lib/test.h"

#include "compiler/manifest.h"

#define N(list) (sizeof(list) / sizeof(*(list)))

static struct compiler_entry file(const char *path, const char *content)
{
	struct compiler_entry e = { .path = (char *)path,
				    .executable = true,
				    .size_bytes = strlen(content) };

	digest_bytes(bytes_str(content), &e.digest);
	return e;
}

static struct compiler_entry link_to(const char *path, const char *target)
{
	return (struct compiler_entry){ .path = (char *)path,
					.kind = COMPILER_ENTRY_SYMLINK,
					.target = (char *)target };
}

static struct compiler_entry directory(const char *path)
{
	return (struct compiler_entry){ .path = (char *)path,
					.kind = COMPILER_ENTRY_DIR };
}

static struct digest id_of(const struct compiler_entry *v, size_t n,
			   const char *driver, bool is_clang)
{
	struct digest d;

	ck_assert_int_eq(compiler_manifest_id(v, n, driver, is_clang, &d), 0);
	return d;
}

static bool same(struct digest a, struct digest b)
{
	return digest_equal(&a, &b);
}

TEST(the_identity_ignores_order_times_and_sizes)
{
	struct compiler_entry a[] = { file("/usr/bin/gcc", "gcc"),
				      file("/usr/lib/cc1", "cc1"),
				      link_to("/lib", "usr/lib"),
				      directory("/usr/lib/empty") };
	struct compiler_entry b[] = { a[3], a[1], a[2], a[0] };

	b[1].mtime_ns = 77;
	b[1].size_bytes = 99;
	ck_assert(same(id_of(a, 4, "/usr/bin/gcc", false),
		       id_of(b, 4, "/usr/bin/gcc", false)));
}

TEST_RANGE(the_identity_depends_on_paths_contents_modes_and_targets, 0, 8)
{
	struct compiler_entry v[] = { file("/usr/bin/gcc", "gcc"),
				      file("/usr/lib/cc1", "cc1"),
				      link_to("/lib", "usr/lib"),
				      directory("/usr/lib/empty") };
	struct digest before = id_of(v, 4, "/usr/bin/gcc", false);

	switch (_i) {
	case 0:
		v[1] = file("/usr/lib/cc1", "cc2");
		break;
	case 1:
		v[1].executable = false;
		break;
	case 2:
		v[1].path = (char *)"/usr/lib/cc2";
		break;
	case 3:
		v[2].target = (char *)"usr/lib32";
		break;
	case 4:
		v[3].path = (char *)"/usr/lib/full";
		break;
	case 5:
		v[3] = link_to("/usr/lib/empty", "");
		break;
	case 6:
		v[2].target = (char *)"/usr/lib";
		break;
	default:
		v[0] = file("/usr/bin/gcc", "gcd");
	}
	ck_assert(!same(before, id_of(v, 4, "/usr/bin/gcc", false)));
	ck_assert(!same(id_of(v, 4, "/usr/bin/gcc", false),
			id_of(v, 3, "/usr/bin/gcc", false)));
}

TEST(the_identity_ignores_the_location_of_the_prefix)
{
	struct compiler_entry a[] = {
		file("/opt/x/bin/gcc", "gcc"),
		file("/opt/x/libexec/cc1", "cc1"),
		link_to("/opt/x/as", "/opt/x/t/as"),
		file("/opt/x/t/as", "as"),
		file("/usr/lib/libc.so", "c"),
		link_to("/usr/lib/libz.so", "/opt/x/lib/libz.so"),
	};
	struct compiler_entry b[] = {
		file("/zoo/y/z/bin/gcc", "gcc"),
		file("/zoo/y/z/libexec/cc1", "cc1"),
		link_to("/zoo/y/z/as", "/zoo/y/z/t/as"),
		file("/zoo/y/z/t/as", "as"),
		file("/usr/lib/libc.so", "c"),
		link_to("/usr/lib/libz.so", "/zoo/y/z/lib/libz.so"),
	};
	struct digest id = id_of(a, N(a), "/opt/x/bin/gcc", false);

	ck_assert(same(id, id_of(b, N(b), "/zoo/y/z/bin/gcc", false)));
	/* A sibling with the same prefix is not below the directory. */
	b[1].path = (char *)"/zoo/y/zlibexec/cc1";
	ck_assert(!same(id, id_of(b, N(b), "/zoo/y/z/bin/gcc", false)));
}

TEST(the_identity_depends_on_the_drivers_name_only_for_clang)
{
	struct compiler_entry v[] = {
		file("/opt/x/bin/prog", "prog"),
		link_to("/opt/x/bin/gcc", "prog"),
		link_to("/usr/bin", "../usr/./sbin"),
		link_to("/usr/sbin/cc", "/far/gcc"),
		link_to("/far", "opt/x/bin"),
	};
	struct digest id = id_of(v, 1, "/opt/x/bin/prog", false);

	ck_assert(same(id, id_of(v, 2, "/opt/x/bin/gcc", false)));
	ck_assert(same(id, id_of(v, 2, "/opt/../opt/x//bin/./gcc", false)));
	ck_assert(same(id, id_of(v, 5, "/usr/bin/cc", false)));
	ck_assert(!same(id, id_of(v, 1, "/opt/x/bin/prog", true)));
	ck_assert(!same(id_of(v, 2, "/opt/x/bin/gcc", true),
			id_of(v, 1, "/opt/x/bin/prog", true)));
}

static const char *const strays[] = {
	"/usr/bin/cc", "/usr/bin", "/usr/bin/loop", "/usr/bin/text",
	"/",           "",         "/usr/bin/far",  "/usr/bin/gcc/x"
};

TEST_EACH(a_driver_that_is_no_listed_program_is_rejected, strays)
{
	struct compiler_entry v[] = { file("/usr/bin/gcc", "gcc"),
				      file("/usr/bin/text", "text"),
				      link_to("/usr/bin/loop", "loop"),
				      link_to("/usr/bin/far", "/etc/passwd"),
				      directory("/usr/empty") };
	struct digest d;

	v[1].executable = false;
	ck_assert_int_eq(compiler_manifest_id(v, N(v), *row, false, &d),
			 -EINVAL);
}

static const struct clash {
	const char *a, *b;
	enum compiler_entry_kind kind;
} clashes[] = {
	{ "/a/b", "/a/b", COMPILER_ENTRY_FILE },
	{ "/a/b", "/a/b/c", COMPILER_ENTRY_FILE },
	{ "/a/b", "/a/b/c/d/e", COMPILER_ENTRY_SYMLINK },
	{ "/usr/bin/gcc", "/a/b", COMPILER_ENTRY_FILE },
	{ "/a/b", "relative", COMPILER_ENTRY_FILE },
	{ "/a/b", "/", COMPILER_ENTRY_FILE },
	{ "/a/b", "", COMPILER_ENTRY_FILE },
};

TEST_EACH(conflicting_and_invalid_paths_are_rejected, clashes)
{
	struct compiler_entry v[] = { file("/usr/bin/gcc", "gcc"),
				      file("/a/b-c", "1"), file(row->a, "2"),
				      file(row->b, "3") };
	struct digest d;

	v[2].kind = row->kind;
	v[2].target = (char *)"x";
	ck_assert_int_eq(compiler_manifest_id(v, 4, "/usr/bin/gcc", false, &d),
			 -EINVAL);
}

TEST(entries_below_a_directory_entry_are_allowed)
{
	struct compiler_entry v[] = { file("/usr/bin/gcc", "gcc"),
				      directory("/a"), file("/a-b", "1"),
				      file("/a/b", "2") };

	id_of(v, 4, "/usr/bin/gcc", false);
}

/* Links whose targets grow terminate at little cost. */
TEST(a_link_with_a_growing_target_is_rejected)
{
	char target[3000];
	struct compiler_entry v[] = { file("/usr/bin/gcc", "gcc"),
				      link_to("/x", target) };
	struct digest d;

	memset(target, '/', sizeof(target));
	for (size_t i = 0; i + 1 < sizeof(target); i += 2)
		target[i] = 'x';
	target[sizeof(target) - 1] = '\0';
	ck_assert_int_eq(compiler_manifest_id(v, 2, "/x", false, &d), -EINVAL);
}

TEST(an_empty_list_is_rejected)
{
	struct digest d;

	ck_assert_int_eq(
		compiler_manifest_id(NULL, 0, "/usr/bin/gcc", false, &d),
		-EINVAL);
}
