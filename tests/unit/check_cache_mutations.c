/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* san: long */
/*
 * Random mutations of compiles: of the content, the order, the presence and the
 * case of files, of links, options and variables.  If a mutation preserves a
 * key, the compiler must give equal results.  CACHE_MUTATIONS is the number of
 * mutations, CACHE_MUTATIONS_SEED the first seed, and TMPDIR the directory of
 * the trees.  After a failure, both trees remain there.
 */
#include "../lib/test.h"
#include "cache-tree.h"

#include "base/spawn.h"
#include "base/which.h"
#include "cache/cache.h"
#include "coord/caching.h"
#include "coord/internal.h"
#include "options/env.h"

#include <event2/event.h>

#define MUTATIONS_PER_TREE 40
#define RESULTS_MAX        (MUTATIONS_PER_TREE + 1)

static char *top; /* directory of the tree and of the coordinator's files */
static struct event_base *base;
static struct coord *coord;
static struct cache *results;
static bool finished; /* the lookup of the current unit */

/* ----------------------------------------------------------------- trees */

static char *root_path(const struct tree *t)
{
	return xasprintf("%s/r%u", top, t->root);
}

/* Return the argument with the root for each '@'. The caller frees it. */
static char *expand(const char *word, const char *root)
{
	struct buf b = { 0 };

	for (; *word; word++) {
		if (*word == '@')
			buf_add_str(&b, root);
		else
			buf_add(&b, word, 1);
	}
	buf_add_str(&b, "");
	return buf_steal(&b);
}

