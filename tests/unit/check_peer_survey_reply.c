/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/*
 * peer/survey and peer/bundle.  Scripted nodes run in this thread, the survey
 * in another.
 */
#include "../lib/scripted-node.h"
#include "../lib/test.h"

#include "base/task.h"
#include "peer/survey.h"
#include "store/packed-cache.h"

#include <stdatomic.h>

#define NODES 10
#define FILES 40
/* Six of the files are empty, and there is a large one. */
#define CONTENTS (FILES + 1 - 5)

static struct peer_bundle bundle;
static const struct peer_bundle *bundles[] = { &bundle };
static struct peer_survey_node talk[NODES + 1];
static struct store_packed_cache_stats figures;
static atomic_bool over, cancel;
static int result;
static struct err why;
static char kept_id[] = "gcc-13.3.0-aarch64-linux-on-arm64";

static void write_at(const char *top, const char *name, const char *text,
		     size_t times)
{
	char *path = xasprintf("%s/%s", top, name), *parent = str_dir(path);
	struct buf all = { 0 };
	struct err err;

	for (size_t i = 0; i < times; i++)
		buf_printf(&all, "%s %zu\n", text, i);
	must(fs_mkdirs(parent, 0755, &err));
	must(fs_write(path, buf_bytes(&all), 0755, &err));
	buf_release(&all);
	free(parent);
	free(path);
}

/* Small files, a large one of several pieces, an empty one, a link. */
static void make_files(const char *top)
{
	char name[64], text[64];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "gcc/lib/file-%02d", i);
		snprintf(text, sizeof(text), "the text of file %d,", i);
		write_at(top, name, text, (size_t)(i % 7) * 100);
	}
	write_at(top, "gcc/bin/aarch64-linux-gcc", "a large one", 60000);
	snprintf(name, sizeof(name), "%s/gcc/bin/link", top);
	unlink(name);
	ck_assert_int_eq(symlink("aarch64-linux-gcc", name), 0);
}

static void install(struct toolchain_installed *t)
{
	struct compiler_entries files;
	struct err err;

	*t = (struct toolchain_installed){ .id = kept_id,
					   .release = (char *)"gcc-13.3.0",
					   .version = (char *)"13.3.0",
					   .triplet = (char *)"aarch64-linux",
					   .host = (char *)"arm64",
					   .relative_prefix = (char *)"gcc",
					   .driver = (char *)"gcc",
					   .date = (char *)"" };
	t->dir = at(kept_id);
	make_files(t->dir);
	must(toolchain_dir_digest_read(&files, t->dir, NULL, &err));
	toolchain_dir_digest_compute(&files, &t->dir_digest);
	compiler_entries_release(&files);
	must(toolchain_installed_write(t, &err));
}

static void setup(void)
{
	struct toolchain_installed t;
	struct err err;

	tempdir_make(dir);
	base = event_base_new();
	install(&t);
	must(peer_bundle_read(&bundle, &t, NULL, NULL, &err));
	free(t.dir);
}

static void teardown(void)
{
	for (size_t i = 0; i < roster.n; i++)
		peer_survey_release(&talk[i]);
	end_nodes();
	peer_bundle_release(&bundle);
	event_base_free(base);
	tempdir_remove(dir);
}

static void on_thread(void *arg)
{
	result = peer_survey_run(arg, &figures, &why);
	atomic_store(&over, true);
}

static bool is_over(void)
{
	return atomic_load(&over);
}

static void run(struct peer_survey_setup *setup_)
{
	struct task *task;

	atomic_store(&over, false);
	setup_->nodes = talk;
	setup_->n = roster.n;
	if (!setup_->hello_timeout_ms)
		setup_->hello_timeout_ms = 60000;
	task = task_start(on_thread, setup_);
	ck_assert_ptr_nonnull(task);
	turn_until(is_over, 120000);
	task_join(task);
	ck_assert(is_over());
}

/* Script `n` nodes, each of which receives the toolchain. */
static void play(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		nodes[i].held_host = "arm64";
		play_node(i, HONEST);
	}
	for (size_t i = 0; i < n; i++) {
		peer_survey_init(&talk[i], &roster.v[i]);
		talk[i].bundles = bundles;
		talk[i].n_bundles = 1;
	}
}

