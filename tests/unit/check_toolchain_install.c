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

static struct toolchain_install_request request;
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
	request = (struct toolchain_install_request){
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
	return toolchain_install(&request, &t, &err);
}

/*
 * Run a command in the compiler's directory, where $FAKE is the source of the
 * compiler, and make a new archive.
 */
static void change_archive(const char *command)
{
	char *source = realpath("tests/toolchain/fake.c", NULL);
	char *all = xasprintf("FAKE=%s && cd %s && "
			      "(cd gcc-13.3.0-nolibc/" FAKE_TRIPLET " && %s) "
			      "&& tar -czf %s gcc-13.3.0-nolibc",
			      source, dir, command, archive);

	ck_assert_int_eq(system(all), 0); /* NOLINT: fixed commands */
	must(digest_file(archive, &archive_digest, &err));
	free(source);
	free(all);
}

/* Return true if no toolchain and no temporary file exists. */
static bool is_empty(void)
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
	request.archive_path = NULL;
	request.mirror_path = "gcc.tar.gz";
	request.mirrors = &mirrors;
	request.cache_dir = cache;
	request.fetch_options = &options;
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

TEST(the_recorded_manifest_id_matches_the_installed_compiler)
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

TEST(installing_an_installed_toolchain_again_fails_with_eexist)
{
	ck_assert_int_eq(install(), 0);
	ck_assert_int_eq(install(), -EEXIST);
	ck_assert_str_eq(t.id, "gcc-13.3.0-" FAKE_TRIPLET);
	ck_assert_ptr_nonnull(t.dir);
}

TEST(an_unverified_archive_is_rejected_unless_insecure_is_set)
{
	request.sha256 = NULL;
	ck_assert_int_eq(install(), -EKEYREJECTED);
	text_has(err.text, "--insecure");
	ck_assert(is_empty());
	request.insecure = true;
	ck_assert_int_eq(install(), 0);
	ck_assert(t.insecure && !t.sha256_given);
}

TEST_RANGE(a_wrong_digest_is_rejected_even_if_insecure_is_set, 0, 2)
{
	struct digest other;

	digest_bytes(bytes_str("other"), &other);
	request.sha256 = &other;
	request.insecure = _i;
	ck_assert_int_eq(install(), -EKEYREJECTED);
	text_has(err.text, "from --sha256");
	ck_assert(is_empty());
}

TEST_RANGE(strict_requires_a_signature_even_if_insecure_is_set, 0, 2)
{
	request.strict = true;
	request.insecure = _i;
	ck_assert_int_eq(install(), -EKEYREJECTED);
	text_has(err.text, "strict");
	ck_assert(is_empty());
}

TEST_RANGE(a_compiler_of_another_release_target_or_host_is_rejected, 0, 3)
{
	if (_i == 0)
		request.release.parts[2] = 1;
	else if (_i == 1)
		request.triplet = "riscv64-linux";
	else
		request.host = "ppc64";
	ck_assert_int_eq(install(), -ENOEXEC);
	ck_assert(is_empty());
}

/* Build libkfarmx.so in `where`, and a program that finds it only there. */
#define LINK(program, where)                                          \
	"mkdir " where " && "                                         \
	"echo | cc -shared -o " where "/libkfarmx.so -xc - && "       \
	"cc -DVERSION='\"13.3.0\"' -DTRIPLET='\"" FAKE_TRIPLET "\"' " \
	"-o " program " $FAKE -L" where " -Wl,--no-as-needed "        \
	"-Wl,-rpath,'$ORIGIN'/../" where " -lkfarmx"

TEST(a_missing_library_differs_from_other_errors_of_libraries)
{
	struct strv files = { 0 };
	char *file = xasprintf("%s/libkfarmx.so", dir);

	change_archive(LINK("libexec/cc1", "lib") " && rm lib/libkfarmx.so");
	ck_assert_int_eq(install(), -ELIBACC);
	text_has(err.text, "libkfarmx.so");
	ck_assert(is_empty());
	must(fs_write(file, bytes_str("junk"), 0600, &err));
	strv_add(&files, file);
	request.library_files = &files;
	ck_assert_int_eq(install(), -EINVAL);
	text_has(err.text, file);
	ck_assert(is_empty());
	strv_release(&files);
	free(file);
}

TEST(a_compiler_without_a_manifest_does_not_count_as_installed)
{
	change_archive(LINK("bin/" FAKE_TRIPLET "-gcc",
			    "a") " && " LINK("libexec/cc1", "b"));
	ck_assert_int_eq(install(), -ENOEXEC);
	text_has(err.text, "libkfarmx.so resolves to both");
	ck_assert(is_empty());
}

TEST(installation_can_be_cancelled)
{
	atomic_bool cancel = true;
	struct fetch_options options = { .cancelled = &cancel };

	request.fetch_options = &options;
	ck_assert_int_eq(install(), -ECANCELED);
	ck_assert(is_empty());
}

struct result {
	struct toolchain_installed t;
	int ret;
};

static void *install_one(void *arg)
{
	struct toolchain_install_request own_request = request;
	struct result *result = arg;
	struct err ignored;

	own_request.on_progress = NULL;
	own_request.notes = NULL;
	result->ret = toolchain_install(&own_request, &result->t, &ignored);
	return NULL;
}

TEST(only_one_of_several_concurrent_installations_succeeds)
{
	struct result results[4] = { 0 };
	pthread_t threads[4];
	int n_installed = 0;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, install_one,
						&results[i]),
				 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		n_installed += !results[i].ret;
		ck_assert(!results[i].ret || results[i].ret == -EEXIST);
		ck_assert_str_eq(results[i].t.id, "gcc-13.3.0-" FAKE_TRIPLET);
		toolchain_installed_release(&results[i].t);
	}
	ck_assert_int_eq(n_installed, 1);
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

TEST_EACH(a_file_name_yields_release_triplet_and_host, names)
{
	struct toolchain_install_request parsed = { 0 };
	struct strv text = { 0 };
	int ret = toolchain_install_parse_file(&parsed, &text, row->name, &err);

	ck_assert_int_eq(ret, row->id ? 0 : -EINVAL);
	if (!ret) {
		char *id = toolchain_release_id(&parsed.release, parsed.triplet,
						parsed.host);

		ck_assert_str_eq(id, row->id);
		ck_assert_str_eq(parsed.archive_path, row->name);
		free(id);
	}
	strv_release(&text);
}
