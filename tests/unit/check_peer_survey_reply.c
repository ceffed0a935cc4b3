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
/* Six of the small files are empty, and one large file is added. */
#define CONTENTS (FILES + 1 - 5)

static struct peer_bundle bundle;
static const struct peer_bundle *bundles[] = { &bundle };
static struct peer_survey_node surveyed[NODES + 1];
static struct store_packed_cache_stats cache_stats;
static atomic_bool finished, cancel;
static int result;
static struct err why;
static char toolchain_id[] = "gcc-13.3.0-aarch64-linux-on-arm64";

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

/* Write small and empty files, one file of several pieces, and a symlink. */
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

	*t = (struct toolchain_installed){ .id = toolchain_id,
					   .release = (char *)"gcc-13.3.0",
					   .version = (char *)"13.3.0",
					   .triplet = (char *)"aarch64-linux",
					   .host = (char *)"arm64",
					   .relative_prefix = (char *)"gcc",
					   .driver = (char *)"gcc",
					   .date = (char *)"" };
	t->dir = at(toolchain_id);
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
		peer_survey_release(&surveyed[i]);
	end_nodes();
	peer_bundle_release(&bundle);
	event_base_free(base);
	tempdir_remove(dir);
}

static void on_thread(void *arg)
{
	result = peer_survey_run(arg, &cache_stats, &why);
	atomic_store(&finished, true);
}

static bool is_finished(void)
{
	return atomic_load(&finished);
}

static void run(struct peer_survey_setup *setup_)
{
	struct task *task;

	atomic_store(&finished, false);
	setup_->nodes = surveyed;
	setup_->n = roster.n;
	if (!setup_->hello_timeout_ms)
		setup_->hello_timeout_ms = 60000;
	task = task_start(on_thread, setup_);
	ck_assert_ptr_nonnull(task);
	turn_until(is_finished, 120000);
	task_join(task);
	ck_assert(is_finished());
}

/* Script `n` nodes, each of which receives the toolchain. */
static void script_nodes(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		nodes[i].held_host = "arm64";
		play_node(i, HONEST);
	}
	for (size_t i = 0; i < n; i++) {
		peer_survey_init(&surveyed[i], &roster.v[i]);
		surveyed[i].bundles = bundles;
		surveyed[i].n_bundles = 1;
	}
}

FIXTURE(setup, teardown);
TIMEOUT(240);

TEST(each_file_is_compressed_once_for_ten_nodes)
{
	struct peer_survey_setup s = { 0 };

	script_nodes(NODES);
	run(&s);
	ck_assert_int_eq(result, 0);
	for (size_t i = 0; i < NODES; i++) {
		ck_assert_msg(surveyed[i].up, "%s", surveyed[i].why);
		ck_assert(surveyed[i].bundle_outcomes[0].succeeded);
		ck_assert_uint_eq(nodes[i].bundles, 1);
		ck_assert_uint_eq(nodes[i].blobs, CONTENTS);
		ck_assert_uint_eq(surveyed[i].upload_stats.n_files_needed,
				  CONTENTS);
		ck_assert_uint_eq(surveyed[i].upload_stats.n_files_sent,
				  CONTENTS);
		ck_assert_uint_eq(surveyed[i].upload_stats.bytes_needed,
				  bundle.total_bytes);
		ck_assert_uint_eq(surveyed[i].upload_stats.bytes_sent,
				  bundle.total_bytes);
		ck_assert_uint_eq(nodes[i].blob_bytes, bundle.total_bytes);
	}
	ck_assert_uint_eq(cache_stats.n_packed, CONTENTS);
}

TEST(only_blobs_that_a_node_lacks_are_uploaded)
{
	struct peer_survey_setup s = { 0 };

	script_nodes(1);
	nodes[0].has_some = true;
	run(&s);
	ck_assert(surveyed[0].bundle_outcomes[0].succeeded);
	ck_assert_uint_gt(nodes[0].blobs, 0);
	ck_assert_uint_lt(nodes[0].blobs, FILES);
	ck_assert_uint_eq(cache_stats.n_packed, nodes[0].blobs);
	ck_assert_uint_eq(surveyed[0].upload_stats.n_files_sent,
			  nodes[0].blobs);
}

TEST(a_node_that_is_down_or_full_does_not_affect_others)
{
	struct peer_survey_setup s = { 0 };
	struct err err;

	script_nodes(3);
	nodes[1].refuses = true;
	node_address_release(&roster.v[2].address);
	must(node_address_parse(&roster.v[2].address,
				"exec:echo no such host >&2; exit 1", &err));
	run(&s);
	ck_assert_int_eq(result, 0);
	ck_assert(surveyed[0].up && surveyed[0].bundle_outcomes[0].succeeded);
	ck_assert(surveyed[1].up && !surveyed[1].bundle_outcomes[0].succeeded);
	ck_assert_str_eq(surveyed[1].bundle_outcomes[0].detail,
			 "the disk is full");
	ck_assert(!surveyed[2].up);
	ck_assert_str_eq(surveyed[2].why, "no such host");
}