FIXTURE(setup, teardown);
TIMEOUT(240);

TEST(ten_nodes_get_it_with_one_compression_of_each_file)
{
	struct peer_survey_setup s = { 0 };

	play(NODES);
	run(&s);
	ck_assert_int_eq(result, 0);
	for (size_t i = 0; i < NODES; i++) {
		ck_assert_msg(talk[i].up, "%s", talk[i].why);
		ck_assert(talk[i].bundle_outcomes[0].succeeded);
		ck_assert_uint_eq(nodes[i].bundles, 1);
		ck_assert_uint_eq(nodes[i].blobs, CONTENTS);
		ck_assert_uint_eq(talk[i].upload_stats.n_files_needed,
				  CONTENTS);
		ck_assert_uint_eq(talk[i].upload_stats.n_files_sent, CONTENTS);
		ck_assert_uint_eq(talk[i].upload_stats.bytes_needed,
				  bundle.total_bytes);
		ck_assert_uint_eq(talk[i].upload_stats.bytes_sent,
				  bundle.total_bytes);
		ck_assert_uint_eq(nodes[i].blob_bytes, bundle.total_bytes);
	}
	ck_assert_uint_eq(figures.n_packed, CONTENTS);
}

TEST(only_what_a_node_lacks_is_sent)
{
	struct peer_survey_setup s = { 0 };

	play(1);
	nodes[0].has_some = true;
	run(&s);
	ck_assert(talk[0].bundle_outcomes[0].succeeded);
	ck_assert_uint_gt(nodes[0].blobs, 0);
	ck_assert_uint_lt(nodes[0].blobs, FILES);
	ck_assert_uint_eq(figures.n_packed, nodes[0].blobs);
	ck_assert_uint_eq(talk[0].upload_stats.n_files_sent, nodes[0].blobs);
}

TEST(a_node_that_is_down_or_full_does_not_keep_others_waiting)
{
	struct peer_survey_setup s = { 0 };
	struct err err;

	play(3);
	nodes[1].refuses = true;
	node_address_release(&roster.v[2].address);
	must(node_address_parse(&roster.v[2].address,
				"exec:echo no such host >&2; exit 1", &err));
	run(&s);
	ck_assert_int_eq(result, 0);
	ck_assert(talk[0].up && talk[0].bundle_outcomes[0].succeeded);
	ck_assert(talk[1].up && !talk[1].bundle_outcomes[0].succeeded);
	ck_assert_str_eq(talk[1].bundle_outcomes[0].detail, "the disk is full");
	ck_assert(!talk[2].up);
	ck_assert_str_eq(talk[2].why, "no such host");
}

TEST(what_nodes_hold_is_asked_and_taken_away)
{
	struct peer_survey_setup s = { 0 };
	char *drop[] = { kept_id, (char *)"gcc-1.1.1-x", NULL };

	play(2);
	nodes[0].held = kept_id;
	for (int i = 0; i < 2; i++) {
		talk[i].n_bundles = 0;
		talk[i].removals = drop;
		talk[i].n_removals = 2;
	}
	run(&s);
	ck_assert_uint_eq(talk[0].n_toolchains, 1);
	ck_assert_str_eq(talk[0].toolchains[0].id, kept_id);
	ck_assert_ptr_nonnull(peer_survey_find(&talk[0], kept_id));
	ck_assert_ptr_null(peer_survey_find(&talk[1], kept_id));
	ck_assert_str_eq(talk[0].fit.hosts.v[0], "arm64");
	ck_assert(talk[0].removal_outcomes[0].succeeded);
	ck_assert(!talk[0].removal_outcomes[1].succeeded);
	ck_assert_str_eq(talk[1].removal_outcomes[0].detail,
			 "no such toolchain");
	/* A second survey discards the results of the first. */
	run(&s);
	ck_assert_uint_eq(talk[0].n_toolchains, 1);
}

static void on_progress(void *ctx)
{
	(void)ctx;
	if (talk[0].upload_stats.n_files_needed)
		atomic_store(&cancel, true);
}

