/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Sandboxes with a node-native toolchain: a gcc of this machine, installed in
 * one directory, which the sandbox shows at the client's path.
 */
#include "../lib/test.h"
#include "kfarmd-bundle.h"
#include "kfarmd/native-toolchain.h"

#include <sys/inotify.h>

#define ID     "gcc-1.2.3-own"
#define PREFIX "/home/kfarm-test/tools/gcc-1.2.3-own/t"
#define SOURCE                  \
	"#include <stddef.h>\n" \
	"size_t f(const char *s) { return s ? *s : 7; }\n"

static char *dir, *toolchains_dir, *copy;
static struct bundle gcc;
static struct node n;

static void set_up_all(void)
{
	signal(SIGPIPE, SIG_IGN);
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	dir = node_dir();
	toolchains_dir = xasprintf("%s/kept", dir);
	copy = xasprintf("%s/copy", dir);
	node_store = xasprintf("%s/store", dir);
	ck_assert_int_eq(mkdir(copy, 0700), 0);
	gcc_copy(copy);
}

static void tear_down_all(void)
{
	free(toolchains_dir);
	free(copy);
	free(node_store);
	node_remove(dir);
}

static void start(const char *toolchains)
{
	const char *words[] = { "--toolchains", toolchains, NULL };

	node_start_bare(&n, node_store, words);
	ck_assert_msg(n.c.fit.usable, "not fit: %s", n.c.fit.reason);
}

/* The first test uploads the toolchain for all others. */
static void set_up(void)
{
	client_set_up();
	start(toolchains_dir);
	gcc = bundle_of(ID, n.c.fit.hosts.v[0], copy);
	bundle_deliver(&n.c, &gcc, 14);
}

static void tear_down(void)
{
	bundle_release(&gcc);
	node_end(&n);
	client_tear_down();
}

static const struct wire_have *make_sandbox(unsigned cell, const char *driver,
					    const char *toolchain_id,
					    struct play_view *tools)
{
	struct wire_cell m = { .cell = cell,
			       .driver = (char *)driver,
			       .installed_id = (char *)toolchain_id };
	struct play_view none = { 0 };
	struct buf body = { 0 };

	memset(m.toolchain.b, 0x33, sizeof(m.toolchain.b));
	strv_add(&m.client_roots, ROOT);
	wire_cell_encode(&body, &m);
	client_send(&n.c, WIRE_CELL, &body);
	strv_release(&m.client_roots);
	play_send_view(&n.c, cell, WIRE_PART_TOOLCHAIN_END,
		       tools ? tools : &none);
	return client_wait_have(&n.c, cell, 1);
}

static void check_ready(const struct wire_have *have)
{
	ck_assert_msg(have->state == WIRE_HAVE_READY, "%s", have->detail);
	ck_assert_uint_eq(strlen(have->detail), DIGEST_HEX - 1);
}

static void check_rejected(const struct wire_have *have, const char *word)
{
	ck_assert_uint_eq(have->state, WIRE_HAVE_REFUSED);
	ck_assert_msg(strstr(have->detail, word), "it said: %s", have->detail);
}

static void compile(unsigned job)
{
	static const char *const flags[] = { "-O 2", NULL };

	play_remote(&n.c, job, "a.c", flags);
	client_wait_job(&n.c, job);
	ck_assert_msg(n.c.job[job].has_result, "%s", n.c.job[job].fail.reason);
	ck_assert_msg(!n.c.job[job].result.wait_status, "%s",
		      buf_str(&n.c.job[job].stream[WIRE_OUTPUT_STDERR]));
}

/* Return the local object of the same compiler. */
static struct buf compile_locally(void)
{
	char *source = xasprintf("%s/a.c", dir);
	char *line = xasprintf("cd '%s' && '%s/t/bin/x-gcc' -O2 -c a.c && "
			       "cat a.o",
			       dir, copy);
	char *argv[] = { (char *)"sh", (char *)"-c", line, NULL };
	struct err err;
	struct buf out;

	must(fs_write(source, bytes_str(SOURCE), 0600, &err));
	out = output_of(argv);
	free(line);
	free(source);
	return out;
}

