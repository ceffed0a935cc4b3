/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
/* Descriptions of compiles, which explain why a result is not found. */
#include "cache/action.h"

#include "../lib/random.h"
#include "../lib/test.h"

#include "base/fs.h"

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/tmp/check-cache-action-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	struct err err;

	must(fs_remove(dir, &err));
}

static struct cache *open_cache(void)
{
	const struct cache_setup setup = { .dir = dir };
	struct cache *c;
	struct err err;

	must(cache_open(&c, &setup, &err));
	return c;
}

/* A compile of a.o with three files, of which a definition header is one. */
struct compile {
	struct cache_action action;
	struct cache_action_file files[4];
};

static void init_compile_of(struct compile *c, const char *object)
{
	static const char *const words[] = {
		"directory /build", "source a.c",      "flag -O2",
		"flag -Iinclude",   "variable LANG=C", "variable X=1",
	};
	const struct digest id = { { 1 } };

	*c = (struct compile){ 0 };
	c->action.object = object;
	c->action.has_variables = true;
	c->action.files = c->files;
	c->action.n_files = 3;
	cache_action_set_toolchain(&c->action, false, "12.2.0", &id);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		strv_add(&c->action.words, words[i]);
	c->files[0].path = "a.c";
	c->files[1].path = "include/a.h";
	c->files[2].path = "autoconf.h";
	c->files[2].definitions = "#define CONFIG_A 1\n#define CONFIG_B 1\n"
				  "#define VALUE(x) (x + 1)\n"
				  "#define TEXT \"a b\"\n";
}

static void release(struct compile *c)
{
	c->action.files = NULL;
	cache_action_release(&c->action);
}

static void store(struct cache *cache, struct compile *c)
{
	ck_assert_int_eq(cache_action_store(cache, &c->action), 0);
	release(c);
}

static void store_first(struct cache *cache)
{
	struct compile c;

	init_compile_of(&c, "a.o");
	store(cache, &c);
}

static void replace_word(struct compile *c, size_t i, const char *word)
{
	free(c->action.words.v[i]);
	c->action.words.v[i] = xstrdup(word);
}

static void new_toolchain(struct compile *c)
{
	const struct digest id = { { 2 } };

	free(c->action.toolchain);
	cache_action_set_toolchain(&c->action, true, "14.0.6", &id);
}

static void other_flag(struct compile *c)
{
	replace_word(c, 2, "flag -Os");
}

static void added_flag(struct compile *c)
{
	strv_add(&c->action.words, c->action.words.v[5]);
	replace_word(c, 5, c->action.words.v[4]);
	replace_word(c, 4, "flag -g");
}

static void removed_flag(struct compile *c)
{
	free(c->action.words.v[2]);
	memmove(c->action.words.v + 2, c->action.words.v + 3,
		(c->action.words.n - 2) * sizeof(char *));
	c->action.words.n--;
}

static void other_order(struct compile *c)
{
	replace_word(c, 2, "flag -Iinclude");
	replace_word(c, 3, "flag -O2");
}

static void other_variable(struct compile *c)
{
	replace_word(c, 5, "variable X=2");
}

static void other_directory(struct compile *c)
{
	replace_word(c, 0, "directory /other");
}

static void changed_file(struct compile *c)
{
	c->files[1].digest.b[0] = 9;
}

static void executable_file(struct compile *c)
{
	c->files[1].executable = true;
}

static void executable_header(struct compile *c)
{
	c->files[2].executable = true;
}

static void new_file(struct compile *c)
{
	c->files[3].path = "new.h";
	c->action.n_files = 4;
}

static void renamed_file(struct compile *c)
{
	c->files[1].path = "include/b.h";
}

static void defined(struct compile *c)
{
	c->files[2].definitions = "#define CONFIG_A 1\n#define CONFIG_B 1\n"
				  "#define CONFIG_NEW m\n"
				  "#define VALUE(x) (x + 1)\n"
				  "#define TEXT \"a b\"\n";
}

static void undefined(struct compile *c)
{
	c->files[2].definitions = "#define CONFIG_A 1\n"
				  "#define VALUE(x) (x + 1)\n"
				  "#define TEXT \"a b\"\n";
}

static void other_values(struct compile *c)
{
	c->files[2].definitions = "#define CONFIG_A 1\n#undef CONFIG_B\n"
				  "#define VALUE(x) (x + 2)\n"
				  "#define TEXT \"a c\"\n";
}

static void reordered(struct compile *c)
{
	c->files[2].definitions = "#define CONFIG_B 1\n#define CONFIG_A 1\n"
				  "#define VALUE(x) (x + 1)\n"
				  "#define TEXT \"a b\"\n";
}

static void unchanged(struct compile *c)
{
	(void)c;
}

