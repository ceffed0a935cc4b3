/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/fetchone.c - fetchone CA PART OUT URL...: download a file
 * like kfarm; "list URL" instead prints the names of a listing.
 *
 * Prints the memory and the time: "KIB milliseconds MS".  The exit status is
 * 130 after SIGINT, and 1 after an error, which is on stderr.
 */
#include "base/clock.h"
#include "fetch/dir-listing.h"
#include "fetch/download.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static atomic_bool cancel;

static void on_interrupt(int number)
{
	(void)number;
	atomic_store(&cancel, true);
}

static int add(void *ctx, struct bytes b, struct err *err)
{
	if (write(*(int *)ctx, b.data, b.len) != (ssize_t)b.len)
		return err_errno(err, "write");
	return 0;
}

static int restart(void *ctx, struct err *err)
{
	if (ftruncate(*(int *)ctx, 0) || lseek(*(int *)ctx, 0, SEEK_SET))
		return err_errno(err, "start over");
	return 0;
}

static int list(const struct fetch_options *options, char **urls,
		struct err *err)
{
	struct strv names = { 0 };
	struct buf html = { 0 };
	int ret = fetch_download_text((const char *const *)urls,
				      FETCH_DIR_LISTING_BYTES_MAX, options,
				      &html, err);

	if (!ret)
		ret = fetch_dir_listing_parse(buf_bytes(&html), &names, err);
	for (size_t i = 0; i < names.n; i++)
		puts(names.v[i]);
	strv_release(&names);
	buf_release(&html);
	return ret;
}

static int get(const struct fetch_options *options, char **argv,
	       struct err *err)
{
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	const struct fetch_sink sink = { .on_data = add,
					 .on_restart = restart,
					 .ctx = &fd };
	uint64_t before = clock_ms();
	struct rusage usage;
	int ret;

	if (fd < 0)
		return err_errno(err, "open %s", argv[1]);
	ret = fetch_download_file((const char *const *)argv + 2, argv[0],
				  UINT64_MAX, options, &sink, NULL, err);
	getrusage(RUSAGE_SELF, &usage);
	printf("%ld milliseconds %lu\n", usage.ru_maxrss,
	       (unsigned long)(clock_ms() - before));
	close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	struct fetch_options options = { .cancelled = &cancel };
	struct err err = { 0 };
	int ret;

	if (argc < 4)
		return 2;
	signal(SIGINT, on_interrupt);
	options.ca_file = argv[1];
	if (!strcmp(argv[2], "list"))
		ret = list(&options, argv + 3, &err);
	else
		ret = get(&options, argv + 2, &err);
	if (ret)
		fprintf(stderr, "%s\n", err.text);
	return ret == -ECANCELED ? 130 : ret ? 1 : 0;
}
