/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
/* Keys and results that do not depend on the directories of a build. */
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "base/vec.h"
#include "cache/key.h"

#include <fcntl.h>
#include <sys/stat.h>

#define N_FILES 4

/* A compile in a build directory, with all strings relative to two roots. */
struct compile {
	struct strv strings; /* owns all other strings */
	char *roots[2];
	struct cache_roots root_list;
	struct compiler_manifest toolchain;
	struct inputs_path cwd, paths[N_FILES + 1];
	struct inputs_entry entries[N_FILES + 1];
	const struct inputs_entry *list[N_FILES + 1];
	struct options_flag flag_list[8];
	struct options_flags flags;
	char *env[3], *arguments[2];
	struct inputs_manifest_file files[N_FILES];
	struct cpp_file closure_files[N_FILES];
	struct inputs_manifest manifest;
	struct options_side_outputs sides;
	struct peer_job_request job;
	struct inputs_tool tool;
};

static char *own(struct compile *c, char *text)
{
	strv_own(&c->strings, text);
	return text;
}

/* Replace "S" and "B" at the start of `name` by the source and the build. */
static char *place(struct compile *c, const char *name)
{
	const char *root = *name == 'S' ? c->roots[0] :
			   *name == 'B' ? c->roots[1] :
					  NULL;

	return own(c, root ? xasprintf("%s%s", root, name + 1) : xstrdup(name));
}

static void set_file(struct compile *c, size_t i, const char *spelling,
		     const char *path)
{
	c->closure_files[i].path = place(c, spelling);
	c->closure_files[i].kind = i ? CPP_FILE_HEADER : CPP_FILE_SOURCE;
	c->paths[i].name = place(c, path);
	c->entries[i] = (struct inputs_entry){ .path = &c->paths[i],
					       .kind = WIRE_INODE_FILE };
	c->entries[i].file_digest.digest.b[0] = (uint8_t)(i + 1);
	c->list[i] = &c->entries[i];
	c->files[i] = (struct inputs_manifest_file){ &c->paths[i],
						     &c->entries[i] };
}

static void set_flag(struct compile *c, size_t i, const char *name,
		     const char *value)
{
	c->flag_list[i].name = (char *)name;
	c->flag_list[i].value = value ? place(c, value) : NULL;
}

static void add_flag(struct compile *c, const char *name, const char *value)
{
	set_flag(c, c->flags.n_flags++, name, value);
}

/* Let the unit use the names of all its files. */
static void expand_names(struct compile *c)
{
	for (size_t i = 0; i < N_FILES; i++)
		c->closure_files[i].expands_name = true;
}

static void set_source(struct compile *c, const char *spelling)
{
	c->job.source = place(c, spelling);
	c->closure_files[0].path = place(c, spelling);
}

static struct compile *new_compile(const char *source, const char *build)
{
	struct compile *c = xcalloc(1, sizeof(*c));

	c->roots[0] = own(c, xstrdup(source));
	c->roots[1] = own(c, xstrdup(build));
	c->root_list = (struct cache_roots){ c->roots, 2 };
	c->toolchain.id.b[0] = 1;
	c->toolchain.driver = (char *)"/usr/bin/gcc";
	c->cwd.name = place(c, "B");
	set_file(c, 0, "S/kernel/a.c", "S/kernel/a.c");
	set_file(c, 1, "S/include/a.h", "S/include/a.h");
	set_file(c, 2, "./include/b.h", "B/include/b.h");
	set_file(c, 3, "/usr/include/c.h", "/usr/include/c.h");
	c->paths[N_FILES].name = place(c, "S/include");
	c->entries[N_FILES] = (struct inputs_entry){ .path = &c->paths[N_FILES],
						     .kind = WIRE_INODE_DIR };
	c->list[N_FILES] = &c->entries[N_FILES];
	c->flags.flags = c->flag_list;
	add_flag(c, "-I", "S/include");
	add_flag(c, "-I", "./include");
	add_flag(c, "-O", "2");
	add_flag(c, "-fmacro-prefix-map=", "S/=");
	c->env[0] = (char *)"LANG=C";
	c->manifest = (struct inputs_manifest){
		.files = c->files,
		.closure.files = c->closure_files,
		.closure.n_files = N_FILES,
	};
	strv_add(&c->manifest.closure.dirs, place(c, "S/include"));
	strv_add(&c->manifest.closure.dirs, place(c, "./include"));
	c->job = (struct peer_job_request){
		.lang = WIRE_LANG_C,
		.cwd = &c->cwd,
		.object = "kernel/a.o",
		.flags = &c->flags,
		.env = c->env,
		.entries = c->list,
		.n_entries = N_FILES + 1,
	};
	set_source(c, "S/kernel/a.c");
	return c;
}