FIXTURE_ONCE(set_up_all, tear_down_all);
FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(the_object_equals_a_local_one_and_paths_are_the_clients)
{
	struct buf local_object = compile_locally();
	struct heard *job = &n.c.job[3];

	check_ready(make_sandbox(0, PREFIX "/bin/x-gcc", ID, NULL));
	play_put(&n.c, 0, ROOT "/a.c", SOURCE);
	compile(3);
	ck_assert_uint_gt(local_object.len, 100);
	ck_assert(bytes_equal(buf_bytes(&job->stream[WIRE_OUTPUT_OBJECT]),
			      buf_bytes(&local_object)));
	/* Headers have the client's paths, never the node's. */
	text_has(buf_str(&job->stream[WIRE_OUTPUT_DEPS]), PREFIX "/lib/");
	ck_assert_ptr_null(strstr(buf_str(&job->stream[WIRE_OUTPUT_DEPS]),
				  toolchains_dir));
	/* The result contains the toolchain digest that the client sent. */
	ck_assert_uint_eq(job->result.toolchain.b[5], 0x33);
	buf_release(&local_object);
}

/* The name is a link to the compiler, as in a masquerade directory. */
TEST(the_driver_is_found_through_links_of_the_client)
{
	struct play_view links = { 0 };

	play_link(&n.c, &links, "/home/kfarm-test/bin/a-gcc123-gcc",
		  "../tools/gcc-1.2.3-own/t/bin/x-cc");
	check_ready(make_sandbox(0, "/home/kfarm-test/bin/a-gcc123-gcc", ID,
				 &links));
	play_put(&n.c, 0, ROOT "/a.c", SOURCE);
	compile(3);
}

TEST(a_toolchain_is_in_use_as_long_as_its_sandbox_exists)
{
	struct buf body = { 0 };
	const struct wire_held *held;

	check_ready(make_sandbox(0, PREFIX "/bin/x-gcc", ID, NULL));
	held = tools_ask(&n.c, false);
	ck_assert_uint_eq(held->toolchains[0].state, WIRE_HELD_IN_USE);
	ck_assert_uint_eq(tools_drop(&n.c, 2, ID)->state, 1);
	wire_number_encode(&body, 0);
	client_send(&n.c, WIRE_SHUT, &body);
	while (tools_ask(&n.c, false)->toolchains[0].state == WIRE_HELD_IN_USE)
		client_idle(5);
	ck_assert_uint_eq(n.c.held.toolchains[0].state, WIRE_HELD_OK);
}

static const char *const directories[] = { "kept/", "copy/../kept", "link" };

/* The last of these directories is a symbolic link. */
TEST_EACH(the_toolchains_directory_need_not_be_canonical, directories)
{
	char *toolchains = xasprintf("%s/%s", dir, *row);

	node_end(&n);
	if (str_equal(*row, "link"))
		ck_assert_int_eq(symlink(toolchains_dir, toolchains), 0);
	start(toolchains);
	check_ready(make_sandbox(0, PREFIX "/bin/x-gcc", ID, NULL));
	play_put(&n.c, 0, ROOT "/a.c", SOURCE);
	compile(3);
	free(toolchains);
}

/* Concurrent sandboxes each make a manifest, or reuse another one's. */
TEST(several_sandboxes_can_use_one_toolchain)
{
	char *first;

	first = xstrdup(make_sandbox(0, PREFIX "/bin/x-gcc", ID, NULL)->detail);
	for (unsigned i = 1; i < 4; i++) {
		const struct wire_have *have = make_sandbox(
			i, "/other/t/bin/x-gcc", ID, NULL);

		check_ready(have);
		ck_assert_str_eq(have->detail, first);
	}
	free(first);
}

/* Return how often the watched file was opened since the last call. */
static unsigned count_opens(int watch)
{
	struct inotify_event events[16]; /* events of a file have no name */
	unsigned n_opens = 0;
	ssize_t len;

	while ((len = read(watch, events, sizeof(events))) > 0) {
		for (size_t i = 0; i < (size_t)len / sizeof(*events); i++)
			n_opens += (events[i].mask & IN_OPEN) != 0;
	}
	return n_opens;
}

/*
 * Make a sandbox with the driver x-gccNUMBER and remove the sandbox.  Return
 * true if the manifest was cached: kfarmd then reads the driver only once, to
 * put it into the sandbox.
 */
