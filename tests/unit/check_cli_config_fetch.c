/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* Kernel configurations from a URL, and their cache. */
#include "cli/config-sources.h"

#include "../lib/test.h"
#include "fetch-fixture.h"
#include "fetch/download.h"

#include <sys/file.h>

static char *cache, *text;
static struct err err;

static void set_up(void)
{
	cache = xasprintf("%s/cache.%d", play_dir, (int)getpid());
	setenv("XDG_CACHE_HOME", cache, 1);
	err = (struct err){ 0 };
	text = NULL;
}

static void tear_down(void)
{
	free(text);
	free(cache);
}

static void offer(const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", play_dir, name);

	must(fs_write(path, bytes_str(content), 0644, &err));
	free(path);
}

static int ask(const char *path)
{
	char *url = play_http(path);
	int ret;

	free(text);
	text = NULL;
	ret = config_fetch(url, &text, &err);
	free(url);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(a_cached_file_is_revalidated_and_replaced_if_changed)
{
	char last[400] = "";

	offer("one.config", "CONFIG_A=y\n");
	ck_assert_msg(!ask("/file/one.config"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_A=y\n");
	ck_assert_msg(!ask("/file/one.config"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_A=y\n");
	ck_assert_uint_eq(play_requests("/file/one.config", last, sizeof(last)),
			  2);
	text_has(last, "\"v0-11\"");
	offer("one.config", "CONFIG_A=n\nCONFIG_B=m\n");
	ck_assert_msg(!ask("/file/one.config"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_A=n\nCONFIG_B=m\n");
}

TEST(without_validators_the_file_is_downloaded_again)
{
	offer("two.config", "CONFIG_A=y\n");
	ck_assert_msg(!ask("/stamp=none/file/two.config"), "%s", err.text);
	offer("two.config", "CONFIG_A=n\n");
	ck_assert_msg(!ask("/stamp=none/file/two.config"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_A=n\n");
}

TEST(a_compressed_configuration_is_decompressed)
{
	char *command = xasprintf("echo CONFIG_Z=y | gzip >%s/config.gz",
				  play_dir);

	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(!ask("/file/config.gz"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_Z=y\n");
	free(command);
}

/* A closed port does not show that the file was removed. */
TEST(the_cached_file_is_used_if_the_server_is_unreachable)
{
	offer("kept.config", "CONFIG_K=y\n");
	ck_assert_msg(!ask("/file/kept.config"), "%s", err.text);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	ck_assert_msg(!ask("/file/kept.config"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_K=y\n");
	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(ask("/file/never.config"), -EIO);
	text_has(err.text, "/file/never.config");
	ck_assert_ptr_null(strstr(err.text, "[toolchain]"));
}

TEST(a_removed_file_is_an_error_despite_a_cached_copy)
{
	char *path = xasprintf("%s/gone.config", play_dir);

	offer("gone.config", "CONFIG_K=y\n");
	ck_assert_msg(!ask("/file/gone.config"), "%s", err.text);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ask("/file/gone.config"), -ENOENT);
	text_has(err.text, "no such file (HTTP 404)");
	free(path);
}

TEST(an_html_page_instead_of_the_file_is_an_error)
{
	offer("page", "CONFIG_K=y\n");
	ck_assert_msg(!ask("/stamp=none/file/page"), "%s", err.text);
	offer("page", "<html>moved</html>\n");
	ck_assert_int_eq(ask("/stamp=none/file/page"), -EINVAL);
	text_has(err.text, "not a kernel configuration");
	offer("page", "CONFIG_K=m\n");
	ck_assert_msg(!ask("/stamp=none/file/page"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_K=m\n");
}

TEST(requests_share_the_text_of_a_url)
{
	struct config_sources *c = config_sources_new();
	char *url = play_http("/file/shared.config");
	char last[400] = "";

	offer("shared.config", "CONFIG_S=y\n");
	for (int i = 0; i < 2; i++) {
		struct kconfig_request r = { 0 };

		strv_add(&r.fragments, url);
		must(config_sources_resolve(c, &r, &err));
		ck_assert_ptr_nonnull(r.fetched);
		ck_assert_uint_eq(r.fetched->urls.n, 1);
		ck_assert_str_eq(r.fetched->urls.v[0], url);
		ck_assert_str_eq(r.fetched->texts.v[0], "CONFIG_S=y\n");
		strv_release(&r.fragments);
	}
	ck_assert_uint_eq(
		play_requests("/file/shared.config", last, sizeof(last)), 1);
	config_sources_free(c);
	free(url);
}

TEST(a_concurrent_download_is_not_waited_for)
{
	char *command = xasprintf("ls %s/kfarm/url/*.part", cache);
	char part[300] = "";
	FILE *f;
	int fd;

	offer("busy.config", "CONFIG_K=y\n");
	ck_assert_msg(!ask("/file/busy.config"), "%s", err.text);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%299s", part), 1);
	pclose(f);
	fd = open(part, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_msg(!ask("/file/busy.config"), "%s", err.text);
	ck_assert_str_eq(text, "CONFIG_K=y\n");
	close(fd);
	free(command);
}

static const struct {
	const char *path;
	int answer;
	const char *says;
} hostile[] = {
	{ "/endless/c", -EFBIG, "more than 16777216 bytes" },
	{ "/length=99999999999/size=10/c", -EFBIG, "more than" },
	{ "/endless-head/c", -EIO, "/endless-head/c: " },
	{ "/to-file", -EACCES, "file:///etc/passwd: unsupported protocol" },
	{ "/loop/c", -EIO, "more than 10 redirects" },
	{ "/status=404/c", -ENOENT, "no such file (HTTP 404)" },
	{ "/status=403/c", -EACCES, "access denied (HTTP 403)" },
	{ "/status=503/c", -EIO, "temporary server error (HTTP 503)" },
	{ "/size=5000/cut=100/c", -EIO, "try again later" },
	{ "/size=5000/c", -EINVAL, "not a kernel configuration" },
	{ "/listing/c", -EINVAL, "not a kernel configuration" },
};

TEST_EACH(invalid_responses_are_rejected, hostile)
{
	ck_assert_int_eq(ask(row->path), row->answer);
	play_expect_text(&err, row->says);
	ck_assert_ptr_null(text);
}

TEST(a_password_is_not_shown)
{
	char *url = xasprintf("http://me:secret@127.0.0.1:%d/status=404/p",
			      bad.port[1]);

	ck_assert_int_eq(config_fetch(url, &text, &err), -ENOENT);
	ck_assert_ptr_null(strstr(err.text, "secret"));
	free(url);
}