static const struct change {
	void (*apply)(struct compile *c);
	enum cache_miss cause;
	const char *text; /* "NAME BEFORE AFTER;" for each change */
	unsigned n_files_gone;
} changes[] = {
	{ new_toolchain, CACHE_MISS_TOOLCHAIN,
	  "toolchain [gcc 12.2.0] [clang 14.0.6];", 0 },
	{ other_flag, CACHE_MISS_COMMAND, "flag [-O2] [-Os];", 0 },
	{ added_flag, CACHE_MISS_COMMAND, "flag - [-g];", 0 },
	{ removed_flag, CACHE_MISS_COMMAND, "flag [-O2] -;", 0 },
	{ other_order, CACHE_MISS_COMMAND,
	  "flag [-O2] [-Iinclude];flag [-Iinclude] [-O2];", 0 },
	{ other_variable, CACHE_MISS_COMMAND, "variable [X=1] [X=2];", 0 },
	{ other_directory, CACHE_MISS_COMMAND, "directory [/build] [/other];",
	  0 },
	{ changed_file, CACHE_MISS_FILE, "include/a.h [] [];", 0 },
	{ executable_file, CACHE_MISS_FILE, "include/a.h [] [];", 0 },
	{ executable_header, CACHE_MISS_FILE, "autoconf.h [] [];", 0 },
	{ new_file, CACHE_MISS_FILE, "new.h - [];", 0 },
	{ renamed_file, CACHE_MISS_FILE, "include/b.h - [];", 1 },
	{ defined, CACHE_MISS_DEFINITION, "CONFIG_NEW - [m];", 0 },
	{ undefined, CACHE_MISS_DEFINITION, "CONFIG_B [1] -;", 0 },
	{ other_values, CACHE_MISS_DEFINITION,
	  "CONFIG_B [1] -;VALUE [(x) (x + 1)] [(x) (x + 2)];"
	  "TEXT [\"a b\"] [\"a c\"];",
	  0 },
	{ reordered, CACHE_MISS_FILE, "autoconf.h [] [];", 0 },
	{ unchanged, CACHE_MISS_REMOVED, "", 0 },
};

static char *text_of(const struct cache_difference *d)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < d->n_changes; i++) {
		const char *const value[] = { d->changes[i].before,
					      d->changes[i].after };

		buf_add_str(&b, d->changes[i].name);
		for (size_t k = 0; k < 2; k++) {
			if (value[k])
				buf_printf(&b, " [%s]", value[k]);
			else
				buf_add_str(&b, " -");
		}
		buf_add_str(&b, ";");
	}
	buf_add_str(&b, "");
	return buf_steal(&b);
}

FIXTURE(make_dir, remove_dir);

/* Apply the change to the stored compile, and compare. */
static void expect_change(struct cache *cache, const struct change *change)
{
	struct cache_difference d;
	struct compile c;
	char *text;

	init_compile_of(&c, "a.o");
	change->apply(&c);
	cache_action_compare(cache, &c.action, false, &d);
	text = text_of(&d);
	ck_assert_str_eq(text, change->text);
	ck_assert_int_eq(d.cause, change->cause);
	ck_assert_uint_eq(d.n_files_gone, change->n_files_gone);
	ck_assert_int_gt(d.time_s, 0);
	cache_difference_release(&d);
	free(text);
	release(&c);
}

TEST_EACH(a_comparison_lists_the_differences, changes)
{
	struct cache *cache = open_cache();

	store_first(cache);
	expect_change(cache, row);
	cache_free(cache);
}

static void changed_header(struct compile *c)
{
	c->files[2].digest.b[0] = 9;
}

static void changed_header_and_definition(struct compile *c)
{
	changed_header(c);
	undefined(c);
}

/* The key of a result with messages covers the digest of the header. */
static const struct change changes_with_messages[] = {
	{ unchanged, CACHE_MISS_REMOVED, "", 0 },
	{ changed_header, CACHE_MISS_FILE, "autoconf.h [] [];", 0 },
	{ changed_header_and_definition, CACHE_MISS_DEFINITION,
	  "CONFIG_B [1] -;", 0 },
};

TEST_EACH(after_messages_a_header_is_compared_completely, changes_with_messages)
{
	struct cache *cache = open_cache();
	struct compile c;

	init_compile_of(&c, "a.o");
	c.action.has_messages = true;
	store(cache, &c);
	expect_change(cache, row);
	cache_free(cache);
}

TEST(a_compile_of_an_unknown_object_is_new)
{
	struct cache *cache = open_cache();
	struct cache_difference d;
	struct compile c;

	store_first(cache);
	init_compile_of(&c, "b.o");
	cache_action_compare(cache, &c.action, false, &d);
	ck_assert_int_eq(d.cause, CACHE_MISS_NEW);
	ck_assert_uint_eq(d.n_changes, 0);
	release(&c);
	cache_free(cache);
}