TEST(a_survey_lists_and_removes_installed_toolchains)
{
	struct peer_survey_setup s = { 0 };
	char *drop[] = { toolchain_id, (char *)"gcc-1.1.1-x", NULL };

	script_nodes(2);
	nodes[0].held = toolchain_id;
	for (int i = 0; i < 2; i++) {
		surveyed[i].n_bundles = 0;
		surveyed[i].removals = drop;
		surveyed[i].n_removals = 2;
	}
	run(&s);
	ck_assert_uint_eq(surveyed[0].n_toolchains, 1);
	ck_assert_str_eq(surveyed[0].toolchains[0].id, toolchain_id);
	ck_assert_ptr_nonnull(peer_survey_find(&surveyed[0], toolchain_id));
	ck_assert_ptr_null(peer_survey_find(&surveyed[1], toolchain_id));
	ck_assert_str_eq(surveyed[0].fit.hosts.v[0], "arm64");
	ck_assert(surveyed[0].removal_outcomes[0].succeeded);
	ck_assert(!surveyed[0].removal_outcomes[1].succeeded);
	ck_assert_str_eq(surveyed[1].removal_outcomes[0].detail,
			 "no such toolchain");
	/* A second survey discards the results of the first. */
	run(&s);
	ck_assert_uint_eq(surveyed[0].n_toolchains, 1);
}

static void on_progress(void *ctx)
{
	(void)ctx;
	if (surveyed[0].upload_stats.n_files_needed)
		atomic_store(&cancel, true);
}

static bool was_uploaded(void)
{
	return nodes[0].bundles;
}

TEST(a_survey_can_be_cancelled_during_an_upload)
{
	struct peer_survey_setup s = { .on_progress = on_progress,
				       .cancel = &cancel };
	struct task *task;

	script_nodes(1);
	atomic_store(&cancel, false);
	atomic_store(&finished, false);
	s.nodes = surveyed;
	s.n = 1;
	task = task_start(on_thread, &s);
	/* The node stops reading after its request for the blobs. */
	while (!is_finished()) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (nodes[0].bundle_lacks && nodes[0].stream)
			wire_stream_set_paused(nodes[0].stream, true);
		usleep(500);
	}
	task_join(task);
	ck_assert(result == -ECANCELED || was_uploaded());
	ck_assert(!surveyed[0].up || was_uploaded());
}

TEST(a_digest_mismatch_after_an_upload_is_a_failure)
{
	struct peer_survey_setup s = { 0 };

	script_nodes(2);
	nodes[0].lies = true;
	run(&s);
	ck_assert(surveyed[0].up && !surveyed[0].bundle_outcomes[0].succeeded);
	ck_assert_str_eq(surveyed[0].bundle_outcomes[0].detail,
			 "digest mismatch after the upload");
	ck_assert(surveyed[1].up && surveyed[1].bundle_outcomes[0].succeeded);
}

TEST_RANGE(a_node_that_sends_an_invalid_need_is_down, 0, 2)
{
	struct peer_survey_setup s = { 0 };

	script_nodes(2);
	nodes[0].asks_too_much = !_i;
	nodes[0].asks_again = _i;
	run(&s);
	ck_assert(!surveyed[0].up);
	ck_assert_str_eq(surveyed[0].why,
			 "invalid NEED: unknown file, or too many requests");
	ck_assert(surveyed[1].up && surveyed[1].bundle_outcomes[0].succeeded);
}

/* A blob sent for one bundle is sent again if the node requests it. */
TEST(the_second_of_two_bundles_reuses_compressed_blobs)
{
	const struct peer_bundle *two[] = { &bundle, &bundle };
	struct peer_survey_setup s = { 0 };

	script_nodes(1);
	surveyed[0].bundles = two;
	surveyed[0].n_bundles = 2;
	run(&s);
	ck_assert(surveyed[0].up && surveyed[0].bundle_outcomes[0].succeeded &&
		  surveyed[0].bundle_outcomes[1].succeeded);
	ck_assert_uint_eq(nodes[0].bundles, 2);
	ck_assert_uint_eq(surveyed[0].upload_stats.n_files_sent, 2 * CONTENTS);
	ck_assert_uint_eq(cache_stats.n_packed, CONTENTS);
}

TEST(a_silent_node_is_down_after_the_timeout)
{
	struct peer_survey_setup s = { .hello_timeout_ms = 300 };
	struct err err;

	script_nodes(1);
	node_address_release(&roster.v[0].address);
	must(node_address_parse(&roster.v[0].address, "exec:exec sleep 600",
				&err));
	run(&s);
	ck_assert(!surveyed[0].up);
	ck_assert_str_eq(surveyed[0].why, "no answer within 0.3 s");
}

TEST(a_modified_or_adopted_toolchain_is_rejected_as_a_bundle)
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

TEST(a_changed_file_ends_the_upload_to_a_node)
{
	struct peer_survey_setup s = { 0 };

	script_nodes(1);
	write_at(bundle.dir, "gcc/bin/aarch64-linux-gcc", "other", 60000);
	run(&s);
	ck_assert(!surveyed[0].up);
	ck_assert(!surveyed[0].bundle_outcomes[0].succeeded);
	text_is(surveyed[0].why,
		"%s/gcc/bin/aarch64-linux-gcc: file has changed", bundle.dir);
}