static void free_compile(struct compile *c)
{
	strv_release(&c->strings);
	strv_release(&c->manifest.closure.dirs);
	strv_release(&c->manifest.closure.absent);
	free(c);
}

static struct cache_key_inputs inputs_of(const struct compile *c)
{
	return (struct cache_key_inputs){ .toolchain = &c->toolchain,
					  .job = &c->job,
					  .manifest = &c->manifest,
					  .side_outputs = &c->sides,
					  .roots = &c->root_list };
}

static bool is_shared(const struct compile *c, struct digest *key)
{
	const struct cache_key_inputs in = inputs_of(c);

	return cache_key_short(key, &in);
}

static const struct {
	const char *source, *build;
} places[] = {
	{ "/src", "/build" },
	{ "/a/tree", "/a/tree/build" },
	{ "/a/tree", "/a/tree/other/build-2" },
	{ "/a/tree", "/a/tree-build" },
	{ "/build", "/src" },
	{ "/usr/src/linux", "/usr/include-2" },
};

TEST_EACH(builds_in_other_directories_have_the_same_key, places)
{
	struct compile *a = new_compile("/src", "/build");
	struct compile *b = new_compile(row->source, row->build);
	const struct cache_key_inputs in_a = inputs_of(a), in_b = inputs_of(b);
	struct digest x, y;

	ck_assert(is_shared(a, &x));
	ck_assert(is_shared(b, &y));
	ck_assert(digest_equal(&x, &y));
	cache_key_full(&x, &in_a);
	cache_key_full(&y, &in_b);
	ck_assert_int_eq(digest_equal(&x, &y), !_i);
	free_compile(a);
	free_compile(b);
}

/* -------------------------------------------------------------- obstacles */

static void add_debug(struct compile *c)
{
	add_flag(c, "-g", NULL);
}

static void add_compressed_debug(struct compile *c)
{
	add_flag(c, "-g", "z");
}

static void map_debug_of_source_only(struct compile *c)
{
	add_debug(c);
	add_flag(c, "-fdebug-prefix-map=", "S=.");
}

static void mention_unmapped_file(struct compile *c)
{
	expand_names(c);
	set_flag(c, 3, "-fmacro-prefix-map=", "./=");
}

static void map_file_to_root(struct compile *c)
{
	set_flag(c, 3, "-fmacro-prefix-map=",
		 own(c, xasprintf("/usr=%s", c->roots[1])));
}

/* The rest of the name still has a part of the root's path. */
static void map_parent_of_root(struct compile *c)
{
	expand_names(c);
	set_flag(c, 3, "-fmacro-prefix-map=", "/s=");
}

static void map_parent_of_root_too(struct compile *c)
{
	expand_names(c);
	add_flag(c, "-ffile-prefix-map=", "/s=");
}

static void map_debug_of_parent(struct compile *c)
{
	add_debug(c);
	add_flag(c, "-fdebug-prefix-map=", "/s=");
	add_flag(c, "-fdebug-prefix-map=", "/b=");
}

/* /src=x also applies to /src-2/c.h, which is no file of the source tree. */
static void map_directory_with_longer_name(struct compile *c)
{
	expand_names(c);
	set_flag(c, 3, "-fmacro-prefix-map=", "S=x");
	set_file(c, 3, "/src-2/c.h", "/src-2/c.h");
}

static void add_line(struct compile *c)
{
	c->manifest.closure.mentions = CPP_MENTION_LINE;
}

static void add_sanitizer(struct compile *c)
{
	add_flag(c, "-fsanitize=", "undefined");
}