/* Without the environment, the other parts are compared. */
TEST(unknown_variables_are_not_compared)
{
	struct cache *cache = open_cache();
	struct cache_difference d;
	struct compile c;

	store_first(cache);
	init_compile_of(&c, "a.o");
	c.action.has_variables = false;
	free(c.action.words.v[5]);
	free(c.action.words.v[4]);
	c.action.words.v[4] = NULL;
	c.action.words.n = 4;
	cache_action_compare(cache, &c.action, false, &d);
	ck_assert_int_eq(d.cause, CACHE_MISS_REMOVED);
	cache_difference_release(&d);
	release(&c);
	cache_free(cache);
}

TEST(the_nearest_compile_is_compared)
{
	struct cache *cache = open_cache();
	struct cache_difference d;
	struct compile c;

	init_compile_of(&c, "a.o");
	undefined(&c);
	store(cache, &c);
	init_compile_of(&c, "a.o");
	other_flag(&c);
	changed_file(&c);
	store(cache, &c);
	store_first(cache);
	init_compile_of(&c, "a.o");
	cache_action_compare(cache, &c.action, true, &d);
	ck_assert_int_eq(d.cause, CACHE_MISS_DEFINITION);
	ck_assert_uint_eq(d.n_changes, 1);
	cache_difference_release(&d);
	cache_action_compare(cache, &c.action, false, &d);
	ck_assert_int_eq(d.cause, CACHE_MISS_REMOVED);
	cache_difference_release(&d);
	release(&c);
	cache_free(cache);
}

/* The last eight different compiles are described, equal ones only once. */
TEST(only_the_last_eight_different_compiles_are_compared)
{
	struct cache *cache = open_cache();
	struct cache_difference d;
	struct compile c;

	store_first(cache);
	for (size_t i = 0; i < 8; i++) {
		for (size_t k = 0; k < 3; k++) {
			init_compile_of(&c, "a.o");
			c.files[0].digest.b[0] = (uint8_t)(i + 1);
			store(cache, &c);
		}
	}
	init_compile_of(&c, "a.o");
	c.files[0].digest.b[0] = 1;
	cache_action_compare(cache, &c.action, false, &d);
	ck_assert_int_eq(d.cause, CACHE_MISS_REMOVED);
	cache_difference_release(&d);
	c.files[0].digest.b[0] = 0;
	cache_action_compare(cache, &c.action, false, &d);
	ck_assert_int_eq(d.cause, CACHE_MISS_FILE);
	cache_difference_release(&d);
	release(&c);
	cache_free(cache);
}

static void put_random_record(struct cache *cache, struct bytes content)
{
	struct digest key;
	struct buf b = { 0 };

	buf_put_str(&b, "kfarm actions");
	buf_put_str(&b, "a.o");
	digest_bytes(buf_bytes(&b), &key);
	ck_assert_int_eq(store_put_record(cache_store(cache), STORE_RECORD_NOTE,
					  &key, content),
			 0);
	buf_release(&b);
}

/* A record of another version or with a valid digest can have any content. */
TEST(a_damaged_description_does_not_prevent_a_store)
{
	struct cache *cache = open_cache();
	struct buf record = { 0 };
	struct digest key;

	store_first(cache);
	buf_put_str(&record, "kfarm actions");
	buf_put_str(&record, "a.o");
	digest_bytes(buf_bytes(&record), &key);
	buf_reset(&record);
	ck_assert_int_eq(store_get_record(cache_store(cache), STORE_RECORD_NOTE,
					  &key, &record),
			 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct cache_difference d;
		struct compile c;
		struct buf b = { 0 };

		pick_start(i);
		buf_add_bytes(&b, buf_bytes(&record));
		for (unsigned n = 1 + pick(4); n; n--)
			b.data[pick((unsigned)b.len)] = (uint8_t)pick(256);
		if (maybe(30))
			b.len = pick((unsigned)b.len);
		put_random_record(cache, buf_bytes(&b));
		init_compile_of(&c, "a.o");
		cache_action_compare(cache, &c.action, false, &d);
		cache_difference_release(&d);
		ck_assert_int_eq(cache_action_store(cache, &c.action), 0);
		release(&c);
		buf_release(&b);
	}
	buf_release(&record);
	cache_free(cache);
}

TEST(the_text_of_each_cause_is_parsed)
{
	for (int i = 0; i < CACHE_N_MISSES; i++) {
		enum cache_miss cause;

		ck_assert(cache_miss_parse(cache_miss_text((enum cache_miss)i),
					   &cause));
		ck_assert_int_eq(cause, i);
	}
	ck_assert(!cache_miss_parse("other", &(enum cache_miss){ 0 }));
}
