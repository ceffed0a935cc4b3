/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/config-fetch.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/url.h"
#include "cli/progress.h"
#include "fetch/http.h"
#include "kernel/config-text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#define TRIES   2
#define STALL_S 15
#define MOST_S  120 /* for all of it */
#define DIGITS  24 /* of a file's name */

struct fetching {
	const char *url;
	char *kept; /* the file with what the last time gave */
	char *part; /* what came of it, with its date: fetch/part.h */
	struct buf raw;
	uint64_t deadline;
	struct err *err;
};

static int add_data(void *ctx, struct bytes b, struct err *err)
{
	struct fetching *f = ctx;

	if (clock_ms() > f->deadline)
		return err_set(err, ETIMEDOUT, "no end within %u s", MOST_S);
	buf_add_bytes(&f->raw, b);
	return 0;
}

static int forget_raw(void *ctx, struct err *err)
{
	struct fetching *f = ctx;

	(void)err;
	buf_reset(&f->raw);
	return 0;
}

static int fetch_raw(void *ctx)
{
	struct fetching *f = ctx;
	const struct fetch_options options = {
		.allow_http = !strncasecmp(f->url, "http:", 5),
		.bare = true,
		.tries = TRIES,
		.stall_s = STALL_S,
	};
	const struct fetch_sink sink = { .data = add_data,
					 .restart = forget_raw,
					 .ctx = f };
	const char *const urls[] = { f->url, NULL };
	int ret;

	f->deadline = clock_ms() + MOST_S * UINT64_C(1000);
	ret = fetch_get(urls, f->part, KERNEL_CONFIG_MAX, &options, &sink, NULL,
			f->err);
	/* Another build that asks at this moment has it open. */
	if (ret == -EBUSY && !f->raw.len)
		ret = fetch_get(urls, NULL, KERNEL_CONFIG_MAX, &options, &sink,
				NULL, f->err);
	return ret;
}

/* What is kept, where the failure is not the server's word on the file. */
static int use_kept(struct fetching *f, int failure, char **out)
{
	char when[32];
	struct err why = *f->err, ignored;
	struct stat st;
	struct tm tm;

	if ((failure != -EIO && failure != -ETIMEDOUT) || stat(f->kept, &st) ||
	    kernel_config_text_read(f->kept, out, &ignored))
		return failure;
	localtime_r(&st.st_mtime, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	log_warning("%s; what it gave on %s is used", why.text, when);
	*f->err = (struct err){ 0 };
	return 0;
}

static int take_fetched(struct fetching *f, char **out)
{
	int ret = kernel_config_text(buf_bytes(&f->raw), out, f->err);
	char *name = url_shown(f->url);
	struct err ignored;

	if (ret) {
		fetch_forget(f->part);
		err_wrap(f->err, "%s", name);
	} else {
		/* Without it the next time needs the server. */
		fs_write(f->kept, buf_bytes(&f->raw), 0600, &ignored);
	}
	free(name);
	return ret;
}

int config_fetch(const char *url, char **out, struct err *err)
{
	char *cache = fs_cache_home(), *dir = xasprintf("%s/url", cache);
	char *name = url_shown(url);
	struct fetching f = { .url = url, .err = err };
	char hex[DIGEST_HEX];
	struct digest d;
	int ret;

	digest_of(bytes_str(url), &d);
	digest_hex(&d, hex);
	f.kept = xasprintf("%s/%.*s", dir, DIGITS, hex);
	f.part = xasprintf("%s.part", f.kept);
	ret = fs_mkdirs(dir, 0700, err);
	if (!ret) {
		ret = progress_run(name, "fetching", fetch_raw, &f);
		ret = ret ? use_kept(&f, ret, out) : take_fetched(&f, out);
	}
	buf_release(&f.raw);
	free(f.part);
	free(f.kept);
	free(name);
	free(dir);
	free(cache);
	return ret;
}