static void write_item(const struct tree_item *item, const char *path)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { .tv_sec = item->mtime_s } };
	mode_t mode = item->executable ? 0755 : 0644;
	char *dir = str_dir(path);
	struct err err;
	FILE *f;

	must(fs_mkdirs(dir, 0755, &err));
	free(dir);
	if (item->kind == TREE_DIR) {
		must(fs_mkdirs(path, 0755, &err));
		return;
	}
	if (item->kind == TREE_LINK) {
		unlink(path);
		ck_assert_int_eq(symlink(buf_str(&item->text), path), 0);
		return;
	}
	if (item->kind == TREE_HARD_LINK) {
		char *target = xasprintf(
			"%.*s%s", (int)(strlen(path) - strlen(item->path)),
			path, buf_str(&item->text));

		/* The target can be missing. */
		fs_remove(path, &err);
		if (link(target, path) && errno != ENOENT)
			ck_assert_int_eq(errno, EPERM); /* a directory */
		free(target);
		return;
	}
	/* Replace the file as git does, or write it as an editor does. */
	if (maybe(50))
		unlink(path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fwrite(item->text.data, 1, item->text.len, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	if (item->mtime_s)
		ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Change the files from one tree to the next. */
static void write_tree(const struct tree *from, const struct tree *to)
{
	char *root = root_path(to);

	if (from->n && from->root != to->root) {
		char *old = root_path(from);

		ck_assert_int_eq(rename(old, root), 0);
		free(old);
	}
	for (size_t i = from->n; i-- > 0;) {
		const struct tree_item *now = tree_find(to, from->v[i].path);
		char *path = xasprintf("%s/%s", root, from->v[i].path);

		if (!now || now->kind != from->v[i].kind) {
			if (from->v[i].kind == TREE_DIR)
				rmdir(path);
			else
				unlink(path);
		}
		free(path);
	}
	for (size_t i = 0; i < to->n; i++) {
		const struct tree_item *old = tree_find(from, to->v[i].path);
		char *path = xasprintf("%s/%s", root, to->v[i].path);
		struct err err;

		/* A directory can remain, because items below it had it. */
		if (to->v[i].kind != TREE_DIR &&
		    (!old || old->kind == TREE_DIR))
			fs_remove(path, &err);
		if (!old || !tree_equal_items(old, &to->v[i]))
			write_item(&to->v[i], path);
		free(path);
	}
	free(root);
}

/* -------------------------------------------------------------- commands */

struct command {
	char *root, *cwd;
	const char *compiler;
	struct strv argv, env;
};

static void make_command(struct command *c, const struct tree *t)
{
	*c = (struct command){ .root = root_path(t) };
	c->cwd = xasprintf("%s/w%u", c->root, t->cwd);
	c->compiler = t->clang ? "/usr/bin/clang" : "/usr/bin/gcc";
	strv_add(&c->argv, c->compiler);
	for (size_t i = 0; i < t->args.n; i++) {
		char *words = expand(t->args.v[i], c->root);

		strv_split(&c->argv, words, " ");
		free(words);
	}
	strv_addf(&c->argv, "../u/unit.%c", t->assembler ? 'S' : 'c');
	strv_add(&c->env, "PATH=/usr/bin:/bin");
	for (size_t i = 0; i < t->env.n; i++)
		strv_own(&c->env, expand(t->env.v[i], c->root));
}

static void release_command(struct command *c)
{
	strv_release(&c->argv);
	strv_release(&c->env);
	free(c->root);
	free(c->cwd);
}

/* A compile with its keys and, if it was compiled, its result. */
struct compiled {
	struct tree tree;
	struct digest short_key, full_key;
	bool failed;
	bool has_messages, names_temporaries;
	struct buf outputs; /* a line for each file */
	struct buf messages;
};

static void release_compiled(struct compiled *c)
{
	tree_release(&c->tree);
	buf_release(&c->outputs);
	buf_release(&c->messages);
}

/* Describe the files in the working directory, and remove them. */
static void take_outputs(const char *cwd, struct buf *out)
{
	struct strv names = { 0 };

	ck_assert_int_eq(fs_list(cwd, &names), 0);
	strv_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", cwd, names.v[i]);
		char hex[DIGEST_HEX];
		struct digest d;
		struct err err;

		must(digest_file(path, &d, &err));
		digest_format(&d, hex);
		buf_printf(out, "%s %s\n", names.v[i], hex);
		ck_assert_int_eq(unlink(path), 0);
		free(path);
	}
	strv_release(&names);
}

static void compile(struct compiled *c)
{
	const struct spawn_limits limits = { .max_bytes = 16 << 20,
					     .timeout_ms = 60000 };
	struct command command;
	struct spawn what;
	struct buf out = { 0 };
	struct err err;
	int status;

	make_command(&command, &c->tree);
	strv_addf(&command.env, "TMPDIR=%s/work", top);
	what = (struct spawn){ .argv = command.argv.v,
			       .env = command.env.v,
			       .cwd = command.cwd,
			       .stdio_fds = { -1, -1, -1 } };
	buf_reset(&c->messages);
	buf_reset(&c->outputs);
	must(spawn_collect(&what, &limits, &out, &c->messages, &status, &err));
	c->failed = status != 0;
	buf_add_bytes(&c->messages, buf_bytes(&out));
	c->has_messages = c->messages.len > 0;
	c->names_temporaries = memmem(buf_str(&c->messages), c->messages.len,
				      "/work/", 6) != NULL;
	take_outputs(command.cwd, &c->outputs);
	buf_release(&out);
	release_command(&command);
}

/* ------------------------------------------------------------------ keys */

static bool on_worker_finished(struct coord_unit *u)
{
	u->in_worker = false;
	finished = u->caching.found;
	return true;
}

static void on_not_found(struct coord_unit *u)
{
	(void)u;
	finished = true;
}

static struct coord_unit *make_unit(const struct command *command)
{
	mode_t mask = umask(0);
	struct wire_cc_job job = { .pid = 1,
				   .umask = mask,
				   .root = wire_cc_root(),
				   .cwd = xstrdup(command->cwd),
				   .compiler = xstrdup(command->compiler) };

	umask(mask);
	strv_add_all(&job.argv, command->argv.v);
	for (size_t i = 0; i < command->env.n; i++) {
		if (options_env_is_relevant(command->env.v[i]))
			strv_add(&job.env, command->env.v[i]);
	}
	return coord_unit_new(coord, &job, NULL);
}

/*
 * Look for the result of the compile in the empty cache, as a build does.
 * Returns false if the compile has no keys.
 */
static bool find_keys(struct compiled *c)
{
	static const struct coord_caching_ops ops = {
		.on_worker_finished = on_worker_finished,
		.on_not_found = on_not_found,
	};
	struct command command;
	struct coord_unit *u;
	bool has_keys = false;

	make_command(&command, &c->tree);
	u = make_unit(&command);
	if (u) {
		const struct inputs_toolchain *tc = inputs_toolchain_get(
			&coord->toolchains, u->request.compiler,
			strv_list(&u->request.env));

		while (tc->state == INPUTS_STATE_UNKNOWN)
			event_base_loop(base, EVLOOP_ONCE);
		/* A build reads stamps again if a verification fails. */
		u->scanned = maybe(50);
		finished = false;
		if (coord_caching_find(u, &ops)) {
			while (!finished)
				event_base_loop(base, EVLOOP_ONCE);
			ck_assert(!u->caching.found);
			has_keys = u->caching.has_keys && !u->inputs.reason;
			if (!has_keys && getenv("CACHE_MUTATIONS_VERBOSE"))
				fprintf(stderr, "no key: %s: %s\n",
					reason_text(u->inputs.reason),
					u->inputs.manifest.detail);
			c->short_key = u->caching.keys.short_key;
			c->full_key = u->caching.keys.full_key;
		} else if (getenv("CACHE_MUTATIONS_VERBOSE")) {
			fprintf(stderr, "no key: local: %s\n",
				reason_text(coord_unit_local_reason(u)));
		}
		coord_unit_free(u);
	}
	release_command(&command);
	return has_keys;
}

/* ------------------------------------------------------------ comparison */

static struct counts {
	unsigned long mutations, refused, full_equal, short_equal, failed;
	/* compiled although the keys differ, and the results are equal */
	unsigned long different, needless;
} counts;

static bool is_equal_result(const struct compiled *a, const struct compiled *b)
{
	return a->failed == b->failed &&
	       bytes_equal(buf_bytes(&a->outputs), buf_bytes(&b->outputs)) &&
	       bytes_equal(buf_bytes(&a->messages), buf_bytes(&b->messages));
}

/* Copy the tree for the user and print its compile. */
static void dump(unsigned long seed, const struct compiled *c, const char *name)
{
	char *copy = xasprintf("%s/%s-%lu", top, name, seed);
	struct command command;
	char *argv, *env, *cp;

	make_command(&command, &c->tree);
	argv = strv_join(&command.argv, " ");
	env = strv_join(&command.env, " ");
	cp = xasprintf("cp -a %s %s", command.root, copy);
	ck_assert_int_eq(system(cp), 0);
	fprintf(stderr, "%s, copied from %s:\ncd %s; env -i %s %s\n%s%s\n",
		copy, command.root, command.cwd, env, argv,
		buf_str(&c->outputs), buf_str(&c->messages));
	free(argv);
	free(env);
	free(cp);
	free(copy);
	release_command(&command);
}

/*
 * Compare the current compile `b` with the earlier compile `a`, whose result a
 * build would use for `b`.
 */
static void expect_equal(unsigned long seed, const struct compiled *a,
			 const struct compiled *b, const char *key)
{
	struct compiled again = { 0 };

	if (is_equal_result(a, b))
		return;
	again.tree = tree_copy(&b->tree);
	/* Compilers could print other bytes each time. */
	compile(&again);
	if (is_equal_result(&again, b)) {
		dump(seed, b, "after");
		write_tree(&b->tree, &a->tree);
		dump(seed, a, "before");
		ck_abort_msg("seed %lu: the %s key is equal", seed, key);
	}
	fprintf(stderr, "%lu: a compile is not reproducible\n", seed);
	release_compiled(&again);
}

/* Compare the compile with the earlier compiles of its tree. */
static void compare_known(unsigned long seed, const struct compiled *known,
			  size_t n, const struct compiled *c)
{
	for (size_t i = 0; i < n; i++) {
		const struct compiled *k = &known[i];

		/* A failure and a message of a temporary are not stored. */
		if ((k->failed && c->failed) || k->names_temporaries ||
		    c->names_temporaries)
			continue;
		if (digest_equal(&k->full_key, &c->full_key))
			expect_equal(seed, k, c, "full");
		else if (digest_equal(&k->short_key, &c->short_key) &&
			 ((!k->failed && !k->has_messages) ||
			  (!c->failed && !c->has_messages)))
			expect_equal(seed, k, c, "short");
	}
}

/* Return true if an earlier compile has the full or the short key. */
static bool is_known(const struct compiled *known, size_t n,
		     const struct compiled *c, bool full)
{
	for (size_t i = 0; i < n; i++) {
		if (digest_equal(full ? &known[i].full_key :
					&known[i].short_key,
				 full ? &c->full_key : &c->short_key))
			return true;
	}
	return false;
}

/*
 * Mutate a tree.  Each compile with a key of an earlier compile is executed,
 * and a few others.
 */
static void mutate(unsigned long seed, const struct tree *first)
{
	struct compiled known[RESULTS_MAX] = { 0 };
	struct tree current = { 0 };
	size_t n = 0;

	for (unsigned i = 0; i <= MUTATIONS_PER_TREE; i++) {
		struct compiled c = { 0 };
		const struct tree *from;
		bool full, brief;

		/* Mostly start from a compile whose result is known. */
		from = !i        ? first :
		       maybe(15) ? &current :
				   &known[pick((unsigned)n)].tree;
		c.tree = tree_copy(from);
		for (unsigned k = maybe(25) ? pick(3) : 0; i && k; k--)
			tree_mutate(&c.tree);
		while (i && tree_equal(&c.tree, from))
			tree_mutate(&c.tree);
		write_tree(&current, &c.tree);
		tree_release(&current);
		current = tree_copy(&c.tree);
		counts.mutations += i > 0;
		if (!find_keys(&c)) {
			counts.refused += i > 0;
			release_compiled(&c);
			if (!i)
				break;
			continue;
		}
		full = is_known(known, n, &c, true);
		brief = is_known(known, n, &c, false);
		counts.full_equal += full;
		counts.short_equal += brief && !full;
		if (i && !full && !brief && !maybe(8)) {
			release_compiled(&c);
			continue;
		}
		compile(&c);
		counts.failed += c.failed;
		compare_known(seed, known, n, &c);
		if (n && !full && !brief && !c.failed) {
			counts.different++;
			counts.needless += is_equal_result(&known[0], &c);
		}
		if (full)
			release_compiled(&c);
		else
			known[n++] = c;
	}
	for (size_t i = 0; i < n; i++)
		release_compiled(&known[i]);
	tree_release(&current);
}

/* --------------------------------------------------------------- fixture */

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoul(s, NULL, 10) : otherwise;
}

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/kfarm-mutations-XXXXXX", tmp ? tmp : "/tmp");
	char *path, *work;
	struct cache_setup setup = { 0 };
	struct node_roster roster = { 0 };
	struct coord_setup s = { .roster = &roster, .local_slots = 1 };
	struct err err;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	top = realpath(dir, NULL);
	free(dir);
	path = xasprintf("%s/results", top);
	setup.dir = path;
	must(cache_open(&results, &setup, &err));
	free(path);
	work = xasprintf("%s/work", top);
	must(fs_mkdirs(work, 0700, &err));
	path = xasprintf("%s/socket", work);
	base = event_base_new();
	s.base = base;
	s.socket_path = path;
	s.work_dir = work;
	s.cache = results;
	must(coord_new(&coord, &s, &err));
	free(path);
	free(work);
}