static void add_lto(struct compile *c)
{
	add_flag(c, "-flto", NULL);
}

static void add_profile(struct compile *c)
{
	add_flag(c, "-fprofile-arcs", NULL);
}

static void add_side_output(struct compile *c)
{
	c->sides.name_in_object = true;
}

static void define_root(struct compile *c)
{
	add_flag(c, "-D", own(c, xasprintf("X=\"%s\"", c->roots[0])));
}

static void add_rooted_target(struct compile *c)
{
	add_flag(c, "-MQ", "B/a.o");
}

static void add_variable(struct compile *c)
{
	static char text[64];

	snprintf(text, sizeof(text), "CPATH=/x:%s/include", c->roots[0]);
	c->env[1] = text;
}

static void add_debug_with_pwd(struct compile *c)
{
	add_debug(c);
	add_flag(c, "-ffile-prefix-map=", "S=.");
	add_flag(c, "-ffile-prefix-map=", "B=.");
	c->env[1] = (char *)"PWD=/link";
}

static void assemble_with_debug(struct compile *c)
{
	add_debug(c);
	add_flag(c, "-ffile-prefix-map=", "S=.");
	add_flag(c, "-ffile-prefix-map=", "B=.");
	c->job.lang = WIRE_LANG_ASM;
}

static void let_assembler_add_debug(struct compile *c)
{
	add_flag(c, "-Wa,", "-mx,-gdwarf-5");
}

static void add_symlink(struct compile *c)
{
	c->entries[N_FILES].kind = WIRE_INODE_SYMLINK;
	c->entries[N_FILES].target = (char *)"other";
}

static void add_symlink_into_root(struct compile *c)
{
	c->entries[3].kind = WIRE_INODE_SYMLINK;
	c->entries[3].target = c->roots[0];
}

static void make_device_tree(struct compile *c)
{
	c->job.step = WIRE_STEP_DEVICETREE;
}

static void use_unquotable_root(struct compile *c)
{
	c->roots[0][1] = '$';
}

static void use_no_root(struct compile *c)
{
	c->root_list.n = 0;
}

#define CASE(name)          \
	{                   \
#name, name \
	}

static const struct {
	const char *name;
	void (*apply)(struct compile *c);
} obstacles[] = {
	CASE(add_debug),
	CASE(add_compressed_debug),
	CASE(map_debug_of_source_only),
	CASE(mention_unmapped_file),
	CASE(map_file_to_root),
	CASE(map_parent_of_root),
	CASE(map_parent_of_root_too),
	CASE(map_debug_of_parent),
	CASE(map_directory_with_longer_name),
	CASE(add_line),
	CASE(add_sanitizer),
	CASE(add_lto),
	CASE(add_profile),
	CASE(add_side_output),
	CASE(define_root),
	CASE(add_rooted_target),
	CASE(add_variable),
	CASE(add_debug_with_pwd),
	CASE(assemble_with_debug),
	CASE(let_assembler_add_debug),
	CASE(add_symlink),
	CASE(add_symlink_into_root),
	CASE(make_device_tree),
	CASE(use_unquotable_root),
	CASE(use_no_root),
};

TEST_EACH(with_an_obstacle_the_short_key_equals_the_full_key, obstacles)
{
	struct compile *c = new_compile("/src", "/build");
	struct cache_located_compile located;
	struct cache_obstacle o;
	struct cache_key_inputs in;
	struct digest x, full;
	struct buf text = { 0 };

	row->apply(c);
	in = inputs_of(c);
	ck_assert(!is_shared(c, &x));
	cache_key_full(&full, &in);
	ck_assert(digest_equal(&x, &full));
	cache_key_locate(&located, &in);
	ck_assert(cache_roots_find_obstacle(&located, &o));
	cache_obstacle_add_text(&text, &o);
	ck_assert_uint_gt(text.len, 10);
	buf_release(&text);
	free_compile(c);
}

