/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
#include "cache/key.h"

#include "../lib/test.h"

/* A compile with all parts that the key can contain. */
struct compile {
	struct compiler_manifest toolchain;
	struct inputs_path cwd, paths[4], tool_path;
	struct inputs_entry entries[4], tool_entry;
	const struct inputs_entry *list[4], *language[1], *tool_list[1];
	struct options_flag flag_list[3];
	struct options_flags flags;
	struct inputs_tool tool;
	char *env[3], *arguments[2];
	struct inputs_manifest_file files[2];
	struct cpp_file closure_files[2];
	struct inputs_manifest manifest;
	struct options_side_outputs sides;
	struct peer_job_request job;
};

static void set_entry(struct compile *c, size_t i, enum wire_inode_kind kind,
		      const char *name)
{
	c->paths[i] = (struct inputs_path){ .name = name };
	c->entries[i] = (struct inputs_entry){ .path = &c->paths[i],
					       .kind = kind };
	c->list[i] = &c->entries[i];
}

static struct compile *new_compile(void)
{
	struct compile *c = xcalloc(1, sizeof(*c));
	struct inputs_entry *file = c->entries;

	c->toolchain.id.b[0] = 1;
	c->toolchain.driver = (char *)"/usr/bin/gcc";
	c->cwd.name = "/build";
	set_entry(c, 0, WIRE_INODE_FILE, "/src/a.c");
	set_entry(c, 1, WIRE_INODE_FILE, "/src/a.h");
	set_entry(c, 2, WIRE_INODE_DIR, "/src/include");
	set_entry(c, 3, WIRE_INODE_SYMLINK, "/src/link");
	file[0].file_digest.digest.b[0] = 2;
	file[1].file_digest.digest.b[0] = 3;
	file[0].file_digest.stamp.ino = 7;
	file[1].file_digest.stamp.ino = 8;
	file[3].target = (char *)"include";
	c->language[0] = &c->entries[1];
	c->tool_path.name = "/src/genksyms";
	c->tool_entry = (struct inputs_entry){ .path = &c->tool_path,
					       .kind = WIRE_INODE_FILE };
	c->tool_list[0] = &c->tool_entry;
	c->tool = (struct inputs_tool){ .path = &c->tool_path,
					.entries = c->tool_list,
					.n_entries = 1 };
	c->flag_list[0] = (struct options_flag){ (char *)"-I",
						 (char *)"include" };
	c->flag_list[1] = (struct options_flag){ (char *)"-O", (char *)"2" };
	c->flag_list[2] = (struct options_flag){ (char *)"-c", NULL };
	c->flags = (struct options_flags){ c->flag_list, 3 };
	c->env[0] = (char *)"LANG=C";
	c->env[1] = (char *)"GCC_COLORS=";
	c->arguments[0] = (char *)"-r";
	c->files[0] = (struct inputs_manifest_file){ &c->paths[0], file };
	c->files[1] = (struct inputs_manifest_file){ &c->paths[1], file + 1 };
	c->manifest = (struct inputs_manifest){
		.files = c->files,
		.closure.files = c->closure_files,
		.closure.n_files = 2
	};
	c->sides.n = 1;
	c->sides.path[0] = (char *)"a.su";
	c->job = (struct peer_job_request){
		.lang = WIRE_LANG_C,
		.cwd = &c->cwd,
		.source = "../src/a.c",
		.object = "a.o",
		.flags = &c->flags,
		.env = c->env,
		.entries = c->list,
		.n_entries = 4,
		.language = c->language,
		.n_language = 1,
		.tool = &c->tool,
		.step = WIRE_STEP_SYMBOLS,
		.arguments = c->arguments,
	};
	return c;
}

static struct digest keys_of(const struct compile *c, struct digest *short_key)
{
	const struct cache_key_inputs in = { .toolchain = &c->toolchain,
					     .job = &c->job,
					     .manifest = &c->manifest,
					     .side_outputs = &c->sides };
	struct digest d;

	cache_key_full(&d, &in);
	cache_key_short(short_key, &in);
	return d;
}

/* Return the full key, which equals the short key without definitions. */
static struct digest key_of(const struct compile *c)
{
	struct digest short_key, d = keys_of(c, &short_key);

	if (!c->closure_files[1].definitions)
		ck_assert(digest_equal(&d, &short_key));
	return d;
}

static void change_toolchain(struct compile *c)
{
	c->toolchain.id.b[31] ^= 1;
}

static void change_driver(struct compile *c)
{
	c->toolchain.driver = (char *)"/usr/bin/cc";
}

