/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "../lib/test.h"
#include "fetch-fixture.h"

#include "fetch/download.h"

#include <sys/file.h>
#include <sys/syscall.h>

#define MANY (1u << 20)

static int flock_errno; /* the error of each flock(), or 0 */

/* The header of the C library has parameter names of its own. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int flock(int fd, int operation)
{
	errno = flock_errno;
	return flock_errno ? -1 : (int)syscall(SYS_flock, fd, operation);
}

static char *part_from(void)
{
	return xasprintf("%s.from", play_part);
}

/* Replace the content of PART.from. */
static void write_from(const char *text)
{
	char *path = part_from();
	struct err err = { 0 };

	must(fs_write(path, bytes_str(text), 0644, &err));
	free(path);
}

static void expect_part(uint64_t size)
{
	struct stat st;

	ck_assert_int_eq(stat(play_part, &st), 0);
	ck_assert_int_eq(st.st_size, size);
}

/* Leave the first `n` bytes of PATH in the part file. */
static void leave(const char *path, uint64_t n)
{
	struct err err = { 0 };
	char *broken = xasprintf("/cut=%u/cuts=1%s", (unsigned)n, path);

	play_options.n_tries = 1;
	ck_assert_int_eq(play_get(play_url(broken), play_part, MANY, &err),
			 -EIO);
	expect_part(n);
	play_options.n_tries = 0;
	free(broken);
}

/* Download the same file completely. */
static int go_on(const char *path, uint64_t n, struct err *err)
{
	char *broken = xasprintf("/cut=%u/cuts=1%s", (unsigned)n, path);
	int ret = play_get(play_url(broken), play_part, MANY, err);

	free(broken);
	return ret;
}

/* --------------------------------------------------------------- resumption */

TEST(a_partial_download_is_resumed_at_its_end)
{
	struct err err = { 0 };
	char last[200] = "";

	leave("/size=1000/f", 700);
	must(go_on("/size=1000/f", 700, &err));
	play_expect(1000, 0);
	ck_assert_uint_eq(got.restarts, 0);
	ck_assert_uint_eq(play_requests("/cut=700/cuts=1/size=1000/f", last,
					sizeof(last)),
			  2);
	ck_assert_str_eq(last, "bytes=700- \"v0-1000\"");
	expect_part(1000);
}

TEST(a_complete_part_is_requested_with_its_validator)
{
	struct err err = { 0 };
	char last[200] = "";

	for (int i = 0; i < 2; i++) {
		must(play_get(play_url("/size=1000/news"), play_part, MANY,
			      &err));
		play_expect(1000, 0);
		ck_assert_uint_eq(got.restarts, 0);
		expect_part(1000);
	}
	play_requests("/size=1000/news", last, sizeof(last));
	ck_assert_str_eq(last, "- \"v0-1000\"");
	fetch_partial_remove(play_part);
	ck_assert(!fs_exists(play_part));
}

/* Server behaviour, and whether the part file can be reused. */
static const struct {
	const char *options;
	bool is_resumed;
	/* the server sends a validator, so that a resumption is attempted */
	bool is_stamped;
} habits[] = {
	{ "", true, true },
	{ "/stamp=date", true, true },
	{ "/stamp=none", false, false },
	{ "/stamp=weak", false, false },
	{ "/range=ignored", false, true },
	{ "/range=refused", false, true },
	{ "/range=shifted", false, true },
	{ "/range=other", false, true },
};

TEST_EACH(a_part_is_replaced_if_the_server_cannot_resume, habits)
{
	char *path = xasprintf("%s/size=1000/habit", row->options);
	struct err err = { 0 };

	leave(path, 333);
	ck_assert_msg(!go_on(path, 333, &err), "%s: %s", path, err.text);
	play_expect(1000, 0);
	ck_assert_uint_eq(got.restarts, row->is_stamped && !row->is_resumed);
	expect_part(1000);
	free(path);
}

TEST_EACH(a_retry_restarts_if_the_server_cannot_resume, habits)
{
	char *path = xasprintf("/cut=334/cuts=1%s/size=1000/within",
			       row->options);
	struct err err = { 0 };

	ck_assert_msg(!play_get(play_url(path), NULL, MANY, &err), "%s: %s",
		      path, err.text);
	play_expect(1000, 0);
	ck_assert_uint_eq(got.restarts, !row->is_resumed);
	free(path);
}

TEST(a_file_changed_on_the_server_is_downloaded_from_the_start)
{
	struct err err = { 0 };

	leave("/size=1000/stamp=changing/v", 400);
	must(go_on("/size=1000/stamp=changing/v", 400, &err));
	play_expect(1000, 1);
	ck_assert_uint_eq(got.restarts, 1);
}