static const struct {
	enum cache_obstacle_kind kind;
	const char *root, *text;
} texts[] = {
	{ CACHE_OBSTACLE_ROOTS, "/a=b",
	  "unsupported name of a directory: /a=b" },
	{ CACHE_OBSTACLE_ROOTS, NULL,
	  "no directories or too many directories of the build are known" },
	{ CACHE_OBSTACLE_DEBUG, "/src",
	  "debug information contains /src; CONFIG_DEBUG_INFO=n or, for C, "
	  "KCFLAGS=-fdebug-prefix-map=/src=. avoids this" },
	{ CACHE_OBSTACLE_DEBUG, NULL,
	  "debug information contains names of directories; "
	  "CONFIG_DEBUG_INFO=n avoids this" },
	{ CACHE_OBSTACLE_FILE, "/src",
	  "__FILE__ can contain /src; -fmacro-prefix-map=/src/= in KCFLAGS or "
	  "HOSTCFLAGS avoids this" },
	{ CACHE_OBSTACLE_FILE, NULL,
	  "__FILE__ can contain names of directories" },
	{ CACHE_OBSTACLE_LINE, "/src", "#line can name a file in /src" },
	{ CACHE_OBSTACLE_LINE, NULL,
	  "#line can name a file in a directory of the build" },
};

TEST_EACH(the_text_of_an_obstacle_names_the_root_if_known, texts)
{
	const struct cache_obstacle o = { row->kind, row->root, NULL };
	struct buf text = { 0 };

	cache_obstacle_add_text(&text, &o);
	ck_assert_str_eq(buf_str(&text), row->text);
	buf_release(&text);
}

/* ---------------------------------------------------------------- changes */

static void keep(struct compile *c)
{
	(void)c;
}

static void mention_mapped_file(struct compile *c)
{
	expand_names(c);
}

static void map_debug(struct compile *c)
{
	add_debug(c);
	add_flag(c, "-ffile-prefix-map=", "S=.");
	add_flag(c, "-ffile-prefix-map=", "B=build");
}

static void map_debug_elsewhere(struct compile *c)
{
	add_debug(c);
	add_flag(c, "-ffile-prefix-map=", "S=.");
	add_flag(c, "-ffile-prefix-map=", "B=tree");
}

static void map_in_other_order(struct compile *c)
{
	add_debug(c);
	add_flag(c, "-ffile-prefix-map=", "B=build");
	add_flag(c, "-ffile-prefix-map=", "S=.");
}

static void map_twice(struct compile *c)
{
	add_flag(c, "-fmacro-prefix-map=", "S/kernel/=");
}

static void search_similar_name(struct compile *c)
{
	set_flag(c, 1, "-I", "../src/include");
}

static void change_flag(struct compile *c)
{
	set_flag(c, 2, "-O", "s");
}

static void search_build_first(struct compile *c)
{
	set_flag(c, 0, "-I", "./include");
	set_flag(c, 1, "-I", "S/include");
}

static void search_source_of_build(struct compile *c)
{
	set_flag(c, 0, "-I", "B/include");
}

static void spell_relative_name(struct compile *c)
{
	set_source(c, "kernel/a.c");
}

static void find_header_in_build(struct compile *c)
{
	set_file(c, 1, "B/include/a.h", "B/include/a.h");
}

static void lead_elsewhere(struct compile *c)
{
	set_file(c, 1, "S/include/a.h", "S/include/other.h");
}

static void lead_out_of_roots(struct compile *c)
{
	set_file(c, 1, "S/include/a.h", "/include/a.h");
}

static void change_content(struct compile *c)
{
	c->entries[1].file_digest.digest.b[9] ^= 1;
}

static void move_directory(struct compile *c)
{
	c->manifest.closure.dirs.v[1][2] = 'I';
}

static void leave_by_parent(struct compile *c)
{
	strv_add(&c->manifest.closure.dirs, "./include/../include");
}

static void rename_object(struct compile *c)
{
	c->job.object = "kernel/b.o";
}

static void probe_header(struct compile *c)
{
	c->closure_files[1].kind = CPP_FILE_PROBED;
}

static const struct {
	const char *name;
	void (*apply)(struct compile *c);
} changes[] = {
	CASE(keep),
	CASE(map_debug),
	CASE(map_debug_elsewhere),
	CASE(map_in_other_order),
	CASE(map_twice),
	CASE(search_similar_name),
	CASE(change_flag),
	CASE(search_build_first),
	CASE(search_source_of_build),
	CASE(spell_relative_name),
	CASE(find_header_in_build),
	CASE(lead_elsewhere),
	CASE(lead_out_of_roots),
	CASE(change_content),
	CASE(move_directory),
	CASE(leave_by_parent),
	CASE(rename_object),
	CASE(probe_header),
};