static void drop_language(struct compile *c)
{
	c->job.n_language = 0;
}

static void change_lang(struct compile *c)
{
	c->job.lang = WIRE_LANG_ASM;
}

static void change_cwd(struct compile *c)
{
	c->cwd.name = "/build2";
}

static void change_source(struct compile *c)
{
	c->job.source = "/src/a.c";
}

static void change_object(struct compile *c)
{
	c->job.object = "b.o";
}

static void change_side(struct compile *c)
{
	c->sides.path[0] = (char *)"b.su";
}

static void drop_side(struct compile *c)
{
	c->sides.n = 0;
}

static void change_flag(struct compile *c)
{
	c->flag_list[1].value = (char *)"s";
}

static void swap_flags(struct compile *c)
{
	struct options_flag f = c->flag_list[0];

	c->flag_list[0] = c->flag_list[1];
	c->flag_list[1] = f;
}

static void drop_flag(struct compile *c)
{
	c->flags.n_flags = 2;
}

static void empty_value(struct compile *c)
{
	c->flag_list[2].value = (char *)"";
}

static void move_letter(struct compile *c)
{
	c->flag_list[1].name = (char *)"-O2";
	c->flag_list[1].value = (char *)"";
}

static void change_variable(struct compile *c)
{
	c->env[0] = (char *)"LANG=de";
}

static void drop_variable(struct compile *c)
{
	c->env[1] = NULL;
}

static void change_content(struct compile *c)
{
	c->entries[1].file_digest.digest.b[5] ^= 1;
}

static void make_executable(struct compile *c)
{
	c->entries[1].file_digest.executable = true;
}

static void rename_file(struct compile *c)
{
	c->paths[1].name = "/src/A.h";
}

static void swap_files(struct compile *c)
{
	const struct inputs_entry *e = c->list[0];

	c->list[0] = c->list[1];
	c->list[1] = e;
}

static void drop_file(struct compile *c)
{
	c->job.n_entries = 3;
}

static void change_target(struct compile *c)
{
	c->entries[3].target = (char *)"include2";
}

static void turn_into_dir(struct compile *c)
{
	c->entries[3].kind = WIRE_INODE_DIR;
}

static void change_step(struct compile *c)
{
	c->job.step = WIRE_STEP_OBJECT;
}

static void change_argument(struct compile *c)
{
	c->arguments[0] = (char *)"-R";
}

static void change_tool(struct compile *c)
{
	c->tool_entry.file_digest.digest.b[0] ^= 1;
}

static void drop_tool(struct compile *c)
{
	c->job.tool = NULL;
}

#define CHANGE(name)        \
	{                   \
#name, name \
	}

static const struct {
	const char *name;
	void (*apply)(struct compile *c);
} changes[] = {
	CHANGE(change_toolchain), CHANGE(change_driver),
	CHANGE(drop_language),    CHANGE(change_lang),
	CHANGE(change_cwd),       CHANGE(change_source),
	CHANGE(change_object),    CHANGE(change_side),
	CHANGE(drop_side),        CHANGE(change_flag),
	CHANGE(swap_flags),       CHANGE(drop_flag),
	CHANGE(empty_value),      CHANGE(move_letter),
	CHANGE(change_variable),  CHANGE(drop_variable),
	CHANGE(change_content),   CHANGE(make_executable),
	CHANGE(rename_file),      CHANGE(swap_files),
	CHANGE(drop_file),        CHANGE(change_target),
	CHANGE(turn_into_dir),    CHANGE(change_step),
	CHANGE(change_argument),  CHANGE(change_tool),
	CHANGE(drop_tool),
};

TEST_EACH(each_change_has_a_key_of_its_own, changes)
{
	struct compile *before = new_compile(), *a = new_compile();
	struct digest x = key_of(before), y;

	row->apply(a);
	y = key_of(a);
	ck_assert(!digest_equal(&x, &y));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct compile *b = new_compile();

		changes[i].apply(b);
		x = key_of(b);
		if (i != (size_t)_i)
			ck_assert_msg(!digest_equal(&x, &y), "%s and %s",
				      row->name, changes[i].name);
		free(b);
	}
	free(before);
	free(a);
}

static void change_mtime(struct compile *c)
{
	c->entries[0].file_digest.stamp.mtime_ns = 1;
	c->entries[3].file_digest.stamp.mtime_ns = 1;
}

static void change_inode(struct compile *c)
{
	c->entries[0].file_digest.stamp.ino = 99;
}