static void teardown(void)
{
	struct err err;

	coord_free(coord);
	cache_free(results);
	event_base_free(base);
	fs_remove(top, &err);
	free(top);
}

FIXTURE(setup, teardown);
TIMEOUT(600 + (double)number_of("CACHE_MUTATIONS", 0));

TEST(equal_keys_mean_equal_results)
{
	unsigned long seed = number_of("CACHE_MUTATIONS_SEED", 1);
	unsigned long runs = number_of("CACHE_MUTATIONS", 600);
	struct err err;

	if (access("/usr/bin/gcc", X_OK) || access("/usr/bin/clang", X_OK))
		SKIP("no gcc or no clang");
	for (; counts.mutations < runs; seed++) {
		struct tree t;
		char *root;

		pick_start(seed);
		tree_init(&t);
		mutate(seed, &t);
		for (unsigned i = 0; i < 2; i++) {
			t.root = i;
			root = root_path(&t);
			must(fs_remove(root, &err));
			free(root);
		}
		tree_release(&t);
	}
	fprintf(stderr,
		"%lu mutations: %lu without a key, full key equal %lu, only "
		"the short key %lu, compiles failed %lu; of %lu compiles with "
		"other keys, %lu have the first result\n",
		counts.mutations, counts.refused, counts.full_equal,
		counts.short_equal, counts.failed, counts.different,
		counts.needless);
	/* Ensure that the mutations are not rejected or trivial. */
	ck_assert_uint_lt(counts.refused, counts.mutations / 2);
	ck_assert_uint_gt(counts.full_equal, counts.mutations / 20);
	ck_assert_uint_gt(counts.short_equal, counts.mutations / 100);
}