TEST_EACH(each_change_has_a_shared_key_of_its_own, changes)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct compile *a = new_compile("/src", "/build");
		struct compile *b = new_compile("/one/tree", "/two/out");
		struct digest x, y;

		row->apply(a);
		changes[i].apply(b);
		ck_assert(is_shared(a, &x));
		ck_assert(is_shared(b, &y));
		ck_assert_msg(digest_equal(&x, &y) == (i == (size_t)_i),
			      "%s and %s", row->name, changes[i].name);
		free_compile(a);
		free_compile(b);
	}
}

TEST(a_compile_that_mentions_a_mapped_name_is_shared)
{
	struct compile *c = new_compile("/src", "/build");
	struct digest key;

	mention_mapped_file(c);
	ck_assert(is_shared(c, &key));
	free_compile(c);
}

/* /src=x also applies to /src-2/c.h, which is no file of the source tree. */
TEST(a_prefix_map_that_matches_a_longer_name_changes_the_key)
{
	static const char *const sources[] = { "/src", "/tree" };
	struct digest keys[2];

	for (size_t i = 0; i < 2; i++) {
		struct compile *c = new_compile(sources[i], "/build");

		set_flag(c, 3, "-fmacro-prefix-map=", "S=x");
		set_file(c, 3, "/src-2/c.h", "/src-2/c.h");
		ck_assert(is_shared(c, &keys[i]));
		free_compile(c);
	}
	ck_assert(!digest_equal(&keys[0], &keys[1]));
}

/* A name from the source tree can lead into a build directory inside it. */
TEST(a_name_in_the_inner_root_adds_its_position_to_the_key)
{
	static const char *const builds[] = { "/src/one", "/src/two" };
	static const char *const names[] = { NULL, "S/include/x.h", "S/one/x.h",
					     "../one/x.h" };
	struct digest keys[2];

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		for (size_t i = 0; i < 2; i++) {
			struct compile *c = new_compile("/src", builds[i]);

			if (names[k])
				strv_add(&c->manifest.closure.absent,
					 place(c, names[k]));
			ck_assert(is_shared(c, &keys[i]));
			free_compile(c);
		}
		ck_assert_int_eq(digest_equal(&keys[0], &keys[1]), k < 2);
	}
}

/*
 * Two build directories of the tree /src, and the prefix maps of a compile with
 * debug information.  The maps can leave a part of the name of the build
 * directory, of which only a position in the tree can be added to the key.
 */
static const struct mapped_build {
	const char *builds[2], *maps[2];
	bool is_shared, is_equal;
} mapped_builds[] = {
	{ { "/src/one", "/src/two" }, { "S=.", NULL }, true, false },
	{ { "/src/one", "/src/two" }, { "S=.", "B=o" }, true, false },
	{ { "/src/one", "/src/two" }, { "B=o", "S=." }, true, false },
	{ { "/src-one", "/src-two" }, { "S=.", NULL }, false, false },
	{ { "/src-one", "/src-two" }, { "S=.", "B=o" }, false, false },
	{ { "/src-one", "/src-two" }, { "S/=", "B=o" }, true, true },
	{ { "/src-one", "/src-two" }, { "S/=", "B/=" }, false, false },
	{ { "/one", "/two" }, { "S=.", "B=o" }, true, true },
};

TEST_EACH(maps_must_hide_the_name_of_the_build_directory, mapped_builds)
{
	struct digest keys[2];

	for (size_t i = 0; i < 2; i++) {
		struct compile *c = new_compile("/src", row->builds[i]);

		add_debug(c);
		for (size_t k = 0; k < 2 && row->maps[k]; k++)
			add_flag(c, "-fdebug-prefix-map=", row->maps[k]);
		ck_assert_int_eq(is_shared(c, &keys[i]), row->is_shared);
		free_compile(c);
	}
	ck_assert_int_eq(digest_equal(&keys[0], &keys[1]), row->is_equal);
}