static bool is_cached(int watch, unsigned number)
{
	static unsigned cell = 16; /* above the numbers of the uploads */
	char *driver = xasprintf("/other/t/bin/x-gcc%u", number);
	struct buf body = { 0 };

	count_opens(watch);
	check_ready(make_sandbox(cell, driver, "gcc-3-many", NULL));
	wire_number_encode(&body, cell++);
	client_send(&n.c, WIRE_SHUT, &body);
	while (tools_ask(&n.c, false)->toolchains[1].state == WIRE_HELD_IN_USE)
		client_idle(5);
	free(driver);
	return count_opens(watch) == 1;
}

/* The cache holds 16 manifests. */
TEST(the_least_recently_used_cached_manifest_is_evicted)
{
	struct bundle g = bundle_of("gcc-3-many", n.c.fit.hosts.v[0], copy);
	char *path = xasprintf("%s/gcc-3-many/t/bin/x-gcc", toolchains_dir);
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	for (unsigned i = 0; i < 17; i++) {
		char *link = xasprintf("t/bin/x-gcc%u", i);

		bundle_link(&g, link, "x-gcc");
		free(link);
	}
	toolchain_dir_digest_sort_entries(&g.entries);
	toolchain_dir_digest_compute(&g.entries, &g.tree);
	bundle_deliver(&n.c, &g, 15);
	/* inotify(7) merges equal events, so watch the close between opens. */
	ck_assert_int_ge(
		inotify_add_watch(watch, path, IN_OPEN | IN_CLOSE_NOWRITE), 0);
	for (unsigned i = 0; i < 16; i++)
		ck_assert(!is_cached(watch, i));
	ck_assert(is_cached(watch, 0));
	ck_assert(!is_cached(watch, 16)); /* evicts 1 */
	ck_assert(is_cached(watch, 15));
	ck_assert(is_cached(watch, 0));
	ck_assert(!is_cached(watch, 1));
	ck_assert_uint_eq(tools_drop(&n.c, 3, "gcc-3-many")->state, 0);
	close(watch);
	free(path);
	bundle_release(&g);
}

TEST(unusable_toolchains_and_drivers_are_rejected)
{
	check_rejected(make_sandbox(0, PREFIX "/bin/x-gcc", "gcc-9-no", NULL),
		       "not installed");
	check_rejected(make_sandbox(1, PREFIX "/bin/y-gcc", ID, NULL),
		       "no such compiler: y-gcc");
	check_rejected(make_sandbox(2, PREFIX "/x-gcc", ID, NULL),
		       "bin directory");
	check_rejected(make_sandbox(3, PREFIX "/bin/as", ID, NULL), "as");
	ck_assert(!n.c.closed);
}

/* The toolchain's prefix is the node's root, where libraries are links. */
TEST(a_conflicting_or_unresolvable_client_prefix_is_rejected)
{
	struct play_view loop = { 0 };

	check_rejected(make_sandbox(0, "/bin/x-gcc", ID, NULL), "/lib");
	play_link(&n.c, &loop, "/a/bin/x-gcc", "../../a/bin/x-gcc");
	check_rejected(make_sandbox(1, "/a/bin/x-gcc", ID, &loop),
		       "cannot resolve");
}

static void corrupt(const char *path)
{
	struct timespec times[2];
	char *full = xasprintf("%s/" ID "/%s", toolchains_dir, path);
	struct stat st;
	FILE *f;

	ck_assert_int_eq(stat(full, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(chmod(full, 0755), 0);
	f = fopen(full, "r+");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, st.st_size / 2, SEEK_SET), 0);
	fputs("??????", f);
	fclose(f);
	ck_assert_int_eq(chmod(full, st.st_mode), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, full, times, 0), 0);
	free(full);
}

