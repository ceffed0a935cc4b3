/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/*
 * Installation of local archives with the compiler of tests/toolchain/fake.c.
 * tests/toolchain/install.sh tests servers.
 */
#include "toolchain/install.h"

#include "../lib/test.h"
#include "fetch/download.h"
#include "toolchain-fake.h"
#include "toolchain-server.h"

#include <pthread.h>
#include <stdatomic.h>

static struct toolchain_install_request order;
static struct toolchain_installed t;
static struct strv notes;
static unsigned stages;

static void on_progress(void *ctx, enum toolchain_install_stage stage,
			uint64_t done, uint64_t total)
{
	(void)ctx;
	ck_assert_uint_le(done, total);
	stages |= 1u << stage;
}

static void set_up(void)
{
	fake_begin("13.3.0");
	order = (struct toolchain_install_request){
		.data_dir = data,
		.release = { .n_parts = 3, .parts = { 13, 3, 0 } },
		.triplet = FAKE_TRIPLET,
		.archive_path = archive,
		.sha256 = &archive_digest,
		.on_progress = on_progress,
		.notes = &notes,
	};
	stages = 0;
}

static void tear_down(void)
{
	toolchain_installed_release(&t);
	strv_release(&notes);
	fake_end();
}

static int install(void)
{
	toolchain_installed_release(&t);
	return toolchain_install(&order, &t, &err);
}

/* Return true if no toolchain and no temporary file exists. */
static bool is_bare(void)
{
	char *command = xasprintf("[ -z \"$(find %s/toolchains -mindepth 1 "
				  "-not -name .live)\" ]",
				  data);
	bool is = !system(command); /* NOLINT: in a test's directory */

	free(command);
	return is;
}

FIXTURE(set_up, tear_down);

TEST(a_local_archive_is_installed)
{
	struct toolchain_installed again;
	char *driver;

	ck_assert_msg(!install(), "%s", err.text);
	ck_assert_str_eq(t.id, "gcc-13.3.0-" FAKE_TRIPLET);
	ck_assert_str_eq(t.relative_prefix, "gcc-13.3.0-nolibc/" FAKE_TRIPLET);
	ck_assert_str_eq(t.url, archive);
	ck_assert(t.sha256_given && !t.insecure);
	ck_assert(digest_is_set(&t.manifest_id));
	ck_assert(digest_equal(&t.archive_digest, &archive_digest));
	ck_assert_uint_eq(stages, 1u << TOOLCHAIN_STAGE_LOOKUP |
					  1u << TOOLCHAIN_STAGE_FETCH |
					  1u << TOOLCHAIN_STAGE_CHECK |
					  1u << TOOLCHAIN_STAGE_PUBLISH);
	driver = toolchain_installed_driver_path(&t);
	ck_assert_int_eq(access(driver, X_OK), 0);
	free(driver);
	must(toolchain_installed_verify(&t, NULL, &err));
	must(toolchain_installed_read(data, t.id, &again, &err));
	ck_assert(digest_equal(&again.dir_digest, &t.dir_digest));
	ck_assert_str_eq(again.dir, t.dir);
	toolchain_installed_release(&again);
}

TEST(the_url_is_recorded_without_the_password)
{
	static const struct page pages[] = { { "/gcc.tar.gz", "" }, { 0 } };
	struct fetch_options options = { .allow_http = true, .n_tries = 1 };
	char *url, *cache = xasprintf("%s/cache", dir);
	struct toolchain_installed again;
	struct strv mirrors = { 0 };
	struct buf body = { 0 };
	struct server s;

	must(fs_read(archive, 64 << 20, &body, &err));
	server_start(&s, pages);
	s.file = buf_bytes(&body);
	strv_addf(&mirrors, "http://me:secret@%s", s.url + strlen("http://"));
	order.archive_path = NULL;
	order.mirror_path = "gcc.tar.gz";
	order.mirrors = &mirrors;
	order.cache_dir = cache;
	order.fetch_options = &options;
	must(install());
	url = xasprintf("%s/gcc.tar.gz", s.url);
	ck_assert_str_eq(t.url, url);
	must(toolchain_installed_read(data, t.id, &again, &err));
	ck_assert_str_eq(again.url, url);
	toolchain_installed_release(&again);
	server_stop(&s);
	strv_release(&mirrors);
	buf_release(&body);
	free(cache);
	free(url);
}

TEST(the_content_is_that_of_its_place)
{
	struct compiler_manifest m;
	char *driver;

	ck_assert_int_eq(install(), 0);
	driver = toolchain_installed_driver_path(&t);
	must(compiler_manifest_make(&m, driver, environ, &err));
	ck_assert(digest_equal(&m.id, &t.manifest_id));
	compiler_manifest_release(&m);
	free(driver);
}