/* Such a name is in the build directory, although its file is not. */
TEST(a_mapped_name_that_leaves_the_inner_root_adds_its_position_to_the_key)
{
	static const char *const builds[] = { "/src/one", "/src/two" };
	struct digest keys[2];

	for (size_t i = 0; i < 2; i++) {
		struct compile *c = new_compile("/src", builds[i]);

		mention_mapped_file(c);
		set_file(c, 2, "B/../lib/x.h", "S/lib/x.h");
		ck_assert(is_shared(c, &keys[i]));
		free_compile(c);
	}
	ck_assert(!digest_equal(&keys[0], &keys[1]));
}

/* The parents of the two build directories are outside of the roots. */
TEST(a_parent_directory_outside_of_the_roots_changes_the_key)
{
	static const char *const builds[] = { "/a/out", "/b/out" };
	struct digest keys[2];

	for (size_t i = 0; i < 2; i++) {
		struct compile *c = new_compile("/src", builds[i]);

		strv_add(&c->manifest.closure.dirs, "..");
		ck_assert(is_shared(c, &keys[i]));
		free_compile(c);
	}
	ck_assert(!digest_equal(&keys[0], &keys[1]));
}

/* ---------------------------------------------------------------- results */

static char *const roots_a[] = { (char *)"/a", (char *)"/a/build" };
static char *const roots_b[] = { (char *)"/long/source/directory",
				 (char *)"/other" };
static const struct cache_roots list_a = { roots_a, 2 };
static const struct cache_roots list_b = { roots_b, 2 };

static void set_deps(struct peer_job_result *r, const char *text)
{
	buf_reset(&r->streams[WIRE_OUTPUT_DEPS]);
	buf_add_str(&r->streams[WIRE_OUTPUT_DEPS], text);
}

static const char *deps_of(const struct peer_job_result *r)
{
	return buf_str(&r->streams[WIRE_OUTPUT_DEPS]);
}

TEST(a_dependency_list_gets_the_roots_of_another_build)
{
	static const char deps[] = "a.o: /a/kernel/a.c /a/build/x.h b.h "
				   "/ab/c.h /usr/include/d.h\n";
	struct peer_job_result r = { 0 };

	set_deps(&r, deps);
	buf_add_str(&r.streams[WIRE_OUTPUT_OBJECT], "object");
	ck_assert(cache_roots_hide(&list_a, false, "/a/kernel/a.c", &r));
	ck_assert_ptr_null(strstr(deps_of(&r), "/a/"));
	cache_roots_restore(&list_b, false, &r);
	ck_assert_str_eq(deps_of(&r),
			 "a.o: /long/source/directory/kernel/a.c /other/x.h "
			 "b.h /ab/c.h \\\n /usr/include/d.h\n");
	peer_job_result_release(&r);
}

/* The placeholders are shorter, so the stored list has no folds. */
TEST(a_restored_list_of_clang_is_folded_as_by_clang)
{
	static char *const dirs[] = { (char *)"/home/user/kernel/linux-6.12",
				      (char *)"/home/user/kernel/build" };
	static const struct cache_roots list = { dirs, 2 };
	static const char deps[] = "a.o: /home/user/kernel/linux-6.12/a.c "
				   "/home/user/kernel/linux-6.12/a.h \\\n"
				   "  /home/user/kernel/build/b.h\n";
	struct peer_job_result r = { 0 };

	set_deps(&r, deps);
	ck_assert(cache_roots_hide(&list, true, "a.c", &r));
	ck_assert_ptr_null(strchr(deps_of(&r), '\\'));
	cache_roots_restore(&list, true, &r);
	ck_assert_str_eq(deps_of(&r), deps);
	peer_job_result_release(&r);
}