TEST(a_download_fails_if_the_sink_cannot_restart)
{
	struct fetch_sink sink = play_sink;
	char *url = play_url("/cut=5/cuts=1/stamp=none/no-restart");
	const char *const urls[] = { url, NULL };
	struct err err = { 0 };

	sink.on_restart = NULL;
	ck_assert_int_eq(fetch_download_file(urls, NULL, MANY, &play_options,
					     &sink, NULL, &err),
			 -EIO);
	play_expect_text(&err, "the file has changed on the server");
	free(url);
}

/* --------------------------------------------------------- a bad part file */

static const char *const spoiled[] = {
	"",
	"\n",
	"\n\n\n\n",
	"kfarm part 2 s\n\"v0-1000\"\n\n1000\n",
	"kfarm part 1 other\n\"v0-1000\"\n\n1000\n",
	"kfarm part 1 s\n\"v0-1000\"\n\n",
	"kfarm part 1 s\n\"v0-1000\"\n\nmany\n",
	"kfarm part 1 s\n\"v0-1000\"\n\n99999999999999999999999\n",
	"kfarm part 1 s\n\"v0-1000\"\n\n100\n", /* less than the file has */
	"kfarm part 1 s\n\n\n1000\n",
	"kfarm part 1 s\n\"v0\x1b\"\n\n1000\n",
};

TEST_EACH(a_part_with_an_invalid_from_file_is_discarded, spoiled)
{
	char *path = xasprintf("/size=1000/%d/s", _i);
	struct err err = { 0 };
	char last[200] = "";

	leave(path, 600);
	write_from(*row);
	must(go_on(path, 600, &err));
	play_expect(1000, 0);
	ck_assert_uint_eq(got.restarts, 0);
	free(path);
	path = xasprintf("/cut=600/cuts=1/size=1000/%d/s", _i);
	ck_assert_uint_eq(play_requests(path, last, sizeof(last)), 2);
	ck_assert_str_eq(last, "- -");
	free(path);
}

TEST(a_part_with_another_total_length_restarts)
{
	struct err err = { 0 };

	leave("/size=1000/s", 600);
	write_from("kfarm part 1 s\n\"v0-1000\"\n\n999\n");
	must(go_on("/size=1000/s", 600, &err));
	play_expect(1000, 0);
	ck_assert_uint_eq(got.restarts, 1);
}

TEST(a_part_larger_than_the_limit_is_discarded)
{
	struct err err = { 0 };

	leave("/size=1000/big", 600);
	must(play_get(play_url("/size=500/big"), play_part, 500, &err));
	play_expect(500, 0);
	expect_part(500);
}

TEST(an_oversized_download_leaves_an_empty_part)
{
	struct err err = { 0 };

	ck_assert_int_eq(
		play_get(play_url("/endless/size=9"), play_part, 500, &err),
		-EFBIG);
	expect_part(0);
}

TEST(a_locked_part_is_rejected)
{
	int fd = open(play_part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	struct err err = { 0 };

	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(play_get(play_url("/busy"), play_part, MANY, &err),
			 -EBUSY);
	play_expect_text(&err, "part: locked by another download");
	close(fd);
	must(play_get(play_url("/busy"), play_part, MANY, &err));
}

TEST(a_part_on_a_file_system_without_locks_is_rejected)
{
	struct err err = { 0 };

	flock_errno = ENOLCK;
	ck_assert_int_eq(play_get(play_url("/busy"), play_part, MANY, &err),
			 -ENOLCK);
	play_expect_text(&err, "/part: No locks available");
	flock_errno = 0;
}

TEST(a_part_that_is_a_symbolic_link_is_rejected)
{
	char *target = xasprintf("%s/victim", play_dir);
	struct err err = { 0 };

	ck_assert_int_eq(symlink(target, play_part), 0);
	ck_assert_int_eq(play_get(play_url("/link"), play_part, MANY, &err),
			 -ELOOP);
	play_expect_text(&err, "/part: ");
	ck_assert(!fs_exists(target));
	ck_assert_int_eq(unlink(play_part), 0);
	free(target);
}

TEST(a_part_that_cannot_be_written_is_named)
{
	char *path = xasprintf("%s/no-such/part", play_dir);
	struct err err = { 0 };

	ck_assert_int_eq(play_get(play_url("/nowhere"), path, MANY, &err),
			 -ENOTDIR);
	play_expect_text(&err, "no-such/part: parent directory does not exist");
	free(path);
}

TEST(a_failed_download_reports_where_its_part_is_saved)
{
	struct err err = { 0 };

	play_options.n_tries = 1;
	ck_assert_int_eq(
		play_get(play_url("/cut=9/kept"), play_part, MANY, &err), -EIO);
	play_expect_text(&err, "partial download saved in /tmp/kfarm-check.");
}