/* A damaged driver, which kfarmd would execute, and a damaged data file. */
TEST_RANGE(a_damaged_toolchain_is_rejected_and_reported, 0, 2)
{
	static const char *const paths[] = { "t/bin/x-gcc", "/cc1" };
	const struct wire_have *have;
	const char *path = NULL;

	/* The damage is detected even if the manifest is cached. */
	check_ready(make_sandbox(0, PREFIX "/bin/x-gcc", ID, NULL));
	for (size_t i = 0; i < gcc.entries.n; i++) {
		if (str_ends(gcc.entries.v[i].path, paths[_i]))
			path = gcc.entries.v[i].path;
	}
	ck_assert_ptr_nonnull(path);
	corrupt(path);
	have = make_sandbox(1, PREFIX "/bin/x-gcc", ID, NULL);
	check_rejected(have, path);
	ck_assert_uint_eq(tools_ask(&n.c, false)->toolchains[0].state,
			  WIRE_HELD_DAMAGED);
	check_rejected(make_sandbox(2, PREFIX "/bin/x-gcc", ID, NULL), path);
}

static const char *const bad_drivers[] = {
	"#!/bin/sh\necho 12.2.0\n",
	"",
	"\x7f"
	"ELF, or so it seems",
};

TEST_EACH(a_driver_that_is_no_elf_program_is_rejected, bad_drivers)
{
	struct bundle g = bundle_small("gcc-2-odd", n.c.fit.hosts.v[0], *row);

	bundle_deliver(&n.c, &g, 15);
	check_rejected(make_sandbox(0, "/x/t/bin/x-gcc", "gcc-2-odd", NULL),
		       "t/bin/x-gcc");
	ck_assert(!n.c.closed);
	ck_assert_uint_eq(tools_drop(&n.c, 3, "gcc-2-odd")->state, 0);
	bundle_release(&g);
}

/* ------------------------------------------------------------ prefixes */

static const struct prefix {
	const char *within, *driver;
	const char *node_prefix, *client_prefix; /* NULL: rejected */
} prefixes[] = {
	{ "a/b/bin/gcc", "/c/a/b/bin/gcc", "/K", "/c" },
	{ "a/b/bin/gcc", "/c/x/b/bin/gcc", "/K/a", "/c/x" },
	{ "a/b/bin/gcc", "/c/x/y/bin/gcc", "/K/a/b", "/c/x/y" },
	{ "bin/gcc", "/c/x/y/bin/gcc", "/K", "/c/x/y" },
	{ "usr/bin/gcc", "/usr/bin/gcc", "/K", "" },
	{ "a/usr/bin/gcc", "/usr/bin/gcc", "/K/a", "" },
	{ "a/b/bin/gcc", "/bin/gcc", "/K/a/b", "" },
	{ "a/b/bin/gcc", "/c/gcc", NULL, NULL },
	{ "a/b/gcc", "/c/bin/gcc", NULL, NULL },
	{ "a/bin/gcc", "/gcc", NULL, NULL },
	{ "a/xbin/gcc", "/xbin/gcc", NULL, NULL },
};

TIMEOUT(0);

TEST_EACH(prefixes_are_derived_from_the_driver_paths, prefixes)
{
	char *node_prefix, *client_prefix, *mapped;

	ck_assert_int_eq(kfarmd_native_toolchain_find_prefixes(
				 "/K", row->within, row->driver, &node_prefix,
				 &client_prefix),
			 row->node_prefix != NULL);
	if (!row->node_prefix) {
		ck_assert_ptr_null(node_prefix);
		ck_assert_ptr_null(client_prefix);
		return;
	}
	ck_assert_str_eq(node_prefix, row->node_prefix);
	ck_assert_str_eq(client_prefix, row->client_prefix);
	mapped = xasprintf("/K/%s", row->within);
	free(node_prefix);
	node_prefix = kfarmd_native_toolchain_map_path(mapped, row->node_prefix,
						       row->client_prefix);
	ck_assert_str_eq(node_prefix, row->driver);
	free(mapped);
	free(node_prefix);
	free(client_prefix);
}

TEST(paths_outside_the_prefix_are_not_mapped)
{
	static const char *const paths[] = { "/lib/libc.so.6", "/Kx/a", "/" };
	char *mapped;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		mapped = kfarmd_native_toolchain_map_path(paths[i], "/K", "/c");
		ck_assert_str_eq(mapped, paths[i]);
		free(mapped);
	}
	mapped = kfarmd_native_toolchain_map_path("/K", "/K", "/c");
	ck_assert_str_eq(mapped, "/c");
	free(mapped);
}