static const struct {
	enum wire_output output;
	const char *text;
} leaks[] = {
	{ WIRE_OUTPUT_OBJECT, "x/a/build" },
	{ WIRE_OUTPUT_OBJECT, "/ax" },
	{ WIRE_OUTPUT_OBJECT, "_a_kernel_a_c_00000000" },
	{ WIRE_OUTPUT_STDOUT, "/a" },
	{ WIRE_OUTPUT_DEPS, "a.o: /a/x.c \1"
			    "0/y.h\n" },
	{ WIRE_OUTPUT_DEPS, "/a/a.o: /a/x.c\n" },
	{ WIRE_OUTPUT_DEPS, "/a/a.o: /a/x.c \\\n /a/y.h\n" },
	{ WIRE_OUTPUT_DEPS, "no list" },
	{ WIRE_OUTPUT_DEPS, "a.o: a.c /a/b.h\n/a/b.h:\n" },
};

TEST_EACH(a_result_with_a_root_is_not_shared, leaks)
{
	struct peer_job_result r = { 0 };
	char *before;

	set_deps(&r, "a.o: /a/kernel/a.c /a/build/x.h\n");
	buf_reset(&r.streams[row->output]);
	buf_add_str(&r.streams[row->output], row->text);
	before = xstrdup(deps_of(&r));
	ck_assert(!cache_roots_hide(&list_a, false, "/a/kernel/a.c", &r));
	ck_assert_str_eq(deps_of(&r), before);
	free(before);
	peer_job_result_release(&r);
}

/*
 * Directories of builds: a tree t with an output directory o, and a project p
 * with a subdirectory.
 */
static const struct located_source {
	const char *name, *cwd, *source, *top, *roots;
} located_sources[] = {
	{ "output directory", "o", "/T/t/a.c", "o", "/T/t /T/o" },
	{ "output directory, from outside", "o", "/T/t/a.c", "p", "/T/t /T/o" },
	{ "output directory, own source", "o", "gen/a.c", "", "/T/t /T/o" },
	{ "source tree", "t", "kernel/a.c", "t", "/T/t" },
	{ "source tree, from its parent", "t", "kernel/a.c", "", "/T/t" },
	{ "external module", "t", "/T/p/a.c", "p", "/T/t /T/p" },
	{ "external module, relative", "t", "../p/a.c", "p", "/T/t /T/p" },
	{ "project", "p", "a.c", "p", "/T/p" },
	{ "recursive make", "p/sub", "a.c", "p", "/T/p" },
	{ "a directory named source", "p/dir", "a.c", "p", "/T/p" },
	{ "a dangling link named source", "p/link", "a.c", "p", "/T/p" },
	{ "a link named source to a file", "p/file", "a.c", "p", "/T/p" },
	{ "module in the tree", "t", "/T/p/a.c", "t", "/T/t" },
	{ "the root directory", "p", "a.c", "/", "" },
};

TEST_EACH(the_roots_of_a_compile_follow_from_its_directory, located_sources)
{
	static const char *const dirs[] = { "t",      "o",     "p",
					    "p/sub",  "p/dir", "p/dir/source",
					    "p/link", "p/file" };
	char dir[TEMPDIR_SIZE], *cwd, *source, *top;
	struct strv roots = { 0 };
	struct buf text = { 0 };

	tempdir_make(dir);
	ck_assert_int_eq(chdir(dir), 0);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		ck_assert_int_eq(mkdir(dirs[i], 0755), 0);
	ck_assert_int_eq(close(creat("t/Kconfig", 0644)), 0);
	ck_assert_int_eq(symlink("../t", "o/source"), 0);
	ck_assert_int_eq(symlink("none", "p/link/source"), 0);
	ck_assert_int_eq(symlink("../../t/Kconfig", "p/file/source"), 0);
	cwd = xasprintf("%s/%s", dir, row->cwd);
	source = str_starts(row->source, "/T") ?
			 xasprintf("%s%s", dir, row->source + 2) :
			 xstrdup(row->source);
	top = *row->top ? str_join_path(dir, row->top) : xstrdup(dir);
	cache_roots_find(&roots, cwd, source, top);
	for (size_t i = 0; i < roots.n; i++) {
		ck_assert(str_starts(roots.v[i], dir));
		buf_printf(&text, "%s/T%s", i ? " " : "",
			   roots.v[i] + strlen(dir));
	}
	ck_assert_str_eq(buf_str(&text), row->roots);
	free(top);
	free(source);
	free(cwd);
	buf_release(&text);
	strv_release(&roots);
	tempdir_remove(dir);
}