static bool was_kept(void)
{
	return nodes[0].bundles;
}

TEST(it_can_be_interrupted)
{
	struct peer_survey_setup s = { .on_progress = on_progress,
				       .cancel = &cancel };
	struct task *task;

	play(1);
	atomic_store(&cancel, false);
	atomic_store(&over, false);
	s.nodes = talk;
	s.n = 1;
	task = task_start(on_thread, &s);
	/* The node stops reading after its request for the blobs. */
	while (!is_over()) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (nodes[0].bundle_lacks && nodes[0].stream)
			wire_stream_set_paused(nodes[0].stream, true);
		usleep(500);
	}
	task_join(task);
	ck_assert(result == -ECANCELED || was_kept());
	ck_assert(!talk[0].up || was_kept());
}

TEST(a_node_that_keeps_something_else_is_not_believed)
{
	struct peer_survey_setup s = { 0 };

	play(2);
	nodes[0].lies = true;
	run(&s);
	ck_assert(talk[0].up && !talk[0].bundle_outcomes[0].succeeded);
	ck_assert_str_eq(talk[0].bundle_outcomes[0].detail,
			 "digest mismatch after the upload");
	ck_assert(talk[1].up && talk[1].bundle_outcomes[0].succeeded);
}

TEST_RANGE(a_node_that_needs_what_nobody_told_it_of_is_left, 0, 2)
{
	struct peer_survey_setup s = { 0 };

	play(2);
	nodes[0].asks_too_much = !_i;
	nodes[0].asks_again = _i;
	run(&s);
	ck_assert(!talk[0].up);
	ck_assert_str_eq(talk[0].why,
			 "invalid NEED: unknown file, or too many requests");
	ck_assert(talk[1].up && talk[1].bundle_outcomes[0].succeeded);
}

/* A blob sent for one bundle is sent again if the node requests it. */
TEST(two_bundles_go_one_after_the_other)
{
	const struct peer_bundle *two[] = { &bundle, &bundle };
	struct peer_survey_setup s = { 0 };

	play(1);
	talk[0].bundles = two;
	talk[0].n_bundles = 2;
	run(&s);
	ck_assert(talk[0].up && talk[0].bundle_outcomes[0].succeeded &&
		  talk[0].bundle_outcomes[1].succeeded);
	ck_assert_uint_eq(nodes[0].bundles, 2);
	ck_assert_uint_eq(talk[0].upload_stats.n_files_sent, 2 * CONTENTS);
	ck_assert_uint_eq(figures.n_packed, CONTENTS);
}

TEST(a_silent_node_is_down)
{
	struct peer_survey_setup s = { .hello_timeout_ms = 300 };
	struct err err;

	play(1);
	node_address_release(&roster.v[0].address);
	must(node_address_parse(&roster.v[0].address, "exec:exec sleep 600",
				&err));
	run(&s);
	ck_assert(!talk[0].up);
	ck_assert_str_eq(talk[0].why, "no answer within 0.3 s");
}

TEST(what_is_not_what_was_installed_is_no_bundle)
{
	struct toolchain_installed t;
	struct peer_bundle other;
	struct err err;

	install(&t);
	write_at(t.dir, "gcc/lib/file-03", "another text", 3);
	err_is(peer_bundle_read(&other, &t, NULL, NULL, &err), -EBADMSG,
	       "%s: modified since its installation; run `kfarm toolchain "
	       "remove %s` and install it again",
	       t.dir, str_base(t.dir));
	t.adopted_from = (char *)"/usr";
	ck_assert_int_eq(peer_bundle_read(&other, &t, NULL, NULL, &err),
			 -EINVAL);
	free(t.dir);
}

TEST(a_file_that_changed_meanwhile_ends_it)
{
	struct peer_survey_setup s = { 0 };

	play(1);
	write_at(bundle.dir, "gcc/bin/aarch64-linux-gcc", "other", 60000);
	run(&s);
	ck_assert(!talk[0].up);
	ck_assert(!talk[0].bundle_outcomes[0].succeeded);
	text_is(talk[0].why, "%s/gcc/bin/aarch64-linux-gcc: file has changed",
		bundle.dir);
}