TEST(what_is_there_is_not_installed_again)
{
	ck_assert_int_eq(install(), 0);
	ck_assert_int_eq(install(), -EEXIST);
	ck_assert_str_eq(t.id, "gcc-13.3.0-" FAKE_TRIPLET);
	ck_assert_ptr_nonnull(t.dir);
}

TEST(what_nothing_vouches_for_is_refused)
{
	order.sha256 = NULL;
	ck_assert_int_eq(install(), -EKEYREJECTED);
	text_has(err.text, "--insecure");
	ck_assert(is_bare());
	order.insecure = true;
	ck_assert_int_eq(install(), 0);
	ck_assert(t.insecure && !t.sha256_given);
}

TEST_RANGE(another_digest_is_refused, 0, 2)
{
	struct digest other;

	digest_bytes(bytes_str("other"), &other);
	order.sha256 = &other;
	order.insecure = _i;
	ck_assert_int_eq(install(), -EKEYREJECTED);
	text_has(err.text, "from --sha256");
	ck_assert(is_bare());
}

TEST_RANGE(strict_wants_a_signature, 0, 2)
{
	order.strict = true;
	order.insecure = _i;
	ck_assert_int_eq(install(), -EKEYREJECTED);
	text_has(err.text, "strict");
	ck_assert(is_bare());
}

TEST_RANGE(one_that_is_not_what_was_ordered_is_refused, 0, 3)
{
	if (_i == 0)
		order.release.parts[2] = 1;
	else if (_i == 1)
		order.triplet = "riscv64-linux";
	else
		order.host = "ppc64";
	ck_assert_int_eq(install(), -ENOEXEC);
	ck_assert(is_bare());
}

TEST(it_can_be_cancelled)
{
	atomic_bool cancel = true;
	struct fetch_options options = { .cancelled = &cancel };

	order.fetch_options = &options;
	ck_assert_int_eq(install(), -ECANCELED);
	ck_assert(is_bare());
}

struct one {
	struct toolchain_installed t;
	int ret;
};

static void *install_one(void *arg)
{
	struct toolchain_install_request mine = order;
	struct one *one = arg;
	struct err ignored;

	mine.on_progress = NULL;
	mine.notes = NULL;
	one->ret = toolchain_install(&mine, &one->t, &ignored);
	return NULL;
}

TEST(of_several_at_once_one_installs_it)
{
	struct one all[4] = { 0 };
	pthread_t threads[4];
	int made = 0;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, install_one, &all[i]),
			0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		made += !all[i].ret;
		ck_assert(!all[i].ret || all[i].ret == -EEXIST);
		ck_assert_str_eq(all[i].t.id, "gcc-13.3.0-" FAKE_TRIPLET);
		toolchain_installed_release(&all[i].t);
	}
	ck_assert_int_eq(made, 1);
}

static const struct {
	const char *name, *id;
} names[] = {
	{ "/a/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz",
	  "gcc-13.3.0-aarch64-linux-on-x86_64" },
	{ "arm64-gcc-7.3.0-nolibc_arm-linux-gnueabi.tar.gz",
	  "gcc-7.3.0-arm-linux-gnueabi-on-arm64" },
	{ "llvm-22.1.8-aarch64.tar.xz", "clang-22.1.8-on-arm64" },
	{ "llvm-22.1.8-aarch64", NULL },
	{ "llvm-22.1.8-vax.tar.xz", NULL },
	{ "x86_64-gcc-13.3.0-aarch64-linux.tar.xz", NULL },
	{ "x86_64-gcc-x-nolibc-aarch64-linux.tar.xz", NULL },
	{ "-gcc-13.3.0-nolibc-aarch64-linux.tar.xz", NULL },
	{ "x86_64-gcc-13.3.0-nolibc-.tar.xz", NULL },
	{ "gcc.tar.xz", NULL },
	{ "", NULL },
};

TEST_EACH(a_name_says_what_it_is, names)
{
	struct toolchain_install_request o = { 0 };
	struct strv text = { 0 };
	int ret = toolchain_install_parse_file(&o, &text, row->name, &err);

	ck_assert_int_eq(ret, row->id ? 0 : -EINVAL);
	if (!ret) {
		char *id = toolchain_release_id(&o.release, o.triplet, o.host);

		ck_assert_str_eq(id, row->id);
		ck_assert_str_eq(o.archive_path, row->name);
		free(id);
	}
	strv_release(&text);
}