static void change_deadline(struct compile *c)
{
	c->job.deadline_ms = 1;
	c->job.pinned = true;
	c->job.class = 3;
}

/* An absence that an earlier unit of the build has caused. */
static void add_absence(struct compile *c)
{
	static const struct inputs_path path = { .name = "/src/gone" };
	static const struct inputs_entry absent = {
		.path = (struct inputs_path *)&path, .kind = WIRE_INODE_ABSENT
	};
	static const struct inputs_entry *list[5];

	memcpy(list, c->list, sizeof(c->list));
	list[4] = &absent;
	c->job.entries = list;
	c->job.n_entries = 5;
}

static const struct {
	const char *name;
	void (*apply)(struct compile *c);
} neutral[] = { CHANGE(change_mtime), CHANGE(change_inode),
		CHANGE(change_deadline), CHANGE(add_absence) };

TEST_EACH(other_state_is_not_part_of_the_key, neutral)
{
	struct compile *a = new_compile(), *b = new_compile();
	struct digest x = key_of(a), y;

	row->apply(b);
	y = key_of(b);
	ck_assert(digest_equal(&x, &y));
	free(a);
	free(b);
}

static void make_equal(struct compile *c)
{
	c->entries[1].file_digest.digest = c->entries[0].file_digest.digest;
	c->manifest.closure.mentions = CPP_MENTION_ONCE;
}

/* To gcc, files with equal contents and mtimes, in seconds, are the same. */
TEST(with_pragma_once_equal_mtimes_of_equal_files_change_the_key)
{
	struct compile *a = new_compile(), *b = new_compile();
	struct digest x, y;

	make_equal(a);
	make_equal(b);
	a->entries[0].file_digest.stamp.mtime_ns = 999999999;
	b->entries[0].file_digest.stamp.mtime_ns = 1000000000;
	x = key_of(a);
	y = key_of(b);
	ck_assert(!digest_equal(&x, &y));
	b->entries[1].file_digest.stamp.mtime_ns = 1999999999;
	y = key_of(b);
	ck_assert(digest_equal(&x, &y));
	free(a);
	free(b);
}

/* To clang, files with the same inode are the same. */
TEST(for_clang_equal_inodes_of_equal_files_change_the_key)
{
	struct compile *a = new_compile(), *b = new_compile();
	struct digest x, y;

	make_equal(a);
	make_equal(b);
	a->toolchain.is_clang = b->toolchain.is_clang = true;
	b->entries[0].file_digest.stamp.mtime_ns = 5000000000;
	x = key_of(a);
	y = key_of(b);
	ck_assert(digest_equal(&x, &y));
	b->entries[1].file_digest.stamp.ino = 7;
	y = key_of(b);
	ck_assert(!digest_equal(&x, &y));
	free(a);
	free(b);
}

TEST(the_short_key_has_definitions_instead_of_the_header_digest)
{
	struct compile *c = new_compile();
	struct digest full[5], brief[5];

	/* In other tests, the header is also a file of the locale. */
	drop_language(c);
	c->closure_files[1].definitions = "#define A 1\n";
	full[0] = keys_of(c, &brief[0]);
	change_content(c);
	full[1] = keys_of(c, &brief[1]);
	ck_assert(!digest_equal(&full[0], &full[1]));
	ck_assert(digest_equal(&brief[0], &brief[1]));

	c->closure_files[1].definitions = "#define A 2\n";
	full[2] = keys_of(c, &brief[2]);
	ck_assert(digest_equal(&full[1], &full[2]));
	ck_assert(!digest_equal(&brief[1], &brief[2]));

	/* An empty list differs from no list. */
	c->closure_files[1].definitions = "";
	keys_of(c, &brief[3]);
	c->closure_files[1].definitions = NULL;
	full[4] = keys_of(c, &brief[4]);
	ck_assert(!digest_equal(&brief[3], &brief[4]));
	ck_assert(digest_equal(&full[4], &brief[4]));
	free(c);
}

/* Another path of the header leads to the same file, which the unit embeds. */
TEST(a_header_that_is_also_an_input_has_its_digest_in_the_short_key)
{
	struct compile *c = new_compile();
	struct digest full, brief;

	c->closure_files[1].definitions = "#define A 1\n";
	c->files[0].entry = c->files[1].entry;
	c->closure_files[0].kind = CPP_FILE_INPUT;
	full = keys_of(c, &brief);
	ck_assert(digest_equal(&full, &brief));
	c->closure_files[0].kind = CPP_FILE_PROBED;
	full = keys_of(c, &brief);
	ck_assert(!digest_equal(&full, &brief));
	free(c);
}
